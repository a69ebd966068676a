"""Spheres made of formula units: n v = (4/3) pi r^3."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics.constants import Values


def radius_from_units(units: Values, unit_volume: Values) -> Values:
    """Radius of the sphere that holds ``units`` formula units, r = (3 n v / 4 pi)^(1/3).

    Parameters
    ----------
    units : float or array [formula units]
    unit_volume : volume v of one formula unit [m^3]

    Returns
    -------
    float or array [m]
    """
    return np.cbrt(3.0 * unit_volume / (4.0 * np.pi) * units)


def diameter_from_units(units: Values, unit_volume: Values) -> Values:
    """Diameter of the sphere that holds ``units`` formula units [m]; see `radius_from_units`."""
    return 2.0 * radius_from_units(units, unit_volume)


def units_from_radius(radius: Values, unit_volume: Values) -> Values:
    """Formula units in a sphere, n = 4 pi r^3 / (3 v), not rounded [dimensionless].

    Parameters
    ----------
    radius : float or array [m]
    unit_volume : volume v of one formula unit [m^3]
    """
    return 4.0 * np.pi / 3.0 * radius**3 / unit_volume


def units_from_diameter(diameter: Values, unit_volume: Values) -> Values:
    """Formula units in a sphere, n = pi d^3 / (6 v), not rounded [dimensionless]; ``diameter`` in m."""
    return np.pi / 6.0 * diameter**3 / unit_volume


@lru_cache(maxsize=4)
def cube_roots(n_max: int) -> NDArray[np.float64]:
    """n^(1/3) for n = 0..n_max; read-only (n_max + 1,) array [dimensionless], kept for the next call."""
    roots = np.cbrt(np.arange(n_max + 1, dtype=float))
    roots.flags.writeable = False
    return roots
