"""Emission spectra of a result: photons given back for each photon absorbed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material
from kmcgrowth.materials.sizing import Sizing, sizing_curve
from kmcgrowth.observables.absorption import BLOCK, absorbance, wavelengths
from kmcgrowth.observables.optics import (
    PARTS,
    Flask,
    cluster_extinction,
    cross_section,
    flask,
    material_of,
    nearest_times,
    optics_of,
    quantum_yield,
)
from kmcgrowth.observables.spectrum_features import curve_of
from kmcgrowth.physics.excitons import FWHM, HC, gaussian

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class EmissionLine:
    """One peak of an emission spectrum.

    Attributes
    ----------
    wavelength, energy : of its top [nm], [eV]
    height : of its top, in the unit of the spectrum
    width : full width at half of its prominence [nm]
    """

    wavelength: float
    energy: float
    height: float
    width: float


def emission(
    result: xr.Dataset, *, time: float | ArrayLike | None = None, wavelength: ArrayLike | None = None,
    excitation: float = 400.0, path: float = 1.0, reabsorption: bool = False, replicate: int | None = None,
    sizing: Sizing = None,
) -> xr.DataArray:
    """Photons emitted per nanometre for each photon that the sample absorbs.

    Parameters
    ----------
    result, time, wavelength, replicate, sizing : as in ``absorption``
    excitation : wavelength of the light that excites [nm]
    path : length of the cell, of which only reabsorption knows [cm]
    reabsorption : whether light is taken up again on its way out; it is not emitted a second time then

    Returns
    -------
    (part, wavelength), or (time, part, wavelength) where ``time`` is a list [1/nm]: seeds, nucleated particles,
    dissolved clusters. Without reabsorption the integral over all wavelengths and parts is the yield of the sample.

    Raises
    ------
    BadInput : an argument makes no sense, or the material has no optics.

    Notes
    -----
    Each dot takes part by its cross section at the excitation and its own quantum yield, and emits a Gaussian of the
    homogeneous width at the first exciton less the Stokes shift. Light made evenly along the path leaves at one end: of
    the absorbance A at a wavelength (1 - 10^-A)/(A ln 10) gets out. Transfer of energy between dots is left out.
    """
    import xarray as xr

    if not 0 < excitation < np.inf:
        raise BadInput(f"excitation: {excitation} cannot be used; give a positive number of nm.")
    material, places = material_of(result), nearest_times(result, time)
    contents = flask(result, places=places, replicate=replicate)
    at = wavelengths(contents, material, wavelength, sizing)
    light = _emitted(contents, material, at, float(excitation), sizing)
    if reabsorption:
        light *= _escaping(absorbance(contents, material, at, path=path, sizing=sizing).sum(axis=1))[:, None, :]
    found = xr.DataArray(
        light, dims=("time", "part", "wavelength"), name="emission",
        coords={
            "time": ("time", contents.time, {"units": "s", "long_name": "time since the start"}),
            "part": ("part", list(PARTS), {"long_name": "what emits"}),
            "wavelength": ("wavelength", at, {"units": "nm", "long_name": "wavelength"}),
            "energy": ("wavelength", HC / at, {"units": "eV", "long_name": "photon energy"}),
        },
        attrs={"units": "nm-1", "long_name": "photons emitted per photon absorbed", "excitation_nm": float(excitation)},
    )
    return found if time is not None and np.ndim(time) else found.isel(time=0)


def emission_lines(
    spectrum: xr.DataArray | tuple[ArrayLike, ArrayLike], *, prominence: float = 0.05
) -> list[EmissionLine]:
    """Peaks of an emission spectrum by rising wavelength: one, or two where two populations emit apart.

    Parameters
    ----------
    spectrum : what ``emission`` gave for one time (parts are added up), or wavelengths [nm] and intensities
    prominence : how far a peak rises over the valley beside it, over the highest peak [dimensionless]
    """
    from scipy.interpolate import CubicSpline

    from kmcgrowth.observables.scattering import peaks

    at, value = curve_of(spectrum)
    order = np.argsort(at)
    at, value = at[order], value[order]
    if not value.max(initial=0.0) > 0:
        return []
    fine = np.arange(at[0], at[-1], min(float(np.diff(at).min()), 1.0))
    found = peaks(fine, CubicSpline(at, value)(fine), prominence=prominence)
    return [EmissionLine(float(w), HC / float(w), float(h), float(s))
            for w, h, s in zip(found.position, found.height, found.width)]


def _emitted(
    contents: Flask, material: Material, at: FloatArray, excitation: float, sizing: Sizing
) -> FloatArray:
    """Photons per nm for each absorbed (times, part, k) [1/nm]."""
    taken = absorbance(contents, material, np.array([excitation]), path=1.0, sizing=sizing).sum(axis=(1, 2))
    energy = HC / at
    per_nm = HC / at**2
    light = np.zeros((contents.time.size, len(PARTS), at.size))
    d = contents.diameter
    if d.size:
        optics, curve = optics_of(material), sizing_curve(material, sizing=sizing)
        width = optics.homogeneous_width
        weight = cross_section(material, d, [excitation], sizing=sizing)[:, 0] / np.log(10.0)
        weight = weight * quantum_yield(material, d)
        top = curve.energy(d) - optics.stokes_shift
        rows = max(BLOCK // at.size, 1)
        for i in range(0, d.size, rows):
            lines = gaussian(energy, top[i : i + rows, None], width) * weight[i : i + rows, None]
            light[:, :2] += contents.density[:, :, i : i + rows] @ lines
        light[:, :2] /= _area(width)
    for s, cluster in enumerate(contents.clusters):
        if cluster.emission is not None:
            e = cluster.emission
            strength = e.quantum_yield * float(cluster_extinction(cluster, excitation)) / _area(e.width)
            light[:, 2] += strength * contents.concentration[:, s, None] * gaussian(energy, HC / e.wavelength, e.width)
    share = np.divide(1.0, taken, out=np.zeros_like(taken), where=taken > 0)
    return np.asarray(light * per_nm * share[:, None, None])


def _area(width: float) -> float:
    """Integral of a Gaussian of height one and that full width."""
    return width / FWHM * float(np.sqrt(2.0 * np.pi))


def _escaping(a: FloatArray) -> FloatArray:
    """Share of the light that leaves a sample of that absorbance."""
    x = a * np.log(10.0)
    return np.divide(-np.expm1(-x), x, out=np.ones_like(x), where=x > 1e-12)
