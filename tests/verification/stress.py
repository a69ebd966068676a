"""Two hundred random recipes, on each of which the engines have to agree within what they state.

The recipes are always the same (``random_recipes``), of any course that a run file can describe but coalescence, and cut to
a size that an exact run bears (``fitting``). The population balance is what the exact engine tends to with many particles,
so the recipes are made such that there are many of everything that enters a rate nonlinearly: at least 2500 seeds, or matter
for as many newborn particles; reactants of bimolecular reactions and of other orders are supplied in amounts of the order of the
seeds' matter, hence ten thousands of molecules. The monomer, which is often down to a few molecules, enters such
rates only in nucleation, where the exact engine reads the mean field for this reason; with explicit small sizes, which read the
count, all matter begins as monomer, some hundred thousand. At the end there are some hundred particles at least. What noise is left
is reckoned from their distribution, and differences have to stay within the limit and 6.1 standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from verification.cases import ENGINES, SIX, Bench, Check, between, case, certain, spread, start
from verification.fitting import Fitted, fitted

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, IntArray, Model, SeedPopulation

RECIPES, FEW = 200, 12
"""Recipes of the full and of the short variant."""

LOOKS = (0.4, 1.0)
"""When the engines are compared, over the duration."""

LIMITS = {"mean diameter": 0.02, "relative width": 0.05, "particles": 0.03, "matter in solution": 0.05}
"""Largest difference of two engines without noise, relative."""

CELL = 0.002
"""Relative width that is none: a cell of 0.5 % in size of the population balance is 0.17 % of a diameter."""

PLAIN = 0.95
"""Share of the comparisons that have to hold without any allowance for noise."""

CHANGE, CHANGED, REFUSED = 0.2, 0.75, 0.05
"""Matter that a recipe should move, and shares of the recipes that have to move it and that may be refused."""

CRITICAL = 20
"""With explicit small sizes only particles above this one are looked at: smaller ones come and go [formula units]."""

FEWEST = 30.0
"""Particles below which there is no distribution to compare."""

REPLICATES = 3
"""Exact runs at most, put together, where one has few particles."""

TOGETHER = 1500.0
"""Particles at the end that replicates are made up to."""

OTHERS = tuple(name for name in ENGINES if name not in ("exact", "twin"))
"""Engines that are held to the exact one; the twin would take hours."""


@dataclass(frozen=True)
class Look:
    """One moment of a run, or of several put together.

    Attributes
    ----------
    value, error : quantity of ``LIMITS`` -> what it is, and its standard error from noise
    matter : formula units in particles
    """

    value: dict[str, float]
    error: dict[str, float]
    matter: float


@dataclass(frozen=True)
class Difference:
    """A quantity that two engines give.

    Attributes
    ----------
    recipe : number
    quantity : key of ``LIMITS``
    look : time over the duration
    exact, other : values
    limit, noise : allowed without noise, and 6.1 standard errors, both relative to the exact value
    """

    recipe: int
    quantity: str
    look: float
    exact: float
    other: float
    limit: float
    noise: float

    @property
    def relative(self) -> float:
        """Difference over the exact value."""
        return (self.other - self.exact) / self.exact if self.exact else float("inf") * (self.other != 0.0)

    @property
    def holds(self) -> bool:
        return abs(self.relative) <= self.limit + self.noise


def look(model: Model, parts: Sequence[Counts]) -> Look:
    """What is compared, of one or several independent runs at the same moment.

    The noise is that of independent particles and molecules: of a mean and a width as of a sample from the distribution, of
    a number what is born, lost and taken away, of the solution every molecule by itself, and the matter that the
    seeds happened to bring.
    """
    least = CRITICAL if model.nucleation.law == "explicit" else 0
    number_of_seeds = len(parts) * sum(p.number for p in model.seeds)
    sizes, number = (np.concatenate(x) for x in zip(*(spread(c) for c in parts)))
    matter = float(sizes @ number)
    sizes, number = sizes[sizes > least], number[sizes > least]
    seeds = sum(float(np.sum(c.seed)) for c in parts)
    total = float(number.sum())
    amounts = np.sum([c.amounts for c in parts], axis=0)
    solution = float(amounts @ model.formula_units)
    value = {"particles": total, "matter in solution": solution}
    moved = max(total - seeds, 0.0) + min(seeds, max(number_of_seeds - seeds, 0.0))
    brought = total * float(np.average((sizes - np.average(sizes, weights=number)) ** 2, weights=number)) if total else 0.0
    error = {
        "particles": float(np.sqrt(moved)),
        "matter in solution": float(np.sqrt(amounts @ model.formula_units.astype(float) ** 2 + brought)),
    }
    if total >= FEWEST:
        d = 2.0 * model.radius(sizes)
        mean = float(np.average(d, weights=number))
        z = d / mean - 1.0
        second, third, fourth = (float(np.average(z**k, weights=number)) for k in (2, 3, 4))
        width = float(np.sqrt(second))
        value |= {"mean diameter": 1e9 * mean, "relative width": width}
        # of the width by the delta method; it needs the third moment as the mean is off too
        spread_of = max(fourth - second**2 - 4.0 * second * third + 4.0 * second**3, 0.0)
        error |= {
            "mean diameter": 1e9 * mean * width / float(np.sqrt(total)),
            "relative width": float(np.sqrt(spread_of / total)) / (2.0 * width) if width > 0.0 else 0.0,
        }
    return Look(value, error, matter)


@cache
def outcome(number: int, engine: str) -> tuple[Look, ...]:
    """What an engine makes of a recipe, at the start and at every one of ``LOOKS``."""
    found = fitted(number)
    assert isinstance(found, Fitted)
    model, times = same_seeds(found), (0.0, *LOOKS)
    runs = 1
    if engine == "exact":
        alive = float(found.course.seeds[-1] + found.course.born[-1])
        runs = int(np.clip(np.ceil(TOGETHER / max(alive, 1.0)), 1, REPLICATES))
    seen: list[list[Counts]] = [[] for _ in times]
    for k in range(runs):
        run = start(engine, model, 200, number, k)
        for parts, share in zip(seen, times, strict=True):
            run.advance(share * model.duration)
            parts.append(run.counts())
    return tuple(_per_run(look(model, parts), runs) for parts in seen)


@cache
def seeds_drawn(number: int) -> IntArray:
    """Sizes of the seeds of a recipe, as an engine would draw them [formula units]."""
    found = fitted(number)
    assert isinstance(found, Fitted)
    return found.model.draw_seeds(np.random.default_rng((200, number)))


def same_seeds(found: Fitted) -> Model:
    """The model of a recipe with its seeds drawn once for all engines, which leaves less to chance."""
    drawn = seeds_drawn(found.number)
    return replace(found.model, seeds=(SeedPopulation(drawn.size, "units", units=drawn),)) if drawn.size else found.model


def _per_run(found: Look, runs: int) -> Look:
    """Numbers and amounts of runs put together, over the number of runs."""
    extensive = ("particles", "matter in solution")
    value = {k: v / runs if k in extensive else v for k, v in found.value.items()}
    error = {k: v / runs if k in extensive else v for k, v in found.error.items()}
    return Look(value, error, found.matter / runs)


@cache
def first_look(number: int, engine: str) -> Look:
    """A recipe at the start, with the seeds that the engine draws itself."""
    found = fitted(number)
    assert isinstance(found, Fitted)
    return look(found.model, [start(engine, found.model, 201, number).counts()])


def differences(number: int, engine: str) -> list[Difference]:
    """All quantities that the exact engine and another one give, at every look."""
    found, few = [], ("particles", "matter in solution")
    looks = zip((0.0, *LOOKS), (first_look(number, "exact"), *outcome(number, "exact")[1:]),
                (first_look(number, engine), *outcome(number, engine)[1:]), strict=True)
    for share, exact, other in looks:
        for quantity, limit in LIMITS.items():
            if quantity in exact.value and quantity in other.value:
                a, b = exact.value[quantity], other.value[quantity]
                if quantity in few and max(a, b) < FEWEST:
                    continue
                noise = SIX * max(exact.error[quantity], other.error[quantity])
                if quantity == "relative width" and max(a, b) < CELL:
                    continue
                least = CELL / a if quantity == "relative width" and a else 0.0
                found.append(Difference(number, quantity, share, a, b, max(limit, least), noise / a if a else 0.0))
    return found


def moved(number: int) -> float:
    """Change of the particles' matter over that of the seeds, or over all matter where there are none."""
    found = fitted(number)
    assert isinstance(found, Fitted)
    model, (first, *_, last) = found.model, outcome(number, "exact")
    fed = sum(float(sum(n * model.formula_units[i] for i, n in s.contents.items())) for s in model.syringes)
    whole = first.matter or float(model.initial @ model.formula_units) + fed
    return abs(last.matter - first.matter) / whole


