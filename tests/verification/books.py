"""V12 and reproducibility: every atom in its place, the same bytes however a run is cut up."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from models import everything
from verification.cases import Bench, Check, case, certain

from kmcgrowth.model.build import build_model
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.recipe import parse_recipe

LAWS = ("none", "classical", "power", "cluster", "explicit")
"""Laws of nucleation."""

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = [["0 min", "280 degC"], ["4 min", "300 degC"], ["9 min", "295 degC"]]
contents = { MSC = "20 uM" }
expansion = "9e-4 / K"
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
concentration = "0.1 mM"
[[injection]]
rate = [["30 s", "40 mL/hour"], ["5 min", "10 mL/hour"]]
volume = "3 mL"
contents = { AMC = "2 mM", MSC = "1 mM" }
[[injection]]
start = "3 min"
volume = "0.4 mL"
contents = { monomer = "5 mM" }
[[withdrawal]]
time = "2 min"
volume = "0.5 mL"
[[withdrawal]]
time = "6 min"
volume = "0.7 mL"
[species.AMC]
atoms = { In = 39, As = 22 }
[species.MSC]
atoms = { In = 22, As = 22 }
[species.indium]
atoms = { In = 1 }
[[reaction]]
equation = "AMC -> MSC + 17 indium"
rate = "0.05 / s"
at = "300 degC"
activation_energy = "1.1 eV"
[[reaction]]
equation = "MSC -> 22 monomer"
rate = "0.05 / s"
at = "300 degC"
activation_energy = "1.2 eV"
release = "stepwise"
[[loss]]
name = "oxidation"
species = "monomer"
rate = "1e-3 / s"
[[loss]]
name = "precipitation"
species = "indium"
rate = "2e-3 / s"
[[sticking]]
species = "MSC"
diffusion = "2e-3 nm^2/s"
[nucleation]
law = "classical"
[simulation]
particles = 3000
duration = "9 min"
"""
"""Every process of the reactor at once, element by element."""


@cache
def crowded(particles: int) -> Model:
    """The recipe above with this many seeds."""
    return build_model(parse_recipe(RECIPE), particles=particles)


def models(bench: Bench) -> dict[str, Model]:
    """The recipe with everything, and the small crowded boxes under every law of nucleation."""
    laws = LAWS[1::3] if bench.fast and bench.engine == "twin" else LAWS
    boxes = {f"small box, nucleation {law}": everything(law) for law in laws}
    if bench.engine == "twin":  # the recipe would take it minutes
        return boxes
    return {"recipe with every process": crowded(600 if bench.fast else 6000)} | boxes


def same(one: Counts, two: Counts) -> bool:
    """Whether two moments agree in every number, to the last bit."""

    def equal(a: Any, b: Any) -> bool:
        if a is None or b is None:
            return a is b
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
        return a is b or bool(np.array_equal(a, b, equal_nan=True))

    return all(equal(getattr(one, f.name), getattr(two, f.name)) for f in fields(Counts))


def begun(bench: Bench, model: Model, *seed: int) -> Any:
    """A run that leaps, if it can, even where that does not pay."""
    run = bench.run(model, *seed)
    if bench.engine == "leap":
        run._kernel.always = True
    return run


@case("V12", "atoms of every element are conserved, at every snapshot", engines=("exact", "leap", "balance", "twin"))
def atoms(bench: Bench) -> list[Check]:
    checks: list[Check] = []
    # expected counts are no integers: round-off and the solver's own error are allowed for
    close = 1e-10 if bench.engine == "balance" else 0.0
    kind = "relative error of at most 1e-10" if close else "integers"
    for i, (name, model) in enumerate(models(bench).items()):
        run = begun(bench, model, 120, i)
        total, wrong, seen = sum(run.counts().matter.values()), 0, set()
        times = np.linspace(0.0, model.duration, 200)
        for time in times:
            run.advance(float(time))
            counts = run.counts()
            off = np.abs(sum(counts.matter.values()) - total)
            wrong += int(np.any(off > close * np.abs(total)) or counts.amounts.min() < 0)
            seen |= {place for place, held in counts.matter.items() if np.any(held)}
        each = ", ".join(f"{n} {e}" for n, e in zip(np.atleast_1d(total), model.elements, strict=True))
        checks.append(
            certain(
                f"snapshots at which an atom is missing or an amount is negative, {name}",
                wrong == 0,
                f"{kind}; {each}; {counts.tallies['events']:.0f} events, matter in {', '.join(sorted(seen))}",
                expected=f"0 of {len(times)}",
                measured=str(wrong),
            )
        )
    return checks


@case("same-bytes", "snapshots, a break and a restored state leave the trajectory as it is",
      engines=("exact", "leap", "balance", "twin"))
def same_bytes(bench: Bench) -> list[Check]:
    checks = []
    # leaps end where they are looked at
    more = 0 if bench.engine == "leap" else 60
    for i, (name, model) in enumerate(models(bench).items()):
        common = np.linspace(0.0, model.duration, 5)[1:]
        breaks = common - 0.37 * common[0]
        times = np.sort(np.concatenate([common, breaks])) if bench.engine == "leap" else common
        few, many, broken = (begun(bench, model, 121, i) for _ in range(3))
        agree = resumed = 0
        extra = np.random.default_rng(i).uniform(0.0, model.duration, more)
        for time, before in zip(times, [0.0, *times[:-1]], strict=True):
            few.advance(float(time))
            for t in np.sort(extra[(extra > before) & (extra < time)]):
                many.advance(float(t))
                many.counts()
            many.advance(float(time))
            agree += same(few.counts(), many.counts())
        for time, halfway in zip(common, breaks, strict=True):
            broken.advance(float(halfway))
            state: dict[str, Any] = broken.state()
            broken = begun(bench, model, 122, i)
            broken.advance(0.4 * model.duration)  # whatever it did before is forgotten
            broken.restore(state)
            broken.advance(float(time))
        resumed += same(few.counts(), broken.counts())
        checks += [
            certain(
                f"common times alike to the last bit with {more} snapshots more, {name}",
                agree == len(times),
                "snapshots never touch the trajectory" if more else "leaps end at snapshots; to look at them changes nothing",
                expected=str(len(times)),
                measured=str(agree),
            ),
            certain(
                f"end alike to the last bit after four breaks, {name}",
                resumed == 1,
                "state() and restore() into another run of the same model",
                expected="alike",
                measured="alike" if resumed else "different",
            ),
        ]
    return checks
