"""Walkers beside crystals: detailed balance, fluxes, conservation, states, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from itertools import combinations
from math import lgamma
from typing import Any

import numpy as np
import pytest
from master_equation import enumerate_states
from scipy import stats
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve
from walks import TEMPERATURE, Walks, ball, boltzmann

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import walk_grid
from kmcgrowth.materials.crystals import load_crystal

LEAST = 1e-9
"""p-value below which a test fails: a right kernel does so for one seed in 10^9."""


def chance(seen: Counter[Any], wanted: dict[Any, float], number: int) -> float:
    """p-value of chi-square; states that expect fewer than ten are put together."""
    if set(seen) - set(wanted):
        return 0.0
    cells = [[0.0, 0.0]]
    for state in sorted(wanted, key=lambda s: wanted[s]):
        if cells[-1][1] >= 10.0:
            cells.append([0.0, 0.0])
        cells[-1][0] += seen[state]
        cells[-1][1] += wanted[state] * number
    a, b = np.array(cells).T
    return float(stats.chisquare(a, b * a.sum() / b.sum()).pvalue)


# -- the master equation of three or four atoms in a box of 27 points -------------------------


def small_box(occupied: tuple[int, ...], walkers: int, **options: Any) -> Walks:
    return Walks((3, 3, 3), "sc", occupied=occupied, amounts=[walkers], bond=boltzmann(0.7), stick=1.5, solubility=0.01, **options)


def moves_of(box: Walks) -> Any:
    """All moves from a state: taken sites, and walkers by place (both sorted)."""
    near = [tuple(int(s) for s in row) for row in box.box.neighbours(np.arange(27))]
    detach = dict(zip((int(n) for n in box.energetics.groups[1:, 1]), box.rates[0][1:], strict=True))

    def moves(state: tuple[tuple[int, ...], tuple[int, ...]]) -> Iterable[tuple[float, Hashable]]:
        taken, walkers = state
        first = {s: sum(n in taken for n in near[s]) for s in range(27)}
        for i, p in enumerate(walkers):
            rest = walkers[:i] + walkers[i + 1 :]
            for q in near[p]:
                if q not in taken:
                    yield 1.0, (taken, tuple(sorted((*rest, q))))
            if first[p] and p not in rest:
                yield 1.5, (tuple(sorted((*taken, p))), rest)
        for s in taken:
            alone = [n for n in near[s] if n in taken and first[n] == 1]
            if alone and first[s] > 1:
                continue
            gone = {s, *alone}
            yield detach[first[s]], (tuple(t for t in taken if t not in gone), tuple(sorted((*walkers, *gone))))

    return moves


@pytest.mark.parametrize("time", [0.3, 3.0])
def test_all_states_of_a_tiny_box_follow_the_master_equation(time: float) -> None:
    runs, start = 4000, (0, 1)
    box = small_box(start, 0)
    # one atom more is let loose at any open point: the mean over its starts
    wanted: dict[Any, float] = {}
    equation = None
    for place in range(2, 27):
        first = (start, (place,))
        if equation is None:
            equation = enumerate_states(first, moves_of(box))
            from scipy.sparse.linalg import expm_multiply

            p0 = np.zeros(len(equation.states))
            for other in range(2, 27):
                p0[equation.states.index((start, (other,)))] = 1.0 / 25.0
            p = expm_multiply(equation.generator * time, p0)
    assert equation is not None
    for state, x in zip(equation.states, p, strict=True):
        key = (len(state[0]), tuple(sorted(Counter(state[1]).values())), state[0] == start)
        wanted[key] = wanted.get(key, 0.0) + float(x)
    seen: Counter[Any] = Counter()
    for k in range(runs):
        box = small_box(start, 1, seed=k)
        box.run(time)
        taken = tuple(int(s) for s in box.kernel.occupied()[0])
        points = box.kernel.positions(time, np.random.SFC64(0))[1]
        piled = tuple(sorted(Counter(map(tuple, points.tolist())).values()))
        seen[len(taken), piled, taken == start] += 1
    assert chance(seen, wanted, runs) > LEAST


def test_equilibrium_of_eight_atoms_is_the_enumerated_one() -> None:
    """Weights of taken sites O with n walkers: exp(-E/kT) (h^3 c_ref)^-|O| (27 - |O|)^n/n!; sizes and bonds."""
    atoms, bond = 8, 2.5
    options = {"bond": boltzmann(bond), "stick": 1.0, "solubility": 2e-5}
    first = Walks((3, 3, 3), "sc", occupied=(0, 1, 3, 4, 9, 10), amounts=[atoms - 6], **options)
    near = np.array(first.box.neighbours(np.arange(27)))
    reference = first.energetics.reference(options["solubility"], TEMPERATURE)
    wanted: dict[Any, float] = {}
    pairs = 0.0
    bits = (1 << near).astype(np.int64)
    masks = bits.sum(axis=1)
    for size in range(2, atoms + 1):
        sets = np.array(list(combinations(range(27), size)), dtype=np.int8)
        word = (np.int64(1) << sets.astype(np.int64)).sum(axis=1)
        count = np.bitwise_count(word[:, None] & masks[sets])
        good = np.all(count > 0, axis=1)
        bonds = count.sum(axis=1)[good] // 2
        n = atoms - size
        log_w = bond * bonds - size * np.log(reference) + n * np.log(27.0 - size) - lgamma(n + 1)
        for b in np.unique(bonds):
            wanted[size, int(b)] = float(np.exp(log_w[bonds == b]).sum())
        # atoms with one neighbour that has one neighbour: such pairs break for good
        lone = (count[good] == 1).sum(axis=1) >= 2
        pairs += float(np.exp(log_w[lone & (bonds <= size - 1)]).sum())
    total = sum(wanted.values())
    wanted = {k: w / total for k, w in wanted.items()}
    assert pairs / total < 0.2
    runs, time = 1500, 400.0
    seen: Counter[Any] = Counter()
    broken = 0
    for k in range(runs):
        box = Walks((3, 3, 3), "sc", occupied=(0, 1, 3, 4, 9, 10), amounts=[atoms - 6], seed=k, **options)
        box.run(time)
        taken = box.kernel.occupied()[0]
        broken += box.kernel.pairs_broken
        inside = np.isin(near[taken], taken).sum() // 2
        seen[len(taken), int(inside)] += 1
    assert broken == 0
    assert chance(seen, wanted, runs) > LEAST, (seen, sorted(wanted.items(), key=lambda i: -i[1])[:12])
