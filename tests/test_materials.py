"""Material files: consistent with each other, with the literature, and with the recipe's keys."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from typing import Any

import numpy as np
import pytest

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material, load_material, material_names
from kmcgrowth.materials.optics import Provenance, read_clusters, read_optics
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, N_A
from kmcgrowth.physics.sphere import units_from_diameter
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.units import quantity

# IUPAC abridged standard atomic weights, g/mol
WEIGHTS = {"In": 114.818, "As": 74.922, "P": 30.974, "Cd": 112.414, "Se": 78.971, "S": 32.06}
NAMES = ("Cd3P2", "CdS", "CdSe", "InAs", "InP")


@pytest.fixture(params=NAMES)
def material(request: pytest.FixtureRequest) -> Material:
    return load_material(request.param)


def test_names() -> None:
    assert material_names() == NAMES


def test_unit_volume_follows_from_the_cell(material: Material) -> None:
    a = material.lattice["lattice_a"]
    cell = a**2 * material.lattice["lattice_c"] / 8 if material.name == "Cd3P2" else a**3 / 4
    assert material.unit_volume == pytest.approx(cell, rel=3e-4, abs=0.0)


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
    assert m.electronic["gap"] == pytest.approx(0.354 * ELEMENTARY_CHARGE, rel=1e-6, abs=0.0)


def test_every_value_has_a_source_and_a_trust(material: Material) -> None:
    assert set(material.source) == set(material.trust)
    defaults = {f"growth.{k}" for k in material.growth} | {f"nucleation.{k}" for k in material.nucleation}
    assert defaults <= set(material.trust)
    assert set(material.trust.values()) <= {"read", "literature", "derived", "calibrated", "placeholder"}
    for kind, curves in (("sizing", material.sizing), ("absorption", material.absorption)):
        assert {f"{kind}.{c['name']}" for c in curves} <= set(material.trust)
    assert all(material.source.values())
    if material.name != "InAs":
        fitted = {key for key in defaults if material.trust[key] == "calibrated"}
        assert all("not calibrated" in material.source[key] for key in defaults - fitted)
        assert fitted == {"Cd3P2": {"growth.solubility"}, "InP": {"nucleation.prefactor"}}.get(material.name, set())


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


def test_cds_sizing_curve_and_extinction() -> None:
    m = load_material("CdS")
    (curve,) = m.sizing
    # -6.6521e-8 400^3 + 1.9557e-4 400^2 - 9.2352e-2 400 + 13.29 = -4.2573 + 31.2912 - 36.9408 + 13.29
    assert np.polynomial.Polynomial(curve["coefficients"])(400.0) == pytest.approx(3.3831, abs=1e-4)
    assert m.optics is not None
    # 21536 d^2.3 L/(mol cm) at d = 3 nm, R = 1.5 nm
    sigma = m.optics.first.prefactor * 1.5**m.optics.first.power
    assert sigma * N_A / (1000 * math.log(10)) == pytest.approx(21536 * 3**2.3, rel=1e-9)


BANDS = {
    ("InAs", "MSC"): (457, 420), ("InP", "In37P20"): (386,), ("InP", "In26P13"): (350,), ("CdSe", "Cd35Se20"): (350,),
    ("CdSe", "Cd56Se35"): (380,), ("CdSe", "Cd84Se56"): (408,), ("CdSe", "Cd21Se20"): (420,),
    ("CdSe", "Cd14Se13"): (350,), ("CdS", "Cd37S20_alpha"): (324,), ("CdS", "Cd37S20_beta"): (313,),
    ("Cd3P2", "MSC"): (447,),
}


@pytest.mark.parametrize(("material_", "cluster"), sorted(BANDS))
def test_first_bands_of_clusters(material_: str, cluster: str) -> None:
    known = load_material(material_).clusters[cluster]
    peaks = [b.wavelength for b in known.bands if b.kind == "peak"]
    assert peaks == pytest.approx(BANDS[material_, cluster])
    named = re.findall(r"([A-Z][a-z]?)(\d+)", cluster)
    if named:
        assert dict(known.atoms) == {element: int(n) for element, n in named}


def test_cluster_bands_of_the_papers() -> None:
    amc = load_material("InAs").clusters["AMC"]
    assert [b.kind for b in amc.bands] == ["shoulder", "shoulder"] and amc.bands[0].wavelength == pytest.approx(400)
    cds = load_material("CdS").clusters
    alpha, beta = (1239.842 / cds[f"Cd37S20_{x}"].bands[0].wavelength for x in ("alpha", "beta"))
    assert beta - alpha == pytest.approx(0.140, abs=0.01)  # Williamson 2019
    light = load_material("Cd3P2").clusters["MSC"].emission
    assert light is not None and light.wavelength == pytest.approx(455)
    # 10.1039/d5nr00002e: 447 and 455 nm, 48 meV
    assert 1239.842 / 447 - 1239.842 / light.wavelength == pytest.approx(0.048, abs=1e-3)


def test_next_tetrahedron_continues_the_ladder() -> None:
    """Cd120Se84 of seven layers: between the straight lines in 1/layers and in layers through the last two."""
    ladder = load_material("CdSe").clusters
    e5, e6, e7 = (1239.842 / ladder[n].bands[0].wavelength for n in ("Cd56Se35", "Cd84Se56", "Cd120Se84"))
    assert e6 - (e5 - e6) < e7 < e6 - (e5 - e6) * (1 / 6 - 1 / 7) / (1 / 5 - 1 / 6) + 0.005


def test_extinction_of_inas_clusters_is_that_of_their_volume() -> None:
    m = load_material("InAs")
    assert m.optics is not None
    volume = 22 * m.unit_volume * 1e27  # nm^3
    sigma = m.optics.high.prefactor / (4 / 3 * math.pi) * volume
    for name in ("AMC", "MSC"):
        assert m.clusters[name].bands[0].extinction == pytest.approx(sigma * N_A / (1000 * math.log(10)), rel=0.02)


def test_inas_and_cdse_cross_sections() -> None:
    inas, cdse = load_material("InAs").optics, load_material("CdSe").optics
    assert inas is not None and cdse is not None
    assert (inas.high.prefactor, inas.high.power, inas.high.energy) == (6.2e-16, 3.0, pytest.approx(2.76))
    assert (inas.first.prefactor, inas.first.power) == (3.15e-16, 1.28)
    # Leatherdale 2002: 5.501e5 a^3 / cm, a in cm
    assert cdse.high.prefactor == pytest.approx(5.501e5 * 1e-21, rel=1e-6, abs=0.0)
    assert load_material("Cd3P2").optics.stokes_shift == pytest.approx(0.048)  # type: ignore[union-attr]


WRONG = [
    ({"optical": {"homogeneous_width": {"value": "70 meV", "trust": "read"}}}, "has no source"),
    ({"sizing": [{"name": "x", "source": "s", "trust": "sure"}]}, "trust 'sure'"),
    ({"cluster": {"X": {"atoms": {"In": 1.5}, "source": "s", "trust": "read"}}}, "whole numbers of atoms"),
    ({"cluster": {"X": {"atoms": {"In": 3}, "source": "s", "trust": "read", "band": [
        {"kind": "bump", "source": "s", "trust": "read"}]}}}, '"peak" or "shoulder"'),
    ({"cluster": {"X": {"atoms": {"In": 3}, "source": "s", "trust": "read", "band": [
        {"kind": "peak", "source": "s", "trust": "read", "wavelength": "457"}]}}}, "cluster.X.band.0.wavelength"),
    ({"cluster": {"X": {"atoms": {"In": 3}, "source": "s", "trust": "read", "band": [
        {"kind": "peak", "source": "s", "trust": "read", "wavelength": "0 nm"}]}}}, "not above zero"),
]


@pytest.mark.parametrize(("data", "expected"), WRONG)
def test_wrong_optics(data: dict[str, Any], expected: str) -> None:
    about = Provenance("X.toml")
    with pytest.raises(BadInput) as caught:
        read_optics(data, about)
        read_clusters(data, about)
    assert expected in str(caught.value) and str(caught.value).startswith("X.toml: ")


RECIPE = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "70 degC"
contents = {{ A = "1 mM" }}
[species.A]
{lines}
[simulation]
duration = "1 min"
formula_units = 1000
"""


def test_species_names_a_cluster() -> None:
    assert parse_recipe(RECIPE.format(lines='formula_units = 22\ncluster = "MSC"')).species["A"].cluster == "MSC"
    both = parse_recipe(RECIPE.format(lines='atoms = { In = 39, As = 22 }\ncluster = "AMC"')).species["A"]
    assert both.cluster == "AMC" and both.atoms == {"In": 39, "As": 22}
    assert parse_recipe(RECIPE.format(lines="formula_units = 22")).species["A"].cluster is None


@pytest.mark.parametrize(("lines", "expected"), [
    ('formula_units = 22\ncluster = "msc"', 'species.A.cluster: "msc" is no cluster of InAs; did you mean "MSC"?'),
    ('cluster = "MSC"', "species.A: needs either formula_units"),
    ('formula_units = 22\natoms = { In = 22 }\ncluster = "MSC"', "species.A: needs either formula_units"),
    ("formula_units = 22\ncluster = 3", "species.A.cluster"),
])
def test_species_with_a_wrong_cluster(lines: str, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_recipe(RECIPE.format(lines=lines))
    assert expected in str(caught.value)


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
