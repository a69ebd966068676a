"""Tables of the exit times from protective cubes, and of the places inside, for the compiled walkers.

The time at which a walker leaves a cube is the earliest of three independent exit times of ``physics.first_passage``:
with an exponential number E its hazard is E/3 along each edge. It is read off cubic Hermite polynomials whose relative
error stays below 1e-9. The place inside is drawn without an error but round-off: most draws come from what is certain
for a whole interval of time (a table of aliases), the few others are accepted or not with the sum of modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics.first_passage import FloatArray, exit_chance, exit_density, hazard, modes, no_passage

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Half-sizes of cubes [grid points]."""

LEAST, MOST = -32, 3
"""Hazards are tabulated from 2^LEAST (one draw in 10^9 is below) to 2^MOST; above, only the slowest mode is left."""

PARTS, BITS = 64, 6
"""Intervals per factor of two of the hazard."""

STEPS = 8
"""Intervals per factor of two of the time, from 1; before it the walkers' few steps are drawn."""

LOOKS = 6
"""Times in an interval at which the chances are looked at."""

MARGIN = 1e-3
"""Relative distance kept from the least and the largest chance that was found in an interval."""

ALIKE = 2e-3
"""Relative difference from the slowest mode from which on all times are one interval."""


@dataclass(frozen=True, eq=False)
class CubeLaws:
    """Tables of all half-sizes, one after the other.

    Attributes
    ----------
    size : (sizes,) half-sizes
    time : (sizes, intervals of the hazard, 4) coefficients of r t, from the constant on
    late : (sizes, 2) r t = late[0] + late[1] hazard above 2^MOST
    intervals : (sizes,) intervals of the time
    first_common, first_bound, first_mode : (sizes,) where each half-size begins in what follows
    common : aliases (intervals, m + 1): |x|, or m for one of the others; threshold << 16 | alias
    rest : aliases of the others (intervals, m)
    bounds : (intervals, m, 2) certain chance of |x|, and the largest above it
    decay, weight : (m,) the modes
    """

    size: NDArray[np.int32]
    time: FloatArray
    late: FloatArray
    intervals: NDArray[np.int64]
    first_common: NDArray[np.int64]
    first_rest: NDArray[np.int64]
    first_mode: NDArray[np.int64]
    common: NDArray[np.uint64]
    rest: NDArray[np.uint64]
    bounds: FloatArray
    decay: FloatArray
    weight: FloatArray


def times_at(half_size: int, wanted: FloatArray) -> FloatArray:
    """Times at which the hazard has the wanted values, increasing (...) [dimensionless]."""
    grid = np.geomspace(1e-9 ** (1.0 / half_size) * 1e-2, 60.0 * half_size**2, 500)
    known = hazard(half_size, grid)
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(known)) > 0.0]) & (known > 0.0)
    t = np.exp(np.interp(np.log(wanted), np.log(known[rising]), np.log(grid[rising])))
    for _ in range(3):
        t *= np.exp((np.log(wanted) - np.log(hazard(half_size, t))) * wanted / (t * _slope(half_size, t)))
    return t


def _slope(half_size: int, t: FloatArray) -> FloatArray:
    """Derivative of the hazard."""
    decay, weight = modes(half_size)
    over = np.exp(-t[..., None] * (decay - decay[0]))
    early = exit_density(half_size, t) / (1.0 - np.minimum(exit_chance(half_size, t), 0.5))
    return np.where(exit_chance(half_size, t) > 1e-4, (over @ (weight * decay)) / (over @ weight), early)


def _exit_times(half_size: int) -> FloatArray:
    """Coefficients of the exit time in every interval of the hazard."""
    octave, part = np.divmod(np.arange((MOST - LEAST) * PARTS + 1), PARTS)
    nodes = np.ldexp(1.0 + part / PARTS, octave + LEAST)
    t = times_at(half_size, nodes)
    width = np.diff(nodes)
    slope = 1.0 / _slope(half_size, t)
    rise, left, right = np.diff(t), slope[:-1] * width, slope[1:] * width
    return np.column_stack([t[:-1], left, 3.0 * rise - 2.0 * left - right, left + right - 2.0 * rise])


