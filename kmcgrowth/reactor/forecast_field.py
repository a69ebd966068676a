"""Right-hand side of the forecast: how representative particles, newborn particles and dissolved species change."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, REFERENCE_TEMPERATURE, Model, Reaction, SeedPopulation, Syringe
from kmcgrowth.physics.nucleation import classical_rate, critical_size, insertion_rate, newborn_radius, power_rate
from kmcgrowth.physics.sphere import units_from_radius
from kmcgrowth.reactor.forecast_tables import Tables

Array = NDArray[np.float64]

_FADE = (2.0, 4.0)
"""Between these sizes a representative particle fades out as it dissolves; none is born smaller [formula units]."""

_LARGEST_NEWBORN = 1e-7
"""Close to S = 1 the radius of a nucleus has no bound, and its rate is nothing [m]."""


def representative_seeds(model: Model, quantiles: int = 24) -> tuple[Array, Array]:
    """Sizes that stand for the seed populations, and how many particles each stands for.

    Parameters
    ----------
    model : Model
    quantiles : int, sizes per population

    Returns
    -------
    sizes : (k,) [formula units]
    weights : (k,) particles in the control volume [dimensionless]
    """
    p = (np.arange(quantiles) + 0.5) / quantiles
    sizes, weights = [np.empty(0)], [np.empty(0)]
    for population in model.seeds:
        number = population.units.size if population.shape == "units" else population.number
        if number:
            sizes.append(np.maximum(_population_sizes(population, p, model.unit_volume), 2.0))
            weights.append(np.full(p.size, number / p.size))
    return np.concatenate(sizes), np.concatenate(weights)


def _population_sizes(population: SeedPopulation, p: Array, unit_volume: float) -> Array:
    normal = np.array([NormalDist().inv_cdf(x) for x in p])
    if population.shape == "units":
        return np.quantile(population.units, p).astype(float)
    if population.shape == "sizes":
        d = np.quantile(population.diameters, p)
    elif population.shape == "lognormal":
        s = np.sqrt(np.log1p(population.relative_std**2))
        d = population.diameter * np.exp(s * normal - 0.5 * s * s)
    else:
        d = population.diameter * np.maximum(1.0 + population.relative_std * normal, 0.0)
    return np.asarray(np.pi * d**3 / (6.0 * unit_volume))


def _feed_curve(syringe: Syringe) -> tuple[Array, Array]:
    """Corners of the volume that a syringe has delivered over time [s], [m^3]; the last corner is when it is empty."""
    times, volumes = [syringe.start], [0.0]
    corners = [t for t in syringe.rate.time.tolist() if t > syringe.start]
    for begin, end in zip([syringe.start, *corners], [*corners, np.inf], strict=True):
        flow, left = syringe.rate(begin), syringe.volume - volumes[-1]
        if flow > 0.0 and left <= flow * (end - begin):
            return np.array([*times, begin + left / flow]), np.array([*volumes, syringe.volume])
        if np.isfinite(end):
            times.append(end)
            volumes.append(volumes[-1] + flow * (end - begin))
    return np.array(times), np.array(volumes)


def emptying_time(syringe: Syringe) -> float:
    """When a syringe stops delivering [s]."""
    return float(_feed_curve(syringe)[0][-1])


def nucleation_rate(model: Model, temperature: float, c: float) -> tuple[float, bool, float, float]:
    """Nucleation at monomer concentration ``c`` [1/m^3] by the laws that read it.

    Returns
    -------
    rate : float, nuclei that grow, the cap included [1/(m^3 s)]
    capped : bool, whether the cap acts
    nucleus : float, size of the critical nucleus; nan where the law has none [formula units]
    newborn : float, size at which nuclei enter [formula units]
    """
    law, v = model.nucleation, model.unit_volume
    S = c / model.solubility(temperature)
    if law.law not in ("classical", "power") or S <= 1.0:
        return 0.0, False, float("nan"), 2.0
    gamma = law.surface_energy(temperature)
    if law.law == "classical":
        rate = float(classical_rate(S, law.prefactor(temperature), gamma, v, temperature))
    else:
        rate = float(power_rate(S, law.prefactor(temperature), law.exponent))
    cap = law.encounter(temperature) * c**2
    if gamma <= 0.0:
        return min(rate, cap), rate > cap, float("nan"), 2.0
    # Close to S = 1 the critical nucleus has no bound; a power law makes nuclei there all the same.
    read = max(S, np.e) if law.law == "power" else S
    nucleus = float(critical_size(read, gamma, v, temperature))
    radius = min(float(newborn_radius(read, gamma, v, temperature)), _LARGEST_NEWBORN)
    return min(rate, cap), rate > cap, nucleus, max(float(units_from_radius(radius, v)), _FADE[1])


class Field:
    """The mean-field equations of a model for a few representative particles.

    The state is (sizes of the seeds [formula units], amounts of the species, newborn particles, formula units in
    them, gross events), none of them negative. Shots and aliquots change it in ``jump``, which also keeps account of
    the seeds and the volume that they leave.

    Attributes
    ----------
    weights : (seeds,) particles in the control volume that each size stands for [dimensionless]
    cold : float, control volume at 25 degC without what has been fed [m^3]
    """

    def __init__(self, model: Model, sizes: Array, weights: Array, tables: Tables) -> None:
        self.model, self.weights, self.tables = model, weights, tables
        self.cold = model.control_volume
        self.start, self.k, self.species = sizes, sizes.size, len(model.species)
        self._orders = [list(r.orders.items()) for r in model.reactions]
        self._changes = np.array([self._change(r) for r in model.reactions]).reshape(-1, self.species)
        #: species whose effect reaches beyond reactions
        self._coupled = {MONOMER, *(s.species for s in model.sticking)}
        if model.nucleation.law == "cluster":
            self._coupled.add(model.nucleation.cluster)
        self._constants: tuple[float, list[float]] = (-1.0, [])
        self._feeds = [(s, *_feed_curve(s)) for s in model.syringes if not s.shot]
        self._feed = np.zeros(self.species)

    def _change(self, reaction: Reaction) -> Array:
        change = np.zeros(self.species)
        for index, number in reaction.reactants.items():
            change[index] -= number
        for index, number in reaction.products.items():
            change[index] += number
        return change

    def enter(self, start: float, end: float) -> None:
        """Fix the feeds to what they are between two corners of the schedules [s]."""
        middle = 0.5 * (start + end)
        self._feed = np.zeros(self.species)
        for syringe, times, _ in self._feeds:
            if times[0] <= middle < times[-1]:
                for species, molecules in syringe.contents.items():
                    self._feed[species] += syringe.rate(middle) / syringe.volume * molecules

    def initial(self) -> Array:
        """The state at t = 0, before any shot."""
        return np.concatenate([self.start, self.model.initial.astype(float), np.zeros(3)])

    def amounts(self, y: Array) -> Array:
        """Molecules of every species in the control volume (species,) [dimensionless]."""
        return np.maximum(y[self.k : self.k + self.species], 0.0)

    def born(self, y: Array) -> float:
        """Newborn particles in the control volume [dimensionless]."""
        return max(float(y[-3]), 0.0)

    def newborn_size(self, y: Array) -> float:
        """Mean size of the newborn particles, 0 without any [formula units]."""
        return max(float(y[-2]), 0.0) / self.born(y) if self.born(y) > 0.0 else 0.0

    def volume(self, t: float, temperature: float) -> float:
        """Control volume, thermal expansion included [m^3]."""
        cold = self.cold
        for _, times, volumes in self._feeds:
            cold += float(np.interp(t, times, volumes))
        return cold * (1.0 + self.model.expansion * (temperature - REFERENCE_TEMPERATURE))

    def jump(self, t: float, y: Array) -> Array:
        """The state after the shots and aliquots that fall at ``t``."""
        y = y.copy()
        for syringe in self.model.syringes:
            if syringe.shot and syringe.start == t:
                for species, molecules in syringe.contents.items():
                    y[self.k + species] += molecules
                    y[-1] += molecules
                self.cold += syringe.volume
        for withdrawal in self.model.withdrawals:
            if withdrawal.time == t:
                temperature = self.model.temperature(t)
                share = min(withdrawal.volume / self.volume(t, temperature), 1.0)
                self.cold -= share * self.volume(t, REFERENCE_TEMPERATURE)
                y[self.k : -1] *= 1.0 - share
                self.weights = self.weights * (1.0 - share)
        return y

    def __call__(self, t: float, y: Array) -> Array:
        k, end, model = self.k, self.k + self.species, self.model
        temperature = model.temperature(t)
        volume = self.volume(t, temperature)
        amounts, born, newborn = self.amounts(y), self.born(y), self.newborn_size(y)
        c = amounts[MONOMER] / volume
        out = np.zeros(y.size)
        change, events = self._species_change(temperature, volume, amounts)

        sizes = np.append(np.maximum(y[:k], 0.0), newborn)
        number = np.append(self.weights, born)
        live = np.clip((sizes - _FADE[0]) / (_FADE[1] - _FADE[0]), 0.0, 1.0)
        attach, detach = self.tables(temperature, np.maximum(sizes, 2.0))
        net = live * (attach * c - detach)
        events += float(number @ (live * (attach * c + detach)))
        change[MONOMER] -= number @ net
        for process in model.sticking:
            flow = live * self.tables.sticking(process, temperature, sizes) * amounts[process.species] / volume
            net = net + process.units * flow
            total = float(number @ flow)
            change[process.species] -= total
            events += total
        births, size = self._births(temperature, c, amounts, volume)
        change[model.nucleation.cluster if model.nucleation.law == "cluster" else MONOMER] -= (
            births if model.nucleation.law == "cluster" else births * size
        )
        out[:k] = net[:k]
        out[k:end] = change
        out[-3] = births
        out[-2] = births * size + born * net[k]
        out[-1] = events + births
        return out

    def jacobian(self, t: float, y: Array, rate: Array) -> Array:
        """Derivative of the right-hand side, by differences; what whole clusters do to particles is left out.

        A particle's growth reads its own size and the species only, so one evaluation serves all sizes.
        """
        k = self.k
        matrix = np.zeros((y.size, y.size))
        moved = y.copy()
        moved[:k] += 1e-4 * np.maximum(y[:k], 1.0)
        if k:
            slope = (self(t, moved)[:k] - rate[:k]) / (moved[:k] - y[:k])
            matrix[np.arange(k), np.arange(k)] = slope
            matrix[k + MONOMER, :k] = -self.weights * slope
        temperature = self.model.temperature(t)
        if self._orders:
            amounts = np.maximum(self.amounts(y), 1e-6)  # a first-order law has its slope at zero, too
            flows = self._flows(temperature, self.volume(t, temperature), amounts)
            for orders, flow, change in zip(self._orders, flows.tolist(), self._changes, strict=True):
                for j, order in orders:
                    matrix[k : k + self.species, k + j] += flow * order / amounts[j] * change
        for i in (*(k + j for j in sorted(self._coupled)), y.size - 3, y.size - 2):
            moved = y.copy()
            moved[i] += max(1e-5 * y[i], 1e-3)
            matrix[:, i] = (self(t, moved) - rate) / (moved[i] - y[i])
        return matrix

    def _species_change(self, temperature: float, volume: float, amounts: Array) -> tuple[Array, float]:
        """Change of the species by reactions and feeds (species,) and their events [1/s]."""
        change, events = self._feed.copy(), float(self._feed.sum())
        if self._orders:
            flows = self._flows(temperature, volume, amounts)
            change += flows @ self._changes
            events += float(flows.sum())
        return change, events

    def _flows(self, temperature: float, volume: float, amounts: Array) -> Array:
        """How often each reaction happens (reactions,) [1/s]."""
        concentration = (amounts / volume).tolist()
        flows = []
        for orders, constant in zip(self._orders, self._rate_constants(temperature), strict=True):
            flow = constant * volume
            for index, order in orders:
                flow *= concentration[index] ** order
            flows.append(flow)
        return np.array(flows)

    def _rate_constants(self, temperature: float) -> list[float]:
        if self._constants[0] != temperature:
            self._constants = (temperature, [r.rate(temperature) for r in self.model.reactions])
        return self._constants[1]

    def supply(self, temperature: float, volume: float, amounts: Array) -> float:
        """Monomer released in the control volume [1/s]."""
        return max(float(self._species_change(temperature, volume, amounts)[0][MONOMER]), 0.0)

    def nucleation(self, temperature: float, c: float, amounts: Array, volume: float) -> tuple[float, bool, float]:
        """Births per volume [1/(m^3 s)], whether the cap acts, and the size of the critical nucleus [formula units]."""
        law = self.model.nucleation
        if law.law == "cluster":
            return law.rate(temperature) * amounts[law.cluster] / volume, False, float("nan")
        rate, capped, nucleus, _ = nucleation_rate(self.model, temperature, c)
        return rate, capped, nucleus

    def _births(self, temperature: float, c: float, amounts: Array, volume: float) -> tuple[float, float]:
        """Particles born in the control volume [1/s], and their size [formula units]."""
        law = self.model.nucleation
        if law.law == "cluster":
            return law.rate(temperature) * amounts[law.cluster], float(self.model.formula_units[law.cluster])
        rate, _, _, size = nucleation_rate(self.model, temperature, c)
        return float(insertion_rate(rate)) * volume, size
