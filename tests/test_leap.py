"""Leaps against every event: laws, distributions, births and the pool. Thresholds: p below 1e-9, once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engines import UNLIKELY, assert_binomial, assert_poisson, sizes
from models import (
    ROOM,
    VOLUME,
    box,
    classical,
    no_rates,
    particles,
    power_law,
    program,
    reaction,
    species,
    sphere_tables,
    syringe,
    tables,
)
from scipy import stats

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Coalescence, FloatArray, Model, Nucleation, RateConstant, Sticking, Withdrawal
from kmcgrowth.reactor.arrays import chemistry, distance_to_rough, flow_of_matter
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun
from kmcgrowth.reactor.leap_between import spread

SIX = 6.1
"""Standard errors of a Gaussian beyond which the two-sided p-value is below 1e-9."""

SPHERES = sphere_tables(0.5, 10.0, 2.0)
FAST = sphere_tables(5.0, 10.0, 2.0)


def leaping(model: Model, *seed: int, tolerance: float = 0.01) -> LeapRun:
    """A run that leaps even where it does not pay."""
    run = LeapRun(replace(model, tolerance=tolerance), np.random.default_rng(seed))
    run._kernel.always = True
    return run


def stiff(number: int = 400, **changes: Any) -> Model:
    """Spheres of 60 to 180 units that exchange hundreds of monomers for each that they gain or lose."""
    rng = np.random.default_rng(5)
    settings: dict[str, Any] = {
        "control_volume": number * VOLUME, "flask_volume": 1e6 * number * VOLUME, "tables": SPHERES,
        "seeds": particles(*rng.integers(60, 180, number).tolist()),
    }
    return box(14 * number, **(settings | changes))


def compare(
    model: Model, time: float, look: Callable[[Counts], tuple[float, ...]], runs: int, seed: int,
    tolerance: float = 0.01,
) -> None:
    """Means of what both engines show agree within six standard errors, and so do the variances."""
    both = []
    for make in (ExactRun, LeapRun):
        found = []
        for k in range(runs):
            run = make(replace(model, tolerance=tolerance), np.random.default_rng([seed, k]))
            run.advance(time)
            found.append(look(run.counts()))
        both.append(np.array(found, dtype=float))
    assert run._kernel.leaps > 3
    exact, leap = both
    error = np.sqrt((exact.var(axis=0, ddof=1) + leap.var(axis=0, ddof=1)) / runs)
    gap = np.abs(exact.mean(axis=0) - leap.mean(axis=0))
    assert np.all(gap <= SIX * error + 1e-12), (exact.mean(axis=0), leap.mean(axis=0), error)


def population(counts: Counts) -> tuple[float, ...]:
    """Number, mean and standard deviation of the size, monomers, supersaturation."""
    n = np.array(sizes(counts))
    return float(n.size), float(n.mean()), float(n.std()), float(counts.amounts[0]), counts.supersaturation


# -- against every event ------------------------------------------------------------------------------


def test_ripening() -> None:
    compare(stiff(), 20.0, population, 24, 1)


def test_feed_dilution_and_a_first_order_chain() -> None:
    model = stiff(
        **species({"A": 4000, "B": 0}, {"A": 4, "B": 4}),
        reactions=(reaction({1: 1}, {2: 1}, 0.05), reaction({2: 1}, {0: 4}, 1e4),
                   reaction({0: 1}, {}, 1e-3, lost=True)),
        syringes=(syringe({1: 4000}, 80.0, (0.0, 4.0)),),
    )
    compare(model, 15.0, lambda c: (*population(c), *map(float, c.amounts), c.tallies["lost:reaction"]), 24, 2)


def test_clusters_that_join_and_part() -> None:
    """What a reversible reaction gives back may leave again in the same step."""
    model = stiff(
        **species({"A": 12_000, "B": 0}, {"A": 4, "B": 8}),
        reactions=(reaction({1: 2}, {2: 1}, 2e-4 * 400 * VOLUME), reaction({2: 1}, {1: 2}, 0.4),
                   reaction({1: 1}, {0: 4}, 0.1)),
    )
    compare(model, 10.0, lambda c: (*population(c), *map(float, c.amounts)), 24, 24)


def test_temperature_ramp_and_expansion() -> None:
    def warm(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        up, down = SPHERES(temperature, n_max)
        return up * (temperature / ROOM) ** 3, down * (temperature / ROOM) ** 12

    model = stiff(
        tables=warm, temperature=program((0.0, ROOM), (4.0, ROOM), (12.0, ROOM + 4.0)), expansion=1e-3,
        solubility=lambda T: 10.0 / VOLUME * (T / ROOM) ** 9,
    )
    compare(model, 15.0, population, 24, 3)


def test_sticking_clusters() -> None:
    def stick(temperature: float, n_max: int) -> FloatArray:
        return 2e-3 * VOLUME * np.arange(n_max + 1.0) ** (1 / 3)

    model = stiff(**species({"monomer": 5600, "A": 800}, {"A": 8}), sticking=(Sticking(1, 8, stick),))
    compare(model, 15.0, lambda c: (*population(c), float(c.amounts[1])), 24, 4)


def test_aliquots() -> None:
    model = stiff(withdrawals=(Withdrawal(5.0, 100 * VOLUME), Withdrawal(9.0, 60 * VOLUME)))
    compare(model, 12.0, lambda c: (*population(c), float(c.matter["aliquot"][0])), 24, 5)


@pytest.mark.parametrize("law", ["constant", "brownian"])
@pytest.mark.parametrize("largest", [150, Coalescence.largest])
def test_coalescence(law: str, largest: int) -> None:
    """A fifth of the particles meet another one, while all exchange and dissolve; with and without a limit of size."""
    shape = 1.0 if law == "constant" else 4.0
    model = stiff(coalescence=Coalescence(law, lambda T: 1e-4 * VOLUME / shape * 400.0, largest), tables=FAST)
    compare(model, 12.0, lambda c: (*population(c), c.tallies["coalesced"], float(np.max(sizes(c)))), 24, 22)


def test_coalescence_alone_is_counted_once() -> None:
    """Leaps and windows by turns, looks and changes in between: N falls as 1/(1 + x), no pair twice, none forgotten."""
    model = stiff(coalescence=Coalescence("constant", lambda T: 4e-4 * 400 * VOLUME))
    left = []
    for k in range(200):
        run = leaping(model, 23, k)
        for i, time in enumerate(np.linspace(0.0, 5.0, 12)[1:]):
            run._kernel.always = i % 3 != 1
            run.advance(float(time))
            if i % 2:
                run.change(model)
        left.append(len(sizes(run.counts())))
    assert run._kernel.leaps > 3 and run._kernel.windows > 3
    # nothing dissolves in so short a time; the number of a pure death process has at most the variance of its mean
    expected = 400 / (1.0 + 4e-4 * 400 * 5.0 / 2.0)
    assert abs(np.mean(left) - expected) < SIX * np.sqrt(np.var(left) / 200) + 0.002 * expected


@pytest.mark.parametrize("law", ["classical", "power", "cluster"])
def test_births_agree(law: str) -> None:
    """Nucleation beside an exchange that is hundreds of times faster; births are some hundred a run."""
    laws = {
        "classical": classical(0.5, 0.008),
        "power": replace(classical(8e-3), law="power", exponent=4.0),
        "cluster": Nucleation("cluster", cluster=1, rate=RateConstant(0.02, ROOM, 0.0)),
    }
    model = stiff(
        **species({"monomer": 5600, "A": 600 if law == "cluster" else 0}, {"A": 110}),
        nucleation=laws[law], tables=FAST, syringes=(syringe({0: 9000}, 1e-3, (0.0, 1e-4)),),
    )
    compare(model, 9.0, lambda c: (*population(c), c.tallies["born"]), 24, 6)


def test_births_are_as_many_as_the_exact_ones_within_five_per_cent() -> None:
    born = []
    syringes = (syringe({0: 30_000}, 1e-3, (0.0, 1e-4)),)
    model = stiff(1500, nucleation=classical(4.0, 0.008), syringes=syringes, tables=FAST)
    for make in (ExactRun, LeapRun):
        total = 0
        for k in range(8):
            run = make(model, np.random.default_rng([7, k]))
            run.advance(9.0)
            total += int(run.counts().tallies["born"])
        born.append(total)
    # births in the ten thousands: the standard error of the ratio is about 1 %
    assert run._kernel.leaps > 20 and born[0] > 10_000
    assert abs(born[1] / born[0] - 1.0) < 0.05


def test_shot_noise_of_growth() -> None:
    """V6 in leaps: Var(n) = b n [1 - (n0/n)^(1 - 2p)]/(1 - 2p) for rates ~ n^p from exactly n0."""
    first, count, pool = 400, 2000, 10**9
    for exponent in (0.0, 2 / 3):
        table = tables(power_law(1.0 / pool * count, exponent), no_rates)
        model = box(pool, (first,) * count, tables=table, control_volume=count * VOLUME)
        run = leaping(model, 8)
        run.advance(200.0 / first**exponent)
        n = np.array(sizes(run.counts()), dtype=float)
        grown, p = float(n.mean()), exponent
        expected = grown * (1.0 - (first / grown) ** (1.0 - 2.0 * p)) / (1.0 - 2.0 * p)
        assert run._kernel.leaps > 0 and grown > first + 150
        # variance of 2000 draws: relative standard error 3.2 %
        assert abs(float(n.var()) / expected - 1.0) < SIX * 0.032
        if exponent == 0.0:
            assert abs(grown - first - 200.0) < SIX * np.sqrt(200.0 / count)


# -- the pool -------------------------------------------------------------------------------------------


def test_the_pool_of_a_closed_box_fluctuates_as_it_should() -> None:
    """Two-sample test against every event, at the end of a step and inside one; and the pool is near Poisson."""
    model = stiff(60, initial=np.array([900]))
    found: dict[str, list[int]] = {"exact": [], "end": [], "inside": []}
    for k in range(400):
        exact = ExactRun(model, np.random.default_rng([9, k]))
        exact.advance(6.0)
        found["exact"].append(int(exact.counts().amounts[0]))
        run = leaping(model, 10, k)
        run.advance(6.0)
        found["inside"].append(int(run.counts().amounts[0]))
        run.advance(float(run._step["end"]))
        found["end"].append(int(run.counts().amounts[0]))
    for where in ("end", "inside"):
        assert stats.ks_2samp(found["exact"], found[where]).pvalue > UNLIKELY
        ratio = np.var(found[where]) / np.mean(found[where])
        # the variance of 400 draws is known to 7 %
        assert abs(ratio - 1.0) < SIX * 0.071


def test_a_single_particle_in_a_closed_box_has_its_canonical_spread() -> None:
    """V7 in leaps: one particle and its pool, where the pool is all that holds the particle back."""
    model = box(60, (400,), tables=sphere_tables(0.5, 30.0, 1.0))
    exact, leap = [], []
    for k in range(300):
        one, two = ExactRun(model, np.random.default_rng([11, k])), leaping(model, 12, k)
        one.advance(4.0)
        two.advance(4.0)
        exact.append(sizes(one.counts())[0])
        leap.append(sizes(two.counts())[0])
    assert two._kernel.leaps > 3
    assert stats.ks_2samp(exact, leap).pvalue > UNLIKELY
    # both near a standard deviation of 6, known to 4 % each
    assert abs(np.std(leap) / np.std(exact) - 1.0) < SIX * 0.058


# -- slow and fast channels ----------------------------------------------------------------------------


def test_a_slow_channel_keeps_its_binomial_noise() -> None:
    """V8 in leaps: what is left of A after 2 s at 0.35/s, in steps of 0.4 s."""
    model = stiff(20, **species({"monomer": 280, "A": 40}, {"A": 1}),
                  reactions=(reaction({1: 1}, {}, 0.35, lost=True),))
    fixed = []
    for k in range(500):
        run = leaping(model, 14, k)
        run._kernel.fixed = 0.4
        run.advance(2.0 * (1.0 - 1e-12))
        fixed.append(int(run._kernel.arrays()["count"][1]))
        assert run._kernel.leaps == 5
    assert_binomial(fixed, 40, float(np.exp(-0.7)))


def test_a_fast_channel_follows_what_feeds_it() -> None:
    """A at 0.5/s becomes B, which lives for 1e-7 s and becomes C: C is all that A lost, and B never waits."""
    model = stiff(
        20, **species({"monomer": 280, "A": 60, "B": 0, "C": 0}, {"A": 1, "B": 1, "C": 1}),
        reactions=(reaction({1: 1}, {2: 1}, 0.5), reaction({2: 1}, {3: 1}, 1e7)),
    )
    lost = []
    for k in range(300):
        run = leaping(model, 15, k)
        run._kernel.fixed = 0.25
        run.advance(1.0 * (1.0 - 1e-12))
        count = run._kernel.arrays()["count"]
        assert count[2] <= 1 and count[1] + count[2] + count[3] == 60
        lost.append(60 - int(count[1]))
    assert_binomial(lost, 60, float(-np.expm1(-0.5)))


def test_a_syringe_keeps_its_binomial_noise() -> None:
    model = stiff(
        20, **species({"monomer": 280, "A": 0}, {"A": 1}), syringes=(syringe({1: 50}, 10.0, (0.0, 1.0)),),
    )
    out = []
    for k in range(400):
        run = leaping(model, 16, k)
        run._kernel.fixed = 0.5
        run.advance(3.0 * (1.0 - 1e-12))
        out.append(50 - int(run._kernel.arrays()["content"].sum()))
    assert_binomial(out, 50, 0.3)


def test_births_at_a_held_concentration_are_poisson() -> None:
    """V9 in leaps: a pool that nothing moves, beside particles that exchange with it."""
    def idle(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        n = np.arange(n_max + 1)
        return np.where(n > 1, 1e-3 * VOLUME, 0.0), np.where(n > 1, 0.2, 0.0)

    model = box(200, (500,) * 40, tables=idle, nucleation=classical(3.0, 0.02), control_volume=VOLUME)
    born = []
    for k in range(200):
        run = leaping(model, 17, k)
        run._kernel.fixed = 0.25
        run.advance(1.0 * (1.0 - 1e-12))
        born.append(int(run._kernel.born))
    from kmcgrowth.reactor.leap_twin import Flask, _Step

    # the mean field does not depend on chance but for the sums over the few that are born
    step = _Step(model, Flask.of(model, np.random.default_rng(0)), 1.0)
    mean = np.trapezoid([step.births(c, t)[0] for c, t in zip(step.mean, step.times, strict=True)], step.times)
    assert_poisson(born, float(mean))


# -- corners -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        box(0), box(5), box(0, (2,)), box(0, (2,), tables=SPHERES), box(0, (3, 2, 2), tables=SPHERES),
        box(1000, (300,), tables=SPHERES), box(3, (900,) * 3, tables=tables(power_law(0.3), no_rates)),
        box(0, (50,) * 30, tables=tables(no_rates, power_law(20.0))), stiff(30, initial=np.array([0])),
        stiff(30, tables=sphere_tables(0.5, 0.0, 1.0)), stiff(30, nucleation=classical(1e-30)),
    ],
    ids=["empty", "monomers", "pair", "pair dissolves", "few", "one", "no detachment", "all dissolve", "no monomer",
         "nothing detaches", "no births"],
)
@pytest.mark.parametrize("always", [True, False])
def test_corners(model: Model, always: bool) -> None:
    run = LeapRun(model, np.random.default_rng(18))
    run._kernel.always = always
    total = sum(run.counts().matter.values())
    for time in (1e-3, 0.1, 1.0, 30.0):
        run.advance(time)
        counts = run.counts()
        assert np.array_equal(sum(counts.matter.values()), total)
        assert counts.amounts.min() >= 0 and counts.sizes.min(initial=2) >= 2 and counts.matter["debt"].max() <= 0
    if model.tables is not SPHERES and counts.tallies["dissolved_seed"] == 30:
        assert counts.amounts[0] == 1500


def test_pure_growth_never_takes_a_unit_off() -> None:
    model = box(10**6, (50,) * 300, tables=tables(power_law(1e-5), no_rates), control_volume=VOLUME)
    run = leaping(model, 19)
    least = np.full(300, 50)
    for time in np.linspace(0.1, 3.0, 15):
        run.advance(time)
        n = np.array(sizes(run.counts()))
        assert n.size == 300 and np.all(n >= 50)
        assert n.sum() >= least.sum()
        least = n
    assert run._kernel.leaps > 0


def test_magic_sizes_are_not_leapt_over() -> None:
    """Where rates jump from size to size leaps shrink to single events, and every event is cheaper."""
    def magic(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        up, down = SPHERES(temperature, n_max)
        down[90] *= 0.2
        down[91] *= 5.0
        return up, down

    up, down = magic(ROOM, 400)
    far = distance_to_rough(up, down)
    assert far[90] == far[91] == 0 and far[89] == 0 and far[80] == 9 and far[100] == 8
    model = stiff(200, tables=magic)
    compared = []
    for make in (lambda k: ExactRun(model, np.random.default_rng([20, k])), lambda k: leaping(model, 21, k)):
        wells = []
        for k in range(60):
            run = make(k)
            run.advance(3.0)
            wells.append(sum(n == 90 for n in sizes(run.counts())))
        compared.append(wells)
    error = np.sqrt((np.var(compared[0]) + np.var(compared[1])) / 60)
    assert abs(np.mean(compared[0]) - np.mean(compared[1])) < SIX * error


def test_tables_know_which_species_feed_which() -> None:
    model = box(
        **species({"A": 1, "B": 1, "C": 1}, {"A": 2, "B": 2, "C": 1}),
        reactions=(reaction({2: 1}, {1: 1}, 1.0), reaction({1: 1}, {0: 2}, 1.0), reaction({0: 1}, {3: 1}, 1.0),
                   reaction({3: 1}, {0: 1}, 1.0)),
    )
    flow = flow_of_matter(chemistry(model))
    place = {s: i for i, s in enumerate(flow["order"].tolist())}
    assert place[2] < place[1] < place[0]
    assert flow["circular"].tolist() == [0, 0, 1, 1]


def test_units_are_handed_out_to_the_last() -> None:
    for units in (7, -7, 1000, -1000):
        sizes_, least = np.array([2, 3, 10, 50]), np.array([2, 2, 8, 2])
        left = spread(sizes_, units, 0.3, least)
        assert sizes_.sum() - 65 + left == units and np.all(sizes_ >= least)
        assert left == (0 if units > -51 else units + 51)
    none = np.empty(0, dtype=np.int64)
    assert spread(none, 5, 0.3, none) == 5
