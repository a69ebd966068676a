"""The size grid of the population balance: every size up to a limit, coarser pivots above, and what lives on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from kmcgrowth.model.types import FloatArray, IntArray, Model, SeedPopulation

RESOLVED = 300
"""Sizes up to this one have a cell each [formula units]."""

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

    Attributes
    ----------
    pivot : (k,) increasing sizes, the first 2 [formula units]
    gap : (k,) distance to the next pivot; that of the last is where the next one would be [formula units]
    up_attach, up_detach, down_attach, down_detach : (k,) coefficients of A and d in both jumps [dimensionless]
    """

    pivot: IntArray
    gap: FloatArray
    up_attach: FloatArray
    up_detach: FloatArray
    down_attach: FloatArray
    down_detach: FloatArray

    @classmethod
    def up_to(cls, top: int, resolved: int | None = RESOLVED) -> Grid:
        """Pivots from 2 to ``top`` or a little above; a longer grid begins with the pivots of a shorter one.

        Parameters
        ----------
        top : largest size to hold [formula units]
        resolved : sizes up to this one have a cell each; None for all [formula units]
        """
        pivot = _pivots(top, resolved)
        above, below = np.diff(pivot).astype(float), np.ones(pivot.size - 1)
        below[1:] = above[:-1]
        both = above + below
        return cls(
            pivot[:-1], above, (1.0 + below) / (above * both), (1.0 - below) / (above * both),
            (1.0 - above) / (below * both), (1.0 + above) / (below * both),
        )

    @property
    def bounds(self) -> IntArray:
        """Smallest size that a pivot stands for and the first above it, (k, 2)."""
        low = np.concatenate([[2], self.pivot[1:] - (self.gap[:-1].astype(np.int64) - 1) // 2])
        high = self.pivot + self.gap.astype(np.int64) - (self.gap.astype(np.int64) - 1) // 2
        return np.stack([low, high], axis=1)

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
        target = (self.pivot + units).astype(float)
        nearest = np.searchsorted(self.pivot, target)
        below = np.clip(nearest - 1, 0, k - 1)
        closer = target - self.pivot[below] < self.pivot[np.clip(nearest, 0, k - 1)] - target
        first = np.where(closer, nearest - 1, nearest) - 1
        over = (first + 2 >= k) | (first < 0)
        safe = np.where(over, 0, first)
        x = [self.pivot[safe + j].astype(float) for j in range(3)]
        weight = np.stack([
            (target - x[1]) * (target - x[2]) / ((x[0] - x[1]) * (x[0] - x[2])),
            (target - x[0]) * (target - x[2]) / ((x[1] - x[0]) * (x[1] - x[2])),
            (target - x[0]) * (target - x[1]) / ((x[2] - x[0]) * (x[2] - x[1])),
        ], axis=1)
        return np.where(over, -1, first), np.where(over[:, None], 0.0, weight)


def _pivots(top: int, resolved: int | None) -> IntArray:
    """Sizes from 2 to one beyond the first that is not below ``top``."""
    top = max(top, 8)
    if resolved is None or resolved >= top + 1:
        return np.arange(2, top + 2)
    pivots = list(range(2, max(resolved, 8) + 1))
    while pivots[-1] < top:
        pivots.append(pivots[-1] + spacing(pivots[-1]))
    pivots.append(pivots[-1] + spacing(pivots[-1]))
    return np.array(pivots)


def spacing(size: int) -> int:
    """Distance from a pivot above the resolved sizes to the next [formula units]."""
    return max(1, round(min(RELATIVE * size, POISSON * float(np.sqrt(size)))))


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


__all__ = ["POISSON", "RELATIVE", "RESOLVED", "Grid", "expected_seeds", "spacing"]