@case("stress", "random recipes, on which the engines agree", engines=("exact", *OTHERS))
def stress(bench: Bench) -> list[Check]:
    numbers = range(FEW if bench.fast else RECIPES)
    others = OTHERS if bench.engine == "exact" else (bench.engine,)
    good = [k for k in numbers if not isinstance(fitted(k), str)]
    refused, checks = len(numbers) - len(good), []
    for engine in others:
        checks += agreement(bench, engine, good)
    change = np.array([moved(k) for k in good])
    return [
        *checks,
        between(
            f"recipes that move {100.0 * CHANGE:g} % of their matter", int(np.sum(change >= CHANGE)),
            CHANGED * len(numbers), len(numbers), "of the seeds' matter, or of all where there are no seeds",
        ),
        between("recipes refused", refused, 0, max(REFUSED * len(numbers), 1.0), f"of {len(numbers)}"),
    ]


def agreement(bench: Bench, engine: str, numbers: list[int]) -> list[Check]:
    """Checks of all recipes, quantity by quantity."""
    found = [d for k in numbers for d in differences(k, engine)]
    wrong = sorted({d.recipe for d in found if not d.holds})
    for k in wrong:
        print(f"{description(k, (engine,))}\n")
    checks = []
    for quantity in LIMITS:
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
        f"share of the comparisons within the limits without noise, {engine}", plain, PLAIN, 1.0,
        f"{len(found)} comparisons, and the noise of the exact run is in all of them",
    ))
    checks.append(certain(
        f"recipes on which {engine} and exact agree", not wrong, "in all four numbers, at "
        + " and ".join(f"{100.0 * x:g} %" for x in LOOKS) + " of the duration; rerun one with --recipe",
        expected=str(len(numbers)), measured=str(len(numbers) - len(wrong)) + (f", not {wrong}" if wrong else ""),
    ))
    bench.draw(f"differences of {engine} from exact", lambda axes: draw(axes, found))
    return checks


