"""``kmcgrowth check``: what a recipe means, what it will roughly do and what it will cost."""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a recipe that ships.")],
) -> None:
    """Validate a recipe; print what will be simulated, a forecast, expected events, time and memory."""
    from kmcgrowth.check import report
    from kmcgrowth.cli.say import say
    from kmcgrowth.recipe import load_recipe

    say(report(load_recipe(recipe)))
