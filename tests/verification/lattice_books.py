"""The books of a run on the lattice: atoms of every element, the same bytes however a run is cut up, kernel and twin."""

from __future__ import annotations

from typing import Any

import numpy as np
from verification.books import same
from verification.cases import Bench, Check, case, certain

from kmcgrowth.lattice.run import LatticeRun, LatticeTwinRun
from kmcgrowth.model.build import build_model
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.recipe import parse_recipe

RECIPE = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = [["0 s", "280 degC"], ["2 s", "300 degC"], ["5 s", "295 degC"]]
contents = {{ monomer = "10 mM", AMC = "1 mM" }}
expansion = "9e-4 / K"
[[seeds]]
diameter = "{diameter} nm"
concentration = "{concentration} uM"
[[injection]]
rate = [["0.5 s", "0.08 mL/s"], ["2.5 s", "0.05 mL/s"]]
volume = "0.2 mL"
contents = {{ AMC = "8 mM", MSC = "3 mM" }}
[[injection]]
start = "1.5 s"
volume = "0.1 mL"
contents = {{ monomer = "20 mM" }}
[species.AMC]
atoms = {{ In = 39, As = 22 }}
[species.MSC]
atoms = {{ In = 22, As = 22 }}
[species.indium]
atoms = {{ In = 1 }}
[[reaction]]
equation = "AMC -> MSC + 17 indium"
rate = "0.8 / s"
at = "300 degC"
activation_energy = "1.1 eV"
[[reaction]]
equation = "MSC -> 22 monomer"
rate = "0.7 / s"
release = "stepwise"
[[loss]]
name = "precipitation"
species = "indium"
rate = "0.3 / s"
[growth]
solubility = {{ value = "2 mM", at = "300 degC", activation_energy = "0.5 eV" }}
[nucleation]
law = "{nucleation}"
[lattice]
box = "{box} nm"
bond_energy = "0.2 eV"
ligand_energy = "{ligand} eV"
attach_rate = {{ value = "1e5 nm^3/s", at = "300 degC", activation_energy = "0.3 eV" }}
hop = {{ prefactor = "1e6 / s", barrier = "0.4 eV" }}
[simulation]
particles = 1
duration = "{duration} s"
"""
"""Every process at once, element by element."""


def crowded(fast: bool, nucleation: str = "explicit", ligand: float = 0.05) -> Model:
    """The recipe above."""
    text = RECIPE.format(
        nucleation=nucleation, ligand=ligand, box=8 if fast else 12, diameter=2.5 if fast else 4.0, duration=3 if fast else 5,
        concentration=100 if fast else 20,
    )
    return build_model(parse_recipe(text))


def followed(run: Any, times: Any) -> list[Counts]:
    """The counts at some times."""
    found = []
    for t in times:
        run.advance(float(t))
        found.append(run.counts())
    return found


@case("lattice-books", "atoms of every element stay, the same bytes however a run is cut up, kernel as its twin",
      engines=("lattice",))
def books(bench: Bench) -> list[Check]:
    checks = []
    for nucleation, ligand in (("explicit", 0.05), ("none", 0.0)):
        model = crowded(bench.fast, nucleation, ligand)
        what = f"nucleation {nucleation}, ligand {ligand:g} eV"
        times = np.linspace(0.0, model.duration, 31)
        found = followed(bench.run(model, 71), times)
        totals = np.array([sum(c.matter.values()) for c in found])
        last, tallies = found[-1], found[-1].tallies
        events = int(tallies["events"])
        least = min(int(np.min(c.amounts)) for c in found)
        checks += [
            certain(
                f"atoms of each element, {what}", bool(np.all(totals == totals[0])) and least >= 0,
                f"in solution, crystals, syringes and lost, at 31 moments of a run with a rate, a shot, a ramp, thermal "
                f"expansion, clusters that rearrange and release unit by unit, and {events} events; "
                f"{int(last.matter['lost'].sum())} atoms were lost, {int(tallies['born'])} crystals born",
                expected=" ".join(map(str, totals[0])), measured=" ".join(map(str, totals[-1])),
            ),
            certain(
                f"syringes are empty at the end, {what}", int(last.matter["syringe"].sum()) == 0 or bench.fast,
                "each molecule leaves by the time its syringe does", expected="0",
                measured=str(int(last.matter["syringe"].sum())),
            ),
        ]
        checks.append(resumed(bench, model, times, found, what))
    checks.append(against_twin(bench))
    return checks


def resumed(bench: Bench, model: Model, times: Any, whole: list[Counts], what: str) -> Check:
    """Break off at arbitrary candidates, go on in a new run from the state, look at other times in between."""
    from kmcgrowth.checkpoint import decode, encode

    run = bench.run(model, 71)
    rng, found, breaks = np.random.default_rng(7), [], 0
    for t in times:
        while run.time < t:
            asked = float(min(t, run.time + rng.exponential(model.duration / 60.0)))
            run.advance(asked, stop=lambda: bool(rng.random() < 0.5))
            if rng.random() < 0.3:
                state = decode(*encode(run.state()))
                run = bench.run(model, 12345)
                run.restore(state)
                breaks += 1
        found.append(run.counts())
    equal = all(same(a, b) for a, b in zip(whole, found, strict=True))
    return certain(
        f"all numbers at 31 moments, {what}", equal,
        f"a run that looks at other times and {breaks} times goes on from a checkpoint in another process's stead",
        expected="the same bytes", measured="the same bytes" if equal else "others",
    )


def against_twin(bench: Bench) -> Check:
    """Kernel and plain-Python twin through the same recipe."""
    model = crowded(True)
    duration = 0.02 if bench.fast else 0.25
    times = np.linspace(0.0, duration, 6)
    pair = [followed(cls(model, np.random.Generator(np.random.SFC64(5))), times) for cls in (LatticeRun, LatticeTwinRun)]
    equal = all(same(a, b) for a, b in zip(*pair, strict=True))
    return certain(
        "kernel and twin through one recipe", equal, f"{int(pair[0][-1].tallies['events'])} events, one by one",
        expected="the same bytes", measured="the same bytes" if equal else "others",
    )
