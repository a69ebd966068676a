"""Sizing curves against published pairs, closed forms and their own inverse; shapes of lines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material, material_names
from kmcgrowth.materials.sizing import sizing_curve, sizing_names
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE
from kmcgrowth.physics.excitons import (
    CROSS_SECTION_OF_EXTINCTION,
    FWHM,
    HC,
    BrusCurve,
    PolynomialCurve,
    PowerCurve,
    TableCurve,
    brus_energy,
    gaussian,
    step,
)

CURVES = [(m, name) for m in material_names() for name in sizing_names(load_material(m))]


def test_brus_of_inas() -> None:
    """PHYSICS: 3.0 eV at 5 nm; term by term with pi^2 hbar^2/2m = 0.37603 eV nm^2 and e^2/4 pi eps0 = 1.43996 eV nm."""
    got = brus_energy(5e-9, 0.354 * ELEMENTARY_CHARGE, 0.023, 0.41, 15.15) / ELEMENTARY_CHARGE
    expected = 0.354 + 0.37603 / 2.5**2 * (1 / 0.023 + 1 / 0.41) - 1.786 * 1.43996 / (15.15 * 2.5)
    assert got == pytest.approx(expected, rel=1e-4)
    assert got == pytest.approx(3.0, abs=0.06)


def test_brus_curve_is_the_equation_and_its_inverse() -> None:
    m = load_material("CdSe")
    curve = sizing_curve("CdSe", sizing="Brus")
    d = np.array([1.5, 3.0, 6.0, 12.0])
    e = m.electronic
    expected = brus_energy(
        d * 1e-9, e["gap"], e["electron_mass"], e["heavy_hole_mass"], e["static_permittivity"]) / ELEMENTARY_CHARGE
    assert curve.energy(d) == pytest.approx(expected, rel=1e-12)
    assert curve.diameter(curve.energy(d)) == pytest.approx(d, rel=1e-9)
    # the minimum: dE/dd = 0 where the curve ends
    assert float(curve.slope(curve.known[1])) == pytest.approx(0.0, abs=1e-12)
    assert np.isinf(BrusCurve(1.0, 0.1, 0.5, 10.0).diameter(0.5))


def test_published_pairs_of_cdse() -> None:
    """Yu 2003, Fig. 2 and equation for CdSe."""
    wavelength = np.array([480.0, 520.0, 550.0, 580.0, 600.0, 620.0, 640.0])
    diameter = np.array([2.17, 2.56, 3.04, 3.82, 4.58, 5.61, 6.95])
    curve = sizing_curve("CdSe")
    assert curve.diameter(HC / wavelength) == pytest.approx(diameter, abs=0.01)
    assert HC / curve.energy(diameter) == pytest.approx(wavelength, abs=0.6)


def test_published_pairs_of_inas() -> None:
    curve = sizing_curve("InAs")
    assert HC / float(curve.energy(9.0)) == pytest.approx(1600.0, abs=1.5)  # Kim 2021
    wavelength = [767, 953, 1115, 1258, 1385, 1498, 1600]
    assert HC / curve.energy(np.arange(3.0, 10.0)) == pytest.approx(wavelength, abs=1.5)


def test_inp_and_cd3p2() -> None:
    assert float(sizing_curve("InP").energy(3.0)) == pytest.approx(1.45 + 37.295 / 30**1.16, rel=1e-12)
    # the curve of Cd3P2 was measured in emission: absorption lies one Stokes shift above
    assert float(sizing_curve("Cd3P2").energy(4.1)) == pytest.approx(0.53 + 2.15 / 4.1 + 0.048, rel=1e-12)


def test_cds_400_nm() -> None:
    assert float(sizing_curve("CdS").diameter(HC / 400.0)) == pytest.approx(3.3831, abs=1e-4)


@pytest.mark.parametrize(("material", "name"), CURVES)
def test_curves_fall_everywhere_and_come_back(material: str, name: str) -> None:
    curve = sizing_curve(material, sizing=name)
    # the Brus equation has a minimum, below the gap
    d = np.geomspace(0.8, 0.9 * curve.known[1] if name == "Brus" else 40.0, 400)
    energy = curve.energy(d)
    assert np.all(np.diff(energy) < 0) and np.all(curve.slope(d) < 0)
    if name != "Brus":
        assert energy[-1] > load_material(material).electronic["gap"] / ELEMENTARY_CHARGE - 0.02
    assert curve.diameter(energy) == pytest.approx(d, rel=1e-7)
    h = 1e-5 * d
    assert curve.slope(d) == pytest.approx((curve.energy(d + h) - curve.energy(d - h)) / (2 * h), rel=2e-3)


@pytest.mark.parametrize("name", ["Yu 2003", "Jasieniak 2009"])
def test_continuation_meets_value_and_slope(name: str) -> None:
    curve = sizing_curve("CdSe", sizing=name)
    for end in curve.known:
        below, above = end * (1 - 1e-9), end * (1 + 1e-9)
        assert float(curve.energy(below)) == pytest.approx(float(curve.energy(above)), rel=1e-7)
        assert float(curve.slope(below)) == pytest.approx(float(curve.slope(above)), rel=1e-5)


def test_table_of_a_power_law_is_the_power_law() -> None:
    exact = PowerCurve(0.5, 3.0, 1.2)
    d = np.geomspace(2.0, 8.0, 6)
    table = TableCurve(d, exact.energy(d), 0.5)
    at = np.geomspace(1.0, 15.0, 50)
    assert table.energy(at) == pytest.approx(exact.energy(at), rel=1e-9)
    assert table.slope(at) == pytest.approx(exact.slope(at), rel=1e-9)
    assert table.diameter(exact.energy(at)) == pytest.approx(at, rel=1e-7)
    assert np.isinf(exact.diameter(0.4))
    assert float(sizing_curve("InAs", sizing=([2.0, 5.0, 9.0], [2.2, 1.1, 0.7])).energy(5.0)) == pytest.approx(1.1)


def test_lines() -> None:
    assert gaussian(1.05, 1.0, 0.1) == pytest.approx(0.5) and gaussian(1.0, 1.0, 0.1) == 1.0
    area, _ = quad(gaussian, 0.0, 2.0, args=(1.0, 0.1), points=[1.0])
    assert area == pytest.approx(0.1 / FWHM * np.sqrt(2 * np.pi), rel=1e-9)
    # the slope of a step is the Gaussian over its area
    slope = (step(1.03 + 1e-6, 1.0, 0.1) - step(1.03 - 1e-6, 1.0, 0.1)) / 2e-6
    assert slope * area == pytest.approx(gaussian(1.03, 1.0, 0.1), rel=1e-6)
    assert step(1.0, 1.0, 0.1) == 0.5


def test_cross_section_of_an_extinction() -> None:
    """Textbook: sigma/cm^2 = 3.82e-21 epsilon/(L/mol/cm)."""
    assert CROSS_SECTION_OF_EXTINCTION == pytest.approx(3.8235e-21, rel=1e-4, abs=0.0)


@pytest.mark.parametrize(("sizing", "expected"), [
    ("Peng", '"Yu 2003", "Jasieniak 2009", "Brus"'), (([1.0, 2.0], [2.0, 2.5]), "energies fall"),
    (([2.0, 1.0], [3.0, 2.0]), "diameters rise"), (([2.0], [3.0]), "two or more"), (3, "table cannot be used"),
])
def test_wrong_curves(sizing: object, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        sizing_curve("CdSe", sizing=sizing)  # type: ignore[arg-type]
    assert str(caught.value).startswith("sizing: ") and expected in str(caught.value)


def test_a_polynomial_that_turns_back_is_refused() -> None:
    with pytest.raises(ValueError, match="rise with the wavelength"):
        PolynomialCurve([0.0, -1.0], (400.0, 500.0), 1.0)
