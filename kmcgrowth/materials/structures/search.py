"""How the model clusters of this folder were found; ``python search.py`` writes them again, in about ten minutes.

Nothing is fitted to a diffraction pattern. A cluster is a connected fragment of the zincblende lattice with given
numbers of In and As and of In-As bonds, each As with at least two bonds, each In with at least one; among those,
annealing looks for the one with the least radius of gyration. The disordered cluster starts from the ordered one of the
same formula and first keeps as many atoms where they are as it can.

Bonds: 10.1021/jacsau.3c00809 gives 2.26 As on each In for its model of the magic-size cluster and 2.00 for that of the
amorphous one, both In39As22: that is 88 = 4 x 22 and 78 bonds. On zincblende, annealing finds no 22 four-coordinated As
with fewer than 40 In, and so 87 bonds (2.23) for In39As22 at most, 86 with its twofold axis. For In26As18, known as a
crystal (10.1021/acscentsci.3c01451, whose coordinates were not at hand), 59 bonds are nearest to 2.26 as well, though
that number was not given for it.
"""

from __future__ import annotations

import math
import random
from itertools import product
from pathlib import Path

import numpy as np

from kmcgrowth.files import atomic_path

LATTICE = 6.0583
"""Lattice constant of InAs [angstrom]."""

CELLS = 5
"""Edge of the box in which a cluster is written, in cells."""

REACH = 9
"""Sites are those within this many quarters of the lattice constant along x, y and z."""

AROUND = ((-1, -1, -1), (-1, 1, 1), (1, -1, 1), (1, 1, -1))
"""From As to its In neighbours, in quarters of the lattice constant."""

GRID = list(product(range(-REACH, REACH + 1), repeat=3))
CATIONS = [p for p in GRID if all(v % 2 == 0 for v in p) and sum(p) % 4 == 0]
SITES = CATIONS + [p for p in GRID if all(v % 2 for v in p) and sum(p) % 4 == 3]
FIRST = len(CATIONS)
PLACE = np.array(SITES, dtype=float)
NEAR: list[list[int]] = [[] for _ in SITES]
NUMBER = {p: i for i, p in enumerate(SITES)}
for anion in range(FIRST, len(SITES)):
    for step in AROUND:
        cation = NUMBER.get((SITES[anion][0] + step[0], SITES[anion][1] + step[1], SITES[anion][2] + step[2]))
        if cation is not None:
            NEAR[anion].append(cation)
            NEAR[cation].append(anion)


def connected(occupied: set[int]) -> bool:
    """Whether all atoms hang together."""
    todo = [next(iter(occupied))]
    seen = set(todo)
    while todo:
        for j in NEAR[todo.pop()]:
            if j in occupied and j not in seen:
                seen.add(j)
                todo.append(j)
    return len(seen) == len(occupied)


def anneal(
    seed: int, *, indium: int, arsenic: int, bonds: int, steps: int, cold: float, weight: float,
    start: list[int] | None = None, keep: float = 0.0,
) -> tuple[float, list[int]] | None:
    """The best cluster with so many bonds that was met: (what is made small, sites), or None.

    What is made small is the squared radius of gyration [a^2/16], ``weight`` times the bonds too many or too few, and
    ``keep`` times the atoms that left the sites ``start``.
    """
    rng = random.Random(seed)
    if start is None:
        apart = ((PLACE - np.array([rng.random() * 2 for _ in range(3)])) ** 2).sum(axis=1)
        atoms = [int(i) for i in np.argsort(apart[:FIRST])[:indium]]
        atoms += [FIRST + int(i) for i in np.argsort(apart[FIRST:])[:arsenic]]
    else:
        atoms = list(start)
    home, occupied, n = set(start or ()), set(atoms), len(atoms)

    def degree(i: int) -> int:
        return sum(j in occupied for j in NEAR[i])

    def least(i: int) -> int:
        return 2 if i >= FIRST else 1

    def cost(have: int, total: np.ndarray, square: float, left: int) -> float:
        return float(weight * abs(have - bonds) + square / n - (total @ total) / n**2 + keep * left)

    total, square = PLACE[atoms].sum(axis=0), float((PLACE[atoms] ** 2).sum())
    have, left = sum(map(degree, atoms)) // 2, 0
    now = cost(have, total, square, left)
    best: tuple[float, list[int]] | None = None
    for t in range(steps):
        heat = 3.0 * (cold / 3.0) ** (t / steps)
        which = rng.randrange(n)
        i, other = atoms[which], atoms[rng.randrange(n)]
        j = rng.choice(NEAR[other] if (other < FIRST) != (i < FIRST) else NEAR[rng.choice(NEAR[other])])
        if j in occupied or (j < FIRST) != (i < FIRST) or len(NEAR[j]) < 4:
            continue
        then = have - degree(i)
        occupied.discard(i)
        then += degree(j)
        if degree(j) < least(j):
            occupied.add(i)
            continue
        moved = total - PLACE[i] + PLACE[j]
        wider = square - float((PLACE[i] ** 2).sum()) + float((PLACE[j] ** 2).sum())
        gone = left + (i in home) - (j in home) if home else 0
        new = cost(then, moved, wider, gone)
        occupied.add(j)
        if new <= now or rng.random() < math.exp((now - new) / heat):
            atoms[which], have, total, square, now, left = j, then, moved, wider, new, gone
            if have == bonds and (best is None or now < best[0] - 1e-9):
                if all(degree(k) >= least(k) for k in occupied) and connected(occupied):
                    best = now, sorted(atoms)
        else:
            occupied.discard(j)
            occupied.add(i)
    return best


