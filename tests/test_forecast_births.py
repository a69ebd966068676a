"""Births, sizes and events of the forecast against the exact engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_check import RECIPE, WITH_CLUSTER

import kmcgrowth as kg
from kmcgrowth.check import predict
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.forecast import forecast

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
