"""Free energies of tetrahedra that grow by whole layers on one facet, whose sizes are magic."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics.constants import Values

TETRAHEDRON = 3.0**0.5 * 72.0 ** (1.0 / 3.0)
"""Surface of a regular tetrahedron over its volume to the power of two thirds, about 7.206 [dimensionless]."""


def tetrahedral_number(layers: int) -> int:
    """Formula units of a tetrahedron of so many layers, Te(n) = n(n + 1)(n + 2)/6 [formula units].

    Source: counting; Cd35Se20 and Cd56Se35 have Te(4) and Te(5) selenium atoms.
    """
    return layers * (layers + 1) * (layers + 2) // 6


def row_spacing(unit_volume: Values) -> Values:
    """Distance of the rows on {111} of zincblende, a/sqrt(2) with a^3 = 4 v [m] from the unit volume [m^3].

    Source: geometry of the cubic cell of four formula units.
    """
    return (4.0 * unit_volume) ** (1.0 / 3.0) / 2.0**0.5


def tetrahedron_free_energy(
    layers: int, unit_volume: float, surface_energy: float, step_energy: float | None = None
) -> NDArray[np.float64]:
    """Excess free energy over the bulk of tetrahedra of zincblende and of all sizes between them.

    Whole tetrahedra, Te(n) units, have the energy of their surface. Between two of them the layer that grows on one
    facet is a compact triangle of m units, or, past half of the layer of T units, all of it but such a triangle; its
    step costs three sides of sqrt(2 min(m, T - m)) rows on top of the line between the two tetrahedra.

    Parameters
    ----------
    layers : of the largest tetrahedron in the table
    unit_volume : v [m^3]
    surface_energy : gamma of {111} [J/m^2]
    step_energy : of the edge of a layer [J/m]; None takes gamma times the height of a layer, a/sqrt(3)

    Returns
    -------
    (Te(layers) + 1,) array, F_s(0..Te(layers)) [J]

    Notes
    -----
    The picture of Mule et al., J. Am. Chem. Soc. 143, 2037 (2021): a layer must nucleate on a facet, and the smallest
    clusters have the smallest barrier. The shape of the island is ours.
    """
    row = row_spacing(unit_volume)
    step = step_energy if step_energy is not None else surface_energy * row * (2.0 / 3.0) ** 0.5
    whole = [tetrahedral_number(n) for n in range(layers + 1)]
    surface = surface_energy * TETRAHEDRON * (np.array(whole, dtype=float) * unit_volume) ** (2.0 / 3.0)
    energy = np.interp(np.arange(whole[-1] + 1), whole, surface)
    for start, end in pairwise(whole):
        m = np.arange(start, end + 1) - start
        energy[start : end + 1] += step * row * 3.0 * np.sqrt(2.0 * np.minimum(m, end - start - m))
    return energy
