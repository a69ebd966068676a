"""What figures and tables tell of a solution that holds few atoms: means over time, not what a moment holds."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import xarray as xr
from lattices import recipe_text
from matplotlib.figure import Figure

import kmcgrowth as kg
from kmcgrowth.observables.dissolved import course, mean_supersaturation
from kmcgrowth.physics.constants import N_A
from kmcgrowth.plots import history_figure
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.report import history_csv, history_table

POOL = 'solution = "pool"\nbond_energy = "0.28 eV"'


def few_atoms(mean: np.ndarray, *, seed: int) -> xr.Dataset:
    """A result whose two elements come and go: exponentially distributed atoms in each second around ``mean``."""
    rng = np.random.default_rng(seed)
    exposure = np.concatenate([np.zeros((1, 2)), np.cumsum(rng.exponential(mean[:, None], (len(mean), 2)), axis=0)])
    time = np.arange(len(mean) + 1.0)
    volume = 1e-20  # [L]
    return xr.Dataset(
        {"exposure": (("time", "site_kind"), exposure), "volume": ("time", np.ones(len(time))),
         "solubility": ("time", np.full(len(time), 0.01 / (N_A * volume)))},
        {"time": time}, {"lattice": json.dumps({"solution": "walkers"}), "control_volume_mL": volume * 1e3},
    )


def test_windows_hold_enough_atoms_for_an_unbiased_mean() -> None:
    """One atom in a hundred moments, S = 1: pairs of single snapshots give pi/4 of it, windows all but 2 %."""
    found = course(few_atoms(np.full(4000, 0.01), seed=1))
    assert 100 < len(found.time) < 1000
    weights = np.gradient(found.time)
    # 2 % of bias, and an error of 1/sqrt(2 * 4000)
    assert np.average(found.supersaturation, weights=weights) == pytest.approx(0.98, abs=0.05)
    assert found.supersaturation.std() < 0.35
    np.testing.assert_allclose(found.monomer, found.supersaturation * 0.01 / (N_A * 1e-20))


def test_windows_shorten_where_atoms_are_plenty() -> None:
    rng = np.random.default_rng(2)
    data = few_atoms(np.full(120, 0.01), seed=2)
    steady = 5.0 * (1.0 + 0.02 * rng.standard_normal((60, 2)))
    data["exposure"].values[61:] = data["exposure"].values[60] + np.cumsum(steady, axis=0)
    found = course(data)
    late = found.time > 75.0
    assert np.allclose(np.diff(found.time[late]), 1.0) and found.supersaturation[late] == pytest.approx(500.0, rel=0.1)
    assert (found.time < 50.0).sum() < 12 and found.supersaturation[found.time < 50.0].max() < 3.0


def column(text: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(io.StringIO(text))]


def said(fig: Figure) -> set[str]:
    return {t.get_text() for ax in fig.axes for t in ax.texts}


def test_a_pool_is_told_by_what_it_held_over_time() -> None:
    """A crystal in a pool that mostly holds no atom at the snapshots."""
    result = kg.simulate(parse_recipe(recipe_text(POOL, duration="60 s", snapshots=13)))
    assert np.median(result["supersaturation"]) == 0.0
    told = column(history_csv(result), "supersaturation")
    liters = float(result.attrs["control_volume_mL"]) * 1e-3
    atoms = np.diff(result["exposure"].values, axis=0) / 5.0
    expected = np.sqrt(atoms.prod(axis=1)) / (result["solubility"].values[1:] * liters * N_A)
    assert told[0] == "" and 1.0 < expected.max() < 10.0
    np.testing.assert_allclose([float(s) for s in told[1:]], expected)
    monomer = column(history_csv(result), "concentration_monomer_mol_per_L")
    np.testing.assert_allclose([float(c) for c in monomer[1:]], expected * result["solubility"].values[1:])
    assert f"{expected[-1]:.4g}" in history_table(result).splitlines()[-1]
    fig = history_figure.figure(result)
    assert not said(fig) & {"nothing dissolved", "no monomer"}
    both = xr.concat([result.drop_vars("mean_diameter_ci")] * 2, "replicate", data_vars="all")
    np.testing.assert_allclose(mean_supersaturation(both).values[1, 1:], expected)
    np.testing.assert_allclose(course(both).supersaturation, course(result).supersaturation)


def test_a_fixed_solution_has_the_concentration_that_it_is_held_at() -> None:
    result = kg.simulate(parse_recipe(recipe_text("supersaturation = 3.0\nratio = 4.0", duration="0.2 s", snapshots=3)))
    np.testing.assert_allclose(result["concentration"].sel(species="monomer"), 3.0 * result["solubility"])
    assert column(history_csv(result), "supersaturation") == ["3.0"] * 3
    assert "nothing dissolved" not in said(history_figure.figure(result))
