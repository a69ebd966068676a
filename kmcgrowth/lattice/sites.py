"""A periodic box of lattice sites: how they are numbered, where they lie, which are neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.materials.crystals import Crystal, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Box:
    """A periodic box of whole cells.

    Site ``((x ny + y) nz + z) basis + b`` is site b of the cell (x, y, z).

    Attributes
    ----------
    crystal : Crystal
    cells : (nx, ny, nz)
    constant : lattice constant a [m]
    """

    crystal: Crystal
    cells: tuple[int, int, int]
    constant: float

    @property
    def sites(self) -> int:
        """Sites in the box."""
        nx, ny, nz = self.cells
        return nx * ny * nz * self.crystal.sites

    @property
    def edges(self) -> FloatArray:
        """Edges of the box (3,) [m]."""
        return np.array(self.cells) * self.crystal.cell * self.constant

    @property
    def volume(self) -> float:
        """Volume of the box [m^3]."""
        return float(np.prod(self.edges))

    @property
    def unit_volume(self) -> float:
        """Volume of one formula unit [m^3]."""
        return self.crystal.volume * self.constant**3

    @cached_property
    def kind(self) -> NDArray[np.uint8]:
        """Element of each site of a cell (basis,)."""
        return self.crystal.kind.astype(np.uint8)

    def split(self, site: IntArray) -> tuple[IntArray, IntArray]:
        """Cells (..., 3) and basis (...) of sites."""
        _, ny, nz = self.cells
        rest, b = np.divmod(np.asarray(site, dtype=np.int64), self.crystal.sites)
        rest, z = np.divmod(rest, nz)
        x, y = np.divmod(rest, ny)
        return np.stack([x, y, z], axis=-1), b

    def join(self, cell: IntArray, b: IntArray) -> IntArray:
        """Sites of cells (..., 3), taken into the box, and basis (...)."""
        nx, ny, nz = self.cells
        inside = np.mod(cell, (nx, ny, nz))
        return ((inside[..., 0] * ny + inside[..., 1]) * nz + inside[..., 2]) * self.crystal.sites + b

    def position(self, site: IntArray) -> FloatArray:
        """Where sites lie in the box (..., 3) [m]."""
        cell, b = self.split(site)
        return (cell + self.crystal.basis[b]) * self.crystal.cell * self.constant

    def element(self, site: IntArray) -> IntArray:
        """Element of sites (...)."""
        return self.crystal.kind[np.asarray(site) % self.crystal.sites]

    def neighbours(self, site: IntArray, shell: int = 0) -> IntArray:
        """Neighbours of sites in a shell, from 0 (..., coordination)."""
        cell, b = self.split(site)
        near = self.crystal.shells[shell][b]
        return self.join(cell[..., None, :] + near[..., :3], near[..., 3])

    def bonds(self, occupied: IntArray, shell: int = 0) -> IntArray:
        """Pairs of neighbours among occupied sites, each once, as places in ``occupied`` (bonds, 2)."""
        occupied = np.asarray(occupied, dtype=np.int64)
        order = np.argsort(occupied, kind="stable")
        ranked = occupied[order]
        near = self.neighbours(occupied, shell)
        place = np.minimum(np.searchsorted(ranked, near), max(len(ranked) - 1, 0))
        there = ranked[place] == near if len(ranked) else np.zeros(near.shape, dtype=bool)
        mine = np.broadcast_to(np.arange(len(occupied))[:, None], near.shape)[there]
        other = order[place[there]]
        once = mine < other
        return np.column_stack([mine[once], other[once]])
