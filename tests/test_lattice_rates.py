"""Rates per size read off crystals in equilibrium, and the command that writes them for the reactor."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from kmcgrowth.lattice._lattice import Kernel
from lattices import HOT, THERMAL, box_of, energetics, make_kernel, recipe_text, without_lone_atoms
from scipy.signal import lfilter

from kmcgrowth.cli import main
from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.rates import Rates, _balance, _Held, measure_rates, rates_csv, rates_text, rates_warning
from kmcgrowth.lattice.run import LatticeRun
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.recipe import load_recipe, parse_recipe

WARM = f'crystal = "sc"\nsupersaturation = 1.0\nbond_energy = "{1.5 * THERMAL / 1.602176634e-19:.6g} eV"'


@cache
def model() -> Model:
    return build_model(parse_recipe(recipe_text(WARM)))


@cache
def measured() -> Rates:
    return measure_rates(model(), largest=200, events=120_000, points=6, rng=np.random.default_rng(1))


def test_what_the_kernel_notes_of_each_size_is_the_canonical_average() -> None:
    """Places and departures of 2 to 4 atoms on 27 sites, against all states; detailed balance ties one to the other."""
    e, box = energetics("sc", bond=2.5), box_of("sc", (3, 3, 3))
    volume = 60.0 / e.reference(1.0, HOT)
    bonds = box.neighbours(np.arange(27))
    # weights of states, of the places beside them, and of the bonds on which a pair can form
    z, places, pairs = np.zeros(6), np.zeros(6), np.zeros(6)
    for sites in without_lone_atoms(box, 5):
        where = np.array(sorted(sites), dtype=np.int64)
        w = float(np.exp(-e.energy(box, where) / THERMAL))
        near = np.unique(bonds[where].ravel()) if len(where) else where
        free = np.ones(27, dtype=bool)
        free[where] = free[near] = False
        z[len(where)] += w
        places[len(where)] += w * len(np.setdiff1d(near, where))
        pairs[len(where)] += w * int((free[:, None] & free[bonds]).sum()) / 2.0
    kernel = make_kernel(Kernel, 5, e, box.cells, amount=[5], volume=volume, pair=1.0)
    spent, offered, gone, crowd = kernel.record(10)
    for _ in range(60):
        kernel.run(1e12, 20_000)
    exposed = 5.0 * crowd[0] - spent[:6] @ np.arange(6)
    assert crowd[0] == pytest.approx(spent.sum()) and crowd[1:] == pytest.approx([exposed, exposed])
    single, double = e.reference(1.0, HOT), e.pair_rate(1.0, 1.0, HOT) * e.reference(1.0, HOT) ** 2
    for n in (2, 3, 4):
        # some 1e5 visits each, not quite independent
        assert offered[0, n] / spent[n] == pytest.approx(places[n] / z[n], rel=0.01)
        back = (single * places[n - 1] + 2.0 * double * pairs[n - 2]) / z[n]
        assert gone[0, n] / spent[n] == pytest.approx(back, rel=0.03)


def test_supersaturation_falls_with_size_and_few_of_the_attached_atoms_stay() -> None:
    found = measured()
    assert len(found.units) == 6 and np.all(np.diff(found.units) > 0)
    s = found.equilibrium
    assert np.all(np.diff(s) < 0.0) and 1.2 < s[-1] < 1.6
    share = found.attach / found.touch
    assert np.all(share <= 1.0) and 0.2 < share[-1] < share[0]
    # of a crystal of n units on a simple cubic lattice the sphere has some 1.5 (36 pi)^(1/3) n^(2/3) places
    places = found.touch / model().lattice.attach_rate(573.15)  # type: ignore[union-attr]
    sphere = 1.5 * np.cbrt(36.0 * np.pi) * found.units ** (2.0 / 3.0)
    assert np.all((places > 0.75 * sphere) & (places < 1.6 * sphere))
    length, offset = found.capillary_length(model().unit_volume)
    r = np.cbrt(3.0 * found.units * model().unit_volume / (4.0 * np.pi))
    assert np.log(s)[1:] == pytest.approx((length / r + offset)[1:], abs=0.08)


def test_the_hand_made_rates_of_a_sphere_come_back_from_its_table() -> None:
    """attach ~ n^(2/3) and ln S ~ n^(-1/3): exactly on the curves, between the sizes and below them."""
    units = np.array([8, 20, 60, 150, 400, 1000])
    attach = 3e-26 * units ** (2.0 / 3.0)
    detach = attach * 1e24 * np.exp(1.9 / np.cbrt(units))
    made = Rates(units, attach, detach, attach, np.full(6, 0.01), 573.15, 1e24)
    n, up, down = made.table(rows=50)
    assert n[0] == 2 and n[-1] == 1000 and np.all(np.diff(n) > 0)
    assert up == pytest.approx(3e-26 * n ** (2.0 / 3.0), rel=1e-9)
    assert down / up == pytest.approx(1e24 * np.exp(1.9 / np.cbrt(n)), rel=1e-9)
    length, offset = made.capillary_length(5.559e-29)
    assert length == pytest.approx(1.9 * np.cbrt(3.0 * 5.559e-29 / (4.0 * np.pi)), rel=1e-9)
    assert offset == pytest.approx(0.0, abs=1e-9)
    text = rates_csv(made)
    assert text.splitlines()[0] == "formula_units,attach_nm3_per_s,detach_per_s"
    row = [float(x) for x in text.splitlines()[-1].split(",")]
    assert row == pytest.approx([1000, attach[-1] * 1e27, detach[-1]], rel=1e-6)
    told = rates_text(made, 5.559e-29)
    assert f"capillary length {length * 1e9:.3g} nm" in told and "100.0" in told


def test_the_rate_of_exchange_is_that_of_an_ornstein_uhlenbeck_process_without_its_fast_part() -> None:
    """A series with known variance and decay, and white noise on top which attachments that do not stay would be."""
    rng = np.random.default_rng(4)
    decay, variance, step, number = 2.0, 30.0, 0.01, 400_000
    keep = np.exp(-decay * step)
    noise = rng.standard_normal(number) * np.sqrt(variance * (1.0 - keep**2))
    series = lfilter([1.0], [1.0, -keep], noise) + rng.standard_normal(number) * 3.0 + 500.0
    empty = np.zeros((1, 1, 1))
    # 4000 s hold 8000 relaxation times: 1/sqrt(4000) = 1.6 % in variance and decay
    assert _Held(empty[0], empty, empty, empty[0], series, step).exchange() == pytest.approx(decay * variance, rel=0.1)


def test_errors_are_those_of_parts_or_at_least_of_counting() -> None:
    places, pool = np.full((10, 1), 5.0), np.full((10, 3), 1.0)
    mean, error = _balance(places, np.full((10, 1), 100.0), pool)
    assert mean == pytest.approx(20.0) and error == pytest.approx(1.0 / np.sqrt(1000.0))
    gone = np.array([50.0, 150.0] * 5)
    assert _balance(places, gone[:, None], pool)[1] == pytest.approx(np.std(gone, ddof=1) * np.sqrt(10.0) / 1000.0)
    assert _balance(0.0 * places, 0.0 * places, pool) == (0.0, 1.0)


def test_a_compound_is_in_equilibrium_with_a_product_of_concentrations() -> None:
    """sqrt(2 x 8) of 2 and 8 per place whatever the places; a pool of 1, 3 and 3, 1 has a mean product of 3, not 4."""
    places, gone = np.full((10, 2), [100.0, 25.0]), np.full((10, 2), [200.0, 200.0])
    steady = np.full((10, 4), [2.0, 2.0 * 5.0, 2.0 * 7.0, 2.0 * 35.0])
    assert _balance(places, gone, steady) == (pytest.approx(4.0), pytest.approx(np.sqrt(2.0 / 2000.0) / 2.0))
    swinging = np.full((10, 4), [2.0, 4.0, 4.0, 6.0])
    assert _balance(places, gone, swinging)[0] == pytest.approx(4.0 * np.sqrt(3.0 / 4.0))


LIGANDS = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "300 degC"
contents = {{ monomer = "0.1 M" }}
[growth]
solubility = "0.055 M"
[lattice]
box = "{box} nm"
bond_energy = "{bond:.6g} eV"
ligand_energy = "{ligand:.6g} eV"
attach_rate = "30 nm^3/s"
frames = 0
[[lattice.particle]]
formula_units = 60
[simulation]
duration = "1e5 s"
"""


