"""Reaction equations: "AMC -> 22 monomer", "A + B <=> 2 C"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.units import shown

MONOMER = "monomer"
MAX_MOLECULES = 1_000_000
_NAME_PATTERN = r"[A-Za-z](?:[\w()\[\]']|-(?!>))*"
NAME = re.compile(_NAME_PATTERN)
_TERM = re.compile(rf"\s*(\d{{1,9}})?\s*({_NAME_PATTERN})\s*")
_ARROWS = str.maketrans({"→": "->", "⟶": "->", "⇌": "<=>", "⇄": "<=>", "⟷": "<=>", "↔": "<=>"})
_EXAMPLE = 'for example "AMC -> 22 monomer"'


@dataclass(frozen=True)
class Equation:
    """A reaction equation, taken apart.

    Attributes
    ----------
    reactants, products : species -> molecules
    reversible : bool, written with "<=>"
    """

    reactants: dict[str, int]
    products: dict[str, int]
    reversible: bool


def parse_equation(text: Any) -> Equation:
    """Take an equation apart.

    Raises
    ------
    Wrong : if it cannot be read, or changes nothing.
    """
    if not isinstance(text, str):
        raise Wrong(f"{shown(text)} is not an equation; write text, {_EXAMPLE}.")
    plain = text.translate(_ARROWS)
    reversible = "<=>" in plain
    sides = plain.split("<=>" if reversible else "->")
    if len(sides) != 2:
        raise Wrong(f'{shown(text)} needs exactly one arrow, "->" or "<=>", {_EXAMPLE}.')
    left, right = (_side(side, text) for side in sides)
    if left == right:
        raise Wrong(f"{shown(text)} changes nothing; the products must differ from the reactants.")
    return Equation(left, right, reversible)


def _side(side: str, text: str) -> dict[str, int]:
    if not side.strip():
        raise Wrong(f"{shown(text)} has an empty side; what is lost for good goes into a [[loss]] table.")
    molecules: dict[str, int] = {}
    for term in side.split("+"):
        match = _TERM.fullmatch(term)
        if match is None:
            raise Wrong(f"{shown(term.strip())} in {shown(text)} is not a number and a species, {_EXAMPLE}.")
        count = int(match[1]) if match[1] else 1
        if not 1 <= count <= MAX_MOLECULES:
            raise Wrong(f"{shown(term.strip())} in {shown(text)} needs 1 to {MAX_MOLECULES} molecules.")
        molecules[match[2]] = molecules.get(match[2], 0) + count
    return molecules
