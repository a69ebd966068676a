"""Results depend neither on how many particles are simulated nor on the length of the windows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy import stats
from verification.boxes import moments
from verification.cases import Bench, Check, case, near
from verification.continuum import born_and_alive
from verification.figures import plain_ticks

from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray, Model
from kmcgrowth.recipe import parse_recipe

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
concentration = "0.1 mM"
[[injection]]
rate = "0.5 mL/min"
volume = "9 mL"
contents = { AMC = "3.2 mM" }
[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "100 / s"
[growth]
diffusion = "1e3 nm^2/s"
solubility = "1 uM"
surface_energy = "0.15 J/m^2"
[nucleation]
law = "classical"
prefactor = "1e31 / m^3 / s"
[simulation]
particles = 3000
duration = "10 min"
"""
"""The parameter set of PHYSICS 4 at 0.5 mL/min, where about two particles are born per seed, all within 10 min."""

DURATION = 600.0


@cache
def fast_feed(particles: int) -> Model:
    """The recipe above with this many seeds in the control volume."""
    return build_model(parse_recipe(RECIPE), particles=particles)


def outcome(bench: Bench, model: Model, particles: int, *seed: int) -> tuple[float, float, float]:
    """Particles born and nucleated particles alive per seed, and the mean diameter of all [nm], after 10 minutes."""
    run = bench.run(model, *seed)
    run.advance(DURATION)
    counts = run.counts()
    return (
        counts.tallies["born"] / particles,
        float(counts.nucleated.sum()) / particles,
        2e9 * moments(counts).mean,
    )


WHAT = ("births per seed", "nucleated particles alive per seed", "mean diameter of all [nm]")


@case("particles", "births per seed do not depend on the number of particles simulated, 3e3 to 3e5")
def number_of_particles(bench: Bench) -> list[Check]:
    plan = {1000: 8, 10_000: 1} if bench.fast else {3000: 60, 30_000: 6, 300_000: 1}
    found: dict[int, FloatArray] = {
        n: np.array([outcome(bench, fast_feed(n), n, 130, n, k) for k in range(times)]) for n, times in plan.items()
    }
    smallest, largest = min(plan), max(plan)
    # one run scatters as the root of the particles: taken from the many small ones
    unit: FloatArray = found[smallest].std(axis=0, ddof=1) * np.sqrt(smallest)
    checks = []
    for n in sorted(plan)[:-1]:
        error = unit * np.sqrt(1.0 / (n * plan[n]) + 1.0 / (largest * plan[largest]))
        for j, what in enumerate(WHAT):
            a, b = float(found[n][:, j].mean()), float(found[largest][:, j].mean())
            allowed = min(3.0 * float(error[j]), 0.05 * b)
            checks.append(
                near(
                    f"{what}, {plan[n]} runs of {n} against {plan[largest]} of {largest}",
                    a,
                    b,
                    f"DESIGN: within 3 standard errors ({100.0 * error[j] / b:.2g} % each) and 5 %, the smaller of "
                    f"the two",
                    within=(2.0 * allowed if bench.fast else allowed),
                )
            )
    widths = {n: x[:, 0] for n, x in found.items()}

    def draw(axes: Any) -> None:
        for n, births in widths.items():
            axes.plot(np.full(births.size, n), births, "o", markersize=3)
        axes.axhline(widths[largest].mean(), color="0.6", zorder=0)
        axes.set(xscale="log", xlabel="seeds simulated", ylabel="births per seed")

    bench.draw("births per seed", draw)
    return checks


@case("window", "births do not depend on the length of the windows, 0.25 to 1 %")
def window_length(bench: Bench) -> list[Check]:
    particles, times = (2000, 4) if bench.fast else (10_000, 40)
    found = {
        w: np.array(
            [
                outcome(bench, replace(fast_feed(particles), window=w), particles, 131, round(w * 1e4), k)
                for k in range(times)
            ]
        )
        for w in (0.0025, 0.005, 0.01)
    }
    def draw(axes: Any) -> None:
        for w, x in found.items():
            axes.plot(np.full(times, 100.0 * w), x[:, 0], "o", markersize=2.5, alpha=0.4, color="C0")
            axes.errorbar(100.0 * w, x[:, 0].mean(), x[:, 0].std(ddof=1) / np.sqrt(times), fmt="_k", capsize=4, markersize=14)
        axes.set(xscale="log", xlabel="length of a window (% of the concentration)", ylabel="births per seed")
        plain_ticks(axes.xaxis, (0.25, 0.5, 1.0))

    bench.draw("births and the length of the windows", draw)
    spread = np.sqrt(np.mean([x.var(axis=0, ddof=1) for x in found.values()], axis=0))
    error = spread * np.sqrt(2.0 / times)
    freedom = 3 * (times - 1)
    limit = float(stats.t.isf(0.5e-6, freedom))
    checks = []
    for w in (0.0025, 0.01):
        for j, what in enumerate(WHAT):
            base = float(found[0.005][:, j].mean())
            checks.append(
                near(
                    f"{what}, windows of {100 * w:g} % against 0.5 %",
                    float(found[w][:, j].mean()),
                    base,
                    f"DESIGN: halving the window changes nothing beyond its noise; {times} runs of {particles} each: "
                    f"{limit:.1f} standard "
                    f"errors of {100.0 * error[j] / base:.2g} % (p = 1e-6 for Student's t with {freedom} degrees of "
                    f"freedom)",
                    within=limit * float(error[j]),
                )
            )
    return checks


@case("many-particles", "births per seed tend to those of the population balance, which has neither windows nor noise")
def many_particles(bench: Bench) -> list[Check]:
    particles, times = (2000, 6) if bench.fast else (30_000, 8)
    found = np.array([outcome(bench, fast_feed(particles), particles, 132, k) for k in range(times)])
    expected = born_and_alive(fast_feed(particles), DURATION, 1.0 if bench.fast else 0.25)

    def draw(axes: Any) -> None:
        for j, name in enumerate(("born", "alive")):
            axes.plot(found[:, j], np.full(times, 1.0 - j), "o", markersize=4, label=f"runs of {particles} seeds, {name}")
            axes.plot([expected[j]] * 2, [0.7 - j, 1.3 - j], "k-", label="population balance" if j else None)
        axes.set(xlabel="nucleated particles per seed", ylim=(-0.6, 2.6))
        axes.set_yticks([])
        axes.legend(loc="upper left")

    bench.draw("births in the limit of many particles", draw)
    checks = []
    for j, what in enumerate(WHAT[:2]):
        error = float(found[:, j].std(ddof=1)) / np.sqrt(times) / expected[j]
        checks.append(
            near(
                f"{what}, windows of 0.5 %",
                float(found[:, j].mean()),
                expected[j],
                f"{times} runs of {particles} seeds: standard error {100.0 * error:.2g} %; the steps and whole units "
                f"of the balance (continuum.py) "
                "leave 0.3 %; particles counted only at the ends of windows must not show"
                + ("; short variant: wide" if bench.fast else ""),
                share=0.06 if bench.fast else 0.01,
            )
        )
    return checks
