"""Distances between the atoms of a particle, counted: what scattering and pair distributions are made of.

Atoms on a lattice are counted exactly: the autocorrelation of the occupied sites, by fast Fourier transforms, has the
number of pairs that each lattice vector joins. Elsewhere pairs are counted in bins, each of which keeps the mean of the
distances in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BIN = 1e-4
"""Width of the bins off the lattice; at Q = 25 / angstrom they change a pair's sin(Qr)/(Qr) by 3e-5 at most [nm]."""

SAME = 1e-7
"""Coordinates and distances that differ by less are the same [nm]."""

CELLS = 3e7
"""Largest grid that is Fourier-transformed, some 240 MB an array."""

BLOCK = 2_000_000
"""Pairs counted at a time."""


@dataclass(frozen=True, eq=False)
class PairDistances:
    """Pairs of atoms by elements and distance.

    Attributes
    ----------
    elements : symbols
    number : (elements,), atoms of each
    first, second : (k,), elements of a pair, first <= second
    distance : (k,), rising for each pair of elements [nm]
    count : (k,), pairs at that distance, each once; over all k they are N (N - 1)/2 for a single particle
    particles : particles whose pairs are counted together
    """

    elements: tuple[str, ...]
    number: IntArray
    first: IntArray
    second: IntArray
    distance: FloatArray
    count: FloatArray
    particles: int = 1

    def rows(self, a: int, b: int) -> tuple[FloatArray, FloatArray]:
        """Distances [nm] and counts of the pairs of two elements."""
        these = (self.first == min(a, b)) & (self.second == max(a, b))
        return self.distance[these], self.count[these]


def pair_distances(position: ArrayLike, *, element: ArrayLike, elements: Sequence[str]) -> PairDistances:
    """Count the distances between all pairs of atoms of one particle.

    Parameters
    ----------
    position : (atoms, 3), in one piece, not periodic (``Particles.position``) [nm]
    element : (atoms,), index of ``elements``
    elements : symbols

    Returns
    -------
    PairDistances: exact for atoms on a rectangular grid, otherwise in bins of ``BIN``

    Raises
    ------
    BadInput : arrays do not fit one another.
    """
    place = np.asarray(position, dtype=float).reshape(-1, 3)
    kind = np.asarray(element, dtype=np.int64)
    if kind.shape != (len(place),) or (len(kind) and not 0 <= kind.min() <= kind.max() < len(elements)):
        raise BadInput(f"element: one index below {len(elements)} is needed for each of the {len(place)} positions.")
    groups = [place[kind == k] for k in range(len(elements))]
    grid = _grid(groups)
    # A transform costs some 50 operations a cell, a pair about as much as one of them.
    if grid is not None and grid.cells <= min(CELLS, max(0.02 * len(place) ** 2, 1e4)):
        tables = _correlate(groups, grid)
    else:
        tables = _count(groups)
    keys = list(tables)
    sizes = [len(tables[key][0]) for key in keys]
    ends = np.array(keys, dtype=np.int64).reshape(-1, 2).repeat(sizes, axis=0)
    return PairDistances(
        tuple(elements), np.array([len(g) for g in groups], dtype=np.int64), ends[:, 0], ends[:, 1],
        np.concatenate([tables[key][0] for key in keys]) if keys else np.zeros(0),
        np.concatenate([tables[key][1] for key in keys]) if keys else np.zeros(0),
    )


def together(pairs: Iterable[PairDistances]) -> PairDistances:
    """Pairs of several particles as one table; pairs of atoms of different particles are not in it.

    Raises
    ------
    BadInput : there is no table, or the elements differ.
    """
    tables = list(pairs)
    if not tables or any(t.elements != tables[0].elements for t in tables):
        raise BadInput("pairs: give tables of at least one particle, all with the same elements in the same order.")
    first = np.concatenate([t.first for t in tables])
    second = np.concatenate([t.second for t in tables])
    distance = np.concatenate([t.distance for t in tables])
    count = np.concatenate([t.count for t in tables])
    kind = first * len(tables[0].elements) + second
    order = np.lexsort((distance, kind))
    kind, distance, count = kind[order], distance[order], count[order]
    new = np.ones(len(kind), dtype=bool)
    new[1:] = (np.diff(kind) > 0) | (np.diff(distance) > SAME)
    start = np.flatnonzero(new)
    total = np.add.reduceat(count, start) if len(start) else count
    mean = np.add.reduceat(count * distance, start) / total if len(start) else distance
    return PairDistances(
        tables[0].elements, np.sum([t.number for t in tables], axis=0), first[order][start], second[order][start],
        mean, total, sum(t.particles for t in tables),
    )


