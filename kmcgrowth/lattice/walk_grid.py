"""The grids on which dissolved atoms walk through a box, one per element, and what rates mean on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import Crystal, FloatArray, IntArray

MARGIN = 2
"""Cells at each border of the box that are a reservoir, where there is one."""


@dataclass(frozen=True, eq=False)
class WalkGrid:
    """Simple cubic grids of the spacing h; a grid's points include the sites of its element.

    Molecules that are no atoms walk on the grid of the first element.

    Attributes
    ----------
    box : Box
    parts : (3,) grid spacings along the edges of a cell
    point : (basis, 3) grid point of each site of a cell, on the grid of its element
    shift : (elements, 3) place of each element's grid, in units of the spacing [dimensionless]
    """

    box: Box
    parts: tuple[int, int, int]
    point: IntArray
    shift: FloatArray

    @property
    def spacing(self) -> float:
        """h [m]."""
        return float(self.box.crystal.cell[0] * self.box.constant / self.parts[0])

    @property
    def points(self) -> IntArray:
        """Grid points along the edges of the box (3,)."""
        return np.array(self.box.cells, dtype=np.int64) * np.array(self.parts, dtype=np.int64)

    def hop_rate(self, diffusion: float) -> float:
        """Rate of steps to one of the six points around, D/h^2 [1/s]; diffusion [m^2/s]."""
        return diffusion / self.spacing**2

    def stick_rate(self, attach_rate: float) -> float:
        """Rate at which an atom at a place attaches, attach rate/h^3 [1/s]; attach_rate [m^3/s], or inf.

        Where walkers are spread evenly, an empty place then fills at attach_rate times the concentration.
        """
        return attach_rate / self.spacing**3

    def per_point(self, concentration: float) -> float:
        """Walkers per grid point at a concentration [1/m^3]."""
        return concentration * self.spacing**3

    def position(self, element: IntArray, point: IntArray) -> FloatArray:
        """Where grid points (..., 3) of elements' grids (...) lie in the box (..., 3) [m]."""
        return np.asarray((np.asarray(point) + self.shift[np.asarray(element)]) * self.spacing)


def walk_grid(box: Box) -> WalkGrid:
    """The grids of a box.

    Raises
    ------
    BadInput : the crystal has none.
    """
    crystal: Crystal = box.crystal
    if not crystal.walk:
        raise BadInput(
            f'solution = "walkers": dissolved atoms walk on cubic grids, which "{crystal.name}" does not have; take '
            'zincblende, fcc or sc, or another solution.'
        )
    parts = np.array(crystal.walk)
    place = crystal.basis * parts
    first = np.array([place[np.flatnonzero(crystal.kind == e)[0]] for e in range(len(crystal.elements))])
    point = place - first[crystal.kind]
    if not np.allclose(point, np.rint(point)) or not np.allclose(crystal.cell / parts, crystal.cell[0] / parts[0]):
        raise ValueError(f"the sites of {crystal.name} do not lie on cubic grids")
    return WalkGrid(box, (int(parts[0]), int(parts[1]), int(parts[2])), np.rint(point).astype(np.int64), first)
