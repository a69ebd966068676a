"""The stochastic engines of the reactor, and how a test draws from them and judges what it got."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from kmcgrowth.model.run import Counts, Run
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.twin import TwinRun

UNLIKELY = 1e-9
"""A test of an engine that is right fails with about this probability, once for all as the seeds are fixed."""


@dataclass(frozen=True)
class Engine:
    """An engine, and how many times more repetitions it can afford than the twin."""

    name: str
    make: Callable[[Model, np.random.Generator], Run]
    speed: int

    def run(self, model: Model, *seed: int) -> Run:
        """A fresh run with its own stream."""
        return self.make(model, np.random.default_rng(seed))

    def repeat(self, model: Model, time: float, what: Callable[[Counts], Any], times: int, seed: int) -> list[Any]:
        """``what(counts)`` at ``time`` in ``times * speed`` independent runs."""
        found = []
        for k in range(times * self.speed):
            run = self.run(model, seed, k)
            run.advance(time)
            found.append(what(run.counts()))
        return found


def engines() -> list[Engine]:
    """The twin, and the compiled engine where it is built."""
    found = [Engine("twin", TwinRun, 1)]
    try:
        exact = importlib.import_module("kmcgrowth.reactor.exact").ExactRun
    except (ImportError, AttributeError):
        return found
    return [*found, Engine("exact", exact, 2)]


def sizes(counts: Counts) -> tuple[int, ...]:
    """Formula units of every particle, sorted."""
    each = np.repeat(counts.sizes, np.asarray(counts.seed + counts.nucleated, dtype=np.int64))
    return tuple(int(n) for n in each)


def assert_distributed(found: list[Any], expected: Mapping[Any, float], least: float = 10.0) -> None:
    """Chi-square test of independent draws; cells are merged until each expects at least ``least``."""
    assert abs(sum(expected.values()) - 1.0) < 1e-6
    seen = Counter(found)
    impossible: set[Hashable] = set(seen) - set(expected)
    assert not impossible, f"impossible outcomes: {impossible}"
    cells: list[list[float]] = [[0.0, 0.0]]
    for value in sorted(expected, key=lambda v: expected[v]):
        if cells[-1][1] >= least:
            cells.append([0.0, 0.0])
        cells[-1][0] += seen[value]
        cells[-1][1] += expected[value] * len(found)
    observed, wanted = np.array(cells).T
    assert len(cells) > 1, "nothing to compare"
    assert stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue > UNLIKELY


def assert_binomial(found: list[int], trials: int, probability: float) -> None:
    """Every draw is binomial: the sum by its exact law, the values by chi-square."""
    total = stats.binomtest(int(sum(found)), trials * len(found), probability)
    assert total.pvalue > UNLIKELY
    assert_distributed(found, {k: float(stats.binom.pmf(k, trials, probability)) for k in range(trials + 1)})


def assert_poisson(found: list[int], mean: float) -> None:
    """Every draw is Poisson: the sum by its exact law, the values by chi-square."""
    total, expected = int(sum(found)), mean * len(found)
    tail = min(stats.poisson.cdf(total, expected), stats.poisson.sf(total - 1, expected))
    assert tail > UNLIKELY
    top = max([*found, int(mean + 12.0 * np.sqrt(mean) + 20.0)])
    assert_distributed(found, {k: float(stats.poisson.pmf(k, mean)) for k in range(top + 1)})
