"""The population balance from recipe to dataset: counts that are no whole numbers, shown, saved and compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import kmcgrowth as kg
from kmcgrowth.cli import app
from kmcgrowth.observables.distribution import moments, size_distribution
from kmcgrowth.recipe import load_recipe, shipped_recipes
from kmcgrowth.report import history_table, summary
from kmcgrowth.results import differences, load, save
from kmcgrowth.simulate import simulate

FAST = "inas_feed_fast"


@pytest.mark.parametrize("name", sorted(n for n in shipped_recipes() if load_recipe(n).lattice is None))
def test_every_recipe_is_balanced(name: str) -> None:
    result = simulate(load_recipe(name), method="balance", snapshots=4)
    assert result.attrs["complete"] == 1 and result["events"].values[-1] > 0.0
    matter = result["matter"].sum("place").values
    assert np.allclose(matter, matter[0], rtol=1e-11)
    count = result["particle_count"]
    assert np.all(count.values >= 0.0)
    sums = count.sum("size").transpose("time", "origin").values
    assert np.allclose(sums, result["number"].sel(population=["seed", "nucleated"]).values, rtol=1e-12)


def test_a_dataset_of_expected_counts(tmp_path: Path) -> None:
    recipe = load_recipe(FAST)
    result = simulate(recipe, method="balance", snapshots=13)
    assert result["particle_count"].dtype == np.float64 and "size_bounds" in result
    assert np.isnan(result["mean_diameter_ci"]).all() and np.isnan(result["nucleated_share_ci"]).all()
    save(result, tmp_path / "a.nc")
    assert not differences(result, load(tmp_path / "a.nc"))
    text = summary(result)
    assert "expected of an exact run" in text and "95 %" not in text
    assert len(history_table(result).splitlines()) == 3 + 13
    # coarse sizes stand for a range: a density over the diameter has no comb
    density = size_distribution(result, origin="seed", bins=np.linspace(3.6, 4.4, 161)).values
    assert np.abs(np.diff(density, 2)).max() < 0.02 * density.max()
    found = moments(result, origin="seed")
    assert found.mean == pytest.approx(float(result["mean_diameter"].sel(population="seed")[-1]), rel=1e-9)


def test_common_times_of_two_schedules_are_identical() -> None:
    recipe = load_recipe(FAST)
    few = simulate(recipe, method="balance", snapshots=[0.0, 1200.0, 3600.0])
    many = simulate(recipe, method="balance", snapshots=[0.0, 13.7, 600.0, 1080.0, 1200.0, 3000.0, 3600.0])
    assert kg.identical(few, many.sel(time=few["time"]))
    assert kg.identical(few, simulate(recipe, method="balance", snapshots=[0.0, 1200.0, 3600.0], rng=5).assign_attrs(
        {key: few.attrs[key] for key in few.attrs if "seed" in key or "generator" in key}))


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    recipe, place = load_recipe(FAST), tmp_path / "run.ckpt"
    cut = simulate(recipe, method="balance", checkpoint=place, stop=lambda: True)
    assert cut.attrs["complete"] == 0
    on = simulate(recipe, method="balance", checkpoint=place, resume=True)
    assert kg.identical(on, simulate(recipe, method="balance"))


def test_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "fast.nc"
    ran = CliRunner().invoke(app, ["run", FAST, "--method", "balance", "-o", str(out), "-q"])
    assert ran.exit_code == 0, ran.output
    assert load(out).attrs["method"] == "balance" and out.with_suffix(".png").stat().st_size > 10_000
    recipe = tmp_path / "balanced.toml"
    text = (Path(__file__).parents[1] / "runs" / f"{FAST}.toml").read_text()
    recipe.write_text(text.replace("[simulation]", '[simulation]\nmethod = "balance"'))
    told = CliRunner().invoke(app, ["check", str(recipe)])
    assert told.exit_code == 0 and "engine           balance" in told.output


@pytest.mark.parametrize("name", [FAST, "inas_continuous_injection"])
def test_the_exact_engine_agrees_on_a_recipe(name: str) -> None:
    particles = 4000
    exact = simulate(load_recipe(name), rng=3, particles=particles, snapshots=3, replicates=4, workers=1).isel(time=-1)
    mean = simulate(load_recipe(name), method="balance", particles=particles, snapshots=3).isel(time=-1)

    def within(variable: str, noise: float, **where: str) -> None:
        values = exact[variable].sel(where).values
        assert abs(float(values.mean()) - float(mean[variable].sel(where))) < 5.0 * noise / 2.0

    d = float(mean["mean_diameter"].sel(population="seed"))
    within("mean_diameter", 0.12 * d / particles**0.5, population="seed")
    within("relative_std", 0.12 / (2.0 * particles) ** 0.5, population="seed")
    if name == FAST:
        # exact births scatter by more than their root
        born = float(mean["born"])
        within("born", 0.012 * born)
        within("mean_diameter", 0.01, population="nucleated")
