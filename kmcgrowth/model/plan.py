"""The known course of a run: epochs in which flows are constant and the temperature is linear in time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf

import numpy as np

from kmcgrowth.model.types import REFERENCE_TEMPERATURE, FloatArray, Model

NODE = 0.2
"""Spacing of the temperatures at which rates are tabulated on a ramp [K]; linear in between."""

FAR = 1e15
"""End of the last epoch [s]."""


@dataclass(frozen=True)
class Epoch:
    """An interval without any break in the schedules.

    Attributes
    ----------
    start, end : float [s]
    temperature0, temperature1 : float, at start and end [K]
    cold_volume : float, control volume at the start, at 25 degC [m^3]
    push : (syringes,) flow of every syringe into the control volume [m^3/s]
    left : (syringes,) volume left in every syringe at the start [m^3]
    """

    start: float
    end: float
    temperature0: float
    temperature1: float
    cold_volume: float
    push: FloatArray
    left: FloatArray

    @property
    def ramp(self) -> bool:
        return self.temperature0 != self.temperature1

    def cold_volume_at(self, t: float) -> float:
        return self.cold_volume + float(self.push.sum()) * (t - self.start)

    def left_at(self, t: float) -> FloatArray:
        """Volume left in every syringe (syringes,) [m^3]."""
        return np.maximum(self.left - self.push * (t - self.start), 0.0)


class Plan:
    """Walks through the epochs of a model; volumes are deterministic.

    Parameters
    ----------
    model : Model
    time : float, where to begin [s]
    cold_volume : float or None, control volume then, at 25 degC [m^3]
    left : (syringes,) or None, volume in the syringes then [m^3]
    node : float, epochs of a ramp end at the multiples of this temperature; ``inf`` for none [K]
    """

    def __init__(
        self, model: Model, *, time: float = 0.0, cold_volume: float | None = None, left: FloatArray | None = None,
        node: float = NODE,
    ) -> None:
        self.model = model
        self.node = node
        self.time = time
        self.cold_volume = model.control_volume if cold_volume is None else cold_volume
        self.left = np.array([s.volume for s in model.syringes]) if left is None else np.array(left, dtype=float)
        corners = {float(t) for t in model.temperature.time}
        corners |= {w.time for w in model.withdrawals}
        for s in model.syringes:
            corners |= {s.start} if s.shot else {max(s.start, float(t)) for t in s.rate.time}
        self._corners = np.array(sorted(corners))

    def epoch(self) -> Epoch:
        """The epoch that begins at ``time``."""
        t = self.time
        push = np.array([self._flow(i, t) for i in range(len(self.left))])
        later = self._corners[self._corners > t]
        end = float(later[0]) if len(later) else FAR
        for i, q in enumerate(push):
            if q > 0.0 and (empty := t + self.left[i] / q) < end:
                end = empty
        a = self.model.temperature(t)
        b = self.model.temperature(end)
        if a != b and self.node < inf:
            node = (floor(a / self.node + 1e-6) + 1 if b > a else ceil(a / self.node - 1e-6) - 1) * self.node
            if (node - b) * (node - a) < 0.0:
                crossing = t + (end - t) * (node - a) / (b - a)
                if t < crossing < end:
                    end, b = crossing, node
        return Epoch(t, end, a, b, self.cold_volume, push, self.left.copy())

    def _flow(self, i: int, t: float) -> float:
        s = self.model.syringes[i]
        if s.shot or t < s.start or self.left[i] <= 1e-12 * s.volume:
            return 0.0
        return s.rate(t)

    def advance(self, epoch: Epoch) -> None:
        """Go to the end of the epoch that has been run."""
        self.cold_volume = epoch.cold_volume_at(epoch.end)
        self.left = epoch.left_at(epoch.end)
        for i, s in enumerate(self.model.syringes):
            # what is left may be round-off: too little to last until the clock's next tick
            soon = epoch.push[i] > 0.0 and epoch.end + self.left[i] / epoch.push[i] <= epoch.end
            if soon or self.left[i] <= 1e-12 * s.volume:
                self.left[i] = 0.0
        self.time = epoch.end

    def shots(self) -> list[int]:
        """Syringes that empty at once at the present time."""
        due = [i for i, s in enumerate(self.model.syringes) if s.shot and s.start == self.time and self.left[i] > 0.0]
        for i in due:
            self.cold_volume += self.left[i]
            self.left[i] = 0.0
        return due

    def withdrawals(self) -> list[float]:
        """Shares of the flask that are taken out at the present time."""
        shares = []
        for w in self.model.withdrawals:
            if w.time == self.time:
                share = min(w.volume / self.cold_volume, 1.0)
                self.cold_volume *= 1.0 - share
                shares.append(share)
        return shares

    def injected(self, epoch: Epoch, t: float) -> float:
        """Volume that has left the syringes by time t of the epoch, at 25 degC [m^3]."""
        total = sum(s.volume for s in self.model.syringes) - float(epoch.left.sum())
        return total + float(epoch.push.sum()) * (t - epoch.start)


def warm(model: Model, cold_volume: float, temperature: float) -> float:
    """Volume at ``temperature`` of liquid that fills ``cold_volume`` at 25 degC [m^3]."""
    return cold_volume * (1.0 + model.expansion * (temperature - REFERENCE_TEMPERATURE))


__all__ = ["FAR", "NODE", "Epoch", "Plan", "warm"]
