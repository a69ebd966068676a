"""Concentration of dissolved monomer around a particle, shell by shell, from where the walkers are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.crystals import FloatArray, IntArray
from kmcgrowth.physics.constants import N_A

MOLAR = 1e24 / N_A
"""Concentration of one per cubic nanometre [mol/L]."""

POINTS = 48
"""Points of Gauss and Legendre on each smooth part of an integral; the volume is right to about 1e-13."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Concentration around a point.

    Attributes
    ----------
    edges : (shells + 1,), rising radii [nm]
    count : (shells,), walkers in each shell, of all frames together; a shell holds its inner radius, not its outer
    volume : (shells,), of the part of the shell that lies in the box [nm^3]
    density : (shells,), walkers per volume; NaN for a shell beyond the corners of the box [1/nm^3]
    concentration : (shells,), the same [mol/L]
    error : (shells,), standard error of ``concentration`` of independent walkers, root of the count; frames that
        follow each other closely hold the same walkers, which makes it larger [mol/L]
    """

    edges: FloatArray
    count: IntArray
    volume: FloatArray
    density: FloatArray
    concentration: FloatArray
    error: FloatArray


def radial_profile(
    position: ArrayLike, *, centre: ArrayLike, box: ArrayLike, edges: ArrayLike, frames: int = 1
) -> Profile:
    """Walkers per volume in spherical shells around a particle, in a periodic box.

    Every walker is counted once, by its nearest image. The shells are those parts of spherical shells that lie in the
    box around the centre, with their exact volume, so that radii may go beyond half of an edge; there a shell sees the
    directions towards the corners alone. Volumes hold the particle too: a shell that cuts it shows too little.

    Parameters
    ----------
    position : (k, 3), walkers; several frames one after the other [nm]
    centre : (3,), ``Particles.centre`` of one particle; it may lie outside the box [nm]
    box : (3,), edges of the periodic box [nm]
    edges : (shells + 1,), rising radii from 0 or more [nm]
    frames : moments that ``position`` holds

    Returns
    -------
    Profile

    Raises
    ------
    BadInput : radii do not rise from 0 or more, the box has no volume, or there is no frame.
    """
    radii, cell = np.asarray(edges, dtype=float), np.asarray(box, dtype=float)
    if radii.ndim != 1 or len(radii) < 2 or not (np.diff(radii) > 0).all() or not radii[0] >= 0:
        raise BadInput("edges: give at least two rising radii from 0 or more, in nm.")
    if cell.shape != (3,) or not ((cell > 0) & np.isfinite(cell)).all():
        raise BadInput(f"box: {cell.tolist()} is no box; give three positive edges in nm.")
    if frames < 1:
        raise BadInput(f"frames: {frames} cannot be; give the number of moments, at least 1.")
    apart = np.asarray(position, dtype=float).reshape(-1, 3) - np.asarray(centre, dtype=float)
    apart -= cell * np.rint(apart / cell)
    shell = np.searchsorted(radii, np.sqrt(np.einsum("ij,ij->i", apart, apart)), side="right") - 1
    shell = shell[(shell >= 0) & (shell < len(radii) - 1)]
    count = np.bincount(shell, minlength=len(radii) - 1)
    volume = np.diff(sphere_in_box(radii, box=cell))
    # Beyond the corners what is left of a difference of volumes is round-off.
    volume[volume < 1e-10 * float(np.prod(cell))] = 0.0
    known = np.where(volume > 0, volume, np.nan) * frames
    density = count / known
    return Profile(radii, count, volume, density, density * MOLAR, np.sqrt(count) / known * MOLAR)


def sphere_in_box(radius: ArrayLike, *, box: ArrayLike) -> FloatArray:
    """Volume of the part of a sphere that lies in a box with the same centre (...) [nm^3].

    Parameters
    ----------
    radius : (...), of spheres [nm]
    box : (3,), edges [nm]

    Notes
    -----
    The area that a slice of the sphere shares with the box is elementary; it is integrated over the slices by Gauss and
    Legendre between the heights where the circle of the slice meets a side or a corner of the box. Heights are
    taken as mid + half sin(u), which makes the integrand smooth at these ends.
    """
    r = np.asarray(radius, dtype=float)
    a, b, h = np.sort(np.asarray(box, dtype=float)) / 2
    flat = np.atleast_1d(r).ravel()
    node, weight = np.polynomial.legendre.leggauss(POINTS)
    u = 0.5 * np.pi * node
    top = np.minimum(flat, h)
    meets = [np.sqrt(np.maximum(flat**2 - x, 0.0)) for x in (a * a, b * b, a * a + b * b)]
    ends = np.sort(np.stack([np.zeros_like(top), top, *(np.minimum(m, top) for m in meets)]), axis=0)
    volume = np.zeros_like(flat)
    for low, high in pairwise(ends):
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        z = middle[:, None] + half[:, None] * np.sin(u)
        area = _quarter(np.sqrt(np.maximum(flat[:, None] ** 2 - z * z, 0.0)), float(a), float(b))
        volume += half * ((area * np.cos(u)) @ weight) * 0.5 * np.pi
    return (8 * volume).reshape(r.shape)


def _quarter(rho: FloatArray, a: float, b: float) -> FloatArray:
    """Area that a circle of radius rho (...) shares with the rectangle 0 to a, 0 to b; its centre is a corner."""
    x, y = np.minimum(rho, a), np.minimum(rho, b)
    across = np.sqrt(np.maximum(rho**2 - x * x, 0.0))
    up = np.sqrt(np.maximum(rho**2 - y * y, 0.0))
    safe = np.maximum(rho, 1e-300)
    # Two triangles at the sides and the sector between them; a circle beyond the corner covers the rectangle.
    sector = np.maximum(np.arcsin(np.minimum(y / safe, 1.0)) - np.arccos(np.minimum(x / safe, 1.0)), 0.0)
    area = 0.5 * (x * across + y * up + rho**2 * sector)
    return np.where(rho >= np.hypot(a, b), a * b, area)
