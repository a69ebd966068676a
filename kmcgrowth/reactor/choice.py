"""Which engine a recipe calls for, read from a forecast of its events and never from the speed of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from kmcgrowth.model.types import Model
from kmcgrowth.reactor.forecast import Forecast, forecast

EXACT_COST = 2e9
"""Most attachments and detachments, or as much work of another kind, that are drawn one by one: half a minute or so."""

COST_OF_REACTION, COST_OF_BIRTH, COST_OF_ENTRY = 4.0, 80.0, 0.3
"""Work of a reaction or a molecule out of a syringe, of a birth, and of an entry of the tables that a window goes
through, over that of an attachment [dimensionless]."""

FALLBACK = "leap"
"""Where every event is too many."""


@dataclass(frozen=True)
class Choice:
    """An engine and why.

    Attributes
    ----------
    method : str
    reason : str, a clause that goes on after the name of the engine
    """

    method: str
    reason: str


def choose(model: Model, course: Forecast | None = None) -> Choice:
    """The engine for a model.

    Parameters
    ----------
    model : Model
    course : Forecast of it, if there is one already

    Returns
    -------
    Choice
        ``exact`` as long as its events are few enough; else ``leap``.
    """
    course = forecast(model) if course is None else course
    if not course.finished:
        return Choice(FALLBACK, "the forecast finds the recipe too stiff for single events")
    windows = COST_OF_ENTRY * course.window_work
    cost = course.events + COST_OF_REACTION * course.reactions + COST_OF_BIRTH * course.births + windows
    if cost <= EXACT_COST:
        return Choice("exact", f"{course.events:.1e} events are expected, few enough to draw every one")
    if windows > 0.5 * cost:
        return Choice(FALLBACK, f"{course.events:.1e} events of few particles are expected, which cost much one by one")
    many = f"{course.events:.1e} events are expected" if course.events > 0.5 * EXACT_COST else (
        f"{course.births:.1e} births and {course.reactions:.1e} reactions are expected")
    return Choice(FALLBACK, f"{many}, too many to draw every one")


__all__ = ["EXACT_COST", "FALLBACK", "Choice", "choose"]
