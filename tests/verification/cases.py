"""What a verification case is, what it finds, and the engines it can be run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from kmcgrowth.model.run import Counts, Run
from kmcgrowth.model.types import FloatArray, IntArray, Model

ENGINES: dict[str, str] = {
    "exact": "kmcgrowth.reactor.exact:ExactRun",
    "leap": "kmcgrowth.reactor.leap:LeapRun",
    "balance": "kmcgrowth.reactor.balance:BalanceRun",
    "twin": "kmcgrowth.reactor.twin:TwinRun",
    "lattice": "kmcgrowth.lattice.run:LatticeRun",
}
"""Name -> class of the engine. A new engine is one line here, and its name in ``Case.engines`` where it applies."""

USUAL = ("exact", "lattice")
"""Engines that are run where none is asked for: the stirred reactor event by event, and the lattice."""

ALL = ("exact", "leap", "balance")
"""Engines that can follow many particles through many events."""

STOCHASTIC = tuple(name for name in ENGINES if name not in ("balance", "twin", "lattice"))
"""Engines that show single particles of the stirred reactor; the twin is too slow for many runs."""

UNLIKELY = 1e-9
"""Smallest p-value that holds: a right engine fails a check of this kind once in 10^9 choices of the seed."""

SIX = 6.1
"""Standard errors of a Gaussian beyond which the two-sided p-value is below ``UNLIKELY``."""


@dataclass(frozen=True)
class Check:
    """One number held against what it should be.

    Attributes
    ----------
    what : quantity, with its unit
    expected, measured : as text
    allowed : the tolerance or the p-value, as text
    reason : where the expected value and the tolerance come from
    holds : verdict
    """

    what: str
    expected: str
    measured: str
    allowed: str
    reason: str
    holds: bool


def near(
    what: str,
    measured: float,
    expected: float,
    reason: str,
    *,
    within: float | None = None,
    share: float | None = None,
) -> Check:
    """A number within an absolute (``within``) or relative (``share``) tolerance of the expected one."""
    if within is None:
        assert share is not None
        holds, allowed = abs(measured - expected) <= share * abs(expected), f"{100.0 * share:.3g} %"
    else:
        holds, allowed = abs(measured - expected) <= within, f"{within:.3g}"
    return Check(what, f"{expected:.5g}", f"{measured:.5g}", f"within {allowed}", reason, bool(holds))


def between(what: str, measured: float, low: float, high: float, reason: str) -> Check:
    """A number in an interval, ends included."""
    return Check(what, f"{low:.4g} to {high:.4g}", f"{measured:.5g}", "inside", reason, bool(low <= measured <= high))


def likely(what: str, p: float, reason: str, *, expected: str, measured: str, least: float = UNLIKELY) -> Check:
    """A hypothesis that the data do not contradict: p-value of at least ``least``."""
    return Check(what, expected, measured, f"p = {p:.2g} (least {least:.0e})", reason, bool(p >= least))


def certain(what: str, holds: bool, reason: str, *, expected: str, measured: str) -> Check:
    """Something that must be so without any tolerance."""
    return Check(what, expected, measured, "exactly", reason, bool(holds))


def spread(counts: Counts) -> tuple[IntArray, FloatArray]:
    """Sizes that occur and how many particles have each, whatever their origin; an engine may give expected numbers."""
    return counts.sizes, np.asarray(counts.seed + counts.nucleated, dtype=float)


def mean_and_variance(values: FloatArray, number: FloatArray) -> tuple[float, float]:
    """Of ``number`` particles that have each of ``values``."""
    mean = float(np.average(values, weights=number))
    return mean, float(np.average((values - mean) ** 2, weights=number))


@dataclass
class Bench:
    """What a case works with: an engine, the effort it may make, and a place for its figures.

    Attributes
    ----------
    engine : name in ``ENGINES``
    fast : True for the short variant, a few seconds at most
    drawings : title -> function that draws on a matplotlib Axes
    """

    engine: str = "exact"
    fast: bool = False
    drawings: dict[str, Callable[[Any], None]] = field(default_factory=dict)

    def run(self, model: Model, *seed: int) -> Run:
        """A fresh run of the engine with its own stream."""
        return start(self.engine, model, *seed)

    def draw(self, title: str, function: Callable[[Any], None]) -> None:
        """Offer a figure; it is only drawn with ``--plots`` and ``--report``."""
        self.drawings[title] = function


def start(engine: str, model: Model, *seed: int) -> Run:
    """A fresh run of ``model`` under ``engine``, with the stream of ``seed``."""
    module, _, name = ENGINES[engine].partition(":")
    make: Callable[[Model, np.random.Generator], Run] = getattr(import_module(module), name)
    return make(model, np.random.default_rng(seed))


@dataclass(frozen=True)
class Case:
    """A named verification.

    Attributes
    ----------
    name : as given on the command line
    what : one line
    body : makes the checks
    engines : names of the engines it applies to
    """

    name: str
    what: str
    body: Callable[[Bench], list[Check]]
    engines: tuple[str, ...] = ("exact",)


@dataclass(frozen=True)
class Finding:
    """What a case found on an engine.

    Attributes
    ----------
    case : Case
    engine : name in ``ENGINES``
    checks : in their order
    seconds : that it took
    drawings : title -> function that draws on a matplotlib Axes
    """

    case: Case
    engine: str
    checks: tuple[Check, ...]
    seconds: float
    drawings: dict[str, Callable[[Any], None]]

    @property
    def title(self) -> str:
        """Name of the case, and of the engine if it is not the usual one."""
        return self.case.name if self.engine in USUAL else f"{self.case.name} ({self.engine})"

    @property
    def holds(self) -> bool:
        """Whether all checks do."""
        return all(check.holds for check in self.checks)


CASES: dict[str, Case] = {}
"""All cases in the order in which their modules are imported."""


def case(
    name: str, what: str, *, engines: tuple[str, ...] = ("exact",)
) -> Callable[[Callable[[Bench], list[Check]]], Callable[[Bench], list[Check]]]:
    """Register the decorated function as the body of a case."""

    def register(body: Callable[[Bench], list[Check]]) -> Callable[[Bench], list[Check]]:
        assert name not in CASES, f"two cases are called {name}"
        CASES[name] = Case(name, what, body, engines)
        return body

    return register


THEMES = (
    "ripening",
    "feeding",
    "noise",
    "regimes",
    "coalescing",
    "equilibrium",
    "conversion",
    "births",
    "inas",
    "explicit",
    "books",
    "independence",
    "small_systems",
    "against_twin",
    "tolerance",
    "system_size",
    "stress",
    "lattice",
    "lattice_steps",
    "lattice_surface",
    "lattice_sizes",
    "lattice_growth",
    "lattice_books",
    "lattice_walk",
)
"""Modules that hold the cases."""


def load() -> dict[str, Case]:
    """All cases in the order of their themes, their modules imported."""
    for theme in THEMES:
        import_module(f"verification.{theme}")
    homes = [f"verification.{theme}" for theme in THEMES]
    return dict(sorted(CASES.items(), key=lambda item: homes.index(item[1].body.__module__)))
