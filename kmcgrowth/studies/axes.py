"""What a study varies: lists, ranges and companions that move along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmcgrowth.recipe.changes import split_key
from kmcgrowth.recipe.fields import read_choice, read_whole
from kmcgrowth.recipe.problems import Wrong, check_keys
from kmcgrowth.units import shown, split_quantity

MOST = 10_000_000
"""Points of a study."""

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Range:
    """Evenly spaced numbers of one unit, or evenly spaced logarithms.

    Attributes
    ----------
    low, high : float, first and last, in ``unit``
    unit : str, "" for a plain number
    log : bool
    whole : bool, whether the values are rounded to whole numbers
    """

    low: float
    high: float
    unit: str = ""
    log: bool = False
    whole: bool = False

    def at(self, share: Any) -> Any:
        """Numbers at shares 0 to 1 of the way."""
        if self.log:
            number = self.low * (self.high / self.low) ** share
        else:
            number = self.low + share * (self.high - self.low)
        return np.rint(number) if self.whole else number

    def written(self, share: float) -> Any:
        """The value at a share of the way as it stands in a recipe."""
        number = float(f"{float(self.at(share)):.12g}")
        if self.unit:
            return f"{number:.12g} {self.unit}"
        return int(number) if self.whole else number


@dataclass(frozen=True)
class Axis:
    """One key that a study varies, and the keys that move along with it.

    Attributes
    ----------
    key : str, dotted
    values : tuple of what the recipe gets, empty for a range that is sampled
    companions : other key -> as many values
    range, ranges : the range that is sampled, of the key and of its companions
    label : str, for a figure
    labels : tuple of str, one for each value, or empty
    """

    key: str
    values: tuple[Any, ...] = ()
    companions: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    range: Range | None = None
    ranges: dict[str, Range] = field(default_factory=dict)
    label: str = ""
    labels: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that move together."""
        return (self.key, *self.companions, *self.ranges)

    def changes(self, step: int) -> dict[str, Any]:
        """Key -> value at one of the values."""
        return {self.key: self.values[step]} | {key: values[step] for key, values in self.companions.items()}

    def sampled(self, share: float) -> dict[str, Any]:
        """Key -> value at a share of the range, or of the list."""
        if self.range is None:
            return self.changes(min(int(share * len(self.values)), len(self.values) - 1))
        return {self.key: self.range.written(share)} | {key: r.written(share) for key, r in self.ranges.items()}


def coordinate(values: Sequence[Any], labels: Sequence[str] = ()) -> tuple[list[Any], str]:
    """Numbers with the unit they share, or else texts without one, for a list of a recipe's values."""
    if labels:
        return list(labels), ""
    found = [number_of(value) for value in values]
    units = {unit for _, unit in found}
    if all(number is not None for number, _ in found) and len(units) == 1:
        return [number for number, _ in found], units.pop()
    texts = [value if isinstance(value, str) else shown(value, 200) for value in values]
    return texts, ""