def write(name: str, sites: list[int], comment: str) -> None:
    """Write a cluster as extended XYZ in the middle of its box, in angstrom."""
    edge = CELLS * LATTICE
    middle = PLACE[sites].mean(axis=0)
    # Whole cells, so that atoms stay on the sites of a box whose first cation lies in its corner.
    shift = 4 * np.rint((2 * CELLS - middle) / 4)
    lines = [
        str(len(sites)),
        f'Lattice="{edge:.4f} 0 0 0 {edge:.4f} 0 0 0 {edge:.4f}" Properties=species:S:1:pos:R:3 pbc="F F F" '
        f'comment="{comment}"',
    ]
    for i in sites:
        x, y, z = (PLACE[i] + shift) * LATTICE / 4
        lines.append(f"{'In' if i < FIRST else 'As'} {x:.6f} {y:.6f} {z:.6f}")
    with atomic_path(Path(__file__).parent / f"{name}.extxyz") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def search(seeds: int, **how: object) -> list[int]:
    """The best of several annealings."""
    found = [b for s in range(seeds) if (b := anneal(s, **how)) is not None]  # type: ignore[arg-type]
    found.sort(key=lambda b: b[0])
    print(how["bonds"], [round(b[0], 5) for b in found[:8]])
    return found[0][1]


FRAGMENT = "Our construction: a fragment of bulk zincblende (a = 6.0583 A) of least radius of gyration"

if __name__ == "__main__":
    magic = search(10, indium=39, arsenic=22, bonds=87, steps=1_000_000, cold=0.01, weight=1.0)
    write("InAs_magic", magic, (
        f"{FRAGMENT}, In39As22 with 87 In-As bonds, 2.23 As an In. Known from 10.1021/jacsau.3c00809: the model of the "
        "magic-size cluster is In39As22 with 2.26 As an In (88 bonds) and C2 symmetry, with a core like that of "
        "In37P20; its coordinates were not at hand. No fragment of zincblende was found with 88 bonds, or with C2 and "
        "more than 86."
    ))
    loose = search(30, indium=39, arsenic=22, bonds=78, steps=3_000_000, cold=0.02, weight=1.0, start=magic, keep=1.0)
    write("InAs_amorphous", loose, (
        "Our construction: InAs_magic with the fewest atoms moved to other zincblende sites that leave 78 In-As bonds, "
        "2.00 As an In. Known from 10.1021/jacsau.3c00809: the model of the amorphous cluster is the magic-size one, "
        "In39As22, with surface atoms rearranged and 2.00 As an In; its coordinates were not at hand. On a lattice it "
        "has lost bonds, but it is not amorphous."
    ))
    small = search(40, indium=26, arsenic=18, bonds=59, steps=2_000_000, cold=0.01, weight=2.0)
    write("InAs_In26As18", small, (
        f"{FRAGMENT}, In26As18 with 59 In-As bonds, 2.27 As an In. Known from 10.1021/acscentsci.3c01451: a crystal of "
        "In26As18(O2CR)24(PR3)3, no fragment of zincblende; its coordinates were not at hand. The coordination is that "
        "of another model, In39As22 of 10.1021/jacsau.3c00809, and not known for this cluster."
    ))
