"""Right-hand side of the forecast: how representative seeds, newborn particles and dissolved species change."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, REFERENCE_TEMPERATURE, Model, Reaction, SeedPopulation, Syringe
from kmcgrowth.reactor.forecast_newborn import Newborn
from kmcgrowth.reactor.forecast_nucleation import Births
from kmcgrowth.reactor.forecast_tables import Tables

Array = NDArray[np.float64]

_FADE = (2.0, 20.0)
"""Between these sizes a representative seed fades out as it dissolves [formula units]."""

_NOBODY = 1e-3
"""With fewer newborn particles than this the balance of their sizes stands still [dimensionless]."""


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


class Field:
    """The mean-field equations of a model for a few representative seeds and newborn particles of all sizes.

    The state is (sizes of the seeds [formula units], amounts of the species, newborn particles of every size of a
    grid, particles born so far, reactions and molecules out of syringes so far, gross events), none of them negative.
    Shots and aliquots change it in ``jump``, which also keeps account of the seeds and the volume that they leave.

    Attributes
    ----------
    weights : (seeds,) particles in the control volume that each size stands for [dimensionless]
    newborn : Newborn or None, the grid of their sizes; none without nucleation
    births : Births
    cold : float, control volume at 25 degC without what has been fed [m^3]
    """

    def __init__(self, model: Model, sizes: Array, weights: Array, tables: Tables) -> None:
        self.model, self.weights, self.tables = model, weights, tables
        self.cold = model.control_volume
        self.start, self.k, self.species = sizes, sizes.size, len(model.species)
        self.newborn = Newborn(tables, tables.limit) if model.nucleation.law != "none" else None
        self.births = Births(model)
        self.first = self.k + self.species
        self.bins = slice(self.first, self.first + (self.newborn.m if self.newborn else 0))
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
        return np.concatenate([self.start, self.model.initial.astype(float), np.zeros(self.bins.stop - self.first + 3)])

    def amounts(self, y: Array) -> Array:
        """Molecules of every species in the control volume (species,) [dimensionless]."""
        return np.maximum(y[self.k : self.first], 0.0)

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
                    y[-2:] += molecules
                self.cold += syringe.volume
        for withdrawal in self.model.withdrawals:
            if withdrawal.time == t:
                temperature = self.model.temperature(t)
                share = min(withdrawal.volume / self.volume(t, temperature), 1.0)
                self.cold -= share * self.volume(t, REFERENCE_TEMPERATURE)
                y[self.k : -3] *= 1.0 - share
                self.weights = self.weights * (1.0 - share)
        return y

    def __call__(self, t: float, y: Array) -> Array:
        temperature = self.model.temperature(t)
        volume, amounts = self.volume(t, temperature), self.amounts(y)
        out = np.zeros(y.size)
        change, events = self._species_change(temperature, volume, amounts)
        out[: self.k], taken, happened = self._seeds(temperature, volume, amounts, y[: self.k])
        change -= taken
        if self.newborn is not None:
            out[self.bins], out[-3], taken, more = self._newborn(temperature, volume, amounts, y[self.bins])
            change -= taken
            happened += more
        out[self.k : self.first] = change
        out[-2] = events
        out[-1] = events + happened
        return out

    def _seeds(self, temperature: float, volume: float, amounts: Array, sizes: Array) -> tuple[Array, Array, float]:
        """Growth of each representative seed (seeds,), species that all take up (species,), and their events [1/s]."""
        taken = np.zeros(self.species)
        sizes = np.maximum(sizes, 0.0)
        live = np.clip((sizes - _FADE[0]) / (_FADE[1] - _FADE[0]), 0.0, 1.0)
        attach, detach = self.tables(temperature, np.maximum(sizes, 2.0))
        attach = attach * (amounts[MONOMER] / volume)
        net = live * (attach - detach)
        events = float(self.weights @ (live * (attach + detach)))
        taken[MONOMER] = self.weights @ net
        for process in self.model.sticking:
            flow = live * self.tables.sticking(process, temperature, sizes) * (amounts[process.species] / volume)
            net = net + process.units * flow
            total = float(self.weights @ flow)
            taken[process.species] += total
            events += total
        return net, taken, events

    def _newborn(
        self, temperature: float, volume: float, amounts: Array, number: Array
    ) -> tuple[Array | float, float, Array, float]:
        """Change of the newborn particles (m,), births, species that they take up (species,), and events [1/s]."""
        assert self.newborn is not None
        law, grid, taken = self.model.nucleation, self.newborn, np.zeros(self.species)
        births, size = self.births(temperature, amounts, volume)
        if births == 0.0 and number.sum() < _NOBODY:
            return 0.0, 0.0, taken, 0.0
        c = amounts[MONOMER] / volume
        up, down = grid.moves(temperature, c)
        moved = grid.change(up, down, number)
        taken[MONOMER] = grid.uptake(up, down) @ number
        events = float(grid.events(temperature, c) @ number) + births
        for process in self.model.sticking:
            flow = self.tables.sticking(process, temperature, grid.sizes) * number * (amounts[process.species] / volume)
            total = float(flow.sum())
            moved += grid.landing(process) @ flow
            taken[process.species] += total
            events += total
        if births > 0.0:
            moved += births * grid.share(size)
            taken[law.cluster if law.law == "cluster" else MONOMER] += births * (1.0 if law.law == "cluster" else size)
        return moved, births, taken, events

    def jacobian(self, t: float, y: Array, rate: Array) -> Array:
        """Derivative of the right-hand side; what whole clusters do to particles is left out.

        A seed's growth reads its own size and the species only, so one evaluation serves all sizes.
        """
        k, monomer = self.k, self.k + MONOMER
        temperature = self.model.temperature(t)
        volume, amounts = self.volume(t, temperature), self.amounts(y)
        matrix = np.zeros((y.size, y.size))
        if k:
            moved = y[:k] + 1e-4 * np.maximum(y[:k], 1.0)
            slope = (self._seeds(temperature, volume, amounts, moved)[0] - rate[:k]) / (moved - y[:k])
            matrix[np.arange(k), np.arange(k)] = slope
            matrix[monomer, :k] = -self.weights * slope
        if self.newborn is not None and np.any(rate[self.bins]):
            c = amounts[MONOMER] / volume
            up, down = self.newborn.moves(temperature, c)
            matrix[self.bins, self.bins] = self.newborn.matrix(up, down)
            matrix[monomer, self.bins] = -self.newborn.uptake(up, down)
            matrix[-1, self.bins] = self.newborn.events(temperature, c)
        if self._orders:
            some = np.maximum(amounts, 1e-6)  # a first-order law has its slope at zero, too
            flows = self._flows(temperature, volume, some)
            for orders, flow, change in zip(self._orders, flows.tolist(), self._changes, strict=True):
                for j, order in orders:
                    matrix[k : self.first, k + j] += flow * order / some[j] * change
        for i in (k + j for j in sorted(self._coupled)):
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
