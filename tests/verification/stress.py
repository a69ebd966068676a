"""Two hundred random recipes, on each of which the engines have to agree within what they state.

The recipes are always the same (``random_recipes``), of any course that a run file can describe but coalescence, and cut to
a size that an exact run bears (``fitting``). The population balance is what the exact engine tends to with many particles,
so the recipes are made such that there are many of everything that enters a rate nonlinearly: at least 2000 seeds, or matter
for as many newborn particles; reactants of bimolecular reactions and of other orders are supplied in amounts of the order of the
seeds' matter, hence ten thousands of molecules. The monomer, which is often down to a few molecules, enters such
rates only in nucleation, where the exact engine reads the mean field for this reason; with explicit small sizes, which read the
count, all matter begins as monomer, some hundred thousand. At the end there are some hundred particles at least. What noise is left
is reckoned from their distribution, and differences have to stay within the limit and 6.1 standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from verification.cases import ENGINES, Bench, Check, between, case, certain
from verification.fitting import BUDGET
from verification.trials import LIMITS, LOOKS, Difference, Trial, trial

RECIPES, FEW = 200, 4
"""Recipes of the full and of the short variant."""

SHORT = 0.12
"""Forecast of an exact run in the short variant [s]."""

PLAIN = 0.95
"""Share of the comparisons that have to hold without any allowance for noise."""

CHANGE, CHANGED, REFUSED = 0.2, 0.75, 0.05
"""Matter that a recipe should move, and shares of the recipes that have to move it and that may be refused."""

OTHERS = tuple(name for name in ENGINES if name not in ("exact", "twin", "lattice"))
"""Engines that are held to the exact one; the twin would take hours."""


@case("stress", "random recipes, on which the engines agree", engines=("exact", *OTHERS))
def stress(bench: Bench) -> list[Check]:
    numbers = range(FEW if bench.fast else RECIPES)
    others = OTHERS if bench.engine == "exact" else (bench.engine,)
    trials = [trial(k, SHORT if bench.fast else BUDGET) for k in numbers]
    good = [t for t in trials if isinstance(t, Trial)]
    refused, checks = len(numbers) - len(good), []
    for engine in others:
        checks += agreement(bench, engine, good)
    change = np.array([t.moved() for t in good])
    return [
        *checks,
        between(
            f"recipes that move {100.0 * CHANGE:g} % of their matter", int(np.sum(change >= CHANGE)),
            (0.3 if bench.fast else CHANGED) * len(numbers), len(numbers),
            "of the seeds' matter, or of all where there are no seeds" + ("; short runs move less" if bench.fast else ""),
        ),
        between("recipes refused", refused, 0, max(REFUSED * len(numbers), 1.0), f"of {len(numbers)}"),
    ]


def agreement(bench: Bench, engine: str, trials: list[Trial]) -> list[Check]:
    """Checks of all recipes, quantity by quantity."""
    found = [d for t in trials for d in t.differences(engine)]
    wrong = [t.found.number for t in trials if not all(d.holds for d in t.differences(engine))]
    for t in trials:
        if t.found.number in wrong:
            print(f"{description(t, (engine,))}\n")
    checks = []
    for quantity, _limit in LIMITS.items():
        these = [d for d in found if d.quantity == quantity]
        worst = max(these, key=lambda d: abs(d.relative) / (d.limit + d.noise))
        size = 100.0 * np.abs([d.relative for d in these])
        checks.append(Check(
            f"{quantity}, {engine} against exact, {len(these)} comparisons", f"{worst.exact:.5g}",
            f"{worst.other:.5g} ({100.0 * worst.relative:+.2g} %, recipe {worst.recipe})",
            f"within {100.0 * worst.limit:g} % and 6.1 standard errors, {100.0 * worst.noise:.2g} %",
            f"the worst of all; half of them are within {np.median(size):.2g} %, nine in ten within "
            f"{np.quantile(size, 0.9):.2g} %",
            all(d.holds for d in these),
        ))
    plain = float(np.mean([abs(d.relative) <= d.limit for d in found]))
    checks.append(between(
        f"share of the comparisons within the limits without noise, {engine}", plain, PLAIN - 0.05 * bench.fast, 1.0,
        f"{len(found)} comparisons, and the noise of the exact run is in all of them",
    ))
    checks.append(certain(
        f"recipes on which {engine} and exact agree", not wrong, "in all four numbers, at the start and at "
        + " and ".join(f"{100.0 * x:g} %" for x in LOOKS) + " of the duration; rerun one with --recipe",
        expected=str(len(trials)), measured=str(len(trials) - len(wrong)) + (f", not {wrong}" if wrong else ""),
    ))
    if bench.engine == engine:
        bench.draw(f"differences of {engine} from exact", lambda axes: draw(axes, found))
    return checks


def draw(axes: Any, found: list[Difference]) -> None:
    """Every comparison: its difference over its noise, both over the limit, and the line of what is allowed."""
    for quantity, limit in LIMITS.items():
        these = [d for d in found if d.quantity == quantity]
        axes.loglog(
            [max(d.noise / limit, 1e-4) for d in these], [max(abs(d.relative) / limit, 1e-6) for d in these], ".",
            markersize=2.5, label=f"{quantity} (limit {100 * limit:g} %)",
        )
    noise = np.geomspace(1e-4, 1e2, 50)
    axes.loglog(noise, 1.0 + noise, "k-", linewidth=0.8, label="allowed")
    axes.set(xlabel="6.1 standard errors / limit", ylabel="difference from exact / limit", xlim=(1e-3, 1e2), ylim=(1e-6, 1e3))
    axes.legend(loc="upper left", ncols=2, fontsize="small", handletextpad=0.2, columnspacing=0.8)


def description(of: Trial, engines: Sequence[str] = OTHERS) -> str:
    """Text of a recipe, and what the engines make of it."""
    lines = [f"# recipe {of.found.number}", of.found.text, f"{'quantity':<20}{'at':>6}{'exact':>12}{'engine':>10}"]
    for engine in engines:
        for d in of.differences(engine):
            verdict = "holds" if d.holds else "FAILS"
            lines.append(
                f"{d.quantity:<20}{d.look:>6g}{d.exact:>12.5g}{engine:>10}{d.other:>12.5g}  {100.0 * d.relative:+.2f} %, "
                f"within {100.0 * d.limit:g} + {100.0 * d.noise:.2g} %: {verdict}"
            )
    lines.append(f"matter moved: {100.0 * of.moved():.3g} %")
    return "\n".join(lines)


def rerun(number: int, engines: Sequence[str] = OTHERS, *, fast: bool = False) -> bool:
    """Print one recipe and its comparison; False if an engine disagrees."""
    found = trial(number, SHORT if fast else BUDGET)
    if isinstance(found, str):
        print(f"recipe {number} is refused: {found}")
        return True
    print(description(found, engines))
    return all(d.holds for engine in engines for d in found.differences(engine))
