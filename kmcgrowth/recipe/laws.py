"""Values that may depend on temperature, and the surface rate that may depend on size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict

from kmcgrowth.physics.arrhenius import rate as arrhenius
from kmcgrowth.recipe.fields import TEMPERATURE, read_amount, read_energy, read_number
from kmcgrowth.recipe.problems import Wrong, check_keys

LAW_KEYS = ("value", "at", "activation_energy")
SIZE_KEYS = ("exponent", "reference_diameter")


class TemperatureLaw(BaseModel):
    """A value with an Arrhenius (or van 't Hoff) temperature law.

    Attributes
    ----------
    value : float, at the temperature ``at`` [SI unit of the quantity; may be inf where a limit makes sense]
    at : float or None [K]
    activation_energy : float [J per molecule]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: float
    at: float | None = None
    activation_energy: float = 0.0

    @property
    def has_temperature(self) -> bool:
        """Whether the recipe states how the value depends on temperature (a stated zero counts)."""
        return "activation_energy" in self.model_fields_set

    def __call__(self, temperature: Any) -> Any:
        """The value at a temperature [K], a float or an array."""
        if self.at is None or self.activation_energy == 0.0:
            return self.value + np.zeros_like(temperature, dtype=float)[()]
        return arrhenius(temperature, self.value, self.at, self.activation_energy)


class SurfaceRateLaw(TemperatureLaw):
    """A surface rate that may also depend on size, k_s(d) = k_s (d / reference_diameter)^(-exponent).

    Attributes
    ----------
    exponent : float, positive where larger particles are less reactive ("superfocusing") [dimensionless]
    reference_diameter : float or None, the diameter at which ``value`` holds [m]
    """

    exponent: float = 0.0
    reference_diameter: float | None = None


def make_law(
    value: Any, dimension: str, *, at: Any = None, activation_energy: Any = None, **limits: Any
) -> TemperatureLaw:
    """A law from its three texts.

    Raises
    ------
    Wrong : with "value", "at" or "activation_energy" as its path.
    """
    parsed: dict[str, float] = {}
    parts: list[tuple[str, Any, Callable[[Any], float]]] = [
        ("value", value, lambda given: read_amount(given, dimension, **limits))]
    if at is not None:
        parts.append(("at", at, lambda given: read_amount(given, "K", **TEMPERATURE)))
    if activation_energy is not None:
        parts.append(("activation_energy", activation_energy, read_energy))
    for key, given, read in parts:
        try:
            parsed[key] = read(given)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, key) from None
    if "activation_energy" in parsed and "at" not in parsed:
        raise Wrong('is missing; an activation energy needs the temperature of the value, for example "300 degC".',
                    "at")
    return TemperatureLaw(**parsed)


def read_law(given: Any, dimension: str, *, size: bool = False, **limits: Any) -> TemperatureLaw:
    """A law from plain text, or from a table ``{ value, at, activation_energy }`` (with a size law if ``size``)."""
    if isinstance(given, TemperatureLaw):
        return given
    if not isinstance(given, Mapping):
        try:
            law = make_law(given, dimension, **limits)
        except Wrong as wrong:
            raise Wrong(wrong.sentence) from None
        return SurfaceRateLaw(value=law.value) if size else law
    check_keys(given, LAW_KEYS + SIZE_KEYS if size else LAW_KEYS)
    if "value" not in given:
        raise Wrong('is missing; write { value = "...", at = "...", activation_energy = "..." }.', "value")
    table = {key: given[key] for key in LAW_KEYS if key in given}
    law = make_law(table.pop("value"), dimension, **table, **limits)
    return _with_size(law, given) if size else law


def _with_size(law: TemperatureLaw, given: Mapping[str, Any]) -> SurfaceRateLaw:
    parts: dict[str, float] = law.model_dump(exclude_unset=True)
    for key in SIZE_KEYS:
        if key not in given:
            continue
        try:
            if key == "exponent":
                parts[key] = read_number(given[key], lambda x: abs(x) <= 20, "a number from -20 to 20")
            else:
                parts[key] = read_amount(given[key], "m", above=0.0)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, key) from None
    for key, other in (SIZE_KEYS, SIZE_KEYS[::-1]):
        if key in parts and other not in parts:
            raise Wrong(f'is missing; a size law needs "exponent" and "reference_diameter" ("{key}" is given).', other)
    return SurfaceRateLaw(**parts)


def temperature_law(dimension: str, **options: Any) -> BeforeValidator:
    """Validator for a law of a dimension."""
    return BeforeValidator(lambda given: read_law(given, dimension, **options))


def merged_law(data: dict[str, Any], dimension: str, value: str = "rate", at: str = "at",
               energy: str = "activation_energy", **limits: Any) -> TemperatureLaw:
    """A law from keys that stand side by side in a table; they are taken out of ``data``."""
    given, t, e = data.pop(value), data.pop(at, None), data.pop(energy, None)
    if isinstance(given, Mapping):
        for key, extra in ((at, t), (energy, e)):
            if extra is not None:
                raise Wrong(f'stands beside "{value}" and inside it; write it once.', key)
        try:
            return read_law(given, dimension, **limits)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, value, *wrong.path) from None
    try:
        return make_law(given, dimension, at=t, activation_energy=e, **limits)
    except Wrong as wrong:
        names: dict[str | int, str] = {"value": value, "at": at, "activation_energy": energy}
        raise Wrong(wrong.sentence, *(names[p] for p in wrong.path)) from None
