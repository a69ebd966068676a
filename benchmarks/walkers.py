"""Speed of walkers between crystals: ``python benchmarks/walkers.py [--repeat N] [--edge CELLS]``, one core, medians.

Eight seeds in an fcc box; dissolved atoms walk between them and stick at once. Moves are hops and cubes that are left.
"""

from __future__ import annotations

import argparse
import resource
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from kmcgrowth.lattice._walk import Pause, WalkKernel

from kmcgrowth.lattice.energetics import Energetics
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import walk_grid
from kmcgrowth.lattice.walk_tables import cube_laws
from kmcgrowth.materials.crystals import load_crystal

UNITS = 22
"""Atoms in a cluster."""

CASES: list[tuple[str, int, int, float, float, int]] = [
    # what, atoms at first, clusters, their release per hop time of a direction, their D over that of atoms, radius
    ("1e5 atoms", 100_000, 0, 0.0, 0.0, 5),
    ("1e6 atoms, released by slow clusters", 0, 45_455, 1e-3, 0.1, 5),
    ("1e6 atoms, from clusters that release at once", 0, 45_455, 1.0, 0.1, 5),
    ("1e6 atoms", 1_000_000, 0, 0.0, 0.0, 8),
]


def kernel_of(edge: int, atoms: int, clusters: int, release: float, slower: float, radius: int, seed: int) -> Any:
    """A box of fcc cells with eight seeds, and walkers anywhere."""
    c = load_crystal("fcc")
    box = Box(c, (edge,) * 3, 0.6e-9)
    grid, e = walk_grid(box), Energetics(c, 0.0)
    kernel = WalkKernel(
        np.random.SFC64(seed), box.cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), False, False
    )
    law = {"reactant": [[1]], "order": [[1.0]], "consumed": [[1]], "change": [[UNITS, -1]], "power": [0.0]}
    kernel.set_solution(1, False, [0, 0], np.eye(2, dtype=int), law, np.zeros((0, 2)))
    kernel.set_walkers(grid.parts, grid.point, cube_laws(), spread=[0, 2])
    none = np.zeros(len(e.groups))
    kernel.set_window(
        0.0, 1e30, (1.0, 1.0), (none, none), (none, none), (0.0, 0.0), ([release],) * 2, [], [],
        walk=([1.0, slower],) * 2, stick=([np.inf],) * 2,
    )
    axis = np.arange(-radius - 1, radius + 2)
    cells = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 3).repeat(4, axis=1)
    near = np.linalg.norm(cells + c.basis, axis=-1) < radius
    b = np.broadcast_to(np.arange(4), near.shape)
    for x in (edge // 4, 3 * edge // 4):
        for y in (edge // 4, 3 * edge // 4):
            for z in (edge // 4, 3 * edge // 4):
                sites = box.join(cells[near] + (x, y, z), b[near]).astype(np.int32)
                kernel.fill(sites, np.ones(len(sites), dtype=bool))
    kernel.dissolve([atoms, clusters])
    return kernel


def deposit(kernel: Any, number: int) -> None:
    """Go on until so many atoms have attached, or nothing is left that can."""
    while kernel.attached < number:
        why = kernel.run(1e29, 200_000)
        if why == Pause.ROOM:
            kernel.make_room()
        elif why != Pause.BUDGET:
            break


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--edge", type=int, default=128, help="cells along the edge; half the grid points")
    given = parser.parse_args()
    share = (given.edge / 128) ** 3
    print(f"{2 * given.edge}^3 grid points, {4 * given.edge**3:.3g} sites; until 80 % of the atoms have attached")
    print(f"{'':46} {'s':>7} {'us/atom':>8} {'ns/move':>8} {'moves/atom':>11} {'enclosed':>9}")
    for name, atoms, clusters, release, slower, radius in CASES:
        rows = []
        for k in range(given.repeat):
            kernel = kernel_of(given.edge, int(atoms * share), int(clusters * share), release, slower, radius, k)
            number = int(0.8 * share * (atoms + UNITS * clusters))
            start = perf_counter()
            deposit(kernel, number)
            took = perf_counter() - start
            t = kernel.tallies()
            rows.append((
                took, took / kernel.attached * 1e6, took / t["moves"] * 1e9, t["moves"] / kernel.attached,
                t["enclosed"][0] / number,
            ))
        a, b, c, d, e = (median(x) for x in zip(*rows))
        print(f"{name:46} {a:7.2f} {b:8.1f} {c:8.0f} {d:11.0f} {e:9.1%}", flush=True)
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
