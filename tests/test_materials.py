"""Material files: consistent with each other, with the literature, and with the recipe's keys."""

from __future__ import annotations

import dataclasses
import math
import sys

import numpy as np
import pytest

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material, load_material, material_names
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, N_A
from kmcgrowth.physics.sphere import units_from_diameter
from kmcgrowth.units import quantity

# IUPAC abridged standard atomic weights, g/mol
WEIGHTS = {"In": 114.818, "As": 74.922, "P": 30.974, "Cd": 112.414, "Se": 78.971}
NAMES = ("Cd3P2", "CdSe", "InAs", "InP")


@pytest.fixture(params=NAMES)
def material(request: pytest.FixtureRequest) -> Material:
    return load_material(request.param)


def test_names() -> None:
    assert material_names() == NAMES


def test_unit_volume_follows_from_the_cell(material: Material) -> None:
    a = material.lattice["lattice_a"]
    cell = a**2 * material.lattice["lattice_c"] / 8 if material.name == "Cd3P2" else a**3 / 4
    assert material.unit_volume == pytest.approx(cell, rel=3e-4)


def test_masses(material: Material) -> None:
    weight = sum(WEIGHTS[e] * k for e, k in material.atoms.items()) * 1e-3
    assert material.molar_mass == pytest.approx(weight, rel=1e-4)
    assert material.density == pytest.approx(weight / (material.unit_volume * N_A), rel=2e-3)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("InAs", (254, 1177, 6866)),
        ("InP", (280, 1295, 7554)),
        ("CdSe", (255, 1181, 6888)),
        ("Cd3P2", (120, 557, 3246)),
    ],
)
def test_formula_units_in_spheres_of_3_5_and_9_nm(name: str, counts: tuple[int, ...]) -> None:
    got = units_from_diameter(np.array([3e-9, 5e-9, 9e-9]), load_material(name).unit_volume)
    assert got == pytest.approx(counts, abs=1.0)


def test_atoms() -> None:
    assert load_material("InAs").atoms == {"In": 1, "As": 1}
    assert load_material("Cd3P2").atoms == {"Cd": 3, "P": 2}


def test_growth_defaults_are_recipe_text(material: Material) -> None:
    dimensions = {"diffusion": "m^2/s", "surface_rate": "m/s", "solubility": "mol/m^3", "surface_energy": "J/m^2"}
    assert set(material.growth) == set(dimensions)
    for key, entry in material.growth.items():
        law = entry if isinstance(entry, dict) else {"value": entry}
        assert set(law) <= {"value", "at", "activation_energy"}
        assert quantity(law["value"], dimensions[key], key, infinite=True) > 0
        if "at" in law:
            assert 373 < quantity(law["at"], "K", key) < 673
            assert quantity(law["activation_energy"], "J/molecule", key) > 0
    assert quantity(material.nucleation["prefactor"], "1/m^3/s") > 0


def test_inas_parameter_set() -> None:
    m = load_material("InAs")
    assert m.growth == {
        "diffusion": {"value": "1e3 nm^2/s", "at": "300 degC", "activation_energy": "0.19 eV"},
        "solubility": {"value": "1 uM", "at": "300 degC", "activation_energy": "0.8 eV"},
        "surface_energy": "0.15 J/m^2",
        "surface_rate": "inf",
    }
    assert m.nucleation == {"prefactor": "1e31 / m^3 / s"}
    assert m.trust["growth.solubility"] == m.trust["nucleation.prefactor"] == "calibrated"
    # 18.6 kJ/mol of the solvent's viscosity
    assert quantity("0.19 eV", "J/molecule") * N_A == pytest.approx(18.6e3, rel=0.02)
    assert m.electronic["gap"] == pytest.approx(0.354 * ELEMENTARY_CHARGE)


def test_every_value_has_a_source_and_a_trust(material: Material) -> None:
    assert set(material.source) == set(material.trust)
    defaults = {f"growth.{k}" for k in material.growth} | {f"nucleation.{k}" for k in material.nucleation}
    assert defaults <= set(material.trust)
    assert set(material.trust.values()) <= {"read", "literature", "derived", "calibrated", "placeholder"}
    for curve in (*material.sizing, *material.absorption):
        assert curve["source"] and curve["trust"] in ("read", "literature", "derived")
    assert all(material.source.values())
    if material.name != "InAs":
        assert all("not calibrated" in material.source[key] for key in defaults)


def test_cdse_sizing_curves() -> None:
    yu, jasieniak = (np.polynomial.Polynomial(c["coefficients"]) for c in load_material("CdSe").sizing)
    wavelength = np.array([480.0, 520.0, 550.0, 580.0, 600.0, 620.0, 640.0])
    assert yu(wavelength) == pytest.approx([2.17, 2.56, 3.04, 3.82, 4.58, 5.61, 6.95], abs=0.01)
    assert jasieniak(wavelength) == pytest.approx(yu(wavelength), rel=0.15)  # two calibrations of one crystal


def test_inas_sizing_curve() -> None:
    (curve,) = load_material("InAs").sizing
    d = np.arange(3.0, 10.0)
    wavelength = 1239.842 / (curve["gap"] + curve["slope"] / d)
    assert wavelength == pytest.approx([767, 953, 1115, 1258, 1385, 1498, 1600], abs=1.5)


def test_frozen_and_fresh() -> None:
    m = load_material("InP")
    with pytest.raises(dataclasses.FrozenInstanceError):
        m.name = "other"  # type: ignore[misc]
    m.growth["diffusion"]["value"] = "changed"
    assert load_material("InP").growth["diffusion"]["value"] != "changed"


@pytest.mark.parametrize(
    ("given", "hint"),
    [("inas", 'did you mean "InAs"?'), ("CdSe2", 'did you mean "CdSe"?'), ("../InAs", "InAs"), ("gold", "InP.")],
)
def test_unknown_material(given: str, hint: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_material(given)
    assert hint in str(caught.value) and f'"{given}"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_light_import() -> None:
    import subprocess

    heavy = "{'scipy', 'pint', 'xarray'}"
    code = f"import sys, kmcgrowth.materials, kmcgrowth.physics.growth; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert math.isfinite(load_material("InAs").unit_volume)
