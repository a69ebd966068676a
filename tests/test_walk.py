"""Walkers beside crystals: detailed balance, fluxes, conservation, states, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from math import lgamma
from typing import Any

import numpy as np
import pytest
from kmcgrowth.lattice._walk import WalkKernel
from master_equation import enumerate_states
from scipy import stats
from scipy.sparse.linalg import expm_multiply
from walks import TEMPERATURE, Walks, ball, boltzmann, steady_flux

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import walk_grid
from kmcgrowth.lattice.walk_twin import TwinWalkKernel
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
    options |= {"bond": boltzmann(0.7), "stick": 1.5, "solubility": 0.01}
    return Walks((3, 3, 3), "sc", occupied=occupied, amounts=[walkers], **options)


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
    runs, start = 2500, (0, 1)
    box = small_box(start, 0)
    # one atom more is let loose at any open point: the mean over its starts
    wanted: dict[Any, float] = {}
    equation = None
    for place in range(2, 27):
        first = (start, (place,))
        if equation is None:
            equation = enumerate_states(first, moves_of(box))
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


def bonds_of(atoms: Any, taken: Any, near: Any) -> int:
    """Bonds that some atoms have with all that are taken."""
    among = sum(int(t) in atoms for s in atoms for t in near[s])
    return sum(int(t) in taken for s in atoms for t in near[s]) - among // 2


def holes(box: Walks, taken: Any) -> int:
    """Grid points with taken ones all around."""
    held = np.zeros(tuple(box.grid.points), dtype=bool)
    cell, b = box.box.split(taken)
    held[tuple((cell * box.grid.parts + box.grid.point[b]).T)] = True
    return int(np.sum(~held & np.all([np.roll(held, s, a) for a in range(3) for s in (-1, 1)], axis=0)))


@pytest.mark.parametrize(
    ("crystal", "free", "freeze", "bond", "hops"),
    [("sc", 3, 4, 0.8, 0.0), ("sc", 3, 4, 0.8, 0.5), ("fcc", 2, 7, 0.4, 0.0)],
)
def test_equilibrium_is_the_enumerated_one(crystal: str, free: int, freeze: int, bond: float, hops: float) -> None:
    """Atoms on a layer that stays: k on sites and n walking weigh exp(-E/kT) (h^3 c_ref)^-k (open points)^n/n!."""
    box = Box(load_crystal(crystal), (3, 3, 3), 1.0)
    layer = np.flatnonzero(box.position(np.arange(box.sites))[:, 2] < (0.5 if crystal == "sc" else 1.2))
    near = np.array(box.neighbours(np.arange(box.sites)))
    solubility = 0.08 if crystal == "sc" else 0.03
    options = {"bond": boltzmann(bond), "stick": 1.0, "solubility": solubility, "hops": hops, "freeze": freeze}
    first = Walks((3, 3, 3), crystal, occupied=layer, **options)
    reference = first.energetics.reference(solubility, TEMPERATURE)
    # atoms begin on the layer, as a hole inside of it would keep one that began there
    points = int(np.prod(first.grid.points)) - holes(first, layer)
    above = [int(s) for s in np.setdiff1d(near[layer], layer)[:1]]
    above += [int(s) for s in np.setdiff1d(near[above[0]], layer)[: free - 1]]
    wanted: dict[Any, float] = {}
    held = frozenset(int(s) for s in layer)
    sets = {frozenset[int]()}
    for k in range(free + 1):
        for atoms in sets:
            taken = held | atoms
            bonds = bonds_of(atoms, taken, near)
            n = free - k
            key = (k, bonds)
            wanted[key] = wanted.get(key, 0.0) + np.exp(
                bond * bonds - k * np.log(reference) + n * np.log(points - len(taken)) - lgamma(n + 1)
            )
        sets = {
            atoms | {s} for atoms in sets for s in range(box.sites)
            if s not in held | atoms and any(int(t) in held | atoms for t in near[s])
        }
    total = sum(wanted.values())
    wanted = {key: w / total for key, w in wanted.items()}
    assert max(wanted.values()) < 0.7
    runs, time = 2000, 200.0
    seen: Counter[Any] = Counter()
    for k in range(runs):
        walks = Walks((3, 3, 3), crystal, occupied=[*layer, *above], seed=k, **options)
        walks.run(time)
        atoms = {int(s) for s in walks.kernel.occupied()[0]} - held
        seen[len(atoms), bonds_of(atoms, held | atoms, near)] += 1
    assert chance(seen, wanted, runs) > LEAST, (seen, wanted)


# -- fluxes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("crystal", "cells", "margin"), [("sc", (15, 15, 15), 1), ("fcc", (9, 10, 9), 2)])
@pytest.mark.parametrize("stick", [np.inf, 0.8])
def test_flux_to_a_crystal_that_stays_as_it_is(
    crystal: str, cells: tuple[int, int, int], margin: int, stick: float
) -> None:
    """In steady state numbers that attach are Poisson, with the flux of the discrete Laplace equation."""
    # few enough that two hardly ever stand on one place, where neither attaches
    far = 0.002
    box = Walks(
        cells, crystal, occupied=ball(Box(load_crystal(crystal), cells, 1.0), 1.6), margin=margin, far=far, sink=True,
        stick=stick, seed=4,
    )
    flux = far * steady_flux(box, margin, stick)
    settled = float(np.max(box.grid.points)) ** 2
    box.run(settled)
    before, time = box.kernel.attached, 40_000.0 / flux
    box.run(settled + time)
    number, wanted = box.kernel.attached - before, flux * time
    assert box.kernel.verify() == ""
    # walkers are independent: a Poisson number
    assert abs(number - wanted) < 6.1 * np.sqrt(wanted)
    tallies = box.kernel.tallies()
    stayed = tallies["stepped_in"].sum() - tallies["stepped_out"].sum()
    assert stayed == box.kernel.amounts().sum() + box.kernel.attached
    assert len(box.kernel.occupied()[0]) == len(ball(box.box, 1.6))


def test_places_fill_at_the_attach_rate_times_the_concentration() -> None:
    """With walkers everywhere alike and slow attachment: the first atom comes after an exponential time."""
    number, stick, cells = 100, 1e-3, (10, 10, 10)
    layer = np.arange(100)
    times = []
    for k in range(400):
        box = Walks(cells, "sc", occupied=layer, amounts=[number], stick=stick, seed=k)
        box.run(1e30, 0)
        while box.kernel.attached == 0:
            box.run(1e30, 20)
        times.append(box.kernel.now)
    places, points = 200, 900
    # two walkers on a place do not attach: a share of about number/points of them, less in the mean over all
    alone = (1.0 - 1.0 / points) ** (number - 1)
    assert stats.kstest(np.array(times) * stick * number * places / points * alone, "expon").pvalue > LEAST


# -- books, states, refusals ------------------------------------------------------------------


REVERSIBLE: dict[str, Any] = {"stick": 2.0, "bond": boltzmann(1.5), "solubility": 0.01}

BUSY: dict[str, Any] = {
    "kinds": 2, "content": [[2, 30, 4], [1, 0, 9]], "push": [1.0, 0.5], "left": [60.0, 80.0], "window": 80.0,
}


def busy(crystal: str, **options: Any) -> Walks:
    n = len(load_crystal(crystal).elements)
    reactions = [(n, [0] * n + [-1, 1], 0.02, 0.3), (n + 1, [22] * n + [0, -1], 0.05, 0.05)]
    return Walks(
        (8, 9, 10), crystal, occupied=ball(Box(load_crystal(crystal), (8, 9, 10), 1.0), 1.7), reactions=reactions,
        amounts=[60] * n + [8, 8], expand=[[1] * n + [0, 0], [0] * n + [1, 0], [0] * n + [0, 1]], **(BUSY | options),
    )


@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
@pytest.mark.parametrize("options", [{}, REVERSIBLE | {"walk": (1.0, 3.0)}], ids=["at once", "reversible"])
def test_atoms_are_conserved(crystal: str, options: dict[str, Any]) -> None:
    box = busy(crystal, seed=9, **options)
    n = len(box.box.crystal.elements)

    def matter() -> Any:
        held = box.kernel.contents().sum(axis=0)
        return box.atoms() + held[0] + 22 * (box.kernel.amounts()[n:].sum() + held[1:].sum())

    first = matter()
    for time in (2.0, 20.0, 70.0):
        box.run(time)
        assert np.all(matter() == first)
        assert box.kernel.verify() == ""
    assert box.kernel.attached > 50
    assert box.kernel.entered > 10
    assert box.kernel.done.min() > 0
    assert box.kernel.events == (
        box.kernel.attached + box.kernel.detached + box.kernel.hopped + box.kernel.entered + box.kernel.done.sum()
    )


@pytest.mark.parametrize("crystal", ["fcc", "zincblende"])
@pytest.mark.parametrize("options", [{}, REVERSIBLE | {"hops": 0.1}], ids=["at once", "reversible"])
def test_a_restored_state_goes_on_to_the_same_bytes(crystal: str, options: dict[str, Any]) -> None:
    whole, cut = busy(crystal, seed=5, **options), busy(crystal, seed=5, **options)
    cut.run(25.0)
    state, bits = cut.kernel.state(), cut.kernel_bits.state
    other = busy(crystal, seed=77, **options)
    other.run(31.0)
    other.window(0.0, 80.0)
    other.kernel.restore(state)
    other.kernel_bits.state = bits
    assert other.kernel.verify() == ""
    for box in (whole, cut, other):
        box.run(60.0)
    for box in (cut, other):
        assert box.kernel.now == whole.kernel.now
        assert box.kernel.tallies()["moves"] == whole.kernel.tallies()["moves"]
        np.testing.assert_array_equal(box.kernel.occupied()[0], whole.kernel.occupied()[0])
        for a, b in zip(*(w.kernel.positions(60.0, np.random.SFC64(3)) for w in (box, whole)), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_window_that_changes_the_walkers_rate_leaves_the_cubes() -> None:
    # D doubles half way: the clock, and with it every path, is that of constant D and three halves of the time
    one, two = (
        Walks((12, 12, 12), "fcc", amounts=[200], seed=6, walk=w, window=10.0) for w in ((1.0, 1.0), (1.0, 2.0))
    )
    one.window(0.0, 15.0)
    one.run(15.0)
    two.run(10.0)
    seen = [w.kernel.positions(t - 1e-9, np.random.SFC64(3)) for w, t in ((one, 15.0), (two, 10.0))]
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_crystals_that_dissolve_leave_room() -> None:
    occupied = ball(Box(load_crystal("fcc"), (12, 12, 12), 1.0), 4.0)
    box = Walks((12, 12, 12), "fcc", occupied=occupied, stick=1.0, solubility=1.0, bond=boltzmann(0.1))
    atoms = box.kernel.atoms
    for time in (0.2, 2.0, 20.0, 2000.0):
        box.run(time)
        assert box.kernel.verify() == ""
    assert box.kernel.amounts()[0] == atoms


def test_walkers_are_taken_away_again() -> None:
    box = Walks((8, 8, 8), "fcc", amounts=[50, 7], kinds=1)
    box.kernel.dissolve([-20, -7])
    assert list(box.kernel.amounts()) == [30, 0]
    assert box.kernel.verify() == ""
    with pytest.raises(ValueError, match="too few"):
        box.kernel.dissolve([-31, 0])


@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
@pytest.mark.parametrize("options", [{}, REVERSIBLE | {"hops": 2.0, "bond": boltzmann(0.5)}], ids=["inf", "finite"])
def test_crystals_end_where_the_reservoir_begins(crystal: str, options: dict[str, Any]) -> None:
    cells, margin = (8, 9, 10), 2 if crystal == "sc" else 3
    occupied = ball(Box(load_crystal(crystal), cells, 1.0), 0.9)
    box = Walks(cells, crystal, occupied=occupied, margin=margin, far=0.1, seed=2, **options)
    assert box.kernel.reached == np.inf

    def points(sites: Any) -> Any:
        cell, b = box.box.split(sites)
        return cell * box.grid.parts + box.grid.point[b]

    low, high = np.full(3, margin), box.grid.points - margin
    time = 0.0
    while box.kernel.reached == np.inf or time < 3.0 * box.kernel.reached:
        time += 0.5
        box.run(time)
        taken = points(box.kernel.occupied()[0])
        assert np.all((taken >= low) & (taken < high))
        assert box.kernel.verify() == ""
        beside = points(box.box.neighbours(box.kernel.occupied()[0]))
        if box.kernel.reached == np.inf:
            assert np.all((beside >= low) & (beside < high))
    assert len(taken) > len(occupied)


@pytest.mark.parametrize("kernel", [WalkKernel, TwinWalkKernel])
def test_no_atom_is_put_into_the_reservoir(kernel: type) -> None:
    box = Walks((6, 6, 6), "sc", margin=2, kernel=kernel, largest=0)
    inside, beyond = (int(box.box.join(np.array(c), np.array(0))) for c in ((2, 2, 2), (1, 2, 2)))
    with pytest.raises(ValueError, match="reservoir"):
        box.kernel.fill([inside, beyond], [True, True])
    assert len(box.kernel.occupied()[0]) == 0
    assert box.kernel.reached == np.inf
    box.kernel.fill([inside], [True])
    assert box.kernel.reached == 0.0


def test_what_is_refused() -> None:
    kernel = Walks((8, 8, 8), kinds=1).kernel
    law = {"reactant": [[1]], "order": [[1.0]], "consumed": [[1]], "change": [[2, -1]], "power": [0.0]}
    kernel.set_solution(1, False, [0, 0], np.eye(2, dtype=int), law, np.zeros((0, 2)))
    for wrong in (
        {"order": [[2.0]]}, {"consumed": [[2]], "change": [[2, -2]]}, {"change": [[-1, -1]]}, {"power": [-1.0]},
    ):
        with pytest.raises(BadInput, match="first order"):
            kernel.set_solution(1, False, [0, 0], np.eye(2, dtype=int), law | wrong, np.zeros((0, 2)))
    with pytest.raises(BadInput, match="endless"):
        kernel.set_solution(1, True, [0, 0], np.eye(2, dtype=int), law, np.zeros((0, 2)))
    with pytest.raises(BadInput, match="can never detach"):
        Walks((8, 8, 8), solubility=0.1)
    with pytest.raises(BadInput, match="needs a margin"):
        Walks((8, 8, 8), far=0.1)
    with pytest.raises(BadInput, match="leaves no region"):
        Walks((8, 8, 8), margin=4)
    with pytest.raises(BadInput, match="32767 grid points"):
        Walks((3, 3, 33_000))
    with pytest.raises(BadInput, match="wurtzite"):
        walk_grid(Box(load_crystal("wurtzite"), (4, 4, 4), 1.0))
    with pytest.raises(BadInput, match="detach"):
        Walks((8, 8, 8), solubility=0.1, kernel=TwinWalkKernel)


def test_rates_on_the_grid() -> None:
    grid = walk_grid(Box(load_crystal("zincblende"), (4, 4, 4), 6e-10))
    assert grid.spacing == pytest.approx(3e-10, rel=1e-6, abs=0.0)
    assert grid.hop_rate(9e-20) == pytest.approx(1.0)
    assert grid.stick_rate(27e-30) == pytest.approx(1.0)
    assert grid.per_point(1e27) == pytest.approx(0.027)
    same = np.array([[1, 0, 3], [1, 0, 3]])
    np.testing.assert_allclose(
        grid.position(np.array([0, 1]), same), [[3e-10, 0, 9e-10], [4.5e-10, 1.5e-10, 10.5e-10]]
    )
    for b, p in enumerate(grid.point):
        e = grid.box.crystal.kind[b]
        np.testing.assert_allclose(grid.position(e, p), grid.box.position(np.array(b)), atol=1e-18)
        assert p.sum() % 2 == 0
