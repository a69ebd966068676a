"""What the twin knows ahead of the events: syringes, and conditions and mean-field concentration over one window.

Inside a window temperature and 25 degC volume are linear in time, nothing is poured in at once and no flow changes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from kmcgrowth.model.types import MONOMER, REFERENCE_TEMPERATURE, FloatArray, Model, PiecewiseLinear, Syringe
from kmcgrowth.physics.nucleation import NEWBORN_SURVIVAL
from kmcgrowth.reactor.twin_laws import highest_nucleation_rate, newborn_units, nucleation_rate, reads_mean_field

NODE_SPACING = 0.2
"""Distance of the temperatures at which rates are tabulated on a ramp [K]."""

VOLUME_STEP = 0.005
"""Relative change of the volume that ends a window [dimensionless]."""

EVENTS_PER_PARTICLE = 4.0
EVENTS_BETWEEN_BIRTHS = 0.1
"""Expected attachments and detachments per particle in a window; the second where it expects births."""

LENGTHENING = 3.0
"""Length of a window over that of the one before at the most: straight lines that lengthen slowly come to rest."""

LOOSE, POOL = 20.0, 10.0
"""Where only the reported supersaturation reads the mean field windows are this much wider, and the change is
measured against this many molecules at least."""

_RTOL = 1e-6


def temperature_nodes(program: PiecewiseLinear) -> PiecewiseLinear:
    """The same temperature program with a corner at every multiple of ``NODE_SPACING`` on its ramps."""
    times, values = [float(program.time[0])], [float(program.value[0])]
    corners = list(zip(program.time.tolist(), program.value.tolist(), strict=True))
    for (t0, T0), (t1, T1) in pairwise(corners):
        low, high = min(T0, T1), max(T0, T1)
        steps = NODE_SPACING * np.arange(math.ceil(low / NODE_SPACING), math.floor(high / NODE_SPACING) + 1)
        between = [float(T) for T in steps if low + 1e-9 < T < high - 1e-9]
        for T in between if T1 > T0 else between[::-1]:
            times.append(t0 + (T - T0) / (T1 - T0) * (t1 - t0))
            values.append(T)
        times.append(t1)
        values.append(T1)
    return PiecewiseLinear(np.array(times), np.array(values))


class Rates(NamedTuple):
    """Rate tables and constants at one temperature; tables are indexed by formula units.

    Attributes
    ----------
    attach : list [m^3/s]
    detach : list [1/s]
    sticking : one list per sticking process [m^3/s]
    reactions : one constant per reaction [m^(3(order-1))/s]
    cluster : float, first-order constant of the law ``cluster`` [1/s]
    pairs : float, rate constant of coalescence [m^3/s]
    """

    attach: list[float]
    detach: list[float]
    sticking: list[list[float]]
    reactions: list[float]
    cluster: float
    pairs: float

    @classmethod
    def at(cls, model: Model, temperature: float, n_max: int) -> Rates:
        """Rates of ``model`` at ``temperature`` [K], for particles up to ``n_max``."""
        attach, detach = model.tables(temperature, n_max)
        sticking = [process.table(temperature, n_max).tolist() for process in model.sticking]
        reactions = [reaction.rate(temperature) for reaction in model.reactions]
        cluster = model.nucleation.rate(temperature) if model.nucleation.law == "cluster" else 0.0
        pairs = model.coalescence.rate(temperature)
        return cls(attach.tolist(), detach.tolist(), sticking, reactions, cluster, pairs)


class Window:
    """Conditions from ``start`` to ``end``.

    Attributes
    ----------
    start, end : float [s]
    volume_25 : float, control volume at 25 degC at the start [m^3]
    flow : float, volume injected per second [m^3/s]
    before, after : Rates at the temperature nodes on both sides (the same object where T is constant)
    ceiling : Rates, nowhere below those of any moment of the window
    lowest_volume, highest_volume : float, bounds of V [m^3]; set by ``close``
    mean, mean_end : (species,) mean-field molecules at start and end [dimensionless]
    """

    def __init__(
        self, model: Model, nodes: PiecewiseLinear, start: float, volume_25: float, flow: float, mean: FloatArray,
    ) -> None:
        self.model, self.start, self.end = model, start, math.inf
        self.volume_25, self.flow = volume_25, flow
        self.mean = self.mean_end = mean
        after = int(np.searchsorted(nodes.time, start, side="right"))
        i, j = max(after - 1, 0), min(after, nodes.time.size - 1)
        self.t0, self.t1 = float(nodes.time[i]), float(nodes.time[j])
        self.T0, self.T1 = float(nodes.value[i]), float(nodes.value[j])
        self.lowest_volume = self.highest_volume = 0.0

    def use(self, before: Rates, after: Rates) -> None:
        """Take the rates at the temperatures ``T0`` and ``T1``."""
        self.before, self.after = before, after
        self.ceiling = before if before is after else Rates(
            list(map(max, before.attach, after.attach)),
            list(map(max, before.detach, after.detach)),
            [list(map(max, a, b)) for a, b in zip(before.sticking, after.sticking, strict=True)],
            list(map(max, before.reactions, after.reactions)),
            max(before.cluster, after.cluster),
            max(before.pairs, after.pairs),
        )

    def close(self, end: float) -> None:
        """Fix the end [s]; both factors of V are monotonic until then."""
        self.end = end
        cold = (self.cold_volume(self.start), self.cold_volume(end))
        expanded = (self._expansion(self.start), self._expansion(end))
        self.lowest_volume, self.highest_volume = min(cold) * min(expanded), max(cold) * max(expanded)

    def share(self, t: float) -> float:
        """How far the temperature has gone from ``T0`` to ``T1`` at ``t`` [dimensionless]."""
        return (t - self.t0) / (self.t1 - self.t0) if self.T1 != self.T0 else 0.0

    def temperature(self, t: float) -> float:
        """T at ``t`` [K]."""
        return self.T0 + self.share(t) * (self.T1 - self.T0)

    def cold_volume(self, t: float) -> float:
        """Control volume at 25 degC at ``t`` [m^3]."""
        return self.volume_25 + self.flow * (t - self.start) if self.flow > 0.0 else self.volume_25

    def _expansion(self, t: float) -> float:
        return 1.0 + self.model.expansion * (self.temperature(t) - REFERENCE_TEMPERATURE)

    def volume(self, t: float) -> float:
        """Control volume at ``t`` and the temperature of that moment [m^3]."""
        return self.cold_volume(t) * self._expansion(t)

    def rates(self, t: float) -> Rates:
        """Rates at ``t``: tables linear in T between the nodes, logarithms of rate constants linear in T."""
        a, b = self.before, self.after
        if a is b:
            return a
        x = self.share(t)

        def linear(low: list[float], high: list[float]) -> list[float]:
            return [u + x * (v - u) for u, v in zip(low, high, strict=True)]

        return Rates(
            linear(a.attach, b.attach),
            linear(a.detach, b.detach),
            [linear(u, v) for u, v in zip(a.sticking, b.sticking, strict=True)],
            self.reaction_constants(t),
            float(a.cluster ** (1.0 - x) * b.cluster**x),
            a.pairs + x * (b.pairs - a.pairs),
        )

    def reaction_constants(self, t: float) -> list[float]:
        """Rate constants of the reactions at ``t`` [m^(3(order-1))/s]."""
        x = self.share(t)
        return [float(u ** (1.0 - x) * v**x) for u, v in zip(self.before.reactions, self.after.reactions, strict=True)]

    def breaks(self) -> list[float]:
        """Times at which the temperature reaches the next node and the volume has moved enough [s]."""
        times = [self.t1] if self.t1 > self.start else []
        return [*times, self.start + VOLUME_STEP * self.volume_25 / self.flow] if self.flow > 0.0 else times

    def _elapsed(self, t: float) -> float:
        """Share of the window that is over at ``t`` [dimensionless]."""
        return (t - self.start) / (self.end - self.start) if self.start < self.end < math.inf else 0.0

    def mean_amounts(self, t: float) -> FloatArray:
        """Mean-field molecules at ``t`` (species,) [dimensionless]."""
        return self.mean + self._elapsed(t) * (self.mean_end - self.mean)

    def mean_concentration(self, t: float) -> float:
        """Mean-field concentration of the monomer, linear in time between the ends [1/m^3]."""
        first, last = float(self.mean[MONOMER]) / self.volume(self.start), float(self.mean_end[MONOMER])
        x = self._elapsed(t)
        return first + x * (last / self.volume(self.end) - first) if x > 0.0 else first

    def births(self, t: float) -> float:
        """Particles born per second at ``t`` by a law that reads the mean field [1/s]."""
        J = nucleation_rate(self.model, self.mean_concentration(t), self.temperature(t))
        return J * self.volume(t) / NEWBORN_SURVIVAL

    def newborn(self, t: float) -> float:
        """Mean formula units of a particle born at ``t``."""
        return newborn_units(self.model, self.mean_concentration(t), self.temperature(t))

    def latest_end(self, sizes: list[int], monomers: int, length: float) -> float:
        """When the window ends at the latest for its events and the ``length`` [s] of the one before [s]."""
        share, volume = self.share(self.start), self.volume(self.start)
        capture, release = (_mix(ends, share) for ends in self.exchange(sizes))
        rate = capture * max(float(self.mean[MONOMER]), monomers, 0.0) / volume + release
        longest = max(LENGTHENING * length, 1e-6)
        if rate > 0.0:
            longest = min(longest, max(EVENTS_PER_PARTICLE * len(sizes), 64.0) / rate)
            if reads_mean_field(self.model) and self.births(self.start) * longest > 0.002 * len(sizes):
                longest = min(longest, max(EVENTS_BETWEEN_BIRTHS * len(sizes), 16.0) / rate)
        return self.start + longest

    def exchange(self, sizes: list[int]) -> tuple[list[float], list[float]]:
        """Sums over the particles at both nodes: capture [m^3/s], and monomers released, two by a pair [1/s]."""
        nodes = (self.before, self.after)
        capture = [sum(rates.attach[n] for n in sizes) for rates in nodes]
        return capture, [sum((2 if n == 2 else 1) * rates.detach[n] for n in sizes) for rates in nodes]

    def most_births(self) -> float:
        """A bound of ``births`` [1/s]."""
        highest = max(map(self.mean_concentration, (self.start, self.end)))
        J = highest_nucleation_rate(self.model, highest, (self.T0, self.T1))
        return J * self.highest_volume / NEWBORN_SURVIVAL


class Barrel:
    """One syringe in use: a clock whose dial is the volume delivered.

    Each of the N molecules left leaves with the hazard flow/volume left, so none has left while the volume left falls
    from L to L' with the probability (L'/L)^N, whatever the flow does in time.

    Attributes
    ----------
    syringe : Syringe
    left : (species,) molecules left
    delivered : float, at the start of the window [m^3]
    mark : float, volume delivered when the next molecule leaves [m^3]
    """

    def __init__(self, syringe: Syringe, species: int, rng: np.random.Generator) -> None:
        self.syringe, self.delivered, self.mark = syringe, 0.0, 0.0
        self.left = [syringe.contents.get(i, 0) for i in range(species)]
        self.wind(rng)

    def wind(self, rng: np.random.Generator) -> None:
        """Draw the next mark."""
        if total := sum(self.left):
            rest = self.syringe.volume - self.mark
            self.mark = self.syringe.volume - rest * (1.0 - rng.random()) ** (1.0 / total)

    def flow(self, t: float) -> float:
        """Flow at ``t`` of the window [m^3/s]."""
        if self.syringe.shot or t < self.syringe.start or self.delivered >= self.syringe.volume:
            return 0.0
        return self.syringe.rate(t)

    def delivered_by(self, t: float, start: float) -> float:
        """Volume delivered at ``t`` of the window that began at ``start`` [m^3]."""
        flow = self.flow(start)
        return min(self.delivered + flow * (t - start), self.syringe.volume) if flow > 0.0 else self.delivered

    def exit_time(self, start: float) -> float:
        """When the next molecule leaves, if the flow at ``start`` stays [s]."""
        flow = self.flow(start)
        return start + (self.mark - self.delivered) / flow if flow > 0.0 and any(self.left) else math.inf

    def breaks(self, t: float) -> list[float]:
        """Times after ``t`` [s] at which the flow changes."""
        if self.delivered >= self.syringe.volume:
            return []
        times = [b for b in (self.syringe.start, *self.syringe.rate.time.tolist()) if b > t]
        flow = self.flow(t)
        return [*times, t + (self.syringe.volume - self.delivered) / flow] if flow > 0.0 else times

    def is_empty(self, t: float) -> bool:
        """Whether what is left to deliver at ``t`` is round-off."""
        rest, flow = self.syringe.volume - self.delivered, self.flow(t)
        return not self.syringe.shot and (rest <= 1e-12 * self.syringe.volume or (flow > 0.0 and t + rest / flow <= t))

    def release(self, rng: np.random.Generator) -> int:
        """One molecule leaves, any of them alike; returns its species."""
        species = bisect_right(list(accumulate(self.left)), int(rng.integers(sum(self.left))))
        self.left[species] -= 1
        self.wind(rng)
        return species

    def pour(self) -> list[int]:
        """Everything leaves at once; returns the molecules by species."""
        poured, self.left = self.left, [0] * len(self.left)
        self.delivered = self.syringe.volume
        return poured


def _mix(ends: list[float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def follow_mean_field(window: Window, sizes: list[int], feed: FloatArray, limit: float) -> tuple[float, FloatArray]:
    """Integrate the mean-field amounts from the start of ``window`` until the concentration has moved enough.

    Parameters
    ----------
    window : Window, not closed yet, with the mean field at its start
    sizes : formula units of the particles at its start
    feed : (species,) molecules injected per second [1/s]
    limit : float, the window ends there at the latest [s]

    Returns
    -------
    end : float [s]
    amounts : (species,) at the end [dimensionless]
    """
    model, start, amounts, law = window.model, window.start, window.mean, window.model.nucleation
    nodes = (window.before, window.after)
    capture, release = window.exchange(sizes)
    stick = [[sum(rates.sticking[s][n] for n in sizes) for rates in nodes] for s in range(len(model.sticking))]

    def derivative(t: float, x: FloatArray) -> FloatArray:
        volume, T = window.volume(t), window.temperature(t)
        c = x[MONOMER] / volume
        constants, share = window.reaction_constants(t), window.share(t)
        change = feed.copy()
        change[MONOMER] += _mix(release, share) - c * _mix(capture, share)
        for r, reaction in enumerate(model.reactions):
            rate = constants[r] * volume
            for i, order in reaction.orders.items():
                if order:
                    rate *= (max(x[i], 0.0) / volume) ** order
                elif i in reaction.reactants:  # order zero ends with the last molecules
                    rate *= min(max(x[i], 0.0) / reaction.reactants[i], 1.0)
            for i, number in reaction.reactants.items():
                change[i] -= number * rate
            for i, number in reaction.products.items():
                change[i] += number * rate
        for s, process in enumerate(model.sticking):
            change[process.species] -= x[process.species] / volume * _mix(stick[s], share)
        if law.law == "explicit":
            change[MONOMER] -= 2.0 * _mix([rates.attach[1] for rates in nodes], share) * c**2 * volume
        elif law.law == "cluster":
            change[law.cluster] -= nodes[0].cluster ** (1.0 - share) * nodes[1].cluster**share * x[law.cluster]
        elif reads_mean_field(model) and (J := nucleation_rate(model, c, T)) > 0.0:
            change[MONOMER] -= newborn_units(model, c, T) * J * volume / NEWBORN_SURVIVAL
        return change

    first = float(amounts[MONOMER]) / window.volume(start)
    flat = model.solubility(window.temperature(start))
    allowed = model.window * max(first, flat)
    if not reads_mean_field(model):
        allowed = LOOSE * max(allowed, model.window * POOL / window.volume(start))

    def moved(t: float, x: FloatArray) -> float:
        return abs(float(x[MONOMER]) / window.volume(t) - first) - allowed

    moved.terminal = True  # type: ignore[attr-defined]
    if limit - start <= 1e-12 * limit:  # two breaks that only round-off tells apart
        return limit, amounts
    if math.isinf(limit):
        limit = start + max(1.0, start) * 1e6
    tolerance = np.full(amounts.size, 1e-9)
    tolerance[MONOMER] *= min(1.0, flat * window.volume(start)) or 1.0
    solution = solve_ivp(derivative, (start, limit), amounts, method="LSODA", events=moved, rtol=_RTOL, atol=tolerance)
    if solution.status < 0:
        raise RuntimeError(f"mean-field concentration at {start:g} s: {solution.message}")
    return float(solution.t[-1]) if solution.status == 1 else limit, np.asarray(solution.y[:, -1])
