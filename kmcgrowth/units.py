"""Quantities from text at the border: "6 mL/hour" in, SI floats out.

A regular expression splits the number from the unit. Only the unit goes to pint, once per unit text,
which gives a factor and an offset. Inside the package everything is SI.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any

from kmcgrowth.errors import BadInput

#: Dimension (as a pint unit text of the SI target) -> what it is called, and a right example.
DIMENSIONS: dict[str, tuple[str, str]] = {
    "s": ("a time", "2 hours"),
    "m": ("a length", "2.5 nm"),
    "K": ("a temperature", "300 degC"),
    "m^3": ("a volume", "7.5 mL"),
    "m^3/s": ("a volume per time", "6 mL/hour"),
    "mol/m^3": ("a concentration", "3.2 mM"),
    "m^2/s": ("a diffusion coefficient", "1e3 nm^2/s"),
    "m/s": ("a length per time", "1 nm/s"),
    "J/m^2": ("an energy per area", "0.15 J/m^2"),
    "J/m": ("an energy per length", "0.2 eV/nm"),
    "J/molecule": ("an energy per molecule or mole", "1.2 eV"),
    "1/s": ("a rate per time", "0.05 / s"),
    "m^3/mol/s": ("a second-order rate constant", "1e3 / M / s"),
    "1/m^3/s": ("a number per volume and time", "1e31 / m^3 / s"),
    "1/K": ("an inverse temperature", "9e-4 / K"),
    "Pa*s": ("a viscosity", "1.4 mPa s"),
    "1/m^3": ("a number per volume", "1e20 / m^3"),
    "mol": ("an amount of substance", "1 mmol"),
    "kg": ("a mass", "20 mg"),
    "m^2": ("an area", "1 nm^2"),
    "J": ("an energy", "1.2 eV"),
    "A*s": ("an electric charge", "1 C"),
    "V": ("a voltage", "1 V"),
    "1": ("a number without a unit", "0.5"),
}

# Only units met around a flask: loading all of pint's takes 20 times as long, and some of its rarer
# names ("units" is micro-nit) would accept slips of the pen.
_DEFINITIONS = (
    "femto- = 1e-15 = f-", "pico- = 1e-12 = p-", "nano- = 1e-9 = n-", "micro- = 1e-6 = µ- = μ- = u-",
    "milli- = 1e-3 = m-", "centi- = 1e-2 = c-", "deci- = 1e-1 = d-", "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-", "giga- = 1e9 = G-",
    "meter = [length] = m = metre", "second = [time] = s = sec", "gram = [mass] = g",
    "mole = [substance] = mol", "ampere = [current] = A", "kelvin = [temperature]; offset: 0 = K = degK",
    "degree_Celsius = kelvin; offset: 273.15 = degC = degreeC = celsius",
    "degree_Fahrenheit = 5 / 9 * kelvin; offset: 233.15 + 200 / 9 = degF = degreeF = fahrenheit",
    "minute = 60 * second = min", "hour = 3600 * second = h = hr", "day = 86400 * second = d",
    "week = 604800 * second", "angstrom = 1e-10 * meter = Å = Å", "liter = 1e-3 * meter ** 3 = L = l = litre",
    "cubic_centimeter = 1e-6 * meter ** 3 = cc",
    "molar = mole / liter = M", "molecule = mole / 6.02214076e23 = molec = particle",
    "dalton = 1.66053906892e-27 * kilogram = Da", "newton = kilogram * meter / second ** 2 = N",
    "joule = newton * meter = J", "electron_volt = 1.602176634e-19 * joule = eV", "calorie = 4.184 * joule = cal",
    "erg = 1e-7 * joule", "dyne = 1e-5 * newton = dyn", "watt = joule / second = W", "hertz = 1 / second = Hz",
    "pascal = newton / meter ** 2 = Pa", "bar = 1e5 * pascal", "coulomb = ampere * second = C",
    "volt = joule / coulomb = V",
)
_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*")
_NAME = r"[A-Za-zµμÅÅ°_]{1,24}"
_POWER = r"(?:\s*(?:\^|\*\*)\s*(?:-?\d{1,3}(?:\.\d{1,3})?|\(-?\d{1,3}(?:\.\d{1,3})?\))|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]{1,3})?"
_FACTOR = rf"(?:{_NAME}{_POWER}|\(\s*{_NAME}{_POWER}(?:\s*[*·/ ]\s*{_NAME}{_POWER})*\s*\){_POWER})"
_UNIT = re.compile(rf"(?:/\s*)?{_FACTOR}(?:\s*[*·/ ]\s*{_FACTOR}){{0,7}}")
_BIG = 2.0**20  # so large that the offset of a temperature scale leaves no round-off in the factor
_POWER_OF_CONCENTRATION = re.compile(r"\(mol/m\^3\)\^\(([-0-9.]+)\)(/s)?")
_SIGNS = str.maketrans({"℃": "°C", "℉": "°F", "−": "-", "×": "*"})
_COMMA = re.compile(r"(\s*[+-]?\d+),(\d+)(?![\d,])(.*)", re.DOTALL)
_INFINITE = re.compile(r"\s*\+?inf(?:inity)?\s*", re.IGNORECASE)


def shown(value: Any, limit: int = 60) -> str:
    """``value`` as it may stand in a one-line sentence: quoted text, clipped, no line breaks."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= limit else text[: limit - 4] + "..." + ('"' if text.startswith('"') else "")


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(list(_DEFINITIONS))


