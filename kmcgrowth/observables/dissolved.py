"""What is dissolved around crystals on a lattice, as means over time: a moment holds few atoms or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER
from kmcgrowth.physics.constants import N_A

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

STEADY = 0.25
"""Relative noise that a window may have; the geometric mean of two elements is then 2 % too low [dimensionless]."""

NEAR = 8
"""Snapshots before and after by which the noise at a moment is judged."""

NORMAL = 0.477
"""Median of |a - b|/(a + b) over the relative noise of a and b, where it is small and normal [dimensionless]."""


class Course(NamedTuple):
    """Means over windows of time, of replicates together.

    Attributes
    ----------
    time : (windows,) middle of each [s]
    supersaturation : (windows,) geometric mean over the elements [dimensionless]
    monomer : (windows,) concentration, the geometric mean over the elements [mol/L]
    """

    time: FloatArray
    supersaturation: FloatArray
    monomer: FloatArray


def sampled(dataset: xr.Dataset) -> bool:
    """Whether dissolved atoms are counted one by one, so that a moment says little: in a pool or among walkers."""
    if "exposure" not in dataset.variables or dataset.sizes["time"] < 2:
        return False
    return bool(json.loads(dataset.attrs["lattice"]).get("solution", "pool") != "fixed")


def mean_supersaturation(dataset: xr.Dataset) -> xr.DataArray:
    """Supersaturation; where atoms are counted, its mean since the snapshot before, which the first does not have."""
    data = dataset["supersaturation"]
    if not sampled(dataset):
        return data
    return data.copy(data=_after_first(_supersaturation(_between(dataset), _flat(dataset))))


def mean_concentration(dataset: xr.Dataset) -> xr.DataArray:
    """Concentrations [mol/L]; where atoms are counted, that of monomer as the mean since the snapshot before.

    Monomer is then the geometric mean of its elements, supersaturation times solubility.
    """
    data = dataset["concentration"]
    if not sampled(dataset):
        return data
    found = data.transpose(..., "species").copy(deep=True)
    found.values[..., MONOMER] = _after_first(_geometric(_between(dataset)))
    return found


def course(dataset: xr.Dataset) -> Course:
    """Supersaturation and monomer over windows long enough to hold atoms, of a result that is ``sampled``.

    Windows are as many snapshots long as the noise between neighbouring snapshots asks for.
    """
    one = dataset[["exposure", "volume", "solubility"]]
    one = (one.mean("replicate") if "replicate" in one.dims else one).assign_attrs(dataset.attrs)
    atoms, time = _between(one), one["time"].values
    span = np.diff(time)
    edges = _edges(atoms)
    over = np.add.reduceat(span, edges[:-1])
    mean = np.add.reduceat(atoms * span[:, None], edges[:-1]) / over[:, None]
    flat = np.add.reduceat(_flat(one) * span, edges[:-1]) / over
    middle = 0.5 * (time[edges[:-1]] + time[edges[1:]])
    return Course(middle, _supersaturation(mean, flat), _geometric(mean))


def _edges(atoms: FloatArray) -> NDArray[np.int64]:
    """First interval of each window, and the number of intervals; ``atoms`` (intervals, elements), of any unit."""
    number = len(atoms)
    a, b = atoms[:-1], atoms[1:]
    apart = np.divide(np.abs(a - b), a + b, out=np.ones_like(a), where=a + b > 0.0)
    edges, full = [0], 0.0
    for i in range(number):
        near = apart[max(i - NEAR, 0) : i + NEAR]
        noise = float(np.median(near, axis=0).max()) / NORMAL if len(near) else 0.0
        share = min((STEADY / max(noise, STEADY)) ** 2, 1.0)  # of a window that this interval fills
        if full >= 1.0 or (full > 0.0 and share == 1.0):
            edges.append(i)
            full = 0.0
        full += share
    if full < 0.5 and len(edges) > 1 and share < 1.0:
        edges.pop()
    return np.array([*edges, number])


def _between(dataset: xr.Dataset) -> FloatArray:
    """Mean concentration of each element from a snapshot to the next (..., times - 1, elements) [mol/L]."""
    exposure = dataset["exposure"].transpose(..., "time", "site_kind").values
    share = float(dataset.attrs["control_volume_mL"]) / float(dataset["volume"].values.flat[0])
    liters = dataset["volume"].values[..., 1:] * share * 1e-3
    span = np.diff(dataset["time"].values)
    found: FloatArray = np.diff(exposure, axis=-2) / (span * liters * N_A)[..., None]
    return found


def _flat(dataset: xr.Dataset) -> FloatArray:
    """Solubility from a snapshot to the next, as at its end (..., times - 1) [mol/L]."""
    found: FloatArray = dataset["solubility"].values[..., 1:]
    return found


def _geometric(concentration: FloatArray) -> FloatArray:
    found: FloatArray = np.prod(concentration, axis=-1) ** (1.0 / concentration.shape[-1])
    return found


def _supersaturation(concentration: FloatArray, flat: FloatArray) -> FloatArray:
    known = np.where(flat > 0.0, flat, np.nan)
    return np.asarray(_geometric(concentration) / known)


def _after_first(values: FloatArray) -> Any:
    none = np.full((*values.shape[:-1], 1), np.nan)
    return np.concatenate([none, values], axis=-1)


__all__ = ["Course", "course", "mean_concentration", "mean_supersaturation", "sampled"]
