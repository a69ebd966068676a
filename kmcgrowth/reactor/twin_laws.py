"""Rate laws as the twin reads them: mass action, and the births that follow the mean-field concentration."""

from __future__ import annotations

import math

from kmcgrowth.model.types import Model, Reaction
from kmcgrowth.physics.nucleation import barrier_parameter, newborn_size


def reads_mean_field(model: Model) -> bool:
    """Whether the nucleation law of ``model`` is a function of the mean-field concentration."""
    return model.nucleation.law in ("classical", "power")


def mass_action(reaction: Reaction, amounts: list[int], volume: float) -> float:
    """Propensity of a reaction over its rate constant, as documented in ``Reaction`` [m^(3(1-order))]."""
    if any(amounts[i] < consumed for i, consumed in reaction.reactants.items()):
        return 0.0
    number = volume
    for i, order in reaction.orders.items():
        available = max(amounts[i], 0)
        if order == int(order) and 0 <= order <= reaction.reactants.get(i, 0):
            number *= math.perm(available, int(order)) / volume ** int(order)
        else:
            number *= (available / volume) ** order
    return number


def pair_rates(model: Model, constant: float, sizes: list[int]) -> list[float]:
    """Rate constants of all pairs of particles, those of the first with all behind it first [m^3/s]."""
    law, found = model.coalescence, []
    for i, n in enumerate(sizes):
        for m in sizes[i + 1:]:
            shape = 2.0 + (n / m) ** (1 / 3) + (m / n) ** (1 / 3) if law.law == "brownian" else 1.0
            found.append(constant * shape if max(n, m) <= law.largest else 0.0)
    return found


def nucleation_rate(model: Model, concentration: float, temperature: float) -> float:
    """J of the laws ``classical`` and ``power`` at ``concentration`` [1/m^3] and T [K], capped [1/(m^3 s)]."""
    law = model.nucleation
    S = concentration / model.solubility(temperature)
    if S <= 1.0:
        return 0.0
    J = law.prefactor(temperature)
    if law.law == "classical":
        J *= math.exp(-_barrier(model, temperature) / math.log(S) ** 2)
    else:
        J *= S**law.exponent
    return min(J, law.encounter(temperature) * concentration**2)


def _barrier(model: Model, temperature: float) -> float:
    """B of J = A exp(-B/ln^2 S) [dimensionless]."""
    return float(barrier_parameter(model.nucleation.surface_energy(temperature), model.unit_volume, temperature))


def highest_nucleation_rate(model: Model, concentration: float, nodes: tuple[float, float]) -> float:
    """A bound of J for concentrations up to ``concentration`` between two temperatures ``nodes`` [1/(m^3 s)].

    J is made of the most favourable prefactor, barrier, solubility and cap of both.
    """
    law = model.nucleation
    S = concentration / min(model.solubility(T) for T in nodes)
    if S <= 1.0:
        return 0.0
    J = max(law.prefactor(T) for T in nodes)
    if law.law == "classical":
        J *= math.exp(-min(_barrier(model, T) for T in nodes) / math.log(S) ** 2)
    else:
        J *= S ** max(law.exponent, 0.0)
    return min(J, max(law.encounter(T) for T in nodes) * concentration**2)


def newborn_units(model: Model, concentration: float, temperature: float) -> float:
    """Mean formula units of a nucleus born at S > 1: a sphere of r* + 1/2 sqrt(k_B T/(pi gamma)), at least 2.

    Close to S = 1 the radius r* diverges. The classical law gives no nuclei there, the power law does: its nuclei
    are those of ln S = 1 at the most, for nuclei without bound would hold the concentration at S = 1.
    """
    S = concentration / model.solubility(temperature)
    if model.nucleation.law == "power":
        S = max(S, math.e)
    gamma = model.nucleation.surface_energy(temperature)
    return float(newborn_size(S, gamma, model.unit_volume, temperature)) if gamma > 0.0 else 2.0
