"""Absorption spectra of a result: what a spectrometer shows of a flask, or of an aliquot of it at 25 degC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material
from kmcgrowth.materials.sizing import Sizing, sizing_curve
from kmcgrowth.observables.optics import (
    PARTS,
    Flask,
    _cross_section,
    cluster_extinction,
    default_wavelengths,
    flask,
    material_of,
    nearest_times,
    optics_of,
)
from kmcgrowth.physics.excitons import HC

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

BLOCK = 400_000
"""Numbers of a table of cross sections that are held at a time; few enough for a processor's cache."""


def absorption(
    result: xr.Dataset, *, time: float | ArrayLike | None = None, wavelength: ArrayLike | None = None,
    path: float = 1.0, replicate: int | None = None, sizing: Sizing = None,
) -> xr.DataArray:
    """Absorbance by Beer and Lambert, origins told apart.

    Parameters
    ----------
    result : dataset of a run, by any method
    time : the nearest snapshot is taken; several for several spectra, None for the last [s]
    wavelength : (k,) rising or falling, or None for every nanometre from 300 nm to beyond the red edge [nm]
    path : length of the cell; a hundredth of it is the same as diluting a hundredfold [cm]
    replicate : label of one, or None for the mean of all
    sizing : sizing curve: a name, "Brus", a table (diameters [nm], energies [eV]), or None for that of the material

    Returns
    -------
    (part, wavelength), or (time, part, wavelength) where ``time`` is a list: decadic absorbance [dimensionless] of
    seeds, nucleated particles and dissolved clusters; their sum is what is measured. ``energy`` is a coordinate [eV].

    Raises
    ------
    BadInput : an argument makes no sense, or the material has no optics.

    Notes
    -----
    Scattering, interaction between dots and solvent are left out.
    """
    import xarray as xr

    material, places = material_of(result), nearest_times(result, time)
    contents = flask(result, places=places, replicate=replicate)
    at = wavelengths(contents, material, wavelength, sizing)
    total = absorbance(contents, material, at, path=path, sizing=sizing)
    found = xr.DataArray(
        total, dims=("time", "part", "wavelength"), name="absorption",
        coords={
            "time": ("time", contents.time, {"units": "s", "long_name": "time since the start"}),
            "part": ("part", list(PARTS), {"long_name": "what absorbs"}),
            "wavelength": ("wavelength", at, {"units": "nm", "long_name": "wavelength"}),
            "energy": ("wavelength", HC / at, {"units": "eV", "long_name": "photon energy"}),
        },
        attrs={"units": "1", "long_name": "absorbance", "path_cm": float(path)},
    )
    return found if time is not None and np.ndim(time) else found.isel(time=0)


def species_absorption(
    result: xr.Dataset, *, time: float | None = None, wavelength: ArrayLike | None = None, path: float = 1.0,
    replicate: int | None = None,
) -> xr.DataArray:
    """Absorbance of each dissolved species that has bands (species, wavelength) [dimensionless]; as ``absorption``."""
    import xarray as xr

    material = material_of(result)
    contents = flask(result, places=nearest_times(result, time), replicate=replicate)
    at = wavelengths(contents, material, wavelength, None)
    each = [c * _path(path) * cluster_extinction(k, at) for c, k in zip(contents.concentration[0], contents.clusters)]
    return xr.DataArray(
        np.array(each).reshape(len(each), at.size), dims=("species", "wavelength"), name="species_absorption",
        coords={"species": list(contents.species), "wavelength": ("wavelength", at, {"units": "nm"}),
                "energy": ("wavelength", HC / at, {"units": "eV"})},
        attrs={"units": "1", "long_name": "absorbance", "path_cm": float(path)},
    )


def trace(
    result: xr.Dataset, *, wavelength: float | ArrayLike = 457.0, path: float = 1.0, part: str | None = None,
    replicate: int | None = None, sizing: Sizing = None,
) -> xr.DataArray:
    """Absorbance at one or several wavelengths over time.

    Parameters
    ----------
    wavelength : one, or a list of them [nm]
    part : "seed", "nucleated" or "dissolved", or None for all together
    result, path, replicate, sizing : as in ``absorption``

    Returns
    -------
    (time,) or (time, wavelength) absorbance [dimensionless]
    """
    if part is not None and part not in PARTS:
        raise BadInput(f'part: "{part}" is not known; it is one of {", ".join(PARTS)}.')
    every = absorption(result, time=result["time"].values, wavelength=np.atleast_1d(wavelength), path=path,
                       replicate=replicate, sizing=sizing)
    found = every.sum("part", keep_attrs=True) if part is None else every.sel(part=part)
    return found if np.ndim(wavelength) else found.isel(wavelength=0)


def wavelengths(contents: Flask, material: Material, given: ArrayLike | None, sizing: Sizing) -> FloatArray:
    """The wavelengths asked for (k,) [nm], or those that suit what a flask holds."""
    if given is None:
        return default_wavelengths(contents, material, sizing=sizing)
    at = np.atleast_1d(np.asarray(given, dtype=float))
    if at.ndim != 1 or not at.size or not (np.all(np.isfinite(at)) and np.all(at > 0)):
        raise BadInput("wavelength: give positive numbers of nm in a row.")
    return at


def absorbance(contents: Flask, material: Material, at: FloatArray, *, path: float, sizing: Sizing) -> FloatArray:
    """Absorbance (times, part, k) [dimensionless] of what a flask holds; ``path`` [cm]."""
    length = _path(path)
    total = np.zeros((contents.time.size, len(PARTS), at.size))
    if contents.diameter.size:
        optics, curve = optics_of(material), sizing_curve(material, sizing=sizing)
        rows = max(BLOCK // at.size, 1)
        for i in range(0, contents.diameter.size, rows):
            table = _cross_section(optics, curve, contents.diameter[i : i + rows], HC / at)
            total[:, :2] += contents.density[:, :, i : i + rows] @ table
        total[:, :2] *= length / np.log(10.0)
    for s, cluster in enumerate(contents.clusters):
        total[:, 2] += length * contents.concentration[:, s, None] * cluster_extinction(cluster, at)
    return total


def _path(path: float) -> float:
    if not 0 < path < np.inf:
        raise BadInput(f"path: {path} cannot be used; give a positive number of cm.")
    return float(path)
