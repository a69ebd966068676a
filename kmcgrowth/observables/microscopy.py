"""Sizes as an experimenter gets them from electron micrographs: so many particles, picked at random and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.intervals import sampling_errors
from kmcgrowth.observables.distribution import ORIGINS
from kmcgrowth.observables.ensemble import Ensemble, ensemble, positive

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Micrograph:
    """Particles counted on micrographs.

    Attributes
    ----------
    edges : (bins + 1,) ends of the bins [nm]
    count : (origin, bins) particles counted, seeds first; an experimenter sees only their sum
    diameter : (counted,) as measured, in the order in which they were met [nm]
    seed : (counted,) whether it is a seed
    mean, std : of the measured diameters; std with N - 1 [nm]
    relative_std : std over mean [dimensionless]
    mean_error, std_error, relative_std_error : half widths of the 95 % intervals that N particles allow; NaN below two
        [nm, nm, dimensionless]
    seen : share of all particles that is large enough to be seen [dimensionless]
    time : of the snapshot [s]
    """

    edges: FloatArray
    count: NDArray[np.int64]
    diameter: FloatArray
    seed: NDArray[np.bool_]
    mean: float
    std: float
    relative_std: float
    mean_error: float
    std_error: float
    relative_std_error: float
    seen: float
    time: float

    @property
    def number(self) -> int:
        """Particles counted."""
        return len(self.diameter)


def micrograph(
    result: xr.Dataset,
    *,
    particles: int = 200,
    rng: np.random.Generator | int | None = None,
    time: float | None = None,
    error: float = 0.0,
    smallest: float = 0.0,
    bin_width: float = 0.25,
    replicate: int | None = None,
) -> Micrograph:
    """Count particles of a snapshot at random.

    Parameters
    ----------
    result : dataset of a run of any engine
    particles : how many are counted
    rng : numpy generator or seed; None draws a fresh one
    time : the nearest snapshot is taken; None for the last [s]
    error : standard deviation of one measured diameter about the true one [nm]
    smallest : particles below it are not seen; nor are those measured below it [nm]
    bin_width : of the histogram, whose bins begin at multiples of it [nm]
    replicate : label of one replicate, or None for all of them together

    Returns
    -------
    Micrograph; with nothing to be seen its numbers are NaN and it counts none

    Raises
    ------
    BadInput : an argument that makes no sense.

    Notes
    -----
    The simulated particles stand for a flask with many more, so they are drawn with replacement; within the diameters
    that one whole number of formula units stands for, every diameter is as likely. Intervals by
    ``kmcgrowth.intervals.sampling_errors`` (Cramer, Mathematical Methods of Statistics, 27.7), the standard
    deviation's from Var(s^2) = (m4 - m2^2)/N. Projections that overlap and shapes other than spheres are left out.
    """
    if isinstance(particles, bool) or not isinstance(particles, int | np.integer) or particles < 1:
        raise BadInput(f"particles: {particles} cannot be counted; give a positive whole number.")
    for name, value in (("error", error), ("smallest", smallest)):
        if not (np.isfinite(value) and value >= 0):
            raise BadInput(f"{name}: {value} cannot be used; give a number of nm from 0.")
    positive("bin_width", bin_width, "nm")
    found = ensemble(result, time=time, replicate=replicate)
    # What can be seen of each size: all of it, or the part of its diameters above the smallest.
    part = np.clip((found.upper - smallest) / (found.upper - found.lower), 0.0, 1.0)
    weights = (found.count * part).ravel()
    total = float(weights.sum())
    seen = total / found.number if found.number > 0 else float("nan")
    generator = np.random.default_rng(rng)
    measured, seed = _measure(found, weights, particles, generator, error, smallest)
    edges = _edges(measured, bin_width)
    count = np.array([np.histogram(measured[seed == kind], edges)[0] for kind in (True, False)], dtype=np.int64)
    mean, std, of_mean, of_std, of_relative = _moments(measured)
    return Micrograph(
        edges, count.reshape(len(ORIGINS), -1), measured, seed, mean, std, std / mean, of_mean, of_std, of_relative,
        seen, found.time,
    )


def _measure(
    found: Ensemble, weights: FloatArray, particles: int, rng: np.random.Generator, error: float, smallest: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Diameters as measured and whether they are of seeds; whoever falls below the smallest is replaced by the next."""
    total = float(weights.sum())
    sizes = len(found.units)
    measured, seed = np.zeros(0), np.zeros(0, dtype=bool)
    if not total > 0:
        return measured, seed
    level = np.cumsum(weights)
    low = np.maximum(found.lower, np.minimum(smallest, found.upper))
    # What can be seen and measured at all is half of it or more but for particles at the very edge.
    for _ in range(1000):
        missing = particles - len(measured)
        if not missing:
            break
        pick = np.minimum(np.searchsorted(level, total * rng.random(missing), side="right"), len(level) - 1)
        size = pick % sizes
        d = low[size] + (found.upper[size] - low[size]) * rng.random(missing)
        d = d + error * rng.standard_normal(missing)
        kept = (d >= smallest) & (d > 0)
        measured = np.concatenate([measured, d[kept]])
        seed = np.concatenate([seed, pick[kept] < sizes])
    return measured, seed


def _edges(measured: FloatArray, width: float) -> FloatArray:
    if not len(measured):
        return np.array([0.0, width])
    first, last = int(np.floor(measured.min() / width)), int(np.floor(measured.max() / width)) + 1
    if last - first > 100_000:
        raise BadInput(f"bin_width: {width:g} nm makes {last - first} bins; give a larger one.")
    return np.asarray(width * np.arange(first, last + 1), dtype=float)


def _moments(d: FloatArray) -> tuple[float, float, float, float, float]:
    """Mean, standard deviation and the half widths of the intervals of both and of their ratio."""
    if len(d) < 2:
        return float(d[0]) if len(d) else np.nan, np.nan, np.nan, np.nan, np.nan
    mean, std = float(d.mean()), float(d.std(ddof=1))
    m2, m3, m4 = (float(((d - mean) ** k).mean()) for k in (2, 3, 4))
    of_mean, of_relative = sampling_errors(len(d), mean, std**2, m3, m4)
    # Far from zero the relative width is the absolute one in other units: the same formula gives its error.
    far = 1e6 * max(mean, std)
    of_std = far * float(sampling_errors(len(d), far, m2, m3, m4)[1])
    return mean, std, float(of_mean), of_std, float(of_relative)


__all__ = ["Micrograph", "micrograph"]
