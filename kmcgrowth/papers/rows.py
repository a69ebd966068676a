"""The rows: what is reported, how well it must be met, and what was put in."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

STATUS = ("holds", "fitted", "imposed", "fails")
KINDS = ("prediction", "imposed")


@dataclass(frozen=True)
class Check:
    """One number of a row.

    Attributes
    ----------
    name : what is compared
    published : what the paper reports, or the number that stands for its words
    low, high : between which the simulated number counts as agreement, both included; infinite where there is no limit
    unit : of all four, empty for a plain number
    kind : "prediction", or "imposed" where the number follows from the row's inputs
    """

    name: str
    published: float
    low: float
    high: float
    unit: str
    kind: str

    def met(self, measured: float) -> bool:
        """Whether a measured number agrees; one that is not finite never does."""
        return math.isfinite(measured) and self.low <= measured <= self.high


@dataclass(frozen=True)
class Row:
    """One experiment.

    Attributes
    ----------
    id, title, source : of the experiment
    inputs : what is put in
    calibrates : numbers of the row that a parameter was fitted to
    checks : what is compared
    """

    id: str
    title: str
    source: str
    inputs: tuple[str, ...]
    calibrates: tuple[str, ...]
    checks: tuple[Check, ...]

    def judge(self, measured: Mapping[str, float]) -> str:
        """One of ``STATUS``, from the measured number of every check by its name."""
        if not all(check.met(measured[check.name]) for check in self.checks):
            return "fails"
        if self.calibrates:
            return "fitted"
        return "holds" if any(check.kind == "prediction" for check in self.checks) else "imposed"


@dataclass(frozen=True)
class Outcome:
    """What came out of a row.

    Attributes
    ----------
    row : Row
    status : one of ``STATUS``
    measured : name of a check -> number
    seconds : that the row took [s]
    note : what else is to be said, or empty
    """

    row: Row
    status: str
    measured: dict[str, float]
    seconds: float
    note: str = ""

    def line(self) -> str:
        """``ID status measured published`` in one line, every number under its name."""
        measured = "; ".join(f"{c.name} {number(self.measured[c.name], c.unit)}" for c in self.row.checks)
        published = "; ".join(wanted(c) for c in self.row.checks)
        return f"{self.row.id} {self.status} {measured} | {published}"


def number(value: float, unit: str = "") -> str:
    """A number with its unit, short."""
    return f"{value:.4g} {unit}".rstrip()


def wanted(check: Check) -> str:
    """What a check asks for: the published number where it lies between two limits, else the limit."""
    if math.isinf(check.low):
        return f"at most {number(check.high, check.unit)}"
    if math.isinf(check.high):
        return f"at least {number(check.low, check.unit)}"
    if check.low == check.high:
        return number(check.low, check.unit)
    return f"{number(check.published, check.unit)} ({check.low:.4g} to {check.high:.4g})"


@cache
def load_rows() -> dict[str, Row]:
    """Every row by its name, in the order of the file."""
    text = resources.files("kmcgrowth.papers").joinpath("rows.toml").read_text(encoding="utf-8")
    return {entry["id"]: _row(entry) for entry in tomllib.loads(text)["row"]}


def _row(entry: dict[str, Any]) -> Row:
    checks = tuple(
        Check(c["name"], float(c["published"]), float(c.get("low", -math.inf)), float(c.get("high", math.inf)),
              c.get("unit", ""), c["kind"])
        for c in entry["check"]
    )
    return Row(entry["id"], entry["title"], entry["source"], tuple(entry["inputs"]), tuple(entry["calibrates"]), checks)
