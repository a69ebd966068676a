"""The right-hand side of the population balance in plain numpy: what the compiled kernel has to compute."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kmcgrowth.model.types import MONOMER, FloatArray, Model, Reaction
from kmcgrowth.physics.nucleation import NEWBORN_SURVIVAL, newborn_size
from kmcgrowth.reactor.sizes import Grid
from kmcgrowth.reactor.twin_laws import nucleation_rate

SOFT = 0.01
"""S - 1 over which the power law, which jumps at S = 1, is switched on [dimensionless]."""


@dataclass(frozen=True)
class Slopes:
    """Time derivatives [1/s].

    Attributes
    ----------
    amounts : (species,) molecules
    seed, nucleated : (pivots,) particles
    born, dissolved_seed, dissolved_nucleated : float, particles
    reactions : (reactions,) events
    """

    amounts: FloatArray
    seed: FloatArray
    nucleated: FloatArray
    born: float
    dissolved_seed: float
    dissolved_nucleated: float
    reactions: FloatArray


def slopes(
    model: Model, grid: Grid, temperature: float, volume: float, feed: FloatArray, amounts: FloatArray,
    seed: FloatArray, nucleated: FloatArray,
) -> Slopes:
    """Derivatives of a state at one moment.

    Parameters
    ----------
    model : Model
    grid : Grid; no jump goes beyond its last pivot
    temperature : [K]
    volume : of the liquid [m^3]
    feed : (species,) molecules injected per second [1/s]
    amounts : (species,) molecules [dimensionless]
    seed, nucleated : (pivots,) particles [dimensionless]
    """
    c = amounts[MONOMER] / volume
    attach, detach = (grid.read(table) for table in model.tables(temperature, grid.largest))
    change = np.array(feed, dtype=float)

    rates = np.array([mass_action(r, amounts, volume) * r.rate(temperature) for r in model.reactions])
    for rate, reaction in zip(rates, model.reactions, strict=True):
        for i, n in reaction.reactants.items():
            change[i] -= n * rate
        for i, n in reaction.products.items():
            change[i] += n * rate

    up = c * attach * grid.up_attach + detach * grid.up_detach
    down = c * attach * grid.down_attach + detach * grid.down_detach
    up[-1] = 0.0
    particles = [seed, nucleated]
    dp = []
    for p in particles:
        flux = up[:-1] * p[:-1] - down[1:] * p[1:]
        d = np.zeros_like(p)
        d[:-1] -= flux
        d[1:] += flux
        d[0] -= down[0] * p[0]
        change[MONOMER] += 2.0 * down[0] * p[0] - flux @ grid.gap[:-1]
        dp.append(d)

    for process in model.sticking:
        first, weight = grid.landing(process.units)
        k = grid.read(process.table(temperature, grid.largest)) * amounts[process.species] / volume
        k[first < 0] = 0.0
        for p, d in zip(particles, dp, strict=True):
            d -= k * p
            for j in range(3):
                np.add.at(d, first + j, k * p * weight[:, j])
            change[process.species] -= k @ p

    rate, units = births(model, temperature, volume, amounts)
    units = min(max(units, float(grid.pivot[0])), float(grid.pivot[-1]))
    if rate > 0.0:
        i = min(int(np.searchsorted(grid.pivot, units, side="right")) - 1, grid.pivot.size - 2)
        over = (units - grid.pivot[i]) / grid.gap[i]
        dp[1][i] += rate * (1.0 - over)
        dp[1][i + 1] += rate * over
        if model.nucleation.law == "cluster":
            change[model.nucleation.cluster] -= rate
        else:
            change[MONOMER] -= rate * units
    return Slopes(change, dp[0], dp[1], rate, down[0] * seed[0], down[0] * nucleated[0], rates)


def pair_slopes(
    model: Model, grid: Grid, temperature: float, volume: float, seed: FloatArray, nucleated: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """What coalescence changes of the particles, and pairs that coalesce [1/s]; arguments as in ``slopes``.

    The product of two pivots is shared between the two next to its size, so that number and mass are kept.
    """
    law, n = model.coalescence, grid.pivot.astype(float)
    shape = np.ones((n.size, n.size))
    if law.law == "brownian":
        x = np.cbrt(n[:, None] / n[None, :])
        shape = 2.0 + x + 1.0 / x
    shape[n > law.largest, :] = shape[:, n > law.largest] = 0.0
    k = law.rate(temperature) / volume * shape
    every, changes = seed + nucleated, [np.zeros(n.size), np.zeros(n.size)]
    rate = k * np.outer(every, every)
    for p, change in zip((seed, nucleated), changes, strict=True):
        change -= p * (k @ every)
        for i in range(n.size):
            change += grid.share(n[i] + n[i + 1:], k[i, i + 1:] * every[i] * p[i + 1:])
    alike = 0.5 * np.diag(k)
    both = alike * nucleated**2
    changes[0] += grid.share(2.0 * n, alike * every**2 - both)
    changes[1] += grid.share(2.0 * n, both)
    return changes[0], changes[1], float(0.5 * rate.sum())


def births(model: Model, temperature: float, volume: float, amounts: FloatArray) -> tuple[float, float]:
    """Particles born per second in the control volume, and their size [formula units]."""
    law, c = model.nucleation, float(amounts[MONOMER]) / volume
    if law.law == "cluster":
        return law.rate(temperature) * max(float(amounts[law.cluster]), 0.0), float(model.formula_units[law.cluster])
    if law.law == "explicit":
        return float(model.tables(temperature, 2)[0][1]) * max(c, 0.0) * c * volume, 2.0
    S = c / model.solubility(temperature)
    if law.law == "none" or S <= 1.0:
        return 0.0, 2.0
    rate = nucleation_rate(model, c, temperature) * volume / NEWBORN_SURVIVAL
    if law.law == "power":
        rate *= _smooth_step((S - 1.0) / SOFT)
        S = max(S, math.e)
    gamma = law.surface_energy(temperature)
    units = float(newborn_size(S, gamma, model.unit_volume, temperature)) if gamma > 0.0 else 2.0
    return rate, units


def _smooth_step(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def mass_action(reaction: Reaction, amounts: FloatArray, volume: float) -> float:
    """Rate of a reaction over its constant without falling factorials [m^(3(1-order))].

    A reactant of order zero stops the reaction within its last molecules; a single one of order one may be negative by
    the integrator's error.
    """
    reactants, orders = reaction.reactants, reaction.orders
    involved = sorted(set(reactants) | {i for i, order in orders.items() if order != 0.0})
    if len(involved) == 1 and orders.get(involved[0]) == 1.0:
        return float(amounts[involved[0]])
    number = volume
    for i in involved:
        held, order = max(float(amounts[i]), 0.0), orders.get(i, 0.0)
        number *= (held / volume) ** order if order != 0.0 else min(held / reactants[i], 1.0)
    return number
