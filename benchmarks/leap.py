"""Leaps against every event: wall time and what comes out, as a markdown table.

``python benchmarks/leap.py``

Both engines run the same model from the same seeds. Where the exact engine would take too long it runs the first part,
in which both are compared, and its time for the whole is scaled by the events of the leaps.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun
from kmcgrowth.recipe import load_recipe

RUNS = Path(__file__).parents[1] / "runs"


@dataclass(frozen=True)
class Bench:
    """A model and the share of its duration that the exact engine runs.

    Attributes
    ----------
    name : str
    recipe : str, in runs/
    changes : to it
    share : float, of the duration [dimensionless]
    looks : int, evenly spaced times at which steps have to end
    """

    name: str
    recipe: str
    changes: dict[str, Any]
    share: float = 1.0
    looks: int = 1


def feed(diffusion: str) -> dict[str, Any]:
    """Dots of 6 nm fed with monomer for half an hour, without nucleation."""
    return {
        "seeds.0.diameter": "6 nm", "simulation.duration": "30 min", "growth.diffusion.value": diffusion,
        "injection": [{"rate": "1.2 mL/hour", "volume": "1 mL", "contents": {"monomer": "20 mM"}}],
    }


CASES = (
    Bench("ripening of 3 nm dots, 10 h, D 1e3 nm²/s", "teaching_ripening.toml", {}),
    Bench("the same, one day, D 1e7 nm²/s", "teaching_ripening.toml",
          {"simulation.duration": "1 day", "growth.diffusion.value": "1e7 nm^2/s"}, 2e-5),
    Bench("6 nm dots fed for 30 min, D 1e5 nm²/s", "teaching_ripening.toml", feed("1e5 nm^2/s"), 0.1),
    Bench("the same with 120 snapshots", "teaching_ripening.toml", feed("1e5 nm^2/s"), 0.1, 120),
    Bench("the same with one, D 1e7 nm²/s", "teaching_ripening.toml", feed("1e7 nm^2/s"), 1e-3),
    Bench("fed dots with secondary nucleation, γ 0.05 J/m²", "teaching_ripening.toml", {
        "seeds.0.diameter": "2.6 nm", "seeds.0.relative_std": 0.06, "simulation.duration": "15 min",
        "growth.surface_energy": "0.05 J/m^2", "growth.diffusion.value": "1e4 nm^2/s",
        "nucleation.law": "classical", "nucleation.prefactor": "1e31 / m^3 / s",
        "injection": [{"rate": "2 mL/hour", "volume": "2 mL", "contents": {"monomer": "60 mM"}}],
    }),
    Bench("hot injection, AMC, 300 °C", "inas_hot_injection_amc_300.toml", {"simulation.duration": "10 min"}),
)


def look(run: Any, model: Model) -> tuple[float, float, float, float]:
    """Mean diameter [nm], relative width, particles born, and monomers injected."""
    counts = run.counts()
    number = counts.seed + counts.nucleated
    d = 2e9 * model.radius(counts.sizes)
    mean = float(np.average(d, weights=number))
    width = float(np.sqrt(np.average((d - mean) ** 2, weights=number))) / mean
    fed = sum(s.contents.get(0, 0) for s in model.syringes) - float(counts.matter["syringe"].min())
    return mean, width, counts.tallies["born"], fed


def timed(engine: Callable[..., Any], model: Model, until: float, looks: int) -> tuple[float, Any]:
    """Seconds until a time, with so many stops on the way, always from the same seeds, and the run."""
    run = engine(model, np.random.Generator(np.random.SFC64(1)))
    start = perf_counter()
    for time in np.linspace(0.0, until, looks + 1)[1:]:
        run.advance(float(time))
    return perf_counter() - start, run


def row(case: Bench, particles: int, tolerance: float) -> str:
    """A line of the table."""
    model = build_model(load_recipe(str(RUNS / case.recipe), changes=case.changes), particles=particles)
    model = replace(model, tolerance=tolerance)
    part = case.share * model.duration
    few = max(round(case.share * case.looks), 1)
    seconds, exact = timed(ExactRun, model, part, few)
    there = timed(LeapRun, model, part, few)[1]
    wall, leap = timed(LeapRun, model, model.duration, case.looks)
    expected, found = look(exact, model), look(there, model)
    whole = seconds if case.share == 1.0 else seconds * leap.events / exact.events
    births = f"{found[2] / expected[2] - 1.0:+.2%} of {expected[2]:.0f}" if expected[2] > 100 else "–"
    gross = f"{exact.events / expected[3]:.0f}" if expected[3] > 0 and not model.reactions else "–"
    return (
        f"| {case.name} | {leap.events:.1e} | {gross} | {whole:.3g} s | {wall:.2g} s | {whole / wall:.0f} | "
        f"{found[0] / expected[0] - 1.0:+.3%} | {found[1] / expected[1] - 1.0:+.2%} | {births} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=100_000)
    parser.add_argument("--tolerance", type=float, default=0.01)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    print("| case | events | events per unit fed | exact | leap | ratio | mean diameter | relative width | births |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if options.only in case.name:
            particles = options.particles if "hot injection" not in case.name else options.particles // 10
            print(row(case, particles, options.tolerance), flush=True)


if __name__ == "__main__":
    main()
