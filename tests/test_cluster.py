"""Studies on a Dask cluster and on a real Slurm of one node."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from studies import MANY, alive, command, contents, moments, study_file, until

from kmcgrowth.studies import study_status

WHILE = 3.0
"""Time in which a sweep works once its workers are there [s]."""


# -- Dask --------------------------------------------------------------------------------------------------

class Dask:
    """A scheduler and two workers on this machine."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                    "--scheduler-file", str(self.file))
        until(lambda: self.file.exists() and self.file.stat().st_size > 0, 60.0, "no scheduler")
        for _ in range(2):
            self.start("worker", "--scheduler-file", str(self.file), "--nthreads", "1", "--host", "127.0.0.1",
                       "--no-dashboard", "--local-directory", str(folder))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """One part of the cluster."""
        process = subprocess.Popen([sys.executable, "-P", "-m", "dask", *words],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(process)
        return process

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        import json

        return str(json.loads(self.file.read_text())["address"])

    def close(self) -> None:
        """End all of it."""
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self.processes:
            process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """A cluster of its own for each test."""
    pytest.importorskip("distributed")
    cluster = Dask(tmp_path)
    yield cluster
    cluster.close()


def test_dask_does_what_local_processes_do(tmp_path: Path, many_runs: dict[str, object], dask: Dask) -> None:
    study = study_file(tmp_path, more=MANY)
    subprocess.run(command(study, tmp_path / "out", "--dask", dask.address), check=True, timeout=120)
    assert contents(tmp_path / "out") == many_runs
    workers = {path.name.split("-")[1] for path in (tmp_path / "out" / "records").iterdir()}
    assert len(workers) == 2, "both workers take their part"
    assert "running  0" in study_status(tmp_path / "out")


@pytest.mark.parametrize("when", moments("scheduler", WHILE))
def test_a_dask_scheduler_is_killed(tmp_path: Path, many_runs: dict[str, object], dask: Dask, when: float) -> None:
    study = study_file(tmp_path, more=MANY)
    words = command(study, tmp_path / "out", "--dask", dask.address)
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    until(lambda: list(tmp_path.glob("out/records/*.jsonl")) or process.poll() is not None, 60.0, "nothing has begun")
    time.sleep(when)
    dask.scheduler.kill()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 or said == (
        "kmcgrowth: the workers are gone; what they had done is kept: run the sweep again to go on.\n"
    )
    subprocess.run(command(study, tmp_path / "out", "--workers", "2"), check=True, timeout=120)
    assert contents(tmp_path / "out") == many_runs


@pytest.mark.parametrize("when", moments("dask worker", WHILE))
def test_a_dask_worker_is_killed(tmp_path: Path, many_runs: dict[str, object], dask: Dask, when: float) -> None:
    study = study_file(tmp_path, more=MANY)
    process = subprocess.Popen(command(study, tmp_path / "out", "--dask", dask.address))
    records = tmp_path / "out" / "records"
    until(lambda: records.is_dir() and list(records.iterdir()), 60.0, "nothing has begun")
    time.sleep(when)
    pids = sorted({int(path.name.split("-")[1]) for path in records.iterdir()})
    victim = Random(when).choice(pids)
    if alive(victim):
        os.kill(victim, signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    assert contents(tmp_path / "out") == many_runs


def test_no_scheduler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    from kmcgrowth.cli import main
    from kmcgrowth.studies import crew

    monkeypatch.setattr(crew, "CONNECT_SECONDS", 1.0)
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(study_file(tmp_path)), "--dask", "tcp://127.0.0.1:9"]) == 2


