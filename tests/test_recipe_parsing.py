"""What a recipe becomes: expected values worked out by hand from the units."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import (
    Recipe,
    load_recipe,
    parse_recipe,
    reaches_growth,
    shipped_recipes,
    temperature_law_warnings,
    temperature_range,
)
from kmcgrowth.recipe.equations import parse_equation

EV = 1.602176634e-19
K_B = 1.380649e-23
INAS = """
title = "InAs seeds fed with amorphous clusters"
source = "10.1021/jacsau.3c00809, Fig. 4A"
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
contents = {}
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
shape = "normal"
concentration = "0.1 mM"
[[injection]]
start = "0 min"
rate = "6 mL/hour"
volume = "9 mL"
contents = { AMC = "3.2 mM" }
[species.AMC]
formula_units = 22
[species.MSC]
formula_units = 22
[[reaction]]
equation = "AMC -> MSC"
rate = "8.3e-3 / min"
at = "70 degC"
activation_energy = "1.11 eV"
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "1 / s"
at = "150 degC"
activation_energy = "2.0 eV"
[[reaction]]
equation = "MSC -> 22 monomer"
rate = "0.05 / s"
at = "300 degC"
activation_energy = "1.2 eV"
[growth]
diffusion = { value = "1e3 nm^2/s", at = "300 degC", activation_energy = "0.19 eV" }
surface_rate = "inf"
solubility = { value = "1 uM", at = "300 degC", activation_energy = "0.8 eV" }
surface_energy = "0.15 J/m^2"
[nucleation]
law = "classical"
prefactor = "1e31 / m^3 / s"
[simulation]
method = "exact"
particles = 100_000
duration = "2 hours"
snapshots = 121
seed = 1
"""
SMALL = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "100 degC"
[simulation]
duration = "1 hour"
"""


def parse(extra: str = "", text: str = SMALL, **options: object) -> Recipe:
    return parse_recipe(text + extra, **options)  # type: ignore[arg-type]


def test_everything_in_si() -> None:
    r = parse_recipe(INAS)
    assert r.flask.volume == pytest.approx(7.5e-6)
    assert r.flask.temperature.constant and r.flask.temperature(123.0) == 573.15
    (seeds,), (syringe,) = r.seeds, r.injection
    assert (seeds.diameter, seeds.relative_std, seeds.shape) == (2.5e-9, 0.12, "normal")
    assert seeds.concentration == pytest.approx(0.1)
    assert syringe.rate is not None and not syringe.shot
    assert syringe.rate(0.0) == pytest.approx(6e-6 / 3600, rel=1e-6, abs=0.0)
    assert syringe.volume == pytest.approx(9e-6)
    assert syringe.contents == {"AMC": pytest.approx(3.2)}
    assert r.names == ("monomer", "AMC", "MSC")
    assert [r.units_of(n) for n in r.names] == [1, 22, 22]
    first, second, _ = r.reaction
    assert (first.reactants, first.products, first.reversible, first.order) == ({"AMC": 1}, {"MSC": 1}, False, 1.0)
    assert second.products == {"monomer": 22}
    assert first.rate.value == pytest.approx(8.3e-3 / 60)
    assert first.rate.at == pytest.approx(343.15)
    assert first.rate.activation_energy == pytest.approx(1.11 * EV, rel=1e-6, abs=0.0)
    assert r.growth.diffusion.value == pytest.approx(1e-15, rel=1e-6, abs=0.0)
    assert r.growth.surface_rate.value == math.inf
    assert r.growth.solubility.value == pytest.approx(1e-3)
    assert r.nucleation.law == "classical"
    assert r.nucleation.prefactor is not None and r.nucleation.prefactor(573.15) == pytest.approx(1e31)
    s = r.simulation
    assert (s.method, s.particles, s.duration, s.snapshots, s.seed, s.window) == (
        "exact",
        100_000,
        7200.0,
        121,
        1,
        0.005,
    )
    assert s.formula_units == 10_000_000
    assert reaches_growth(r)
    assert temperature_law_warnings(r) == []
    assert pickle.loads(pickle.dumps(r)) == r == parse_recipe(r.text)


def test_rates_extrapolate_as_the_design_says() -> None:
    """1.11 eV takes AMC -> MSC to about 0.17 /s at 150 degC and to hundreds per second at 300 degC."""
    rate = parse_recipe(INAS).reaction[0].rate
    assert rate(423.15) == pytest.approx(0.17, rel=0.05)
    assert 100 < rate(573.15) < 1000
    by_hand = 8.3e-3 / 60 * math.exp(-1.11 * EV / K_B * (1 / 423.15 - 1 / 343.15))
    assert rate(423.15) == pytest.approx(by_hand, rel=1e-12, abs=0.0)


