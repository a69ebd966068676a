"""Shapes of particles from moments of where their atoms lie: how compact, how long, cube or octahedron, tetrahedron.

Moments are about the centre of the particle, all atoms with the same weight, x, y, z along the edges of the box, which
are the axes of the crystal. Ideal bodies, from their moments in closed form:

============== =========== ============ ============ =============
body           compactness anisotropy   cubic        tetrahedral
============== =========== ============ ============ =============
sphere         1           0            0            0
cube           0.9610      0            -12/95       0
octahedron     0.9656      0            +3/20        0
tetrahedron    0.8603      0            -12/95       +-0.1434
thin rod       0           1            (of its axes)
============== =========== ============ ============ =============

The tetrahedron is +0.1434 when its corners point along [111], [1-1-1], [-11-1] and [-1-11], and its faces away from
them: in zincblende with bonds from cation to anion along [111], {111}B faces then bound it; with {111}A faces, those of
cations, it is -0.1434.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.particles import Particles
from kmcgrowth.materials.crystals import FloatArray, IntArray

PACKING = {4: 8 / 3**1.5, 6: 1.0, 12: 2**-0.5}
"""Volume of an atom over the cube of the bond, by coordination: zincblende and wurtzite, sc, fcc [dimensionless]."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Shapes of particles; NaN where a particle has too few atoms to tell, or spans the box.

    Attributes
    ----------
    compactness : (particles,), radius of gyration of a sphere of the same volume over that of the particle; since atoms
        are points, a few per cent above 1 occur below a hundred atoms [dimensionless]
    anisotropy : (particles,), relative shape anisotropy 1 - 3 (ab + bc + ca)/(a + b + c)^2 of the moments a, b, c of
        the gyration tensor: 0 for bodies of cubic symmetry, 1/4 for a thin square plate, 1 for a rod [dimensionless]
    cubic : (particles,), <x^4 + y^4 + z^4>/<r^4> - 3/5: below 0 for a cube, above for an octahedron [dimensionless]
    tetrahedral : (particles,), <x y z>/<r^2>^(3/2): the sign tells a tetrahedron from its inverse [dimensionless]
    axes : (particles, 3), roots of the moments of the gyration tensor, the longest first [nm]
    """

    compactness: FloatArray
    anisotropy: FloatArray
    cubic: FloatArray
    tetrahedral: FloatArray
    axes: FloatArray


def atomic_volume(atoms: Atoms) -> float:
    """Volume of one atom, from the mean bond and the coordination of the crystal [nm^3]; NaN without bonds.

    Raises
    ------
    BadInput : a crystal of this coordination is not known.
    """
    if atoms.coordination not in PACKING:
        raise BadInput(f"coordination: {atoms.coordination} is that of no crystal known; known are 4, 6 and 12.")
    if not len(atoms.bonds):
        return float("nan")
    apart = atoms.position[atoms.bonds[:, 1]] - atoms.position[atoms.bonds[:, 0]]
    apart -= atoms.box * np.rint(apart / atoms.box)
    return PACKING[atoms.coordination] * float(np.linalg.norm(apart, axis=1).mean()) ** 3


def shapes(atoms: Atoms, *, particles: Particles) -> Shapes:
    """Shapes of particles from moments.

    Parameters
    ----------
    atoms : Atoms
    particles : what ``find_particles`` found in them

    Returns
    -------
    Shapes

    Notes
    -----
    Gyration tensor and relative shape anisotropy: Theodorou and Suter, Macromolecules 18, 1206 (1985).
    <x^4 + y^4 + z^4> - 3/5 <r^4> and <x y z> are, up to a factor, the cubic harmonics of lowest degree (4 and 3) whose
    mean does not vanish for bodies of cubic and of tetrahedral symmetry.
    """
    apart = particles.position - particles.centre[particles.label]
    unknown = particles.spans.any(axis=1) | (particles.atoms < 2)
    return _shapes(apart, particles.label, particles.atoms, atomic_volume(atoms), unknown)


def _shapes(apart: FloatArray, label: IntArray, size: IntArray, volume: float, unknown: NDArray[np.bool_]) -> Shapes:
    def mean(values: FloatArray) -> FloatArray:
        return np.bincount(label, weights=values, minlength=len(size)) / size

    x, y, z = apart.T
    tensor = np.empty((len(size), 3, 3))
    for i in range(3):
        for j in range(i, 3):
            tensor[:, i, j] = tensor[:, j, i] = mean(apart[:, i] * apart[:, j])
    moments = np.maximum(np.linalg.eigvalsh(tensor)[:, ::-1], 0.0)
    moments[unknown] = np.nan
    square = moments.sum(axis=1)
    mixed = moments[:, 0] * moments[:, 1] + moments[:, 1] * moments[:, 2] + moments[:, 2] * moments[:, 0]
    fourth = mean((x * x + y * y + z * z) ** 2)
    sphere = np.sqrt(0.6) * np.cbrt(0.75 / np.pi * size * volume)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = square / square
        return Shapes(
            compactness=sphere / np.sqrt(square),
            anisotropy=1.0 - 3.0 * mixed / square**2,
            cubic=(mean(x**4 + y**4 + z**4) / fourth - 0.6) * known,
            tetrahedral=mean(x * y * z) / square**1.5,
            axes=np.sqrt(moments),
        )
