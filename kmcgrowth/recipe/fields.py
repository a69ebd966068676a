"""Kinds of values in a recipe: quantities, whole numbers, plain numbers, choices, tables."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_validator

from kmcgrowth.errors import BadInput
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE
from kmcgrowth.recipe.problems import Wrong, check_keys, nearest
from kmcgrowth.units import describe, quantity, shown

MOST_ENERGY, LEAST_ENERGY = 20.0, 1e-6
"""Activation energies and enthalpies of one event lie between these, or are zero [eV]."""

TEMPERATURE: dict[str, Any] = {"above": 0.0, "most": "1500 K"}
VOLUME: dict[str, Any] = {"above": 0.0, "most": "1000 L"}
CONCENTRATION: dict[str, Any] = {"low": 0.0, "most": "100 M"}
DIAMETER: dict[str, Any] = {"least": "0.5 nm", "most": "100 nm"}
"""Limits that no flask passes: hot above metals, larger than plants, denser than water, less than two formula units
or so large that its table of sizes fills the memory."""

_NUMBER = re.compile(r"\s*([+-]?\d{1,9}(?:[.,]\d{1,9})?)\s*(%?)\s*")


class Part(BaseModel):
    """A table of a recipe, frozen once read.

    Attributes
    ----------
    keys : what a user may write in this table
    needs : what a user must write -> the end of the sentence "is missing; ..."
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    keys: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any, info: ValidationInfo) -> Any:
        check_keys(data, cls.keys)
        for key, hint in cls.needs.items():
            if key not in data:
                raise Wrong(f"is missing; {hint}", key)
        return cls.prepare(dict(data), info)

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Turn what the user wrote (known keys only) into the fields of the model."""
        return data


def under(key: str, read: Callable[[Any], Any], given: Any, *above: str) -> Any:
    """``read(given)``, with the key in front of any mistake."""
    try:
        return read(given)
    except Wrong as wrong:
        raise Wrong(wrong.sentence, *above, key, *wrong.path) from None


def in_range(
    value: float, given: Any, dimension: str, *, low: float | None = None, above: float | None = None,
    least: str = "", most: str = "",
) -> float:
    """``value``, if it is at least ``low`` or more than ``above`` (zero or a temperature), and plausible.

    ``least`` and ``most`` are quantities beyond which a slip in the unit is the only explanation.
    """
    noun, example = describe(dimension)
    example = example if dimension == "1" else shown(example)
    if above is not None and not value > above:
        zero = "absolute zero" if dimension == "K" else "zero"
        raise Wrong(f"{shown(given)} is not above {zero}; {noun} above {zero} is needed, for example {example}.")
    if low is not None and value < low:
        raise Wrong(f"{shown(given)} is negative; {noun} of zero or more is needed, for example {example}.")
    for limit, word, beyond in ((least, "at least", value.__lt__), (most, "at most", value.__gt__)):
        if limit and beyond(quantity(limit, dimension)):
            raise Wrong(f"{shown(given)} is out of range; {noun} of {word} {limit} is needed, for example {example}.")
    return value


def read_amount(
    given: Any,
    dimension: str,
    *,
    low: float | None = None,
    above: float | None = None,
    infinite: bool = False,
    least: str = "",
    most: str = "",
) -> float:
    """A quantity with its unit, in SI, within its range."""
    try:
        value = quantity(given, dimension, infinite=infinite)
    except BadInput as error:
        raise Wrong(str(error)) from None
    return in_range(value, given, dimension, low=low, above=above, least=least, most=most)


def read_energy(given: Any) -> float:
    """The energy of a single event; one that only a forgotten or needless "/mol" explains is refused."""
    value = read_amount(given, "J/molecule")
    size, text = abs(value) / ELEMENTARY_CHARGE, str(given).strip()
    if size > MOST_ENERGY:
        fault, meant = f"more than {MOST_ENERGY:g} eV", f"{text}/mol" if "/" not in text else ""
    elif 0.0 < size < LEAST_ENERGY:
        fault, meant = "as good as nothing", text.partition("/")[0].strip() if "/" in text else ""
    else:
        return value
    cure = f"is {shown(meant)} what is meant?" if meant else 'one such as "1.2 eV" or "107 kJ/mol" is needed.'
    raise Wrong(f"{shown(given)} is {size:.2g} eV for one event, {fault}; {cure}")


def amount(dimension: str, **limits: Any) -> BeforeValidator:
    """Validator for a quantity of a dimension."""
    return BeforeValidator(lambda given: read_amount(given, dimension, **limits))


def read_whole(given: Any, low: int, high: int = 2**62) -> int:
    """A whole number from ``low`` to ``high``."""
    whole = isinstance(given, int) and not isinstance(given, bool)
    if isinstance(given, float) and math.isfinite(given) and given == int(given):
        given, whole = int(given), True
    if not whole:
        raise Wrong(f"{shown(given)} is not a whole number; one of at least {low} is needed.")
    if not low <= given <= high:
        limit = f"at least {low}" if given < low else f"at most {high}"
        raise Wrong(f"{shown(given)} is out of range; a whole number of {limit} is needed.")
    return int(given)


def whole(low: int, high: int = 2**62) -> BeforeValidator:
    """Validator for a whole number."""
    return BeforeValidator(lambda given: read_whole(given, low, high))


def read_number(given: Any, fits: Callable[[float], bool], needed: str) -> float:
    """A plain number for which ``fits`` holds; ``needed`` says which: "a number above 0 ..."."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        hint = _plain(given)
        raise Wrong(f"{shown(given)} is not a plain number; {f'write {hint}' if hint else f'{needed} is needed'}.")
    try:
        value = float(given)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value) or not fits(value):
        raise Wrong(f"{shown(given)} is out of range; {needed} is needed.")
    return value


