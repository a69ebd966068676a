"""Rates at temperature nodes for the population balance, which interpolates their logarithms in 1/T."""

from __future__ import annotations

import numpy as np

from kmcgrowth.model.types import FloatArray, IntArray, Model
from kmcgrowth.reactor.arrays import sticking_tables

SPACING = 5.0
"""Widest distance of two temperature nodes [K]; Arrhenius and Gibbs-Thomson laws are straight lines in between."""

NOTHING = -800.0
"""Logarithm that stands for a rate of zero; its exponential is zero [dimensionless]."""

class NodeRates:
    """Tables of a model at nodes that are evenly spaced in 1/T, made when they are first asked for.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        low, high = float(np.min(model.temperature.value)), float(np.max(model.temperature.value))
        count = 1 if high == low else max(int(np.ceil((high - low) / SPACING)) + 1, 2)
        self.inverse: FloatArray = np.linspace(1.0 / low, 1.0 / high, count)
        self._done: dict[int, tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = {}
        self._pivots = 0

    def between(
        self, T0: float, T1: float, pivot: IntArray
    ) -> tuple[float, float, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Tables at the nodes around the temperatures from ``T0`` to ``T1`` [K], in logarithms if there are several.

        Returns
        -------
        first : 1/T of the first node [1/K]
        step : distance of the nodes in 1/T [1/K]
        attach, detach : (nodes, pivots) [m^3/s], [1/s]
        stick : (nodes, stickers, pivots) [m^3/s]
        rates : (nodes, reactions + 7), as ``at`` gives them
        """
        if self._pivots != pivot.size:
            self._done.clear()
            self._pivots = pivot.size
        if self.inverse.size == 1:
            tables = [at(self.model, 1.0 / self.inverse[0], pivot)]
            first, step = 0, 1.0
        else:
            step = float(self.inverse[1] - self.inverse[0])
            ends = sorted((1.0 / T - self.inverse[0]) / step for T in (T0, T1))
            first = int(np.clip(np.floor(ends[0]), 0, self.inverse.size - 2))
            last = int(np.clip(np.ceil(ends[1]), first + 1, self.inverse.size - 1))
            for node in range(first, last + 1):
                if node not in self._done:
                    found = at(self.model, float(1.0 / self.inverse[node]), pivot)
                    a, d, s, r = (_log(x) for x in found)
                    self._done[node] = (a, d, s, r)
            tables = [self._done[node] for node in range(first, last + 1)]
        attach, detach, stick, rates = (np.ascontiguousarray([t[i] for t in tables]) for i in range(4))
        return float(self.inverse[first]), step, attach, detach, stick, rates


def at(model: Model, temperature: float, pivot: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Rates at one temperature [K].

    Returns
    -------
    attach, detach : (pivots,) [m^3/s], [1/s]
    stick : (stickers, pivots) [m^3/s]
    rates : the reactions' constants, attach of one unit [m^3/s], first-order nucleation [1/s], solubility [1/m^3],
        nucleation prefactor [1/(m^3 s)], surface energy [J/m^2], encounter constant [m^3/s], coalescence [m^3/s]
    """
    top, law = int(pivot[-1]), model.nucleation
    attach, detach = model.tables(temperature, top)
    read = law.law in ("classical", "power")
    others = [
        float(attach[1]), law.rate(temperature) if law.law == "cluster" else 0.0, model.solubility(temperature),
        law.prefactor(temperature) if read else 0.0, law.surface_energy(temperature) if read else 0.0,
        law.encounter(temperature) if read else 0.0, model.coalescence.rate(temperature),
    ]
    rates = np.array([r.rate(temperature) for r in model.reactions] + others, dtype=float)
    return attach[pivot], detach[pivot], sticking_tables(model, temperature, top)[:, pivot], rates


def _log(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), NOTHING)
