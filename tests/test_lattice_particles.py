"""Particles by connectivity, across the periodic border; the concentration around them."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.particles import find_particles
from kmcgrowth.lattice.profile import radial_profile, sphere_in_box
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal

A = 0.6e-9
"""Lattice constant of the tests [m]."""

Ints = NDArray[np.int64]


def simple(cells: tuple[int, int, int], where: object, *, seed: object = None) -> Atoms:
    """Atoms of a simple cubic crystal on cells (atoms, 3), taken into the box."""
    box = Box(load_crystal("sc"), cells, A)
    site = box.join(np.asarray(where, dtype=np.int64), np.zeros(len(where), dtype=np.int64))  # type: ignore[arg-type]
    return Atoms.on(box, site, ("Au",), seed=None if seed is None else np.asarray(seed, dtype=bool))


def ball(box: Box, centre: object, radius: float) -> Ints:
    """Sites no farther than a radius from a point, over the border [lattice constants]."""
    apart = box.position(np.arange(box.sites)) / A - np.asarray(centre, dtype=float)
    apart -= np.array(box.cells) * np.rint(apart / np.array(box.cells))
    return np.flatnonzero((apart**2).sum(axis=1) <= radius**2)


def by_hand(atoms: Atoms) -> tuple[list[set[int]], list[set[int]]]:
    """Particles, and the edges along which each spans, by walking from atom to atom with whole boxes counted."""
    near: list[list[int]] = [[] for _ in range(atoms.number)]
    for i, j in atoms.bonds.tolist():
        near[i].append(j)
        near[j].append(i)
    found, spanning, seen = [], [], set()
    for start in range(atoms.number):
        if start in seen:
            continue
        place = {start: atoms.position[start]}
        spans: set[int] = set()
        todo = deque([start])
        while todo:
            i = todo.popleft()
            for j in near[i]:
                step = atoms.position[j] - atoms.position[i]
                there = place[i] + step - atoms.box * np.round(step / atoms.box)
                if j in place:
                    spans |= set(np.flatnonzero(np.abs(there - place[j]) > 0.5 * atoms.box).tolist())
                else:
                    place[j] = there
                    todo.append(j)
        seen |= set(place)
        found.append(set(place))
        spanning.append(spans)
    return found, spanning


@pytest.mark.parametrize(("name", "share"), [("zincblende", 0.2), ("zincblende", 0.5), ("fcc", 0.1), ("sc", 0.28)])
def test_particles_are_those_found_by_walking(name: str, share: float) -> None:
    crystal = load_crystal(name)
    box = Box(crystal, (6, 5, 7), A)
    site = np.random.default_rng(5).permutation(box.sites)[: int(share * box.sites)]
    atoms = Atoms.on(box, site, ("In", "As")[: len(crystal.elements)])
    p = find_particles(atoms, formula=crystal.elements)
    found, spanning = by_hand(atoms)
    order = sorted(range(len(found)), key=lambda k: (-len(found[k]), min(found[k])))
    assert [set(m.tolist()) for m in p.members()] == [found[k] for k in order]
    assert [set(np.flatnonzero(s).tolist()) for s in p.spans] == [spanning[k] for k in order]
    whole = ~p.spans.any(axis=1)[p.label[atoms.bonds[:, 0]]]
    bond = p.position[atoms.bonds[:, 1]] - p.position[atoms.bonds[:, 0]]
    assert whole.any()
    np.testing.assert_allclose(np.linalg.norm(bond[whole], axis=1), crystal.distances[0] * A * 1e9)
    boxes = (p.position - atoms.position) / atoms.box
    np.testing.assert_allclose(boxes, np.rint(boxes), atol=1e-12)


def test_a_particle_is_the_same_wherever_the_border_cuts_it() -> None:
    crystal = load_crystal("zincblende")
    box = Box(crystal, (8, 8, 8), A)
    reference = None
    for shift in ((4, 4, 4), (0, 4, 4), (0, 0, 0), (7, 1, 0)):
        atoms = Atoms.on(box, ball(box, shift, 2.2), ("In", "As"))
        p = find_particles(atoms, formula=crystal.elements)
        assert p.number == 1 and not p.spans.any()
        apart = np.sort(np.linalg.norm(p.position - p.centre[0], axis=1))
        reference = apart if reference is None else reference
        np.testing.assert_allclose(apart, reference, atol=1e-12)
        assert p.gyration[0] == pytest.approx(np.sqrt((reference**2).mean()))
        where = p.centre[0] / (A * 1e9) - shift
        np.testing.assert_allclose(where - 8 * np.rint(where / 8), 0.0, atol=1e-9)


def test_a_particle_longer_than_the_box_that_does_not_close() -> None:
    path = [(x, 0, 0) for x in range(9)] + [(8, 1, 0)] + [(x, 2, 0) for x in range(8, 17)]
    order = np.random.default_rng(2).permutation(len(path))
    atoms = simple((10, 6, 5), np.array(path)[order])
    p = find_particles(atoms, formula=(1,))
    assert p.number == 1 and not p.spans.any()
    mine = p.position / (A * 1e9)
    expected = np.array(path, dtype=float)[order]
    shift = mine[0] - expected[0]
    np.testing.assert_allclose(mine, expected + shift, atol=1e-9)
    np.testing.assert_allclose(p.position[0], atoms.position[0])
    closed = simple((10, 6, 5), [*path, (16, 1, 0)])  # touches (6, 1, 0) + (10, 0, 0), bonded to the first row
    p = find_particles(closed, formula=(1,))
    assert p.spans.tolist() == [[True, False, False]] and np.isnan(p.gyration).all()


def test_what_spans() -> None:
    rod = [(2, 3, z) for z in range(5)]
    plate = [(0, y, z) for y in range(6) for z in range(5)]
    p = find_particles(simple((7, 6, 5), rod + plate), formula=(1,))
    assert p.atoms.tolist() == [30, 5]
    assert p.spans.tolist() == [[False, True, True], [False, False, True]]
    assert np.isnan(p.gyration).all()


def test_units_origin_and_order() -> None:
    box = Box(load_crystal("zincblende"), (6, 6, 6), A)
    middle = box.join(np.array([[3, 3, 3], [0, 0, 0]]), np.array([4, 0]))  # an As, an In
    five = np.concatenate([[middle[0]], box.neighbours(middle[0])])
    two = np.array([middle[1], box.neighbours(middle[1])[0]])
    lone = box.join(np.array([[0, 3, 0]]), np.array([0]))
    site = np.concatenate([lone, two, five])
    seed = np.zeros(8, dtype=bool)
    seed[4] = True
    atoms = Atoms.on(box, site, ("In", "As"), seed=seed)
    p = find_particles(atoms, formula=(1, 1))
    assert p.count.tolist() == [[4, 1], [1, 1], [1, 0]]
    assert p.units.tolist() == [3, 1, 1]  # 5/2 and 1/2 atoms per unit round up
    assert p.seed.tolist() == [True, False, False]
    assert p.label.tolist() == [2, 1, 1, 0, 0, 0, 0, 0]
    assert find_particles(atoms, formula=(3, 2)).units.tolist() == [1, 1, 1]
    np.testing.assert_allclose(p.gyration[1], 0.5 * np.sqrt(3) / 4 * A * 1e9)
    with pytest.raises(BadInput, match="2 whole numbers"):
        find_particles(atoms, formula=(1,))


def test_nothing_there() -> None:
    p = find_particles(simple((3, 3, 3), np.zeros((0, 3))), formula=(1,))
    assert p.number == 0 and p.members() == [] and p.position.shape == (0, 3)


BOXES = [(2.0, 2.0, 2.0), (2.0, 3.0, 5.0), (2.0, 8.0, 9.0)]


@pytest.mark.parametrize("box", BOXES)
def test_a_sphere_in_a_box(box: tuple[float, float, float]) -> None:
    a, b, h = np.array(box) / 2

    def cap(r: float, d: float) -> float:
        return np.pi * (r - d) ** 2 * (2 * r + d) / 3 if r > d else 0.0

    # As long as the sphere reaches no edge, it has lost its six caps; beyond the corners the box is full.
    for r in np.linspace(0.05, 0.999 * np.hypot(a, b), 17):
        expected = 4 / 3 * np.pi * r**3 - 2 * (cap(r, a) + cap(r, b) + cap(r, h))
        assert sphere_in_box(r, box=box) == pytest.approx(expected, rel=1e-11)
    corner = float(np.linalg.norm([a, b, h]))
    assert sphere_in_box([corner, 3 * corner], box=box) == pytest.approx([8 * a * b * h] * 2, rel=1e-12)
    # Between, the shadow on the z plane integrated by other means.
    r = 0.5 * (np.hypot(a, b) + corner)

    def height(y: float, x: float) -> float:
        return min(np.sqrt(max(r * r - x * x - y * y, 0.0)), h)

    expected, _ = integrate.dblquad(height, 0, a, 0, b, epsabs=1e-5)
    assert sphere_in_box(r, box=box) == pytest.approx(8 * expected, abs=1e-3)
    assert sphere_in_box(r, box=box[::-1]) == pytest.approx(sphere_in_box(r, box=box), rel=1e-11)


def test_the_profile_of_a_uniform_gas_is_flat_to_the_corners() -> None:
    box, n = np.array([4.0, 5.0, 7.0]), 400_000
    walkers = np.random.default_rng(3).random((n, 3)) * box
    p = radial_profile(walkers, centre=(9.0, -3.0, 0.5), box=box, edges=np.linspace(0, 6.0, 25), frames=2)
    inside = p.volume > 0
    assert p.volume.sum() == pytest.approx(box.prod()) and p.count.sum() == n
    density = n / 2 / box.prod()
    # 20 shells, each within 4.5 standard errors: p = 1e-4 of a false alarm.
    chi = (p.count[inside] - 2 * density * p.volume[inside]) / np.sqrt(2 * density * p.volume[inside])
    assert np.abs(chi).max() < 4.5
    assert np.isnan(p.density[~inside]).all() and (~inside).sum() == 5  # the corner is at 4.74 nm
    np.testing.assert_allclose(p.concentration[inside] / p.density[inside], 1.66053907)  # 1e24/6.02214076e23


def test_walkers_fall_into_the_right_shells() -> None:
    p = radial_profile([[0.1, 0, 0], [9.9, 0, 0], [0, 0.2, 0], [5, 5, 5], [0, 0, 9.5]], centre=(0, 0, 0),
                       box=(10, 10, 10), edges=(0, 0.2, 0.4, 0.5, 1.0))
    assert p.count.tolist() == [2, 1, 0, 1]
    np.testing.assert_allclose(p.volume, 4 / 3 * np.pi * np.diff(np.array([0, 0.2, 0.4, 0.5, 1.0]) ** 3))
    np.testing.assert_allclose(p.error[0], np.sqrt(2) / p.volume[0] * 1.66053907)
    for wrong in ({"edges": (1.0, 0.5)}, {"edges": (-1.0, 0.5)}, {"box": (1.0, 0.0, 1.0)}, {"frames": 0}):
        given = {"centre": (0, 0, 0), "box": (1, 1, 1), "edges": (0, 1)} | wrong
        with pytest.raises(BadInput, match=next(iter(wrong))):
            radial_profile([[0, 0, 0]], **given)  # type: ignore[arg-type]
