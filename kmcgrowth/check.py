"""What a recipe means, what it will roughly do, and what it will cost, before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.check_memory import expected_memory, too_large
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.choice import choose
from kmcgrowth.reactor.forecast import Forecast, forecast

if TYPE_CHECKING:
    from kmcgrowth.recipe import Recipe

SECONDS_PER_EVENT = {"exact": 2e-8, "twin": 6e-4}
"""Method -> wall time of one event, windows included, on one core of a server of the 2020s [s]."""

SECONDS_PER_REACTION = 7e-8
SECONDS_PER_BIRTH = 1.6e-6
"""What a reaction or a molecule out of a syringe, and a birth, take on top of an event [s]."""

SECONDS_PER_ENTRY = 3e-9
"""What an entry of the tables takes that a window goes through, on top of its events [s]."""

SECONDS_PER_SNAPSHOT = 8e-5
SECONDS_PER_COUNT = 4e-8
"""A snapshot, and one particle counted in it [s]."""

LEAP_SECONDS_PER_PARTICLE = 1e-5
"""All the leaps of a stiff run, over the most particles at one time [s]."""

BALANCE_SECONDS = 0.02
BALANCE_SECONDS_PER_SNAPSHOT = 3e-4
"""A population balance whatever the number of particles, and one snapshot of it [s]."""

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
    method : str, the engine
    reason : str, why it was chosen if the choice was left open
    events : float, gross events [dimensionless]
    seconds : float, wall time of one replicate; like the memory good to a factor of two [s]
    memory : float [bytes]
    warnings : sentences about what makes the result doubtful
    """

    course: Forecast
    method: str
    reason: str
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
    name, reason = recipe.simulation.method if method is None else method, ""
    if name == "auto":
        found = choose(model, course)
        name, reason = found.method, found.reason
    snapshots, particles = model.snapshots.size, course.seeds + course.born
    over = max(float(course.time[-1] - course.time[0]), 1e-300)
    counted = snapshots * float(np.trapezoid(particles, course.time)) / over
    seconds = (
        course.events * SECONDS_PER_EVENT.get(name, SECONDS_PER_EVENT["exact"])
        + course.reactions * SECONDS_PER_REACTION + course.births * SECONDS_PER_BIRTH
        + course.window_work * SECONDS_PER_ENTRY
    )
    if name == "leap" and course.reactions < 0.5 * course.events:
        # a reaction that goes to and fro faster than the particles exchange has to be followed event by event
        seconds = min(seconds, LEAP_SECONDS_PER_PARTICLE * course.most)
    seconds += snapshots * SECONDS_PER_SNAPSHOT + counted * SECONDS_PER_COUNT
    if name == "balance":
        seconds = BALANCE_SECONDS + snapshots * BALANCE_SECONDS_PER_SNAPSHOT
    return Prediction(
        course=course,
        method=name,
        reason=reason,
        events=course.events,
        seconds=seconds,
        memory=expected_memory(model, course, method=name),
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
    from kmcgrowth.recipe import temperature_law_warnings, unusual

    found = [*unusual(recipe), *temperature_law_warnings(recipe)]
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


def report(recipe: Recipe, *, method: str | None = None) -> str:
    """The text that ``kmcgrowth check`` prints.

    Parameters
    ----------
    recipe : Recipe
    method : engine, by default the recipe's

    Raises
    ------
    BadInput
        If matter in the flask or in a syringe can reach neither monomer nor particles, or there is no such engine.
    """
    from kmcgrowth.check_text import course_table, description
    from kmcgrowth.model.build import build_model
    from kmcgrowth.recipe import reaches_growth
    from kmcgrowth.simulate import require_method

    if method is not None:
        require_method(method)
    reaches_growth(recipe)
    model = build_model(recipe)
    if model.lattice is not None:
        from kmcgrowth.check_lattice import lattice_report

        return lattice_report(model, recipe.title)
    prediction = predict(recipe, model, method=method)
    parts = [description(recipe, model, prediction.method), course_table(model, prediction.course), _cost(prediction)]
    sentences = [too_large(prediction.memory), *prediction.warnings]
    parts += [f"warning: {sentence}" for sentence in sentences if sentence]
    return "\n\n".join(parts)


def _cost(prediction: Prediction) -> str:
    why = f", as {prediction.reason}" if prediction.reason else ""
    return "\n".join([
        f"expected events  {prediction.events:.1e}",
        f"engine           {prediction.method}{why}",
        f"expected time    {_time(prediction.seconds)} (to a factor of two)",
        f"expected memory  {prediction.memory / 1e6:.0f} MB",
    ])


def _time(seconds: float) -> str:
    for unit, scale in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * scale:
            return f"{seconds / scale:.2g} {unit}"
    return f"{seconds:.2g} s"
