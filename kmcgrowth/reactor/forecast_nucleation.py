"""Nucleation in the forecast: how many particles a model makes at a moment, and the size of the critical nucleus."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.physics.nucleation import classical_rate, critical_size, power_rate

Array = NDArray[np.float64]


def nuclei(model: Model, temperature: float, amounts: Array, volume: float) -> tuple[float, bool]:
    """Nuclei that grow [1/(m^3 s)], the cap included, and whether the cap acts.

    The laws ``cluster`` and ``explicit`` count every particle, whether it grows or not.
    """
    law, c = model.nucleation, float(amounts[MONOMER]) / volume
    if law.law == "cluster":
        return law.rate(temperature) * float(amounts[law.cluster]) / volume, False
    if law.law == "explicit":
        return float(model.tables(temperature, 2)[0][1]) * c * c, False
    flat = model.solubility(temperature)
    if law.law == "none" or c <= flat:
        return 0.0, False
    if law.law == "classical":
        gamma = law.surface_energy(temperature)
        rate = float(classical_rate(c / flat, law.prefactor(temperature), gamma, model.unit_volume, temperature))
    else:
        rate = float(power_rate(c / flat, law.prefactor(temperature), law.exponent))
    cap = law.encounter(temperature) * c**2
    return min(rate, cap), rate > cap


def critical_nucleus(model: Model, temperature: float, amounts: Array, volume: float) -> float:
    """Formula units of the critical nucleus; nan where the law has none."""
    law = model.nucleation
    if law.law not in ("classical", "power"):
        return float("nan")
    S = float(amounts[MONOMER]) / volume / model.solubility(temperature)
    gamma = law.surface_energy(temperature)
    if S <= 1.0 or gamma <= 0.0:
        return float("nan")
    # Close to S = 1 the critical nucleus has no bound; a power law makes nuclei there all the same.
    return float(critical_size(max(S, math.e) if law.law == "power" else S, gamma, model.unit_volume, temperature))
