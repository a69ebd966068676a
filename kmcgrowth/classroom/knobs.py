"""The knobs of the classroom: what each one sets, within which bounds, and whether a run bears its change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmcgrowth.errors import BadInput

CLUSTERS = {"monomer": "monomer at once", "AMC": "amorphous clusters (AMC)", "MSC": "magic-size clusters (MSC)"}
"""What the syringe can hold."""


@dataclass(frozen=True)
class Knob:
    """A number that a student sets.

    Attributes
    ----------
    name : str, as in a story
    label : str, as on the page
    unit : str, as on the page and in a recipe; empty for a ratio
    low, high : float, bounds [unit]
    value : float, at the start [unit]
    step : float, of a slider [unit, or decades if ``decades``]
    decades : bool, the slider goes by the logarithm
    live : bool, can be changed while a run goes on; the others start a new run
    ends : what lies at the left and at the right end, where the number alone does not tell
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    value: float
    step: float
    decades: bool = False
    live: bool = False
    ends: tuple[str, str] | None = None


KNOBS = {
    knob.name: knob
    for knob in (
        Knob("feed", "Injection rate", "mL/hour", 0.0, 60.0, 6.0, 0.1, live=True),
        Knob("temperature", "Temperature", "degC", 180.0, 340.0, 300.0, 1.0, live=True),
        Knob("diameter", "Seed diameter", "nm", 1.5, 6.0, 2.5, 0.1),
        Knob("width", "Seed width", "%", 0.0, 30.0, 12.0, 1.0),
        Knob("seeds", "Seeds", "mM", 0.0, 0.5, 0.1, 0.01),
        Knob("shot", "Shot at the start", "mL", 0.0, 10.0, 0.0, 0.5),
        Knob("solubility", "Solubility at 300 °C", "uM", 1e-3, 30.0, 1.0, 0.1, decades=True),
        Knob("surface_energy", "Surface energy", "J/m^2", 0.06, 0.25, 0.15, 0.01),
        Knob("surface_rate", "Surface rate", "nm/s", 1.0, 1e5, 1e5, 0.1, decades=True,
             ends=("reaction control", "diffusion control")),
        Knob("particles", "Dots simulated", "", 200.0, 20_000.0, 5000.0, 0.1, decades=True),
    )
}
"""Name -> knob, in the order of the page."""

FLASK_VOLUME, SYRINGE_VOLUME, STOCK = 7.5, 30.0, 70.4
"""Liquid in the flask at the start and in the syringe [mL], formula units in the stock of both syringes [mM]."""

UNITS_PER_DOT = 300
"""Formula units simulated for each of the dots asked for where there are no seeds [dimensionless]."""


def checked(name: str, value: Any, knobs: Mapping[str, Knob] = KNOBS) -> float:
    """A value of a knob within its bounds [unit of the knob].

    Raises
    ------
    BadInput : there is no such knob, or it cannot stand there.
    """
    if name not in knobs:
        raise BadInput(f'"{name}" is not a knob; there are {", ".join(knobs)}.')
    knob = knobs[name]
    return within(knob.label, value, knob.low, knob.high, knob.unit)


@dataclass(frozen=True)
class Setting:
    """All knobs at the start of a run.

    Attributes
    ----------
    values : knob -> value [unit of the knob]
    cluster : "monomer", "AMC" or "MSC"
    duration : longest course of the run [s]
    program : what changes by itself: minute [min], live knob, value [unit of the knob]
    """

    values: Mapping[str, float]
    cluster: str = "monomer"
    duration: float = 3600.0
    program: tuple[tuple[float, str, float], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any] | None = None) -> Setting:
        """A setting from names and values; what is left out is as usual.

        Raises
        ------
        BadInput : a name is not known, or a value cannot stand there.
        """
        rest = dict(given or {})
        cluster = rest.pop("cluster", "monomer")
        if cluster not in CLUSTERS:
            raise BadInput(f'cluster: "{cluster}" is not known; choose one of {", ".join(CLUSTERS)}.')
        duration = within("duration", rest.pop("duration", 3600.0), 60.0, 360_000.0, "s")
        if duration % 60.0:
            raise BadInput(f"duration: {duration:g} s is no whole number of minutes; give one.")
        program = tuple(_step(entry, duration) for entry in rest.pop("program", ()))
        values = {name: knob.value for name, knob in KNOBS.items()} | {n: checked(n, v) for n, v in rest.items()}
        if values["seeds"] == 0.0 and values["shot"] == 0.0 and values["feed"] == 0.0:
            raise BadInput("there are no seeds, no shot and no feed; set one of them above zero.")
        return cls(values, cluster, duration, program)

    @property
    def particles(self) -> int:
        """Seeds simulated [dimensionless]."""
        return round(self.values["particles"])

    @property
    def formula_units(self) -> int:
        """Matter simulated where there are no seeds [dimensionless]."""
        return UNITS_PER_DOT * self.particles


def _step(entry: Any, duration: float) -> tuple[float, str, float]:
    try:
        minute, name, value = entry
    except (TypeError, ValueError):
        raise BadInput(f"program: {entry} is not possible; give a minute, a knob and a value.") from None
    if name not in KNOBS or not KNOBS[name].live:
        raise BadInput(f'program: "{name}" cannot change in a run; feed and temperature can.')
    return within("program", minute, 0.0, duration / 60.0, "min"), name, checked(name, value)


def within(name: str, value: Any, low: float, high: float, unit: str) -> float:
    """A number within its bounds, all in ``unit``; BadInput with ``name`` where it is not."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        bounds = f"{low:g} to {high:g} {unit}".rstrip()
        raise BadInput(f"{name}: {value} is not possible; give a number from {bounds}.")
    return number


__all__ = ["CLUSTERS", "FLASK_VOLUME", "KNOBS", "STOCK", "SYRINGE_VOLUME", "UNITS_PER_DOT", "Knob", "Setting",
           "checked", "within"]
