"""Particles that meet and become one: kernels, origins and conservation, in every stochastic engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engines import Engine, assert_distributed, engines, sizes
from models import ROOM, VOLUME, box, everything, species, sphere_tables
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from kmcgrowth.model.types import Coalescence, Model, Nucleation, RateConstant
from kmcgrowth.physics.coalescence import (
    brownian_prefactor,
    brownian_rate,
    brownian_shape,
    smoluchowski_multiples,
    smoluchowski_number,
)
from kmcgrowth.physics.constants import K_B
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.balance_twin import pair_slopes
from kmcgrowth.reactor.exact import ExactRun

ALL = pytest.mark.parametrize("engine", engines(), ids=lambda e: e.name)


def constant(rate: float, largest: int = Coalescence.largest) -> Coalescence:
    """Every pair in ``VOLUME`` at ``rate`` [1/s]."""
    return Coalescence("constant", lambda T: rate * VOLUME, largest)


def brownian(rate: float, largest: int = Coalescence.largest) -> Coalescence:
    return Coalescence("brownian", lambda T: rate * VOLUME, largest)


def test_brownian_rate_is_that_of_the_sum_of_diffusion_coefficients() -> None:
    """4 pi (D1 + D2)(r1 + r2) with Stokes-Einstein; 8 k_B T/(3 eta) for equal spheres, whatever their size."""
    T, eta, r, s = 400.0, 1e-3, 2e-9, 5e-9
    stokes = [K_B * T / (6.0 * np.pi * eta * x) for x in (r, s)]
    assert brownian_rate(r, s, T, eta) == pytest.approx(4.0 * np.pi * sum(stokes) * (r + s), rel=1e-12, abs=0.0)
    for x in (1e-9, 1e-7):
        assert brownian_rate(x, x, T, eta) == pytest.approx(8.0 * K_B * T / (3.0 * eta), rel=1e-12, abs=0.0)


def test_smoluchowski_multiples_add_up() -> None:
    k, x = np.arange(1, 4000), {"number": 100.0, "constant": 0.3, "volume": 2.0}
    found = smoluchowski_multiples(k, 5.0, **x)
    assert found.sum() == pytest.approx(float(smoluchowski_number(5.0, **x)), rel=1e-10)
    assert found @ k == pytest.approx(100.0, rel=1e-10)


@ALL
def test_the_first_pair_is_chosen_by_its_rate(engine: Engine) -> None:
    """Of 8, 100 and 1000 units, where nothing above 1000 goes on, the end tells which pair met first."""
    model = box(sizes=(8, 100, 1000), coalescence=brownian(1.0, 1000))
    ends = {(100, 1008): (8, 1000), (8, 1100): (100, 1000), (1108,): (8, 100)}
    shape = {end: float(brownian_shape(*np.cbrt(pair))) for end, pair in ends.items()}
    found = engine.repeat(model, 15.0, sizes, 600, 1)  # the slowest state outlives that with exp(-60)
    assert_distributed(found, {end: s / sum(shape.values()) for end, s in shape.items()})


@ALL
def test_numbers_follow_the_pure_death_process(engine: Engine) -> None:
    """N falls by one at the rate K N(N-1)/(2V): the matrix exponential gives the whole distribution."""
    first, rate, time = 12, 0.2, 0.7
    fall = np.array([0.5 * rate * n * (n - 1) for n in range(first + 1)])
    generator = np.diag(-fall) + np.diag(fall[1:], 1)
    chance = expm(generator * time)[:, first]
    model = box(sizes=(20,) * first, coalescence=constant(rate))
    found = engine.repeat(model, time, lambda c: int(c.seed.sum()), 300, 2)
    assert_distributed(found, {n: float(p) for n, p in enumerate(chance) if n})


@ALL
def test_rates_follow_the_volume_and_the_temperature(engine: Engine) -> None:
    """On a ramp with expansion one pair survives with exp(-integral of K(T)/V)."""
    model = box(
        sizes=(30, 30), expansion=2e-3, temperature=replace(box().temperature, time=np.array([0.0, 1.0]),
                                                           value=np.array([ROOM, ROOM + 4.0])),
        coalescence=Coalescence("constant", lambda T: VOLUME * (0.5 + (T - ROOM) / 2.0)),
    )
    t = np.linspace(0.0, 1.0, 20001)
    hazard = (0.5 + 2.0 * t) / (1.0 + 2e-3 * (ROOM + 4.0 * t - 298.15))
    alive = float(np.exp(-np.trapezoid(hazard, t)))
    found = engine.repeat(model, 1.0, lambda c: int(c.seed.sum()), 500, 3)
    assert_distributed(found, {2: alive, 1: 1.0 - alive})


@ALL
@pytest.mark.parametrize(("seed_units", "origin"), [(10, "nucleated"), (50, "seed"), (22, "seed")])
def test_the_larger_gives_the_origin(engine: Engine, seed_units: int, origin: str) -> None:
    model = box(
        sizes=(seed_units,), **species({"C": 1}, {"C": 22}), coalescence=constant(1.0),
        nucleation=Nucleation("cluster", cluster=1, rate=RateConstant(1.0, ROOM)),
    )
    run = engine.run(model, 4)
    run.advance(60.0)
    counts = run.counts()
    assert sizes(counts) == (seed_units + 22,) and int(getattr(counts, origin).sum()) == 1
    assert counts.tallies["coalesced"] == 1


def test_smoluchowski_distribution() -> None:
    """20 000 equal particles under a constant kernel: multiples as in Smoluchowski's closed form, x = 1.5."""
    first, time = 20_000, 3.0
    rate = 2.0 * 1.5 / (first * time)
    run = ExactRun(box(sizes=(40,) * first, coalescence=constant(rate)), np.random.default_rng(5))
    run.advance(time)
    counts = run.counts()
    left = float(smoluchowski_number(time, first, rate))
    # the number of particles fluctuates by less than its root: 7 standard deviations are p < 3e-12
    assert abs(counts.seed.sum() - left) < 7.0 * np.sqrt(left)
    multiple, rest = np.divmod(counts.sizes, 40)
    assert not rest.any()
    seen = np.bincount(multiple, weights=counts.seed, minlength=16)[1:]
    seen = np.append(seen[:14], seen[14:].sum())
    wanted = smoluchowski_multiples(np.arange(1, 15), time, first, rate)
    wanted = np.append(wanted, left - wanted.sum())
    assert stats.chisquare(seen, wanted * seen.sum() / left).pvalue > 1e-9


