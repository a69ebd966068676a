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
from kmcgrowth.lattice.rates import Rates, _error, _Held, measure_rates, rates_csv, rates_text
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import Model
from kmcgrowth.recipe import parse_recipe

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
    spent, offered, gone = kernel.record(10)
    for _ in range(60):
        kernel.run(1e12, 20_000)
    single, double = e.reference(1.0, HOT), e.pair_rate(1.0, 1.0, HOT) * e.reference(1.0, HOT) ** 2
    for n in (2, 3, 4):
        # some 1e5 visits each, not quite independent
        assert offered[n] / spent[n] == pytest.approx(places[n] / z[n], rel=0.01)
        back = (single * places[n - 1] + 2.0 * double * pairs[n - 2]) / z[n]
        assert gone[n] / spent[n] == pytest.approx(back, rel=0.03)


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
    empty = np.zeros((1, 1))
    # 4000 s hold 8000 relaxation times: 1/sqrt(4000) = 1.6 % in variance and decay
    assert _Held(empty, empty, empty, series, step).exchange() == pytest.approx(decay * variance, rel=0.1)


def test_errors_are_those_of_parts_or_at_least_of_counting() -> None:
    assert _error(np.full(10, 5.0), np.full(10, 100.0)) == pytest.approx(1.0 / np.sqrt(1000.0))
    gone = np.array([50.0, 150.0] * 5)
    assert _error(np.full(10, 5.0), gone) == pytest.approx(np.std(gone, ddof=1) * np.sqrt(10.0) / 1000.0)
    assert _error(np.zeros(10), np.zeros(10)) == 1.0


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