@lru_cache(maxsize=512)
def _parsed(unit: str) -> Any | None:
    """The pint unit of a text, None if the text is not a unit."""
    if not _UNIT.fullmatch(unit):
        return None
    text = unit.replace("·", "*")
    try:
        return _registry().parse_units("1" + text if text.startswith("/") else text)
    except Exception:  # pint raises errors of a dozen kinds, all meaning the same here
        return None


def _target(dimension: str) -> Any:
    registry = _registry()
    return registry.dimensionless if dimension in ("", "1") else registry.parse_units(dimension)


@lru_cache(maxsize=512)
def describe(dimension: str) -> tuple[str, str]:
    """What a dimension is called, and an example: ``("a volume", "7.5 mL")``."""
    if dimension in DIMENSIONS:
        return DIMENSIONS[dimension]
    if match := _POWER_OF_CONCENTRATION.fullmatch(dimension):
        power, per_time = float(match[1]), match[2] or ""
        unit = f"/ M^{-power:g}" if power < 0 else f"M^{power:g}"
        noun = f"a rate constant of order {1 - power:g}" if per_time else f"a concentration to the power {power:g}"
        return noun, f"1 {unit}{' / s' if per_time else ''}"
    unit = f"{_target(dimension):~C}".replace("**", "^")
    return f"a quantity in {unit}", f"1 {unit}" if not unit.startswith("1/") else f"1 {unit[1:]}"


@lru_cache(maxsize=512)
def _called(unit: str) -> str:
    """What a unit measures, in words; ``unit`` is known to pint."""
    dimensions = _parsed(unit).dimensionality  # type: ignore[union-attr]
    for text, (noun, _) in DIMENSIONS.items():
        if _target(text).dimensionality == dimensions and text != "J/molecule":
            return noun
    return f"in {unit}"