def with_ligands(ligand: float, box: float = 8.0) -> Model:
    """A crystal of bonds of 3 kT in a closed box; energies [kT]."""
    ev = THERMAL / 1.602176634e-19
    return build_model(parse_recipe(LIGANDS.format(box=box, bond=3.0 * ev, ligand=ligand * ev)))


def test_rates_of_a_compound_with_ligands_are_those_of_a_closed_box() -> None:
    """Cations with ligands cover the crystal, so that the solution has more anions: what counts is the product.

    In a closed box the mean of N_In N_As is V^2 times the ratio of the partition functions with and without one unit
    more; the mean of both concentrations, weighted by places, is a quarter larger.
    """
    model = with_ligands(1.5)
    found = measure_rates(model, largest=140, events=300_000, points=3, rng=np.random.default_rng(2))
    run = LatticeRun(with_ligands(1.5, 6.0), np.random.Generator(np.random.SFC64(3)))
    flat, kernel = model.solubility(573.15) * run.model.control_volume, run._kernel
    run.advance(300.0)
    seen = []
    for t in np.linspace(300.0, 1800.0, 1500):
        run.advance(float(t))
        seen.append((kernel.atoms / 2.0, *kernel.amounts()[:2]))
    units, cations, anions = np.array(seen).T
    assert anions.mean() > 1.5 * cations.mean()
    parts = [np.sqrt(np.mean(p)) / flat for p in np.array_split(cations * anions, 15)]
    s, error = float(np.mean(parts)), float(np.std(parts, ddof=1) / np.sqrt(15.0))
    x = np.cbrt(1.0 / found.units)[::-1]
    expected = float(np.exp(np.interp(np.cbrt(1.0 / units.mean()), x, np.log(found.equilibrium)[::-1])))
    error = float(np.hypot(error / s, found.error.max()))
    # errors with 14 and 9 degrees of freedom: beyond 12 of them once in 10^7, and 1 % for the straight line
    assert abs(np.log(s / expected)) < 12.0 * error + 0.01


