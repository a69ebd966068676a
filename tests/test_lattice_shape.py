"""Surfaces, facets, shapes and fractal dimensions against closed forms of ideal bodies."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.clusters import cluster_names, model_cluster
from kmcgrowth.lattice.fractal import fractal_dimension, gyration_radii, mass_within
from kmcgrowth.lattice.particles import find_particles
from kmcgrowth.lattice.shape import Shapes, atomic_volume, shapes
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.surface import (
    dangling_bonds,
    facets,
    ligand_coordination,
    mean_coordination,
    neighbour_counts,
    surface_atoms,
)
from kmcgrowth.materials.crystals import load_crystal

A = 0.60583e-9
"""Lattice constant of the tests [m]."""

Inside = Callable[[NDArray[np.float64]], NDArray[np.bool_]]

ALONG = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
"""From cation to anion in zincblende."""


def body(name: str, inside: Inside, *, cells: int = 20, middle: float | None = None) -> Atoms:
    """Atoms on the sites that a body holds; its coordinates are lattice constants from the middle, a cation."""
    crystal = load_crystal(name)
    box = Box(crystal, (cells,) * 3, A)
    x = box.position(np.arange(box.sites)) / A - (cells // 2 if middle is None else middle)
    return Atoms.on(box, np.flatnonzero(inside(x)), ("In", "As")[: len(crystal.elements)])


def shape(atoms: Atoms) -> Shapes:
    """Shape of the largest particle, of which the others are chips."""
    p = find_particles(atoms, formula=(1,) * len(atoms.elements))
    assert p.atoms[0] > 0.98 * atoms.number
    return shapes(atoms, particles=p)


def supertetrahedron(layers: int) -> Atoms:
    """Te(layers) anions, all four-coordinated, and Te(layers + 1) cations: a tetrahedron bounded by {111}A."""
    crystal = load_crystal("zincblende")
    box = Box(crystal, (2 * layers + 4,) * 3, A)
    steps = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]])  # corners, in quarters of the lattice constant
    corner = np.array([(i, j, k) for i in range(layers) for j in range(layers - i) for k in range(layers - i - j)])
    anion = corner @ steps[1:] + 1
    quarter = np.round(4 * box.position(np.arange(box.sites)) / A).astype(int) - 4
    number = {tuple(p): i for i, p in enumerate(quarter.tolist())}
    around = np.array([[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    cation = np.unique((anion[:, None, :] + around).reshape(-1, 3), axis=0)
    return Atoms.on(box, np.array([number[tuple(p)] for p in np.concatenate([cation, anion]).tolist()]), ("In", "As"))


@pytest.mark.parametrize("layers", [1, 2, 4, 7])
def test_supertetrahedra(layers: int) -> None:
    n = layers
    anions, cations = n * (n + 1) * (n + 2) // 6, (n + 1) * (n + 2) * (n + 3) // 6
    atoms = supertetrahedron(n)
    assert np.bincount(atoms.element).tolist() == [cations, anions]
    counts = neighbour_counts(atoms)
    assert (counts[atoms.element == 1] == [4, 0]).all() and not counts[atoms.element == 0, 0].any()
    assert mean_coordination(atoms, of="In", by="As") == pytest.approx(4 * anions / cations)
    assert mean_coordination(atoms, of="As", by="In") == 4.0
    # Cations of corners have one bond, of edges two, of faces three.
    edge, face = n - 1, (n - 1) * (n - 2) // 2
    dangling = dangling_bonds(atoms)[atoms.element == 0]
    assert np.bincount(dangling, minlength=4)[1:].tolist() == [4 * face, 6 * edge, 4]
    assert surface_atoms(atoms).sum() == 4 * face + 6 * edge + 4
    for most, ligands in ((0, 0), (1, 4 * face + 6 * edge + 4), (2, 4 * face + 12 * edge + 8),
                          (4, 4 * face + 12 * edge + 12)):
        on, ratio = ligand_coordination(atoms, most=most)
        assert (on, ratio) == pytest.approx((ligands / cations, ligands / (4 * anions)))
    found = facets(atoms)
    on_face = np.zeros(atoms.number, dtype=bool)
    on_face[atoms.element == 0] = dangling == 1
    assert (found.kind[on_face] == found.names.index("111A")).all()


def test_a_tetrahedron_and_its_inverse() -> None:
    cut = {"111A": lambda x: (x @ ALONG.T).max(axis=1) < 5.01, "111B": lambda x: (-x @ ALONG.T).max(axis=1) < 5.01}
    for name, inside in cut.items():
        atoms = body("zincblende", inside, cells=34)
        p = find_particles(atoms, formula=(1, 1))
        kept = p.label == 0
        s = shapes(atoms, particles=p)
        sign = -1 if name == "111A" else 1
        # <xyz> = 1/15, <r^2> = 3/5 of the tetrahedron with the corners (1, 1, 1), (1, -1, -1), ...
        assert s.tetrahedral[0] == pytest.approx(sign / 15 / 0.6**1.5, rel=0.04)
        assert s.cubic[0] == pytest.approx(-12 / 95, rel=0.04)
        assert s.compactness[0] == pytest.approx((2 / np.pi) ** (1 / 3), rel=0.015)
        assert s.anisotropy[0] == pytest.approx(0, abs=1e-10)
        assert facets(atoms).shares(kept)[name] > 0.8


BODIES: dict[str, tuple[Inside, float, float]] = {
    "cube": (lambda x: np.abs(x).max(axis=1) < 6.01, -12 / 95, np.sqrt(0.6) * (6 / np.pi) ** (1 / 3)),
    "octahedron": (lambda x: np.abs(x).sum(axis=1) < 8.01, 3 / 20, np.sqrt(2) / np.pi ** (1 / 3)),
    "sphere": (lambda x: (x**2).sum(axis=1) < 6.4**2, 0.0, 1.0),
}


@pytest.mark.parametrize("crystal", ["zincblende", "fcc", "sc"])
@pytest.mark.parametrize("name", BODIES)
def test_bodies(crystal: str, name: str) -> None:
    inside, cubic, compactness = BODIES[name]
    s = shape(body(crystal, inside))
    assert s.cubic[0] == pytest.approx(cubic, abs=0.02)
    assert s.compactness[0] == pytest.approx(compactness, rel=0.015)
    assert s.tetrahedral[0] == pytest.approx(0, abs=0.005)
    assert s.anisotropy[0] == pytest.approx(0, abs=1e-10)
    assert s.axes[0, 0] == pytest.approx(s.axes[0, 2])


def test_rods_plates_and_bricks() -> None:
    def brick(*edges: int) -> Shapes:
        return shape(body("sc", lambda x: ((x >= 0) & (x < edges)).all(axis=1), cells=24))

    assert brick(1, 1, 9).anisotropy[0] == pytest.approx(1.0)
    assert brick(8, 8, 1).anisotropy[0] == pytest.approx(0.25)
    s = brick(11, 5, 2)
    x, y, z = (11**2 - 1) / 12, (5**2 - 1) / 12, (2**2 - 1) / 12  # variances of 0 ... n - 1
    np.testing.assert_allclose(s.axes[0], np.sqrt([x, y, z]) * A * 1e9)
    assert s.anisotropy[0] == pytest.approx(1 - 3 * (x * y + y * z + z * x) / (x + y + z) ** 2)
    assert np.isnan([brick(1, 1, 1).anisotropy[0], brick(1, 1, 1).cubic[0], brick(1, 1, 1).compactness[0]]).all()


def test_shapes_of_several_particles_are_those_of_each() -> None:
    cut: list[Inside] = [lambda x: np.abs(x).max(axis=1) < 2.1, lambda x: (x**2).sum(axis=1) < 2.45]
    alone = [shape(body("zincblende", c)) for c in cut]
    both = body("zincblende", lambda x: cut[0](x + [5, 5, 5]) | cut[1](x - [4, 4, 4]), cells=20)
    s = shapes(both, particles=find_particles(both, formula=(1, 1)))
    for name in ("compactness", "cubic", "tetrahedral", "axes"):
        expected = [getattr(a, name)[0] for a in alone]
        np.testing.assert_allclose([getattr(s, name)[0], getattr(s, name)[1]], expected, atol=1e-9)


@pytest.mark.parametrize(("crystal", "sites"), [("zincblende", 8), ("wurtzite", 8), ("fcc", 4), ("sc", 1)])
def test_atomic_volume(crystal: str, sites: int) -> None:
    box = Box(load_crystal(crystal), (3, 3, 3), A)
    atoms = Atoms.on(box, np.arange(box.sites), ("In", "As")[: len(box.crystal.elements)])
    assert atomic_volume(atoms) == pytest.approx(float(np.prod(box.crystal.cell)) * (A * 1e9) ** 3 / sites)
    assert dangling_bonds(atoms).max() == 0
    if crystal != "wurtzite":
        assert np.isnan(list(facets(atoms).shares().values())).all()


@pytest.mark.parametrize(("crystal", "normal", "low", "high", "faces"), [
    ("zincblende", (0, 0, 1), -0.1, 4.1, {"100": 1.0}),
    ("zincblende", (1, 1, 0), -0.1, 4.1, {"110": 1.0}),
    ("zincblende", (1, 1, 1), 0.7, 5.1, {"111A": 0.5, "111B": 0.5}),
    ("fcc", (0, 0, 1), -0.1, 4.1, {"100": 1.0}),
    ("fcc", (1, 1, 0), -0.1, 4.1, {"110": 1.0}),
    ("fcc", (1, 1, 1), -0.1, 5.1, {"111": 1.0}),
    ("sc", (0, 0, 1), -0.1, 4.1, {"100": 1.0}),
    ("sc", (1, 1, 0), -0.1, 4.1, {"110": 1.0}),
    ("sc", (1, 1, 1), -0.1, 5.1, {"111": 1.0}),
])
def test_faces_of_endless_slabs(
    crystal: str, normal: tuple[int, int, int], low: float, high: float, faces: dict[str, float]
) -> None:
    # The slab repeats with the box along every axis, so it has two faces and no edge.
    cells = 8
    atoms = body(crystal, lambda x: (np.mod(x @ np.array(normal) + 0.15, cells) - 0.15 > low)
                 & (np.mod(x @ np.array(normal) + 0.15, cells) - 0.15 < high), cells=cells, middle=0.0)
    found = facets(atoms)
    shares = found.shares()
    assert {k: v for k, v in shares.items() if v} == pytest.approx(faces)
    surface = found.kind >= 0
    assert surface.any() and (surface == surface_atoms(atoms)).all()
    along = np.abs(found.normal[surface] @ (np.array(normal) / np.linalg.norm(normal)))
    np.testing.assert_allclose(along, 1.0)
    if crystal == "zincblende" and normal == (1, 1, 1):
        up = found.normal[:, 0] > 0
        assert (found.kind[surface & up] == 2).all() and (atoms.element[surface & up] == 0).all()
        assert (found.kind[surface & ~up] == 3).all() and (atoms.element[surface & ~up] == 1).all()


def test_facets_of_bodies() -> None:
    pairs = np.array([[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]])
    for inside, name in (
        (BODIES["cube"][0], "100"), (lambda x: np.abs(x @ pairs.T).max(axis=1) < 8.01, "110"),
    ):
        assert facets(body("zincblende", inside, cells=26)).shares()[name] > 0.85
    shares = facets(body("zincblende", BODIES["octahedron"][0])).shares()
    assert shares["111A"] > 0.3 and shares["111B"] > 0.3 and shares["111A"] + shares["111B"] > 0.9


def test_bad_input() -> None:
    atoms = body("wurtzite", lambda x: (x**2).sum(axis=1) < 3)
    with pytest.raises(BadInput, match="cubic"):
        facets(atoms)
    with pytest.raises(BadInput, match='"Ga"'):
        mean_coordination(atoms, of="Ga", by="As")
    with pytest.raises(BadInput, match="most"):
        ligand_coordination(atoms, most=-1)
    with pytest.raises(BadInput, match="within"):
        facets(atoms, within=0.0)
    nobody = np.zeros(atoms.number, dtype=bool)
    assert np.isnan(mean_coordination(atoms, of="In", by="As", where=nobody))


def test_dimensions_of_bodies() -> None:
    radii = np.geomspace(6, 30, 12)
    step = np.arange(-40, 41)
    for axes in (1, 2, 3):
        place = np.stack(np.meshgrid(*([step] * axes), *([[0]] * (3 - axes))), axis=-1).reshape(-1, 3)
        mass = mass_within(place, centre=(0, 0, 0), radii=radii)
        found = fractal_dimension(radii, mass)
        assert found.exponent == pytest.approx(axes, abs=0.06) and found.points == 12 and found.error < 0.05
    shells = mass_within(place, centre=(0, 0, 0), radii=[0, 0.99, 1, np.sqrt(2), np.sqrt(3)])
    assert shells.tolist() == [1, 1, 7, 19, 27]


def test_dimension_of_a_fractal() -> None:
    # Seven copies of itself, three times as far apart: log 7 / log 3.
    star = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    place = star.copy()
    numbers = [len(place)]
    for level in range(1, 6):
        place = (star[:, None, :] * 3**level + place).reshape(-1, 3)  # the first copy stays in the middle
        numbers.append(len(place))
    dimension = np.log(7) / np.log(3)
    size = gyration_radii(place, numbers=numbers)
    np.testing.assert_allclose(size**2, 6 / 7 * (9 ** np.arange(1, 7) - 1) / 8)  # sum of 6/7 9^k
    assert fractal_dimension(size, numbers, between=(3, 1e9)).exponent == pytest.approx(dimension, abs=0.003)
    radii = 3 ** np.arange(1, 6) / 2  # between the arms of one copy and the next
    mass = mass_within(place, centre=(0, 0, 0), radii=radii)
    assert mass.tolist() == [7, 49, 343, 2401, 16807]
    assert fractal_dimension(radii, mass).exponent == pytest.approx(dimension)


def test_radii_of_gyration_while_growing() -> None:
    place = np.random.default_rng(1).random((50, 3)) + 100.0
    expected = [np.sqrt(((place[:n] - place[:n].mean(axis=0)) ** 2).sum(axis=1).mean()) for n in (1, 2, 17, 50)]
    np.testing.assert_allclose(gyration_radii(place, numbers=[1, 2, 17, 50]), expected, atol=1e-9)
    with pytest.raises(BadInput, match="1 to 50"):
        gyration_radii(place, numbers=[51])
    with pytest.raises(BadInput, match="fewer than two"):
        fractal_dimension([1, 2, 3], [1, 2, 3], between=(1.5, 2.5))
    line = fractal_dimension([1, 2, 4], [5, 20, 80])
    assert line.exponent == pytest.approx(2) and line.error == pytest.approx(0, abs=1e-12)


CLUSTERS = {
    "InAs_magic": (39, 22, 86), "InAs_amorphous": (39, 22, 78), "InAs_In26As18": (26, 18, 63),
}


@pytest.mark.parametrize("name", CLUSTERS)
def test_model_clusters(name: str) -> None:
    indium, arsenic, bonds = CLUSTERS[name]
    atoms = model_cluster(name)
    assert atoms.elements == ("In", "As") and np.bincount(atoms.element).tolist() == [indium, arsenic]
    # Bonds between In and As found from the positions alone.
    apart = np.linalg.norm(atoms.position[:, None] - atoms.position, axis=-1)
    near = np.argwhere(np.triu((apart > 0) & (apart < 0.3)))
    assert len(near) == len(atoms.bonds) == bonds
    assert (atoms.element[near[:, 0]] != atoms.element[near[:, 1]]).all()
    np.testing.assert_allclose(apart[near[:, 0], near[:, 1]], 0.60583 * np.sqrt(3) / 4, rtol=1e-5)
    assert mean_coordination(atoms, of="In", by="As") == pytest.approx(bonds / indium)
    assert find_particles(atoms, formula=(1, 1)).number == 1
    # Eclipsed bonds, which zincblende has not, put In and As 5/3 of a bond apart.
    ratio = apart / (0.60583 * np.sqrt(3) / 4)
    assert (np.abs(ratio - 5 / 3) < 1e-4).any()


def test_the_amorphous_cluster_is_the_magic_one_with_a_part_of_its_surface_moved() -> None:
    magic, loose = model_cluster("InAs_magic"), model_cluster("InAs_amorphous")
    # Each is written in the middle of its box: cells may lie between them, and only the best shift counts.
    best, before = 0, {tuple(p) for p in np.round(magic.position, 4).tolist()}
    edges = magic.box / (7, 4, 4)
    for cell in np.ndindex(3, 3, 3):
        shifted = np.round(loose.position + (np.array(cell) - 1) * edges, 4)
        best = max(best, sum(tuple(p) in before for p in shifted.tolist()))
    assert best == 57
    arsenic = neighbour_counts(magic)[magic.element == 1, 0]
    # Two bonds short of 88: all but two of the As have four In.
    assert np.bincount(arsenic).tolist() == [0, 0, 0, 2, 20]
    # In26As18 has seven As with three In (Ripberger et al.), the model nine; none has fewer.
    small = model_cluster("InAs_In26As18")
    assert np.bincount(neighbour_counts(small)[small.element == 1, 0]).tolist() == [0, 0, 0, 9, 9]


SEARCH = Path(__file__).parents[1] / "kmcgrowth/materials/structures/search.py"
"""The script that found the clusters; it is not part of the package."""


@pytest.mark.parametrize(("anions", "cations"), [(1, 4), (2, 7), (3, 9)])
def test_fewest_cations_around_anions(anions: int, cations: int) -> None:
    """Two share a corner; three make a ring of six with three cations between them."""
    assert runpy.run_path(str(SEARCH))["fewest"](0, anions=anions, steps=3000) == cations


def test_fewer_ligands_on_the_magic_cluster_than_on_the_amorphous_one_and_fewest_on_a_dot() -> None:
    # In-O to In-As of EXAFS falls in this order (10.1021/jacsau.3c00809, Fig. 3C, inset).
    dot = body("zincblende", lambda x: (x**2).sum(axis=1) < 2.6**2)
    for most in (1, 2, 4):
        ratio = [ligand_coordination(a, most=most)[1]
                 for a in (model_cluster("InAs_amorphous"), model_cluster("InAs_magic"), dot)]
        assert ratio[0] > ratio[1] > ratio[2]


def test_cluster_names() -> None:
    assert set(cluster_names()) == set(CLUSTERS)
    with pytest.raises(BadInput, match='did you mean "InAs_magic"'):
        model_cluster("InAs_magik")
