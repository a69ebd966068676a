"""Which engine a recipe calls for, read from a forecast of its events and never from the speed of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from kmcgrowth.model.types import Model
from kmcgrowth.reactor.forecast import Forecast, forecast

EXACT_COST = 2e9
"""Most attachments and detachments, or as much work of another kind, that are drawn one by one: half a minute or so."""

COST_OF_REACTION, COST_OF_BIRTH = 4.0, 80.0
"""Work of a reaction or a molecule out of a syringe, and of a birth, over that of an attachment [dimensionless]."""

FALLBACK = "balance"
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
        ``exact`` as long as its events are few enough; else ``balance``.
    """
    course = forecast(model) if course is None else course
    if not course.finished:
        return Choice(FALLBACK, "the forecast finds the recipe too stiff for single events")
    cost = course.events + COST_OF_REACTION * course.reactions + COST_OF_BIRTH * course.births
    if cost <= EXACT_COST:
        return Choice("exact", f"{course.events:.1e} events are expected, few enough to draw every one")
    many = f"{course.events:.1e} events are expected" if course.events > 0.5 * EXACT_COST else (
        f"{course.births:.1e} births and {course.reactions:.1e} reactions are expected")
    return Choice(FALLBACK, f"{many}, too many to draw every one")


__all__ = ["EXACT_COST", "FALLBACK", "Choice", "choose"]
