"""Powder patterns: structure factors by hand, Debye's sum over atoms, widths of spheres, sizes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import spherical_jn

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.observables.diffraction import SPHERE, powder_pattern, reflections, scherrer_size
from kmcgrowth.observables.form_factors import form_factor
from kmcgrowth.observables.pairs import PairDistances, pair_distances
from kmcgrowth.observables.scattering import debye, peaks, two_theta_from_q

A = 0.60583
"""Lattice constant of InAs [nm]."""

Q = np.linspace(1.0, 7.0, 1201)
Floats = NDArray[np.float64]


@pytest.fixture
def of(factories: ModuleType) -> Any:
    """Dataset of one snapshot of InAs seeds and nucleated particles of so many units."""

    def make(seeds: Any, nucleated: Any = (), **changes: Any) -> xr.Dataset:
        m = replace(factories.model(max(len(seeds), 1)), unit_volume=(A * 1e-9) ** 3 / 4, **changes)
        d: xr.Dataset = factories.dataset(m, [factories.counts(m, 0.0, seeds, nucleated)])
        return d

    return make


def ball(crystal: str, radius: float) -> PairDistances:
    """Distances between the atoms within a radius of a point [nm] that lies on no axis of symmetry."""
    made = load_crystal(crystal)
    constant = A if crystal == "zincblende" else A / 2**0.5
    x, y, z = (int(2 * radius / (e * constant)) + 3 for e in made.cell)
    box = Box(made, (x, y, z), constant * 1e-9)
    site = np.arange(box.sites)
    edges = box.edges * 1e9
    place = box.position(site) * 1e9 - np.array([0.31, 0.17, 0.23]) * constant
    place -= edges * np.rint(place / edges)
    inside = (place**2).sum(axis=1) < radius**2
    return pair_distances(place[inside], element=box.element(site[inside]), elements=("In", "As"))


def test_reflections_of_zincblende_by_hand() -> None:
    """|F|^2 is 16 (f_a^2 + f_b^2), 16 (f_a - f_b)^2 and 16 (f_a + f_b)^2 for h + k + l odd, 4n + 2 and 4n."""
    found = reflections("InAs", q_max=5.3)
    expected = [((1, 1, 1), 8, 0), ((2, 0, 0), 6, -1), ((2, 2, 0), 12, 1), ((3, 1, 1), 24, 0), ((2, 2, 2), 8, -1),
                ((4, 0, 0), 6, 1), ((3, 3, 1), 24, 0), ((4, 2, 0), 24, -1), ((4, 2, 2), 24, 1)]
    for r, (hkl, multiplicity, sign) in zip(found, expected):
        assert (r.indices, r.multiplicity) == (hkl, multiplicity)
        assert r.q == pytest.approx(2 * np.pi * sum(i * i for i in hkl) ** 0.5 / 6.0583, rel=1e-12)
        np.testing.assert_allclose(r.products, 16 * multiplicity * np.array([[1, sign], [sign, 1]]), atol=1e-9)


def test_reflections_of_wurtzite_by_hand() -> None:
    """Hexagonal d spacings of CdSe (a 4.2999, c 7.0109); 001, 111 and other odd l with h - k = 3n are extinct.

    S_a = 2 (for h + 2k = 3n), S_b/S_a = exp(2 pi i u l), u = 3/8; the rectangular cell doubles both.
    """
    found = {r.indices: r for r in reflections("CdSe", q_max=3.8, structure="wurtzite")}
    assert list(found)[:7] == [(1, 0, 0), (0, 0, 2), (1, 0, 1), (1, 0, 2), (1, 1, 0), (1, 0, 3), (2, 0, 0)]
    for (h, k, m), r in found.items():
        spacing = (4 / 3 * (h * h + h * k + k * k) / 4.2999**2 + m * m / 7.0109**2) ** -0.5
        assert r.q == pytest.approx(2 * np.pi / spacing, rel=1e-9)
        own = np.abs(1 + np.exp(2j * np.pi * ((h + 2 * k) / 3 + m / 2))) ** 2
        turn = np.cos(2 * np.pi * 0.375 * m)
        np.testing.assert_allclose(
            r.products, 4 * own * r.multiplicity * np.array([[1, turn], [turn, 1]]), atol=1e-9, err_msg=str((h, k, m)))
    assert [found[i].multiplicity for i in ((1, 0, 0), (0, 0, 2), (1, 0, 1), (1, 1, 0))] == [6, 2, 12, 6]


@pytest.mark.parametrize(("crystal", "radius"), [("zincblende", 2.0), ("zincblende", 3.0), ("wurtzite", 2.0)])
def test_debye_pattern_of_a_ball(of: Callable[..., xr.Dataset], crystal: str, radius: float) -> None:
    """The same intensity, in electrons^2 and without any factor, as the sum over all pairs of atoms of a cut ball.

    Cut surfaces are rough by a bond: some per cent in the number of atoms inside, and the same in what they scatter.
    """
    pairs = ball(crystal, radius)
    units = float(pairs.number.mean())
    atoms = debye(pairs, q=Q, b=0.04) / units
    ours = powder_pattern(of([round(units)]), q=Q, b=0.04, structure=crystal).sum("origin").values
    assert np.mean((ours - atoms) ** 2) ** 0.5 < 0.03 * np.mean(atoms**2) ** 0.5
    for centre in (1.80, 2.93, 5.08):
        near = np.abs(Q - centre) < 0.12
        assert ours[near].max() == pytest.approx(atoms[near].max(), rel=0.03)
        assert Q[near][ours[near].argmax()] == pytest.approx(Q[near][atoms[near].argmax()], abs=0.011)


def test_a_large_sphere_has_lines_of_the_right_area_and_width(of: Callable[..., xr.Dataset]) -> None:
    """30 nm: per formula unit the line 111 has the area 8 |F|^2 2 pi^2/(4 v_cell G^2), and its width is SPHERE's.

    The mean of |Sigma|^2 over orientations is a line of area V (2 pi)^3/(4 pi G^2) at Q = G; a cell holds four units.
    """
    q = np.linspace(1.6, 2.0, 4001)
    units = round(np.pi / 6 * 30**3 / (A**3 / 4))
    y = powder_pattern(of([units]), q=q).sum("origin").values
    f = [float(form_factor(e, q=1.7963)) for e in ("In", "As")]
    area = 8 * 16 * (f[0] ** 2 + f[1] ** 2) * 2 * np.pi**2 / 1.7963**2 / (4 * (6.0583**3))
    # Tails of 1/(pi (Q - G)^2 R) on either side, 0.2 / angstrom from the line: 2/(pi 0.2 150)/(4 pi/3 / 150 150) = 1 %.
    assert np.trapezoid(y, q) == pytest.approx(area, rel=0.025)
    assert scherrer_size(q, y, near=1.8, constant=SPHERE) == pytest.approx(30.0, rel=2e-3)
    assert scherrer_size(q, y, near=1.8) == pytest.approx(30.0 * 0.9 / SPHERE, rel=2e-3)


def test_scherrer_constant_of_a_sphere() -> None:
    root = brentq(lambda x: spherical_jn(0, x) ** 2 + spherical_jn(1, x) ** 2 - 0.5, 1.0, 2.5)
    assert pytest.approx(2 * root / np.pi, abs=1e-4) == SPHERE
    # 0.89 over the cube root of the volume: Langford and Wilson, J. Appl. Cryst. 11, 102 (1978).
    assert SPHERE * (np.pi / 6) ** (1 / 3) == pytest.approx(0.89, abs=0.003)


def test_origins_and_expected_counts(of: Callable[..., xr.Dataset]) -> None:
    d = of([2000] * 3, [300])
    whole = powder_pattern(d, q=Q)
    alone = [powder_pattern(of(s, b), q=Q).sum("origin") for s, b in (([2000], []), ([], [300]))]
    np.testing.assert_allclose(whole.sel(origin="seed"), alone[0] * 6000 / 6300, rtol=1e-9)
    np.testing.assert_allclose(whole.sel(origin="nucleated"), alone[1] * 300 / 6300, rtol=1e-9)
    half = d.assign(particle_count=0.5 * d["particle_count"])
    np.testing.assert_allclose(powder_pattern(half, q=Q), whole, rtol=1e-9)
    assert float(powder_pattern(of([]), q=Q).sum()) == 0.0
    assert float(whole["two_theta"].sel(q=3.06, method="nearest")) == pytest.approx(44.0, abs=0.1)


def test_peaks_of_clusters_lie_near_those_of_the_bulk(of: Callable[..., xr.Dataset]) -> None:
    """25 units: broad peaks within 1 degree of Bragg's law for 111 and 220 at Cu K alpha (25.44 and 42.15)."""
    y = powder_pattern(of([25]), q=Q).sum("origin").values
    found = two_theta_from_q(peaks(Q, y, prominence=0.1).position, energy=8.0478)
    bragg = [2 * np.degrees(np.arcsin(1.5406 * n**0.5 / 2 / 6.0583)) for n in (3, 8)]
    np.testing.assert_allclose(found[:2], bragg, atol=1.0)


@pytest.mark.parametrize(("call", "words"), [
    (lambda d: powder_pattern(d, q=[3.0, 2.0]), "rising"),
    (lambda d: powder_pattern(d, q=[1.0, 9.0]), "8.0478"),
    (lambda d: powder_pattern(d, energy=0.0), "energy"), (lambda d: powder_pattern(d, b=-1.0), "b:"),
    (lambda d: powder_pattern(d, structure="fcc"), "structure"),
    (lambda d: reflections("Cd3P2"), "Cd3P2.*not at hand"), (lambda d: reflections("InAs", q_max=30.0), "q_max"),
    (lambda d: scherrer_size(Q, np.exp(-((Q - 2) ** 2)), near=4.0), "near"),
    (lambda d: scherrer_size(Q, np.exp(-((Q - 2) ** 2)), near=2.0, constant=0.0), "constant"),
])
def test_bad_arguments(synthetic_result: xr.Dataset, call: Callable[[xr.Dataset], object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        call(synthetic_result)
    assert "\n" not in str(caught.value)
