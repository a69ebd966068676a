"""The population balance: its right-hand side, its books, and its reproducibility."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import (
    ROOM,
    VOLUME,
    box,
    everything,
    particles,
    power_law,
    program,
    reaction,
    shot,
    species,
    sphere_tables,
    syringe,
    tables,
)
from scipy.integrate import solve_ivp
from test_kernel_invariants import looks_change_nothing, models, same

from kmcgrowth.model.types import FloatArray, Model, Nucleation, RateConstant, SeedPopulation, Withdrawal
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.balance_rates import NodeRates, at
from kmcgrowth.reactor.balance_twin import slopes
from kmcgrowth.reactor.sizes import Grid, expected_seeds

LAWS = ("none", "classical", "power", "cluster", "explicit")
FIXED = settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def in_window(grid: Grid) -> Grid:
    """The odd number of pivots that the kernel uses at the most."""
    k = grid.pivot.size - 1 + grid.pivot.size % 2
    return Grid(*(getattr(grid, name)[:k] for name in grid.__dataclass_fields__))


def begun(model: Model, top: int = 900, **options: Any) -> BalanceRun:
    """A run that has entered its first epoch, with pivots up to ``top``."""
    run = BalanceRun(model, **options)
    run._set_grid(top)
    run._begin_epoch()
    return run


# -- the grid ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolved", [None, 300, 20])
def test_jumps_have_the_drift_and_second_moment_of_single_units(resolved: int | None) -> None:
    grid = Grid.up_to(20_000, resolved)
    a, d = 3.0, 1.7
    up, down = a * grid.up_attach + d * grid.up_detach, a * grid.down_attach + d * grid.down_detach
    above, below = grid.gap, np.concatenate([[1.0], grid.gap[:-1]])
    assert np.allclose(up * above - down * below, a - d, rtol=1e-12)
    assert np.allclose(up * above**2 + down * below**2, a + d, rtol=1e-12)
    assert np.array_equal(np.diff(grid.pivot), grid.gap[:-1]) and grid.pivot[0] == 2
    assert np.array_equal(grid.bounds[1:, 0], grid.bounds[:-1, 1])
    assert np.all((grid.bounds[:, 0] <= grid.whole) & (grid.whole < grid.bounds[:, 1]))
    assert np.all(np.diff(grid.whole) >= 1) and np.array_equal(grid.pivot[:18], np.arange(2.0, 20.0))
    # neighbouring distances differ by little: a jump would start waves that growth does not damp
    assert np.abs(np.diff(grid.gap) / grid.gap[1:]).max() < 0.02


def test_longer_grids_begin_with_the_shorter_and_stay_fine() -> None:
    short, long = Grid.up_to(2000), Grid.up_to(1_000_000)
    k = short.pivot.size
    for name in short.__dataclass_fields__:
        assert np.array_equal(getattr(short, name), getattr(long, name)[:k])
    assert long.pivot[-1] >= 1_000_000 and k < 800 and long.pivot.size < 6000
    assert np.all(long.gap <= 1.0 + 0.005 * long.pivot) and np.all(long.gap[long.pivot > 1e5] < 0.6 * np.sqrt(1e6))


@pytest.mark.parametrize("units", [3, 22, 150])
def test_sharing_keeps_number_and_mass_and_landing_the_second_moment(units: int) -> None:
    grid = Grid.up_to(6000, 100)
    n = np.array([2.0, 7.3, 99.9, 512.2, 5000.0])
    w = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    shared = grid.share(n, w)
    assert shared.sum() == pytest.approx(w.sum(), rel=1e-13, abs=0.0)
    assert shared @ grid.pivot == pytest.approx(w @ n, rel=1e-13, abs=0.0)
    first, weight = grid.landing(units)
    for i in np.flatnonzero(first >= 0)[::37]:
        to = grid.pivot[first[i] : first[i] + 3].astype(float)
        for power in range(3):
            assert weight[i] @ to**power == pytest.approx(float(grid.pivot[i] + units) ** power, rel=1e-11)
        assert weight[i].min() > -0.13
    assert first[-1] == -1 and np.all(np.diff(first[first >= 0]) >= 0)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "sizes", "units"])
def test_expected_seeds_are_the_mean_of_drawn_ones(shape: str) -> None:
    number = 200_000
    lists = {"sizes": {"diameters": np.array([1.1e-9, 1.4e-9, 1.9e-9, 0.2e-9])}, "units": {"units": np.arange(2, 2002)}}
    population = SeedPopulation(2000 if shape == "units" else number, shape, 1.5e-9, 0.35, **lists.get(shape, {}))
    model = box(seeds=(population,))
    sizes, numbers = expected_seeds(model)
    assert numbers.sum() == pytest.approx(population.number, rel=1e-12) and sizes.min() >= 2
    drawn = np.bincount(model.draw_seeds(np.random.default_rng(3)), minlength=int(sizes.max()) + 1)
    expected = np.zeros(drawn.size)
    expected[sizes] = numbers
    if shape == "units":
        assert np.array_equal(drawn, expected)
        return
    some = expected > 20.0
    deviation = (drawn[some] - expected[some]) / np.sqrt(expected[some])
    assert drawn[~some].sum() <= 20.0 + 6.0 * np.sqrt(expected[~some].sum()) + expected[~some].sum()
    assert np.all(np.abs(deviation) < 6.0) and float(np.mean(deviation**2)) < 1.0 + 6.0 * np.sqrt(2.0 / some.sum())


# -- the right-hand side -----------------------------------------------------------------------------


@pytest.mark.parametrize("resolved", [None, 20])
@pytest.mark.parametrize("law", LAWS)
def test_the_kernel_computes_what_the_twin_defines(law: str, resolved: int | None) -> None:
    rng = np.random.default_rng(LAWS.index(law))
    model = everything(law)
    run = begun(model, resolved=resolved)
    grid, kernel = in_window(run._grid), run._kernel
    for monomers in (0.0, 3.0, 60.0, 900.0):
        amounts = rng.uniform(-0.1, 200.0, 4)
        amounts[0] = monomers
        number = np.zeros((2, run.pivots))
        number[:, : grid.pivot.size] = rng.uniform(-0.1, 1.0, (2, grid.pivot.size))
        small, dp = kernel.slopes(0.0, np.concatenate([amounts, np.zeros(kernel.sums)]), number)
        assert run._epoch is not None
        feed = np.zeros(4)
        for push, s in zip(run._epoch.push, model.syringes, strict=True):
            for i, n in s.contents.items():
                feed[i] += n * push / s.volume
        assert feed.sum() > 0.0
        expected = slopes(model, grid, ROOM, model.control_volume * 1.1, feed, amounts, number[0, : grid.pivot.size],
                          number[1, : grid.pivot.size])
        for found, right in ((small[:4], expected.amounts), (dp[0, : grid.pivot.size], expected.seed),
                             (dp[1, : grid.pivot.size], expected.nucleated), (small[7:], expected.reactions)):
            assert np.allclose(found, right, rtol=1e-12, atol=1e-12 * np.abs(right).max())
        sums = [expected.born, expected.dissolved_seed, expected.dissolved_nucleated]
        assert np.allclose(small[4:7], sums, rtol=1e-12)
        units = slopes_of_matter(model, grid, small[:4], dp[:, : grid.pivot.size], small[7:])
        assert np.allclose(units, feed @ model.atoms, rtol=0.0, atol=1e-11 * np.abs(dp @ run._grid.pivot).max())


def slopes_of_matter(model: Model, grid: Grid, amounts: FloatArray, dp: FloatArray, events: FloatArray) -> FloatArray:
    """Atoms gained per second by solution, particles and what is lost."""
    lost = np.zeros(len(model.elements))
    for rate, r in zip(events, model.reactions, strict=True):
        if r.lost:
            for i in r.reactants | r.products:
                lost = lost + rate * (r.reactants.get(i, 0) - r.products.get(i, 0)) * model.atoms[i]
    return np.asarray(amounts @ model.atoms + float(dp.sum(axis=0) @ grid.pivot) * model.unit_atoms + lost)


@pytest.mark.parametrize("law", LAWS)
def test_agrees_with_scipy(law: str) -> None:
    model = replace(
        everything(law), temperature=program((0.0, ROOM)), syringes=(syringe({1: 30}, 0.5, (0.0, 0.4)),),
        withdrawals=(), duration=0.8,
    )
    run = BalanceRun(model, resolved=None, rtol=1e-6)
    run.advance(0.8)
    grid = in_window(Grid.up_to(240, None))
    k = grid.pivot.size
    feed = np.array([0.0, 30.0 * 0.4 / 0.5, 0.0, 0.0])
    sizes, numbers = expected_seeds(model)

    def right(t: float, y: FloatArray) -> FloatArray:
        volume = model.control_volume * (1.0 + 0.4 * t)
        s = slopes(model, grid, ROOM, volume, feed, y[:4], y[4 : 4 + k], y[4 + k : 4 + 2 * k])
        return np.concatenate([s.amounts, s.seed, s.nucleated, [s.born]])

    start = np.concatenate([model.initial, grid.share(sizes, numbers), np.zeros(k + 1)])
    end = solve_ivp(right, (0.0, 0.8), start, method="LSODA", rtol=1e-8, atol=1e-8).y[:, -1]
    counts = run.counts()
    assert np.allclose(counts.amounts, end[:4], rtol=2e-5, atol=1e-5)
    assert counts.tallies["born"] == pytest.approx(end[-1], rel=2e-5, abs=1e-9)
    for found, right_one in ((counts.seed, end[4 : 4 + k]), (counts.nucleated, end[4 + k : 4 + 2 * k])):
        filled = np.zeros(k)
        filled[counts.sizes - 2] = found
        assert np.abs(filled - right_one).sum() < 3e-5 * max(right_one.sum(), 1e-3)


def test_rates_between_the_temperature_nodes() -> None:
    from kmcgrowth.model.build import build_model
    from kmcgrowth.recipe import load_recipe

    ramp = {"flask.temperature": [["0 min", "25 degC"], ["60 min", "300 degC"]]}
    model = build_model(load_recipe("inas_continuous_injection", changes=ramp))
    grid = Grid.up_to(5000)
    first, step, *found = NodeRates(model).between(298.15, 573.15, grid)
    assert len(found[0]) < 60
    for temperature in (300.3, 351.0, 571.9):
        x = (1.0 / temperature - first) / step
        i = int(x)
        for between, right in zip(found, at(model, temperature, grid), strict=True):
            made = np.exp(between[i] + (x - i) * (between[i + 1] - between[i]))
            assert np.allclose(made, right, rtol=2e-6, atol=0.0)


# -- books and bytes ---------------------------------------------------------------------------------


@FIXED
@given(models(), st.sampled_from([None, 300, 30]))
def test_matter_and_particles_are_kept(model: Model, resolved: int | None) -> None:
    run = BalanceRun(model, resolved=resolved)
    total, births, events = sum(run.counts().matter.values()), 0.0, 0
    for time in np.linspace(0.1, model.duration, 12):
        run.advance(float(time))
        counts = run.counts()
        assert np.allclose(sum(counts.matter.values()), total, rtol=1e-11, atol=1e-9)
        assert min(counts.amounts.min(), counts.seed.min(initial=0.0), counts.nucleated.min(initial=0.0)) >= 0.0
        held = counts.sizes @ (counts.seed + counts.nucleated) * model.unit_atoms
        assert np.allclose(held, counts.matter["particles"], rtol=1e-9, atol=1e-9)
        assert counts.tallies["born"] >= births * (1.0 - 1e-9) - 1e-9 and run.events >= events
        births, events = counts.tallies["born"], run.events
    if not model.withdrawals:
        gone = counts.tallies["dissolved_seed"] + counts.tallies["dissolved_nucleated"]
        alive = sum(p.number for p in model.seeds) + births - gone
        assert np.isclose(counts.seed.sum() + counts.nucleated.sum(), alive, rtol=1e-9, atol=1e-9 + 1e-9 * births)


@FIXED
@given(models(), st.lists(st.floats(0.0, 1.2), max_size=8), st.floats(0.0, 1.0))
def test_snapshots_and_restarts_change_no_byte(model: Model, extra: list[float], stop: float) -> None:
    few, many, first, second = (BalanceRun(model) for _ in range(4))
    first.advance(stop)
    second.advance(0.5)
    second.restore(first.state())
    assert same(first.counts(), second.counts())
    looks_change_nothing(few, many, model, extra)
    second.advance(1.2)
    assert same(few.counts(), second.counts())


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes() -> None:
    whole, parts = BalanceRun(everything()), BalanceRun(everything())
    whole.advance(2.5)
    asked: list[float] = []
    parts.advance(1.0)
    run = BalanceRun(everything())
    while not run.advance(2.5, stop=lambda: True, progress=lambda t, n: asked.append(t)):
        state = run.state()
        run = BalanceRun(everything())
        run.restore(state)
    assert same(run.counts(), whole.counts()) and len(asked) > 3 and asked == sorted(asked)


def test_a_change_of_schedule_is_as_if_it_had_been_planned() -> None:
    feed = syringe({0: 1000}, 1.0, (0.0, 0.1))
    faster = syringe({0: 1000}, 1.0, (0.0, 0.1), (1.0, 0.5))
    common = {"sizes": (20,) * 50, "tables": sphere_tables(0.01, 10.0, 1.0), "duration": 3.0}
    planned, changed = (BalanceRun(box(50, syringes=(s,), **common)) for s in (faster, feed))
    changed.advance(1.0)
    changed.change(box(50, syringes=(faster,), temperature=program((0.0, ROOM)), **common))
    for run in (planned, changed):
        run.advance(2.0)
    a, b = planned.counts(), changed.counts()
    assert b.matter["syringe"] == pytest.approx(1000 * (1.0 - 0.1 - 0.5))
    assert np.allclose(a.amounts, b.amounts, rtol=1e-4)
    assert a.seed @ a.sizes == pytest.approx(b.seed @ b.sizes, rel=1e-5) and a.volume == b.volume


# -- corners -----------------------------------------------------------------------------------------


def test_nothing_at_all() -> None:
    run = BalanceRun(box())
    run.advance(1.0)
    counts = run.counts()
    assert counts.sizes.size == 0 and counts.amounts.tolist() == [0.0] and counts.tallies["events"] == 0.0


def test_without_monomer_below_saturation_everything_dissolves() -> None:
    run = BalanceRun(box(0, (30,) * 8 + (400,) * 2, tables=sphere_tables(1.0, 3000.0, 1.0), duration=100.0))
    run.advance(100.0)
    counts = run.counts()
    assert counts.seed.sum() < 1e-6 and counts.tallies["dissolved_seed"] == pytest.approx(10.0, rel=1e-9)
    assert counts.amounts[0] == pytest.approx(8 * 30 + 2 * 400, rel=1e-9)


def test_shots_and_aliquots() -> None:
    model = box(
        **species({"A": 100}, {}), seeds=particles(*[50] * 30), syringes=(shot(0.5, {1: 300}, 0.25),),
        withdrawals=(Withdrawal(0.7, 0.25 * VOLUME), Withdrawal(0.7, 0.5 * VOLUME)),
    )
    run = BalanceRun(model)
    run.advance(0.5)
    assert run.counts().amounts[1] == 100.0  # what happens at a moment is seen after it
    run.advance(0.6)
    assert run.counts().amounts[1] == 400.0 and run.counts().volume == pytest.approx(1.25 * VOLUME, rel=1e-6, abs=0.0)
    run.advance(1.0)
    counts = run.counts()
    # a fifth of 1.25, then half of 1.0
    assert counts.amounts[1] == pytest.approx(400.0 * 0.8 * 0.5) and counts.seed.sum() == pytest.approx(30 * 0.8 * 0.5)
    assert counts.matter["aliquot"] == pytest.approx([30 * 50 * 0.6], rel=1e-6, abs=0.0)
    assert counts.volume == pytest.approx(0.5 * VOLUME, rel=1e-6, abs=0.0)


def test_a_syringe_empties_and_sizes_outgrow_the_grid() -> None:
    run = BalanceRun(box(
        0, (2,) * 10, tables=tables(power_law(0.5), lambda n: np.zeros_like(n)), duration=60.0,
        syringes=(syringe({0: 40_000}, 0.5, (1.0, 0.02)),),
    ))
    run.advance(60.0)
    counts = run.counts()
    assert counts.matter["syringe"].tolist() == [0.0]
    assert counts.volume == pytest.approx(1.5 * VOLUME, rel=1e-12, abs=0.0)
    assert counts.seed @ counts.sizes + counts.amounts[0] == pytest.approx(40_020.0, rel=1e-12)
    assert counts.seed @ counts.sizes / 10.0 > 3900.0 and run.pivots > 700


def test_reactions_of_order_zero_and_one_half_end_with_their_reactant() -> None:
    for order, end in ((0.0, 100.0 / 40.0), (0.5, 2.0 * np.sqrt(100.0) / 20.0)):
        constant = 40.0 if order == 0.0 else 20.0
        model = box(**species({"A": 100}, {"A": 1}), duration=4.0, reactions=(
            reaction({1: 1}, {0: 1}, constant, orders={1: order} if order else {}),
        ))
        run = BalanceRun(model)
        run.advance(0.5 * end)
        left = 50.0 if order == 0.0 else 25.0
        assert run.counts().amounts[1] == pytest.approx(left, rel=1e-4)
        run.advance(4.0)
        assert run.counts().amounts[1] == pytest.approx(0.0, abs=0.01) and run.counts().amounts[0] == pytest.approx(
            100.0, abs=0.01)


def test_a_cluster_makes_particles_of_its_own_size() -> None:
    model = box(**species({"A": 1000}, {"A": 6}), duration=2.0,
                nucleation=Nucleation("cluster", cluster=1, rate=RateConstant(0.7, ROOM)))
    run = BalanceRun(model)
    run.advance(2.0)
    counts = run.counts()
    born = 1000.0 * -np.expm1(-1.4)
    assert counts.tallies["born"] == pytest.approx(born, rel=1e-5) and counts.sizes.tolist() == [6]
    assert counts.nucleated == pytest.approx([born], rel=1e-5)
