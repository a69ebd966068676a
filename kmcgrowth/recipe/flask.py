"""What is in the flask at the start, and what goes in and out: [flask], [[seeds]], [[injection]], [[withdrawal]]."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, InstanceOf, ValidationInfo

from kmcgrowth.recipe.fields import (
    DIAMETER,
    TEMPERATURE,
    VOLUME,
    Contents,
    Part,
    amount,
    choice,
    number,
    read_amount,
    under,
)
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.recipe.programs import Diameters, Program, Schedule, read_diameters, read_rate, read_temperature


class Flask(Part):
    """The flask.

    Attributes
    ----------
    volume : float, liquid at the start [m^3]
    temperature : Program [K]
    contents : species -> concentration at the start [mol/m^3]
    expansion : float, relative volume change of the solvent per kelvin, from 25 degC [1/K]
    recovery_time : float or None, in which the flask regains its temperature after a shot [s]
    """

    keys: ClassVar = ("volume", "temperature", "contents", "expansion", "recovery_time")
    needs: ClassVar = {
        "volume": 'give the liquid at the start, for example "7.5 mL".',
        "temperature": 'give a constant or a program, for example "300 degC".',
    }
    volume: Annotated[float, amount("m^3", **VOLUME)]
    temperature: InstanceOf[Program]
    contents: Contents = Field(default_factory=dict)
    expansion: Annotated[float, amount("1/K", low=0.0)] = 0.0
    recovery_time: Annotated[float, amount("s", above=0.0)] | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read the temperature program."""
        read = under("temperature", lambda given: read_temperature(given, info), data["temperature"])
        return data | {"temperature": read}


class Seeds(Part):
    """Particles present at the start.

    Attributes
    ----------
    diameter : float or None, the mean (None with ``sizes``) [m]
    relative_std : float, standard deviation over mean of the diameters [dimensionless]
    shape : "normal" or "lognormal", of the diameters
    sizes : Diameters or None, measured ones to draw from
    concentration : float, of particles [mol/m^3]
    """

    keys: ClassVar = ("diameter", "relative_std", "shape", "sizes", "concentration")
    needs: ClassVar = {"concentration": 'give that of the particles, for example "0.1 mM".'}
    diameter: Annotated[float, amount("m", above=0.0, **DIAMETER)] | None = None
    relative_std: Annotated[float, number(lambda x: 0 <= x < 1, "a number from 0 to below 1")] = 0.0
    shape: Annotated[str, choice("normal", "lognormal")] = "normal"
    sizes: InstanceOf[Diameters] | None = None
    concentration: Annotated[float, amount("mol/m^3", above=0.0, most="10 mM")]

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read measured sizes; either these or a diameter."""
        if "sizes" not in data:
            if "diameter" not in data:
                raise Wrong('is missing; give the mean, for example "2.5 nm", or sizes = "file.csv".', "diameter")
            return data
        for key in ("diameter", "relative_std", "shape"):
            if key in data:
                raise Wrong('has no place beside "sizes", which holds the diameters; leave one of them out.', key)
        return data | {"sizes": under("sizes", lambda given: read_diameters(given, info), data["sizes"])}


class Injection(Part):
    """A syringe.

    Attributes
    ----------
    start : float, of the shot or of the flow [s]
    rate : Schedule or None, flow while the syringe holds anything; None is a shot at once [m^3/s]
    volume : float, in the syringe [m^3]
    contents : species -> concentration in the syringe [mol/m^3]
    temperature : float or None, of a shot that cools the flask [K]
    """

    keys: ClassVar = ("start", "rate", "volume", "contents", "temperature")
    needs: ClassVar = {"volume": 'give what the syringe holds, for example "9 mL".'}
    start: float = 0.0
    rate: InstanceOf[Schedule] | None = None
    volume: Annotated[float, amount("m^3", **VOLUME)]
    contents: Contents = Field(default_factory=dict)
    temperature: Annotated[float, amount("K", **TEMPERATURE)] | None = None

    @property
    def shot(self) -> bool:
        """Whether everything enters at ``start``."""
        return self.rate is None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read the rate; a schedule's times are absolute, and it may not push more than the syringe holds."""
        start = under("start", lambda given: read_amount(given, "s", low=0.0), data.get("start", "0 s"))
        if data.get("rate") is None:
            return data | {"start": start}
        rate = under("rate", lambda given: read_rate(given, start, info), data["rate"])
        if "temperature" in data:
            raise Wrong("is for a shot, which cools the flask at once; leave it or the rate out.", "temperature")
        if isinstance(data["rate"], list) or rate.times.size > 1:
            if start > 0.0:
                raise Wrong("has no place beside a schedule, whose times count from the start of the run.", "start")
            start = float(rate.times[0])
        volume = under("volume", lambda given: read_amount(given, "m^3", **VOLUME), data["volume"])
        pushed = rate.total()
        if rate.values[-1] == 0.0 and pushed > volume * (1.0 + 1e-9):
            raise Wrong(f"pushes {pushed * 1e6:.6g} mL in all, but the syringe holds {volume * 1e6:.6g} mL; "
                        "lower the rates or raise the volume.", "rate")
        return data | {"start": start, "rate": rate}


class Withdrawal(Part):
    """An aliquot.

    Attributes
    ----------
    time : float [s]
    volume : float [m^3]
    """

    keys: ClassVar = ("time", "volume")
    needs: ClassVar = {"time": 'give one, for example "30 min".', "volume": 'give one, for example "0.2 mL".'}
    time: Annotated[float, amount("s", low=0.0)]
    volume: Annotated[float, amount("m^3", **VOLUME)]
