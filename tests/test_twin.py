"""The exact reactor against the master equation and closed forms; one body for the twin and the compiled engine."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from engines import Engine, assert_binomial, assert_distributed, assert_poisson, engines, sizes
from master_equation import (
    canonical_distribution,
    closed_box,
    conversion_and_growth,
    explicit_nucleation,
    pairing,
)
from models import (
    ROOM,
    VOLUME,
    box,
    everything,
    no_rates,
    power_law,
    program,
    reaction,
    shot,
    species,
    sphere_tables,
    syringe,
    tables,
)
from scipy import stats
from scipy.integrate import quad

from kmcgrowth.model.types import Model, Nucleation, RateConstant, Sticking, Withdrawal

LAWS = ("none", "classical", "power", "cluster", "explicit")


@pytest.fixture(params=engines(), ids=lambda e: e.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


def tabulated(model: Model, n_max: int = 64) -> tuple[Any, Any]:
    return model.tables(ROOM, n_max)


# -- the master equation -----------------------------------------------------------------------------


@pytest.mark.parametrize("time", [0.3, 3.0])
def test_one_particle_that_may_dissolve(engine: Engine, time: float) -> None:
    model = box(4, (6,), tables=sphere_tables(0.6, 1.5, 1.2))
    equation = closed_box((6,), 4, VOLUME, *tabulated(model))
    found = engine.repeat(model, time, sizes, 700, 1)
    assert_distributed(found, equation.marginal(time, tuple))


def test_canonical_distribution_of_one_particle(engine: Engine) -> None:
    model = box(12, (10,), tables=sphere_tables(0.5, 6.0, 0.5))
    up, down = tabulated(model)
    down[2] = 0.0  # it cannot dissolve
    model = replace(model, tables=lambda T, n: (np.resize(up, n + 1), np.resize(down, n + 1)))
    p = canonical_distribution(22, VOLUME, up, down)
    assert p @ np.arange(23) < 20.0  # it does not take all
    found = engine.repeat(model, 12.0, lambda c: int(c.sizes[0]), 250, 2)
    assert_distributed(found, dict(enumerate(p.tolist())))
    equation = closed_box((10,), 12, VOLUME, up, down)
    reached = equation.marginal(12.0, lambda s: s[0])
    assert max(abs(reached[n] - p[n]) for n in range(2, 23)) < 1e-4  # long enough, by another route


@pytest.mark.parametrize("time", [0.4, 4.0])
def test_two_particles_in_one_box(engine: Engine, time: float) -> None:
    model = box(1, (3, 4), tables=sphere_tables(0.5, 1.0, 1.0))
    equation = closed_box((3, 4), 1, VOLUME, *tabulated(model))
    found = engine.repeat(model, time, sizes, 700, 3)
    assert_distributed(found, equation.marginal(time, tuple))


def test_conversion_release_and_growth(engine: Engine) -> None:
    model = box(
        sizes=(3,), **species({"A": 5, "B": 0}, {"A": 2, "B": 2}), tables=tables(power_law(0.4, 0.5), no_rates),
        reactions=(reaction({1: 1}, {2: 1}, 1.0), reaction({2: 1}, {0: 2}, 2.0)),
    )
    equation = conversion_and_growth(5, 3, VOLUME, 1.0, 2.0, 2, tabulated(model)[0])
    found = engine.repeat(model, 0.8, lambda c: (int(c.amounts[1]), int(c.amounts[2]), int(c.sizes[0])), 700, 4)
    assert_distributed(found, equation.marginal(0.8, tuple))


def test_explicit_nucleation(engine: Engine) -> None:
    model = box(8, tables=sphere_tables(0.05, 3.0, 0.6), nucleation=Nucleation("explicit"))
    equation = explicit_nucleation(8, VOLUME, *tabulated(model))
    found = engine.repeat(model, 1.0, sizes, 700, 5)
    assert_distributed(found, equation.marginal(1.0, tuple))


# -- closed forms ------------------------------------------------------------------------------------


def test_first_order_decay_is_binomial(engine: Engine) -> None:
    model = box(**species({"A": 40}, {}), reactions=(reaction({1: 1}, {}, 1.7, lost=True, name="decay"),))

    def look(counts: Any) -> int:
        left = int(counts.amounts[1])
        assert counts.tallies["events"] == counts.tallies["lost:decay"] == 40 - left
        return left

    assert_binomial(engine.repeat(model, 0.5, look, 300, 6), 40, np.exp(-0.85))


@pytest.mark.parametrize("exponent", [0.0, 2 / 3, 1.0])
def test_shot_noise_of_growth(engine: Engine, exponent: float) -> None:
    # V6 with b = 1; exact for p = 0 and 1, where the whole distribution is known
    first, last, monomers = 40, 80, 10**7
    model = box(monomers, (first,), tables=tables(power_law(1.0 / monomers, exponent), no_rates))
    time = quad(lambda n: n**-exponent, first, last)[0]
    found = engine.repeat(model, time, lambda c: int(c.sizes[0]), 500, 7)
    if exponent == 0.0:
        assert_poisson([n - first for n in found], last - first)
    if exponent == 1.0:
        born = np.arange(1000)
        chance = stats.nbinom.pmf(born, first, first / last)
        assert_distributed([n - first for n in found], dict(zip(born.tolist(), chance.tolist(), strict=True)))
    variance = last * (1.0 - (first / last) ** (1.0 - 2.0 * exponent)) / (1.0 - 2.0 * exponent)
    # p < 1e-8 of a near-Gaussian sample variance; 2 % for the linear noise at p = 2/3
    assert np.var(found, ddof=1) == pytest.approx(variance, rel=6.0 * np.sqrt(2.0 / len(found)) + 0.02)


def test_sticking_clusters_arrive_as_packets(engine: Engine) -> None:
    clusters = 10**6
    model = box(
        sizes=(100,), **species({"A": clusters}, {"A": 22}),
        sticking=(Sticking(1, 22, lambda T, n: np.full(n + 1, VOLUME / clusters)),),
    )
    found = engine.repeat(model, 6.0, lambda c: int(c.sizes[0]) - 100, 300, 8)
    assert_poisson([n // 22 for n in found], 6.0)
    assert not any(n % 22 for n in found)


def test_syringe_empties_exactly(engine: Engine) -> None:
    feed = syringe({1: 30, 0: 10}, 0.5, (0.1, 1.0), (0.3, 0.0), (0.6, 0.5))
    model = box(**species({"A": 0}, {}), syringes=(feed,))
    halfway = engine.repeat(model, 0.7, lambda c: int(c.amounts[1]), 120, 9)
    assert_binomial(halfway, 30, (0.2 + 0.05) / 0.5)
    for k in range(20):
        run = engine.run(model, 10, k)
        run.advance(1.2)
        counts = run.counts()
        assert counts.amounts.tolist() == [10, 30] and counts.matter["syringe"].sum() == 0
        assert counts.injected_volume == pytest.approx(0.5e6 * VOLUME, rel=1e-12, abs=0.0)
        assert counts.volume == pytest.approx(1.5 * VOLUME, rel=1e-12, abs=0.0)
        assert counts.tallies["events"] == 40


def test_shot_and_aliquot(engine: Engine) -> None:
    model = box(
        20, (5,) * 10, syringes=(shot(0.5, {0: 30}, 0.6),), withdrawals=(Withdrawal(1.0, 0.4 * VOLUME),),
    )
    before, after = engine.run(model, 11), engine.run(model, 11)
    before.advance(0.49)
    after.advance(0.51)
    assert before.counts().amounts[0] == 20 and after.counts().amounts[0] == 50
    assert after.counts().volume == pytest.approx(1.6 * VOLUME, rel=1e-6, abs=0.0)
    found = engine.repeat(model, 1.2, lambda c: (int(c.amounts[0]), int(c.seed.sum())), 200, 12)
    assert_binomial([m for m, _ in found], 50, 0.75)
    assert_binomial([n for _, n in found], 10, 0.75)
    after.advance(1.2)
    assert after.counts().volume == pytest.approx(1.2 * VOLUME, rel=1e-6, abs=0.0)
    assert after.counts().tallies["events"] == 30


@pytest.mark.parametrize("cause", ["feed", "expansion"])
def test_dilution_slows_a_second_order_reaction(engine: Engine, cause: str) -> None:
    # V(t) = V0 (1 + 2 t): the master equation at constant V0 after the time ln(1 + 2 t)/2
    model = box(**species({"A": 14, "B": 0}, {}), reactions=(reaction({1: 2}, {2: 1}, 0.15),))
    if cause == "feed":
        model = replace(model, syringes=(syringe({}, 4.0, (0.0, 2.0)),))
    else:
        model = replace(model, expansion=0.5, temperature=program((0.0, ROOM), (1.0, ROOM + 4.0)))
    expected = pairing(14, 0.15).marginal(np.log(3.0) / 2.0, lambda a: a)
    assert_distributed(engine.repeat(model, 1.0, lambda c: int(c.amounts[1]), 80, 13), expected)


@pytest.mark.parametrize("what", ["reaction", "particles"])
def test_survival_on_a_temperature_ramp(engine: Engine, what: str) -> None:
    # Kolmogorov-Smirnov with the bound of Dvoretzky, Kiefer, Wolfowitz and Massart: P(sup > d) <= 2 exp(-2 N d^2)
    number = 150 * (4 if what == "reaction" else 1)
    constant, energy = 0.4, 1.5e-19
    k = RateConstant(constant, 400.0, energy)
    ramp = program((0.2, 400.0), (1.2, 430.0), (1.5, 420.0))
    if what == "reaction":
        decay = reaction({1: 1}, {}, constant, energy=energy, reference=400.0, lost=True)
        model = box(**species({"A": number}, {}), reactions=(decay,), temperature=ramp)
    else:
        model = box(
            sizes=(2,) * number, temperature=ramp,
            tables=lambda T, n: (np.zeros(n + 1), np.where(np.arange(n + 1) == 2, k(T), 0.0)),
        )
    grid = np.linspace(0.02, 2.4, 120)
    hazard = np.array([quad(lambda t: k(ramp(t)), 0.0, t, points=[0.2, 1.2, 1.5], epsrel=1e-9)[0] for t in grid])
    total = np.zeros(grid.size)
    runs = 3 * engine.speed
    for r in range(runs):
        run = engine.run(model, 14, r)
        for i, t in enumerate(grid):
            run.advance(float(t))
            counts = run.counts()
            total[i] += counts.amounts[1] if what == "reaction" else counts.seed.sum()
    distance = np.max(np.abs(total / (runs * number) - np.exp(-hazard)))
    assert 2.0 * np.exp(-2.0 * runs * number * distance**2) > 1e-9


def test_attachment_under_a_ramp_and_dilution(engine: Engine) -> None:
    monomers = 10**7
    up = tables(power_law(1.0 / monomers), no_rates, lambda T: 20.0 + 3.0 * (T - ROOM))  # linear, as between nodes
    ramp = program((0.0, ROOM), (0.5, ROOM + 5.0), (1.0, ROOM + 2.0))
    model = box(
        monomers, (30,), tables=up, temperature=ramp, expansion=0.02, syringes=(syringe({}, 1.0, (0.3, 1.4)),),
    )

    def rate(t: float) -> float:
        T, poured = ramp(t), min(max(t - 0.3, 0.0) * 1.4, 1.0)
        return (20.0 + 3.0 * (T - ROOM)) / ((1.0 + poured) * (1.0 + 0.02 * (T - ROOM)))

    mean = quad(rate, 0.0, 1.2, points=[0.3, 0.5, 1.0, 0.3 + 1 / 1.4], epsrel=1e-9)[0]
    assert_poisson(engine.repeat(model, 1.2, lambda c: int(c.sizes[0]) - 30, 60, 15), mean)


@pytest.mark.parametrize("order", [0.0, 0.5])
def test_orders_apart_from_stoichiometry(engine: Engine, order: float) -> None:
    # A is consumed, B sets the pace and stays: a first-order decay of A times B^order
    decay = reaction({1: 1}, {}, 0.3, orders={1: 1.0, 2: order}, lost=True)
    model = box(**species({"A": 30, "B": 9}, {}), reactions=(decay,))
    assert_binomial(engine.repeat(model, 1.0, lambda c: int(c.amounts[1]), 300, 16), 30, np.exp(-0.3 * 9.0**order))


# -- bookkeeping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_atom_is_somewhere(engine: Engine, law: str, seed: int) -> None:
    run = engine.run(everything(law, seed), 17, seed)
    total = sum(run.counts().matter.values())
    for time in (0.0, 0.1, 0.6, 0.95, 1.5, 2.5):
        run.advance(time)
        counts = run.counts()
        assert np.array_equal(sum(counts.matter.values()), total)
        assert set(counts.matter) == {"solution", "particles", "debt", "aliquot", "lost", "syringe"}
        assert counts.amounts.min() >= 0 and counts.matter["debt"].max() <= 0
        assert counts.sizes.size == 0 or counts.sizes.min() >= 2
        assert counts.time == time
    assert counts.tallies["born"] > 0 or law == "none"


def same(one: Any, two: Any) -> bool:
    """Whether two snapshots agree in every number."""
    names = ("time", "volume", "temperature", "supersaturation", "sizes", "seed", "nucleated", "amounts")
    alike = all(np.array_equal(getattr(one, f), getattr(two, f)) for f in names) and one.tallies == two.tallies
    return alike and all(np.array_equal(one.matter[p], two.matter[p]) for p in one.matter)


@pytest.mark.parametrize("law", LAWS)
def test_snapshots_leave_the_trajectory_alone(engine: Engine, law: str) -> None:
    few, many = (engine.run(everything(law), 18) for _ in range(2))
    for time in (0.7, 1.6):
        few.advance(time)
        for t in np.linspace(time - 0.7, time, 37):
            many.advance(float(t))
            many.counts()
        assert same(few.counts(), many.counts())


@pytest.mark.parametrize("law", LAWS)
def test_a_restored_state_goes_on_alike(engine: Engine, law: str) -> None:
    model = everything(law)
    first, second = engine.run(model, 19), engine.run(model, 20)
    first.advance(0.75)
    state = first.state()
    first.advance(1.5)
    second.advance(0.3)
    second.restore(state)
    second.advance(1.5)
    assert same(first.counts(), second.counts())
    first.restore(state)  # the state has not moved with the run
    first.advance(1.5)
    assert same(first.counts(), second.counts())


def test_stop_ends_where_the_trajectory_can_go_on(engine: Engine) -> None:
    model = replace(box(10**6, (50,) * 30, tables=tables(power_law(1e-4), no_rates)), duration=50.0)
    whole, parts = engine.run(model, 21), engine.run(model, 21)
    until = 1.0 * engine.speed
    assert whole.advance(until)
    calls: list[tuple[float, int]] = []
    while not parts.advance(until, stop=lambda: len(calls) < 3, progress=lambda t, n: calls.append((t, n))):
        parts.restore(parts.state())
    assert same(whole.counts(), parts.counts())
    assert all(a <= b for a, b in pairwise(calls))


def test_a_changed_temperature_holds_from_now_on(engine: Engine) -> None:
    decay = reaction({1: 1}, {}, 0.5, energy=1e-19, lost=True)
    cold = box(**species({"A": 40}, {}), reactions=(decay,))
    hot = replace(cold, temperature=program((0.0, ROOM + 20.0)))
    found = []
    for k in range(200 * engine.speed):
        run = engine.run(cold, 22, k)
        run.advance(0.6)
        run.change(hot)
        run.advance(1.0)
        found.append(int(run.counts().amounts[1]))
    assert_binomial(found, 40, np.exp(-0.5 * 0.6 - decay.rate(ROOM + 20.0) * 0.4))
