"""Leaps against every event: laws, distributions, births and the pool. Thresholds: p below 1e-9, once for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engines import UNLIKELY, sizes
from leaps import FAST, SIX, SPHERES, compare, leaping, population, stiff
from models import (
    ROOM,
    VOLUME,
    box,
    classical,
    no_rates,
    power_law,
    program,
    reaction,
    species,
    sphere_tables,
    syringe,
    tables,
)
from scipy import stats

from kmcgrowth.model.types import Coalescence, FloatArray, Nucleation, RateConstant, Sticking, Withdrawal
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun


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
        reactions=(reaction({1: 2}, {2: 1}, 2e-3), reaction({2: 1}, {1: 2}, 0.1),
                   reaction({1: 1}, {0: 4}, 0.02)),
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


def test_births_of_clusters_come_when_the_clusters_decay() -> None:
    """In one step of 1 s, of clusters that live for 0.2 s."""
    model = stiff(
        20, **species({"monomer": 280, "A": 5000}, {"A": 110}), reactions=(reaction({1: 1}, {}, 4.0, lost=True),),
        nucleation=Nucleation("cluster", cluster=1, rate=RateConstant(1.0, ROOM, 0.0)),
    )
    run = leaping(model, 25)
    run._kernel.fixed = 1.0
    run.advance(1.0 - 1e-12)
    born = run._kernel.last_births()
    assert run._kernel.leaps == 1 and len(born) > 800
    assert stats.kstest(born, lambda t: np.expm1(-5.0 * t) / np.expm1(-5.0)).pvalue > UNLIKELY


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
    """Two-sample test against every event, and the pool is near Poisson."""
    model = stiff(60, initial=np.array([900]))
    found: dict[str, list[int]] = {"exact": [], "leap": []}
    for k in range(400):
        for name, run in (("exact", ExactRun(model, np.random.default_rng([9, k]))), ("leap", leaping(model, 10, k))):
            run.advance(6.0)
            found[name].append(int(run.counts().amounts[0]))
    assert run._kernel.leaps > 1
    assert stats.ks_2samp(found["exact"], found["leap"]).pvalue > UNLIKELY
    # the variance of 400 draws is known to 7 %
    assert abs(np.var(found["leap"]) / np.mean(found["leap"]) - 1.0) < SIX * 0.071


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
