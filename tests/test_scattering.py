"""Form factors, Debye scattering and pair distributions against closed forms, plain sums and other programs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from scipy.optimize import brentq

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.clusters import model_cluster
from kmcgrowth.lattice.particles import find_particles
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.observables import pairs as pair_counts
from kmcgrowth.observables.form_factor_table import COEFFICIENTS
from kmcgrowth.observables.form_factors import atomic_number, form_factor
from kmcgrowth.observables.pairs import PairDistances, pair_distances, together
from kmcgrowth.observables.scattering import (
    debye,
    pair_distribution,
    peaks,
    q_from_two_theta,
    scattering,
    two_theta_from_q,
    wavelength,
)

A = 0.60583
"""Lattice constant of InAs [nm]."""

Floats = NDArray[np.float64]


def ball(crystal: str, radius: float, *, constant: float = A, cells: int | None = None) -> Atoms:
    """Atoms within a radius of a site [nm], in the corner of a periodic box that cuts the ball."""
    n = cells or int(2 * radius / constant) + 3
    box = Box(load_crystal(crystal), (n, n, n), constant * 1e-9)
    apart = box.position(np.arange(box.sites)) * 1e9
    apart -= box.edges * 1e9 * np.rint(apart / (box.edges * 1e9))
    site = np.flatnonzero((apart**2).sum(axis=1) < radius**2)
    return Atoms.on(box, site, ("In", "As")[: len(box.crystal.elements)])


def one(atoms: Atoms) -> PairDistances:
    """Pairs of a single particle."""
    p = find_particles(atoms, formula=(1,) * len(atoms.elements))
    return pair_distances(p.position, element=atoms.element, elements=atoms.elements)


def double_loop(position: Floats, symbols: list[str], q: Floats) -> Floats:
    """The sum over all pairs, written out; positions in nm."""
    f = [form_factor(s, q=q) for s in symbols]
    total = np.zeros(len(q))
    for i in range(len(symbols)):
        for j in range(len(symbols)):
            r = 10 * float(np.linalg.norm(position[i] - position[j]))
            total += f[i] * f[j] * np.sinc(q * r / np.pi)
    return total


def test_form_factors_at_zero_are_atomic_numbers() -> None:
    assert list(COEFFICIENTS)[:10] == ["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne"]
    assert len(COEFFICIENTS) == 98
    known = {"H": 1, "C": 6, "N": 7, "O": 8, "Si": 14, "P": 15, "S": 16, "Cl": 17, "Cu": 29, "Zn": 30, "Ga": 31,
             "As": 33, "Se": 34, "Br": 35, "Ag": 47, "Cd": 48, "In": 49, "Sb": 51, "Te": 52, "I": 53, "Cs": 55,
             "Au": 79, "Pb": 82, "Cf": 98}
    for symbol, z in known.items():
        assert atomic_number(symbol) == z
    for z, symbol in enumerate(COEFFICIENTS, start=1):
        assert float(form_factor(symbol, q=0.0)) == pytest.approx(z, abs=0.06)


def test_form_factors_agree_with_another_table() -> None:
    # Waasmaier and Kirfel, Acta Cryst. A 51, 416 (1995): another fit to other calculations.
    xraydb = pytest.importorskip("xraydb")
    q = np.linspace(0, 8 * np.pi, 60)
    for symbol in COEFFICIENTS:
        theirs = xraydb.f0(symbol, q / (4 * np.pi))
        np.testing.assert_allclose(form_factor(symbol, q=q), theirs, atol=0.13, err_msg=symbol)


def test_form_factors_have_a_range() -> None:
    with pytest.raises(BadInput, match=r"0 to 25\.13"):
        form_factor("In", q=[1.0, 26.0])
    with pytest.raises(BadInput, match=r"0 to 25\.13"):
        form_factor("In", q=-0.1)
    with pytest.raises(BadInput, match='did you mean "In"'):
        form_factor("IN", q=1.0)


def test_wavelength_and_angles() -> None:
    assert wavelength(8.04778) == pytest.approx(1.54060, abs=2e-5)  # Cu K alpha 1
    # What 10.1021/jacsau.3c00809 prints as 27 and 44 degrees is Q = 1.90 and 3.06 / angstrom at Cu K alpha.
    np.testing.assert_allclose(q_from_two_theta([27, 44], energy=8.04778), [1.904, 3.056], atol=6e-4)
    q = np.linspace(0, 19, 50)
    np.testing.assert_allclose(q_from_two_theta(two_theta_from_q(q, energy=18.986), energy=18.986), q, atol=1e-12)
    assert q_from_two_theta(180.0, energy=18.986) == pytest.approx(4 * np.pi / (12.39841984 / 18.986))
    with pytest.raises(BadInput, match=r"19\.24"):
        two_theta_from_q(20.0, energy=18.986)
    with pytest.raises(BadInput, match="180"):
        q_from_two_theta(181.0, energy=18.986)
    with pytest.raises(BadInput, match="energy"):
        wavelength(0.0)


def test_two_atoms() -> None:
    q = np.linspace(0, 20, 300)
    p = pair_distances([[0, 0, 0], [0.12, 0.16, 0.48]], element=[0, 1], elements=("In", "As"))
    f, g = form_factor("In", q=q), form_factor("As", q=q)
    r = 10 * 0.52
    expected = f**2 + g**2 + 2 * f * g * np.sinc(q * r / np.pi)
    np.testing.assert_allclose(debye(p, q=q), expected, rtol=1e-12)
    factor = np.exp(-0.04 * q**2 / 2)
    np.testing.assert_allclose(debye(p, q=q, b=0.04), expected * factor, rtol=1e-12)
    own = f**2 + g**2
    np.testing.assert_allclose(debye(p, q=q, b=0.04, damp="pairs"), own + (expected - own) * factor, rtol=1e-12)
    np.testing.assert_allclose(debye(pair_distances([[0, 0, 0]], element=[0], elements=("In",)), q=q), f**2)


@pytest.mark.parametrize("crystal", ["zincblende", "wurtzite", "fcc", "sc"])
@pytest.mark.parametrize("relaxed", [False, True])
def test_a_small_cluster_is_the_plain_sum(crystal: str, relaxed: bool) -> None:
    atoms = ball(crystal, 0.62)
    place = find_particles(atoms, formula=(1,) * len(atoms.elements)).position
    if relaxed:
        place = place + 0.01 * np.random.default_rng(1).standard_normal(place.shape)
    q = np.linspace(0, 18, 60)
    expected = double_loop(place, [atoms.elements[k] for k in atoms.element], q)
    p = pair_distances(place, element=atoms.element, elements=atoms.elements)
    assert p.count.sum() == len(place) * (len(place) - 1) / 2
    np.testing.assert_allclose(debye(p, q=q), expected, rtol=1e-4 if relaxed else 1e-10)
    assert debye(p, q=0.0) == pytest.approx(sum(float(form_factor(atoms.elements[k], q=0)) for k in atoms.element) ** 2)


@pytest.mark.parametrize(("crystal", "radius"), [("zincblende", 1.3), ("wurtzite", 1.3), ("fcc", 1.5), ("sc", 2.4)])
def test_correlation_counts_the_same_pairs_as_counting(crystal: str, radius: float) -> None:
    atoms = ball(crystal, radius)
    place = find_particles(atoms, formula=(1,) * len(atoms.elements)).position
    turned = place @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    groups = [place[atoms.element == k] for k in range(len(atoms.elements))]
    grid = pair_counts._grid(groups)
    assert grid is not None and pair_counts._grid([turned[atoms.element == k] for k in range(len(groups))]) is None
    fast = pair_counts._correlate(groups, grid)
    slow = pair_counts._count(groups)
    assert set(fast) == set(slow)
    edges = np.arange(0, 6, 0.001) + 0.00037
    for key in fast:
        number = [np.histogram(t[0], edges, weights=t[1])[0] for t in (fast[key], slow[key])]
        np.testing.assert_array_equal(*number)
        assert (np.diff(fast[key][0]) > 0).all()
        np.testing.assert_allclose(*[(t[0] * t[1]).sum() for t in (fast[key], slow[key])], rtol=1e-12)
    q = np.linspace(0.1, 20, 40)
    other = pair_distances(turned, element=atoms.element, elements=atoms.elements)
    np.testing.assert_allclose(debye(other, q=q), debye(one(atoms), q=q), rtol=2e-4)


def test_another_program_gives_the_same() -> None:
    pytest.importorskip("ase")
    from ase import Atoms as AseAtoms
    from ase.utils.xrdebye import XrDebye

    atoms = ball("fcc", 0.75, constant=0.408)
    place = find_particles(atoms, formula=(1,)).position
    theirs = XrDebye(AseAtoms(f"Au{len(place)}", positions=10 * place), wavelength=0.5, damping=0.0, method="none")
    q = np.linspace(0.2, 10, 25)
    expected = np.array([theirs.get(x / (2 * np.pi)) for x in q]) / 79**2
    ours = pair_distances(place, element=atoms.element, elements=("Au",))
    np.testing.assert_allclose(debye(ours, q=q) / form_factor("Au", q=q) ** 2, expected, rtol=1e-9)
    # Its damping is exp(-B s^2/2), s = Q/(2 pi): B is (2 pi)^2 times ours.
    theirs.damping = 0.04 * (2 * np.pi) ** 2
    damped = np.array([theirs.get(x / (2 * np.pi)) for x in q]) / 79**2
    np.testing.assert_allclose(debye(ours, q=q, b=0.04) / form_factor("Au", q=q) ** 2, damped, rtol=1e-9)


def test_particles_scatter_each_on_its_own() -> None:
    box = Box(load_crystal("zincblende"), (9, 9, 9), A * 1e-9)
    x = box.position(np.arange(box.sites)) * 1e9 / A
    away = [(x - c) - 9 * np.rint((x - c) / 9) for c in (np.array([0.0, 0, 0]), np.array([4.5, 4, 4.5]))]
    both = ((away[0] ** 2).sum(axis=1) < 3.9) | ((away[1] ** 2).sum(axis=1) < 1.2)
    atoms = Atoms.on(box, np.flatnonzero(both), ("In", "As"))
    p = find_particles(atoms, formula=(1, 1))
    assert p.number == 2
    q = np.linspace(0, 8, 30)
    each = scattering(atoms, particles=p, q=q, b=0.04, average=False)
    for k, members in enumerate(p.members()):
        alone = pair_distances(p.position[members], element=atoms.element[members], elements=atoms.elements)
        np.testing.assert_allclose(each[k], debye(alone, q=q, b=0.04), rtol=1e-10)
    np.testing.assert_allclose(scattering(atoms, particles=p, q=q, b=0.04), each.mean(axis=0), rtol=1e-10)
    full = Atoms.on(box, np.arange(box.sites), ("In", "As"))
    with pytest.raises(BadInput, match="particle 0 is bonded to its own image"):
        scattering(full, particles=find_particles(full, formula=(1, 1)), q=q)


def test_tables_together() -> None:
    small, large = one(ball("zincblende", 0.5)), one(ball("zincblende", 0.9))
    both = together([small, large, small])
    assert both.particles == 3 and both.count.sum() == 2 * small.count.sum() + large.count.sum()
    assert both.number.tolist() == (2 * small.number + large.number).tolist()
    q = np.linspace(0, 10, 20)
    np.testing.assert_allclose(debye(both, q=q), (2 * debye(small, q=q) + debye(large, q=q)) / 3, rtol=1e-10)
    for a, b in ((0, 0), (0, 1), (1, 1)):
        assert (np.diff(both.rows(a, b)[0]) > 1e-3).all()
    with pytest.raises(BadInput, match="same elements"):
        together([small, one(ball("sc", 0.7))])
    with pytest.raises(BadInput, match="at least one"):
        together([])


def test_pair_distribution_counts_neighbours() -> None:
    cells = 12
    atoms = ball("zincblende", 2.6, cells=cells)
    table = one(atoms)
    n = atoms.number
    edges = np.linspace(0, 6, 601)
    density = 8 / A**3
    sharp = pair_distribution(table, edges=edges, density=density)
    bonds = 2 * len(atoms.bonds) / n
    shell = (sharp.r > 0.24) & (sharp.r < 0.28)
    assert sharp.radial[shell].sum() * 0.01 == pytest.approx(bonds)
    assert sharp.radial.sum() * 0.01 == pytest.approx(n - 1)
    wide = pair_distribution(table, edges=edges, density=density, width=0.008)
    assert wide.radial[(wide.r > 0.2) & (wide.r < 0.33)].sum() * 0.01 == pytest.approx(bonds, rel=1e-9)
    assert wide.r[np.argmax(wide.radial * (wide.r < 0.33))] == pytest.approx(A * np.sqrt(3) / 4, abs=0.01)
    # Over wide shells g of a ball has the mean of its gamma(r) = 1 - 3r/(2d) + r^3/(2d^3), weighted by r^2.
    r = np.array([0.0, 1.4, 2.8, 4.2])
    g = pair_distribution(table, edges=r, density=density).g
    d = 2 * (3 * n / (4 * np.pi * density)) ** (1 / 3)
    inside = r**3 - 9 / 8 * r**4 / d + r**6 / (4 * d**3)
    np.testing.assert_allclose(g, np.diff(inside) / np.diff(r**3), rtol=0.04)
    ball_like = pair_distribution(table, edges=edges, density=density, width=0.05, diameter=d)
    bulk_like = pair_distribution(table, edges=edges, density=density, width=0.05)
    assert np.abs(ball_like.reduced[edges[1:] > d + 0.2]).max() < 1e-6 * np.abs(bulk_like.reduced).max()
    np.testing.assert_allclose(bulk_like.reduced, bulk_like.radial / bulk_like.r - 4 * np.pi * bulk_like.r * density)


def test_pair_distribution_weighs_electrons() -> None:
    p = pair_distances([[0, 0, 0], [0.3, 0, 0], [0, 0.4, 0]], element=[0, 1, 1], elements=("In", "As"))
    found = pair_distribution(p, edges=[0.0, 0.29, 0.31, 0.41, 0.49, 0.51], density=1.0, weight="x-ray")
    amount = found.radial * np.diff([0.0, 0.29, 0.31, 0.41, 0.49, 0.51])
    mean = (49 + 33 + 33) / 3
    np.testing.assert_allclose(amount, np.array([0, 2 * 49 * 33, 2 * 49 * 33, 0, 2 * 33 * 33]) / (3 * mean**2))
    for wrong in ({"density": 0.0}, {"width": -1.0}, {"edges": [1.0, 0.5]}, {"weight": "neutron"}, {"diameter": 0.0}):
        with pytest.raises(BadInput, match=next(iter(wrong))):
            pair_distribution(p, **({"edges": [0.0, 1.0], "density": 1.0} | wrong))  # type: ignore[arg-type]


def test_a_gaussian_is_found_where_it_is() -> None:
    x = np.linspace(0, 10, 1001)
    y = 3 * np.exp(-0.5 * ((x - 4.0137) / 0.3) ** 2) + np.exp(-0.5 * ((x - 7.5) / 0.5) ** 2)
    found = peaks(x, y)
    np.testing.assert_allclose(found.position, [4.0137, 7.5], atol=1e-5)
    np.testing.assert_allclose(found.height, [3, 1], rtol=1e-5)
    np.testing.assert_allclose(found.width, 2 * np.sqrt(2 * np.log(2)) * np.array([0.3, 0.5]), rtol=1e-3)
    assert len(peaks(x, y, prominence=0.5).position) == 1
    with pytest.raises(BadInput, match="evenly"):
        peaks([0, 1, 3], [0, 1, 0])


def test_peaks_sharpen_with_size_as_scherrer_says() -> None:
    # A ball gives the profile of the cosine transform of its gamma(r), 1.107 2 pi/d wide (Patterson, Phys. Rev. 56,
    # 972 (1939)); the constant is found again here.
    x = np.linspace(0, 1, 4001)
    gamma = 1 - 1.5 * x + 0.5 * x**3

    def profile(s: float) -> float:
        return float(trapezoid(gamma * np.cos(2 * np.pi * s * x), x) / trapezoid(gamma, x))

    constant_of_scherrer = 2 * brentq(lambda s: profile(s) - 0.5, 0.1, 1.0)
    assert constant_of_scherrer == pytest.approx(1.107, abs=1e-3)
    q = np.arange(1.0, 2.2, 0.002)
    constant, widths = 0.4, []
    for radius in (2.2, 3.4, 5.0):
        table = one(ball("sc", radius, constant=constant))
        n = float(table.number.sum())
        pattern = debye(table, q=q) / form_factor("In", q=q) ** 2 * q**2
        found = peaks(q, pattern, prominence=0.2)
        k = int(np.argmin(np.abs(found.position - 2 * np.pi / (10 * constant))))
        assert found.position[k] == pytest.approx(2 * np.pi / (10 * constant), rel=0.01)
        diameter = 10 * constant * (6 * n / np.pi) ** (1 / 3)
        widths.append(float(found.width[k]) * diameter / (2 * np.pi))
    assert (np.abs(np.array(widths) / constant_of_scherrer - 1) < [0.05, 0.04, 0.03]).all()


def test_model_clusters_against_the_published_peaks() -> None:
    # Broad peaks at 1.90 and 3.06 (10.1021/jacsau.3c00809, Fig. 3A). The second is met; the first lies where bulk
    # wurtzite and zincblende have a close-packed plane, 002 and 111, which the bonds fix: 5 to 6 per cent too low.
    q = np.arange(1.3, 3.9, 0.005)
    rises, widths = [], []
    for name in ("InAs_amorphous", "InAs_magic"):
        pattern = debye(one(model_cluster(name)), q=q, b=0.04)
        found = peaks(q, pattern)
        assert len(found.position) == 2
        assert found.position[0] == pytest.approx(2 * np.pi / (10 * A) * np.sqrt(3), rel=0.01)
        assert 1.05 < 1.90 / found.position[0] < 1.06
        assert found.position[1] == pytest.approx(3.06, rel=0.03)
        between = (q > found.position[0]) & (q < found.position[1])
        rises.append(found.height / pattern[between].min())
        widths.append(found.width[0])
    # "those of MSCs being more pronounced": over the valley between them, though not narrower.
    assert (rises[1] > 1.02 * rises[0]).all()
    dots = [float(peaks(q, debye(one(ball("zincblende", r)), q=q, b=0.04)).width[0]) for r in (0.9, 1.3, 2.0)]
    assert min(widths) > dots[0] > dots[1] > dots[2]


def test_bad_input() -> None:
    p = one(ball("zincblende", 0.5))
    with pytest.raises(BadInput, match="b: -1"):
        debye(p, q=1.0, b=-1.0)
    with pytest.raises(BadInput, match='"some"'):
        debye(p, q=1.0, damp="some")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="one index below 2"):
        pair_distances([[0, 0, 0]], element=[2], elements=("In", "As"))
    nothing = pair_distances(np.zeros((0, 3)), element=[], elements=("In",))
    assert debye(nothing, q=[1.0, 2.0]).tolist() == [0, 0]
    empty = ball("zincblende", 0.0, cells=3)
    with pytest.raises(BadInput, match="no particle"):
        scattering(Atoms.on(Box(load_crystal("sc"), (3, 3, 3), 1e-9), np.zeros(0, dtype=int), ("Au",)),
                   particles=find_particles(empty, formula=(1, 1)), q=1.0)