def test_brownian_number_follows_the_discrete_equations() -> None:
    """20 000 equal particles under the Brownian kernel against Smoluchowski's equations for 400 multiples."""
    first, time, top = 20_000, 2.0, 400
    rate = 0.4 / (first * time)
    k = np.arange(1.0, top + 1.0)
    kernel = rate * brownian_shape(np.cbrt(k)[:, None], np.cbrt(k)[None, :])

    def change(t: float, n: np.ndarray) -> np.ndarray:
        gain = np.zeros(top)
        for i in range(top - 1):
            gain[i + 1:] += 0.5 * kernel[i, : top - 1 - i] * n[i] * n[: top - 1 - i]
        return gain - n * (kernel @ n)

    start = np.zeros(top)
    start[0] = first
    end = solve_ivp(change, (0.0, time), start, method="LSODA", rtol=1e-8, atol=1e-6).y[:, -1]
    assert end @ k == pytest.approx(first, rel=1e-6)
    run = ExactRun(box(sizes=(30,) * first, coalescence=brownian(rate)), np.random.default_rng(6))
    run.advance(time)
    counts = run.counts()
    # 7 standard deviations of a number that fluctuates by less than its root: p < 3e-12
    assert abs(counts.seed.sum() - end.sum()) < 7.0 * np.sqrt(end.sum())
    seen = np.bincount(counts.sizes // 30, weights=counts.seed, minlength=13)[1:]
    seen = np.append(seen[:11], seen[11:].sum())
    wanted = np.append(end[:11], end[11:].sum())
    assert stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > 1e-9


@pytest.mark.parametrize("resolved", [300, None])
def test_the_balance_follows_smoluchowski(resolved: int | None) -> None:
    """N = N_0/(1 + x), and sum n^2 N_n grows by K (sum n N_n)^2/V per second: moments that the grid must keep."""
    first, time = 20_000, 3.0
    rate = 2.0 * 1.5 / (first * time)
    run = BalanceRun(box(sizes=(40,) * first, coalescence=constant(rate)), resolved=resolved)
    run.advance(time)
    counts = run.counts()
    assert counts.seed.sum() == pytest.approx(float(smoluchowski_number(time, first, rate)), rel=1e-4)
    assert counts.seed @ counts.sizes == pytest.approx(40.0 * first, rel=1e-9)
    second = 1600.0 * first + rate * (40.0 * first) ** 2 * time
    assert counts.seed @ counts.sizes.astype(float) ** 2 == pytest.approx(second, rel=1e-3)
    assert counts.tallies["coalesced"] == pytest.approx(first - counts.seed.sum(), rel=1e-9)
    if resolved is None:
        k = np.arange(1, 8)
        seen = [float(counts.seed[counts.sizes == 40 * m].sum()) for m in k]
        assert seen == pytest.approx(smoluchowski_multiples(k, time, first, rate).tolist(), rel=2e-3)


@pytest.mark.parametrize("law", [constant(0.3, 90), brownian(0.3)])
def test_pairs_of_pivots_are_those_of_the_twin(law: Coalescence) -> None:
    model = box(sizes=(40, 70, 300), coalescence=law)
    run, rng = BalanceRun(model), np.random.default_rng(11)
    run.advance(1e-3)
    grid = run._grid
    some = (grid.pivot < 0.4 * grid.pivot[-1]) & (rng.random(grid.pivot.size) < 0.3)
    number = rng.random((2, grid.pivot.size)) * some
    found, pairs = run._kernel.pair_slopes(1e-3, number)
    seed, nucleated, expected = pair_slopes(model, grid, ROOM, VOLUME, *number)
    assert pairs == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(found, [seed, nucleated], rtol=1e-10, atol=1e-12 * expected)
    assert float(found.sum(axis=0) @ grid.pivot) == pytest.approx(0.0, abs=1e-9 * expected * grid.pivot[-1])


def test_the_balance_is_the_mean_of_many_particles() -> None:
    """Ripening, births and coalescence of both origins at once, against one large exact run."""
    number = 20_000
    model = replace(
        box(40_000, (60,) * number, tables=sphere_tables(0.02, 10.0, 2.0)), nucleation=Nucleation("explicit"),
        coalescence=brownian(2e-5, 120), duration=2.0,
    )
    balance, exact = BalanceRun(model), ExactRun(model, np.random.default_rng(10))
    for run in (balance, exact):
        run.advance(2.0)
    a, b = balance.counts(), exact.counts()
    assert b.tallies["coalesced"] > 500 and b.nucleated.sum() > 100
    for x, y in ((a.seed, b.seed), (a.nucleated, b.nucleated)):
        # seven standard deviations of a Poisson number (p < 3e-12), and what is left of the pool's noise
        assert float(x.sum()) == pytest.approx(float(y.sum()), abs=7.0 * np.sqrt(float(y.sum())))
    assert a.tallies["coalesced"] == pytest.approx(b.tallies["coalesced"], abs=7.0 * np.sqrt(b.tallies["coalesced"]))
    assert sum(a.matter.values())[0] == pytest.approx(40_000 + 60 * number, rel=1e-10)


def crowded(law: str) -> Model:
    return replace(everything(law), coalescence=Coalescence("brownian", lambda T: 0.02 * VOLUME * T / ROOM, 200))


@ALL
@pytest.mark.parametrize("law", ["classical", "explicit"])
def test_atoms_are_conserved_with_every_process(engine: Engine, law: str) -> None:
    run = engine.run(crowded(law), 7)
    start = sum(run.counts().matter.values())
    for time in (0.3, 0.8, 1.2, 2.5):
        run.advance(time)
        counts = run.counts()
        assert np.array_equal(sum(counts.matter.values()), start)
    assert counts.tallies["coalesced"] > 0
    if isinstance(run, ExactRun):
        run._kernel.verify()


def test_both_engines_agree_with_every_process() -> None:
    twin, exact = (
        np.array(engine.repeat(crowded("classical"), 0.7, lambda c: (
            c.seed.sum(), c.nucleated.sum(), c.amounts[0], c.tallies["coalesced"], c.sizes.max()), 20, 8))
        for engine in engines()
    )
    for a, b in zip(twin.T, exact.T, strict=True):
        # five comparisons of an engine that is right: p < 1e-8 together
        assert stats.ttest_ind(a, b, equal_var=False).pvalue > 1e-9


def test_a_break_leaves_the_trajectory_as_it_is() -> None:
    through, broken = (ExactRun(crowded("power"), np.random.default_rng(9)) for _ in range(2))
    through.advance(2.0)
    for time in (0.4, 0.41, 1.3, 2.0):
        broken.advance(time)
        other = ExactRun(crowded("power"), np.random.default_rng(1))
        other.restore(broken.state())
        broken = other
    a, b = through.counts(), broken.counts()
    assert a.tallies == b.tallies and a.sizes.tolist() == b.sizes.tolist() and a.amounts.tolist() == b.amounts.tolist()


def test_prefactor_of_the_recipe() -> None:
    """A second-order rate constant per mole; a viscosity with its efficiency; a cut-off in formula units."""
    from kmcgrowth.model.build import build_model
    from kmcgrowth.physics.constants import N_A
    from kmcgrowth.recipe import load_recipe

    by_rate = {"coalescence.law": "constant", "coalescence.rate": "2e3 / M / s"}
    model = build_model(load_recipe("teaching_ripening", changes=by_rate), particles=10)
    assert model.coalescence.rate(500.0) == pytest.approx(2.0 / N_A, rel=1e-6, abs=0.0)
    by_viscosity = {"coalescence.law": "brownian", "coalescence.viscosity": "0.5 mPa s",
                    "coalescence.efficiency": 1e-6, "coalescence.largest_diameter": "4 nm"}
    model = build_model(load_recipe("teaching_ripening", changes=by_viscosity), particles=10)
    assert model.coalescence.rate(500.0) == pytest.approx(
        1e-6 * float(brownian_prefactor(500.0, 5e-4)), rel=1e-6, abs=0.0)
    largest = model.coalescence.largest
    assert model.radius(np.array([largest]))[0] <= 2e-9 < model.radius(np.array([largest + 1]))[0]
