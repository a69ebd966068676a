"""``kmcgrowth list``: what ships with the package."""

from __future__ import annotations


def list_shipped() -> None:
    """Show the recipes, studies and materials that ship; RECIPE and STUDY may be such names."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.materials import material_names
    from kmcgrowth.recipe import shipped_recipes, shipped_studies

    kinds = {"recipes": shipped_recipes(), "studies": shipped_studies()}
    width = max((len(name) for titles in kinds.values() for name in titles), default=0)
    lines = []
    for kind, titles in kinds.items():
        lines += [kind, *(f"  {name:<{width}}  {title}".rstrip() for name, title in sorted(titles.items()))]
    lines += ["materials", *(f"  {name}" for name in material_names())]
    say("\n".join(lines))
