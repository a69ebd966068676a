"""Speed of the lattice kernel: ``python benchmarks/lattice.py [--repeat N]``, one core, medians.

Events are those that happened: attach, detach and hop; candidates that came to nothing are not counted.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from kmcgrowth.lattice._lattice import Kernel, Pause

from kmcgrowth.lattice.energetics import Energetics
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.physics.constants import K_B

HOT = 573.15
"""[K]"""

EVENTS = 3_000_000

CASES: list[tuple[str, str, tuple[int, int, int], int, float, float]] = [
    # what, crystal, cells, atoms, bond in kT, prefactor of hops over k c_infinity
    ("fcc, 64^3 sites, 3e4 atoms", "fcc", (41, 41, 40), 30_000, 1.0, 0.3),
    ("fcc, 64^3 cells, 1e5 atoms", "fcc", (64, 64, 64), 100_000, 1.0, 0.3),
    ("zincblende, 32^3 cells, 1e5 atoms", "zincblende", (32, 32, 32), 100_000, 4.0, 0.05),
    ("simple cubic, 64^3 sites, 1e5 atoms", "sc", (64, 64, 64), 100_000, 2.0, 0.1),
    ("fcc, 256^3 sites, 1e6 atoms", "fcc", (162, 162, 160), 1_000_000, 1.0, 0.3),
    ("zincblende, 256^3 sites, 1e6 atoms", "zincblende", (128, 128, 128), 1_000_000, 4.0, 0.05),
]
SCALING = [(10, "4e3"), (14, "1.1e4"), (30, "1.1e5"), (64, "1.0e6"), (136, "1.0e7"), (320, "1.3e8")]
"""Cells along the edge of an fcc box, and its sites."""


def kernel_of(
    crystal: str, cells: tuple[int, int, int], bond: float, s: float, hop: float, seed: int, free: int = 0
) -> tuple[Any, Box]:
    """A kernel beside a fixed solution of supersaturation ``s``, or a pool of ``free`` atoms of each element."""
    c = load_crystal(crystal)
    e = Energetics(c, bond * K_B * HOT)
    kernel = Kernel(np.random.SFC64(seed), cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), False, False)
    n = len(c.elements)
    empty = np.zeros(0)
    kernel.set_solution(
        n, not free, [free] * n, np.eye(n),
        {"reactant": np.full((0, 1), -1), "order": np.zeros((0, 1)), "consumed": np.zeros((0, 1)),
         "change": np.zeros((0, n)), "power": empty},
        np.zeros((0, n)),
    )
    hops = e.hop_rates(hop, -bond * K_B * HOT, HOT)
    rates = e.detach_rates(1.0, 1.0, HOT) + hops
    rates[:n] = 1.0 if free else s
    volume = max(free, 1) / s
    kernel.set_window(0.0, 1e15, (volume, volume), (rates, rates), (hops, hops), (0.0, 0.0), (empty, empty), [], [])
    return kernel, Box(c, cells, 0.6e-9)


def ball(kernel: Any, box: Box, atoms: int) -> None:
    """Fill the ``atoms`` sites nearest to the middle."""
    reach = np.cbrt(3.0 * atoms / (4.0 * np.pi * box.sites) * box.volume) * 1.05 + 2.0 * box.constant
    size = box.crystal.cell * box.constant
    low = np.floor((box.edges / 2 - reach) / size).astype(int)
    high = np.ceil((box.edges / 2 + reach) / size).astype(int)
    ranges = (np.arange(a, b) for a, b in zip(low, high))
    cells = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sites = np.unique(box.join(cells, np.arange(box.crystal.sites)).ravel())
    away = np.linalg.norm(box.position(sites) - box.edges / 2.0, axis=1)
    chosen = np.sort(sites[np.argpartition(away, atoms)[:atoms]]).astype(np.int32)
    kernel.fill(chosen, np.ones(atoms, dtype=bool))


def go(kernel: Any, candidates: int) -> None:
    """Run so many candidates."""
    done = kernel.events + kernel.idle
    while (left := done + candidates - kernel.events - kernel.idle) > 0:
        why = kernel.run(1e12, left)
        if why == Pause.ROOM:
            kernel.make_room()
        elif why != Pause.BUDGET:
            raise RuntimeError("nothing can happen any more")


def speed(
    crystal: str, cells: tuple[int, int, int], atoms: int, bond: float, hop: float, repeat: int
) -> dict[str, float]:
    """Millions of events per second, and their mix, of a crystal in balance with a pool."""
    rates, mix = [], np.zeros(4)
    for seed in range(repeat):
        kernel, box = kernel_of(crystal, cells, bond, 1.0, hop, seed, atoms // 10)
        ball(kernel, box, atoms)
        go(kernel, EVENTS // 5)
        told = np.array([kernel.attached, kernel.detached, kernel.hopped, kernel.idle])
        began = perf_counter()
        go(kernel, EVENTS)
        spent = perf_counter() - began
        made = np.array([kernel.attached, kernel.detached, kernel.hopped, kernel.idle]) - told
        rates.append(made[:3].sum() / spent / 1e6)
        mix += made
    mix /= mix.sum()
    return {"speed": median(rates), "attach": mix[0], "detach": mix[1], "hop": mix[2], "idle": mix[3]}


def growth(crystal: str, cells: tuple[int, int, int], bond: float, s: float, hop: float) -> tuple[float, float, float]:
    """Seconds from 1e4 to 1e5 atoms, millions of attach and detach events per second, and the same with hops."""
    kernel, box = kernel_of(crystal, cells, bond, s, hop, 1)
    ball(kernel, box, 10_000)
    began = perf_counter()
    while kernel.atoms < 100_000:
        if kernel.run(1e12, 20_000) == Pause.ROOM:
            kernel.make_room()
    spent = perf_counter() - began
    return spent, (kernel.attached + kernel.detached) / spent / 1e6, kernel.events / spent / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    print("| crystal in balance with its solution | M events/s | attach | detach | hop | came to nothing |")
    print("|---|---|---|---|---|---|")
    for what, crystal, cells, atoms, bond, hop in CASES:
        for h in (0.0, hop):
            found = speed(crystal, cells, atoms, bond, h, repeat)
            shares = " | ".join(f"{100 * found[k]:.0f} %" for k in ("attach", "detach", "hop", "idle"))
            print(f"| {what} | {found['speed']:.2f} | {shares} |", flush=True)
    print("\n| growth from 1e4 to 1e5 atoms | s | attach and detach, M/s | all events, M/s |\n|---|---|---|---|")
    for crystal, cells, bond, s, hop in (
        ("fcc", (50, 50, 50), 1.0, 2.0, 0.0), ("fcc", (50, 50, 50), 1.0, 2.0, 0.3),
        ("zincblende", (40, 40, 40), 4.0, 2.0, 0.0), ("zincblende", (40, 40, 40), 4.0, 2.0, 0.05),
    ):
        spent, slow, fast = growth(crystal, cells, bond, s, hop)
        print(f"| {crystal}, S = {s:g}{', hops' if hop else ''} | {spent:.2f} | {slow:.2f} | {fast:.2f} |", flush=True)
    print("\n| fcc box, crystal of a tenth of its sites | ns per event |\n|---|---|")
    for edge, sites in SCALING:
        atoms = min(edge**3 * 4 // 10, 3_000_000)
        found = speed("fcc", (edge, edge, edge), atoms, 1.0, 0.0, repeat)
        print(f"| {sites} sites, {atoms} atoms | {1e3 / found['speed']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
