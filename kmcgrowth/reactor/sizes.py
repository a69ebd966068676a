"""The size grid of the population balance: every size up to a limit, coarser pivots above, and what lives on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from kmcgrowth.model.types import FloatArray, IntArray, Model, SeedPopulation

RESOLVED = 300
"""Sizes up to this one have a cell each; those of a rough distribution up to ``ROUGH_RESOLVED`` [formula units]."""

ROUGH_RESOLVED = 30_000
"""The same for seeds that the coarse pivots would not show as a smooth distribution [formula units]."""

ROUGH = 0.015
"""Sum of the second differences over the number of seeds; 0.97/s^2 for a Gaussian s pivots wide [dimensionless]."""

RELATIVE = 0.005
"""Widest cell over its size above ``RESOLVED`` [dimensionless]."""

POISSON = 0.5
"""Widest cell over the square root of its size, the width that single events alone give [dimensionless]."""

_TAIL = 1e-17
"""Share of a population below which its tails are cut [dimensionless]."""


@dataclass(frozen=True)
class Grid:
    """Pivots that carry the particles, and the jumps between neighbours.

    A particle at pivot n attaches at the rate A = a c and detaches at d. Between pivots at the distances h+ and h- it
    jumps up at [(A + d) + (A - d) h-]/[h+ (h+ + h-)] and down at [(A + d) - (A - d) h+]/[h- (h+ + h-)]: drift A - d and
    second moment A + d are those of single units, whatever the distances. With h+ = h- = 1 these are A and d.

    Above the resolved sizes the distances grow smoothly, which whole numbers cannot: where a distance jumps, waves of
    two pivots' length start that growth alone hardly damps.

    Attributes
    ----------
    pivot : (k,) increasing sizes, the first 2; whole up to the resolved sizes [formula units]
    gap : (k,) distance to the next pivot; that of the last is where the next one would be [formula units]
    up_attach, up_detach, down_attach, down_detach : (k,) coefficients of A and d in both jumps [dimensionless]
    """

    pivot: FloatArray
    gap: FloatArray
    up_attach: FloatArray
    up_detach: FloatArray
    down_attach: FloatArray
    down_detach: FloatArray

    @classmethod
    def up_to(cls, top: float, resolved: int | None = RESOLVED) -> Grid:
        """Pivots from 2 to ``top`` or a little above; a longer grid begins with the pivots of a shorter one.

        Parameters
        ----------
        top : largest size to hold [formula units]
        resolved : sizes up to this one have a cell each; None for all [formula units]
        """
        pivot = _pivots(top, resolved)
        above, below = np.diff(pivot), np.ones(pivot.size - 1)
        below[1:] = above[:-1]
        both = above + below
        return cls(
            pivot[:-1], above, (1.0 + below) / (above * both), (1.0 - below) / (above * both),
            (1.0 - above) / (below * both), (1.0 + above) / (below * both),
        )

    @property
    def largest(self) -> int:
        """Size up to which tables must go [formula units]."""
        return int(np.ceil(self.pivot[-1]))

    @cached_property
    def whole(self) -> IntArray:
        """Pivots rounded to whole sizes, (k,)."""
        return np.asarray(np.rint(self.pivot).astype(np.int64))

    @cached_property
    def bounds(self) -> IntArray:
        """Smallest size that a rounded pivot stands for and the first above it, (k, 2)."""
        here = np.append(self.whole, int(np.rint(self.pivot[-1] + self.gap[-1])))
        edge = here[1:] - (np.diff(here) - 1) // 2
        return np.stack([np.concatenate([[2], edge[:-1]]), edge], axis=1)

    def read(self, table: FloatArray) -> FloatArray:
        """Values at the pivots of a table over whole sizes; linear in between."""
        low = self.pivot.astype(np.int64)
        over = self.pivot - low
        high = np.minimum(low + 1, table.shape[-1] - 1)
        return np.asarray((1.0 - over) * table[..., low] + over * table[..., high])

    def rounded(self, number: FloatArray) -> FloatArray:
        """Particles in the whole-numbered ranges of ``bounds``, those of every cell spread evenly over it."""
        edges = np.concatenate([[1.5], self.pivot + 0.5 * self.gap])
        below = np.concatenate([[0.0], np.cumsum(number)])
        wanted = np.append(self.bounds[:, 0], self.bounds[-1, 1]) - 0.5
        return np.diff(np.interp(wanted, edges, below))

    def share(self, sizes: FloatArray | IntArray, numbers: FloatArray) -> FloatArray:
        """Put particles of any sizes on the pivots next to them so that number and mass are kept.

        Parameters
        ----------
        sizes : (m,) within the grid [formula units]
        numbers : (m,) particles of each

        Returns
        -------
        (k,) array
        """
        i = np.clip(np.searchsorted(self.pivot, sizes, side="right") - 1, 0, self.pivot.size - 1)
        over = (sizes - self.pivot[i]) / self.gap[i]
        out = np.bincount(i, numbers * (1.0 - over), self.pivot.size + 1)
        out += np.bincount(i + 1, numbers * over, self.pivot.size + 1)
        return np.asarray(out[:-1])

    def landing(self, units: int) -> tuple[IntArray, FloatArray]:
        """Where particles of every pivot go that gain ``units`` at once.

        Returns
        -------
        first : (k,) index of the first of three pivots in a row; -1 where they reach over the top
        weight : (k, 3) share of each, so that number, mass and second moment are kept (Lagrange's polynomials)
        """
        k = self.pivot.size
        if units == 0:  # they stay where they are
            first = np.minimum(np.arange(k), k - 3)
            return first, np.eye(3)[np.arange(k) - first]
        target = self.pivot + units
        nearest = np.searchsorted(self.pivot, target - 1e-9)
        before = np.clip(nearest - 1, 0, k - 1)
        closer = target - self.pivot[before] < self.pivot[np.clip(nearest, 0, k - 1)] - target
        first = np.where(closer, nearest - 1, nearest) - 1
        over = (first + 2 >= k) | (first < 0)
        safe = np.where(over, 0, first)
        middle = self.pivot[safe + 1]
        t, below, above = target - middle, self.pivot[safe] - middle, self.pivot[safe + 2] - middle
        low, high = t * (t - above) / (below * (below - above)), t * (t - below) / (above * (above - below))
        weight = np.stack([low, 1.0 - low - high, high], axis=1)
        return np.where(over, -1, first), np.where(over[:, None], 0.0, weight)


def _pivots(top: float, resolved: int | None) -> FloatArray:
    """Sizes from 2 to one beyond the first that is not below ``top``."""
    top = max(top, 8)
    if resolved is None or resolved >= top + 1:
        return np.arange(2.0, np.ceil(top) + 2.0)
    first = max(resolved, 8)
    pivots = [float(n) for n in range(2, first + 1)]
    while pivots[-1] < top:
        pivots.append(pivots[-1] + spacing(pivots[-1], first))
    pivots.append(pivots[-1] + spacing(pivots[-1], first))
    return np.array(pivots)


def spacing(size: float, resolved: int) -> float:
    """Distance from a pivot to the next [formula units].

    Smooth minimum of ``RELATIVE`` times the size and ``POISSON`` times its root, smooth maximum of that and 1, switched
    on between ``resolved`` and twice that.
    """
    relative, poisson = RELATIVE * size, POISSON * size**0.5
    wide = (1.0 + (relative**-4 + poisson**-4) ** -1.0) ** 0.25
    x = min(size / resolved - 1.0, 1.0)
    return 1.0 + (wide - 1.0) * x * x * (3.0 - 2.0 * x)


def suitable_resolution(sizes: IntArray, numbers: FloatArray) -> int:
    """Sizes to resolve for these seeds: more if coarse pivots would not carry them as a smooth distribution."""
    if not sizes.size:
        return RESOLVED
    grid = Grid.up_to(1.1 * float(sizes.max()) + 10.0)
    on = grid.share(sizes, numbers) / numbers.sum()
    density = on / np.convolve(grid.gap, [0.5, 0.5])[:-1] * grid.gap
    rough = float(np.abs(np.diff(density, 2))[grid.pivot[1:-1] > RESOLVED].sum())
    return ROUGH_RESOLVED if rough > ROUGH else RESOLVED


def expected_seeds(model: Model) -> tuple[IntArray, FloatArray]:
    """Expected number of seeds of every size that occurs at t = 0, as ``Model.draw_seeds`` would draw them.

    Returns
    -------
    sizes : (k,) increasing [formula units]
    numbers : (k,) particles
    """
    parts = [_population(model, p) for p in model.seeds if p.number > 0]
    if not parts:
        return np.empty(0, dtype=np.int64), np.empty(0)
    sizes, where = np.unique(np.concatenate([n for n, _ in parts]), return_inverse=True)
    weights = np.concatenate([w for _, w in parts])
    return sizes, np.asarray(np.bincount(where, weights, sizes.size), dtype=float)


def _population(model: Model, p: SeedPopulation) -> tuple[IntArray, FloatArray]:
    if p.shape == "units":
        sizes, numbers = np.unique(np.asarray(p.units, dtype=np.int64), return_counts=True)
        return sizes, numbers.astype(float)
    if p.shape == "sizes" or p.relative_std == 0.0:
        diameters = p.diameters if p.shape == "sizes" else np.array([p.diameter])
        sizes, counts = np.unique(_units(model, diameters), return_counts=True)
        numbers = counts.astype(float)
        return sizes.astype(np.int64), np.asarray(p.number * numbers / numbers.sum(), dtype=float)
    reach = 8.6  # standard deviations, where the tails fall below _TAIL
    log_std = float(np.sqrt(np.log1p(p.relative_std**2)))
    normal = p.shape == "normal"
    stretch = (1.0 - reach * p.relative_std, 1.0 + reach * p.relative_std)
    if not normal:
        stretch = (np.exp(-reach * log_std - 0.5 * log_std**2), np.exp(reach * log_std - 0.5 * log_std**2))
    first, last = (int(_units(model, np.array([p.diameter * max(x, 0.0)]))[0]) for x in stretch)
    sizes = np.arange(first, last + 1)
    volumes = np.maximum(np.append(sizes, last + 1) - 0.5, 0.0) * model.unit_volume
    with np.errstate(divide="ignore"):
        edges = np.cbrt(6.0 * volumes / np.pi) / p.diameter
        x = (edges - 1.0) / p.relative_std if normal else (np.log(edges) + 0.5 * log_std**2) / log_std
    if first == 2:
        # everything below the first size that is kept
        x[0] = -1.0 / p.relative_std if normal else -np.inf
    share = np.where(x[:-1] > 0.0, ndtr(-x[:-1]) - ndtr(-x[1:]), ndtr(x[1:]) - ndtr(x[:-1]))
    kept = share > _TAIL
    return sizes[kept], p.number * share[kept] / share[kept].sum()


def _units(model: Model, diameters: FloatArray) -> IntArray:
    """Formula units of spheres, at least 2."""
    return np.maximum(np.rint(np.pi * diameters**3 / (6.0 * model.unit_volume)).astype(np.int64), 2)


__all__ = ["RESOLVED", "Grid", "expected_seeds", "spacing", "suitable_resolution"]