def test_material_fills_growth_and_nucleation() -> None:
    r = parse('[nucleation]\nlaw = "classical"\n[growth]\ntransfer_coefficient = 0.3\n')
    assert r.growth.diffusion.has_temperature and r.growth.solubility.has_temperature
    assert r.growth.transfer_coefficient == 0.3
    assert r.nucleation.prefactor is not None
    assert r.unit_atoms == {"In": 1, "As": 1}
    assert parse().nucleation.law == "none"


def test_temperature_program() -> None:
    r = parse(text=SMALL.replace('"100 degC"', '[["0 min", "25 degC"], ["275 min", "300 degC"]]'))
    program = r.flask.temperature
    assert not program.constant
    assert program(275 * 30) == pytest.approx(273.15 + 162.5)
    assert program(1e9) == pytest.approx(573.15)
    assert temperature_range(r) == pytest.approx((298.15, 573.15))
    with pytest.raises(ValueError, match="read-only"):
        program.values[0] = 0.0


def test_csv_from_folder_and_from_memory(tmp_path: Path) -> None:
    log = "# reactor 3\ntime [min], temperature (degC), stirrer\n0, 25, 1\n\n275, 300, 1\n"
    (tmp_path / "log.csv").write_text(log, encoding="utf-8")
    text = SMALL.replace('"100 degC"', '"log.csv"')
    (tmp_path / "heat.toml").write_text(text, encoding="utf-8")
    r = load_recipe(tmp_path / "heat.toml")
    assert r.flask.temperature.times.tolist() == [0.0, 16500.0]
    assert r.flask.temperature.values == pytest.approx([298.15, 573.15])
    assert r.files == {"log.csv": log}
    assert parse_recipe(r.text, files=r.files) == r
    with pytest.raises(BadInput, match="no folder"):
        parse_recipe(text)


def test_csv_columns_of_every_kind() -> None:
    files = {
        "rate.csv": "time_min,rate_mL_per_min\n0,0.1\n10,0.2\n20,0\n",
        "sizes.csv": "diameter_nm\n2.5\n2.6\n",
        "energy.csv": "formula_units,free_energy_eV\n2,0.1\n3,0.15\n",
        "table.csv": "formula_units,attach_nm3_per_s,detach_per_s\n1,5,0\n2,10,1.5\n",
    }
    r = parse(
        '[[seeds]]\nsizes = "sizes.csv"\nconcentration = "1 uM"\n[[injection]]\nrate = "rate.csv"\nvolume = "3 mL"\n'
        '[growth]\nlaw = "table"\ntable = "table.csv"\nfree_energy = "energy.csv"\n',
        files=files,
    )
    assert r.seeds[0].sizes is not None
    assert r.seeds[0].sizes.values == pytest.approx([2.5e-9, 2.6e-9], rel=1e-6, abs=0.0)
    rate = r.injection[0].rate
    assert rate is not None
    assert rate(np.array([0.0, 599.0, 601.0, 1201.0])) == pytest.approx(
        np.array([0.1, 0.1, 0.2, 0.0]) * 1e-6 / 60, rel=1e-6, abs=0.0)
    assert rate.total() == pytest.approx(3e-6)
    assert rate.total(900.0) == pytest.approx(2e-6)
    table, energy = r.growth.table, r.growth.free_energy
    assert table is not None and energy is not None
    assert table.units.tolist() == [1, 2] and table.attach == pytest.approx([5e-27, 1e-26], rel=1e-6, abs=0.0)
    assert table.detach.tolist() == [0.0, 1.5]
    assert energy.values == pytest.approx([0.1 * EV, 0.15 * EV], rel=1e-6, abs=0.0)
    assert set(r.files) == set(files)


def test_shots_and_schedules() -> None:
    r = parse(
        '[[injection]]\nstart = "5 min"\nvolume = "2 mL"\ntemperature = "25 degC"\n'
        '[[injection]]\nrate = [["1 min", "1 mL/min"], ["2 min", "2 mL/min"]]\nvolume = "2 mL"\n',
        text=SMALL.replace('"1 mL"', '"1 mL"\nrecovery_time = "20 s"'),
    )
    shot, flow = r.injection
    assert shot.shot and shot.start == 300.0 and shot.temperature == pytest.approx(298.15)
    assert flow.rate is not None and flow.start == 60.0
    assert flow.rate(59.0) == 0.0 and flow.rate(61.0) == pytest.approx(1e-6 / 60, rel=1e-6, abs=0.0)
    assert flow.rate.total() == math.inf  # it stops when the syringe is empty
    assert temperature_range(r) == pytest.approx((298.15, 373.15))


