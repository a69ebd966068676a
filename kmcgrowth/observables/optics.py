"""How single dots and clusters absorb light, and what of them a flask holds at each snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Cluster, Material, load_material
from kmcgrowth.materials.optics import Optics
from kmcgrowth.materials.sizing import Sizing, sizing_curve
from kmcgrowth.observables.liquid import liquid_volume, of_recipe
from kmcgrowth.physics.excitons import FWHM, HC, Curve, gaussian, step

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
ORIGINS = ("seed", "nucleated")
PARTS = (*ORIGINS, "dissolved")

LEAST_STEP = 0.5
"""Near its onset the continuum is raised to the measured cross section up to 1/LEAST_STEP times, not more."""


@dataclass(frozen=True, eq=False)
class Flask:
    """What a result holds, per volume of liquid.

    Attributes
    ----------
    time : (times,) [s]
    diameter : (sizes,) [nm]
    density : (times, 2, sizes) particles, seeds and nucleated [1/cm^3]
    species : names of the dissolved species that show bands
    clusters : of those species
    concentration : (times, species) [mol/L]
    """

    time: FloatArray
    diameter: FloatArray
    density: FloatArray
    species: tuple[str, ...]
    clusters: tuple[Cluster, ...]
    concentration: FloatArray


def material_of(result: xr.Dataset) -> Material:
    """The material of a result."""
    return load_material(str(result.attrs.get("material", "")))


def optics_of(material: Material) -> Optics:
    """Its optics.

    Raises
    ------
    BadInput : the material's file says nothing of light.
    """
    if material.optics is None:
        raise BadInput(f"material: the file of {material.name} has no [optical] table, so its light is not known.")
    return material.optics


def nearest_times(result: xr.Dataset, time: float | ArrayLike | None) -> list[int]:
    """Places of the snapshots nearest to some times [s]; the last for None."""
    known = result["time"].values
    if time is None:
        return [len(known) - 1]
    wanted = np.atleast_1d(np.asarray(time, dtype=float))
    if wanted.ndim != 1 or not np.all(np.isfinite(wanted)):
        raise BadInput(f"time: {time} cannot be used; give seconds, or None for the last snapshot.")
    return [int(np.argmin(np.abs(known - w))) for w in wanted]


def flask(result: xr.Dataset, *, places: Sequence[int] | None = None, replicate: int | None = None) -> Flask:
    """Particles and clusters per volume at some snapshots (all for None), the mean of the replicates or one of them."""
    places = range(result.sizes["time"]) if places is None else places
    data = result[["particle_count", "concentration"]].assign(liquid=liquid_volume(result)).isel(time=list(places))
    if replicate is not None:
        if "replicate" in data.dims and replicate in data["replicate"].values:
            data = data.sel(replicate=[replicate])
        elif "replicate" in data.dims or replicate != 0:
            known = result["replicate"].values.tolist() if "replicate" in result.dims else [0]
            raise BadInput(f"replicate: there is no {replicate}; there are {known}.")
    names, _ = of_recipe(result)
    density = data["particle_count"] / data["liquid"]
    density, dissolved = (x.mean("replicate") if "replicate" in x.dims else x for x in (density, data["concentration"]))
    count = density.transpose("time", "origin", "size").sel(origin=list(ORIGINS)).values.astype(float)
    diameter = result["diameter"].values.astype(float)
    occurs = (count > 0).any(axis=(0, 1))
    clusters = material_of(result).clusters
    shown = [s for s in (str(s) for s in result["species"].values) if names.get(s, s) in clusters]
    return Flask(
        data["time"].values.astype(float), diameter[occurs], count[:, :, occurs], tuple(shown),
        tuple(clusters[names.get(s, s)] for s in shown),
        dissolved.sel(species=shown).transpose("time", "species").values.astype(float),
    )


def cluster_extinction(cluster: Cluster, wavelength: ArrayLike) -> FloatArray:
    """Molar decadic extinction of a cluster (k,) [L/(mol cm)] at wavelengths (k,) [nm]."""
    energy = HC / np.asarray(wavelength, dtype=float)
    total = np.zeros(energy.shape)
    for band in cluster.bands:
        shape = gaussian if band.kind == "peak" else step
        total += band.extinction * shape(energy, HC / band.wavelength, band.width)
    return total


def cross_section(
    material: Material | str, diameter: ArrayLike, wavelength: ArrayLike, *, sizing: Sizing = None
) -> FloatArray:
    """Absorption cross section of single dots.

    Parameters
    ----------
    material : or its name
    diameter : (n,) [nm]
    wavelength : (k,) [nm]
    sizing : as in ``sizing_curve``

    Returns
    -------
    (n, k) [cm^2]

    Raises
    ------
    BadInput : the material has no optics, or the sizing curve is not known.

    Notes
    -----
    The first exciton is a Gaussian of the material's homogeneous width whose integral is that of the measured peak:
    its cross section times the width of the samples measured. Higher transitions have fixed strengths over the first
    and, as bundles of levels of the hole, half of their distance from it as width. From the energy where levels overlap
    a continuum sets in that rises with a power of the energy and brings the whole, averaged over samples as those that
    were measured, to the cross section at high energy. Dots so small that they hardly absorb there stay below it.
    """
    m = load_material(material) if isinstance(material, str) else material
    optics, curve = optics_of(m), sizing_curve(m, sizing=sizing)
    d, w = np.atleast_1d(np.asarray(diameter, dtype=float)), np.atleast_1d(np.asarray(wavelength, dtype=float))
    if not (np.all(d > 0) and np.all(np.isfinite(d))):
        raise BadInput("diameter: give positive numbers of nm.")
    if not (np.all(w > 0) and np.all(np.isfinite(w))):
        raise BadInput("wavelength: give positive numbers of nm.")
    return _cross_section(optics, curve, d, HC / w)


def _cross_section(optics: Optics, curve: Curve, d: FloatArray, energy: FloatArray) -> FloatArray:
    first = curve.energy(d)[:, None]
    confined = first - _gap(curve)
    width = optics.homogeneous_width
    peak, measured = (x[:, None] for x in _first_peak(optics, curve, d))
    high = optics.high
    assert high.energy is not None
    wanted = high.prefactor * (0.5 * d[:, None]) ** high.power
    # As soft as it is far: under the first exciton lies less than a hundredth of the continuum.
    away = (optics.continuum - 1.0) * confined
    onset, soft = first + away, np.maximum(away, width)

    def lines(e: FloatArray, wide: FloatArray) -> FloatArray:
        total = peak * measured / wide * gaussian(e, first, wide)
        for t in optics.transitions:
            at = first + (t.ratio - 1.0) * confined
            broad = np.maximum(wide, 0.5 * (t.ratio - 1.0) * confined)
            total += peak * measured * t.strength / broad * gaussian(e, at, broad)
        return np.asarray(total)

    top = np.array([[high.energy]])
    rise = np.maximum(wanted - lines(top, measured), 0.0) / np.maximum(step(top, onset, soft), LEAST_STEP)
    e = energy[None, :]
    single = np.full_like(measured, width)
    return np.asarray(lines(e, single) + rise * (e / high.energy) ** optics.continuum_power * step(e, onset, soft))


def _gap(curve: Curve) -> float:
    return float(getattr(curve, "gap", 0.0))


def _first_peak(optics: Optics, curve: Curve, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cross section (n,) [cm^2] and full width (n,) [eV] of the first peak in the samples that were measured."""
    law, width = optics.first, optics.homogeneous_width
    if law.half_width_nm is not None:
        whole = 2.0 * law.half_width_nm * curve.energy(d) ** 2 / HC
    else:
        assert law.relative_std is not None
        whole = np.hypot(width, FWHM * np.abs(curve.slope(d)) * law.relative_std * d)
    return law.prefactor * (0.5 * d) ** law.power, np.maximum(whole, width)


def quantum_yield(material: Material | str, diameter: ArrayLike) -> FloatArray:
    """Photons emitted per photon absorbed (n,) [dimensionless] by dots (n,) [nm]; constant beyond what is known."""
    optics = optics_of(load_material(material) if isinstance(material, str) else material)
    return np.interp(np.asarray(diameter, dtype=float), optics.yield_diameter, optics.yield_value)


def default_wavelengths(contents: Flask, material: Material, *, sizing: Sizing = None) -> FloatArray:
    """Every nanometre from 300 nm to beyond the red edge of all that a flask holds (k,) [nm]."""
    optics = optics_of(material)
    energies = [HC / 800.0]
    if contents.diameter.size:
        margin = 2.0 * optics.homogeneous_width + optics.stokes_shift
        lowest = float(sizing_curve(material, sizing=sizing).energy(contents.diameter.max()))
        energies = [max(lowest - margin, 0.2)]
    for cluster in contents.clusters:
        energies += [HC / b.wavelength - 1.5 * b.width for b in cluster.bands]
    return np.arange(300.0, 10.0 * np.ceil(HC / min(energies) / 10.0) + 0.5)
