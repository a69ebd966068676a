"""The particles of one snapshot, as instruments that see whole particles need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.observables.distribution import read_snapshot
from kmcgrowth.observables.liquid import liquid_volume

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Particles of one snapshot; only sizes that occur.

    Attributes
    ----------
    time : of the snapshot [s]
    material : name
    unit_volume : volume of one formula unit [nm^3]
    units : (size,), formula units in a particle
    diameter : (size,), of the sphere of the same volume [nm]
    lower, upper : (size,), ends of the diameters that a size stands for: those of half a unit less and more [nm]
    count : (origin, size), seeds first; particles of all replicates asked for, expected ones from the balance
    liquid : volume of the liquid that holds them [mL]
    """

    time: float
    material: str
    unit_volume: float
    units: FloatArray
    diameter: FloatArray
    lower: FloatArray
    upper: FloatArray
    count: FloatArray
    liquid: float

    @property
    def number(self) -> float:
        """Particles."""
        return float(self.count.sum())

    def grouped(self, relative: float = 2e-3) -> Ensemble:
        """Sizes whose diameters differ by less than this relative step put together, at their mean volume."""
        if not self.units.size:
            return self
        cell = np.floor(np.log(self.diameter / self.diameter.min()) / relative).astype(np.int64)
        start = np.flatnonzero(np.diff(cell, prepend=-1))
        number = np.add.reduceat(self.count, start, axis=1)
        whole = number.sum(axis=0)
        units = np.add.reduceat(self.count.sum(axis=0) * self.units, start) / whole
        last = np.append(start[1:], self.units.size) - 1
        return replace(
            self, units=units, diameter=np.cbrt(6.0 / np.pi * self.unit_volume * units), lower=self.lower[start],
            upper=self.upper[last], count=number,
        )


def ensemble(result: xr.Dataset, *, time: float | None = None, replicate: int | None = None) -> Ensemble:
    """The particles of a snapshot.

    Parameters
    ----------
    result : dataset of a run of any engine
    time : the nearest snapshot is taken; None for the last [s]
    replicate : label of one replicate, or None for all of them together

    Returns
    -------
    Ensemble

    Raises
    ------
    BadInput : a time or a replicate that makes no sense.
    """
    s = read_snapshot(result, time, replicate)
    there = s.count.sum(axis=0) > 0
    runs = result.sizes.get("replicate", 1) if replicate is None else 1
    liquid = liquid_volume(result).sel(time=s.time)
    return Ensemble(
        s.time, str(result.attrs["material"]), float(result.attrs["unit_volume_nm3"]), s.units[there],
        s.diameter[there], s.lower[there], s.upper[there], s.count[:, there],
        runs * float(liquid.mean()),
    )


def positive(name: str, value: float, unit: str) -> float:
    """A number that must be positive and finite; ``BadInput`` says so."""
    if not (np.isfinite(value) and value > 0):
        raise BadInput(f"{name}: {value} cannot be used; give a positive number{unit and f' of {unit}'}.")
    return float(value)


def rising(name: str, values: object, unit: str, *, from_zero: bool = False) -> FloatArray:
    """An axis of at least two rising, positive numbers (or from zero); ``BadInput`` says so."""
    axis = np.asarray(values, dtype=float)
    least = axis.ndim == 1 and axis.size > 1
    if not least or not np.isfinite(axis).all() or (np.diff(axis) <= 0).any() or axis[0] < 0 or (
        axis[0] == 0 and not from_zero
    ):
        raise BadInput(f"{name}: give at least two rising numbers {'from 0' if from_zero else 'above 0'}, in {unit}.")
    return axis


def add_in_blocks(
    axis: FloatArray, rows: Sequence[FloatArray], weights: FloatArray, kernel: Callable[..., FloatArray], *,
    block: int = 2_000_000,
) -> FloatArray:
    """Sum over sizes of weights (origin, size) times a kernel(axis (1, k), *rows (size, 1)); (origin, k)."""
    found = np.zeros((weights.shape[0], axis.size))
    step = max(block // max(axis.size, 1), 1)
    for i in range(0, weights.shape[1], step):
        part = slice(i, i + step)
        found += weights[:, part] @ kernel(axis[None, :], *(row[part, None] for row in rows))
    return found


__all__ = ["Ensemble", "ensemble"]
