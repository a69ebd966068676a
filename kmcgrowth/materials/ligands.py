"""Ligands: what covers particles, from one table each (``ligands.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from kmcgrowth.errors import BadInput


@dataclass(frozen=True)
class Ligand:
    """What is known about one ligand.

    Attributes
    ----------
    name : of the bound anion
    formula : of the bound anion
    molar_mass : of the bound anion [kg/mol]
    footprint : surface of a dot, the sphere of the bare crystal, for one ligand [m^2]
    reactivity : of a cluster it covers towards a reagent, over that with phenylacetate, diffusion apart [dimensionless]
    stability : what it adds to the barrier over which a cluster falls apart, over carboxylates [J]
    source, trust : key -> where the value comes from, and how far it can be trusted (see ``kmcgrowth.materials``)
    """

    name: str
    formula: str
    molar_mass: float
    footprint: float
    reactivity: float = 1.0
    stability: float = 0.0
    source: dict[str, str] = field(default_factory=dict, compare=False)
    trust: dict[str, str] = field(default_factory=dict, compare=False)


@cache
def _tables() -> dict[str, dict[str, Any]]:
    text = resources.files("kmcgrowth.materials").joinpath("ligands.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def ligand_names() -> tuple[str, ...]:
    """Names of the ligands that ship, sorted."""
    return tuple(sorted(_tables()))


def load_ligand(name: str) -> Ligand:
    """Read a ligand that ships.

    Raises
    ------
    BadInput : no such ligand; the sentence suggests the nearest name.
    """
    from kmcgrowth.units import quantity

    known = ligand_names()
    if name not in known:
        close = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        hint = f'; did you mean "{close[0]}"?' if close else "."
        raise BadInput(f'ligand: "{name}" is not one of {"; ".join(known)}{hint}')
    table = _tables()[name]
    values = {
        key: quantity(table[key]["value"], unit, where=f"ligands.toml: {name}.{key}")
        for key, unit in (("molar_mass", "kg/mol"), ("footprint", "m^2"))
    }
    if "reactivity" in table:
        values["reactivity"] = float(table["reactivity"]["value"])
    if "stability" in table:
        where = f"ligands.toml: {name}.stability"
        values["stability"] = quantity(table["stability"]["value"], "J/molecule", where=where)
    told = {key: entry for key, entry in table.items() if isinstance(entry, dict)}
    return Ligand(
        name, table["formula"], **values, source={key: entry["source"] for key, entry in told.items()},
        trust={key: entry["trust"] for key, entry in told.items()},
    )
