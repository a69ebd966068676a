"""Nanoseconds per accepted event of the exact engine, beside the cost of a random draw.

``python benchmarks/reactor.py``.

Medians over chunks of a run; the bare draw is timed between the chunks, so that a slow moment of the machine
slows both.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from peers_model import peers_model

from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.recipe import load_recipe

RUNS = Path(__file__).parents[1] / "runs"
RAMP = [["0 min", "290 degC"], ["90 min", "310 degC"]]


def draw_cost(generator: type[np.random.BitGenerator], number: int = 500_000) -> float:
    """One 64-bit draw in a C loop [ns]."""
    bits = generator(1)
    start = perf_counter()
    bits.random_raw(number, output=False)
    return (perf_counter() - start) / number * 1e9


def cases(largest: int) -> Iterator[tuple[str, Model, float, float]]:
    """Name, model, when to begin and how long a chunk is [s of simulated time]."""
    for particles in (10_000, 100_000, 1_000_000):
        if particles <= largest:
            chunk = max(1e6, particles) / (27.0 * particles)
            yield f"bare model, {particles:.0e} particles", peers_model(particles), chunk, chunk
    fed = load_recipe(str(RUNS / "inas_continuous_injection.toml"))
    both = {"injection.0.contents": {"AMC": "1.6 mM", "MSC": "1.6 mM"}}
    everything = load_recipe(
        str(RUNS / "inas_continuous_injection.toml"),
        changes=both | {"flask.temperature": RAMP, "nucleation.prefactor": "1e33 / m^3 / s"},
    )
    for particles in (10_000, 100_000, 1_000_000):
        if particles <= largest:
            span = max(1.0, 1e5 / particles) * 20.0
            size = f"{particles:.0e} particles"
            yield f"InAs-5 (feed, dilution, nucleation), {size}", build_model(fed, particles=particles), 300.0, span
            model = build_model(everything, particles=particles)
            yield f"the same with AMC and MSC and a ramp, {size}", model, 300.0, span


def measure(model: Model, begin: float, chunk: float, chunks: int) -> tuple[list[float], list[float], ExactRun]:
    """Nanoseconds per event and per SFC64 draw, chunk by chunk."""
    run = ExactRun(model, np.random.Generator(np.random.SFC64(1)))
    run.advance(begin)
    events, draws = [], []
    for _ in range(chunks):
        before, start = run.events, perf_counter()
        run.advance(run.time + chunk)
        events.append((perf_counter() - start) / (run.events - before) * 1e9)
        draws.append(draw_cost(np.random.SFC64))
    return events, draws, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=21)
    parser.add_argument("--largest", type=int, default=1_000_000, help="most particles")
    options = parser.parse_args()
    pcg = float(np.median([draw_cost(np.random.PCG64) for _ in range(15)]))
    print(f"one PCG64 draw: {pcg:.2f} ns\n")
    print("| case | ns/event (median) | fastest | SFC64 draw | event/draw | kernel B/particle |")
    print("|---|---|---|---|---|---|")
    for name, model, begin, chunk in cases(options.largest):
        events, draws, run = measure(model, begin, chunk, options.chunks)
        ratio = float(np.median(np.array(events) / np.array(draws)))
        memory = run.particle_bytes() / max(int(sum(p.number for p in model.seeds)), 1)
        figures = f"{np.median(events):.1f} | {min(events):.1f} | {np.median(draws):.2f} | {ratio:.1f} | {memory:.1f}"
        print(f"| {name} | {figures} |", flush=True)
    print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
