"""``kmcgrowth copy``: a shipped recipe, to be changed."""

from __future__ import annotations

from typing import Annotated

import typer


def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe, study or material that kmcgrowth list shows.")],
) -> None:
    """Copy a shipped recipe, with the CSV files it reads, a study or a material into the current folder."""
    from pathlib import Path

    from kmcgrowth.cli.say import say
    from kmcgrowth.errors import BadInput
    from kmcgrowth.files import atomic_path

    texts = _texts(name.removesuffix(".toml"))
    for file in texts:
        if Path(file).exists():
            raise BadInput(f'"{file}" is here already; move it away first.')
    for file, text in texts.items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
        say(file)


def _texts(name: str) -> dict[str, str]:
    """File name -> contents of what ships under ``name``."""
    from importlib import resources

    from kmcgrowth.errors import BadInput
    from kmcgrowth.materials import material_names
    from kmcgrowth.recipe import load_recipe, shipped_recipes, shipped_studies
    from kmcgrowth.recipe.loading import read_file

    if name in shipped_recipes():
        recipe = load_recipe(name)
        return {f"{name}.toml": recipe.text, **recipe.files}
    if name in shipped_studies():
        return {f"{name}.toml": read_file(name, "study")[1]}
    if name in material_names():
        text = resources.files("kmcgrowth.materials").joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return {f"{name}.toml": text}
    from difflib import get_close_matches

    close = get_close_matches(name, [*shipped_recipes(), *shipped_studies(), *material_names()], n=1)
    hint = f'did you mean "{close[0]}"?' if close else "kmcgrowth list shows what does."
    raise BadInput(f'nothing of the name "{name}" ships; {hint}')
