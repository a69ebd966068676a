"""Studies whose processes are killed at random moments end as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest
from studies import KILLS, MANY, alive, children, command, contents, moments, stuck, study_file, until

from kmcgrowth.studies import study_status

WHILE = 2.5
"""Time in which a sweep works once its workers are there [s]."""


def go_on(study: Path, folder: Path) -> None:
    subprocess.run(command(study, folder, "--workers", "2"), check=True, timeout=120, cwd=study.parent)


@pytest.mark.parametrize("when", moments("driver", WHILE))
def test_a_driver_is_killed(tmp_path: Path, many_runs: dict[str, object], when: float) -> None:
    study = study_file(tmp_path, more=MANY)
    process = subprocess.Popen(command(study, tmp_path / "out", "--workers", "2"), cwd=tmp_path)
    workers = until(lambda: children(process.pid), 60.0, "no worker has begun")
    time.sleep(when)
    workers += children(process.pid)
    process.kill()
    process.wait()
    until(lambda: not any(alive(pid) for pid in workers), 20.0, "workers outlive their driver")
    go_on(study, tmp_path / "out")
    assert contents(tmp_path / "out") == many_runs
    assert not list((tmp_path / "out" / "running").iterdir()), "a dead worker has left something"


@pytest.mark.parametrize("when", moments("worker", WHILE))
def test_a_worker_is_killed(tmp_path: Path, many_runs: dict[str, object], when: float) -> None:
    study = study_file(tmp_path, more=MANY)
    process = subprocess.Popen(command(study, tmp_path / "out", "--workers", "2"), cwd=tmp_path)
    until(lambda: children(process.pid), 60.0, "no worker has begun")
    time.sleep(when)
    workers = children(process.pid)
    if workers:
        os.kill(Random(when).choice(workers), signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    assert contents(tmp_path / "out") == many_runs


def test_a_worker_that_waits_for_a_dead_one_can_be_ended() -> None:
    spawn = get_context("spawn")
    lock, ready = spawn.Lock(), spawn.Event()
    lock.acquire()
    process = spawn.Process(target=stuck, args=(lock, ready))
    process.start()
    assert ready.wait(60.0)
    process.terminate()
    process.join(30.0)
    assert process.exitcode == 0


SUICIDE = """
import builtins, os, signal, sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from kmcgrowth.studies import load_study, sweep

left = int(sys.argv[3])
write, replace = os.write, os.replace

def die_in_write(handle, data):
    global left
    left -= 1
    if left <= 0:
        write(handle, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(handle, data)

def die_in_replace(*names):
    global left
    left -= 1
    if left <= 0:
        with open(names[0], "r+b") as file:
            file.truncate(os.path.getsize(names[0]) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(*names)

os.write, os.replace = die_in_write, die_in_replace
with ThreadPoolExecutor(1) as pool:
    sweep(load_study(sys.argv[1]), sys.argv[2], executor=pool, workers=1)
"""


@pytest.mark.parametrize("place", Random("writes").sample(range(1, 264), KILLS))
def test_a_sweep_is_killed_inside_a_write(tmp_path: Path, many_runs: dict[str, object], place: int) -> None:
    """Each run writes a file, which it renames, and then a line."""
    study, out = study_file(tmp_path, more=MANY), tmp_path / "out"
    words = [sys.executable, "-P", "-c", SUICIDE, str(study), str(out), str(place)]
    dead = subprocess.run(words, timeout=120, check=False)
    assert dead.returncode == -signal.SIGKILL
    assert "the same sweep goes on" in study_status(out)
    go_on(study, out)
    assert contents(out) == many_runs
