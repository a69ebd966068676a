"""Scattering of X-rays by particles in all orientations, and their pair distribution, from coordinates.

Positions are in nm; scattering vectors in 1/angstrom and B in angstrom^2, as diffraction has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.particles import Particles
from kmcgrowth.observables.form_factors import atomic_number, form_factor
from kmcgrowth.observables.pairs import PairDistances, pair_distances, together

FloatArray = NDArray[np.float64]

ANGSTROM = 10.0
"""Angstrom in a nanometre."""

HC = 12.398419843320026
"""Planck constant times speed of light, exact in the SI [keV angstrom]."""

BLOCK = 4_000_000
"""Sines computed at a time."""


@dataclass(frozen=True, eq=False)
class PairDistribution:
    """How atoms lie around atoms, averaged over all of them.

    Attributes
    ----------
    r : (k,), middle of each bin [nm]
    radial : (k,), R(r): atoms per distance around an atom; its integral over a peak is a coordination number [1/nm]
    g : (k,), R(r) over that of a uniform body of the density given, 4 pi r^2 density [dimensionless]
    reduced : (k,), G(r) = R(r)/r - 4 pi r density gamma(r) [1/nm^2]
    """

    r: FloatArray
    radial: FloatArray
    g: FloatArray
    reduced: FloatArray


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of a pattern.

    Attributes
    ----------
    position : (peaks,), top of the parabola through the three highest points [unit of x]
    height : (peaks,) [unit of y]
    width : (peaks,), full width at half of the prominence [unit of x]
    """

    position: FloatArray
    height: FloatArray
    width: FloatArray


def wavelength(energy: float) -> float:
    """Wavelength of photons [angstrom] from their energy [keV]."""
    if not 0 < energy < float("inf"):
        raise BadInput(f"energy: {energy} keV cannot be used; give a positive number.")
    return HC / energy


def q_from_two_theta(two_theta: ArrayLike, *, energy: float) -> FloatArray:
    """Scattering vectors 4 pi sin(theta)/lambda (...) [1/angstrom] of angles 2 theta (...) [deg] at an energy [keV]."""
    angle = np.asarray(two_theta, dtype=float)
    if angle.size and not (angle.min() >= 0 and angle.max() <= 180):
        raise BadInput("two_theta: scattering angles lie between 0 and 180 degrees.")
    return np.asarray(4 * np.pi * np.sin(np.radians(angle) / 2) / wavelength(energy))


def two_theta_from_q(q: ArrayLike, *, energy: float) -> FloatArray:
    """Scattering angles 2 theta (...) [deg] of scattering vectors (...) [1/angstrom] at an energy [keV]."""
    sine = np.asarray(q, dtype=float) * wavelength(energy) / (4 * np.pi)
    if sine.size and not (sine.min() >= 0 and sine.max() <= 1):
        raise BadInput(f"q: photons of {energy:g} keV reach 0 to {4 * np.pi / wavelength(energy):.4g} / angstrom.")
    return np.asarray(2 * np.degrees(np.arcsin(sine)))


