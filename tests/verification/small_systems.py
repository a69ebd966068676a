"""Systems small enough to enumerate all their states: the exact master equation against draws from the engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import numpy as np
from engines import sizes
from master_equation import closed_box, conversion_and_growth, explicit_nucleation
from models import ROOM, VOLUME, box, no_rates, power_law, reaction, species, sphere_tables, tables
from scipy import stats
from verification.cases import Bench, Check, case, likely, start

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model, Nucleation

Look = Callable[[Counts], Hashable]


def systems() -> dict[str, tuple[Model, Look, Callable[[float], Mapping[Any, float]], tuple[float, ...]]]:
    """Name -> model, what is looked at, its probabilities at a time, and the times [s]."""
    one = box(4, (6,), tables=sphere_tables(0.6, 1.5, 1.2))
    two = box(1, (3, 4), tables=sphere_tables(0.5, 1.0, 1.0))
    born = box(8, tables=sphere_tables(0.05, 3.0, 0.6), nucleation=Nucleation("explicit"))
    fed = box(
        sizes=(3,), **species({"A": 5, "B": 0}, {"A": 2, "B": 2}), tables=tables(power_law(0.4, 0.5), no_rates),
        reactions=(reaction({1: 1}, {2: 1}, 1.0), reaction({2: 1}, {0: 2}, 2.0)),
    )

    def marginal(equation: Any, what: Callable[[Any], Hashable], time: float) -> Mapping[Any, float]:
        found: Mapping[Any, float] = equation.marginal(time, what)
        return found

    rates = {id(model): model.tables(ROOM, 64) for model in (one, two, born, fed)}
    return {
        "a particle that grows, shrinks and may dissolve": (
            one, sizes, partial(marginal, closed_box((6,), 4, VOLUME, *rates[id(one)]), tuple), (0.3, 3.0)),
        "two particles that share their matter": (
            two, sizes, partial(marginal, closed_box((3, 4), 1, VOLUME, *rates[id(two)]), tuple), (0.4, 4.0)),
        "particles born of eight monomers, pair by pair": (
            born, sizes, partial(marginal, explicit_nucleation(8, VOLUME, *rates[id(born)]), tuple), (1.0,)),
        "A -> B -> 2 monomers, which a particle takes": (
            fed, lambda c: (int(c.amounts[1]), int(c.amounts[2]), int(c.sizes[0])),
            partial(marginal, conversion_and_growth(5, 3, VOLUME, 1.0, 2.0, 2, rates[id(fed)][0]), tuple), (0.8,)),
    }


def chance(seen: Counter[Any], expected: Mapping[Any, float], runs: int) -> float:
    """p-value of chi-square over all states; those that expect fewer than ten are put together."""
    if set(seen) - set(expected):
        return 0.0
    cells: list[list[float]] = [[0.0, 0.0]]
    for state in sorted(expected, key=lambda s: expected[s]):
        if cells[-1][1] >= 10.0:
            cells.append([0.0, 0.0])
        cells[-1][0] += seen[state]
        cells[-1][1] += expected[state] * runs
    observed, wanted = np.array(cells).T
    return float(stats.chisquare(observed, wanted * observed.sum() / wanted.sum()).pvalue)


@case("master-equation", "all states of small systems have the probabilities of the master equation",
      engines=("exact", "twin"))
def master_equation(bench: Bench) -> list[Check]:
    runs = (400 if bench.fast else 4000) * (5 if bench.engine == "exact" else 1)
    checks = []
    for i, (name, (model, look, probability, times)) in enumerate(systems().items()):
        seen: list[Counter[Any]] = [Counter() for _ in times]
        for k in range(runs):
            run = start(bench.engine, model, 220, i, k)
            for time, found in zip(times, seen, strict=True):
                run.advance(time)
                found[look(run.counts())] += 1
        for time, found in zip(times, seen, strict=True):
            expected = probability(time)
            state, p = max(expected.items(), key=lambda item: item[1])
            checks.append(likely(
                f"{name}, {len(expected)} states, after {time:g} s", chance(found, expected, runs),
                f"chi-square of {runs} runs over all states; shown is the likeliest, {state}",
                expected=f"{p:.4f}", measured=f"{found[state] / runs:.4f}",
            ))
            if i == 1 and time == times[0]:
                bench.draw("two particles that share their matter", partial(draw, found=found, expected=expected, runs=runs))
    return checks


def draw(axes: Any, found: Counter[Any], expected: Mapping[Any, float], runs: int) -> None:
    """Probabilities of the states beside how often they were seen."""
    states = sorted(expected, key=lambda s: -expected[s])[:14]
    x = np.arange(len(states))
    axes.bar(x, [expected[s] for s in states], color="0.8", label="master equation")
    p = np.array([found[s] / runs for s in states])
    axes.errorbar(x, p, np.sqrt(p * (1.0 - p) / runs), fmt="o", markersize=4, capsize=2, label=f"{runs} runs")
    axes.set_xticks(x, [", ".join(map(str, s)) or "none" for s in states], rotation=60)
    axes.set(xlabel="formula units of the particles", ylabel="probability")
    axes.legend()
