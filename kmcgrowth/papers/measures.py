"""What several rows measure on a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.observables.liquid import liquid_volume
from kmcgrowth.physics.constants import N_A

if TYPE_CHECKING:
    import xarray as xr

    from kmcgrowth.recipe import Recipe

FloatArray = NDArray[np.float64]


def in_particles(result: xr.Dataset) -> FloatArray:
    """Formula units in particles, in the simulated volume (time,)."""
    held = (result["particle_count"] * result["size"]).sum(("size", "origin"))
    return np.asarray(held.values, dtype=float)


def in_solution(result: xr.Dataset, recipe: Recipe, *names: str) -> FloatArray:
    """Formula units in dissolved species, all or those named, in the simulated volume (time,)."""
    chosen = names or tuple(str(n) for n in result["species"].values)
    units = np.array([float(recipe.units_of(n)) for n in chosen])
    moles = result["concentration"].sel(species=list(chosen)).values @ units  # mol/L
    return np.asarray(moles * liquid_volume(result).values * 1e-3 * N_A)


def share_in_particles(result: xr.Dataset, recipe: Recipe) -> FloatArray:
    """Of all formula units in the flask, those in particles (time,) [dimensionless]."""
    held = in_particles(result)
    return held / np.maximum(held + in_solution(result, recipe), 1.0)  # before a shot there is nothing


def fed(result: xr.Dataset) -> int:
    """The first snapshot at which all that is injected is."""
    injected = result["injected_volume"].values
    return int(np.argmax(injected >= injected[-1] * (1.0 - 1e-9)))


def reached(time: FloatArray, value: FloatArray, level: float) -> float:
    """When a rising value first reaches a level, linear in between; infinite if never."""
    there = value >= level
    if not there.any():
        return float("inf")
    i = int(np.argmax(there))
    if i == 0:
        return float(time[0])
    return float(np.interp(level, value[i - 1 : i + 1], time[i - 1 : i + 1]))
