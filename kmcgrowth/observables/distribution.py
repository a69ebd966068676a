"""Size distributions: densities over the diameter, their moments, and the populations found in them.

A particle of n units stands for the diameters between those of n - 1/2 and n + 1/2 units, so that no density shows
the comb of whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
Weight = Literal["number", "volume"]
Origin = Literal["seed", "nucleated"]
ORIGINS = ("seed", "nucleated")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

DEPTH = 0.8
"""A valley between two populations lies below this part of the lower peak [dimensionless]."""

SIGNIFICANCE = 4.0
"""A valley counts when it is this many standard errors deep; P(normal > 4) = 3e-5 [dimensionless]."""


@dataclass(frozen=True)
class Moments:
    """Moments of the diameters of one snapshot.

    Attributes
    ----------
    number : particles [dimensionless]
    mean, std : of the diameter; the standard deviation is that of the particles, not of a sample [nm]
    relative_std : std over mean [dimensionless]
    skewness : third central moment over std^3 [dimensionless]
    kurtosis : fourth central moment over std^4, 3 for a Gaussian [dimensionless]
    quantiles : share -> diameter [nm]
    """

    number: float
    mean: float
    std: float
    relative_std: float
    skewness: float
    kurtosis: float
    quantiles: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Population:
    """One population of particles, between two diameters.

    Attributes
    ----------
    mean_diameter : number-weighted [nm]
    relative_std : standard deviation of the diameter over its mean [dimensionless]
    share : of the number of particles [dimensionless]
    lower, upper : diameters between which it lies [nm]
    """

    mean_diameter: float
    relative_std: float
    share: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Snapshot:
    """Sizes of one snapshot: intervals of diameter [nm], weights (origin, size), diameter [nm], time [s]."""

    time: float
    diameter: FloatArray
    lower: FloatArray
    upper: FloatArray
    count: FloatArray
    units: FloatArray


def size_distribution(
    result: xr.Dataset,
    *,
    time: float | None = None,
    weight: Weight = "number",
    origin: Origin | None = None,
    kind: Literal["histogram", "smooth"] = "histogram",
    bins: int | ArrayLike | None = None,
    replicate: int | None = None,
    bandwidth: float | None = None,
) -> xr.DataArray:
    """Density of particles over the diameter.

    Parameters
    ----------
    result : dataset of a run
    time : the nearest snapshot is taken; None for the last [s]
    weight : "number" of particles, or their "volume"
    origin : "seed" or "nucleated" alone, or None for all particles
    kind : "histogram", or "smooth" for a Gaussian kernel estimate
    bins : histogram: number of bins over the diameters that occur, or their edges [nm]; smooth: number of points,
        or the points [nm]. None chooses (histogram by Freedman and Diaconis, 512 points).
    replicate : label of one replicate, or None for all of them together
    bandwidth : standard deviation of the kernel; None chooses one for each origin (Silverman) [nm]

    Returns
    -------
    (diameter,) array [1/nm]: with ``origin=None`` it integrates to one over all diameters, otherwise to the share of
    that origin, so that the two origins add up to the whole; zero everywhere where there is no particle. The
    coordinate ``diameter`` is the middle of each bin [nm]; a histogram also has its ends ``lower``, ``upper`` [nm].

    Raises
    ------
    BadInput
        If an argument is none of those named, or a time or bin makes no sense.

    Notes
    -----
    Freedman, Diaconis, Z. Wahrsch. verw. Geb. 57, 453 (1981): bins 2 IQR N^(-1/3) wide. Silverman, Density Estimation
    (1986), eq. 3.31: bandwidth 0.9 min(std, IQR/1.34) N^(-1/5).
    """
    import xarray as xr

    _one_of("kind", kind, ("histogram", "smooth"))
    snapshot = read_snapshot(result, time, replicate)
    weights = _weights(snapshot, weight)
    chosen = _origins(origin)
    total = float(weights.sum())
    coordinates: dict[str, object]
    if kind == "histogram":
        edges = _edges(snapshot, weights, bins)
        mass = np.diff(_cumulative(snapshot, weights[chosen].sum(axis=0), edges))
        density = mass / np.diff(edges) / total if total > 0 else np.zeros(edges.size - 1)
        at = 0.5 * (edges[1:] + edges[:-1])
        coordinates = {
            "lower": ("diameter", edges[:-1], {"units": "nm", "long_name": "lower end of the bin"}),
            "upper": ("diameter", edges[1:], {"units": "nm", "long_name": "upper end of the bin"}),
        }
    else:
        if bandwidth is not None and not (np.isfinite(bandwidth) and bandwidth > 0):
            raise BadInput(f"bandwidth: {bandwidth} cannot be used; give a positive number of nm, or None.")
        widths = [bandwidth or _silverman(snapshot, w, float(snapshot.count[o].sum())) for o, w in enumerate(weights)]
        at = _points(snapshot, weights, widths, bins)
        density = np.zeros(at.size)
        for o in chosen:
            if total > 0 and weights[o].sum() > 0:
                density += _kernel(snapshot, weights[o], widths[o], at) / total
        coordinates = {}
    coordinates["diameter"] = ("diameter", at, {"units": "nm", "long_name": "diameter"})
    coordinates["time"] = ((), snapshot.time, {"units": "s", "long_name": "time since the start"})
    return xr.DataArray(
        density, dims=("diameter",), coords=coordinates, name="size_distribution",
        attrs={"units": "nm-1", "long_name": f"share of the {weight} per diameter", "weight": weight,
               "origin": origin or "all"},
    )


def moments(
    result: xr.Dataset, *, time: float | None = None, origin: Origin | None = None, weight: Weight = "number",
    replicate: int | None = None, quantiles: Sequence[float] = QUANTILES,
) -> Moments:
    """Moments and quantiles of the diameters of one snapshot; NaN where there is no particle.

    Parameters are those of ``size_distribution``; ``quantiles`` are shares between 0 and 1.
    """
    snapshot = read_snapshot(result, time, replicate)
    chosen = _origins(origin)
    w = _weights(snapshot, weight)[chosen].sum(axis=0)
    number = float(snapshot.count[chosen].sum())
    if any(not 0.0 <= q <= 1.0 for q in quantiles):
        raise BadInput(f"quantiles: {list(quantiles)} must lie between 0 and 1.")
    return weighted_moments(snapshot.diameter, w, number=number, quantiles=quantiles)


def weighted_moments(
    diameter: ArrayLike, weights: ArrayLike, *, number: float | None = None, quantiles: Sequence[float] = QUANTILES
) -> Moments:
    """Moments of values with weights; (k,) arrays [nm], [dimensionless]. ``number`` defaults to the sum of weights."""
    d, w = np.asarray(diameter, dtype=float), np.asarray(weights, dtype=float)
    d, w = d[w > 0], w[w > 0]
    total = float(w.sum())
    count = total if number is None else number
    if not total > 0:
        nothing = float("nan")
        return Moments(count, nothing, nothing, nothing, nothing, nothing, dict.fromkeys(quantiles, nothing))
    mean = float((w * d).sum()) / total
    m2, m3, m4 = (float((w * (d - mean) ** k).sum()) / total for k in (2, 3, 4))
    std = m2**0.5
    skew, kurt = (m3 / std**3, m4 / std**4) if std > 1e-12 * mean else (float("nan"), float("nan"))
    order = np.argsort(d)
    level = np.cumsum(w[order]) / total
    place = [min(int(np.searchsorted(level, q)), d.size - 1) for q in quantiles]
    found = {q: float(d[order][i]) for q, i in zip(quantiles, place, strict=True)}
    return Moments(count, mean, std, std / mean, skew, kurt, found)


def populations(
    result: xr.Dataset, *, time: float | None = None, replicate: int | None = None, minimum_share: float = 0.005
) -> list[Population]:
    """The one or two populations that the sizes of a snapshot show, whatever the origin; none without particles.

    A second population is one behind a valley: at some smoothing, the density over ln(diameter) between two peaks falls
    below ``DEPTH`` of the lower peak, by more than ``SIGNIFICANCE`` standard errors of the Poisson counts that give a
    kernel estimate its variance f/(2 sqrt(pi) N h), and at least ``minimum_share`` of the particles lie on either side.
    Skew alone, as that of the ripening distributions, makes no second population, which a mixture of Gaussians would
    find there; two populations whose sum has a single peak count as one. One well apart needs 20 to 100 particles.

    Parameters
    ----------
    result, time, replicate : as in ``size_distribution``
    minimum_share : smallest share of particles that counts as a population [dimensionless]

    Returns
    -------
    list of Population, by rising diameter; particles are divided at the bottom of the valley
    """
    snapshot = read_snapshot(result, time, replicate)
    w = snapshot.count.sum(axis=0)
    keep = w > 0
    if not keep.any():
        return []
    border = _valley(snapshot, w, minimum_share)
    sides = [keep] if border is None else [keep & (snapshot.diameter < border), keep & (snapshot.diameter >= border)]
    found = []
    for side in sides:
        m = weighted_moments(snapshot.diameter[side], w[side])
        found.append(Population(m.mean, m.relative_std, float(w[side].sum() / w.sum()),
                                float(snapshot.diameter[side].min()), float(snapshot.diameter[side].max())))
    return found


def _valley(snapshot: Snapshot, w: FloatArray, minimum_share: float) -> float | None:
    """Diameter at the bottom of the most significant valley [nm], or None."""
    from scipy.ndimage import gaussian_filter1d

    total = float(w.sum())
    log_low, log_high = np.log(snapshot.lower), np.log(snapshot.upper)
    x = np.log(snapshot.diameter)
    m = weighted_moments(x - x.min() + 1.0, w, quantiles=(0.25, 0.75))
    spread = min(m.std, (m.quantiles[0.75] - m.quantiles[0.25]) / 1.34) or m.std
    comb = float((w * (log_high - log_low)).sum()) / total
    smallest = max(0.9 * spread * total**-0.2, comb)
    occurs = np.flatnonzero(w > 0)
    start, end = log_low[occurs[0]] - 4 * smallest, log_high[occurs[-1]] + 4 * smallest
    points = int(np.clip((end - start) / smallest * 6, 256, 65536))
    edges = np.linspace(start, end, points + 1)
    step = edges[1] - edges[0]
    mass = np.diff(_cumulative(snapshot, w, np.exp(edges)))
    below = np.cumsum(mass) / total
    best, border = 0.0, None
    h = smallest
    while h < 0.25 * (end - start):
        density = gaussian_filter1d(mass, h / step, mode="constant", truncate=5.0) / step
        left, right = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
        peak = np.minimum(left, right)
        inside = (below >= minimum_share) & (below <= 1.0 - minimum_share) & (peak > 0)
        # One kernel holds about 2 sqrt(pi) h f particles, and counts of that size are compared.
        seen = 2.0 * np.sqrt(np.pi) * h
        score = np.where(inside & (density < DEPTH * peak), excess(seen * peak, seen * density), 0.0)
        i = int(np.argmax(score))
        if score[i] > max(best, SIGNIFICANCE):
            best = float(score[i])
            flat = np.flatnonzero((density <= density[i] * (1 + 1e-9)) & (score >= 0.999 * score[i]))
            border = float(np.exp(edges[int(np.median(flat))] + 0.5 * step))
        h *= 1.5
    return border


def excess(a: FloatArray, b: FloatArray) -> FloatArray:
    """How many standard errors the Poisson count a lies above b <= a: the signed root of the likelihood ratio."""
    half = np.maximum(0.5 * (a + b), 1e-300)
    rise = a * np.log(np.maximum(a, 1e-300) / half) + b * np.log(np.maximum(b, 1e-300) / half)
    return np.asarray(np.sqrt(np.maximum(2.0 * rise, 0.0)))


def read_snapshot(result: xr.Dataset, time: float | None, replicate: int | None) -> Snapshot:
    """The snapshot nearest to a time [s], the last one for None, of all replicates together or one of them."""
    times = result["time"].values
    if time is not None and not np.isfinite(time):
        raise BadInput(f"time: {time} cannot be used; give a number of seconds, or None for the last snapshot.")
    i = -1 if time is None else int(np.argmin(np.abs(times - time)))
    data = result["particle_count"].isel(time=i)
    if "replicate" in data.dims:
        if replicate is None:
            data = data.sum("replicate")
        elif replicate in data["replicate"].values:
            data = data.sel(replicate=replicate)
        else:
            raise BadInput(f"replicate: there is no {replicate}; there are {data['replicate'].values.tolist()}.")
    elif replicate not in (None, 0):
        raise BadInput(f"replicate: there is no {replicate}; this result has a single run.")
    count = data.transpose("origin", "size").sel(origin=list(ORIGINS)).values.astype(float)
    size, d = result["size"].values.astype(float), result["diameter"].values.astype(float)
    if "size_bounds" in result:
        low, high = result["size_bounds"].values.astype(float).T - 0.5
    else:
        low, high = size - 0.5, size + 0.5
    return Snapshot(float(times[i]), d, d * np.cbrt(low / size), d * np.cbrt(high / size), count, size)


def _weights(snapshot: Snapshot, weight: str) -> FloatArray:
    _one_of("weight", weight, ("number", "volume"))
    return snapshot.count * snapshot.units if weight == "volume" else snapshot.count


def _origins(origin: str | None) -> list[int]:
    if origin is None:
        return [0, 1]
    _one_of("origin", origin, ORIGINS)
    return [ORIGINS.index(origin)]


def _one_of(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise BadInput(f'{name}: "{value}" is not known; it is one of ' + ", ".join(f'"{k}"' for k in known) + ".")


def _cumulative(snapshot: Snapshot, w: FloatArray, at: FloatArray) -> FloatArray:
    """Weight below each diameter, that of every size spread evenly over its interval of diameters."""
    if not w.size:
        return np.zeros(np.shape(at))
    ends = np.stack([snapshot.lower, snapshot.upper], axis=1).ravel()
    total = np.concatenate([[0.0], np.cumsum(w)])
    levels = np.stack([total[:-1], total[1:]], axis=1).ravel()
    return np.interp(at, ends, levels)


def _extent(snapshot: Snapshot, weights: FloatArray) -> tuple[float, float]:
    occurs = np.flatnonzero(weights.sum(axis=0) > 0)
    if not occurs.size:
        return (0.0, float(snapshot.upper.max())) if snapshot.upper.size else (0.0, 1.0)
    return float(snapshot.lower[occurs[0]]), float(snapshot.upper[occurs[-1]])


def _edges(snapshot: Snapshot, weights: FloatArray, bins: int | ArrayLike | None) -> FloatArray:
    if bins is not None and np.ndim(bins) == 1:
        edges = np.asarray(bins, dtype=float)
        if edges.size < 2 or not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0):
            raise BadInput("bins: edges must be at least two rising numbers of nm.")
        return edges
    low, high = _extent(snapshot, weights)
    if bins is None:
        # The narrowest origin decides, so that a second population does not blur a focused one.
        spreads = [_spread(snapshot, w) for w in weights]
        numbers = snapshot.count.sum(axis=1)
        wanted = [2.0 * iqr * n ** (-1.0 / 3.0) for (_, iqr), n in zip(spreads, numbers, strict=True) if iqr > 0]
        width = max(min(wanted, default=high - low), (high - low) / 400.0)
        return np.linspace(low, high, max(int(np.ceil((high - low) / width)), 1) + 1)
    return np.linspace(low, high, _whole(bins) + 1)


def _points(
    snapshot: Snapshot, weights: FloatArray, widths: Sequence[float], bins: int | ArrayLike | None
) -> FloatArray:
    if bins is not None and np.ndim(bins) == 1:
        points = np.asarray(bins, dtype=float)
        if points.size < 1 or not np.all(np.isfinite(points)):
            raise BadInput("bins: points must be finite numbers of nm.")
        return points
    low, high = _extent(snapshot, weights)
    reach = 5.0 * max(widths)
    return np.linspace(max(low - reach, 0.0), high + reach, 512 if bins is None else _whole(bins))


def _whole(bins: object) -> int:
    if not isinstance(bins, int | np.integer) or bins < 1:
        raise BadInput(f"bins: {bins} cannot be used; give a positive whole number, or the edges in nm.")
    return int(bins)


def _spread(snapshot: Snapshot, w: FloatArray) -> tuple[float, float]:
    """Standard deviation and interquartile range of the diameter [nm]."""
    m = weighted_moments(snapshot.diameter, w, quantiles=(0.25, 0.75))
    return (m.std, m.quantiles[0.75] - m.quantiles[0.25]) if w.sum() > 0 else (0.0, 0.0)


def _silverman(snapshot: Snapshot, w: FloatArray, number: float) -> float:
    std, iqr = _spread(snapshot, w)
    narrow = min(std, iqr / 1.34) or std
    occurs = w > 0
    comb = float((snapshot.upper - snapshot.lower)[occurs].max()) if occurs.any() else 0.0
    return max(0.9 * narrow * max(number, 1.0) ** -0.2, comb)


def _kernel(snapshot: Snapshot, w: FloatArray, width: float, at: FloatArray) -> FloatArray:
    """Sum of Gaussians, mirrored at diameter zero, with the weights of the sizes [weight/nm]."""
    some = w > 0
    d, weight = snapshot.diameter[some], w[some]
    density = np.zeros(at.size)
    for part in range(0, d.size, 512):
        for sign in (1.0, -1.0):
            z = (at[:, None] - sign * d[None, part : part + 512]) / width
            density += np.exp(-0.5 * z * z) @ weight[part : part + 512]
    return density / (width * np.sqrt(2.0 * np.pi))
