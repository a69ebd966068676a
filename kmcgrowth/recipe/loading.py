"""From a file, a text or a shipped name to a checked recipe."""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material, material_names
from kmcgrowth.recipe.changes import apply_changes, merge_defaults, read_value
from kmcgrowth.recipe.checks import check_recipe
from kmcgrowth.recipe.columns import Files
from kmcgrowth.recipe.families import expand
from kmcgrowth.recipe.lattice_checks import check_lattice
from kmcgrowth.recipe.ligand import apply_ligand
from kmcgrowth.recipe.problems import Wrong, bad, check_keys, first_problem, nearest
from kmcgrowth.recipe.schema import Recipe
from kmcgrowth.units import shown


def load_recipe(name: str | os.PathLike[str], *, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe from a file, or one that ships with the package by its name.

    Parameters
    ----------
    name : path of a TOML file, or a shipped name such as "inas_continuous_injection"
    changes : dotted key -> value, set before the recipe is checked; a text is read as a TOML value
        if it is one, else as a string

    Returns
    -------
    Recipe, numbers in SI units

    Raises
    ------
    BadInput : one sentence that names the key, or the file.
    """
    path, text = read_file(name)
    return parse_recipe(text, directory=path.parent, changes=changes)


def parse_recipe(
    text: str,
    *,
    directory: str | os.PathLike[str] | None = None,
    files: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Recipe:
    """Read a recipe from TOML text.

    Parameters
    ----------
    text : TOML
    directory : folder in which CSV files are looked up
    files : name -> contents of CSV files known beforehand (those a dataset carries), before ``directory``
    changes : as in ``load_recipe``

    Returns
    -------
    Recipe, numbers in SI units

    Raises
    ------
    BadInput : one sentence that names the key.
    """
    return read_tree(read_toml(text), text=text, directory=directory, files=files, changes=changes)


def read_tree(
    tree: dict[str, Any],
    *,
    text: str,
    directory: str | os.PathLike[str] | None = None,
    files: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Recipe:
    """Read a recipe from the tree of its TOML text, which is changed in place; else as ``parse_recipe``."""
    source = Files(Path(directory) if directory is not None else None, dict(files or {}))
    changes = dict(changes or {})
    try:
        unit_atoms = complete_tree(tree, changes)
        recipe = Recipe.model_validate(tree, context={"files": source})
        recipe = recipe.model_copy(update={
            "unit_atoms": unit_atoms, "text": text, "changes": copy.deepcopy(changes), "files": source.read})
        species, steps = expand(recipe.family, recipe.species, unit_atoms)
        recipe = apply_ligand(recipe.model_copy(update={"species": species, "reaction": [*recipe.reaction, *steps]}))
        check_recipe(recipe)
        check_lattice(recipe)
    except ValidationError as error:
        raise first_problem(error) from None
    except Wrong as wrong:
        raise bad(wrong.sentence, *wrong.path) from None
    except RecursionError:
        raise BadInput("the recipe is nested too deeply; it has tables in tables, and no deeper.") from None
    return recipe


def read_toml(text: str, kind: str = "recipe") -> dict[str, Any]:
    """The tree of a TOML text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = " ".join(str(error).split())
        what, _, where = message.rpartition(" (at ")
        place = where.rstrip(")") if what else "somewhere"
        raise BadInput(f"{place}: this is not valid TOML: {_readable(what or message)}.") from None
    except ValueError as error:
        raise BadInput(f"the text is not valid TOML: {_readable(' '.join(str(error).split()))}.") from None
    except RecursionError:
        raise BadInput(f"the {kind} is nested too deeply; it has tables in tables, and no deeper.") from None


def _readable(message: str) -> str:
    text = "".join(c if c.isprintable() else "?" for c in message)[:160]
    return text[:1].lower() + text[1:]


def complete_tree(tree: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, int]:
    """Apply the changes and the material's defaults; the atoms of one formula unit."""
    check_keys(tree, Recipe.keys)
    if "material" in changes:
        tree["material"] = read_value(changes["material"])
    if "material" not in tree:
        raise Wrong(f"is missing; {Recipe.needs['material']}", "material")
    name = tree["material"]
    known = material_names()
    if not isinstance(name, str) or name not in known:
        hint = nearest(name, known, "name one.") if isinstance(name, str) else "write its name in quotation marks."
        raise Wrong(f"{shown(name)} is not a material that ships, which are {', '.join(known)}; {hint}", "material")
    material = load_material(name)
    merge_defaults(tree, {"growth": material.growth, "nucleation": material.nucleation})
    apply_changes(tree, changes)
    return dict(material.atoms)


def read_file(name: str | os.PathLike[str], kind: str = "recipe") -> tuple[Path, str]:
    """Path and text of a recipe's or study's file, or of one that ships under this name."""
    path = Path(name)
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found and path.is_dir():
        raise BadInput(f"{shown(str(name))} is a folder; give the name of a {kind} file in it.")
    if not found:
        shipped = _shipped_files()
        stem = path.name.removesuffix(".toml")
        if stem not in shipped or len(path.parts) != 1:
            hint = nearest(stem, shipped, otherwise='"kmcgrowth list" shows those that ship.')
            raise BadInput(f"{shown(str(name))}: there is no such file, and no {kind} of this name ships; {hint}")
        path = shipped[stem]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{shown(str(name))}: the file is not UTF-8 text; a {kind} is a TOML file.") from None
    except OSError as error:
        raise BadInput(f"{shown(str(name))}: the file cannot be read: {error.strerror}.") from None
    return path, text


def _shipped_files() -> dict[str, Path]:
    """Name -> file of every TOML file that ships."""
    folders = [Path(__file__).parents[2] / "runs"]
    try:
        folders.insert(0, Path(str(resources.files("kmcgrowth.runs").joinpath("x"))).parent)
    except (ModuleNotFoundError, TypeError):
        pass
    for folder in folders:
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return {}


def shipped_recipes() -> dict[str, str]:
    """Name -> title of every recipe that ships."""
    return _titles("flask")


def shipped_studies() -> dict[str, str]:
    """Name -> title of every study that ships."""
    return _titles("axes")


def _titles(table: str) -> dict[str, str]:
    """Name -> title of the shipped files that have a table of this name."""
    trees = {name: tomllib.loads(path.read_text(encoding="utf-8")) for name, path in _shipped_files().items()}
    return {name: str(tree.get("title", "")) for name, tree in trees.items() if table in tree}
