"""Energies by counting bonds, and the rates that follow from them under local detailed balance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import Crystal, FloatArray, IntArray
from kmcgrowth.physics.constants import K_B

NONE = 0xFFFF
"""Group of sites at which nothing can happen."""


@dataclass(frozen=True)
class Energetics:
    """Bonds between neighbours, and ligands on the cations of the surface.

    An atom with ``n`` of ``z`` nearest neighbours, ``n2`` in the second shell and ``m`` saturated neighbours (cations
    with all their neighbours) is bound by ``b = n bond + n2 second_bond + ligand [cation and n < z] - ligand m``: what
    the energy of the crystal rises by when it leaves.

    Attributes
    ----------
    crystal : Crystal
    bond : energy of a bond between nearest neighbours [J]
    second_bond : between neighbours of the second shell [J]
    ligand : energy of the ligand on a cation that lacks neighbours [J]
    """

    crystal: Crystal
    bond: float
    second_bond: float = 0.0
    ligand: float = 0.0

    @cached_property
    def groups(self) -> IntArray:
        """One row per group: element, nearest neighbours, of the second shell, saturated ones (groups, 4).

        The first groups, one per element, are empty places with a neighbour; their counts are -1.
        """
        near, far = self.crystal.coordination
        elements = len(self.crystal.elements)
        rows = [[e, -1, -1, -1] for e in range(elements)]
        for e in range(elements):
            for n in range(1, near + 1):
                # saturated neighbours are cations: those of an anion, or of any atom of an element
                beside = n if self.ligand != 0.0 and (e == 1 or elements == 1) else 0
                rows += [
                    [e, n, second, m]
                    for second in range(far + 1 if self.second_bond != 0.0 else 1) for m in range(beside + 1)
                ]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def lookup(self) -> NDArray[np.uint16]:
        """Group by element << 13 | occupied << 12 | saturated << 8 | second << 4 | nearest (16384,)."""
        table = np.full(1 << 14, NONE, dtype=np.uint16)
        elements = len(self.crystal.elements)
        for g, (e, n, second, m) in enumerate(self.groups):
            if n >= 0:
                table[e << 13 | 1 << 12 | m << 8 | second << 4 | n] = g
                continue
            word = np.arange(1 << 12)
            table[(e << 13) + word[(word & 15) > 0]] = e
        assert len(self.groups) > elements
        return table

    @cached_property
    def binding(self) -> FloatArray:
        """Energy b of an atom of each group; zero for empty places (groups,) [J]."""
        e, n, second, m = self.groups.T
        held = n * self.bond + second * self.second_bond - m * self.ligand
        held = held + np.where((e == 0) & (n < self.crystal.coordination[0]), self.ligand, 0.0)
        return np.asarray(np.where(n < 0, 0.0, held))

    @property
    def kink(self) -> float:
        """Energy per atom of the endless crystal, that of an atom at a kink [J]."""
        near, far = self.crystal.coordination
        return (near * self.bond + far * self.second_bond) / 2.0

    def reference(self, solubility: float, temperature: float) -> float:
        """Concentration at which an atom without any bond would be in equilibrium: c_infinity exp(kink/kT) [1/m^3]."""
        return float(solubility * np.exp(self.kink / (K_B * temperature)))

    def detach_rates(self, attach_rate: float, solubility: float, temperature: float) -> FloatArray:
        """Rates at which atoms of each group detach (groups,) [1/s]; zero for empty places.

        An atom attaches to a place at ``attach_rate`` times the concentration of its element; with this rate of
        leaving the two are in detailed balance.

        Parameters
        ----------
        attach_rate : [m^3/s]
        solubility : of the flat surface of the endless crystal [1/m^3]
        temperature : [K]
        """
        over = (self.kink - self.binding) / (K_B * temperature)
        return np.asarray(np.where(self.groups[:, 1] < 0, 0.0, attach_rate * solubility * np.exp(over)))

    def pair_rate(self, attach_rate: float, solubility: float, temperature: float) -> float:
        """Rate at which a pair of neighbours forms, per bond of the lattice and product of concentrations [m^6/s].

        It is in detailed balance with the two ways in which a pair falls apart, either atom leaving first. Beside
        other atoms in the second shell, both are multiplied by ``second_factors``. Parameters as in ``detach_rates``.
        """
        _, n, second, saturated = self.groups.T
        single = (n == 1) & (second == 0) & (saturated == 0)
        leave = self.detach_rates(attach_rate, solubility, temperature)[single]
        elements = len(self.crystal.elements)
        ligands = 1 if elements > 1 else 2
        held = (self.bond + ligands * self.ligand) / (K_B * temperature)
        apart = float(leave.sum()) * (1.0 if elements > 1 else 2.0)
        return float(apart * np.exp(held) / self.reference(solubility, temperature) ** 2)

    def second_factors(self, temperature: float) -> FloatArray:
        """Factors on the rates of pairs, by an atom's neighbours in the second shell (2, 16) [dimensionless].

        The rate at which a pair forms has the first for each of its atoms, the rate of one atom to leave it the first
        for this atom and the second for the other, at ``temperature`` [K]. The energy of both is then in the ratio of
        the rates, and neither is higher than without those neighbours.
        """
        over = np.arange(16) * self.second_bond / (K_B * temperature)
        return np.exp([np.minimum(over, 0.0), np.minimum(-over, 0.0)])

    def hop_rates(self, prefactor: float, barrier: float, temperature: float) -> FloatArray:
        """Rates at which atoms of each group hop, all directions together (groups,) [1/s].

        ``barrier`` is that of an atom with one bond; what binds it more strongly raises the barrier by as much, so
        that the top of the barrier is the same from both sides.

        Parameters
        ----------
        prefactor : per direction [1/s]
        barrier : [J]
        temperature : [K]
        """
        directions = self.crystal.hops.shape[1]
        over = (barrier + self.binding - self.bond) / (K_B * temperature)
        return np.asarray(np.where(self.groups[:, 1] < 0, 0.0, directions * prefactor * np.exp(-over)))

    def energy(self, box: Box, occupied: IntArray) -> float:
        """Energy of atoms on sites of a box, against single atoms without ligands [J]."""
        near = box.bonds(occupied, 0)
        total = -self.bond * len(near)
        if self.second_bond:
            total -= self.second_bond * len(box.bonds(occupied, 1))
        if self.ligand:
            count = np.bincount(near.ravel(), minlength=len(occupied))
            cation = box.element(occupied) == 0
            total -= self.ligand * int(np.sum(cation & (count < self.crystal.coordination[0])))
        return float(total)