def debye(
    pairs: PairDistances, *, q: ArrayLike, b: float = 0.0, damp: Literal["all", "pairs"] = "all"
) -> FloatArray:
    """Intensity scattered by particles in all orientations (Debye's equation).

    Parameters
    ----------
    pairs : what ``pair_distances`` counted, of one particle or of several ``together``
    q : (k,), scattering vector, 0 to 8 pi [1/angstrom]
    b : B of the Debye-Waller factor exp(-B Q^2/2) of the intensity; with the mean square displacement u^2 along one
        direction it is 2 u^2, the crystallographers' 8 pi^2 u^2 over 4 pi^2 [angstrom^2]
    damp : "all" multiplies the whole sum by this factor, as 10.1021/jacsau.3c00809 prints it; "pairs" leaves out the
        atoms' own terms, whose intensity thermal motion spreads but does not take away

    Returns
    -------
    (k,) intensity, the mean over the particles counted [electrons^2]; at Q = 0 it is the square of the sum of f(0)

    Raises
    ------
    BadInput : an element without form factor, a scattering vector out of range, a negative B.

    Notes
    -----
    Debye, Ann. Phys. 351, 809 (1915): I(Q) = sum over i, j of f_i f_j sin(Q r_ij)/(Q r_ij). Without polarisation,
    Lorentz and absorption factors, ligands, solvent and Compton scattering.
    """
    if not b >= 0:
        raise BadInput(f"b: {b} cannot be used; give a number of angstrom^2 from 0.")
    if damp not in ("all", "pairs"):
        raise BadInput(f'damp: "{damp}" is not known; it is "all" or "pairs".')
    at = np.atleast_1d(np.asarray(q, dtype=float))
    factor = [form_factor(e, q=at) for e in pairs.elements]
    own = np.zeros(len(at))
    for k, number in enumerate(pairs.number):
        own += number * factor[k] ** 2
    mutual = np.zeros(len(at))
    for a in range(len(factor)):
        for c in range(a, len(factor)):
            distance, count = pairs.rows(a, c)
            if len(distance):
                mutual += 2 * factor[a] * factor[c] * _interference(distance * ANGSTROM, count, at)
    damping = np.exp(-0.5 * b * at**2)
    return ((own * damping if damp == "all" else own) + mutual * damping) / pairs.particles


def scattering(
    atoms: Atoms, *, particles: Particles, q: ArrayLike, b: float = 0.0, damp: Literal["all", "pairs"] = "all",
    average: bool = True,
) -> FloatArray:
    """Intensity scattered by the particles of one moment, each on its own: no interference between particles.

    Parameters
    ----------
    atoms : Atoms
    particles : what ``find_particles`` found in them
    q, b, damp : as in ``debye``
    average : True gives the mean over the particles, False each of them

    Returns
    -------
    (k,) or (particles, k) [electrons^2]

    Raises
    ------
    BadInput : there is no particle, or one spans the periodic box and so has no size; otherwise as ``debye``.
    """
    tables = particle_pairs(atoms, particles=particles)
    if average:
        return debye(together(tables), q=q, b=b, damp=damp)
    return np.array([debye(t, q=q, b=b, damp=damp) for t in tables])


def particle_pairs(atoms: Atoms, *, particles: Particles) -> list[PairDistances]:
    """Distances in each particle, as ``pair_distances``.

    Raises
    ------
    BadInput : there is no particle, or one spans the periodic box and so has no size.
    """
    if not particles.number:
        raise BadInput("scattering: there is no particle in these atoms; choose a moment with some.")
    spanning = np.flatnonzero(particles.spans.any(axis=1))
    if len(spanning):
        raise BadInput(
            f"scattering: particle {spanning[0]} is bonded to its own image across the periodic box and has no size; "
            f"choose an earlier moment or a larger box."
        )
    return [
        pair_distances(particles.position[m], element=atoms.element[m], elements=atoms.elements)
        for m in particles.members()
    ]


