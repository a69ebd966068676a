"""Models whose steps are worth leaping over, and runs that leap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from engines import UNLIKELY, sizes
from models import VOLUME, box, particles, sphere_tables
from scipy import stats

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun

SIX = 6.1
"""Standard errors of a Gaussian beyond which the two-sided p-value is below 1e-9."""

SPHERES = sphere_tables(0.5, 10.0, 2.0)
FAST = sphere_tables(5.0, 10.0, 2.0)


def leaping(model: Model, *seed: int, tolerance: float = 0.01) -> LeapRun:
    """A run that leaps even where it does not pay."""
    run = LeapRun(replace(model, tolerance=tolerance), np.random.default_rng(seed))
    run._kernel.always = True
    return run


def stiff(number: int = 400, **changes: Any) -> Model:
    """Spheres of 60 to 180 units that exchange hundreds of monomers for each that they gain or lose."""
    rng = np.random.default_rng(5)
    settings: dict[str, Any] = {
        "control_volume": number * VOLUME, "flask_volume": 1e6 * number * VOLUME, "tables": SPHERES,
        "seeds": particles(*rng.integers(60, 180, number).tolist()),
    }
    return box(14 * number, **(settings | changes))


def compare(
    model: Model, time: float, look: Callable[[Counts], tuple[float, ...]], runs: int, seed: int,
    tolerance: float = 0.01,
) -> None:
    """Means of what both engines show agree within what Student's t allows, p below 1e-9."""
    both = []
    for make in (ExactRun, LeapRun):
        found = []
        for k in range(runs):
            run = make(replace(model, tolerance=tolerance), np.random.default_rng([seed, k]))
            run.advance(time)
            found.append(look(run.counts()))
        both.append(np.array(found, dtype=float))
    assert run._kernel.leaps > 3
    exact, leap = both
    error = np.sqrt((exact.var(axis=0, ddof=1) + leap.var(axis=0, ddof=1)) / runs)
    gap = np.abs(exact.mean(axis=0) - leap.mean(axis=0))
    most = stats.t.isf(0.5 * UNLIKELY, 2 * runs - 2)
    assert np.all(gap <= most * error + 1e-12), (exact.mean(axis=0), leap.mean(axis=0), error)


def population(counts: Counts) -> tuple[float, ...]:
    """Number, mean and standard deviation of the size, monomers, supersaturation."""
    n = np.array(sizes(counts))
    return float(n.size), float(n.mean()), float(n.std()), float(counts.amounts[0]), counts.supersaturation
