"""Newborn particles in the forecast: closed forms of chains of single steps, and whole recipes against the engine."""

from __future__ import annotations

from typing import Any

import models
import numpy as np
import pytest
from test_check import RECIPE, WITH_CLUSTER

import kmcgrowth as kg
from kmcgrowth.check import predict
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray, Model, Sticking
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.forecast import forecast
from kmcgrowth.reactor.forecast_newborn import Newborn, size_grid
from kmcgrowth.reactor.forecast_tables import Tables

LIMIT = 3000
SATURATION = 10.0 / models.VOLUME


def spheres() -> tuple[Newborn, FloatArray, FloatArray]:
    """A grid for spheres that ripen, and the rates at every size."""
    model = models.box(tables=models.sphere_tables(0.02, 10.0, 2.0))
    attach, detach = model.tables(models.ROOM, LIMIT)
    return Newborn(Tables(model, LIMIT), LIMIT), attach, detach


# -- the grid -----------------------------------------------------------------------------------


def test_the_grid_is_single_sizes_first_and_stays_within_its_limit() -> None:
    sizes = size_grid(LIMIT)
    np.testing.assert_array_equal(sizes[:8], np.arange(2.0, 10.0))
    assert np.all(np.diff(sizes) >= 1.0) and 0.85 * LIMIT < sizes[-1] <= LIMIT and sizes.size < 80


@pytest.mark.parametrize("S", [1.5, 3.0, 8.0, 40.0])
def test_single_sizes_move_as_the_chain_does(S: float) -> None:
    grid, attach, detach = spheres()
    up, down = grid.moves(models.ROOM, S * SATURATION)
    n = np.arange(2, 9)
    np.testing.assert_allclose(up[:7], attach[n] * S * SATURATION, rtol=1e-9)
    np.testing.assert_allclose(down[:7], detach[n], rtol=1e-9)


@pytest.mark.parametrize("S", [1.5, 3.0, 8.0, 40.0])
def test_what_particles_take_up_is_what_they_grow_by(S: float) -> None:
    grid, _, _ = spheres()
    number = np.random.default_rng(5).random(grid.m)
    up, down = grid.moves(models.ROOM, S * SATURATION)
    change = grid.change(up, down, number)
    np.testing.assert_allclose(grid.matrix(up, down) @ number, change, rtol=1e-9, atol=1e-9 * np.abs(change).max())
    assert grid.uptake(up, down) @ number == pytest.approx(grid.sizes @ change, rel=1e-9)


@pytest.mark.parametrize(("S", "start", "end"), [(40.0, 20, 2000), (8.0, 100, 1500), (1.05, 400, 40), (0.5, 900, 60)])
def test_growth_and_dissolution_take_the_time_that_drift_says(S: float, start: int, end: int) -> None:
    """Time from start to end: the sum of 1/(a c - w) over the sizes in between; leaving it out of the range is rare."""
    grid, attach, detach = spheres()
    first, last = np.searchsorted(grid.sizes, [start, end])
    n = np.arange(*sorted((int(grid.sizes[first]), int(grid.sizes[last]))))
    expected = float(np.sum(1.0 / np.abs(attach[n] * S * SATURATION - detach[n])))
    up, down = grid.moves(models.ROOM, S * SATURATION)
    matrix = grid.matrix(up, down)
    inside = np.arange(0, last) if first < last else np.arange(last + 1, grid.m)
    times = np.linalg.solve(-matrix[np.ix_(inside, inside)].T, np.ones(inside.size))
    assert times[list(inside).index(first)] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("S", "born"), [(8.0, 4), (8.0, 12), (4.0, 20), (4.0, 60), (3.0, 80), (3.0, 150)])
