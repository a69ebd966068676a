"""Surfaces of particles: coordination numbers, dangling bonds, ligands, and the orientation of facets.

An atom is on the surface when it has fewer nearest neighbours than an atom inside the crystal; so is one beside a
vacancy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.materials.crystals import FloatArray, IntArray

Mask = NDArray[np.bool_]

FLAT = float(np.degrees(np.arccos(np.sqrt(2 / 3)))) / 2
"""Farthest that a normal may lie from a facet's: half of the least angle between two facets, {110} and {111} [deg]."""


@dataclass(frozen=True, eq=False)
class Facets:
    """Facets to which atoms belong.

    Attributes
    ----------
    names : of the kinds of facet; the last is "other": edges, corners, adatoms, and steps of other orientation
    kind : (atoms,), index of ``names``; -1 for an atom inside
    normal : (atoms, 3), outward unit vector; zeros for an atom inside or one whose surroundings cancel [dimensionless]
    """

    names: tuple[str, ...]
    kind: IntArray
    normal: FloatArray

    def shares(self, where: Mask | None = None) -> dict[str, float]:
        """Share of the surface atoms on each kind of facet [dimensionless]; NaN without surface atoms.

        ``where`` (atoms,) picks atoms, of one particle for instance.
        """
        chosen = self.kind >= 0 if where is None else (self.kind >= 0) & where
        count = np.bincount(self.kind[chosen], minlength=len(self.names))
        total = float(count.sum()) or float("nan")
        return {name: float(n) / total for name, n in zip(self.names, count, strict=True)}


def neighbour_counts(atoms: Atoms) -> IntArray:
    """Nearest neighbours of each element that each atom has (atoms, elements)."""
    kinds = len(atoms.elements)
    i, j = atoms.bonds[:, 0], atoms.bonds[:, 1]
    pairs = np.concatenate([i * kinds + atoms.element[j], j * kinds + atoms.element[i]])
    return np.bincount(pairs, minlength=atoms.number * kinds).reshape(atoms.number, kinds)


def mean_coordination(atoms: Atoms, *, of: str, by: str, where: Mask | None = None) -> float:
    """Mean number of nearest neighbours of one element that the atoms of another have, as EXAFS gives it.

    Parameters
    ----------
    atoms : Atoms
    of, by : symbols; ``of="In", by="As"`` gives As per In
    where : (atoms,) picks the atoms ``of`` that are averaged over, None all

    Returns
    -------
    float [dimensionless]; NaN where there is no such atom

    Raises
    ------
    BadInput : a symbol is not among the elements.
    """
    chosen = atoms.element == _place(atoms, of)
    if where is not None:
        chosen &= where
    return float(neighbour_counts(atoms)[chosen, _place(atoms, by)].mean()) if chosen.any() else float("nan")


def dangling_bonds(atoms: Atoms) -> IntArray:
    """Neighbours that each atom lacks (atoms,)."""
    return atoms.coordination - np.bincount(atoms.bonds.ravel(), minlength=atoms.number)


def surface_atoms(atoms: Atoms) -> Mask:
    """True for the atoms that lack a neighbour (atoms,)."""
    return dangling_bonds(atoms) > 0


def ligand_coordination(atoms: Atoms, *, most: int = 1, where: Mask | None = None) -> tuple[float, float]:
    """Mean number of ligand atoms on a cation, and its ratio to that of anions, as In-O to In-As of EXAFS.

    Ligands are not in the lattice. Here they fill the dangling bonds of the cations, the first of ``atoms.elements``,
    one for each bond up to ``most`` on a cation, and sit on no anion. With ``most=1``, one donor atom on each cation
    of the surface, the ratio is a lower estimate; with ``most=atoms.coordination`` all cations are fully coordinated.

    Parameters
    ----------
    atoms : Atoms
    most : largest number of ligand atoms on one cation
    where : (atoms,) picks the cations that are averaged over, None all

    Returns
    -------
    (ligand atoms per cation, the same over anions per cation) [dimensionless]; NaN where nothing can be divided by

    Raises
    ------
    BadInput : ``most`` is negative.
    """
    if most < 0:
        raise BadInput(f"most: {most} ligands on a cation cannot be; give a whole number from 0.")
    cation = atoms.element == 0
    if where is not None:
        cation &= where
    ligands = float(np.minimum(dangling_bonds(atoms)[cation], most).sum())
    anions = float(neighbour_counts(atoms)[cation, 1:].sum())
    number = float(cation.sum())
    return ligands / number if number else float("nan"), ligands / anions if anions else float("nan")


