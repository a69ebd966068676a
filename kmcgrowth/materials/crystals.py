"""Crystals: where atoms can sit, from one declarative description each (``crystals/*.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SPLIT = 0.02
"""Relative difference of distances up to which neighbours count as one shell [dimensionless]."""


@dataclass(frozen=True, eq=False)
class Crystal:
    """A crystal with a rectangular cell.

    Attributes
    ----------
    name : str
    cell : (3,) edges of the cell, in units of the lattice constant a [dimensionless]
    elements : atoms of each element in one formula unit, the cation first
    kind : (basis,) element of each site of the cell, an index of ``elements``
    basis : (basis, 3) place of each site, in units of the edges [dimensionless]
    coordination : sites in the first and in the second shell
    hop_shells : shells to whose sites an atom on the surface can hop, from 0
    face : name of the close-packed face
    broken : bonds cut per area of that face, in units of a^-2 [dimensionless]
    walk : (3,) parts into which the edges are cut for the grid on which dissolved atoms walk; empty where they cannot
    shells : per shell, (basis, coordination, 4) neighbours of each site: steps in cells along the edges, site there
    distances : (2,) of the shells, in units of a [dimensionless]
    """

    name: str
    cell: FloatArray
    elements: tuple[int, ...]
    kind: IntArray
    basis: FloatArray
    coordination: tuple[int, int]
    hop_shells: tuple[int, ...]
    face: str
    broken: float
    walk: tuple[int, ...]
    shells: tuple[IntArray, IntArray]
    distances: FloatArray

    @property
    def sites(self) -> int:
        """Sites in one cell."""
        return len(self.kind)

    @property
    def volume(self) -> float:
        """Volume of one formula unit, in units of a^3 [dimensionless]."""
        return float(np.prod(self.cell)) * sum(self.elements) / self.sites

    @property
    def hops(self) -> IntArray:
        """Sites of its element to which an atom on the surface can hop (basis, directions, 4), as in ``shells``."""
        return np.concatenate([self.shells[i] for i in self.hop_shells], axis=1)


@cache
def crystal_names() -> tuple[str, ...]:
    """Names of the crystals that ship, sorted."""
    files = resources.files("kmcgrowth.materials").joinpath("crystals").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


@cache
def load_crystal(name: str) -> Crystal:
    """Read a crystal that ships.

    Raises
    ------
    BadInput : no such crystal; the sentence suggests the nearest name.
    """
    known = crystal_names()
    if name not in known:
        close = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        hint = f'; did you mean "{close[0]}"?' if close else "."
        raise BadInput(f'crystal: "{name}" is not one of {", ".join(known)}{hint}')
    text = resources.files("kmcgrowth.materials").joinpath("crystals", f"{name}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    rows = np.array(data["basis"], dtype=float)
    cell, kind, basis = np.array(data["cell"]), rows[:, 0].astype(np.int64), rows[:, 1:]
    shells, distances = _shells(cell, basis, data["coordination"])
    for array in (cell, kind, basis, *shells, distances):
        array.setflags(write=False)
    return Crystal(
        name, cell, tuple(data["elements"]), kind, basis, tuple(data["coordination"]),
        tuple(i - 1 for i in data["hops"]), data["face"]["name"], data["face"]["bonds"] / data["face"]["area"],
        tuple(data.get("walk", ())), shells, distances,
    )


def _shells(
    cell: FloatArray, basis: FloatArray, coordination: list[int]
) -> tuple[tuple[IntArray, IntArray], FloatArray]:
    """Neighbours of every site, shell by shell, in a fixed order; description and geometry must agree."""
    steps = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)))
    found: list[list[IntArray]] = [[], []]
    distances = np.zeros(2)
    for place in basis:
        apart = (steps[:, None, :] + basis[None, :, :] - place) * cell
        length = np.linalg.norm(apart, axis=2)
        order = np.unique(np.round(length[length > 1e-9], 9))
        groups = np.split(order, np.flatnonzero(np.diff(order) > SPLIT * order[1:]) + 1)
        for shell in (0, 1):
            near, far = groups[shell][0] - 1e-6, groups[shell][-1] + 1e-6
            which = np.argwhere((length >= near) & (length <= far))
            if len(which) != coordination[shell]:
                raise ValueError(f"a site has {len(which)} neighbours in shell {shell + 1}, not {coordination[shell]}")
            found[shell].append(np.column_stack([steps[which[:, 0]], which[:, 1]]).astype(np.int64))
            distances[shell] = float(np.mean(groups[shell]))
    return (np.array(found[0]), np.array(found[1])), distances
