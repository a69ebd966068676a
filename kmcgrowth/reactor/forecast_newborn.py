"""Newborn particles in the forecast: a population balance on a grid of sizes that widens upwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import Sticking
from kmcgrowth.reactor.forecast_tables import Tables

Array = NDArray[np.float64]

_RATIO = 1.12
"""Of neighbouring sizes, where it is more than one formula unit [dimensionless]."""

_FLAT = 1e-6
"""Below this logarithm of the rates over an edge they are taken as equal [dimensionless]."""


def size_grid(limit: int) -> Array:
    """Sizes 2, 3, 4, ... one by one at first, then in steps that grow with them, up to ``limit`` [formula units]."""
    sizes = [2, 3]
    while (larger := max(sizes[-1] + 1, round(sizes[-1] * _RATIO))) <= limit:
        sizes.append(larger)
    return np.array(sizes, dtype=float)


class Newborn:
    """How particles move between the sizes of a grid.

    Parameters
    ----------
    tables : Tables of the model
    limit : int, the grid reaches not beyond this size [formula units]

    Attributes
    ----------
    sizes : (m,) [formula units]
    width : (m,) sizes that each one stands for [formula units]
    gap : (m - 1,) formula units between neighbours

    Notes
    -----
    Between neighbours n and n + d the flux is A [f(n) e^z - f(n + d)]/(e^z - 1) with the density f, the drift
    A = a c - w, and z = d ln(a c/w), where a and w are the geometric means of the rates in between (Scharfetter,
    Gummel, IEEE Trans. Electron Devices 16, 64 (1969)). For d = 1 this is the chain of single steps; above, it keeps
    its detailed balance and its drift, and so its nuclei, the chance to dissolve and the ripening. Where the grid
    widens, the density is the number over the gap on the side that particles come from, so that the time they take is
    right; equilibrium knows the width alone.
    """

    def __init__(self, tables: Tables, limit: int) -> None:
        self.tables = tables
        self.sizes = size_grid(min(limit, tables.limit))
        self.gap = np.diff(self.sizes)
        self.width = 0.5 * (np.append(self.gap, self.gap[-1]) + np.insert(self.gap, 0, 1.0))
        self.m = self.sizes.size
        self._widening = np.log(self.width[1:] / self.width[:-1])
        self._landing: dict[int, Array] = {}
        self._rates: tuple[float, Array, Array, Array, Array] | None = None

    def _at(self, temperature: float) -> tuple[float, Array, Array, Array, Array]:
        """Temperature, attach and detach of every size, and logarithms of their means between neighbours."""
        if self._rates is None or self._rates[0] != temperature:
            rates = self.tables(temperature, self.sizes)
            self._rates = (temperature, *rates, *self.tables.spans(temperature, self.sizes))
        return self._rates

    def moves(self, temperature: float, c: float) -> tuple[Array, Array]:
        """Rates per particle up to the next size (m,), zero for the largest, and down to the last (m,) [1/s].

        The smallest has no size below: it dissolves into its two monomers.
        """
        _, _, detach, attach_log, detach_log = self._at(temperature)
        y = attach_log + np.log(max(c, 1e-300)) - detach_log
        z = np.clip(self.gap * y, -300.0, 300.0)
        near = np.abs(z) < _FLAT
        z[near] = _FLAT
        drift = np.exp(detach_log) * np.expm1(np.clip(y, -300.0, 300.0))
        level = np.exp(detach_log[near]) / self.gap[near]
        forth, back = drift / -np.expm1(-z), drift / np.expm1(z)
        forth[near] = back[near] = level
        up, down = np.zeros(self.m), np.empty(self.m)
        upwards = 0.5 + 0.5 * np.tanh(0.5 * z)
        up[:-1] = forth / self.gap * np.exp((1.0 - upwards) * self._widening)
        down[1:] = back / self.gap * np.exp(-upwards * self._widening)
        down[0] = detach[0]
        return up, down

    def uptake(self, up: Array, down: Array) -> Array:
        """Monomers taken up per second by one particle of every size, for rates from ``moves`` (m,) [1/s]."""
        taken = np.empty(self.m)
        taken[:-1] = up[:-1] * self.gap
        taken[-1] = 0.0
        taken[1:] -= down[1:] * self.gap
        taken[0] -= 2.0 * down[0]
        return taken

    def change(self, up: Array, down: Array, number: Array) -> Array:
        """Change of the numbers ``number`` (m,) [1/s]."""
        flow = up[:-1] * number[:-1] - down[1:] * number[1:]
        out = np.empty(self.m)
        out[:-1] = -flow
        out[-1] = 0.0
        out[1:] += flow
        out[0] -= down[0] * number[0]
        return out

    def matrix(self, up: Array, down: Array) -> Array:
        """Derivative of ``change`` by the numbers (m, m) [1/s]."""
        i = np.arange(self.m)
        out = np.zeros((self.m, self.m))
        out[i, i] = -up - down
        out[i[1:], i[:-1]] = up[:-1]
        out[i[:-1], i[1:]] = down[1:]
        return out

    def events(self, temperature: float, c: float) -> Array:
        """Gross events of one particle of every size (m,) [1/s]."""
        _, attach, detach, _, _ = self._at(temperature)
        return attach * c + detach

    def share(self, size: float) -> Array:
        """One particle of any ``size`` shared by two neighbours so that the mean is right (m,) [dimensionless]."""
        out = np.zeros(self.m)
        size = min(max(size, self.sizes[0]), self.sizes[-1])
        i = min(int(np.searchsorted(self.sizes, size, side="right")) - 1, self.m - 2)
        upper = (size - self.sizes[i]) / self.gap[i]
        out[i], out[i + 1] = 1.0 - upper, upper
        return out

    def landing(self, process: Sticking) -> Array:
        """Change of the numbers when one particle of each size takes up a whole cluster (m, m) [dimensionless]."""
        if process.units not in self._landing:
            landed = np.array([self.share(size + process.units) for size in self.sizes]).T
            self._landing[process.units] = landed - np.eye(self.m)
        return self._landing[process.units]