def test_the_chance_to_survive_is_that_of_the_chain(S: float, born: int) -> None:
    """Gambler's ruin: a particle of n survives with sum_(m<n) p_m / sum_m p_m, where p_m = prod_(2<=k<=m) w_k/u_k."""
    grid, attach, detach = spheres()
    n = np.arange(2, int(grid.sizes[-1]))
    product = np.exp(np.append(0.0, np.cumsum(np.log(detach[n] / (attach[n] * S * SATURATION)))))
    expected = product[: born - 1].sum() / product.sum()
    up, down = grid.moves(models.ROOM, S * SATURATION)
    inner = grid.matrix(up, down)[:-1, :-1]
    waiting = np.linalg.solve(-inner, grid.share(float(born))[:-1])
    assert waiting[-1] * up[-2] == pytest.approx(expected, rel=0.05, abs=0.01)


def test_a_share_and_a_landing_keep_number_and_mean() -> None:
    grid, _, _ = spheres()
    for size in (2.0, 2.4, 57.3, 1234.0):
        share = grid.share(size)
        assert share.sum() == pytest.approx(1.0) and share @ grid.sizes == pytest.approx(size)
    landing = grid.landing(Sticking(1, 22, lambda T, n: np.zeros(n + 1)))
    low = grid.sizes < grid.sizes[-1] - 22.0
    np.testing.assert_allclose(landing.sum(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose((grid.sizes @ landing)[low], 22.0, rtol=1e-9)


# -- whole recipes against the exact engine -----------------------------------------------------

CLUSTER = {"nucleation.law": "cluster", "nucleation.species": "AMC", "nucleation.rate": "1e-2 / s",
           "simulation.duration": "20 min"}
EXPLICIT = {"nucleation.law": "explicit", "injection.0.rate": "2 mL/min", "simulation.duration": "2 min"}
TAKEN = {"injection.0.rate": "0.5 mL/min", "simulation.duration": "18 min",
         "withdrawal": [{"time": "5 min", "volume": "3 mL"}]}


def agree(model: Model, course: Any) -> None:
    """Events, births, S, and the mean over all particles at the end.

    Several hundred particles at the least make the noise of a mean diameter less than 1.2 %, and that of the others
    less than 5 %: with 2 to 6 % of error of the forecast the limits are more than five standard deviations away.
    """
    run = ExactRun(model, np.random.Generator(np.random.SFC64(1)))
    run.advance(model.duration)
    counts = run.counts()
    every = counts.seed + counts.nucleated
    mean = float(every @ (2.0 * model.radius(counts.sizes)) / every.sum())
    assert course.finished
    assert course.events == pytest.approx(run.events, rel=0.2)
    assert course.births == pytest.approx(counts.tallies["born"], rel=0.4, abs=5.0)
    assert course.supersaturation[-1] == pytest.approx(counts.supersaturation, rel=0.3)
    assert course.mean_diameter[-1] == pytest.approx(mean, rel=0.08)


@pytest.mark.parametrize("name", [
    "inas_feed_2ml_per_hour", "inas_feed_fast", "inas_feed_slow", "inas_hot_injection_amc_250",
    "inas_hot_injection_amc_300", "inas_hot_injection_msc_250", "inas_hot_injection_msc_300",
    "teaching_secondary_nucleation",
])
def test_a_shipped_recipe_is_forecast_as_the_engine_runs_it(name: str) -> None:
    recipe = kg.load_recipe(name)
    model = build_model(recipe, particles=700)
    agree(model, predict(recipe, model).course)


@pytest.mark.parametrize(("text", "changes"), [(WITH_CLUSTER, CLUSTER), (RECIPE, EXPLICIT), (RECIPE, TAKEN)],
                         ids=["cluster", "explicit", "aliquot"])
def test_other_ways_to_be_born_are_forecast_as_the_engine_runs_them(text: str, changes: dict[str, Any]) -> None:
    model = build_model(kg.parse_recipe(text, changes=changes), particles=700)
    agree(model, forecast(model))


def test_a_burst_between_two_corners_is_shown() -> None:
    """Two hasty minutes from 10 to 12 min: S is highest where they end."""
    course = forecast(build_model(kg.load_recipe("teaching_secondary_nucleation")))
    assert course.time[np.argmax(course.supersaturation)] == pytest.approx(720.0)
    assert course.most > 3.0 * course.seeds[0]
