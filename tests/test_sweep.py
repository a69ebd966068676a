"""Sweeps: every point once and the same, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import numpy as np
import pytest
from studies import RECIPE, contents, study_file

from kmcgrowth.errors import BadInput
from kmcgrowth.results import load
from kmcgrowth.simulate import simulate
from kmcgrowth.studies import load_study, open_study, study_status, sweep
from kmcgrowth.studies.store import Store


def run(path: Path, folder: Path, **how: object) -> object:
    """A sweep in this process, in two threads."""
    with ThreadPoolExecutor(2) as pool:
        return sweep(load_study(path), folder, executor=pool, workers=2, **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The study run without a break."""
    folder = tmp_path_factory.mktemp("whole")
    run(study_file(folder), folder / "out")
    return contents(folder / "out")


def test_every_point_is_run_once_and_each_has_its_own_seed(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    tally = run(path, tmp_path / "out")
    assert (tally.total, tally.known, tally.done, tally.failed) == (12, 0, 12, 0)  # type: ignore[attr-defined]
    assert contents(tmp_path / "out") == whole
    again = run(path, tmp_path / "out")
    assert (again.known, again.done) == (12, 0)  # type: ignore[attr-defined]
    # a point is what a run of its recipe with its stream is
    store = Store(tmp_path / "out")
    point = store.open()[1][4]
    alone = simulate(store.open()[1].recipe(point), rng=np.random.SeedSequence(5, spawn_key=point.words), replicate=1)
    there = load(store.dataset(point.key, 1))
    assert alone["particle_count"].equals(there["particle_count"])
    assert not alone["particle_count"].equals(load(store.dataset(point.key, 0))["particle_count"])


def test_parts_make_up_the_whole(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    for part in (3, 1, 2):
        run(path, tmp_path / "out", shard=(part, 3))
    assert contents(tmp_path / "out") == whole
    with pytest.raises(BadInput, match="4/3"):
        run(path, tmp_path / "out", shard=(4, 3))


def test_more_axes_and_replicates_leave_what_is_there(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    run(path, tmp_path / "out")
    text = path.read_text(encoding="utf-8").replace("replicates = 2", "replicates = 3")
    path.write_text(text + '"seeds.0.relative_std" = [0.1, 0.2]\n', encoding="utf-8")
    tally = run(path, tmp_path / "out")
    assert (tally.total, tally.known, tally.done) == (36, 12, 24)  # type: ignore[attr-defined]
    assert whole.items() <= contents(tmp_path / "out").items()
    study = open_study(tmp_path / "out")
    assert study.sizes["seeds.0.relative_std"] == 2 and (study["done"] == 3).all()


def test_summaries_need_no_files_of_their_own(tmp_path: Path) -> None:
    path = study_file(tmp_path, record="summaries")
    run(path, tmp_path / "out")
    assert not list((tmp_path / "out" / "points").glob("*/*"))
    study = open_study(tmp_path / "out")
    assert np.isfinite(study["mean_diameter"].sel(population="seed")).all()
    assert run(path, tmp_path / "out").done == 0  # type: ignore[attr-defined]


def test_a_changed_recipe_is_not_mixed_with_the_old_one(tmp_path: Path) -> None:
    path = study_file(tmp_path)
    run(path, tmp_path / "out", shard=(1, 6))
    (tmp_path / "small.toml").write_text(RECIPE.replace("2 nm", "3 nm"), encoding="utf-8")
    with pytest.raises(BadInput, match="recipe of this study has changed"):
        run(path, tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(BadInput, match="holds other files"):
        run(path, tmp_path / "other")


@pytest.mark.parametrize("harm", ["cut", "gone", "record"])
def test_damaged_results_are_found_again(tmp_path: Path, whole: dict[str, object], harm: str) -> None:
    path = study_file(tmp_path)
    run(path, tmp_path / "out")
    store = Store(tmp_path / "out")
    victim = sorted((store.folder / "points").glob("*/*.nc"))[3]
    if harm == "cut":
        victim.write_bytes(victim.read_bytes()[:1000])
    elif harm == "gone":
        victim.unlink()
    else:  # the last line of every worker is torn
        for lines in (store.folder / "records").glob("*.jsonl"):
            lines.write_bytes(lines.read_bytes()[:-20])
        assert "cut short" in study_status(store.folder)
    tally = run(path, tmp_path / "out")
    assert 1 <= tally.done <= 2  # type: ignore[attr-defined]
    assert contents(tmp_path / "out") == whole


def test_a_point_that_fails_or_runs_away_leaves_the_others_alone(tmp_path: Path) -> None:
    more = '"simulation.particles" = [40, 300_000]\n[limits]\nevents = 5e5\n'
    path = study_file(tmp_path, record="summaries", more=more)
    text = path.read_text(encoding="utf-8").replace('"6 mL/hour", "20 mL/hour"', '"6 mL/hour"')
    path.write_text(text.replace("replicates = 2", ""), encoding="utf-8")
    tally = run(path, tmp_path / "out")
    assert (tally.done, tally.failed) == (4, 4)  # type: ignore[attr-defined]
    said = study_status(tmp_path / "out")
    assert "4 times: took more than 500000 events" in said and "done     4 of 8" in said
    assert run(path, tmp_path / "out").done == 0  # type: ignore[attr-defined]
    study = open_study(tmp_path / "out")
    assert int(study["failed"].sum()) == 4 and np.isnan(study["mean_diameter"]).any()


def command(path: Path, folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "kmcgrowth", "sweep", str(path), "-o", str(folder), "--workers", "2", "-q", *more]


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "spawn_main" in line]


@pytest.mark.parametrize("victim", ["driver", "worker"])
def test_a_kill_costs_nothing_but_time(tmp_path: Path, victim: str) -> None:
    """Three kills each at random moments of a study of some 400 runs, then to the end: as if nothing had happened."""
    more = '"seeds.0.relative_std" = { from = 0.05, to = 0.2, number = 33 }\n'
    path = study_file(tmp_path, more=more)
    random = Random(victim)
    for _ in range(3):
        process = subprocess.Popen(command(path, tmp_path / "out"), stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        time.sleep(random.uniform(1.0, 3.0))
        workers = children(process.pid)
        if victim == "driver":
            process.kill()
            process.wait()
            end = time.monotonic() + 20.0
            while any(_alive(pid) for pid in workers) and time.monotonic() < end:
                time.sleep(0.05)
            assert not any(_alive(pid) for pid in workers), "workers outlive their driver"
        else:
            if workers:
                os.kill(random.choice(workers), signal.SIGKILL)
            assert process.wait(timeout=120) == 0, process.communicate()[1]
    done = subprocess.run(command(path, tmp_path / "out"), check=True, timeout=120, capture_output=True, cwd=tmp_path)
    assert done.returncode == 0
    run(path, tmp_path / "plain")
    assert len(contents(tmp_path / "plain")) == 2 * 2 * 3 * 2 * 33
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_two_sweeps_into_one_folder_do_no_harm(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    both = [subprocess.Popen(command(path, tmp_path / "out"), cwd=tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert contents(tmp_path / "out") == whole


def test_a_request_to_end_keeps_what_is_done(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    process = subprocess.Popen(command(path, tmp_path / "out"), stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode in (0, 130) and ("the same command goes on" in said or process.returncode == 0)
    run(path, tmp_path / "out")
    assert contents(tmp_path / "out") == whole
