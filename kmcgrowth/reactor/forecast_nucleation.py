"""Births in the forecast: how many particles a model makes at a moment, and of what size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.physics.nucleation import classical_rate, critical_size, insertion_rate, newborn_radius, power_rate
from kmcgrowth.physics.sphere import units_from_radius

Array = NDArray[np.float64]

_LARGEST_NEWBORN = 1e-7
"""Close to S = 1 the radius of a nucleus has no bound, and its rate is nothing [m]."""

_NEVER = 1e-3
"""Births that would not add up to this many in the whole run are none [dimensionless]."""


class Births:
    """The nucleation law of a model, read from amounts without fluctuations.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._held: tuple[float, dict[str, float]] = (-1.0, {})

    def _at(self, temperature: float) -> dict[str, float]:
        """What the law reads at a temperature, SI units."""
        if self._held[0] != temperature:
            law, model = self.model.nucleation, self.model
            held = {"solubility": model.solubility(temperature)}
            if law.law in ("classical", "power"):
                held["prefactor"] = law.prefactor(temperature)
                held["surface_energy"] = law.surface_energy(temperature)
                held["encounter"] = law.encounter(temperature)
            elif law.law == "cluster":
                held["rate"] = law.rate(temperature)
            elif law.law == "explicit":
                held["rate"] = float(model.tables(temperature, 2)[0][1])
            self._held = (temperature, held)
        return self._held[1]

    def rate(self, temperature: float, amounts: Array, volume: float) -> tuple[float, bool]:
        """Nuclei that grow [1/(m^3 s)], the cap included, and whether the cap acts.

        The laws ``cluster`` and ``explicit`` count every particle, whether it grows or not.
        """
        name, held = self.model.nucleation.law, self._at(temperature)
        c = float(amounts[MONOMER]) / volume
        if name == "cluster":
            return held["rate"] * float(amounts[self.model.nucleation.cluster]) / volume, False
        if name == "explicit":
            return held["rate"] * c * c, False
        if name == "none" or c <= held["solubility"]:
            return 0.0, False
        S = c / held["solubility"]
        if name == "classical":
            v = self.model.unit_volume
            rate = float(classical_rate(S, held["prefactor"], held["surface_energy"], v, temperature))
        else:
            rate = float(power_rate(S, held["prefactor"], self.model.nucleation.exponent))
        cap = held["encounter"] * c**2
        return min(rate, cap), rate > cap

    def nucleus(self, temperature: float, amounts: Array, volume: float) -> tuple[float, float]:
        """Size of the critical nucleus, nan where the law has none, and the size at which particles enter."""
        law, held, v = self.model.nucleation, self._at(temperature), self.model.unit_volume
        if law.law == "cluster":
            return float("nan"), float(self.model.formula_units[law.cluster])
        S = float(amounts[MONOMER]) / volume / held["solubility"]
        gamma = held.get("surface_energy", 0.0)
        if law.law not in ("classical", "power") or S <= 1.0 or gamma <= 0.0:
            return float("nan"), 2.0
        # Close to S = 1 the critical nucleus has no bound; a power law makes nuclei there all the same.
        read = max(S, np.e) if law.law == "power" else S
        nucleus = float(critical_size(read, gamma, v, temperature))
        radius = min(float(newborn_radius(read, gamma, v, temperature)), _LARGEST_NEWBORN)
        return nucleus, max(float(units_from_radius(radius, v)), 2.0)

    def __call__(self, temperature: float, amounts: Array, volume: float) -> tuple[float, float]:
        """Particles born in the control volume [1/s], and their size [formula units]."""
        rate, _ = self.rate(temperature, amounts, volume)
        if self.model.nucleation.law in ("classical", "power"):
            rate = float(insertion_rate(rate))
        births = rate * volume
        if births * self.model.duration < _NEVER:
            return 0.0, 2.0
        return births, self.nucleus(temperature, amounts, volume)[1]