def _plain(given: Any) -> str:
    """The plain number that a text such as "12 %", "0,12" or "0.12" stands for; nothing where there is none."""
    found = _NUMBER.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        return ""
    return f"{float(found[1].replace(',', '.')) / (100.0 if found[2] else 1.0):.6g}"


def number(fits: Callable[[float], bool], needed: str) -> BeforeValidator:
    """Validator for a plain number."""
    return BeforeValidator(lambda given: read_number(given, fits, needed))


def read_choice(given: Any, known: tuple[str, ...]) -> str:
    """One of a few words."""
    if isinstance(given, str) and given in known:
        return given
    listed = ("one of " if len(known) > 1 else "") + ", ".join(f'"{k}"' for k in known)
    hint = nearest(given, known, otherwise="x") if isinstance(given, str) else "x"
    raise Wrong(f"{shown(given)} is not known; {hint if hint != 'x' else f'use {listed}.'}")


def choice(*known: str) -> BeforeValidator:
    """Validator for one of a few words."""
    return BeforeValidator(lambda given: read_choice(given, known))


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise Wrong(f"{shown(given)} is not text; write it in quotation marks.")
    return given


def _contents(given: Any) -> dict[str, float]:
    if not isinstance(given, Mapping):
        example = '{ AMC = "3.2 mM" }'
        raise Wrong(f"{shown(given)} is not a table; write species and concentrations, for example {example}.")
    amounts: dict[str, float] = {}
    for name, value in given.items():
        try:
            amounts[str(name)] = read_amount(value, "mol/m^3", **CONCENTRATION)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, str(name)) from None
    return amounts


def _tables(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        raise Wrong("is written as one table; each one is an entry of a list: use double brackets, [[...]].")
    if not isinstance(given, list):
        raise Wrong(f"{shown(given)} is not a list of tables; use double brackets, [[...]].")
    return given


Text = Annotated[str, BeforeValidator(_text)]
Contents = Annotated[dict[str, float], BeforeValidator(_contents)]
Tables = BeforeValidator(_tables)