def test_surface_rate_with_a_size_law() -> None:
    r = parse(
        '[growth]\nsurface_rate = { value = "1 nm/s", at = "300 degC", activation_energy = "50 kJ/mol", '
        'exponent = 2, reference_diameter = "3 nm" }\n'
    )
    law = r.growth.surface_rate
    assert (law.value, law.exponent, law.reference_diameter) == pytest.approx((1e-9, 2.0, 3e-9))
    assert law.has_temperature


def test_elements_and_leftovers() -> None:
    r = parse(
        "[species.C]\natoms = { In = 39, As = 22 }\n[species.In]\natoms = { In = 1 }\n"
        "[species.D]\nformula_units = 4\n"
        '[[reaction]]\nequation = "C -> 22 monomer + 17 In"\nrate = "1 / s"\n'
    )
    assert r.has_atoms
    assert r.units_of("C") == 22 and r.units_of("In") == 0
    assert r.atoms_of("C") == {"In": 39, "As": 22}
    assert r.atoms_of("monomer") == {"In": 1, "As": 1}
    assert r.atoms_of("D") == {"In": 4, "As": 4}


def test_reversible_reaction_with_equilibrium() -> None:
    r = parse(
        '[species.A]\nformula_units = 2\n[[reaction]]\nequation = "2 monomer <=> A"\nrate = "1e3 / M / s"\n'
        'equilibrium_constant = "1e6 / M"\nequilibrium_at = "100 degC"\nreaction_enthalpy = "-0.5 eV"\n'
    )
    (x,) = r.reaction
    assert x.reversible and x.order == 2.0
    assert x.rate.value == pytest.approx(1.0)
    law = x.equilibrium_constant
    assert law is not None and law.value == pytest.approx(1e3)
    assert law.activation_energy == pytest.approx(-0.5 * EV, rel=1e-6, abs=0.0)


def test_orders_set_the_unit_of_the_rate() -> None:
    r = parse(
        '[species.A]\nformula_units = 3\n[[reaction]]\nequation = "3 monomer -> A"\nrate = "1 / M^0.5 / s"\n'
        "orders = { monomer = 1.5 }\n"
    )
    assert r.reaction[0].orders == {"monomer": 1.5}
    assert r.reaction[0].rate.value == pytest.approx(1000**-0.5)


def test_changes() -> None:
    r = parse_recipe(
        INAS,
        changes={
            "injection.0.rate": "2 mL/hour",
            "simulation.seed": "7",
            "growth.solubility.value": "2 uM",
            "growth.surface_energy.value": "0.2 J/m^2",
            "flask.contents.AMC": "1 mM",
            "simulation.particles": 5000,
            "reaction.1.equation": "AMC -> 22 monomer",
        },
    )
    assert r.injection[0].rate is not None and r.injection[0].rate(0.0) == pytest.approx(2e-6 / 3600, rel=1e-6, abs=0.0)
    assert (r.simulation.seed, r.simulation.particles) == (7, 5000)
    assert r.growth.solubility.value == pytest.approx(2e-3) and r.growth.solubility.at == pytest.approx(573.15)
    assert r.growth.surface_energy.value == 0.2
    assert r.flask.contents == {"AMC": pytest.approx(1.0)}
    assert r.text == INAS and r.changes["simulation.seed"] == "7"
    assert parse_recipe(r.text, changes=r.changes) == r


def test_change_of_a_default_keeps_its_other_parts() -> None:
    law = parse(changes={"growth.diffusion.value": "5 nm^2/s"}).growth.diffusion
    assert law.value == pytest.approx(5e-18, rel=1e-6, abs=0.0) and law.has_temperature
    assert parse(changes={"material": "CdSe"}).unit_atoms == {"Cd": 1, "Se": 1}


