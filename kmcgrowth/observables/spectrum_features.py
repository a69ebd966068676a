"""What is read off an absorption spectrum: the first exciton, its half width, isosbestic points, and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material, load_material
from kmcgrowth.materials.sizing import Sizing, sizing_curve
from kmcgrowth.observables.optics import optics_of
from kmcgrowth.physics.excitons import FWHM, HC, gaussian

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Method = Literal["maximum", "fit"]

STEP = 0.002
"""Spacing of the energies between which a spectrum is read [eV]."""

LEAST = 2e-3
"""A feature lower than this, over the highest absorbance beyond 380 nm, is lost in the noise [dimensionless]."""


@dataclass(frozen=True)
class Feature:
    """The first exciton of a spectrum.

    Attributes
    ----------
    kind : "peak", or "inflection" where the spectrum has none: the steepest point of the first rise
    energy, wavelength : where [eV], [nm]
    absorbance : there [dimensionless]
    half_width : half width at half maximum on the low-energy side; of an inflection, that of the slope [eV]
    """

    kind: Literal["peak", "inflection"]
    energy: float
    wavelength: float
    absorbance: float
    half_width: float


@dataclass(frozen=True)
class SizeFromSpectrum:
    """Sizes as one reads them off a spectrum.

    Attributes
    ----------
    feature : from which
    diameter : [nm]
    volume : of a sphere of this diameter [nm^3]
    relative_std : spread of the diameters [dimensionless]
    known : whether the sizing curve was measured at this diameter
    """

    feature: Feature
    diameter: float
    volume: float
    relative_std: float
    known: bool


@dataclass(frozen=True)
class Isosbestic:
    """A wavelength at which the spectra of a series cross.

    Attributes
    ----------
    wavelength : at which the first and the last cross [nm]
    absorbance : the mean there [dimensionless]
    spread : largest less smallest absorbance there, over the mean [dimensionless]
    """

    wavelength: float
    absorbance: float
    spread: float


def curve_of(spectrum: xr.DataArray | tuple[ArrayLike, ArrayLike]) -> tuple[FloatArray, FloatArray]:
    """Wavelengths [nm] and values of one spectrum, parts or species added up.

    Raises
    ------
    BadInput : several times at once, or fewer than four points, or some that are not finite.
    """
    if isinstance(spectrum, tuple):
        at, value = (np.asarray(x, dtype=float) for x in spectrum)
    else:
        together = spectrum.sum([d for d in ("part", "species") if d in spectrum.dims])
        if together.dims != ("wavelength",):
            dims = ", ".join(str(d) for d in together.dims)
            raise BadInput(f"spectrum: its dimensions are {dims}; give one spectrum over wavelength.")
        at, value = together["wavelength"].values, together.values
    if at.ndim != 1 or at.shape != value.shape or at.size < 4 or not np.all(np.isfinite(at) & np.isfinite(value)):
        raise BadInput("spectrum: give at least four finite wavelengths and as many finite values.")
    if np.any(at <= 0) or np.unique(at).size != at.size:
        raise BadInput("spectrum: wavelengths must be positive and different from each other.")
    return at, value


def first_exciton(
    spectrum: xr.DataArray | tuple[ArrayLike, ArrayLike], *, method: Method = "maximum", prominence: float = 0.01,
    smooth: float = 0.0, least: float = LEAST,
) -> Feature | None:
    """The first excitonic peak of an absorption spectrum, or the first inflection point where there is none.

    Parameters
    ----------
    spectrum : what ``absorption`` gave for one time (parts are added up), or wavelengths [nm] and absorbances
    method : "maximum" takes the top of the peak; "fit" the first of two Gaussians, the second of which shifts the top
    prominence : how far a peak must rise over the valley behind it, over its height [dimensionless]
    smooth : standard deviation of a Gaussian over which a measured spectrum is averaged, 0 for none [eV]
    least : features lower than this, over the highest absorbance beyond 380 nm, are passed over [dimensionless]

    Returns
    -------
    Feature, or None of a spectrum that does not absorb

    Notes
    -----
    10.1021/jacsau.3c00809 takes the peak of InAs magic-size clusters and dots and the inflection point of amorphous
    clusters, which have a shoulder only.
    """
    from scipy.interpolate import CubicSpline
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    if method not in ("maximum", "fit"):
        raise BadInput(f'method: "{method}" is not known; it is "maximum" or "fit".')
    if not 0 <= smooth < 1:
        raise BadInput(f"smooth: {smooth} cannot be used; give eV between 0 and 1.")
    at, value = curve_of(spectrum)
    order = np.argsort(-at)
    e = np.arange(HC / at.max(), HC / at.min(), STEP)
    a = CubicSpline(HC / at[order], value[order])(e)
    if smooth > 0:
        a = gaussian_filter1d(a, smooth / STEP)
    seen = a[e < HC / 380.0] if np.any(e < HC / 380.0) else a
    lowest = least * float(max(seen.max(), a.max() * LEAST))
    if not lowest > 0:
        return None
    tops, found = find_peaks(a, height=lowest, prominence=0.0)
    tops = tops[found["prominences"] >= prominence * a[tops]]
    if tops.size:
        energy, height = _vertex(e, a, int(tops[0]))
        width = _half_width(e, a, int(tops[0]), height)
        if method == "fit":
            energy, height, width = _fitted(e, a, energy, height, width)
        return Feature("peak", energy, HC / energy, height, width)
    slope = np.gradient(a, e)
    steep, found = find_peaks(slope, height=0.02 * float(slope.max()), prominence=0.0)
    steep = steep[(found["prominences"] >= prominence * slope[steep]) & (a[steep] > lowest)]
    if not steep.size:
        return None
    i = int(steep[0])
    energy, height = _vertex(e, slope, i)
    return Feature("inflection", energy, HC / energy, float(np.interp(energy, e, a)), _half_width(e, slope, i, height))


def size_from_spectrum(
    spectrum: xr.DataArray | tuple[ArrayLike, ArrayLike], *, material: Material | str, sizing: Sizing = None,
    method: Method = "maximum", smooth: float = 0.0, subtract: Literal["quadrature", "difference"] = "quadrature",
) -> SizeFromSpectrum | None:
    """Diameter, volume and spread of dots from their first exciton, as experiments read them.

    Parameters
    ----------
    spectrum, method, smooth : as in ``first_exciton``
    material : or its name
    sizing : as in ``sizing_curve``; "Brus" is what 10.1021/jacsau.3c00809 uses for volumes
    subtract : how the homogeneous width is taken off: for Gaussians the squares differ; many take the difference

    Returns
    -------
    SizeFromSpectrum, or None of a spectrum that does not absorb. The mean leans to large dots, which absorb more, and
    the rise behind the peak shifts and widens it: ``sizes_over_time`` puts the truth beside.

    Raises
    ------
    BadInput : the spectrum or the sizing curve cannot be used.
    """
    if subtract not in ("quadrature", "difference"):
        raise BadInput(f'subtract: "{subtract}" is not known; it is "quadrature" or "difference".')
    m = load_material(material) if isinstance(material, str) else material
    curve = sizing_curve(m, sizing=sizing)
    feature = first_exciton(spectrum, method=method, smooth=smooth)
    if feature is None:
        return None
    diameter = float(curve.diameter(feature.energy))
    single = 0.5 * optics_of(m).homogeneous_width
    if subtract == "quadrature":
        rest = max(feature.half_width**2 - single**2, 0.0) ** 0.5
    else:
        rest = max(feature.half_width - single, 0.0)
    if not np.isfinite(diameter):
        return SizeFromSpectrum(feature, np.inf, np.inf, np.nan, False)
    std = 2.0 * rest / FWHM / abs(float(curve.slope(diameter)))
    known = curve.known[0] <= diameter <= curve.known[1]
    return SizeFromSpectrum(feature, diameter, np.pi / 6.0 * diameter**3, std / diameter, known)


def sizes_over_time(
    result: xr.Dataset, *, wavelength: ArrayLike | None = None, part: str | None = None, sizing: Sizing = None,
    read_with: Sizing = None, method: Method = "maximum", replicate: int | None = None,
) -> xr.Dataset:
    """The first exciton of every snapshot, the sizes read from it, and beside them the true ones.

    Parameters
    ----------
    result, wavelength, replicate : as in ``absorption``
    part : "seed", "nucleated" or "dissolved" alone, or None for the whole flask, as it is measured
    sizing : curve by which dots absorb; ``read_with``: curve by which the spectrum is read, None for the same
    method : as in ``first_exciton``

    Returns
    -------
    Dataset over time: ``energy`` [eV], ``wavelength`` [nm], ``half_width`` [eV], ``kind`` ("peak", "inflection", ""),
    ``diameter`` [nm], ``volume`` [nm^3], ``relative_std`` read from the spectrum, and ``true_mean_diameter``,
    ``true_volume``, ``true_relative_std`` of the particles (of the seeds where ``part`` is "seed", ...); NaN where
    there is nothing.
    """
    import xarray as xr

    from kmcgrowth.observables.absorption import absorption
    from kmcgrowth.observables.optics import ORIGINS, flask, material_of

    material, times = material_of(result), result["time"].values
    spectra = absorption(result, time=times, wavelength=wavelength, replicate=replicate, sizing=sizing)
    one = spectra.sum("part") if part is None else spectra.sel(part=part)
    names = ("energy", "wavelength", "half_width", "diameter", "volume", "relative_std")
    rows, kinds = np.full((len(times), len(names)), np.nan), []
    at, values_of = one["wavelength"].values, one.transpose("time", "wavelength").values
    curve = sizing if read_with is None else read_with
    for i in range(len(times)):
        found = size_from_spectrum((at, values_of[i]), material=material, sizing=curve, method=method)
        kinds.append("" if found is None else found.feature.kind)
        if found is not None:
            f = found.feature
            rows[i] = f.energy, f.wavelength, f.half_width, found.diameter, found.volume, found.relative_std
    contents = flask(result, replicate=replicate)
    chosen = [ORIGINS.index(part)] if part in ORIGINS else [0, 1] if part is None else []
    n = contents.density[:, chosen].sum(axis=1)
    d, total = contents.diameter, n.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = n @ d / total
        spread = np.sqrt(np.maximum(n @ d**2 / total - mean**2, 0.0)) / mean
        volume = np.pi / 6.0 * (n @ d**3) / total
    units = ("eV", "nm", "eV", "nm", "nm3", "1")
    values = {name: ("time", rows[:, k], {"units": units[k]}) for k, name in enumerate(names)}
    values |= {"true_mean_diameter": ("time", mean, {"units": "nm"}), "true_volume": ("time", volume, {"units": "nm3"}),
               "true_relative_std": ("time", spread, {"units": "1"})}
    return xr.Dataset({"kind": ("time", kinds), **values}, {"time": ("time", times, {"units": "s"})})


def isosbestic_points(spectra: xr.DataArray, *, least: float = 0.02) -> list[Isosbestic]:
    """Where the first and the last spectrum of a series cross, and how far the others are from going through the point.

    Parameters
    ----------
    spectra : over time and wavelength, parts are added up
    least : crossings below this absorbance, over the highest, are left out [dimensionless]
    """
    together = spectra.sum([d for d in ("part", "species") if d in spectra.dims])
    if set(together.dims) != {"time", "wavelength"} or together.sizes["time"] < 2:
        raise BadInput("spectra: give two or more spectra over time and wavelength.")
    a, at = together.transpose("time", "wavelength").values, together["wavelength"].values
    apart = a[-1] - a[0]
    found = []
    # Beyond the red edge both are as good as nothing, and their difference is round-off.
    there = np.minimum(a[0], a[-1]) > least * a.max()
    for i in np.flatnonzero((apart[:-1] * apart[1:] < 0) & there[:-1] & there[1:]):
        share = apart[i] / (apart[i] - apart[i + 1])
        crossing = a[:, i] + share * (a[:, i + 1] - a[:, i])
        mean = float(crossing.mean())
        found.append(Isosbestic(float(at[i] + share * (at[i + 1] - at[i])), mean, float(np.ptp(crossing)) / mean))
    return found


def _vertex(x: FloatArray, y: FloatArray, i: int) -> tuple[float, float]:
    """Top of the parabola through the points about i."""
    before, here, after = y[i - 1], y[i], y[i + 1]
    bend = before - 2.0 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(x[i] + shift * (x[1] - x[0])), float(here - 0.25 * (before - after) * shift)


def _half_width(x: FloatArray, y: FloatArray, i: int, height: float) -> float:
    """From the top down to half of it on the low side; NaN where the spectrum begins above that."""
    below = np.flatnonzero(y[: i + 1] < 0.5 * height)
    if not below.size:
        return float("nan")
    j = int(below[-1])
    at = x[j] + (x[j + 1] - x[j]) * (0.5 * height - y[j]) / (y[j + 1] - y[j])
    return _vertex(x, y, i)[0] - float(at)


def _fitted(x: FloatArray, y: FloatArray, energy: float, height: float, width: float) -> tuple[float, float, float]:
    """Energy, height and half width of the first of two Gaussians fitted to a peak; as given where no fit is found."""
    from scipy.optimize import curve_fit

    if not np.isfinite(width):
        return energy, height, width
    near = (x > energy - 5.0 * width) & (x < energy + 2.5 * width)

    def model(e: FloatArray, h: float, at: float, w: float, h2: float, off: float, w2: float) -> FloatArray:
        return np.asarray(h * gaussian(e, at, w) + h2 * gaussian(e, at + off, w2))

    start = (height, energy, 2.0 * width, height, 4.0 * width, 3.0 * width)
    low = (0.1 * height, energy - width, 0.5 * width, 0.0, 1.5 * width, width)
    high = (1.5 * height, energy + width, 4.0 * width, 20.0 * height, 20.0 * width, 20.0 * width)
    try:
        found, _ = curve_fit(model, x[near], y[near], p0=start, bounds=(low, high))
    except (RuntimeError, ValueError):
        return energy, height, width
    return float(found[1]), float(found[0]), 0.5 * float(found[2])
