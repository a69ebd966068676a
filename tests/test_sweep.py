"""Sweeps: every point once and the same, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies import MANY, RECIPE, command, contents, deadly, study_file, until

from kmcgrowth.cli import main
from kmcgrowth.errors import BadInput
from kmcgrowth.results import load
from kmcgrowth.simulate import simulate
from kmcgrowth.studies import Study, crew, load_study, open_study, study_status, sweep
from kmcgrowth.studies.records import Desk, at_work, left_behind
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.work import Task


def run(path: Path | Study, folder: Path, **how: object) -> object:
    """A sweep in this process, in two threads."""
    study = load_study(path) if isinstance(path, Path) else path
    with ThreadPoolExecutor(2) as pool:
        return sweep(study, folder, executor=pool, workers=2, **how)  # type: ignore[arg-type]


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
    path = study_file(tmp_path, "summaries", more, replicates=1, rates=(2, 6))
    tally = run(path, tmp_path / "out")
    assert (tally.done, tally.failed) == (4, 4)  # type: ignore[attr-defined]
    said = study_status(tmp_path / "out")
    assert "4 times: took more than 500000 events" in said and "done     4 of 8" in said
    assert run(path, tmp_path / "out").done == 0  # type: ignore[attr-defined]
    study = open_study(tmp_path / "out")
    assert int(study["failed"].sum()) == 4 and np.isnan(study["mean_diameter"]).any()


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


def test_a_point_that_never_ends_is_given_up(tmp_path: Path) -> None:
    more = '"simulation.particles" = [40, 3_000_000]\n[limits]\nwall_time = "0.3 s"\n'
    path = study_file(tmp_path, "summaries", more, replicates=1, rates=(6,))
    tally = run(path, tmp_path / "out")
    assert (tally.done, tally.failed) == (2, 2)  # type: ignore[attr-defined]
    assert "2 times: took more than 0.3 s" in study_status(tmp_path / "out")
    path.write_text(path.read_text(encoding="utf-8").replace("3_000_000", "50"), encoding="utf-8")
    assert run(path, tmp_path / "out").done == 2  # type: ignore[attr-defined]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("harm", ["full", "read-only"])
def test_a_disk_that_takes_no_more_costs_nothing_that_is_done(
    tmp_path: Path, whole: dict[str, object], disk: Path, harm: str
) -> None:
    path, out = study_file(tmp_path), disk / "out"
    run(path, out, shard=(1, 6))
    assert len(contents(out)) == 4
    if harm == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    ended = subprocess.run(command(path, out, "--workers", "2"), capture_output=True, text=True, check=False)
    why = "No space left on device" if harm == "full" else "Read-only file system"
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1 and why in ended.stderr, ended.stderr
    assert "what was done is kept: run the sweep again" in ended.stderr
    there = contents(out)
    assert there.items() <= whole.items() and len(there) >= 4
    subprocess.run(["mount", "-o", "remount,rw,size=20m", str(disk)], check=True)
    run(path, out)
    assert contents(out) == whole


def test_a_point_that_kills_its_workers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    local = crew.Crew._local

    def counted(self: crew.Crew) -> Executor:
        begun.append(1)
        return local(self)

    monkeypatch.setattr(crew, "work", deadly)
    monkeypatch.setattr(crew.Crew, "_local", counted)
    tally = sweep(load_study(study_file(tmp_path, "summaries", replicates=3)), tmp_path / "out", workers=2)
    assert (tally.done, tally.failed) == (15, 3)
    assert "3 times: its worker died 3 times" in study_status(tmp_path / "out")
    assert len(begun) == 1 + 3, "whatever runs of it are under way at once"


def test_workers_that_cannot_begin_are_not_replaced_for_ever(tmp_path: Path) -> None:
    """They import the script that the driver runs, which is not there, or begins a sweep itself."""
    study_file(tmp_path)
    script = "from kmcgrowth.studies import load_study, sweep; sweep(load_study('study.toml'), 'out', workers=2)"
    ended = subprocess.run([sys.executable, "-P", "-"], input=script, cwd=tmp_path, capture_output=True, text=True,
                           timeout=120, check=False)
    assert ended.returncode == 1 and "the workers die before they do anything" in ended.stderr.splitlines()[-1]


class Open(Executor):
    """Runs at once what it is given, and remembers it."""

    def __init__(self) -> None:
        self.batches: list[list[Task]] = []

    def submit(self, fn: Any, /, *args: Any, **more: Any) -> Future[Any]:  # type: ignore[override]
        """Do it."""
        self.batches.append(args[2])
        future: Future[Any] = Future()
        future.set_result(fn(*args, **more))
        return future


def test_the_last_runs_are_handed_out_one_by_one(tmp_path: Path) -> None:
    """So that no worker sits with all replicates of the last point while the others have nothing to do."""
    path, executor = study_file(tmp_path, "summaries", MANY, replicates=3), Open()
    tally = sweep(load_study(path), tmp_path / "out", executor=executor, workers=2)
    assert tally.done == 198
    assert [len(runs) for batch in executor.batches[-36:] for _, runs in batch] == [1] * 36
    assert max(len(batch) for batch in executor.batches) > 1 and len(executor.batches[0][0][1]) == 3


def test_a_study_that_was_altered_is_refused(tmp_path: Path) -> None:
    """The folder keeps the text of a study, by which its workers go."""
    altered = load_study(study_file(tmp_path)).model_copy(update={"method": "balance"})
    with pytest.raises(BadInput, match="alter the text instead"):
        run(altered, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_goes_on_with_its_own_study(tmp_path: Path, whole: dict[str, object]) -> None:
    path = study_file(tmp_path)
    run(path, tmp_path / "out", shard=(1, 4))
    path.unlink()
    (tmp_path / "small.toml").unlink()
    run(Store(tmp_path / "out").open()[0], tmp_path / "out")
    assert contents(tmp_path / "out") == whole


def test_a_study_without_a_seed_takes_that_of_the_recipe(tmp_path: Path) -> None:
    path = study_file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("seed = 5", ""), encoding="utf-8")
    (tmp_path / "small.toml").write_text(RECIPE + "seed = 77\n", encoding="utf-8")
    run(path, tmp_path / "out", shard=(1, 6))
    assert Store(tmp_path / "out").open()[1].seed == 77


@pytest.mark.parametrize(("words", "said"), [
    (["--dask", "tcp://127.0.0.1:1", "--shard", "1/2"], "--dask and --shard do not go together"),
    (["--time", "10"], "--time is for jobs of Slurm; add --slurm"),
    (["--slurm", "--jobs", "0"], "--jobs: 0 is not possible"),
    (["--shard", "half"], 'is not of the form I/N'),
])
def test_what_does_not_go_together_is_told(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(study_file(tmp_path)), "-o", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_long_run_that_is_asked_to_end_goes_on_from_there(tmp_path: Path) -> None:
    path = study_file(tmp_path, more='[changes]\n"simulation.particles" = 600_000\n', replicates=1, rates=(200,))
    run(path, tmp_path / "plain")
    process = subprocess.Popen(command(path, tmp_path / "out", "--workers", "2"), stderr=subprocess.PIPE, text=True)
    busy = tmp_path / "out" / "running"
    until(lambda: busy.is_dir() and len(list(busy.glob("*.json"))) == 2, 60.0, "nothing has begun")
    time.sleep(0.3)
    process.terminate()
    assert "what was done is kept" in process.communicate(timeout=60)[1] and process.returncode == 143
    kept = list((tmp_path / "out" / "partial").glob("*.ckpt"))
    assert len(kept) == 2, "both runs have written where they were"
    run(path, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")
    assert not list((tmp_path / "out" / "partial").iterdir())


def test_what_dead_workers_have_left_is_cleared_and_the_living_are_left_alone(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    mine, gone = Desk(tmp_path), f"{socket.gethostname()}-{dead.pid}-ff"
    mine.busy("a" * 32)
    for name, text in ((f"{gone}.json", '{"key": "b'), (f"{gone}.7.nc", "half"), ("else-where-1-ff.json", "{}")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [entry["key"] for entry in at_work(tmp_path)] == ["a" * 32]
    assert {path.name for path in tmp_path.iterdir()} == {f"{mine.name}.json", "else-where-1-ff.json"}
    (tmp_path / f"{gone}.json").write_text('{"key": "cc", "host": "here"}', encoding="utf-8")
    assert left_behind(tmp_path) == {"cc"} and not (tmp_path / f"{gone}.json").exists()
    mine.leave()
    assert not at_work(tmp_path)
