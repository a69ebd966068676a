"""Slow and fast channels in leaps, and corners. Thresholds: p below 1e-9, once for all."""

from __future__ import annotations

import numpy as np
import pytest
from engines import UNLIKELY, assert_binomial, assert_poisson, sizes
from leaps import FAST, SIX, SPHERES, compare, leaping, population, stiff
from models import (
    ROOM,
    VOLUME,
    box,
    classical,
    no_rates,
    power_law,
    reaction,
    species,
    sphere_tables,
    syringe,
    tables,
)
from scipy import stats

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, Model, Nucleation, RateConstant, Sticking
from kmcgrowth.reactor.arrays import chemistry, distance_to_rough, flow_of_matter
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun


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


# -- channels that leave by groups, curve, or follow others -------------------------------------------------


@pytest.mark.parametrize("k", [2, 8, 22])
def test_molecules_that_leave_by_groups_lose_none_of_them(k: int) -> None:
    """k A -> B at a rate proportional to A, in many steps: d<A>/dt = -k c A, and B has the noise of whole groups."""
    model = stiff(20, **species({"monomer": 280, "A": 100 * k, "B": 0}, {"A": 1, "B": k}),
                  reactions=(reaction({1: k}, {2: 1}, 0.5 / k, orders={1: 1.0}),))
    made = []
    for seed in range(400):
        run = leaping(model, 26, k, seed)
        run._kernel.fixed = 0.02
        run.advance(1.0 * (1.0 - 1e-12))
        count = run._kernel.arrays()["count"]
        assert count[1] + k * count[2] == 100 * k and run._kernel.leaps == 50
        made.append(int(count[2]))
    # groups that go independently of each other: binomial of 100 with 1 - exp(-1/2)
    assert_binomial(made, 100, float(-np.expm1(-0.5)))


CURVED: dict[str, tuple[int, dict[int, int], float, dict[int, float] | None]] = {
    "order 0": (0, {1: 1}, 500.0, {}),
    "order 1/2": (0, {1: 1}, 32.0, {1: 0.5}),
    "pairs": (0, {1: 2}, 1e-3, None),
    "two species": (1000, {1: 1, 2: 1}, 1e-3, None),
}


@pytest.mark.parametrize("name", CURVED)
def test_curved_reactions_fluctuate_as_they_should(name: str) -> None:
    """Mean and variance of A against every event, in boxes whose exchange is leapt over."""
    partner, taken, rate, orders = CURVED[name]
    order = sum(taken.values() if orders is None else orders.values())
    model = stiff(
        60, **species({"monomer": 840, "A": 1000, "B": partner}, {"A": 1, "B": 1}), tables=FAST,
        reactions=(reaction(taken, {}, rate * 60.0 ** (order - 1.0), orders=orders, lost=True),),
    )
    left: dict[str, list[int]] = {"exact": [], "leap": []}
    for k in range(300):
        both = {"exact": ExactRun(model, np.random.default_rng([27, k])), "leap": leaping(model, 28, k)}
        for engine, run in both.items():
            run.advance(0.7)
            left[engine].append(int(run.counts().amounts[1]))
    assert run._kernel.leaps > 1
    exact, leap = np.array(left["exact"]), np.array(left["leap"])
    error = np.sqrt((exact.var() + leap.var()) / 300)
    assert abs(exact.mean() - leap.mean()) < SIX * error
    # both variances are known to 8 %, and a leap that turns a quarter of a reactant over changes its noise by as much
    assert abs(np.log(leap.var() / exact.var())) < SIX * 0.115 + 0.12


def test_nuclei_of_clusters_that_are_made_in_the_step() -> None:
    """A becomes B becomes a particle: births follow both decays, and what is born early has grown longer."""
    model = stiff(
        **species({"monomer": 5600, "A": 600, "B": 0}, {"A": 110, "B": 110}), tables=FAST,
        reactions=(reaction({1: 1}, {2: 1}, 0.8),),
        nucleation=Nucleation("cluster", cluster=2, rate=RateConstant(4.0, ROOM, 0.0)),
    )
    compare(model, 2.0, lambda c: (*population(c), c.tallies["born"], float(c.amounts[2])), 24, 29)


def test_particles_that_grow_by_sticking_alone() -> None:
    """Means and widths of the population balance, which has no steps to speak of, while the particles grow by half."""
    number = 2000

    def stick(temperature: float, n_max: int) -> FloatArray:
        return 0.08 * VOLUME * (np.arange(n_max + 1.0) / 1000.0) ** (2 / 3)

    model = box(
        14 * number, tuple(np.random.default_rng(30).integers(900, 1100, number).tolist()), tables=FAST,
        control_volume=number * VOLUME, flask_volume=1e6 * number * VOLUME,
        **species({"monomer": 14 * number, "A": 60 * number}, {"A": 22}),
        sticking=(Sticking(1, 22, stick),),
    )
    balance = BalanceRun(model, resolved=None)
    balance.advance(8.0)
    seen, expected = [], _mean_and_width(balance.counts())
    for k in range(12):
        run = leaping(model, 31, k)
        run.advance(8.0)
        seen.append(_mean_and_width(run.counts()))
    found = np.array(seen)
    assert run._kernel.leaps > 3 and expected[0] > 1500.0
    error = found.std(axis=0, ddof=1) / np.sqrt(12.0) * stats.t.isf(0.5 * UNLIKELY, 11) + 0.002 * np.abs(expected)
    assert np.all(np.abs(found.mean(axis=0) - expected) < error)


def _mean_and_width(counts: Counts) -> FloatArray:
    number = counts.seed + counts.nucleated
    mean = float(number @ counts.sizes) / float(number.sum())
    return np.array([mean, np.sqrt(float(number @ (counts.sizes - mean) ** 2) / float(number.sum())) / mean])


def test_a_histogram_has_its_shape_whenever_it_is_looked_at() -> None:
    """Equal seeds spread as those of the exact engine do, at times that have nothing to do with steps."""
    model = box(14 * 600, (1000,) * 600, tables=FAST, control_volume=600 * VOLUME, flask_volume=1e6 * 600 * VOLUME)
    for k, time in enumerate((0.03, 0.11, 0.2, 0.37)):
        exact, leap = ExactRun(model, np.random.default_rng([32, k])), leaping(model, 33, k)
        exact.advance(time)
        leap.advance(time)
        assert leap._kernel.leaps > 0
        # shifts of the mean by one pool are those of all particles: the shape alone is compared
        one, two = (np.array(sizes(run.counts()), dtype=float) for run in (exact, leap))
        assert stats.ks_2samp(one - one.mean(), two - two.mean()).pvalue > UNLIKELY
        assert np.bincount(two.astype(int)).max() < 4 * np.bincount(one.astype(int)).max()
