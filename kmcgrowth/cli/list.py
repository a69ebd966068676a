"""``kmcgrowth list``: what ships with the package."""

from __future__ import annotations


def list_shipped() -> None:
    """Show the recipes and materials that ship; RECIPE may be such a name."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.materials import material_names
    from kmcgrowth.recipe import shipped_recipes

    recipes = shipped_recipes()
    width = max((len(name) for name in recipes), default=0)
    lines = ["recipes", *(f"  {name:<{width}}  {title}".rstrip() for name, title in sorted(recipes.items()))]
    lines += ["materials", *(f"  {name}" for name in material_names())]
    say("\n".join(lines))
