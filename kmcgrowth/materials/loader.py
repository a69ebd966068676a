"""Reading the material files."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.optics import Cluster, Optics, Provenance, read_clusters, read_optics

_CRYSTAL_UNITS = {"unit_volume": "m^3", "molar_mass": "kg/mol", "density": "kg/m^3"}
_LENGTH = "m"

LIGANDS = "ligands.toml"
"""The one file beside the materials that is none."""


@dataclass(frozen=True)
class Material:
    """What is known about one material.

    Attributes
    ----------
    name : as in recipes
    structure : crystal structure
    atoms : element -> atoms per formula unit
    unit_volume : volume of one formula unit [m^3]
    molar_mass : of one formula unit [kg/mol]
    density : [kg/m^3]
    lattice : name of a lattice constant -> length [m]
    electronic : "gap" [J]; masses in free-electron masses and permittivities [dimensionless]
    growth : defaults of a recipe's [growth] table, as recipe text
    nucleation : defaults of a recipe's [nucleation] table, as recipe text
    sizing, absorption : empirical curves, each with its form, numbers and range
    optics : how dots absorb and emit, or None
    clusters : name -> cluster with its bands
    source, trust : "section.key" -> where the value comes from, and how far it can be trusted
    """

    name: str
    structure: str
    atoms: dict[str, int]
    unit_volume: float
    molar_mass: float
    density: float
    lattice: dict[str, float]
    electronic: dict[str, float]
    growth: dict[str, Any]
    nucleation: dict[str, Any]
    sizing: tuple[dict[str, Any], ...] = ()
    absorption: tuple[dict[str, Any], ...] = ()
    optics: Optics | None = None
    clusters: dict[str, Cluster] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    trust: dict[str, str] = field(default_factory=dict)


@cache
def material_names() -> tuple[str, ...]:
    """Names of the materials that ship, sorted."""
    files = resources.files("kmcgrowth.materials").iterdir()
    names = (f.name for f in files if f.name.endswith(".toml") and f.name != LIGANDS)
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def load_material(name: str) -> Material:
    """Read a material that ships.

    Parameters
    ----------
    name : one of `material_names`

    Returns
    -------
    Material, a fresh copy on every call; numbers in SI units.

    Raises
    ------
    BadInput : no such material; the sentence suggests the nearest name.
    """
    known = material_names()
    if name not in known:
        folded = {n.casefold(): n for n in known}
        close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
        hint = f'; did you mean "{folded[close[0]]}"?' if close else "."
        raise BadInput(f'material: "{name}" is not one of {", ".join(known)}{hint}')
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> Material:
    text = resources.files("kmcgrowth.materials").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return _material(tomllib.loads(text), f"{name}.toml")


def _material(data: dict[str, Any], file: str) -> Material:
    from kmcgrowth.units import quantity

    about = Provenance(file)
    for section in ("crystal", "electronic", "growth", "nucleation"):
        for key, entry in data[section].items():
            about.take(f"{section}.{key}", entry)
    crystal = {
        key: quantity(entry["value"], _CRYSTAL_UNITS.get(key, _LENGTH), where=f"{file}: crystal.{key}")
        for key, entry in data["crystal"].items()
    }
    electronic = {
        key: quantity(entry["value"], "J", where=f"{file}: electronic.{key}")
        if isinstance(entry["value"], str)
        else float(entry["value"])
        for key, entry in data["electronic"].items()
    }
    return Material(
        name=data["name"],
        structure=data["structure"],
        atoms=dict(data["atoms"]),
        unit_volume=crystal.pop("unit_volume"),
        molar_mass=crystal.pop("molar_mass"),
        density=crystal.pop("density"),
        lattice=crystal,
        electronic=electronic,
        growth={key: _recipe_text(entry) for key, entry in data["growth"].items()},
        nucleation={key: _recipe_text(entry) for key, entry in data["nucleation"].items()},
        sizing=tuple(data.get("sizing", ())),
        absorption=tuple(data.get("absorption", ())),
        optics=read_optics(data, about),
        clusters=read_clusters(data, about),
        source=about.source,
        trust=about.trust,
    )


def _recipe_text(entry: dict[str, Any]) -> Any:
    """The value as a recipe would write it: plain text, or a table with its temperature law."""
    kept = {key: value for key, value in entry.items() if key not in ("source", "trust")}
    return kept["value"] if set(kept) == {"value"} else kept
