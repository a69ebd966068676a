"""What the InAs experiments are judged by, measured on a dataset as the paper measures its absorption spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from kmcgrowth.materials import load_material
from kmcgrowth.recipe import Recipe

FloatArray = NDArray[np.float64]
EV_PER_KELVIN = 8.617333262e-5
"""Boltzmann's constant, CODATA 2018 [eV/K]."""


@dataclass(frozen=True)
class Line:
    """A straight line through y(x): slope, and R^2, the share of the variance of y that it explains."""

    slope: float
    r2: float


@dataclass(frozen=True)
class Growth:
    """Volume per dot against injected volume while the syringe empties (Fig. 4C).

    Attributes
    ----------
    line : of the mean volume of the seeds [nm^3/mL]
    supplied : slope of the volume fed per seed less nucleated and dissolved matter [nm^3/mL]
    width_start, width_end : relative width of the seeds before the feed and when the syringe is empty [1]
    width_all : that of all particles when the syringe is empty [1]
    narrows : whether the width of the seeds and that of all fell from each tenth of the feed to the next
    """

    line: Line
    supplied: float
    width_start: float
    width_end: float
    width_all: float
    narrows: bool


def straight(x: FloatArray, y: FloatArray) -> Line:
    """Least squares."""
    slope, shift = np.polyfit(x, y, 1)
    return Line(float(slope), float(1.0 - np.var(y - slope * x - shift) / np.var(y)))


def growth(recipe: Recipe, result: xr.Dataset) -> Growth:
    """Growth of the seeds in a run with a single syringe; what is fed is reckoned from the recipe."""
    (seeds,), (syringe,) = recipe.seeds, recipe.injection
    volume = 1e27 * load_material(recipe.material).unit_volume
    injected = result["injected_volume"].values
    end = int(np.argmax(injected > 1e6 * syringe.volume * (1.0 - 1e-9)))
    feed = slice(0, end + 1)
    dots = seeds.concentration * recipe.flask.volume  # mol
    content = sum(c * recipe.units_of(name) for name, c in syringe.contents.items())
    fed = content * injected * 1e-6 / dots
    units = np.array([recipe.units_of(str(name)) for name in result["species"].values])
    dissolved = (result["concentration"].values @ units) * result["volume"].values * 1e-3 / dots
    matter = result["particle_count"] * result["size"]
    number = result["number"].sel(population="seed").values
    nucleated = matter.sel(origin="nucleated").sum("size").values / number[0]
    per_dot = matter.sel(origin="seed").sum("size").values / number
    width, every = (result["relative_std"].sel(population=p).values for p in ("seed", "all"))
    tenths = np.linspace(0, end, 11).round().astype(int)
    return Growth(
        straight(injected[feed], volume * per_dot[feed]),
        straight(injected[feed], volume * (fed - dissolved - nucleated)[feed]).slope,
        float(width[0]), float(width[end]), float(every[end]),
        bool(np.all(np.diff(width[tenths]) < 0) and np.all(np.diff(every[tenths]) < 0)),
    )


def conversion(result: xr.Dataset) -> tuple[float, float]:
    """Rate constant [1/s] and R^2 of A = A0 (1 - exp(-k t)), eq. 1 of the paper, with the magic-size clusters as A."""
    t, a = result["time"].values, result["concentration"].sel(species="MSC").values * 1e3

    def law(t: FloatArray, a0: float, k: float) -> FloatArray:
        return a0 * -np.expm1(-k * t)

    half = t[np.argmax(a > 0.5 * a[-1])]
    (a0, k), _ = curve_fit(law, t, a, p0=(a[-1], np.log(2.0) / half))
    return float(k), float(1.0 - np.var(a - law(t, a0, k)) / np.var(a))


def activation_energy(temperature: FloatArray, k: FloatArray) -> float:
    """Slope of the Arrhenius plot [eV] from temperatures [K] and rate constants."""
    return -EV_PER_KELVIN * straight(1.0 / temperature, np.log(k)).slope


def time_to_grow(result: xr.Dataset, gain: float) -> float:
    """When the mean diameter of the seeds has gained so many nm [s]."""
    t, d = result["time"].values, result["mean_diameter"].sel(population="seed").values
    reached = d - d[0] >= gain
    if not reached.any():
        return float("inf")
    i = int(np.argmax(reached))
    return float(np.interp(d[0] + gain, d[i - 1 : i + 1], t[i - 1 : i + 1]))


def time_to_supply(recipe: Recipe, result: xr.Dataset, share: float = 0.5) -> float:
    """When this share of what the shot brought is in particles of any origin [s]."""
    (seeds,), (syringe,) = recipe.seeds, recipe.injection
    content = sum(c * recipe.units_of(name) for name, c in syringe.contents.items())
    brought = content * syringe.volume / (seeds.concentration * recipe.flask.volume)
    held = (result["particle_count"] * result["size"]).sum(("size", "origin")).values
    taken = (held - held[0]) / (brought * float(result["number"].sel(population="seed")[0]))
    i = int(np.argmax(taken >= share))
    return float(np.interp(share, taken[i - 1 : i + 1], result["time"].values[i - 1 : i + 1]))
