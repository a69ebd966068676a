"""What is wrong with a lattice is told in one sentence that names the key and the file as the recipe does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lattices import recipe_text

import kmcgrowth as kg
from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import parse_recipe

AT = 'diameter = "1.5 nm"\nat = ["{} nm", "3 nm", "3 nm"]'
TWO = AT.format(2) + "\n[[lattice.particle]]\n" + AT.format(3)
SOLUTE = "supersaturation = 3.0"
ATTACH = 'attach_rate = "1e6 nm^3/s"'

WRONG = {
    "a place outside": ('diameter = "2.5 nm"', AT.format(22), "lattice.particle.0.at: lies outside the box"),
    "places that overlap": ('diameter = "2.5 nm"', TWO, "lattice.particle.1.at: the crystal there touches"),
    "a rate of zero": (ATTACH, 'attach_rate = "0 nm^3/s"', 'lattice.attach_rate: "0 nm^3/s" is not above zero'),
    "a box of no size": ('box = "6 nm"', 'box = "0 nm"', 'lattice.box: "0 nm" is out of range'),
    "a hop downhill": (
        ATTACH, ATTACH + '\nhop = { prefactor = "1e6 / s", barrier = "-0.1 eV" }', "lattice.hop.barrier: is negative",
    ),
    "repulsion": (
        ATTACH, ATTACH + '\nsecond_bond_energy = "-0.1 eV"\nbond_energy = "0.27 eV"',
        "lattice.second_bond_energy: second neighbours repel each other more than the nearest attract, so that nothing "
        "crystallizes; with 4 and 12 of them it must be above -0.09 eV",
    ),
    "no bonds": (ATTACH, ATTACH + '\nbond_energy = "0 eV"', "lattice.bond_energy: is zero"),
    "a ratio of nothing": (SOLUTE, SOLUTE + '\ncrystal = "fcc"\nratio = 3.0', "lattice.ratio: needs cations"),
    "ligands on nothing": (
        SOLUTE, SOLUTE + '\ncrystal = "sc"\nligand_energy = "0.1 eV"', "lattice.ligand_energy: needs cations",
    ),
    "two atoms apart": ('diameter = "2.5 nm"', "formula_units = 1\n", ""),
}


@pytest.mark.parametrize("what", WRONG)
def test_keys(what: str) -> None:
    old, new, sentence = WRONG[what]
    text = recipe_text(SOLUTE).replace(old, new, 1)
    assert text != recipe_text(SOLUTE)
    if not sentence:  # that is right
        parse_recipe(text)
        return
    with pytest.raises(BadInput) as caught:
        kg.simulate(parse_recipe(text), snapshots=2)
    said = str(caught.value)
    assert said.startswith(sentence) and "\n" not in said and said.endswith(".") and "mL" not in said


ATOMS = "In 0.0 0.0 0.0\nAs 1.514575 1.514575 1.514575\nIn 3.02915 3.02915 0.0\n"
FILES = {
    "f.cif": ("x", "no .cif file that makes sense"),
    "f.weird": ("x", "its format is not known"),
    "empty.xyz": ("", "it is empty"),
    "garbage.xyz": ("hello\nworld\n", 'its first line is "hello"'),
    "short.xyz": ("5\n\n" + ATOMS, "5 atoms, but there are rows for 3"),
    "text.extxyz": ("3\n\n" + ATOMS.replace("3.02915 0.0", "a b"), 'atom 3 has "a" for a coordinate'),
    "nan.xyz": ("3\n\n" + ATOMS.replace("3.02915 0.0", "nan 0.0"), "positions that are no numbers"),
    "other.xyz": ("3\n\n" + ATOMS.replace("As", "P"), 'such as "P" (atom 2)'),
    "far.xyz": ("3\n\n" + ATOMS.replace("1.514575\n", "-1.514575\n"), "does not fit the crystal zincblende"),
    "twice.xyz": ("4\n\n" + ATOMS + "In 0.1 0.0 0.0\n", "lie on the same site"),
    "wide.xyz": ("4\n\n" + ATOMS + "In 90.0 0.0 0.0\n", "take a larger box"),
    "one.xyz": ("1\n\nIn 0 0 0\n", "at least two atoms that are neighbours"),
    "binary.xyz": (None, "is no text; give a .extxyz"),
}


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ase")
    contents, sentence = FILES[name]
    (tmp_path / name).write_bytes(bytes(range(256)) if contents is None else contents.encode())
    text = recipe_text(SOLUTE).replace('diameter = "2.5 nm"', f'file = "{name}"', 1)
    with pytest.raises(BadInput) as caught:
        kg.simulate(parse_recipe(text, directory=tmp_path), snapshots=2)
    said = str(caught.value)
    assert said.startswith("lattice.particle.0.file: ") and sentence in said and said.endswith(".")
    assert "/" not in said and "ase" not in said and "\n" not in said and (name in said or name == "one.xyz")


def test_a_right_file_goes_through(tmp_path: Path) -> None:
    (tmp_path / "right.xyz").write_text("3\n\n" + ATOMS)
    text = recipe_text("supersaturation = 1.0", duration="1 ns").replace('diameter = "2.5 nm"', 'file = "right.xyz"', 1)
    result = kg.simulate(parse_recipe(text, directory=tmp_path), snapshots=2)
    assert int(np.sum(result["matter"].isel(time=0))) == 3


def test_a_run_takes_the_name_of_a_recipe_and_says_what_else_it_needs() -> None:
    assert kg.simulate("lattice_inas_msc", snapshots=2)["number"].sel(population="all").values.tolist() == [1, 1]
    with pytest.raises(BadInput, match=r"recipe: give one from kg\.load_recipe.*, not dict"):
        kg.simulate({"material": "InAs"})  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no_such"):
        kg.simulate("no_such")