def aliases(weight: FloatArray) -> NDArray[np.uint64]:
    """Tables of aliases (Walker, ACM Trans. Math. Softw. 3, 253 (1977)) of rows of weights (rows, n)."""
    rows, n = weight.shape
    share = weight / weight.sum(axis=1, keepdims=True) * n
    threshold, alias = np.ones((rows, n)), np.tile(np.arange(n), (rows, 1))
    done = np.zeros((rows, n), dtype=bool)
    every = np.arange(rows)
    for _ in range(n - 1):
        small = np.argmin(np.where(done, np.inf, share), axis=1)
        large = np.argmax(np.where(done, -np.inf, share), axis=1)
        threshold[every, small] = np.clip(share[every, small], 0.0, 1.0)
        alias[every, small] = large
        share[every, large] -= 1.0 - share[every, small]
        done[every, small] = True
    scaled = np.minimum(np.rint(threshold * 2.0**48), 2.0**48 - 1.0).astype(np.uint64)
    return np.asarray(scaled << np.uint64(16) | alias.astype(np.uint64))


def _places(half_size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64], FloatArray]:
    """Aliases of what is certain, of the rest, and the bounds, in every interval of the time."""
    decay, _ = modes(half_size)
    settled = np.log(half_size / ALIKE) / (decay[1] - decay[0])
    last = 0 if settled <= 1.0 else int(np.ceil(np.log2(settled) * STEPS)) + 1
    octave, part = np.divmod(np.arange(last + 1), STEPS)
    nodes = np.ldexp(1.0 + part / STEPS, octave)
    look = nodes[:-1, None] + np.diff(nodes)[:, None] * np.linspace(0.0, 1.0, LOOKS)
    end = nodes[-1] * np.concatenate([np.linspace(1.0, 4.0, 4 * LOOKS - 1), [np.inf]])
    chance = [no_passage(half_size, t) for t in [*look, end]]
    least = np.array([c.min(axis=0) for c in chance]) * (1.0 - MARGIN)
    largest = np.array([c.max(axis=0) for c in chance]) * (1.0 + MARGIN)
    both = np.where(np.arange(half_size) > 0, 2.0, 1.0)
    certain = least * both
    common = aliases(np.column_stack([certain, 1.0 - certain.sum(axis=1)]))
    return common, aliases((largest - least) * both), np.stack([least, largest - least], axis=-1)


@cache
def cube_laws(sizes: tuple[int, ...] = SIZES) -> CubeLaws:
    """Tables for the half-sizes of protective cubes."""
    found = [_places(m) for m in sizes]
    spectra = [modes(m) for m in sizes]

    def firsts(parts: list[NDArray[np.uint64]] | list[FloatArray]) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum([p.size for p in parts])[:-1]]).astype(np.int64)

    return CubeLaws(
        size=np.array(sizes, dtype=np.int32),
        time=np.array([_exit_times(m) for m in sizes]),
        late=np.array([(np.log(w[0]) / d[0], 1.0 / d[0]) for d, w in spectra]),
        intervals=np.array([len(p[0]) for p in found], dtype=np.int64),
        first_common=firsts([p[0] for p in found]),
        first_rest=firsts([p[1] for p in found]),
        first_mode=firsts([d for d, _ in spectra]),
        common=np.concatenate([p[0].ravel() for p in found]),
        rest=np.concatenate([p[1].ravel() for p in found]),
        bounds=np.concatenate([p[2].reshape(-1, 2) for p in found]),
        decay=np.concatenate([d for d, _ in spectra]),
        weight=np.concatenate([w for _, w in spectra]),
    )
