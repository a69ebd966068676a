"""Mass spectra: masses from weights, bands where particles are, and sizes back; ligands from their formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material
from kmcgrowth.materials.ligands import ligand_names, load_ligand
from kmcgrowth.observables.mass_spectrum import (
    diameter_from_mass,
    mass_bands,
    mass_spectrum,
    particle_mass,
)

WEIGHTS = {"C": 12.011, "H": 1.008, "O": 15.999, "P": 30.974}
"""IUPAC standard atomic weights [g/mol]."""

UNIT = 189.74
"""Mass of InAs [Da]; the synthetic results are of InAs."""


@pytest.fixture
def of(factories: ModuleType) -> Any:
    """Dataset of one snapshot of seeds and nucleated particles of so many units."""

    def make(seeds: Any, nucleated: Any = ()) -> xr.Dataset:
        m = factories.model(max(len(seeds), 1))
        d: xr.Dataset = factories.dataset(m, [factories.counts(m, 0.0, seeds, nucleated)])
        return d

    return make


@pytest.mark.parametrize("name", ligand_names())
def test_ligands_weigh_what_their_formula_says(name: str) -> None:
    ligand = load_ligand(name)
    atoms = re.findall(r"([A-Z][a-z]?)(\d*)", ligand.formula)
    assert ligand.molar_mass == pytest.approx(1e-3 * sum(WEIGHTS[e] * int(n or 1) for e, n in atoms), abs=1e-5)
    assert 0.15e-18 < ligand.footprint < 0.6e-18
    assert set(ligand.source) == set(ligand.trust) >= {"molar_mass", "footprint"}


def test_unknown_ligand() -> None:
    with pytest.raises(BadInput, match='did you mean "oleate"'):
        load_ligand("Oleat")


@pytest.mark.parametrize(("material", "units", "mass"), [("Cd3P2", 100, 39920.0), ("InAs", 1177, 1177 * UNIT)])
def test_bare_particles_weigh_their_formula_units(material: str, units: int, mass: float) -> None:
    v = load_material(material).unit_volume * 1e27
    assert float(particle_mass((6 * units * v / np.pi) ** (1 / 3), material=material)) == pytest.approx(mass, rel=1e-9)


def test_a_shell_weighs_its_ligands() -> None:
    """A 4 nm sphere has 50.265 nm^2: at 2 per nm^2 it carries 100.53 oleates of 281.46 Da."""
    bare, covered = (particle_mass(4.0, material="InAs", **k) for k in ({}, {"ligand": "oleate", "coverage": 2.0}))
    assert float(covered - bare) == pytest.approx(2 * np.pi * 16 * 281.46, rel=1e-9)
    default = particle_mass(4.0, material="InAs", ligand="oleate")
    assert float(default - bare) == pytest.approx(np.pi * 16 * 281.46 / 0.29, rel=1e-6)


@pytest.mark.parametrize("shell", [{}, {"ligand": "oleate"}, {"ligand": "octadecylphosphonate", "coverage": 0.7}])
def test_sizes_come_back_from_masses(shell: dict[str, Any]) -> None:
    d = np.array([[0.0, 0.3, 1.0], [2.8, 9.0, 200.0]])
    back = diameter_from_mass(particle_mass(d, material="Cd3P2", **shell), material="Cd3P2", **shell)
    np.testing.assert_allclose(back, d, rtol=1e-12, atol=1e-12)


def test_masses_of_the_cadmium_phosphide_paper() -> None:
    """10.1039/d5nr00002e: 38 kDa is 2.8 nm, 140 kDa 4.2 nm; bare spheres are so within 0.1 nm, covered ones not."""
    np.testing.assert_allclose(diameter_from_mass([38e3, 140e3], material="Cd3P2"), [2.8, 4.2], atol=0.1)
    covered = diameter_from_mass([38e3, 140e3], material="Cd3P2", ligand="oleate")
    assert (np.abs(covered - [2.8, 4.2]) > 0.3).all()
    # What came between the two bands, 102 kDa, is 255 units of 399.2 Da.
    v = load_material("Cd3P2").unit_volume * 1e27
    small, large = np.pi / 6 / v * diameter_from_mass([38e3, 140e3], material="Cd3P2") ** 3
    assert large - small == pytest.approx(102e3 / 399.2, rel=1e-6)


def test_one_size_is_a_gaussian_of_the_instrument(of: Callable[..., xr.Dataset]) -> None:
    mass = np.linspace(80e3, 110e3, 3001)
    y = mass_spectrum(of([500] * 7), resolution=25.0, mass=mass).sum("origin").values
    assert np.trapezoid(y, mass) == pytest.approx(1.0, abs=1e-6)
    assert mass[np.argmax(y)] == pytest.approx(500 * UNIT, abs=10)
    half = mass[y > 0.5 * y.max()]
    assert half[-1] - half[0] == pytest.approx(500 * UNIT / 25, abs=25)


def test_origins_add_up(synthetic_result: xr.Dataset) -> None:
    y = mass_spectrum(synthetic_result, ligand="oleate")
    mass = y["mass"].values
    count = synthetic_result["particle_count"].isel(time=-1).sum("size")
    for origin in ("seed", "nucleated"):
        share = float(count.sel(origin=origin) / count.sum())
        assert np.trapezoid(y.sel(origin=origin).values, mass) == pytest.approx(share, abs=1e-3)
    assert y.attrs["units"] == "Da-1" and y.attrs["particles"] == float(count.sum())


def test_two_bands_and_whose_they_are(of: Callable[..., xr.Dataset]) -> None:
    """1000 seeds of 200 units beside 3000 of 735 with one in three nucleated: bands at 38 and 139 kDa."""
    rng = np.random.default_rng(4)
    seeds = np.concatenate([rng.normal(200, 12, 1000), rng.normal(735, 40, 2000)]).round().astype(int)
    born = rng.normal(735, 40, 1000).round().astype(int)
    low, high = mass_bands(mass_spectrum(of(seeds, born)))
    assert low.share == pytest.approx(0.25, abs=1e-3) and high.share == pytest.approx(0.75, abs=1e-3)
    assert low.mean_mass == pytest.approx(UNIT * seeds[:1000].mean(), rel=1e-3)
    large = np.concatenate([seeds[1000:], born])
    assert high.mean_mass == pytest.approx(UNIT * large.mean(), rel=1e-3)
    assert low.seed_share == pytest.approx(1.0, abs=1e-9) and high.seed_share == pytest.approx(2 / 3, abs=1e-3)
    # The instrument's relative standard deviation 1/(2.3548 30) is added in squares, to first order.
    broad = ((large.std() / large.mean()) ** 2 + (1 / (2.35482 * 30)) ** 2) ** 0.5
    assert high.relative_width == pytest.approx(broad, rel=0.01)
    assert low.upper == high.lower and low.lower < low.peak_mass < low.upper


@pytest.mark.parametrize("number", [1, 30, 300, 3000, 100_000])
@pytest.mark.parametrize("width", [0.05, 0.12, 0.3])
def test_one_population_is_one_band(of: Callable[..., xr.Dataset], number: int, width: float) -> None:
    for seed in range(3):
        z = np.random.default_rng(seed).standard_normal(number)
        units = np.maximum(600 * (1 + width * z), 2).round().astype(int)
        assert len(mass_bands(mass_spectrum(of(units)))) == 1


def test_detection_changes_what_is_seen(of: Callable[..., xr.Dataset]) -> None:
    """Half and half; the heavy ones, four times the mass, are seen a quarter as often: 0.8 and 0.2."""
    low, high = mass_bands(mass_spectrum(of([100] * 50 + [400] * 50), detection=lambda m: 1.0 / m))
    assert (low.share, high.share) == pytest.approx((0.8, 0.2), abs=2e-3)


def test_expected_counts_and_nothing_at_all(of: Callable[..., xr.Dataset]) -> None:
    whole = of([100, 100, 400])
    half = whole.assign(particle_count=0.25 * whole["particle_count"])
    np.testing.assert_allclose(mass_spectrum(half), mass_spectrum(whole), rtol=1e-12)
    nothing = mass_spectrum(of([]))
    assert float(nothing.sum()) == 0.0 and mass_bands(nothing) == []


@pytest.mark.parametrize(("wrong", "words"), [
    ({"resolution": 0.0}, "resolution"), ({"mass": [3.0, 2.0]}, "rising"), ({"coverage": 3.0}, "without a ligand"),
    ({"ligand": "oleate", "coverage": -1.0}, "coverage"), ({"ligand": "salt"}, "ligand"),
    ({"detection": lambda m: -m}, "detection"), ({"replicate": 5}, "replicate"),
])
def test_bad_arguments(synthetic_result: xr.Dataset, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        mass_spectrum(synthetic_result, **wrong)
    assert "\n" not in str(caught.value)


def test_bad_numbers() -> None:
    with pytest.raises(BadInput, match="diameter"):
        particle_mass(-1.0, material="InAs")
    with pytest.raises(BadInput, match="mass"):
        diameter_from_mass([1.0, np.nan], material="InAs")


def test_liquid_that_has_grown_warm_dilutes_its_particles() -> None:
    """V(T) = V25 (1 + expansion (T - 25 degC)), and with it the volume in which the particles simulated are."""
    import kmcgrowth as kg
    from kmcgrowth.observables.ensemble import ensemble

    result = kg.simulate(kg.load_recipe("teaching_ripening", changes={
        "flask.expansion": "9e-4 / K", "flask.temperature": "300 degC", "simulation.particles": 100,
        "simulation.duration": "1 s", "simulation.snapshots": 2, "simulation.method": "exact"}))
    grown = ensemble(result).liquid / float(result.attrs["control_volume_mL"])
    assert grown == pytest.approx(1.0 + 9e-4 * 275.0)
