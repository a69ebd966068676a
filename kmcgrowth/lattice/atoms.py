"""The atoms of one moment, as analysis, pictures and files want them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Atoms:
    """Atoms of particles at one moment.

    Attributes
    ----------
    position : (atoms, 3), inside the periodic box [nm]
    element : (atoms,), index of ``elements``
    elements : symbols, the cation first
    box : (3,), edges of the periodic box [nm]
    bonds : (bonds, 2), pairs of nearest neighbours, each once
    coordination : nearest neighbours of an atom inside the crystal
    seed : (atoms,), True for atoms of particles that were there at the start
    time : [s]
    """

    position: FloatArray
    element: IntArray
    elements: tuple[str, ...]
    box: FloatArray
    bonds: IntArray
    coordination: int
    seed: NDArray[np.bool_]
    time: float = 0.0

    @property
    def number(self) -> int:
        """Number of atoms."""
        return len(self.position)

    @classmethod
    def on(
        cls, box: Box, site: IntArray, elements: tuple[str, ...], *, seed: NDArray[np.bool_] | None = None,
        time: float = 0.0,
    ) -> Atoms:
        """The atoms on occupied sites of a box."""
        site = np.asarray(site, dtype=np.int64)
        return cls(
            position=box.position(site) * 1e9, element=box.element(site), elements=elements, box=box.edges * 1e9,
            bonds=box.bonds(site), coordination=box.crystal.coordination[0],
            seed=np.ones(len(site), dtype=bool) if seed is None else np.asarray(seed, dtype=bool), time=time,
        )
