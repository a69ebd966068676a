"""From an interfacial energy to bonds that can be counted."""

from __future__ import annotations

from kmcgrowth.physics.constants import Values


def effective_bond_energy(surface_energy: Values, broken_bonds: Values) -> Values:
    """Effective energy of a bond between nearest neighbours.

    Cutting a crystal breaks so many bonds per area and makes two surfaces: gamma = broken_bonds bond/2. With the
    interfacial energy of a surface under ligands this is far below the cohesive energy of a bond.

    Parameters
    ----------
    surface_energy : of the face in its solution [J/m^2]
    broken_bonds : bonds cut per area of that face [1/m^2]

    Returns
    -------
    [J]

    Source
    ------
    The broken-bond model of Kossel and Stranski; see Markov, Crystal Growth for Beginners (2003), section 1.2.
    """
    return 2.0 * surface_energy / broken_bonds
