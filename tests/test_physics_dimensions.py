"""Every formula runs with units attached and gives the unit it promises."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pint
import pytest

import kmcgrowth.physics
from kmcgrowth.physics import growth
from kmcgrowth.physics.constants import K_B

MODULES = {
    m.name: importlib.import_module(f"kmcgrowth.physics.{m.name}")
    for m in pkgutil.iter_modules(kmcgrowth.physics.__path__)
}
UREG: Any = pint.UnitRegistry()
Q = UREG.Quantity

CONSTANTS = {"K_B": "J/K", "H_BAR": "J*s", "ELECTRON_MASS": "kg", "COULOMB": "J*m"}

# argument name -> (value, unit); a function's own meaning of a name comes first in OWN
ARGUMENTS: dict[str, tuple[Any, str]] = {
    "temperature": (573.0, "K"), "reference": (500.0, "K"), "activation_energy": (1.1, "eV"),
    "units": (300.0, ""), "initial_units": (200.0, ""), "unit_volume": (0.0556, "nm^3"),
    "radius": (2.0, "nm"), "diameter": (4.0, "nm"), "mean_radius": (2.0, "nm"), "new_mean_radius": (3.0, "nm"),
    "initial_radius": (2.0, "nm"), "reference_radius": (2.5, "nm"), "width": (0.2, "nm"), "length": (2.0, "nm"),
    "capillary_length": (2.0, "nm"), "diffusion": (1e3, "nm^2/s"), "surface_rate": (50.0, "nm/s"),
    "flat_solubility": (6e-7, "1/nm^3"), "concentration": (6e-6, "1/nm^3"), "surface_energy": (0.15, "J/m^2"),
    "supersaturation": (16.0, ""), "critical_supersaturation": (16.0, ""), "prefactor": (1e4, "1/nm^3/s"),
    "rate": (1e-9, "1/nm^3/s"), "dose": (1e-3, "s/nm^3"), "feed": (5.0, "1/s"), "focusing": (3.0, ""),
    "time": (100.0, "s"), "supply_rate": (1e12, "1/s"), "volume_growth": (0.2, "nm^3/s"), "control": (3.0, ""),
    "u": (0.7, ""), "radius_1": (2.0, "nm"), "radius_2": (3.0, "nm"), "viscosity": (0.5, "mPa*s"),
    "number": (1e4, ""), "constant": (1e-20, "m^3/s"), "volume": (2e-15, "m^3"), "multiple": (3.0, ""),
    "exponent": (2.0, None), "power": (1 / 3, None), "transfer_coefficient": (0.5, None),
    "broken_bonds": (6.29, "1/nm^2"), "gap": (0.354, "eV"), "electron_mass": (0.023, ""), "hole_mass": (0.41, ""),
    "permittivity": (15.15, ""),
    "packet": (22.0, None), "linear": (False, None), "relative": (False, None), "law": ("lsw", None),
}
OWN: dict[str, dict[str, tuple[Any, str]]] = {
    "arrhenius.rate": {"value": (2.0, "1/min")},
    "arrhenius.fit": {"temperature": ([300.0, 400.0, 500.0], "K"), "rates": ([1.0, 2.0, 5.0], "1/min"),
                      "reference": (400.0, "K"), "weights": (None, None)},  # type: ignore[dict-item]
    "coarsening.lsw_mean_radius": {"slope": (0.1, "nm^3/s")},
    "coarsening.wagner_mean_radius": {"slope": (0.1, "nm^2/s")},
    "growth.talapin_rate": {"radius": (1.5, "")},
}
# function -> unit of its result
RESULTS = {
    "arrhenius.rate": "1/s", "arrhenius.fit": "1/s",
    "bonds.effective_bond_energy": "J",
    "capture.diffusion_limit": "m^3/s", "capture.reaction_limit": "m^3/s", "capture.mixed": "m^3/s",
    "capture.size_dependent_surface_rate": "m/s", "capture.talapin_surface_rate": "m/s",
    "coalescence.brownian_prefactor": "m^3/s", "coalescence.brownian_shape": "", "coalescence.brownian_rate": "m^3/s",
    "coalescence.smoluchowski_number": "", "coalescence.smoluchowski_multiples": "",
    "coarsening.lsw_density": "", "coarsening.wagner_density": "", "coarsening.cumulative": "",
    "coarsening.lsw_slope": "m^3/s", "coarsening.wagner_slope": "m^2/s", "coarsening.lsw_mean_radius": "m",
    "coarsening.wagner_mean_radius": "m", "coarsening.surviving_share": "",
    "excitons.brus_energy": "J",
    "focusing.reiss_radius": "m", "focusing.reiss_width": "m", "focusing.focusing_number": "",
    "focusing.width_exponent": "", "focusing.fed_width": "m", "focusing.fed_mean_radius": "m",
    "focusing.reaction_limit_length": "m", "focusing.reaction_limit_width": "m", "focusing.shot_noise_variance": "",
    "focusing.steady_supersaturation": "", "focusing.minimum_feed": "1/s", "focusing.maximum_feed": "1/s",
    "focusing.window_ratio": "",
    "gibbs_thomson.capillary_length": "m", "gibbs_thomson.solubility": "1/m^3",
    "layers.row_spacing": "m",
    "gibbs_thomson.sphere_free_energy": "J", "gibbs_thomson.excess_step": "J",
    "growth.radius_rate": "m/s", "growth.talapin_rate": "",
    "nucleation.barrier_parameter": "", "nucleation.barrier": "J", "nucleation.critical_radius": "m",
    "nucleation.critical_size": "", "nucleation.zeldovich_factor": "", "nucleation.self_consistency_factor": "",
    "nucleation.classical_rate": "1/m^3/s", "nucleation.power_rate": "1/m^3/s",
    "nucleation.supersaturation_for_rate": "", "nucleation.supersaturation_for_power_rate": "",
    "nucleation.newborn_radius": "m", "nucleation.newborn_size": "", "nucleation.insertion_rate": "1/m^3/s",
    "nucleation.encounter_cap": "1/m^3/s", "nucleation.particles_from_supply": "",
    "sphere.radius_from_units": "m", "sphere.diameter_from_units": "m", "sphere.units_from_radius": "",
    "sphere.units_from_diameter": "",
}
# tables fill arrays in place: checked by a change of units below
TABLES = {
    "growth.rate_tables", "gibbs_thomson.detachment", "gibbs_thomson.detachment_from_steps",
    "gibbs_thomson.continued_free_energy", "layers.tetrahedron_free_energy",
}
# pure numbers by construction
NUMBERS = {"coarsening.moments", "coarsening.quantile", "coarsening.sample", "sphere.cube_roots"}
NUMBERS |= {"layers.tetrahedral_number"}
# energies in eV and lengths in nm, as sizing curves have them
NUMBERS |= {"excitons.gaussian", "excitons.step"}
# random walks on a line, in units of its spacing and of the time of a step
NUMBERS |= {
    f"first_passage.{name}"
    for name in ("modes", "survival", "exit_density", "exit_chance", "beyond", "inside", "no_passage", "hazard")
}


@pytest.fixture
def boltzmann_with_units(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in MODULES.values():
        for name, unit in CONSTANTS.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, Q(getattr(module, name), unit))
    yield


def arguments(name: str, with_units: bool) -> dict[str, Any]:
    module, function = name.split(".")
    given = {}
    for key in inspect.signature(getattr(MODULES[module], function)).parameters:
        value, unit = OWN.get(name, {}).get(key) or ARGUMENTS[key]
        value = np.array(value) if isinstance(value, list) else value
        if unit is None:
            given[key] = value
        else:
            given[key] = Q(value, unit) if with_units else Q(value, unit).to_base_units().magnitude
    return given


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_units(name: str, boltzmann_with_units: None) -> None:
    module, function = name.split(".")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a stripped unit is a warning
        result = getattr(MODULES[module], function)(**arguments(name, with_units=True))
    first = result[0] if isinstance(result, tuple) else result
    got = Q(first).to(RESULTS[name] or "dimensionless").to_base_units().magnitude
    with pytest.MonkeyPatch.context() as patch:
        for other in MODULES.values():
            for constant in CONSTANTS:
                if hasattr(other, constant):
                    patch.setattr(other, constant, getattr(other, constant).magnitude)
        plain = getattr(MODULES[module], function)(**arguments(name, with_units=False))
    assert got == pytest.approx(plain[0] if isinstance(plain, tuple) else plain, rel=1e-9, abs=0.0)


def test_fit_units(boltzmann_with_units: None) -> None:
    fitted = MODULES["arrhenius"].fit(**arguments("arrhenius.fit", with_units=True))
    assert fitted.activation_energy.check("[energy]") and fitted.activation_energy_error.check("[energy]")
    assert fitted.reference.check("[temperature]")


def test_every_formula_is_here() -> None:
    public = {
        f"{name}.{f.__name__}"
        for name, module in MODULES.items()
        for _, f in inspect.getmembers(module, callable)
        if not inspect.isclass(f) and getattr(f, "__module__", "") == module.__name__ and not f.__name__.startswith("_")
    }
    assert public == set(RESULTS) | TABLES | NUMBERS


@pytest.mark.parametrize("law", ["mixed", "talapin"])
@pytest.mark.parametrize("form", ["exponential", "linear"])
@pytest.mark.parametrize("table", [False, True])
def test_rate_tables_in_other_units(monkeypatch: pytest.MonkeyPatch, law: Any, form: Any, table: bool) -> None:
    """Lengths in nm, times in ms and energies in zJ give the same rates, converted."""
    si: dict[str, Any] = dict(
        unit_volume=55.59e-30, diffusion=1e-15, surface_rate=1e-6, solubility=6e20, surface_energy=0.15,
        law=law, gibbs_thomson=form, exponent=1.5, reference_radius=2e-9,
    )
    other = si | dict(
        unit_volume=55.59e-3, diffusion=1e-15 * 1e18 / 1e3, surface_rate=1e-6 * 1e9 / 1e3, solubility=6e20 / 1e27,
        surface_energy=0.15 * 1e21 / 1e18, reference_radius=2.0,
    )
    free = np.cumsum(np.linspace(2e-20, 1e-21, 101))
    if table:
        si["free_energy"], other["free_energy"] = free, free * 1e21
    attach, detach = growth.rate_tables(573.0, 100, **si)
    for module in MODULES.values():
        if hasattr(module, "K_B"):
            monkeypatch.setattr(module, "K_B", K_B * 1e21)
    attach_other, detach_other = growth.rate_tables(573.0, 100, **other)
    assert attach_other == pytest.approx(attach * 1e27 / 1e3, rel=1e-12)
    assert detach_other == pytest.approx(detach / 1e3, rel=1e-10, abs=0.0)


def test_continued_free_energy_in_other_units() -> None:
    extend = MODULES["gibbs_thomson"].continued_free_energy
    given = np.array([0.0, 1e-20, 3e-20])
    expected = extend(given, 9, 55.59e-30, 0.15) * 1e21
    assert extend(given * 1e21, 9, 55.59e-3, 0.15e3) == pytest.approx(expected, rel=1e-12)


def test_tetrahedron_free_energy_in_other_units() -> None:
    make = MODULES["layers"].tetrahedron_free_energy
    for step, other in ((None, None), (2e-11, 2e-11 * 1e21 / 1e9)):
        expected = make(5, 55.42e-30, 0.15, step) * 1e21
        assert make(5, 55.42e-3, 0.15e3, other) == pytest.approx(expected, rel=1e-12)