Table = dict[tuple[int, int], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Rectangular grids of one spacing (3,), an origin for each element (elements, 3) [nm], and their cells (3,)."""

    spacing: FloatArray
    origin: FloatArray
    shape: tuple[int, int, int]

    @property
    def cells(self) -> float:
        return float(np.prod([2.0 * n for n in self.shape]))


def _grid(groups: list[FloatArray]) -> _Grid | None:
    """The coarsest grid on which the atoms of each element lie, or None."""
    filled = [g for g in groups if len(g)]
    if sum(map(len, filled)) < 2:
        return None
    spacing, origin, shape = np.ones(3), np.zeros((len(groups), 3)), [1, 1, 1]
    for axis in range(3):
        values = [g[np.unique(np.rint(g[:, axis] / SAME), return_index=True)[1], axis] for g in filled]
        steps = np.concatenate([np.diff(v) for v in values])
        steps = steps[steps > 2 * SAME]
        if not len(steps):
            continue
        for parts in (1, 2, 3, 4):
            step = float(steps.min()) / parts
            # The mean over the longest extent is far sharper than one step, whose rounding adds up along the particle.
            wide = max(v[-1] - v[0] for v in values)
            step = wide / max(round(wide / step), 1)
            off = max(float(np.abs((v - v[0]) / step - np.rint((v - v[0]) / step)).max()) * step for v in values)
            if off < 4 * SAME:
                break
        else:
            return None
        spacing[axis] = step
        shape[axis] = max(round((v[-1] - v[0]) / step) for v in values) + 1
    for k, g in enumerate(groups):
        if len(g):
            origin[k] = g.min(axis=0)
    return _Grid(spacing, origin, (shape[0], shape[1], shape[2]))


def _correlate(groups: list[FloatArray], grid: _Grid) -> Table:
    """Pairs from the correlation of occupied sites."""
    from scipy import fft

    padded = [fft.next_fast_len(2 * n - 1, real=True) for n in grid.shape]
    waves = {}
    for k, g in enumerate(groups):
        if len(g):
            site = np.rint((g - grid.origin[k]) / grid.spacing).astype(np.int64)
            flat = np.ravel_multi_index((site[:, 0], site[:, 1], site[:, 2]), padded)
            waves[k] = fft.rfftn(np.bincount(flat, minlength=int(np.prod(padded))).reshape(padded).astype(float))
    tables: Table = {}
    for a, wave in waves.items():
        for b in range(a, len(groups)):
            if b in waves:
                joined = fft.irfftn(np.conj(wave) * waves[b], s=padded)
                pairs = np.rint(joined)
                distance, count = _by_distance(pairs, grid, grid.origin[b] - grid.origin[a])
                if a == b:
                    # Each atom with itself, and every pair twice.
                    distance, count = distance[distance > SAME], 0.5 * count[distance > SAME]
                if len(count):
                    tables[a, b] = distance, count
    return tables


def _by_distance(pairs: FloatArray, grid: _Grid, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distances and counts of the pairs that each vector of the grid joins, vectors of the same length together."""
    squares = []
    for axis, n in enumerate(pairs.shape):
        k = np.arange(n)
        k = np.where(k < grid.shape[axis], k, k - n)
        size = np.abs(offset[axis] + k * grid.spacing[axis])
        order = np.argsort(size, kind="stable")
        start = np.flatnonzero(np.diff(size[order], prepend=-1.0) > SAME)
        pairs = np.add.reduceat(np.take(pairs, order, axis=axis), start, axis=axis)
        squares.append(size[order][start] ** 2)
    occurs = np.nonzero(pairs > 0.5)
    square = squares[0][occurs[0]] + squares[1][occurs[1]] + squares[2][occurs[2]]
    count = pairs[occurs]
    order = np.argsort(square, kind="stable")
    distance, count = np.sqrt(square[order]), count[order]
    start = np.flatnonzero(np.diff(distance, prepend=-1.0) > SAME)
    return distance[start], np.add.reduceat(count, start)


def _count(groups: list[FloatArray]) -> Table:
    """Pairs one by one, block by block, in bins that keep the mean distance."""
    from scipy.spatial.distance import cdist, pdist

    every = np.concatenate(groups)
    if not len(every):
        return {}
    bins = int(np.linalg.norm(np.ptp(every, axis=0)) / BIN) + 2
    tables: Table = {}
    for a, first in enumerate(groups):
        for b in range(a, len(groups)):
            count, total = np.zeros(bins), np.zeros(bins)
            step = max(BLOCK // max(len(groups[b]), 1), 1)
            for i in range(0, len(first), step):
                part = first[i : i + step]
                found = [cdist(part, groups[b] if a < b else first[i + step :]).ravel()]
                if a == b:
                    found.append(pdist(part))
                for distance in found:
                    bin_ = (distance / BIN).astype(np.int64)
                    top = int(bin_.max(initial=-1)) + 1
                    count[:top] += np.bincount(bin_, minlength=top)
                    total[:top] += np.bincount(bin_, weights=distance, minlength=top)
            there = count > 0
            if there.any():
                tables[a, b] = total[there] / count[there], count[there]
    return tables
