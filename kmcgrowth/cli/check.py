"""``kmcgrowth check``: what a recipe means, what it will roughly do and what it will cost."""

from __future__ import annotations

from kmcgrowth.cli import options


def check(
    recipe: options.Recipe,
    method: options.Method = None,
    particles: options.Particles = None,
    changes: options.Changes = None,
) -> None:
    """Validate a recipe; print what will be simulated, a forecast, expected events, time and memory."""
    from kmcgrowth.check import report
    from kmcgrowth.cli.say import say
    from kmcgrowth.recipe import load_recipe

    changed = options.read_changes(changes)
    if particles is not None:
        changed["simulation.particles"] = particles
    say(report(load_recipe(recipe, changes=changed), method=method))
