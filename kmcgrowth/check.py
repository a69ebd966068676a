"""What a recipe means, what it will roughly do, and what it will cost, before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.model.types import Model
from kmcgrowth.reactor.forecast import Forecast, forecast

if TYPE_CHECKING:
    from kmcgrowth.recipe import Recipe

SECONDS_PER_EVENT = {"exact": 2e-8, "twin": 6e-4}
"""Method -> wall time of one event, windows included, on one core of a server of the 2020s [s]."""

SECONDS_PER_REACTION = 7e-8
SECONDS_PER_BIRTH = 1.6e-6
"""What a reaction or a molecule out of a syringe, and a birth, take on top of an event [s]."""

SECONDS_PER_SNAPSHOT = 8e-5
SECONDS_PER_COUNT = 4e-8
"""A snapshot, and one particle counted in it [s]."""

BASE_BYTES = 1.27e8
"""The interpreter with numpy, xarray and HDF5 while a result is written [bytes]."""

RUNNING_BYTES = 9e7
"""The interpreter while the engine runs [bytes]."""

BYTES_PER_PARTICLE = 35.0
BYTES_PER_SIZE = 48.0
"""One distinct size in one snapshot, kept and copied once for the dataset [bytes]."""

FEW_MONOMERS = 20.0
SMALL_NUCLEUS = 5.0
"""Below this a nucleus is no sphere with a surface [formula units]."""

NOTICEABLE = 0.01
"""Nucleation below this share of its limit is not worth a warning [dimensionless]."""


@dataclass(frozen=True)
class Prediction:
    """A rough forecast of a run and of its cost.

    Attributes
    ----------
    course : Forecast, the mean field at some 17 times and the corners of the schedules
    method : str
    events : float, gross events [dimensionless]
    seconds : float, wall time of one replicate; like the memory good to a factor of two [s]
    memory : float [bytes]
    warnings : sentences about what makes the result doubtful
    """

    course: Forecast
    method: str
    events: float
    seconds: float
    memory: float
    warnings: tuple[str, ...]


def predict(recipe: Recipe, model: Model, *, method: str | None = None) -> Prediction:
    """Forecast a run in a fraction of a second.

    Parameters
    ----------
    recipe : Recipe
    model : Model built from it
    method : engine, by default the recipe's
    """
    course = forecast(model)
    name = recipe.simulation.method if method is None else method
    snapshots, particles = model.snapshots.size, course.seeds + course.born
    over = max(float(course.time[-1] - course.time[0]), 1e-300)
    counted = snapshots * float(np.trapezoid(particles, course.time)) / over
    seconds = (
        course.events * SECONDS_PER_EVENT.get(name, SECONDS_PER_EVENT["exact"])
        + course.reactions * SECONDS_PER_REACTION + course.births * SECONDS_PER_BIRTH
        + snapshots * SECONDS_PER_SNAPSHOT + counted * SECONDS_PER_COUNT
    )
    sizes = min(course.most, course.largest) * snapshots
    memory = max(BASE_BYTES, RUNNING_BYTES + BYTES_PER_PARTICLE * course.most)
    return Prediction(
        course=course,
        method=name,
        events=course.events,
        seconds=seconds,
        memory=memory + BYTES_PER_SIZE * sizes + 200.0 * course.largest,
        warnings=tuple(warnings(recipe, model, course)),
    )


def warnings(recipe: Recipe, model: Model, course: Forecast) -> list[str]:
    """Sentences about what makes a result doubtful.

    Parameters
    ----------
    recipe : Recipe
    model : Model built from it
    course : Forecast of the model
    """
    from kmcgrowth.recipe import temperature_law_warnings

    found = temperature_law_warnings(recipe)
    law = model.nucleation.law
    seeds = sum(p.number for p in model.seeds)
    if not seeds and law == "none":
        found.append("There are no seeds and nucleation is off: only the chemistry of the solution is followed.")
    with np.errstate(invalid="ignore"):
        matters = course.nucleation > (NOTICEABLE * course.nucleation_limit if seeds else 0.0)
        small = matters & (course.nucleus < SMALL_NUCLEUS)
    if np.any(small):
        found.append(
            f"Where nucleation matters the critical nucleus falls to {np.nanmin(course.nucleus[small]):.1f} formula "
            "units; below about 5 the classical picture of a sphere with a surface fails."
        )
    if np.any(course.capped & matters):
        found.append(
            "Nucleation reaches its cap, the rate at which monomers meet: the number of particles is an upper limit."
        )
    if law == "cluster" and (sentence := _subcritical(model, course)):
        found.append(sentence)
    free = course.amounts[1:, 0]
    if free.size and 0.0 < np.median(free) < FEW_MONOMERS and course.time[-1] > 0.0:
        found.append(
            f"The control volume holds only about {np.median(free):.2g} free monomers; nucleation reads the mean field "
            "and does not suffer, but ask for more particles if the monomer itself is of interest."
        )
    if not course.finished:
        found.append(
            f"The forecast ends at {_time(course.time[-1])}: the recipe is too stiff for a quick one; "
            "events and time lack the rest."
        )
    return found


def _subcritical(model: Model, course: Forecast) -> str:
    """A sentence where the clusters of the law ``cluster`` are too small to live as particles."""
    units = int(model.formula_units[model.nucleation.cluster])
    born = course.nucleation > 0.0
    if not np.any(born) or units < 2:
        return ""
    need = []
    for T in np.unique(course.temperature[born]):
        attach, detach = model.tables(float(T), units)
        need.append(detach[units] / attach[units - 1] / model.solubility(float(T)))
    low = course.supersaturation[born] < np.interp(course.temperature[born], np.unique(course.temperature[born]), need)
    if not np.any(low):
        return ""
    return (
        f"A particle of {units} formula units lives only above S = {max(need):.3g}, which the forecast does not hold "
        "all the time: most clusters that become particles dissolve."
    )


def report(recipe: Recipe) -> str:
    """The text that ``kmcgrowth check`` prints.

    Raises
    ------
    BadInput
        If matter in the flask or in a syringe can reach neither monomer nor particles.
    """
    from kmcgrowth.check_text import course_table, description
    from kmcgrowth.model.build import build_model
    from kmcgrowth.recipe import reaches_growth

    reaches_growth(recipe)
    model = build_model(recipe)
    prediction = predict(recipe, model)
    parts = [description(recipe, model), course_table(model, prediction.course), _cost(prediction)]
    parts += [f"warning: {sentence}" for sentence in prediction.warnings]
    return "\n\n".join(parts)


def _cost(prediction: Prediction) -> str:
    memory = prediction.memory / 1e6
    # leaps take the less time the faster the exchange that they leap over
    most = "at most " if prediction.method == "leap" else ""
    return (
        f"expected events  {prediction.events:.1e}\n"
        f"expected time    {most}{_time(prediction.seconds)} with the method \"{prediction.method}\" (to a factor of two)\n"
        f"expected memory  {memory:.0f} MB"
    )


def _time(seconds: float) -> str:
    for unit, scale in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * scale:
            return f"{seconds / scale:.2g} {unit}"
    return f"{seconds:.2g} s"
