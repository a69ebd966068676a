"""From the lattice to the reactor: the same flask with crystals of atoms, and with spheres at the rates of the crystals."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from verification.cases import SIX, Bench, Check, case, near, start

from kmcgrowth.lattice.rates import measure_rates, rates_csv
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray, Model
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B
from kmcgrowth.recipe import parse_recipe

BOND = 1.5
"""Of the simple cubic crystal [kT]."""

FLASK = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "300 degC"
contents = {{ {contents} }}
[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "{release} / s"
{seeds}
{tables}
[simulation]
particles = 8
duration = "{duration} s"
"""

LATTICE = """
[growth]
solubility = "0.55 mM"
[lattice]
crystal = "sc"
box = "14 nm"
bond_energy = "{bond:.8g} eV"
attach_rate = "3000 nm^3/s"
frames = 0
"""

REACTOR = """
[growth]
solubility = "0.55 mM"
law = "table"
table = "rates.csv"
"""


def text(tables: str, seeds: dict[float, int], contents: str, release: float, duration: float) -> str:
    """A recipe of eight crystals; ``seeds`` are diameters [nm] and how many of each."""
    told = "".join(
        f'[[seeds]]\ndiameter = "{d} nm"\nrelative_std = 0.0\nconcentration = "{number * 8.0:g} uM"\n'
        for d, number in seeds.items()
    )
    tables = tables.format(bond=BOND * K_B * 573.15 / ELEMENTARY_CHARGE)
    return FLASK.format(contents=contents, release=release, seeds=told, tables=tables, duration=duration)


@cache
def table(fast: bool) -> str:
    """Rates of the crystal as CSV."""
    recipe = text(LATTICE, {2.0: 8}, "monomer = \"0.6 mM\"", 1.0, 1.0)
    model = build_model(parse_recipe(recipe))
    largest, events, points = (900, 150_000, 10) if fast else (1600, 4_000_000, 14)
    found = measure_rates(model, largest=largest, events=events, points=points, rng=np.random.default_rng(17))
    return rates_csv(found)


def both(seeds: dict[float, int], contents: str, release: float, duration: float, fast: bool) -> tuple[Model, Model]:
    """The flask on the lattice and in the reactor."""
    files = {"rates.csv": table(fast)}
    made = [
        build_model(parse_recipe(text(tables, seeds, contents, release, duration), files=files))
        for tables in (LATTICE, REACTOR)
    ]
    assert made[0].control_volume == made[1].control_volume and made[0].unit_volume == made[1].unit_volume
    return made[0], made[1]


def followed(engine: str, model: Model, times: FloatArray, *seed: int) -> FloatArray:
    """At each time, all eight sizes from small to large, zero for those that dissolved, and S (times, 9)."""
    run, rows = start(engine, model, *seed), []
    for t in times:
        run.advance(float(t))
        counts = run.counts()
        sizes = np.repeat(counts.sizes, np.asarray(counts.seed + counts.nucleated).astype(int))
        # a crystal that is this warm now and then has a few atoms beside it that hold on to one another only
        sizes = np.sort(sizes)[-8:]
        rows.append([*np.zeros(8 - len(sizes)), *sizes, counts.supersaturation])
    return np.array(rows)


def diameters(units: FloatArray, model: Model) -> FloatArray:
    """Of spheres of the same volume [nm]."""
    return np.asarray(2e9 * np.cbrt(3.0 * units * model.unit_volume / (4.0 * np.pi)))


def compared(
    bench: Bench, title: str, pair: tuple[Model, Model], times: FloatArray, runs: tuple[int, int], groups: dict[str, slice],
    allowed: float, why: str,
) -> list[Check]:
    """Mean diameters of groups of crystals, ordered by size, in both; ``allowed`` is a share of how far they moved."""
    atoms, spheres = (
        np.array([followed(engine, model, times, 91, k) for k in range(number)])
        for engine, model, number in (("lattice", pair[0], runs[0]), ("exact", pair[1], runs[1]))
    )
    checks, curves = [], []
    for name, which in groups.items():
        a, b = (diameters(found[:, :, which], pair[0]).mean(axis=2) for found in (atoms, spheres))
        error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
        curves.append((name, a.mean(axis=0), b.mean(axis=0), error))
        for i in (len(times) // 2, len(times) - 1):
            moved = abs(float(b[:, i].mean() - b[:, 0].mean()))
            checks.append(near(
                f"diameter of {name} after {times[i]:g} s [nm], {title}", float(a[:, i].mean()), float(b[:, i].mean()),
                f"the reactor with the table of rates, from {b[:, 0].mean():.3f} nm; {SIX:g} standard errors of {runs[0]} "
                f"and {runs[1]} runs, and {100 * allowed:g} % of the growth: {why}",
                within=SIX * float(error[i]) + allowed * moved + 0.002,
            ))

    def draw(axes: Any) -> None:
        for name, a, b, error in curves:
            line = axes.errorbar(times, a, error, fmt="o", markersize=4, label=f"lattice, {name}")
            axes.plot(times, b, "-", color=line[0].get_color(), label=f"reactor, {name}")
        axes.set(xlabel="time / s", ylabel="mean diameter / nm")
        axes.legend()

    bench.draw(title, draw)
    return checks


@case("lattice-bridge", "the reactor with the rates of the lattice grows and ripens as the lattice does", engines=("lattice",))
def bridge(bench: Bench) -> list[Check]:
    runs = (4, 30) if bench.fast else (40, 400)
    duration = 20.0 if bench.fast else 40.0
    times = np.linspace(0.0, duration, 5 if bench.fast else 11)
    pair = both({3.0: 8}, 'monomer = "0.8 mM", AMC = "3 mM"', 0.02, duration, bench.fast)
    checks = compared(
        bench, "growth from clusters that release monomer", pair, times, runs, {"all": slice(0, 8)}, 0.06,
        "crystals that grow are not quite as those in equilibrium, of which the table is",
    )
    duration = 10.0 if bench.fast else 20.0
    times = np.linspace(0.0, duration, 5 if bench.fast else 11)
    pair = both({3.0: 4, 4.0: 4}, 'monomer = "0.72 mM"', 1.0, duration, bench.fast)
    checks += compared(
        bench, "ripening of two sizes", pair, times, runs, {"the small": slice(0, 4), "the large": slice(4, 8)}, 0.1,
        "the driving force is a small difference of two supersaturations, of which the table knows each to some 0.2 %",
    )
    return checks
