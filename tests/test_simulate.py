"""The loop that drives an engine: seeds, replicates, snapshots, stopping and going on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth import checkpoint as store
from kmcgrowth import driving
from kmcgrowth.errors import BadInput, Interrupted
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.report import history_table, summary
from kmcgrowth.results import save
from kmcgrowth.simulate import engines, simulate

TEXT = """
title = "a small flask"
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
concentration = "0.1 mM"
[[injection]]
rate = "0.3 mL/min"
volume = "9 mL"
contents = { AMC = "3.2 mM" }
[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "0.05 / s"
[growth]
diffusion = "1e3 nm^2/s"
surface_rate = "inf"
solubility = "1 uM"
surface_energy = "0.15 J/m^2"
[nucleation]
law = "classical"
prefactor = "1e31 / m^3 / s"
[simulation]
particles = 40
duration = "4 min"
snapshots = 5
seed = 11
"""


class Walker:
    """An engine with windows of 7 s in each of which it takes one step; asks ``stop`` at every window's end."""

    made = 0

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        type(self).made += 1
        self.model, self.rng = model, rng
        self.events, self.time, self.until = 0, 0.0, 0.0
        self.place = [int(rng.integers(1000))]

    def advance(
        self, until: float, *, stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        while self.time < until:
            self.time += 7.0
            self.events += 1
            self.place.append(int(self.rng.integers(1000)))
            if progress:
                progress(self.time, self.events)
            if stop and stop():
                return False
        self.until = until
        return True

    def counts(self) -> Counts:
        shown = self.place[int(np.ceil(self.until / 7.0))]
        return Counts(
            time=self.until, sizes=np.array([100 + shown]), seed=np.array([3]), nucleated=np.array([0]),
            amounts=np.array([7, 2]), volume=self.model.control_volume, temperature=573.15, injected_volume=0.0,
            supersaturation=2.0, matter={"solution": np.array([7])},
            tallies={"events": float(np.ceil(self.until / 7.0)), "born": 0.0},
        )

    def notes(self) -> list[str]:
        return ["a walker"]

    def state(self) -> dict[str, Any]:
        generator = self.rng.bit_generator.state
        return {"generator": generator, "time": self.time, "events": self.events, "place": self.place}

    def restore(self, state: dict[str, Any]) -> None:
        self.rng.bit_generator.state = state["generator"]
        self.time, self.events, self.place = state["time"], state["events"], list(state["place"])

    def change(self, model: Model) -> None:
        self.model = model


@pytest.fixture(autouse=True)
def walker(factories: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(engines, "walker", Walker)
    Walker.made = 0
    yield


@pytest.fixture(scope="module")
def recipe() -> Any:
    return kg.parse_recipe(TEXT)


def after(calls: int) -> Callable[[], bool]:
    """A stop that turns true at the given call."""
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


def bounced(recipe: Any, path: Path, calls: int, **options: Any) -> tuple[Any, int]:
    """A run that is stopped after every ``calls`` questions and resumed until it is complete."""
    for times in range(1, 500):
        result = simulate(recipe, checkpoint=path, resume=True, stop=after(calls), **options)
        if result.attrs["complete"]:
            return result, times
    raise AssertionError("never complete")


# -- seeds ------------------------------------------------------------------------------------


def test_the_recipes_seed_holds_unless_rng_is_given(recipe: Any) -> None:
    own, same, other = (simulate(recipe, method="walker", rng=rng) for rng in (None, 11, 12))
    assert own.attrs["seed"] == 11 and other.attrs["seed"] == 12
    assert kg.identical(own, same) and not kg.identical(own, other)


def test_a_seed_that_nobody_chose_is_recorded_and_gives_the_run_back() -> None:
    recipe = kg.parse_recipe(TEXT.replace("seed = 11\n", ""))
    first, second = (simulate(recipe, method="walker") for _ in range(2))
    assert 0 <= int(first.attrs["seed"]) < 2**63
    assert first.attrs["seed"] != second.attrs["seed"]  # equal with probability 2**-63
    assert kg.identical(first, simulate(recipe, method="walker", rng=int(first.attrs["seed"])))


def test_rng_as_in_spec_7(recipe: Any) -> None:
    def run(rng: Any) -> Any:
        return simulate(recipe, method="walker", rng=rng)

    assert kg.identical(run(np.int64(5)), run(5))
    assert kg.identical(run(np.random.SeedSequence(5)), run(5))
    assert not kg.identical(run(np.random.SeedSequence(5, spawn_key=(1,))), run(5))
    assert kg.identical(run([5, 6]), run(np.random.SeedSequence([5, 6])))
    generator = np.random.default_rng(5)
    first, second = run(generator), run(generator)
    assert not kg.identical(first, second)
    assert kg.identical(first, run(np.random.PCG64(5)))
    assert kg.identical(first, run(int(first.attrs["seed"])))
    for wrong in (-1, 1.5, True, "x", [], [1, -2], object()):
        with pytest.raises(BadInput, match="rng"):
            run(wrong)


def test_replicates_do_not_depend_on_each_other(recipe: Any) -> None:
    many = simulate(recipe, method="walker", replicates=4)
    alone = simulate(recipe, method="walker")
    few = simulate(recipe, method="walker", replicates=2, workers=1)
    assert many.sizes["replicate"] == 4
    for result in (alone, few.isel(replicate=0)):
        np.testing.assert_array_equal(many["mean_diameter"].isel(replicate=0), result["mean_diameter"])
    np.testing.assert_array_equal(many["mean_diameter"].isel(replicate=1), few["mean_diameter"].isel(replicate=1))
    last = many["mean_diameter"].isel(time=-1).sel(population="all").values
    assert len(set(last.tolist())) > 1
    assert kg.identical(many, simulate(recipe, method="walker", replicates=4, workers=1))


# -- snapshots --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["walker", "exact", "twin"])
def test_snapshots_do_not_touch_the_trajectory(recipe: Any, method: str) -> None:
    options: dict[str, Any] = {"method": method, "particles": 8 if method == "twin" else 200}
    fine = simulate(recipe, snapshots=9, **options)
    coarse = simulate(recipe, snapshots=[0.0, 60.0, 240.0], **options)
    for name in ("mean_diameter", "relative_std", "number", "events", "concentration", "born", "volume"):
        np.testing.assert_array_equal(fine[name].sel(time=coarse["time"]).values, coarse[name].values, err_msg=name)


@pytest.mark.parametrize("wrong", [1, [], [0.0, 0.0], [5.0, 1.0], [-1.0, 2.0], [0.0, 1e9], [0.0, np.nan], "x", [[1.0]]])
def test_wrong_snapshots(recipe: Any, wrong: Any) -> None:
    with pytest.raises(BadInput, match="snapshots"):
        simulate(recipe, method="walker", snapshots=wrong)


@pytest.mark.parametrize("options", [{"replicates": 0}, {"replicates": 1.5}, {"workers": 0}, {"particles": -3}])
def test_wrong_numbers(recipe: Any, options: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(options))):
        simulate(recipe, method="walker", **options)


def test_an_unknown_method_names_the_known_ones(recipe: Any) -> None:
    with pytest.raises(BadInput, match='"exact"'):
        simulate(recipe, method="magic")


# -- stopping and going on --------------------------------------------------------------------


@pytest.mark.parametrize("calls", [0, 1, 5])
@pytest.mark.parametrize("replicates", [1, 3])
def test_resumed_is_identical_to_uninterrupted(recipe: Any, tmp_path: Path, calls: int, replicates: int) -> None:
    options = {"method": "walker", "replicates": replicates, "snapshots": 31}  # closer than the windows
    whole = simulate(recipe, **options)
    result, times = bounced(recipe, tmp_path / "x.ckpt", calls, **options)
    assert times > 3
    assert kg.identical(whole, result)
    assert result.attrs["wall_seconds"] > 0.0


@pytest.mark.parametrize(("method", "particles"), [("exact", 4000), ("twin", 8)])
def test_real_engines_resume_to_the_same_bytes(recipe: Any, tmp_path: Path, method: str, particles: int) -> None:
    whole = simulate(recipe, method=method, particles=particles)
    assert whole.attrs["complete"] == 1
    result, times = bounced(recipe, tmp_path / "x.ckpt", 0, method=method, particles=particles)
    assert times > 1
    assert kg.identical(whole, result)


def test_a_stopped_run_ends_at_its_last_snapshot(recipe: Any, tmp_path: Path) -> None:
    whole = simulate(recipe, method="walker", snapshots=61)
    part = simulate(recipe, method="walker", snapshots=61, checkpoint=tmp_path / "x", stop=after(9))
    assert part.attrs["complete"] == 0
    assert 63.0 <= float(part["time"][-1]) <= 70.0
    np.testing.assert_array_equal(part["mean_diameter"], whole["mean_diameter"].sel(time=part["time"]))


def test_replicates_that_had_not_begun_do_not_cut_the_others_down(recipe: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"method": "walker", "snapshots": 61, "replicates": 4, "workers": 1}
    options["checkpoint"] = tmp_path / "x"
    whole = simulate(recipe, method="walker", snapshots=61, replicates=4)
    part = simulate(recipe, stop=after(int(1.5 * 240 / 7)), **options)
    assert part.attrs["complete"] == 0
    assert part["replicate"].values.tolist() == [0, 1]
    assert 5 < part.sizes["time"] < 61
    assert "2 of 4 replicates had begun" in part.attrs["notes"]
    same = whole.isel(replicate=slice(2)).sel(time=part["time"])
    np.testing.assert_array_equal(part["mean_diameter"], same["mean_diameter"])
    save(part, tmp_path / "part.nc")
    assert "incomplete" in summary(kg.load(tmp_path / "part.nc"))
    assert history_table(kg.load(tmp_path / "part.nc")).count("\n") == part.sizes["time"] + 3
    assert kg.identical(whole, simulate(recipe, resume=True, **options))


def test_without_its_kernel_the_package_says_so(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "kmcgrowth.reactor.exact", raising=False)
    monkeypatch.setitem(sys.modules, "kmcgrowth.reactor._exact", None)
    with pytest.raises(ImportError, match=r"pip install -e .* start Python in another folder") as caught:
        simulate(recipe)
    assert "\n" not in str(caught.value) and isinstance(caught.value, kg.KmcgrowthError)


def test_without_a_checkpoint_resume_starts_afresh(recipe: Any, tmp_path: Path) -> None:
    fresh = simulate(recipe, method="walker", checkpoint=tmp_path / "x", resume=True)
    assert kg.identical(fresh, simulate(recipe, method="walker"))
    assert not (tmp_path / "x").exists()


def test_a_drawn_seed_is_taken_from_the_checkpoint(tmp_path: Path) -> None:
    recipe = kg.parse_recipe(TEXT.replace("seed = 11\n", ""))
    part = simulate(recipe, method="walker", checkpoint=tmp_path / "x", stop=after(9))
    whole = simulate(recipe, method="walker", checkpoint=tmp_path / "x", resume=True)
    assert whole.attrs["seed"] == part.attrs["seed"]
    assert kg.identical(whole, simulate(recipe, method="walker", rng=int(whole.attrs["seed"])))


def test_a_checkpoint_of_another_run_is_refused(recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    simulate(recipe, method="walker", checkpoint=path, stop=after(9))
    other = kg.parse_recipe(TEXT.replace("300 degC", "290 degC"))
    changed = kg.parse_recipe(TEXT, changes={"flask.volume": "8 mL"})
    for different, options, word in (
        (other, {}, "recipe"), (changed, {}, "recipe"), (recipe, {"particles": 41}, "recipe"),
        (recipe, {"rng": 12}, "seed"), (recipe, {"replicates": 2}, "replicates"),
        (recipe, {"snapshots": 7}, "snapshot"), (recipe, {"method": "twin"}, "method"),
    ):
        with pytest.raises(BadInput, match=word) as caught:
            simulate(different, **({"method": "walker", "checkpoint": path, "resume": True} | options))
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(kg, "__version__", "99.0")
    with pytest.raises(BadInput, match="version"):
        simulate(recipe, method="walker", checkpoint=path, resume=True)


def test_stopped_before_the_first_snapshot(recipe: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"method": "walker", "snapshots": [100.0, 240.0], "checkpoint": tmp_path / "x"}
    with pytest.raises(Interrupted):
        simulate(recipe, stop=after(3), **options)
    assert kg.identical(simulate(recipe, resume=True, **options), simulate(recipe, **options))


@pytest.mark.parametrize("replicates", [1, 3])
def test_checkpoints_on_the_way_change_nothing(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replicates: int
) -> None:
    whole = simulate(recipe, method="walker", replicates=replicates)
    monkeypatch.setattr(driving, "CHECKPOINT_SECONDS", 0.0)
    path = tmp_path / "x"
    seen = []
    result = simulate(
        recipe, method="walker", replicates=replicates, checkpoint=path,
        progress=lambda time, events: seen.append(store.read(path)["tracks"]) if path.exists() else None,
    )
    assert kg.identical(whole, result)
    # a process that died here would go on from what lies on disk
    assert any(track["state"] is not None for tracks in seen for track in tracks.values())
    assert kg.identical(whole, simulate(recipe, method="walker", replicates=replicates, checkpoint=path, resume=True))


def test_done_replicates_are_not_run_again(recipe: Any, tmp_path: Path) -> None:
    calls = 240 / 7 * 1.5  # the second of three is under way
    simulate(recipe, method="walker", replicates=3, workers=1, checkpoint=tmp_path / "x", stop=after(int(calls)))
    Walker.made = 0
    result = simulate(recipe, method="walker", replicates=3, workers=1, checkpoint=tmp_path / "x", resume=True)
    assert Walker.made == 2
    assert kg.identical(result, simulate(recipe, method="walker", replicates=3))


@pytest.mark.parametrize("replicates", [1, 4])
def test_an_engine_that_fails_ends_the_run(recipe: Any, monkeypatch: pytest.MonkeyPatch, replicates: int) -> None:
    class Broken(Walker):
        def counts(self) -> Counts:
            raise ZeroDivisionError("broken")

    monkeypatch.setitem(engines, "broken", Broken)
    with pytest.raises(ZeroDivisionError):
        simulate(recipe, method="broken", replicates=replicates)


@pytest.mark.parametrize("replicates", [1, 3])
def test_progress_ends_at_the_end(recipe: Any, replicates: int) -> None:
    seen: list[tuple[float, int]] = []
    result = simulate(recipe, method="walker", replicates=replicates, progress=lambda t, e: seen.append((t, e)))
    times, events = zip(*seen, strict=True)
    assert list(times) == sorted(times) and times[-1] == pytest.approx(240.0)
    assert events[-1] == result.attrs["events"]


def test_what_is_recorded(recipe: Any) -> None:
    result = simulate(recipe, method="walker", particles=17)
    assert result.attrs["method"] == "walker" and result.attrs["complete"] == 1
    assert result.attrs["recipe"] == TEXT
    assert '"simulation.particles": 17' in result.attrs["recipe_changes"]
    assert '"SFC64"' in result.attrs["bit_generator"]
    assert "a walker" in result.attrs["notes"]
    spawned = simulate(recipe, method="walker", rng=np.random.SeedSequence(3, spawn_key=(9, 8)))
    assert spawned.attrs["seed"] == 3 and spawned.attrs["spawn_key"] == "[9, 8]"


def test_matter_is_conserved_through_the_loop(recipe: Any) -> None:
    result = simulate(recipe, particles=500)
    total = result["matter"].sum("place")
    assert (total == total.isel(time=0)).all()
