"""Families of clusters made by a rule, ligands, and layers: against counting and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.materials.ligands import load_ligand
from kmcgrowth.model.build import build_model
from kmcgrowth.physics.constants import K_B
from kmcgrowth.physics.layers import tetrahedron_free_energy
from kmcgrowth.recipe import parse_recipe

TETRAHEDRA = """
material = "CdSe"
[flask]
volume = "5 mL"
temperature = "25 degC"
contents = { Cd35Se20 = "0.1 mM", "Cd(OBz)2" = "20 mM", monomer = "20 mM" }
[species."Cd(OBz)2"]
atoms = { Cd = 1, OBz = 2 }
[[family]]
rule = "tetrahedra"
source = "Cd(OBz)2"
rate = "1e3 / M^2 / s"
first = 4
last = 7
[simulation]
duration = "20 min"
formula_units = 200000
seed = 1
"""

EXCHANGE = """
material = "InP"
[flask]
volume = "5 mL"
temperature = "25 degC"
contents = { In37P20 = "0.1 mM", "Cd(OPA)2" = "4 mM" }
[species.In37P20]
atoms = { In = 37, P = 20, OPA = 51 }
[species."Cd(OPA)2"]
atoms = { Cd = 1, OPA = 2 }
[species."In(OPA)3"]
atoms = { In = 1, OPA = 3 }
[[family]]
rule = "exchange"
cluster = "In37P20"
source = "Cd(OPA)2"
leaves = "In(OPA)3"
surface = 16
rate = "1 / M / s"
[simulation]
duration = "5 min"
formula_units = 400000
seed = 1
"""

RELEASE = """
material = "InP"
[flask]
volume = "5 mL"
temperature = "240 degC"
contents = { In37P20 = "0.1 mM", "P(TMS)3" = "1 mM" }
[species.In37P20]
formula_units = 20
[species."P(TMS)3"]
formula_units = 0
[species.B]
formula_units = 20
[[reaction]]
equation = "In37P20 -> 20 monomer"
rate = "0.1 / s"
at = "240 degC"
activation_energy = "2 eV"
[[reaction]]
equation = "In37P20 + P(TMS)3 -> B + P(TMS)3"
rate = "2 / M / s"
[simulation]
duration = "1 min"
"""


def made_of(name: str, recipe: kg.Recipe) -> dict[str, int]:
    """Atoms of one member."""
    return recipe.atoms_of(name)


def test_tetrahedra_of_the_papers() -> None:
    recipe = parse_recipe(TETRAHEDRA)
    # Cd35Se20(X)30, Cd56Se35(X)42, Cd84Se56(X)56 of 10.1039/d5nr00002e; the next one as Te(8), Te(7)
    for cd, se, x in ((35, 20, 30), (56, 35, 42), (84, 56, 56), (120, 84, 72)):
        assert made_of(f"Cd{cd}Se{se}", recipe) == {"Cd": cd, "Se": se, "OBz": x}
    assert [r.equation for r in recipe.reaction] == [
        "Cd35Se20 + 15 monomer + 6 Cd(OBz)2 -> Cd56Se35", "Cd56Se35 + 21 monomer + 7 Cd(OBz)2 -> Cd84Se56",
        "Cd84Se56 + 28 monomer + 8 Cd(OBz)2 -> Cd120Se84",
    ]


def test_the_ladder_conserves_every_element() -> None:
    result = kg.simulate(parse_recipe(TETRAHEDRA), method="exact", snapshots=5)
    matter = result["matter"].sum("place").values
    assert (matter == matter[0]).all() and set(result["element"].values) == {"Cd", "Se", "OBz"}
    grown = result["concentration"].sel(species="Cd120Se84").values
    assert grown[0] == 0.0 and grown[-1] > 0.0


def test_exchange_of_independent_sites_is_binomial() -> None:
    recipe = parse_recipe(EXCHANGE)
    assert made_of("In21Cd16P20", recipe) == {"In": 21, "Cd": 16, "P": 20, "OPA": 35}
    assert "In20Cd17P20" not in recipe.names  # no rate for the core is given
    result = kg.simulate(recipe, method="exact", snapshots=5)
    last = result["concentration"].isel(time=-1)
    members = [n for n in recipe.names if n.startswith("In") and "P20" in n]
    share = np.array([float(last.sel(species=n)) for n in members])
    exchanged = np.arange(len(members))
    share /= share.sum()
    mean = float(share @ exchanged)
    # 16 sites that exchange independently of each other, cadmium being used up alike for all
    p = mean / 16.0
    clusters = 400_000 / 20
    variance = float(share @ (exchanged - mean) ** 2)
    binomial = 16.0 * p * (1.0 - p)
    assert 0.2 < p < 0.8
    # the error of a variance of so many is sqrt(2/N) of it; six of them, p = 2e-9
    assert abs(variance / binomial - 1.0) < 6.0 * np.sqrt(2.0 / clusters) + 1e-3
    # d p/dt = k c (1 - p), c = c0 - 16 c_cluster p
    c0, many, rate, time = 4e-3, 16 * 1e-4, 1.0, 300.0
    q = np.exp(-(c0 - many) * rate * time)
    expected = c0 * (1.0 - q) / (c0 - many * q)
    assert p == pytest.approx(expected, abs=6.0 * np.sqrt(p * (1 - p) / (16 * clusters)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("first = 4", "first = 9", "family.0.last: is not above first"),
        ('source = "Cd(OBz)2"', 'source = "Cd(OBz)"', 'there is no species "Cd(OBz)"; did you mean "Cd(OBz)2"'),
        ("OBz = 2 }", "OBz = 1 }", "is not Cd with 2 ligands"),
        ('material = "CdSe"', 'material = "Cd3P2"', "tetrahedra are for materials of two elements"),
        ('rate = "1e3 / M^2 / s"', 'rate = "1e3 / s"', "a rate constant of order 3"),
        ('rule = "tetrahedra"', 'rule = "cubes"', '"cubes" is not known'),
        ("last = 7", "last = 7\nsurface = 3", 'is not read by the rule "tetrahedra"'),
    ],
)
def test_wrong_families(old: str, new: str, said: str) -> None:
    assert old in TETRAHEDRA
    with pytest.raises(kg.BadInput) as error:
        parse_recipe(TETRAHEDRA.replace(old, new))
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("surface = 16", "surface = 38", "family.0.surface: 38 is more than the 37 In"),
        ('leaves = "In(OPA)3"', 'leaves = "Cd(OPA)2"', "must each hold one cation"),
        ("surface = 16\n", "", "family.0.surface: is missing"),
    ],
)
def test_wrong_exchanges(old: str, new: str, said: str) -> None:
    assert old in EXCHANGE
    with pytest.raises(kg.BadInput) as error:
        parse_recipe(EXCHANGE.replace(old, new))
    assert said in str(error.value)


def with_ligand(**keys: object) -> kg.Recipe:
    """The release of a cluster under a ligand."""
    lines = "\n".join(f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in keys.items())
    return parse_recipe(f"{RELEASE}\n[ligand]\n{lines}\n")


def test_a_ligand_scales_what_it_should() -> None:
    plain, bulky = parse_recipe(RELEASE), with_ligand(name="4-tert-butylphenylacetate", reference="phenylacetate")
    factor = (135.14 / 191.25) ** (1 / 3)  # molar masses of the two anions
    at = 240.0 + 273.15
    assert float(bulky.growth.diffusion(at)) == pytest.approx(
        factor * float(plain.growth.diffusion(at)), rel=1e-4, abs=0.0)
    assert float(bulky.reaction[0].rate(at)) == float(plain.reaction[0].rate(at))
    assert float(bulky.reaction[1].rate(at)) == pytest.approx(factor * float(plain.reaction[1].rate(at)), rel=1e-4)
    meta = with_ligand(name="3,5-dimethylphenylacetate", reference="phenylacetate", diffusion=1.0)
    assert float(meta.reaction[1].rate(at)) == pytest.approx(2.25 * float(plain.reaction[1].rate(at)))


def test_a_stable_cluster_holds_by_boltzmann() -> None:
    plain = parse_recipe(RELEASE)
    held = with_ligand(name="octadecylphosphonate", stability="0.3 eV", diffusion=1.0)
    for at in (500.0, 513.15, 650.0):
        ratio = float(held.reaction[0].rate(at)) / float(plain.reaction[0].rate(at))
        assert ratio == pytest.approx(np.exp(-0.3 * 1.602176634e-19 / (K_B * at)), rel=1e-9, abs=0.0)
    assert load_ligand("octadecylphosphonate").stability > load_ligand("oleate").stability == 0.0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"name": "oleat"}, 'did you mean "oleate"'),
        ({"name": "oleate", "stability": "3"}, "ligand.stability"),
        ({"name": "oleate", "diffusion": 0}, "ligand.diffusion: 0 is out of range"),
        ({"reference": "oleate"}, "ligand.name: is missing"),
    ],
)
def test_wrong_ligands(keys: dict[str, object], said: str) -> None:
    with pytest.raises(kg.BadInput) as error:
        with_ligand(**keys)
    assert said in str(error.value)


def test_whole_tetrahedra_have_the_energy_of_their_surface() -> None:
    v, gamma = 55.42e-30, 0.1
    energy = tetrahedron_free_energy(6, v, gamma, 1e-11)
    assert len(energy) == 57
    for n in (1, 4, 10, 20, 35, 56):
        edge = (6.0 * 2.0**0.5 * n * v) ** (1 / 3)  # V = edge^3/(6 sqrt 2)
        assert energy[n] == pytest.approx(gamma * 3.0**0.5 * edge**2, rel=1e-12, abs=0.0)
    row = (4.0 * v) ** (1 / 3) / 2.0**0.5
    # a triangle of 3 of the 15 units of a layer on 20: three sides of sqrt(6) rows
    line = energy[20] + (energy[35] - energy[20]) * 3 / 15
    assert energy[23] - line == pytest.approx(1e-11 * 3 * np.sqrt(6) * row, rel=1e-12, abs=0.0)
    assert energy[32] - (energy[20] + (energy[35] - energy[20]) * 12 / 15) == pytest.approx(
        energy[23] - line, rel=1e-6, abs=0.0)


def test_layers_make_detachment_from_magic_sizes_slow() -> None:
    rule = 'free_energy = { rule = "tetrahedra", layers = 8 }'
    text = TETRAHEDRA.replace("[simulation]", f"[growth]\n{rule}\n[simulation]")
    model = build_model(parse_recipe(text))
    attach, detach = model.tables(300.0, 90)
    known = tetrahedron_free_energy(8, model.unit_volume, 0.15)
    solubility = model.solubility(300.0)
    for n in (20, 21, 35, 84):
        expected = attach[n - 1] * solubility * np.exp((known[n] - known[n - 1]) / (K_B * 300.0))
        assert detach[n] == pytest.approx(expected, rel=1e-9, abs=0.0)
    assert detach[35] < 1e-3 * detach[36] and detach[20] < 1e-3 * detach[21]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('{ rule = "cubes" }', 'growth.free_energy.rule: "cubes" is not known'),
        ('{ rule = "tetrahedra", layers = 1 }', "growth.free_energy.layers: 1 is out of range"),
        ('{ rule = "tetrahedra", step_energy = "3 eV" }', "growth.free_energy.step_energy"),
        ('{ rule = "tetrahedra", steps = 3 }', "steps"),
    ],
)
def test_wrong_rules_of_energy(rule: str, said: str) -> None:
    text = TETRAHEDRA.replace("[simulation]", f"[growth]\nfree_energy = {rule}\n[simulation]")
    with pytest.raises(kg.BadInput) as error:
        parse_recipe(text)
    assert said in str(error.value)


def test_free_acid_raises_the_solubility_by_what_it_binds() -> None:
    """Crystals and solution in balance: dissolved is c_inf (1 + K [acid]) where particles are large."""
    recipe = parse_recipe("""
material = "CdSe"
[flask]
volume = "5 mL"
temperature = "200 degC"
contents = { HOA = "1 M" }
[[seeds]]
diameter = "60 nm"
concentration = "1 nM"
[species.HOA]
formula_units = 0
[species.complex]
formula_units = 1
[[reaction]]
equation = "monomer + HOA <=> complex"
rate = "1e2 / M / s"
equilibrium_constant = "3 M^-1"
[growth]
diffusion = "1e6 nm^2/s"
solubility = "1 uM"
surface_energy = "0 J/m^2"
surface_rate = "inf"
[simulation]
duration = "10 hours"
method = "balance"
particles = 1000
snapshots = 5
""")
    held = kg.simulate(recipe)["concentration"].isel(time=-1)
    assert float(held.sel(species="monomer")) == pytest.approx(1e-6, rel=1e-3)
    assert float(held.sel(species="complex")) == pytest.approx(1e-6 * 3.0 * 1.0, rel=1e-3)
