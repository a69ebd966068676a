"""Births under a fast feed in the limit of many particles: the population balance, without windows or noise."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_banded
from scipy.optimize import brentq
from scipy.special import ndtr

from kmcgrowth.model.types import FloatArray, Model
from kmcgrowth.physics import nucleation
from kmcgrowth.physics.sphere import diameter_from_units

LARGEST = 2500
"""Last size of the chain [formula units]."""

QUIET = 4.0
"""Supersaturation below which births are left out [dimensionless]."""


def born_and_alive(model: Model, duration: float, step: float) -> tuple[float, float]:
    """Births per seed, and nucleated particles less dissolved ones per seed, after ``duration`` [s].

    One syringe with one kind of cluster that releases monomers at once, constant temperature, classical nucleation.
    Sizes follow dp_n/dt = c [a_{n-1} p_{n-1} - a_n p_n] + d_{n+1} p_{n+1} - d_n p_n + births by the mid-point rule,
    the monomers dM/dt = release + sum d_n p_n - M/V sum a_n p_n - n_ins J V/0.92 exactly within a step.
    """
    temperature, (syringe,), (release,) = float(model.temperature(0.0)), model.syringes, model.reactions
    (cluster,) = syringe.contents
    seeds = model.seeds[0].number
    attach, detach = model.tables(temperature, LARGEST)
    p = _seed_sizes(model)
    flow, volume0 = syringe.rate(0.0) / seeds, model.control_volume / seeds
    fed, packet = flow * syringe.contents[cluster] / syringe.volume, release.products[0]
    k = release.rate(temperature)
    up_rate = attach.copy()
    up_rate[:2] = up_rate[-1] = 0.0
    clusters = monomers = born = 0.0

    def births(c: float) -> tuple[float, float]:
        s = c / model.solubility(temperature)
        if s < QUIET:
            return 0.0, 2.0
        gamma = model.nucleation.surface_energy(temperature)
        law = (gamma, model.unit_volume, temperature)
        rate = float(nucleation.classical_rate(s, model.nucleation.prefactor(temperature), *law))
        rate = min(rate, model.nucleation.encounter(temperature) * c * c)
        return float(nucleation.insertion_rate(rate)), float(nucleation.newborn_size(s, *law))

    def excess(x: float, before: float, volume: float, decay: float, gain: float, supply: float) -> float:
        rate, units = births(0.5 * (before + x) / volume)
        return float(before * decay + gain * (supply - units * rate * volume) - x)

    for i in range(round(duration / step)):
        volume = volume0 + flow * (i + 0.5) * step
        left = clusters * np.exp(-k * step) - fed / k * np.expm1(-k * step)
        released = packet * (fed * step + clusters - left) / step
        clusters = left
        new, sizes = monomers, p
        for _ in range(2):
            middle = 0.5 * (p + sizes)
            given, taken = middle @ detach + middle[2] * detach[2], float(middle @ attach) / volume
            decay, gain = np.exp(-taken * step), -np.expm1(-taken * step) / taken

            # births rise steeply with the monomers, so that their fixed point is bracketed rather than iterated
            known = (monomers, volume, decay, gain, released + given)
            new = float(brentq(excess, 0.0, monomers + gain * (released + given), known, xtol=1e-9, rtol=1e-9))
            rate, units = births(0.5 * (monomers + new) / volume)
            source = released + given - units * rate * volume
            c = (source - (new - monomers) / step) / (taken * volume)
            sizes = _step(p, up_rate * c, detach, step, units, rate * volume * step)
        p, monomers = sizes, new
        born += rate * volume * step
    return born, float(p.sum()) - 1.0


def _seed_sizes(model: Model) -> FloatArray:
    """Gaussian diameters as shares of every size."""
    seeds = model.seeds[0]
    edges = diameter_from_units(np.maximum(np.arange(LARGEST + 2) - 0.5, 0.0), model.unit_volume)
    p: FloatArray = np.diff(ndtr((edges / seeds.diameter - 1.0) / seeds.relative_std))
    p[2] += p[0] + p[1]
    p[:2] = 0.0
    return p / p.sum()


def _step(p: FloatArray, up: FloatArray, detach: FloatArray, step: float, units: float, born: float) -> FloatArray:
    """One step of the sizes by the mid-point rule; what shrinks to one unit is gone."""
    right = p - 0.5 * step * (up + detach) * p
    right[1:] += 0.5 * step * up[:-1] * p[:-1]
    right[2:-1] += 0.5 * step * detach[3:] * p[3:]
    right[:2] = 0.0
    n = int(units)
    right[n] += (n + 1 - units) * born
    right[n + 1] += (units - n) * born
    bands = np.zeros((3, len(p)))
    bands[0, 3:] = -0.5 * step * detach[3:]
    bands[1] = 1.0 + 0.5 * step * (up + detach)
    bands[2, :-1] = -0.5 * step * up[:-1]
    new: FloatArray = solve_banded((1, 1), bands, right, check_finite=False)
    new[:2] = 0.0
    return new
