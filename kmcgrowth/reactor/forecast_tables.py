"""Attach and detach rates at sizes and temperatures between those that the model tabulates, for the forecast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import Model, Sticking

Array = NDArray[np.float64]

_STEP = 10.0
"""Distance of the tabulated temperatures [K]; between them the logarithms are linear in 1/T."""

_TINY = 1e-300


class Tables:
    """Rates of a model at any real size; tabulated once per temperature node, at first use.

    Parameters
    ----------
    model : Model
    limit : int, largest size tabulated; beyond it the rates go on as power laws [formula units]
    """

    def __init__(self, model: Model, limit: int) -> None:
        low, high = float(np.min(model.temperature.value)), float(np.max(model.temperature.value))
        count = 1 if high - low < 1e-9 else max(2, int(np.ceil((high - low) / _STEP)) + 1)
        self.model, self.limit = model, limit
        self.nodes: Array = np.linspace(low, high, count)
        self._grid = np.arange(limit + 1, dtype=float)
        self._logs: dict[int, tuple[Array, Array]] = {}
        self._spans: dict[int, tuple[Array, Array]] = {}
        self._sticking: dict[tuple[int, int], Array] = {}

    def _node(self, i: int) -> tuple[Array, Array]:
        if i not in self._logs:
            attach, detach = self.model.tables(float(self.nodes[i]), self.limit)
            self._logs[i] = (np.log(np.maximum(attach, _TINY)), np.log(np.maximum(detach, _TINY)))
        return self._logs[i]

    def _weights(self, temperature: float) -> list[tuple[int, float]]:
        nodes = self.nodes
        if nodes.size == 1:
            return [(0, 1.0)]
        i = int(np.clip(np.searchsorted(nodes, temperature) - 1, 0, nodes.size - 2))
        x = (1.0 / temperature - 1.0 / nodes[i]) / (1.0 / nodes[i + 1] - 1.0 / nodes[i])
        x = float(np.clip(x, 0.0, 1.0))
        return [(i, 1.0 - x), (i + 1, x)]

    def __call__(self, temperature: float, sizes: Array) -> tuple[Array, Array]:
        """Attach [m^3/s] and detach [1/s] at real ``sizes`` (k,) [formula units]."""
        logs = [np.zeros(sizes.size), np.zeros(sizes.size)]
        for node, weight in self._weights(temperature):
            if weight > 0.0:
                for out, table in zip(logs, self._node(node), strict=True):
                    out += weight * self._log(table, sizes)
        return np.exp(logs[0]), np.exp(logs[1])

    def spans(self, temperature: float, sizes: Array) -> tuple[Array, Array]:
        """Mean logarithm of the rates from each of the whole ``sizes`` (m,) up to the next, and back (m - 1,)."""
        first = sizes.astype(int)
        out = [np.zeros(sizes.size - 1), np.zeros(sizes.size - 1)]
        for node, weight in self._weights(temperature):
            if node not in self._spans:
                up, down = (np.cumsum(np.insert(table, 0, 0.0)) for table in self._node(node))
                gap = np.diff(first)
                self._spans[node] = (
                    (up[first[1:]] - up[first[:-1]]) / gap, (down[first[1:] + 1] - down[first[:-1] + 1]) / gap,
                )
            for mean, part in zip(out, self._spans[node], strict=True):
                mean += weight * part
        return out[0], out[1]

    def _log(self, table: Array, sizes: Array) -> Array:
        value = np.interp(sizes, self._grid, table)
        over = sizes > self.limit
        if np.any(over):
            half = self.limit // 2
            slope = (table[self.limit] - table[half]) / np.log(self.limit / half)
            value[over] += slope * np.log(sizes[over] / self.limit)
        return value

    def equilibrium(self, temperature: float, sizes: Array) -> Array:
        """Monomer concentration c_r at which a particle of ``sizes`` (k,) neither gains nor loses [1/m^3]."""
        before, _ = self(temperature, np.maximum(sizes - 1.0, 1.0))
        _, detach = self(temperature, sizes)
        return np.asarray(detach / before)

    def sticking(self, process: Sticking, temperature: float, sizes: Array) -> Array:
        """Capture rate of whole clusters at real ``sizes`` (k,) [m^3/s]."""
        node = max(self._weights(temperature), key=lambda pair: pair[1])[0]
        key = (id(process), node)
        if key not in self._sticking:
            self._sticking[key] = process.table(float(self.nodes[node]), self.limit)
        return np.interp(sizes, self._grid, self._sticking[key])
