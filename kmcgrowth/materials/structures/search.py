"""How the model clusters of this folder were found; ``python search.py`` writes them again, in some minutes.

Nothing is fitted to a diffraction pattern. A cluster is a connected fragment of ideal wurtzite with the bond of InAs
and with given numbers of In, As and In-As bonds, each As with at least two or three bonds, each In with at least one;
among those, annealing looks for the one with the least radius of gyration. The disordered cluster starts from the
ordered one of the same formula and first keeps as many atoms where they are as it can; In with four As, the core, stay.

Why wurtzite: 10.1021/jacsau.3c00809 builds In39As22 on the core of In37P20, which is pseudo-wurtzite, as is In26As18
(Ripberger et al., Structure and Reactivity of II-VI and III-V Magic-Sized Clusters). Bonds: the former gives 2.26 As on
each In for its model of the magic-size cluster and 2.00 for that of the amorphous one, 88 = 4 x 22 and 78 bonds; the
latter gives seven As with three In in In26As18, 65 bonds if the others have four.

What wurtzite cannot give: ``fewest`` finds no 22 four-coordinated As with fewer than 41 In. Of 39 In at least two are
then missing, each with a bond or more, so that In39As22 has 86 bonds (2.21) at most. For the 20 P of In37P20 and the 13
of In26P13, all four-coordinated, it finds 38 and 27, one more than the crystals have: these are no fragments of
wurtzite. For In26As18, 63 bonds were the most that annealing found. Nor has wurtzite a twofold axis, only a screw.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kmcgrowth.files import atomic_path
from kmcgrowth.lattice.clusters import CELLS
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal

LATTICE = 6.0583 / math.sqrt(2)
"""Lattice constant of ideal wurtzite with the bonds of zincblende InAs, whose own is 6.0583 [angstrom]."""

BOND = LATTICE * math.sqrt(3 / 8)
"""Bond between In and As [angstrom]."""

HOT, COLD = 3.0, 0.003
"""Temperatures of annealing, first and last, in what is made small."""

WEIGHT = 5.0
"""What a bond or an atom too many or too few costs, in squared bond lengths of the radius of gyration."""

BOX = Box(load_crystal("wurtzite"), CELLS, LATTICE)
KIND = BOX.element(np.arange(BOX.sites)).tolist()
NEAR = BOX.neighbours(np.arange(BOX.sites)).tolist()
PLACE = (BOX.position(np.arange(BOX.sites)) - BOX.edges / 2) / BOND
X = PLACE.tolist()
SQUARE = (PLACE**2).sum(axis=1).tolist()


def around(middle: Iterable[float], kind: int, number: int) -> list[int]:
    """The sites of a kind nearest to a point."""
    sites = np.flatnonzero(np.array(KIND) == kind)
    apart = ((PLACE[sites] - np.array(list(middle))) ** 2).sum(axis=1)
    return [int(i) for i in sites[np.argsort(apart, kind="stable")[:number]]]


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


def fewest(seed: int, *, anions: int, steps: int = 500_000) -> int:
    """The least number of cations met that give each of so many anions four bonds."""
    rng = random.Random(seed)
    atoms = around((rng.random() for _ in range(3)), 1, anions)
    occupied, bonds = set(atoms), [0] * BOX.sites
    for i in atoms:
        for c in NEAR[i]:
            bonds[c] += 1
    now = best = sum(b > 0 for b in bonds)
    for t in range(steps):
        which = rng.randrange(anions)
        i, j = atoms[which], rng.choice(NEAR[rng.choice(NEAR[atoms[rng.randrange(anions)]])])
        if j in occupied:
            continue
        new = now
        for c in NEAR[i]:
            bonds[c] -= 1
            new -= bonds[c] == 0
        for c in NEAR[j]:
            new += bonds[c] == 0
            bonds[c] += 1
        if new <= now or rng.random() < math.exp((now - new) / (1.0 - 0.9 * t / steps)):
            occupied.remove(i)
            occupied.add(j)
            atoms[which], now, best = j, new, min(best, new)
        else:
            for c in NEAR[i]:
                bonds[c] += 1
            for c in NEAR[j]:
                bonds[c] -= 1
    return best


def anneal(
    seed: int, *, indium: int, arsenic: int, bonds: int, least: int, steps: int, start: list[int] | None = None,
    fixed: frozenset[int] = frozenset(),
) -> tuple[float, list[int]] | None:
    """The best cluster with so many bonds that was met: (what is made small, sites), or None.

    What is made small is the squared radius of gyration, in squared bond lengths, and ``WEIGHT`` times the number of
    bonds too many or too few and of atoms that left the sites ``start``. Each As has at least ``least`` bonds; atoms on
    the sites ``fixed`` stay.
    """
    rng = random.Random(seed)
    middle = [rng.random() for _ in range(3)]
    atoms = around(middle, 0, indium) + around(middle, 1, arsenic) if start is None else list(start)
    home, occupied, n, lowest = set(start or ()), set(atoms), len(atoms), (1, least)

    def degree(i: int) -> int:
        return sum(j in occupied for j in NEAR[i])

    def cost(have: int, total: list[float], square: float, left: int) -> float:
        return WEIGHT * (abs(have - bonds) + left) + square / n - sum(v * v for v in total) / n**2

    total, square = [sum(X[i][k] for i in atoms) for k in range(3)], sum(SQUARE[i] for i in atoms)
    have, left = sum(map(degree, atoms)) // 2, 0
    now = cost(have, total, square, left)
    best: tuple[float, list[int]] | None = None
    for t in range(steps):
        heat = HOT * (COLD / HOT) ** (t / steps)
        which = rng.randrange(n)
        i, other = atoms[which], atoms[rng.randrange(n)]
        j = rng.choice(NEAR[other] if KIND[other] != KIND[i] else NEAR[rng.choice(NEAR[other])])
        if j in occupied or i in fixed:
            continue
        then = have - degree(i)
        occupied.discard(i)
        gained = degree(j)
        if gained < lowest[KIND[j]]:
            occupied.add(i)
            continue
        then += gained
        moved = [total[k] - X[i][k] + X[j][k] for k in range(3)]
        wider = square - SQUARE[i] + SQUARE[j]
        gone = left + (i in home) - (j in home) if home else 0
        new = cost(then, moved, wider, gone)
        occupied.add(j)
        if new <= now or rng.random() < math.exp((now - new) / heat):
            atoms[which], have, total, square, now, left = j, then, moved, wider, new, gone
            if have == bonds and (best is None or now < best[0] - 1e-9):
                if all(degree(k) >= lowest[KIND[k]] for k in occupied) and connected(occupied):
                    best = now, sorted(atoms)
        else:
            occupied.discard(j)
            occupied.add(i)
    return best


def write(name: str, sites: list[int], comment: str) -> None:
    """Write a cluster as extended XYZ in the middle of its box, in angstrom."""
    cell = BOX.crystal.cell * LATTICE
    edge = BOX.edges
    place = BOX.position(np.array(sites))
    # Whole cells, so that atoms stay on the sites of a box whose first cation lies in its corner.
    place += cell * np.rint((edge / 2 - place.mean(axis=0)) / cell)
    lines = [
        str(len(sites)),
        f'Lattice="{edge[0]:.6f} 0 0 0 {edge[1]:.6f} 0 0 0 {edge[2]:.6f}" Properties=species:S:1:pos:R:3 pbc="F F F" '
        f'comment="{comment}"',
    ]
    order = sorted(range(len(sites)), key=lambda k: (KIND[sites[k]], sites[k]))
    lines += [f"{('In', 'As')[KIND[sites[k]]]} {' '.join(f'{x:.6f}' for x in place[k])}" for k in order]
    with atomic_path(Path(__file__).parent / f"{name}.extxyz") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def search(seeds: int, **how: object) -> list[int]:
    """The best of several annealings."""
    found = [b for s in range(seeds) if (b := anneal(s, **how)) is not None]  # type: ignore[arg-type]
    found.sort(key=lambda b: b[0])
    print(how["bonds"], [round(b[0], 5) for b in found[:8]])
    return found[0][1]


FRAGMENT = (
    "Our construction: a fragment of ideal wurtzite (bond 2.6233 A, that of bulk zincblende InAs) of least radius of "
    "gyration"
)

if __name__ == "__main__":
    print("fewest In or P:", {n: min(fewest(s, anions=n) for s in range(6)) for n in (22, 20, 13)})
    magic = search(16, indium=39, arsenic=22, bonds=86, least=2, steps=2_500_000)
    write("InAs_magic", magic, (
        f"{FRAGMENT}, In39As22 with 86 In-As bonds, 2.21 As an In. Known from 10.1021/jacsau.3c00809: the model of the "
        "magic-size cluster is In39As22 with 2.26 As an In (88 bonds) and C2 symmetry, on the pseudo-wurtzite core of "
        "In37P20; its coordinates were not at hand. No fragment of wurtzite was found with more than 86 bonds, and "
        "wurtzite has no twofold axis."
    ))
    core = frozenset(i for i in magic if KIND[i] == 0 and all(j in magic for j in NEAR[i]))
    loose = search(16, indium=39, arsenic=22, bonds=78, least=2, steps=2_500_000, start=magic, fixed=core)
    print("moved:", len(set(magic) - set(loose)))
    write("InAs_amorphous", loose, (
        "Our construction: InAs_magic with the fewest atoms moved to other wurtzite sites that leave 78 In-As bonds, "
        "2.00 As an In. Known from 10.1021/jacsau.3c00809: the model of the amorphous cluster is the magic-size one, "
        "In39As22, with surface atoms rearranged and 2.00 As an In; its coordinates were not at hand. On a lattice it "
        "has lost bonds, but it is not amorphous."
    ))
    small = search(24, indium=26, arsenic=18, bonds=63, least=3, steps=2_500_000)
    write("InAs_In26As18", small, (
        f"{FRAGMENT}, In26As18 with 63 In-As bonds, 2.42 As an In, nine As with three. Known: a crystal of "
        "In26As18(O2CR)24(PR3)3 (10.1021/acscentsci.3c01451), pseudo-wurtzite, seven As with three In (Ripberger et "
        "al., Structure and Reactivity of II-VI and III-V Magic-Sized Clusters), 65 bonds if the others have four; its "
        "coordinates were not at hand. No fragment of wurtzite was found with more than 63 bonds."
    ))