@lru_cache(maxsize=512)
def conversion(unit: str, dimension: str) -> tuple[float, float]:
    """Factor and offset that turn a number in ``unit`` into SI: ``number * factor + offset``.

    Parameters
    ----------
    unit : text such as "mL/hour"; empty for a plain number
    dimension : text of the SI target, such as "m^3/s"; "1" or "" for a plain number

    Returns
    -------
    (factor, offset) : floats [SI unit of the dimension]

    Raises
    ------
    BadInput : with a fragment that follows the quoted text: 'is a time, but a volume is needed, ...'.
    """
    noun, example = describe(dimension)
    needed = f"{noun} is needed, for example {shown(example)}."
    if unit == "":
        if dimension in ("", "1"):
            return 1.0, 0.0
        raise BadInput(f"has no unit; {needed}")
    parsed = _parsed(unit)
    if parsed is None:
        raise BadInput(f"has the unknown unit {shown(unit)}; {needed}")
    registry, target = _registry(), _target(dimension)
    if parsed.dimensionality != target.dimensionality:
        per_atom = registry.parse_units("J")
        if dimension != "J/molecule" or parsed.dimensionality != per_atom.dimensionality:
            raise BadInput(f"is {_called(unit)}, but {needed}")
        target = per_atom
    try:
        zero, big = (float(registry.Quantity(x, parsed).to(target).magnitude) for x in (0.0, _BIG))
    except Exception:
        raise BadInput(f"has a unit that cannot be converted; {needed}") from None
    # 15 digits: what 16 show beyond is round-off (a millilitre as 9.999999999999999e-07 m^3)
    return float(f"{(big - zero) / _BIG:.15g}"), zero


def split_quantity(text: str) -> tuple[float, str] | None:
    """The number of a text such as "6 mL/hour" and its unit as written; None if it is none."""
    match = _QUANTITY.fullmatch(text.translate(_SIGNS))
    if match is None or not match[2] or _parsed(match[2]) is None:
        return None
    value = float(match[1])
    return (value, match[2]) if math.isfinite(value) else None


def quantity(text: Any, dimension: str, where: str = "", *, infinite: bool = False) -> float:
    """A number with its unit, as a float in SI units.

    Parameters
    ----------
    text : str, such as "6 mL/hour"; a plain number where ``dimension`` is "1"
    dimension : str, SI target as pint writes it: "m^3", "K", "mol/m^3", "1/s", ...;
        "J/molecule" takes energies per molecule ("1.2 eV") and per mole ("18.6 kJ/mol")
    where : str, the key, put before the sentence of an error
    infinite : bool, whether "inf" alone is allowed

    Returns
    -------
    float [SI unit of the dimension; J per molecule for "J/molecule"]

    Raises
    ------
    BadInput : one sentence with the key, what was given and an example of a right unit.
    """
    head = f"{where}: " if where else ""
    noun, example = describe(dimension)
    plain = dimension in ("", "1")
    needed = f"{noun} is needed, for example {example if plain else shown(example)}."
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        if infinite and text == math.inf:
            return math.inf
        if not plain:
            raise BadInput(f"{head}{shown(text)} has no unit; {needed}")
        number, unit = str(float(text)) if abs(text) < 1e300 else "1e999", ""
        if not math.isfinite(text):
            raise BadInput(f"{head}{shown(text)} is not a finite number; {needed}")
    elif isinstance(text, str):
        if _INFINITE.fullmatch(text):
            if infinite:
                return math.inf
            raise BadInput(f"{head}{shown(text)} is not a finite number; {needed}")
        if comma := _COMMA.fullmatch(text):
            point = f"{comma[1].strip()}.{comma[2]}{comma[3]}"
            raise BadInput(f"{head}{shown(text)} has a decimal comma; write a point, {shown(point)}.")
        match = _QUANTITY.fullmatch(text.translate(_SIGNS))
        if match is None:
            what = "a number" if plain else "a number with a unit"
            raise BadInput(f"{head}{shown(text)} is not {what}; {needed}")
        number, unit = match.groups()
    else:
        raise BadInput(f"{head}{shown(text)} is not a quantity; {needed}")
    try:
        factor, offset = conversion(unit, dimension)
    except BadInput as error:
        raise BadInput(f"{head}{shown(text)} {error}") from None
    try:
        value = float(number) * factor + offset
    except ValueError:
        raise BadInput(f"{head}{shown(text)} is not a number with a unit; {needed}") from None
    if not math.isfinite(value):
        raise BadInput(f"{head}{shown(text)} is not a finite number; {needed}")
    return value
