"""Mass spectra of whole particles, as linear MALDI time-of-flight instruments record them, and masses of particles.

A particle is a sphere of the bulk crystal with, if asked for, a shell of ligands. Without a shell its mass and size are
those of 10.1039/d5nr00002e, which reads 38 and 140 kDa of Cd3P2 as 2.8 and 4.2 nm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.ligands import load_ligand
from kmcgrowth.materials.loader import load_material
from kmcgrowth.observables.distribution import DEPTH, ORIGINS, SIGNIFICANCE, excess
from kmcgrowth.observables.ensemble import add_in_blocks, ensemble, positive, rising

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

FWHM = 2.0 * (2.0 * np.log(2.0)) ** 0.5
"""Full width at half maximum of a Gaussian over its standard deviation [dimensionless]."""

POINTS = 8192
"""Most points of an axis that is chosen here."""

NM3 = 1e27
"""Cubic nanometres in a cubic metre."""


@dataclass(frozen=True)
class Band:
    """One band of a mass spectrum.

    Attributes
    ----------
    mean_mass : intensity-weighted between its ends [Da]
    peak_mass : where it is highest [Da]
    relative_width : standard deviation of the mass over its mean, the instrument's broadening included [dimensionless]
    share : of the intensity [dimensionless]
    seed_share : of its intensity that seeds make; the rest are nucleated particles [dimensionless]
    lower, upper : its ends, at the bottom of a valley or the end of the axis [Da]
    """

    mean_mass: float
    peak_mass: float
    relative_width: float
    share: float
    seed_share: float
    lower: float
    upper: float


def particle_mass(
    diameter: ArrayLike, *, material: str, ligand: str | None = None, coverage: float | None = None
) -> FloatArray:
    """Mass of spheres of the bulk crystal, bare or under ligands.

    Parameters
    ----------
    diameter : (...), of the crystal without the ligands [nm]
    material : name of a material
    ligand : name of a ligand, or None for none
    coverage : ligands on the sphere's surface; None takes one per footprint of the ligand [1/nm^2]

    Returns
    -------
    (...) M = rho pi d^3/6 + coverage pi d^2 m_L [Da]; excess cations of the surface are left out

    Raises
    ------
    BadInput : a diameter below 0, an unknown material or ligand, a coverage below 0 or without a ligand.
    """
    d = np.asarray(diameter, dtype=float)
    if d.size and not (np.isfinite(d).all() and d.min() >= 0):
        raise BadInput("diameter: give numbers of nm from 0.")
    bulk, shell = _per_volume(material), _per_area(ligand, coverage)
    return np.asarray(np.pi * d**2 * (bulk * d / 6.0 + shell))


def diameter_from_mass(
    mass: ArrayLike, *, material: str, ligand: str | None = None, coverage: float | None = None
) -> FloatArray:
    """Diameter of the crystal in particles of these masses, the inverse of ``particle_mass``.

    Parameters
    ----------
    mass : (...) [Da]
    material, ligand, coverage : as in ``particle_mass``

    Returns
    -------
    (...) [nm]

    Raises
    ------
    BadInput : a mass below 0; otherwise as ``particle_mass``.

    Notes
    -----
    Bare spheres of Cd3P2 of 38 and 140 kDa are 2.77 and 4.29 nm at the density of the cell, 5.64 g/cm^3, and 2.72 and
    4.21 nm at the 5.96 g/cm^3 that suppliers print; 10.1039/d5nr00002e writes 2.8 and 4.2 nm. Under oleate, one per
    0.29 nm^2, the same masses would be 2.3 and 3.8 nm: the paper counts no shell.
    """
    m = np.asarray(mass, dtype=float)
    if m.size and not (np.isfinite(m).all() and m.min() >= 0):
        raise BadInput("mass: give numbers of Da from 0.")
    bulk, shell = np.pi / 6.0 * _per_volume(material), np.pi * _per_area(ligand, coverage)
    d = np.asarray(np.cbrt(m / bulk))
    # Newton's steps on a rising convex function, from above: they fall to the root and never beyond.
    for _ in range(60):
        slope = d * (3.0 * bulk * d + 2.0 * shell)
        step = np.divide(d**2 * (bulk * d + shell) - m, slope, out=np.zeros_like(d), where=slope > 0)
        d = d - step
        if not (step > 1e-15 * d).any():
            break
    return d


def mass_spectrum(
    result: xr.Dataset,
    *,
    time: float | None = None,
    ligand: str | None = None,
    coverage: float | None = None,
    resolution: float = 30.0,
    detection: Callable[[FloatArray], FloatArray] | None = None,
    mass: ArrayLike | None = None,
    replicate: int | None = None,
) -> xr.DataArray:
    """Mass spectrum of the particles of a snapshot, singly charged and whole.

    Parameters
    ----------
    result : dataset of a run of any engine
    time : the nearest snapshot is taken; None for the last [s]
    ligand, coverage : the shell, as in ``particle_mass``; None for bare particles
    resolution : mass over full width at half maximum of the signal of one mass [dimensionless]
    detection : relative probability that a particle of mass (size,) [Da] is seen; None sees all alike
    mass : (k,) axis, or None for one evenly spaced in ln(mass) over all particles [Da]
    replicate : label of one replicate, or None for all of them together

    Returns
    -------
    (origin, mass) array, the share of the particles detected per mass [1/Da]: summed over the origins it integrates to
    one over an axis that holds all masses. Attribute ``particles`` is their number.

    Raises
    ------
    BadInput : an argument that makes no sense.

    Notes
    -----
    Intensity is per interval of mass, not of flight time. Fragments, ions of several charges, aggregates and the matrix
    are left out.
    """
    import xarray as xr

    found = ensemble(result, time=time, replicate=replicate)
    positive("resolution", resolution, "")
    masses = particle_mass(found.diameter, material=found.material, ligand=ligand, coverage=coverage)
    weights = found.count
    if detection is not None:
        seen = np.asarray(detection(masses), dtype=float)
        if seen.shape != masses.shape or not (np.isfinite(seen).all() and (seen >= 0).all()):
            raise BadInput("detection: for an array of masses it must give as many numbers, none below 0.")
        weights = weights * seen
    width = masses / (FWHM * resolution)
    axis = _axis(masses, resolution) if mass is None else rising("mass", mass, "Da")
    total = float(weights.sum())
    intensity = np.zeros((len(ORIGINS), axis.size))
    if total > 0:
        heights = weights / (total * width * (2.0 * np.pi) ** 0.5)
        intensity = add_in_blocks(
            axis, (masses, width), heights, lambda at, m, w: np.exp(-0.5 * ((at - m) / w) ** 2)
        )
    return xr.DataArray(
        intensity, dims=("origin", "mass"), name="mass_spectrum",
        coords={
            "origin": ("origin", list(ORIGINS)),
            "mass": ("mass", axis, {"units": "Da", "long_name": "mass over charge"}),
            "time": ((), found.time, {"units": "s", "long_name": "time since the start"}),
        },
        attrs={"units": "Da-1", "long_name": "share of the particles detected per mass", "resolution": resolution,
               "particles": found.number, "ligand": ligand or "none"},
    )


def mass_bands(spectrum: xr.DataArray, *, minimum_share: float = 0.005) -> list[Band]:
    """Bands of a mass spectrum, by rising mass.

    Parameters
    ----------
    spectrum : (origin, mass) of ``mass_spectrum``
    minimum_share : smallest share of the intensity that counts as a band [dimensionless]

    Returns
    -------
    list of Band; empty where nothing is seen

    Raises
    ------
    BadInput : a share that is not between 0 and 1.

    Notes
    -----
    Two peaks are two bands where the valley between them falls below ``DEPTH`` of the lower one, by more than
    ``SIGNIFICANCE`` standard errors of the Poisson counts of simulated particles within the instrument's width.
    """
    if not 0.0 <= minimum_share < 1.0:
        raise BadInput(f"minimum_share: {minimum_share} cannot be used; give a number from 0 to below 1.")
    mass = spectrum["mass"].values
    parts = spectrum.transpose("origin", "mass").sel(origin=list(ORIGINS)).values
    y = parts.sum(axis=0)
    slices = np.gradient(mass)
    whole = float(y @ slices)
    if not whole > 0:
        return []
    # 2 sqrt(pi) standard deviations of the instrument hold the particles that make the height of a point.
    seen = y * 2.0 * np.pi**0.5 * mass / (FWHM * spectrum.attrs["resolution"]) * spectrum.attrs["particles"]
    borders = [0, *_valleys(y, seen), mass.size - 1]
    found = []
    for low, high in pairwise(borders):
        here = slice(low, high + 1)
        w = y[here] * slices[here]
        if w.sum() < minimum_share * whole:
            continue
        mean = float(w @ mass[here] / w.sum())
        spread = float(w @ (mass[here] - mean) ** 2 / w.sum()) ** 0.5
        seeds = float(parts[0, here] @ slices[here] / w.sum())
        top = float(mass[low + int(np.argmax(y[here]))])
        share = float(w.sum() / whole)
        found.append(Band(mean, top, spread / mean, share, seeds, float(mass[low]), float(mass[high])))
    return found


def _valleys(y: FloatArray, seen: FloatArray) -> list[int]:
    """Places of the valleys that divide bands; peaks across any other valley are one band."""
    from scipy.signal import find_peaks

    peaks = list(find_peaks(np.concatenate([[0.0], y, [0.0]]))[0] - 1)
    valleys = [a + int(np.argmin(y[a : b + 1])) for a, b in pairwise(peaks)]
    while valleys:
        lower = np.minimum(seen[peaks[:-1]], seen[peaks[1:]])
        bottom = seen[valleys]
        score = np.where(y[valleys] < DEPTH * np.minimum(y[peaks[:-1]], y[peaks[1:]]), excess(
            np.maximum(lower, bottom), bottom), 0.0)
        worst = int(np.argmin(score))
        if score[worst] > SIGNIFICANCE:
            break
        del valleys[worst]
        del peaks[worst if y[peaks[worst]] < y[peaks[worst + 1]] else worst + 1]
    return valleys


def _axis(masses: FloatArray, resolution: float) -> FloatArray:
    """Points a quarter of the instrument's standard deviation apart, five beyond the particles."""
    relative = 1.0 / (FWHM * resolution)
    low, high = (float(masses.min()), float(masses.max())) if masses.size else (1e3, 1e5)
    ends = np.log(low * max(1.0 - 5.0 * relative, 0.1)), np.log(high * (1.0 + 5.0 * relative))
    points = int(np.clip((ends[1] - ends[0]) / (0.25 * relative), 64, POINTS))
    return np.exp(np.linspace(*ends, points))


def _per_volume(material: str) -> float:
    """Mass per volume of the bulk [Da/nm^3]."""
    m = load_material(material)
    return m.molar_mass * 1e3 / (m.unit_volume * NM3)


def _per_area(ligand: str | None, coverage: float | None) -> float:
    """Mass of the shell per surface [Da/nm^2]."""
    if ligand is None:
        if coverage is not None:
            raise BadInput("coverage: without a ligand there is nothing to cover with; name one, or leave it out.")
        return 0.0
    shell = load_ligand(ligand)
    density = 1e-18 / shell.footprint if coverage is None else coverage
    if not (np.isfinite(density) and density >= 0):
        raise BadInput(f"coverage: {coverage} cannot be used; give a number of ligands per nm^2 from 0.")
    return density * shell.molar_mass * 1e3


__all__ = ["Band", "diameter_from_mass", "mass_bands", "mass_spectrum", "particle_mass"]