def number_of(value: Any) -> tuple[float | None, str]:
    """The number and the unit of a recipe's value; None where it is something else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value), ""
    found = split_quantity(value) if isinstance(value, str) else None
    return found if found is not None else (None, "")


def read_axis(key: str, given: Any, sampled: bool) -> Axis:
    """An axis as it stands in a study file.

    Raises
    ------
    Wrong : relative to the axis.
    """
    split_key(key)
    if isinstance(given, list):
        return Axis(key, _listed(given))
    check_keys(given, ("values", "from", "to", "number", "scale", "with", "label", "labels"))
    label = given.get("label", "")
    if not isinstance(label, str):
        raise Wrong(f"{shown(label)} is not text; write it in quotation marks.", "label")
    companions = given.get("with", {})
    if not isinstance(companions, Mapping):
        example = 'with = { "simulation.duration" = [...] }'
        raise Wrong(f"is not a table; write keys and their values, for example {example}.", "with")
    if "values" in given:
        values = _listed(given["values"], "values")
        if odd := sorted(set(given) & {"from", "to", "number", "scale"}):
            raise Wrong("does not go together with values; leave one of both out.", odd[0])
        labels = given.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(x, str) for x in labels):
            raise Wrong("is not a list of texts; write one for each value.", "labels")
        if labels and (len(labels) != len(values) or len(set(labels)) < len(labels)):
            raise Wrong(f"has {len(labels)} texts for {len(values)} values; write a different one for each.", "labels")
        return Axis(key, values, _companions(companions, len(values)), label=label, labels=tuple(labels))
    if "labels" in given:
        raise Wrong("goes together with a list of values, not with a range.", "labels")
    own = _range(given)
    if sampled:
        if "number" in given:
            raise Wrong("has no place where the points are sampled; write it into [sampling].", "number")
        return Axis(key, range=own, ranges={k: _under(k, v, ("from", "to", "scale")) for k, v in companions.items()},
                    label=label)
    if "number" not in given:
        raise Wrong("is missing; say how many values there are from one end to the other.", "number")
    number = _whole(given["number"])
    shares = np.linspace(0.0, 1.0, number)
    values = tuple(own.written(x) for x in shares)
    return Axis(key, values, _companions(companions, number), label=label)


def _listed(given: Any, *path: str) -> tuple[Any, ...]:
    if not isinstance(given, list) or not given:
        raise Wrong(f"{shown(given)} is not a list of values; write one such as [\"2 mL/hour\", \"6 mL/hour\"].", *path)
    for i, value in enumerate(given):
        if value in given[:i]:
            raise Wrong(f"{shown(value)} stands there twice.", *path, str(i))
    return tuple(given)


def _companions(given: Mapping[str, Any], number: int) -> dict[str, tuple[Any, ...]]:
    found = {}
    for key, value in given.items():
        split_key(key)
        if isinstance(value, list):
            values = tuple(value)
        else:
            own = _under(key, value, ("from", "to", "scale"))
            values = tuple(own.written(x) for x in np.linspace(0.0, 1.0, number))
        if len(values) != number:
            raise Wrong(f"has {len(values)} values, but {number} are needed to go along.", "with", key)
        found[key] = values
    return found


def _under(key: str, given: Any, keys: tuple[str, ...]) -> Range:
    try:
        check_keys(given, keys)
        return _range(given)
    except Wrong as wrong:
        raise Wrong(wrong.sentence, "with", key, *wrong.path) from None


def _range(given: Mapping[str, Any]) -> Range:
    ends = []
    for key in ("from", "to"):
        if key not in given:
            raise Wrong('is missing; a range has two ends, for example { from = "2 mL/hour", to = "60 mL/hour" }.', key)
        number, unit = number_of(given[key])
        if number is None:
            raise Wrong(f"{shown(given[key])} is no number with a unit, so nothing lies in between; write a list.", key)
        ends.append((number, unit))
    (low, unit), (high, other) = ends
    if unit != other:
        raise Wrong(f"{shown(given['to'])} has another unit than {shown(given['from'])}; write both in one.", "to")
    log = _read("scale", lambda x: read_choice(x, SCALES), given.get("scale", "linear")) == "log"
    if log and min(low, high) <= 0.0:
        raise Wrong("a range on a logarithmic scale lies above zero.", "from" if low <= 0.0 else "to")
    if low == high:
        raise Wrong("both ends are the same.", "to")
    whole = all(isinstance(given[k], int) for k in ("from", "to"))
    return Range(low, high, unit, log, whole)


def _whole(given: Any) -> int:
    return int(_read("number", lambda x: read_whole(x, 2, MOST), given))


def _read(key: str, read: Any, given: Any) -> Any:
    try:
        return read(given)
    except Wrong as wrong:
        raise Wrong(wrong.sentence, key, *wrong.path) from None


__all__ = ["MOST", "Axis", "Range", "coordinate", "number_of", "read_axis"]