def draw(axes: Any, found: list[Difference]) -> None:
    """Share of the comparisons that differ by more than so much, for every quantity."""
    for quantity in LIMITS:
        size: FloatArray = np.sort([100.0 * max(abs(d.relative), 1e-6) for d in found if d.quantity == quantity])
        axes.loglog(size, 1.0 - np.arange(size.size) / size.size, label=f"{quantity} (limit {100 * LIMITS[quantity]:g} %)")
    axes.set(xlabel="difference from exact (%)", ylabel="share that differs by more", xlim=(1e-2, None))
    axes.legend()


def description(number: int, engines: Sequence[str] = OTHERS) -> str:
    """Text of a recipe, and what the engines make of it."""
    found = fitted(number)
    if isinstance(found, str):
        return f"recipe {number} is refused: {found}"
    lines = [f"# recipe {number}", found.text, f"{'quantity':<20}{'at':>6}{'exact':>12}{'engine':>10}{'':>12}"]
    for engine in engines:
        for d in differences(number, engine):
            verdict = "holds" if d.holds else "FAILS"
            lines.append(
                f"{d.quantity:<20}{d.look:>6g}{d.exact:>12.5g}{engine:>10}{d.other:>12.5g}  {100.0 * d.relative:+.2f} %, "
                f"within {100.0 * d.limit:g} + {100.0 * d.noise:.2g} %: {verdict}"
            )
    lines.append(f"matter moved: {100.0 * moved(number):.3g} %")
    return "\n".join(lines)


def rerun(number: int, engines: Sequence[str] = OTHERS) -> bool:
    """Print one recipe and its comparison; False if an engine disagrees."""
    print(description(number, engines))
    if isinstance(fitted(number), str):
        return True
    return all(d.holds for engine in engines for d in differences(number, engine))
