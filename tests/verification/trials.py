"""What two engines make of a random recipe, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from verification.cases import SIX, spread, start
from verification.fitting import BUDGET, Fitted, fitted

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model, SeedPopulation

LOOKS = (0.4, 1.0)
"""When the engines are compared, over the duration."""

LIMITS = {"mean diameter": 0.02, "relative width": 0.05, "particles": 0.03, "matter in solution": 0.05}
"""Largest difference of two engines without noise, relative."""

CELL = 0.002
"""Relative width that is none: a cell of 0.5 % in size of the population balance is 0.17 % of a diameter."""

CRITICAL = 20
"""With explicit small sizes only particles above this one are looked at: smaller ones come and go [formula units]."""

FEWEST = 30.0
"""Particles below which there is no distribution to compare."""

REPLICATES = 3
"""Exact runs at most, put together, where one has few particles."""

TOGETHER = 1500.0
"""Particles at the end that replicates are made up to."""


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
    a number what is born, lost and taken away, of the solution every molecule by itself. As particles share the matter,
    a mean diameter also scatters by a third of what their number does.
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
    error = {
        "particles": float(np.sqrt(moved)),
        "matter in solution": float(np.sqrt(amounts @ model.formula_units.astype(float) ** 2)),
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
            "mean diameter": 1e9 * mean * float(np.hypot(width / np.sqrt(total), error["particles"] / (3.0 * total))),
            "relative width": float(np.sqrt(spread_of / total)) / (2.0 * width) if width > 0.0 else 0.0,
        }
    return Look(value, error, matter)


class Trial:
    """A recipe of the fixed set, and what the engines make of it.

    Parameters
    ----------
    found : the recipe, cut to size
    """

    def __init__(self, found: Fitted) -> None:
        self.found = found
        self._courses: dict[str, tuple[Look, ...]] = {}

    def course(self, engine: str) -> tuple[Look, ...]:
        """Looks at the start, with the seeds that the engine draws itself, and at every one of ``LOOKS``.

        From the start on all engines have the same seeds, drawn once, which leaves less to chance.
        """
        if engine not in self._courses:
            self._courses[engine] = self._followed(engine)
        return self._courses[engine]

    def _followed(self, engine: str) -> tuple[Look, ...]:
        model, number = self.found.model, self.found.number
        first = look(model, [start(engine, model, 201, number).counts()])
        if model.seeds:
            drawn = model.draw_seeds(np.random.default_rng((200, number)))
            model = replace(model, seeds=(SeedPopulation(drawn.size, "units", units=drawn),))
        runs = 1
        if engine == "exact":
            alive = float(self.found.course.seeds[-1] + self.found.course.born[-1])
            runs = int(np.clip(np.ceil(TOGETHER / max(alive, 1.0)), 1, REPLICATES))
        seen: list[list[Counts]] = [[] for _ in LOOKS]
        for k in range(runs):
            run = start(engine, model, 200, number, k)
            for parts, share in zip(seen, LOOKS, strict=True):
                run.advance(share * model.duration)
                parts.append(run.counts())
        return first, *(_per_run(look(model, parts), runs) for parts in seen)

    def differences(self, engine: str) -> list[Difference]:
        """All quantities that the exact engine and another one give, at every look."""
        found = []
        for share, exact, other in zip((0.0, *LOOKS), self.course("exact"), self.course(engine), strict=True):
            for quantity, limit in LIMITS.items():
                if quantity not in exact.value or quantity not in other.value:
                    continue
                a, b = exact.value[quantity], other.value[quantity]
                width = quantity == "relative width"
                if max(a, b) < (CELL if width else 0.0 if quantity == "mean diameter" else FEWEST):
                    continue
                noise = SIX * max(exact.error[quantity], other.error[quantity]) / a if a else 0.0
                least = CELL / a if width and a else 0.0
                found.append(Difference(self.found.number, quantity, share, a, b, max(limit, least), noise))
        return found

    def moved(self) -> float:
        """Change of the particles' matter over that of the seeds, or over all matter where there are none."""
        model, (first, *_, last) = self.found.model, self.course("exact")
        fed = sum(float(sum(n * model.formula_units[i] for i, n in s.contents.items())) for s in model.syringes)
        whole = first.matter or float(model.initial @ model.formula_units) + fed
        return abs(last.matter - first.matter) / whole


@cache
def trial(number: int, budget: float = BUDGET) -> Trial | str:
    """Recipe ``number`` of the fixed set, for exact runs of about ``budget`` [s]; or why it is refused."""
    found = fitted(number, budget)
    return found if isinstance(found, str) else Trial(found)


def _per_run(found: Look, runs: int) -> Look:
    """Numbers and amounts of runs put together, over the number of runs."""
    extensive = ("particles", "matter in solution")
    value = {k: v / runs if k in extensive else v for k, v in found.value.items()}
    error = {k: v / runs if k in extensive else v for k, v in found.error.items()}
    return Look(value, error, found.matter / runs)