def test_ligands_that_hold_small_crystals_together_are_named() -> None:
    with pytest.raises(BadInput, match=r"ligand_energy: with 3 kT and bonds of 3 kT a small crystal .* S = 0\.[4-7]"):
        measure_rates(with_ligands(3.0), largest=140, events=50_000, points=1, rng=np.random.default_rng(2))


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(BadInput, match="give at least 16"):
        measure_rates(model(), largest=10)
    assert model().lattice is not None
    loose = replace(model(), lattice=replace(model().lattice, bond=0.3 * THERMAL))  # type: ignore[type-var]
    with pytest.raises(BadInput, match=r"bond_energy: at 0\.3 kT a crystal is not held together"):
        measure_rates(loose, largest=20, events=2000, points=1, rng=np.random.default_rng(1))


def test_the_command_writes_a_table_that_the_reactor_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warm.toml").write_text(recipe_text(WARM))
    assert main(["rates", "warm.toml", "--largest", "40", "--events", "20000"]) == 0
    said = capsys.readouterr().out
    assert "capillary length" in said and "warm_rates.csv" in said
    text = (tmp_path / "warm_rates.csv").read_text()
    assert main(["rates", "warm.toml", "--largest", "40", "--events", "20000", "-o", "again.csv"]) == 0
    assert (tmp_path / "again.csv").read_text() == text  # the seed is the recipe's
    reactor = (
        'material = "InAs"\n[flask]\nvolume = "1 mL"\ntemperature = "300 degC"\n[[seeds]]\ndiameter = "1.5 nm"\n'
        'concentration = "0.1 mM"\n[growth]\nlaw = "table"\ntable = "warm_rates.csv"\n[simulation]\nduration = "1 s"\n'
    )
    built = build_model(parse_recipe(reactor, directory=tmp_path))
    attach, detach = built.tables(573.15, 40)
    table = np.loadtxt(tmp_path / "warm_rates.csv", delimiter=",", skiprows=1)
    rows = table[:, 0].astype(int)
    assert attach[rows] == pytest.approx(table[:, 1] * 1e-27) and detach[rows] == pytest.approx(table[:, 2])
    capsys.readouterr()
    assert main(["rates", "warm.toml", "-o", "table.txt"]) == 2
    assert "does not end in .csv" in capsys.readouterr().err
    (tmp_path / "plain.toml").write_text(reactor)
    assert main(["rates", "plain.toml"]) == 2
    assert "no [lattice] table" in capsys.readouterr().err


def test_too_few_events_and_too_strong_bonds_are_told() -> None:
    with pytest.raises(BadInput, match="--events: 0 events say nothing"):
        measure_rates(model(), largest=200, events=0)
    assert rates_warning(model()) == ""
    strong = build_model(load_recipe("lattice_ripening", changes={"flask.temperature": "200 degC"}))
    assert "above 5.5 kT a layer must nucleate" in rates_warning(strong)