# -- Slurm -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cluster of one node, or the one that is there."""
    if shutil.which("slurmctld") is None or os.geteuid() != 0:
        if shutil.which("sinfo") is None or subprocess.run(["sinfo"], capture_output=True, check=False).returncode:
            pytest.skip("no Slurm here: install slurm-wlm and munge, and run as root or on a cluster")
        yield
        return
    home = tmp_path_factory.mktemp("slurm")
    scripts = Path(__file__).parent / "cluster"
    environment = os.environ | {"SLURM_HOME": str(home)}
    log = home / "start.log"
    with open(log, "w") as out:
        done = subprocess.run(["bash", str(scripts / "start_slurm.sh")], env=environment, stdout=out, stderr=out,
                              stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        pytest.skip(f"Slurm does not start: {log.read_text()[-500:]}")
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(home / "slurm.conf")
    yield
    subprocess.run(["bash", str(scripts / "stop_slurm.sh")], env=environment, capture_output=True, check=False)
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before


def submitted(study: Path, folder: Path, *more: str) -> str:
    """Number of the array."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kmcgrowth", "sweep", str(study), "-o", str(folder), "--slurm", *more],
        check=True, capture_output=True, text=True, timeout=60,
    )
    found = re.match(r"job (\d+): an array of \d+ for \d+ of 132 runs; logs in ", done.stdout)
    assert found, done.stdout
    return found[1]


def queued(job: str) -> bool:
    """Whether an array has not ended."""
    said = subprocess.run(["squeue", "-h", "-j", job], capture_output=True, text=True, check=False)
    return bool(said.stdout.strip())


def ended(job: str) -> None:
    until(lambda: not queued(job), 120.0, f"job {job} does not end")


def drivers(folder: Path) -> list[int]:
    """Processes of the jobs that work in a folder."""
    found = subprocess.run(["pgrep", "-f", f"sweep {folder} --shard"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.slurm
def test_slurm_does_what_local_processes_do(tmp_path: Path, many_runs: dict[str, object], slurm: None) -> None:
    out = tmp_path / "with a space"
    study = study_file(tmp_path, more=MANY + "[slurm]\njobs = 3\n")
    job = submitted(study, out, "--time", "5", "--memory", "400M")
    again = subprocess.run(command(study, out, "--slurm"), capture_output=True, text=True, check=False)
    assert again.returncode == 2 and f"job {job} of this study is queued or running" in again.stderr
    assert re.search(rf"^Slurm    job {job}: [1-3] [a-z]+", study_status(out), re.MULTILINE)
    ended(job)
    assert "Slurm" not in study_status(out)
    assert contents(out) == many_runs
    logs = sorted((out / "slurm").glob(f"{job}_*.log"))
    text = "".join(path.read_text() for path in logs)
    assert len(logs) == 3 and text.count(" are new, 0 failed") == 3 and "\r" not in text, "no bar in a log"
    words = [sys.executable, "-P", "-m", "kmcgrowth", "sweep", str(out), "--slurm"]
    assert "nothing is submitted" in subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.slurm
@pytest.mark.parametrize("when", moments("slurm job", WHILE))
def test_a_slurm_job_is_killed(tmp_path: Path, many_runs: dict[str, object], slurm: None, when: float) -> None:
    study = study_file(tmp_path, more=MANY)
    job = submitted(study, tmp_path / "out", "--jobs", "2")
    until(lambda: drivers(tmp_path / "out"), 60.0, "no job has begun")
    time.sleep(when)
    for pid in drivers(tmp_path / "out"):
        os.kill(pid, signal.SIGKILL)
    ended(job)
    until(lambda: not drivers(tmp_path / "out"), 20.0, "workers outlive their job")
    if len(contents(tmp_path / "out")) < len(many_runs):
        ended(submitted(study, tmp_path / "out", "--jobs", "2"))
    assert contents(tmp_path / "out") == many_runs


def _waits(job: str) -> bool:
    """Whether a job is held back; if so, it is told to begin."""
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], capture_output=True, check=False)
    said = subprocess.run(["squeue", "-h", "-j", job, "-o", "%T"], capture_output=True, text=True, check=False)
    return said.stdout.strip() in ("PENDING", "COMPLETING")


@pytest.mark.slurm
@pytest.mark.parametrize("end", ["requeue", "limit"])
def test_a_slurm_job_that_is_ended_loses_nothing(
    tmp_path: Path, many_runs: dict[str, object], slurm: None, end: str
) -> None:
    """Slurm puts a job back into its queue, or asks it to end some time before its limit."""
    study = study_file(tmp_path, more=MANY)
    job = submitted(study, tmp_path / "out", "--jobs", "1")
    until(lambda: drivers(tmp_path / "out"), 60.0, "no job has begun")
    time.sleep(2.0)
    if end == "requeue":
        subprocess.run(["scontrol", "requeue", job], check=True)
        # Slurm lets a job that comes back wait for two minutes
        until(lambda: not _waits(job), 60.0, "the job does not come back")
    else:  # what Slurm sends to the batch process when the time is almost over
        subprocess.run(["scancel", "--batch", "--signal=TERM", job], check=True)
    ended(job)
    log = next((tmp_path / "out" / "slurm").glob("*.log")).read_text()
    assert "what was done is kept" in log or "0 failed" in log
    if end == "limit":
        subprocess.run(command(study, tmp_path / "out", "--workers", "2"), check=True, timeout=120)
    assert contents(tmp_path / "out") == many_runs
