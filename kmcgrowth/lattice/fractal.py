"""Fractal dimensions of clusters that grew by diffusion: mass within a radius, and size against mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.crystals import FloatArray, IntArray


@dataclass(frozen=True)
class PowerLaw:
    """A straight line through logarithms.

    Attributes
    ----------
    exponent : slope; here the fractal dimension [dimensionless]
    error : standard error of the slope from the scatter about the line, NaN with two points. Points of one cluster are
        correlated, so the error between clusters is larger [dimensionless]
    points : points through which the line goes
    """

    exponent: float
    error: float
    points: int


def mass_within(position: ArrayLike, *, centre: ArrayLike, radii: ArrayLike) -> IntArray:
    """Atoms no farther from a point than each radius, M(R).

    Parameters
    ----------
    position : (atoms, 3), of one cluster in one piece (``Particles.position``) [nm]
    centre : (3,), the seed from which the cluster grew; its centre of mass lies in a fjord as often as on a branch [nm]
    radii : (k,) [nm]

    Returns
    -------
    (k,) atoms
    """
    apart = np.asarray(position, dtype=float).reshape(-1, 3) - np.asarray(centre, dtype=float)
    distance = np.sort(np.einsum("ij,ij->i", apart, apart))
    return np.searchsorted(distance, np.asarray(radii, dtype=float) ** 2 * (1 + 1e-12), side="right").astype(np.int64)


def gyration_radii(position: ArrayLike, *, numbers: ArrayLike) -> FloatArray:
    """Radius of gyration of a growing cluster when it had so many atoms, R_g(N).

    Parameters
    ----------
    position : (atoms, 3), in the order in which the atoms were added [nm]
    numbers : (k,) atoms, from 1 to all of them

    Returns
    -------
    (k,) [nm]

    Raises
    ------
    BadInput : a number is below 1 or above that of the atoms.
    """
    place = np.asarray(position, dtype=float).reshape(-1, 3)
    n = np.asarray(numbers, dtype=np.int64)
    if n.size and (n.min() < 1 or n.max() > len(place)):
        raise BadInput(f"numbers: {n.min()} to {n.max()} cannot be counted off; give 1 to {len(place)} atoms.")
    place = place - place.mean(axis=0)
    first = np.cumsum(place, axis=0)[n - 1] / n[:, None]
    second = np.cumsum(np.einsum("ij,ij->i", place, place))[n - 1] / n
    return np.sqrt(np.maximum(second - np.einsum("ij,ij->i", first, first), 0.0))


def fractal_dimension(
    length: ArrayLike, mass: ArrayLike, *, between: tuple[float, float] | None = None
) -> PowerLaw:
    """Exponent D of mass proportional to length^D.

    Parameters
    ----------
    length : (k,), radii R with masses M(R), or radii of gyration with numbers of atoms [nm]
    mass : (k,) atoms
    between : lengths that are used, None for all. M(R) holds between a few bonds and about half of the cluster's
        radius: farther out its own growth front thins it [nm]

    Returns
    -------
    PowerLaw. Diffusion-limited aggregation in d dimensions has D near 5 d/6 (Meakin, Phys. Rev. A 27, 604 (1983)), 2.5
    in three

    Raises
    ------
    BadInput : fewer than two points with positive length and mass lie between the limits.
    """
    x, y = np.asarray(length, dtype=float), np.asarray(mass, dtype=float)
    good = (x > 0) & (y > 0)
    if between is not None:
        good &= (x >= between[0]) & (x <= between[1])
    if len(np.unique(x[good])) < 2:
        limits = "" if between is None else f" between {between[0]:g} and {between[1]:g} nm"
        raise BadInput(f"fractal_dimension: fewer than two points{limits} have a positive length and mass; give more.")
    x, y = np.log(x[good]), np.log(y[good])
    dx = x - x.mean()
    slope = float(dx @ y / (dx @ dx))
    rest = y - y.mean() - slope * dx
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / (dx @ dx))) if len(x) > 2 else float("nan")
    return PowerLaw(slope, error, len(x))