@pytest.mark.parametrize(
    ("key", "fragment"),
    [
        ("injection.1.rate", "injection has 1, numbered from 0"),
        ("injection.first.rate", "numbered from 0"),
        ("flask.volum", 'did you mean "volume"?'),
        ("flak.volume", 'did you mean "flask"?'),
        ("title.text", "has no parts"),
        ("", "not a key"),
        ("flask..volume", "not a key"),
    ],
)
def test_changes_that_lead_nowhere(key: str, fragment: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_recipe(INAS, changes={key: "1 mL"})
    assert fragment in str(caught.value) and "\n" not in str(caught.value)


def test_warning_names_parameters_without_a_law() -> None:
    program = SMALL.replace('"100 degC"', '[["0 min", "25 degC"], ["10 min", "300 degC"]]')
    growth = '[growth]\ndiffusion = "1e3 nm^2/s"\n'
    growth += 'solubility = { value = "1 uM", at = "300 degC", activation_energy = "0 eV" }\n'
    (sentence,) = temperature_law_warnings(parse(growth, text=program))
    assert "growth.diffusion" in sentence and "solubility" not in sentence and "surface_rate" not in sentence
    assert temperature_law_warnings(parse(growth)) == []
    assert len(temperature_law_warnings(parse(growth), swept=True)) == 1
    assert temperature_law_warnings(parse(text=program)) == []


def test_growth_reached_in_other_ways() -> None:
    head = '[flask.contents]\nA = "1 mM"\n[species.A]\nformula_units = 4\n[species.B]\nformula_units = 4\n'
    text = SMALL.replace("[simulation]", head + "[simulation]")
    step = '[[reaction]]\nequation = "A -> B"\nrate = "1 / s"\n'
    seeds = '[[seeds]]\ndiameter = "2 nm"\nconcentration = "1 uM"\n'
    assert reaches_growth(parse(step, text=text))  # chemistry alone
    with pytest.raises(BadInput, match='"A" cannot become monomer'):
        reaches_growth(parse(step + seeds, text=text))
    assert reaches_growth(parse(step + seeds + '[[sticking]]\nspecies = "B"\ndiffusion = "1 nm^2/s"\n', text=text))
    assert reaches_growth(parse(step + '[nucleation]\nlaw = "cluster"\nspecies = "B"\nrate = "1 / s"\n', text=text))
    back = '[[reaction]]\nequation = "2 monomer <=> D"\nrate = "1 / M / s"\nequilibrium_constant = "1 / M"\n'
    dimer = text.replace("species.A]\nformula_units = 4", "species.D]\nformula_units = 2")
    dimer = dimer.replace('A = "1 mM"', 'D = "1 mM"')
    assert reaches_growth(parse(back + seeds, text=dimer))
    assert reaches_growth(parse(seeds))  # ripening


def test_shipped_recipes_load() -> None:
    for name in shipped_recipes():
        assert reaches_growth(load_recipe(name))
        assert load_recipe(name).title


def test_every_key_is_in_the_reference() -> None:
    """docs/recipe.md lists each key under its table's heading."""
    from kmcgrowth.recipe import schema
    from kmcgrowth.recipe.lattice import Particle

    text = (Path(__file__).parents[1] / "docs" / "recipe.md").read_text(encoding="utf-8")
    sections = {part.splitlines()[0]: part for part in text.split("\n## ")[1:]}
    tables = {
        "`[flask]`": schema.Flask,
        "`[[seeds]]`": schema.Seeds,
        "`[[injection]]`": schema.Injection,
        "`[[withdrawal]]`": schema.Withdrawal,
        "`[species.NAME]`": schema.Species,
        "`[[reaction]]`": schema.Reaction,
        "`[[family]]`": schema.Family,
        "`[ligand]`": schema.LigandTable,
        "`[[loss]]`": schema.Loss,
        "`[[sticking]]`": schema.Sticking,
        "`[growth]`": schema.Growth,
        "`[nucleation]`": schema.Nucleation,
        "`[coalescence]`": schema.Coalescence,
        "`[lattice]`": schema.Lattice,
        "`[simulation]`": schema.Simulation,
    }
    for key in Particle.keys:
        assert f"`{key}`" in sections["`[lattice]`"], key
    for heading, model in tables.items():
        for key in model.keys:
            assert f"`{key}`" in sections[heading], f"{heading}: {key}"
    for key in ("title", "source", "material"):
        assert f"`{key}`" in sections["Top level"]
    assert {h.strip("`[]").split(".")[0] for h in tables} | {"title", "source", "material"} == set(schema.Recipe.keys)


@pytest.mark.parametrize(("arrow", "reversible"), [("→", False), ("⇌", True), ("<=>", True), ("->", False)])
def test_arrows_of_chemists(arrow: str, reversible: bool) -> None:
    found = parse_equation(f"2 A{arrow}3 B")
    assert (found.reactants, found.products, found.reversible) == ({"A": 2}, {"B": 3}, reversible)