def pair_distribution(
    pairs: PairDistances, *, edges: ArrayLike, density: float, width: float = 0.0,
    weight: Literal["number", "x-ray"] = "number", diameter: float | None = None,
) -> PairDistribution:
    """Radial and pair distribution functions.

    Parameters
    ----------
    pairs : what ``pair_distances`` counted
    edges : (k + 1,), rising ends of the bins [nm]
    density : atoms per volume of the bulk: 8/a^3 for zincblende [1/nm^3]
    width : standard deviation of Gaussians in place of sharp distances, 0 for none [nm]
    weight : "number" counts every atom alike, "x-ray" as much as it has electrons
    diameter : of a sphere whose gamma(r) = 1 - 3r/(2d) + r^3/(2d^3) takes the uniform part of G(r) to zero beyond the
        particle; None for gamma = 1 [nm]

    Returns
    -------
    PairDistribution

    Raises
    ------
    BadInput : edges, density, width, weight or diameter make no sense.

    Notes
    -----
    R(r) = sum over i != j of w_i w_j delta(r - r_ij) / (N <w>^2). Farrow and Billinge, Acta Cryst. A 65, 232 (2009).
    """
    from scipy.special import ndtr

    e = np.asarray(edges, dtype=float)
    if e.ndim != 1 or len(e) < 2 or not (np.diff(e) > 0).all() or e[0] < 0:
        raise BadInput("edges: give at least two rising distances from 0.")
    if not density > 0 or not width >= 0 or not (diameter is None or diameter > 0):
        raise BadInput(f"density: {density}, width: {width}, diameter: {diameter}: give positive numbers.")
    if weight not in ("number", "x-ray"):
        raise BadInput(f'weight: "{weight}" is not known; it is "number" or "x-ray".')
    w = np.array([1.0 if weight == "number" else float(atomic_number(s)) for s in pairs.elements])
    atoms = float(pairs.number.sum())
    amount = 2 * pairs.count * w[pairs.first] * w[pairs.second] * atoms / float(w @ pairs.number) ** 2
    inside = np.zeros(len(e) - 1)
    if width > 0:
        step = max(BLOCK // len(e), 1)
        for i in range(0, len(amount), step):
            part = slice(i, i + step)
            inside += amount[part] @ np.diff(ndtr((e[None, :] - pairs.distance[part, None]) / width), axis=1)
    else:
        # The last bin, unlike that of numpy, does not hold its upper end.
        place = np.searchsorted(e, pairs.distance, side="right") - 1
        good = (place >= 0) & (place < len(e) - 1)
        np.add.at(inside, place[good], amount[good])
    r = 0.5 * (e[1:] + e[:-1])
    radial = inside / np.diff(e)
    gamma = np.ones(len(r))
    if diameter is not None:
        gamma = np.where(r < diameter, 1 - 1.5 * r / diameter + 0.5 * (r / diameter) ** 3, 0.0)
    uniform = 4 * np.pi * r * density
    return PairDistribution(r, radial, inside / (4 * np.pi / 3 * np.diff(e**3) * density), radial / r - uniform * gamma)


def peaks(x: ArrayLike, y: ArrayLike, *, prominence: float = 0.02) -> Peaks:
    """Peaks of a pattern, left to right.

    Parameters
    ----------
    x : (k,), evenly spaced, rising
    y : (k,)
    prominence : how far a peak must rise over the higher of the valleys beside it, over the largest y [dimensionless]

    Returns
    -------
    Peaks
    """
    from scipy.signal import find_peaks, peak_widths

    at, value = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if at.ndim != 1 or at.shape != value.shape or len(at) < 3 or np.ptp(np.diff(at)) > 1e-6 * abs(at[1] - at[0]):
        raise BadInput("peaks: give at least three evenly spaced points, as many of x as of y.")
    top, _ = find_peaks(value, prominence=prominence * float(value.max()))
    step = at[1] - at[0]
    before, here, after = value[top - 1], value[top], value[top + 1]
    bend = before - 2 * here + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros(len(top)), where=bend < 0)
    width = peak_widths(value, top, rel_height=0.5)[0] * step
    return Peaks(at[top] + shift * step, here - 0.25 * (before - after) * shift, width)


def _interference(distance: FloatArray, count: FloatArray, q: FloatArray) -> FloatArray:
    """Sum of count sin(Q r)/(Q r) over distances [angstrom], for every Q (k,)."""
    found = np.zeros(len(q))
    step = max(BLOCK // max(len(q), 1), 1)
    for i in range(0, len(distance), step):
        phase = q[:, None] * distance[None, i : i + step]
        small = phase < 1e-8
        np.divide(np.sin(phase), phase, out=phase, where=~small)
        phase[small] = 1.0
        found += phase @ count[i : i + step]
    return found
