"""Random recipes cut to a size that an exact run bears, by their forecast."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from random import Random

import numpy as np
from verification.random_recipes import Tree, random_recipe, text, toml

from kmcgrowth.check import SECONDS_PER_BIRTH, SECONDS_PER_EVENT, SECONDS_PER_REACTION
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.forecast import Forecast, forecast
from kmcgrowth.recipe import parse_recipe, reaches_growth

BUDGET = 0.6
"""Forecast of an exact run [s]."""

FEWEST, MOST = 0.1, 4.0
"""Particles, over those that a random recipe asks for, which are 20 000."""

PATIENCE = 8.0
"""How much longer a run with explicit small sizes may take, where births are most of the events."""

POPULATION = 300.0
"""Particles expected at the end at least, by whose number the noise of the rest is judged."""

SHARE = 0.02
"""Particles expected at the end at least, of the most that there were."""

ROUNDS = 12
"""Times that the duration is halved at most."""


@dataclass(frozen=True)
class Fitted:
    """A recipe that has been cut to size.

    Attributes
    ----------
    number : that of the recipe
    text : TOML
    model : built from it
    course : its forecast
    seconds : forecast of an exact run [s]
    """

    number: int
    text: str
    model: Model
    course: Forecast
    seconds: float


def fitted(number: int, budget: float = BUDGET) -> Fitted | str:
    """Recipe ``number`` of the fixed set, or the sentence with which it is refused."""
    tree = random_recipe(Random(f"recipe {number}"))
    try:
        return cut_to_size(number, tree, budget)
    except BadInput as refusal:
        return str(refusal)


def cut_to_size(number: int, tree: Tree, budget: float) -> Fitted:
    """Fewer particles first, then a shorter run, until the forecast is affordable and leaves particles to look at.

    Raises
    ------
    BadInput
        Where the recipe is refused, or no duration suits.
    """
    tree = copy.deepcopy(tree)
    for _ in range(ROUNDS):
        model = built(tree)
        course = forecast(model)
        alive = course.seeds + course.born
        enough = alive[-1] >= max(SHARE * course.most, POPULATION / MOST)
        room = max(budget / cost(model, course), 1e-9)
        scale = 2.0 ** np.floor(np.log2(room)) if room > 2.0 * FEWEST else FEWEST * (room >= FEWEST)
        if course.finished and scale >= FEWEST and enough:
            break
        duration = float(tree["simulation"]["duration"].split()[0])
        tree["simulation"]["duration"] = text(0.5 * duration, "s")
    else:
        raise BadInput("no duration of this recipe can be simulated.")
    scale = min(scale, MOST)
    for key in ("particles", "formula_units"):
        tree["simulation"][key] = round(tree["simulation"][key] * scale)
    model = built(tree)
    return Fitted(number, toml(tree), model, forecast(model), cost(model, course) * scale)


def built(tree: Tree) -> Model:
    """The model of a tree, by way of its text."""
    recipe = parse_recipe(toml(tree))
    reaches_growth(recipe)
    return build_model(recipe)


def cost(model: Model, course: Forecast) -> float:
    """Forecast of an exact run [s]."""
    events = SECONDS_PER_EVENT["exact"] * course.events
    births = SECONDS_PER_BIRTH * course.births
    if model.nucleation.law == "explicit":  # every pair of monomers that meets is one
        births /= PATIENCE
    return events + SECONDS_PER_REACTION * course.reactions + births
