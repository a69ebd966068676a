"""Recipes with a lattice from the text to the dataset: the same bytes however they are run, and what must not be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from lattices import recipe_text

import kmcgrowth as kg
from kmcgrowth.cli import main
from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.frames import read_box, read_frames
from kmcgrowth.lattice.run import LatticeRun
from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import parse_recipe

POOL = 'solution = "pool"\nhop = { prefactor = "1e6 / s", barrier = "0.45 eV" }\nbond_energy = "0.2 eV"'
FED = """
[growth]
solubility = "5 mM"
[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "1 / s"
[[injection]]
rate = [["0 s", "0.1 mL/s"]]
volume = "0.15 mL"
contents = { AMC = "10 mM", monomer = "50 mM" }
[[seeds]]
diameter = "1.8 nm"
relative_std = 0.1
concentration = "1 mM"
"""


def fed() -> str:
    """Three seeds and a crystal of 2.5 nm in a pool that is fed with clusters."""
    text = recipe_text(POOL, flask='contents = { monomer = "200 mM" }', tables=FED, duration="1 s")
    text = text.replace('box = "6 nm"', 'box = "9 nm"').replace("[simulation]", "[simulation]\nparticles = 3")
    return text.replace('diameter = "2.5 nm"', 'diameter = "2.5 nm"\nat = ["4.5 nm", "4.5 nm", "4.5 nm"]')


@cache
def run(text: str, **how: Any) -> xr.Dataset:
    return kg.simulate(parse_recipe(text), **how)


def test_atoms_stay_and_sizes_are_those_of_the_crystals() -> None:
    result = run(fed())
    matter = result["matter"].sum("place").values
    assert np.all(matter == matter[0]) and matter[0].min() > 1000
    number = result["number"].sel(population="seed").values
    assert number[0] == 4 and result["attached"].values[-1] > 1000 and result["hopped"].values[-1] > 0
    frames = read_frames(result)
    assert [f.time for f in frames] == result["time"].values.tolist()
    in_crystals = result["matter"].sel(place="particles", element=["In", "As"]).values
    assert [np.bincount(f.element).tolist() for f in frames] == in_crystals.tolist()
    box, symbols = read_box(result)
    assert symbols == ("In", "As") and box.cells == (15, 15, 15) and box.crystal.name == "zincblende"
    assert result["crystal_energy"].values[0] < 0.0


def test_snapshots_and_interruptions_change_no_bytes(tmp_path: Path) -> None:
    recipe = parse_recipe(fed())
    whole, fine = run(fed()), kg.simulate(recipe, snapshots=np.linspace(0.0, 1.0, 9))
    for name in ("attached", "number", "dissolved_atoms", "supersaturation", "crystal_energy"):
        assert np.array_equal(whole[name].values, fine[name].values[::2], equal_nan=True), name
    checkpoint = tmp_path / "run.ckpt"
    asked = []

    def stop() -> bool:
        asked.append(0)
        return len(asked) % 3 == 0

    for _ in range(40):
        try:
            result = kg.simulate(recipe, checkpoint=checkpoint, resume=checkpoint.exists(), stop=stop)
        except kg.Interrupted:
            continue
        if result.attrs["complete"]:
            break
    assert len(asked) > 5 and kg.identical(result, whole)


def test_replicates_are_the_same_alone_or_together() -> None:
    recipe = parse_recipe(recipe_text(snapshots=3, duration="0.5 s"))
    both = kg.simulate(recipe, replicates=2)
    assert both["attached"].values[0, -1] != both["attached"].values[1, -1]
    alone = kg.simulate(recipe, replicate=1)
    for name in ("attached", "detached", "mean_diameter"):
        assert np.array_equal(both[name].isel(replicate=1).values, alone[name].values, equal_nan=True), name
    assert read_frames(both)[-1].number == int(both["matter"].isel(replicate=0, time=-1).sel(place="particles").sum())


def test_attachment_follows_a_supersaturation_program() -> None:
    """A bare slab whose atoms hardly leave: the mean number that attach in a short time is an integral over S(t)."""
    program = 'supersaturation = [["0 s", 0.0], ["1 s", 4.0], ["2 s", 1.0], ["3 s", 1.0]]\nbond_energy = "4 eV"'
    tables = '[growth]\nsolubility = "5 mM"'
    text = recipe_text(program, tables=tables, duration="3 s", snapshots=4).replace('"1e6 nm^3/s"', '"2 nm^3/s"')
    text = text.replace("[[lattice.particle]]", '[[lattice.particle]]\nshape = "slab"')
    model = build_model(parse_recipe(text))
    first = LatticeRun(model, np.random.default_rng(0))
    kernel: Any = first._kernel
    assert model.lattice is not None
    places = kernel.numbers()[:2]
    c = model.solubility(573.15) * model.lattice.attach_rate(573.15)
    count = np.zeros(3)
    runs = 200
    for k in range(runs):
        run_ = LatticeRun(model, np.random.default_rng(k))
        seen = []
        for t in (1.0, 2.0, 3.0):
            run_.advance(t)
            seen.append(run_._kernel.attached)
        count += np.diff([0, *seen])
    expected = c * places.sum() * np.array([2.0, 2.5, 1.0]) * runs
    assert expected.min() > 300.0
    # Poisson: a right thinning is within 6.1 standard errors but once in 10^9; what has attached adds a few places
    assert np.all(np.abs(count - expected) < 6.1 * np.sqrt(expected) + 0.02 * expected)


@pytest.mark.parametrize("hotter", [300, 330])
def test_pairs_form_with_the_product_of_concentrations(hotter: int) -> None:
    """Both rise in proportion to time, also while it gets warmer: an integral over S^2, and not half as many again."""
    tables = '[nucleation]\nlaw = "explicit"\n[growth]\nsolubility = "20 mM"'
    program = 'supersaturation = [["0 s", 0.0], ["10 s", 0.06]]\nbond_energy = "0.02 eV"'  # pairs fall apart at once
    text = recipe_text(program, tables=tables, duration="10 s").replace('[[lattice.particle]]\ndiameter = "2.5 nm"', "")
    text = text.replace("1e6 nm^3/s", "200 nm^3/s")
    text = text.replace('"300 degC"', f'[["0 s", "300 degC"], ["10 s", "{hotter} degC"]]')
    model = build_model(parse_recipe(text))
    assert model.lattice is not None
    formed, runs = 0, 8
    for k in range(runs):
        run_ = LatticeRun(model, np.random.default_rng(k))
        run_.advance(10.0)
        formed += run_._kernel.pairs_formed
    e, c = run_.energetics, model.solubility(573.15)
    t = np.linspace(0.0, 10.0, 2001)
    rate = [e.pair_rate(model.lattice.attach_rate(T), c, T) for T in map(model.temperature, t)]
    bonds = 2 * run_.box.sites
    expected = runs * bonds * np.trapezoid(rate * (0.006 * t * c) ** 2, t)
    assert expected > 1000.0
    # Poisson: 6.1 standard errors are p = 1e-9; atoms that are there take up to 4 % of the places
    assert abs(formed - expected) < 6.1 * np.sqrt(expected) + 0.04 * expected


def test_pairs_are_born_and_their_origin_is_told() -> None:
    tables = '[nucleation]\nlaw = "explicit"\n[growth]\nsolubility = "5 mM"'
    text = recipe_text('supersaturation = 60.0\nbond_energy = "0.25 eV"', tables=tables, duration="0.02 s")
    result = run(text)
    assert result["born"].values[-1] > 0
    assert result["number"].sel(population="nucleated").values[0] == 0
    last = read_frames(result)[-1]
    assert last.seed.any() and not last.seed.all()
    without = run(text.replace('"explicit"', '"none"'))
    assert without["number"].sel(population="nucleated").values[-1] == 0


def test_dissolved_are_crystals_and_not_their_fragments() -> None:
    """A crystal whose corners fall off is there still; in a thin solution it is gone in the end."""
    text = recipe_text(POOL + '\n', flask='contents = { monomer = "100 mM" }', tables='[growth]\nsolubility = "5 mM"')
    run_ = LatticeRun(build_model(parse_recipe(text)), np.random.default_rng(3))
    run_.advance(2.0)
    kernel: Any = run_._kernel
    counts = run_.counts()
    assert kernel.seed_pairs_broken > 1 and counts.seed.sum() == 1 and counts.tallies["dissolved_seed"] == 0
    thin = recipe_text('supersaturation = 0.0\nbond_energy = "0.2 eV"', duration="100 s", snapshots=9)
    result = run(thin)
    gone, there = result["dissolved"].sel(origin="seed").values, result["number"].sel(population="seed").values
    assert there[0] == 1 and gone[0] == 0 and there[-1] == 0 and gone[-1] == 1
    assert np.array_equal(result["dissolved"].sel(origin="nucleated").values, np.zeros(9))


def test_a_structure_file_is_a_crystal(tmp_path: Path) -> None:
    ase = pytest.importorskip("ase")
    from ase.io import write

    a = 6.0583
    from itertools import product

    places, symbols = [], []
    for cell in product(range(3), repeat=3):
        for kind, basis in (("In", 0.0), ("As", 0.25)):
            for shift in ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)):
                places.append((np.array(cell) + np.array(shift) + basis) * a)
                symbols.append(kind)
    write(tmp_path / "cube.xyz", ase.Atoms(symbols, positions=places), format="extxyz")
    text = recipe_text(duration="0.1 s", snapshots=2).replace('diameter = "2.5 nm"', 'file = "cube.xyz"')
    model = build_model(parse_recipe(text, directory=tmp_path))
    counts = LatticeRun(model, np.random.default_rng(1)).counts()
    # corners of the cube that hold on to nothing are left out
    assert 200 < 2 * counts.sizes.sum() <= len(places) and counts.seed.sum() == 1


WRONG = {
    "no box": ('box = "6 nm"\n', "", "lattice.box: is missing"),
    "an unknown crystal": ("attach_rate", 'crystal = "zinkblende"\nattach_rate', "lattice.crystal: "),
    "two to three on zincblende": ('"InAs"', '"Cd3P2"', "lattice.crystal: is missing; Cd3P2"),
    "Cd3P2 as zincblende": (
        '"InAs"', '"Cd3P2"',
        'lattice.crystal: "zincblende" has one atom of each of two elements',
    ),
    "walkers on wurtzite": (
        "supersaturation = 3.0", 'crystal = "wurtzite"\nsolution = "walkers"',
        'lattice.solution: "walkers" need a cubic crystal',
    ),
    "an aliquot": (
        "[simulation]", '[[withdrawal]]\ntime = "1 s"\nvolume = "0.1 mL"\n[simulation]',
        "withdrawal.0: has no place",
    ),
    "leaping": (
        "[simulation]", '[simulation]\nmethod = "leap"',
        'simulation.method: "leap" is for the stirred reactor',
    ),
    "a supersaturated pool": (
        "supersaturation = 3.0", 'supersaturation = 3.0\nsolution = "pool"',
        "lattice.supersaturation: has no place beside a pool",
    ),
    "no supersaturation": ("supersaturation = 3.0", 'solution = "fixed"', "lattice.supersaturation: is missing"),
    "two sizes": (
        'diameter = "2.5 nm"', 'diameter = "2.5 nm"\nformula_units = 40',
        "lattice.particle.0.diameter: both are given",
    ),
    "no size": ('diameter = "2.5 nm"', 'shape = "cube"', "lattice.particle.0.diameter: is missing"),
    "too many crystals": ('diameter = "2.5 nm"', 'diameter = "2.5 nm"\ncount = 30', "lattice.box: is too small"),
    "too large a crystal": ('diameter = "2.5 nm"', 'diameter = "9 nm"', "lattice.box: is too small"),
    "a box of few cells": ('box = "6 nm"', 'box = "2 nm"', "lattice.box: is too small for 4 cells"),
    "monomer used up": (
        "[lattice]",
        '[species.X]\nformula_units = 1\n[[reaction]]\nequation = "monomer -> X"\nrate = "1 / s"\n[lattice]',
        'reaction.0.equation: "monomer -> X" uses up monomer',
    ),
    "negative bonds": ("attach_rate", 'bond_energy = "-0.1 eV"\nattach_rate', "lattice.bond_energy: is negative"),
    "negative ligands": (
        "attach_rate", 'ligand_energy = "-0.1 eV"\nattach_rate',
        "lattice.ligand_energy: is negative",
    ),
    "infinitely fast": ('"1e6 nm^3/s"', '"inf"', 'lattice.attach_rate: "inf" needs solution = "walkers"'),
    "classical nuclei": (
        "[simulation]", '[nucleation]\nlaw = "classical"\n[simulation]',
        'nucleation.law: "classical" has no place',
    ),
    "a feed beside a fixed solution": (
        "[simulation]", '[[injection]]\nvolume = "0.1 mL"\ncontents = { monomer = "1 mM" }\n[simulation]',
        "injection.0: has no place beside a fixed solution",
    ),
    "nothing to start from": ('[[lattice.particle]]\ndiameter = "2.5 nm"\n', "", "lattice.particle: is missing"),
    "a place for two": (
        'diameter = "2.5 nm"', 'diameter = "2.5 nm"\ncount = 2\nat = ["1 nm", "1 nm", "1 nm"]',
        "lattice.particle.0.at: is the place of one crystal",
    ),
    "diffusion in a pool": (
        "attach_rate", 'diffusion = { monomer = "1 nm^2/s" }\nattach_rate',
        "lattice.diffusion: is for solution",
    ),
    "time that goes back": (
        "supersaturation = 3.0", 'supersaturation = [["1 s", 1.0], ["0 s", 2.0]]',
        "lattice.supersaturation.1.0: the time",
    ),
    "coalescence": (
        "[simulation]", '[coalescence]\nlaw = "constant"\nrate = "1e3 / M / s"\n[simulation]',
        "coalescence.law: has no place",
    ),
    "an unknown key": ("attach_rate", 'atach_rate = "1 nm^3/s"\nattach_rate', "lattice.atach_rate: unknown key"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_recipes_are_refused_in_one_sentence(what: str) -> None:
    old, new, sentence = WRONG[what]
    text = recipe_text().replace(old, new, 1)
    if what == "Cd3P2 as zincblende":
        text = text.replace("attach_rate", 'crystal = "zincblende"\nattach_rate', 1)
    assert text != recipe_text()
    with pytest.raises(BadInput) as caught:
        kg.simulate(parse_recipe(text), snapshots=2)
    said = str(caught.value)
    assert said.startswith(sentence), said
    assert "\n" not in said and said.endswith((".", "?")) and len(said) < 320


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dots.toml").write_text(recipe_text(duration="0.3 s", snapshots=3))
    assert main(["check", "dots.toml"]) == 0
    said = capsys.readouterr().out
    assert "InAs as zincblende" in said and "expected events" in said and "nm, 10 x 10 x 10 cells" in said
    assert main(["run", "dots.toml", "-q", "--no-plot"]) == 0
    assert main(["show", "dots.nc"]) == 0
    for kind in ("crystal", "section"):
        assert main(["plot", "dots.nc", "--kind", kind]) == 0
        assert (tmp_path / f"dots_{kind}.png").stat().st_size > 1000
    assert main(["export", "dots.nc", "-o", "dots.xyz"]) == 0
    rows = (tmp_path / "dots.xyz").read_text().splitlines()
    assert int(rows[0]) == read_frames(kg.load(tmp_path / "dots.nc"))[0].number
    assert main(["run", "dots.toml", "--method", "leap", "-q"]) == 2
    assert '"leap" is for the stirred reactor' in capsys.readouterr().err
    assert main(["run", "dots.toml", "--resume", "-q"]) == 0