def facets(atoms: Atoms, *, within: float = FLAT) -> Facets:
    """Orientation of the surface around each surface atom of a cubic crystal.

    Parameters
    ----------
    atoms : Atoms on zincblende, a face-centred or a simple cubic lattice
    within : an atom whose normal lies farther than this from all facets is "other" [deg]

    Returns
    -------
    Facets "100", "110" and "111", or with two elements "111A" and "111B"

    Raises
    ------
    BadInput : the crystal is not cubic, or ``within`` makes no sense.

    Notes
    -----
    Bonds of an atom inside the crystal cancel, so minus the sum of an atom's bonds points to where neighbours are
    missing. The normal is twice this of the atom plus this of its neighbours on the surface: on an infinite {110} face
    of zincblende, where the dangling bond of an atom points along <111>, this is <110> exactly (the two neighbours in
    the face dangle along the mirror image), and on {100} and {111} nothing changes. {111}A looks along the bond from
    cation to anion: there cations dangle. An atom stands for this area of its face, in units of a^2: zincblende {100}
    1/2, {110} 1/sqrt(8), {111} sqrt(3)/4.
    """
    if not 0 < within <= 90:
        raise BadInput(f"within: {within} cannot be used; give an angle between 0 and 90 degrees.")
    bond = _bond_vectors(atoms)
    _check_cubic(bond)
    i, j = atoms.bonds[:, 0], atoms.bonds[:, 1]
    surface = surface_atoms(atoms)
    missing = np.where(surface[:, None], _sum(j, bond, atoms.number) - _sum(i, bond, atoms.number), 0.0)
    towards = 2 * missing + _sum(i, missing[j], atoms.number) + _sum(j, missing[i], atoms.number)
    length = np.linalg.norm(towards, axis=1)
    scale = float(np.linalg.norm(bond, axis=1).max(initial=1e-300))
    clear = surface & (length > 1e-6 * scale)
    normal = np.zeros_like(towards)
    normal[clear] = towards[clear] / length[clear, None]
    polar = len(atoms.elements) > 1
    names = ("100", "110", "111A", "111B", "other") if polar else ("100", "110", "111", "other")
    size = np.sort(np.abs(normal), axis=1)
    cosine = np.stack([size[:, 2], size[:, 1:].sum(axis=1) / np.sqrt(2), size.sum(axis=1) / np.sqrt(3)])
    kind = np.argmax(cosine, axis=0)
    if polar:
        # The product of the components tells the four <111> from their opposites.
        sense = np.where(atoms.element[i] == 0, 1.0, -1.0) @ np.prod(bond, axis=1) if len(bond) else 1.0
        kind[(kind == 2) & (np.prod(normal, axis=1) * sense < 0)] = 3
    other = ~clear | (cosine.max(axis=0) < np.cos(np.radians(within)))
    kind[other] = len(names) - 1
    kind[~surface] = -1
    return Facets(names, kind, normal)


def _place(atoms: Atoms, symbol: str) -> int:
    if symbol not in atoms.elements:
        raise BadInput(f'"{symbol}" is not among the elements {", ".join(atoms.elements)}.')
    return atoms.elements.index(symbol)


def _bond_vectors(atoms: Atoms) -> FloatArray:
    """From the first to the second atom of each bond, across the border where that is shorter (bonds, 3) [nm]."""
    apart = atoms.position[atoms.bonds[:, 1]] - atoms.position[atoms.bonds[:, 0]]
    return apart - atoms.box * np.rint(apart / atoms.box)


def _sum(place: IntArray, vectors: FloatArray, number: int) -> FloatArray:
    return np.column_stack([np.bincount(place, weights=v, minlength=number) for v in vectors.T])


def _check_cubic(bond: FloatArray) -> None:
    """Bonds of the cubic crystals lie along <100>, <110> or <111>."""
    if not len(bond):
        return
    size = np.sort(np.abs(bond), axis=1) / np.abs(bond).max(axis=1, keepdims=True)
    if not any(np.allclose(size, along, atol=1e-3) for along in ((0, 0, 1), (0, 1, 1), (1, 1, 1))):
        raise BadInput("facets: the bonds are not those of zincblende, fcc or sc; facets are known for cubic crystals.")
