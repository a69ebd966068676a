"""A small recipe and studies of it that take milliseconds a point."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from kmcgrowth.studies.records import Desk
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.work import Outcome, Task, mind_the_driver, work

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "2 nm"
relative_std = 0.1
concentration = "0.1 mM"
[[injection]]
rate = "6 mL/hour"
volume = "1 mL"
contents = { monomer = "20 mM" }
[simulation]
method = "exact"
particles = 40
duration = "2 min"
snapshots = 3
"""

STUDY = """
title = "small"
recipe = "small.toml"
seed = 5
replicates = {replicates}
record = "{record}"
[axes]
"injection.0.rate" = [{rates}]
"flask.temperature" = {{ from = "250 degC", to = "300 degC", number = 2 }}
{more}
"""


def study_file(
    folder: Path, record: str = "datasets", more: str = "", replicates: int = 2, rates: tuple[int, ...] = (2, 6, 20)
) -> Path:
    """Both files in a folder; the path of the study."""
    (folder / "small.toml").write_text(RECIPE, encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(STUDY.format(
        record=record, more=more, replicates=replicates, rates=", ".join(f'"{rate} mL/hour"' for rate in rates),
    ), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, Any]:
    """What a study holds, whoever found it: summaries without times, and datasets without what differs anyway."""
    import h5py

    store = Store(folder)
    done = store.records.progress().done
    found: dict[str, Any] = {}
    for (key, replicate), record in sorted(done.items()):
        found[f"{key}-{replicate}"] = repr({k: v for k, v in record.items() if k not in ("wall_seconds", "bytes")})
    for path in sorted((folder / "points").glob("*/[!.]*.nc")):
        with h5py.File(path) as file:
            found[path.name] = {name: repr(file[name][()].tolist()) for name in file}
    return found


KILLS = int(os.environ.get("KMCGROWTH_KILLS", "3"))
"""Random moments at which each victim is killed."""

MANY = '"seeds.0.relative_std" = { from = 0.05, to = 0.2, number = 11 }\n'
"""An axis that makes 132 runs of the study, which take some two seconds."""


def command(study: Path, folder: Path, *more: str) -> list[str]:
    """A sweep as a process of its own, which does not take the package from the folder it is in."""
    return [sys.executable, "-P", "-m", "kmcgrowth", "sweep", str(study), "-o", str(folder), "-q", *more]


def deadly(folder: str, stamp: str, batch: list[Task], threads: int) -> list[Outcome]:
    """What a worker does, but whoever takes the third point dies of it."""
    store = Store(folder)
    for number, _ in batch:
        if number == 2:
            Desk(store.running).busy(store.open()[1][number].key)
            os.kill(os.getpid(), signal.SIGKILL)
    return work(folder, stamp, batch, threads)


def stuck(lock: Any, ready: Any) -> None:
    """A worker that waits for a lock whose owner has died."""
    mind_the_driver()
    ready.set()
    lock.acquire()


def moments(victim: str, seconds: float) -> list[float]:
    """When to kill, drawn over a run from a seed that is the victim's name [s]."""
    random = Random(victim)
    return [random.uniform(0.0, seconds) for _ in range(KILLS)]


def children(pid: int) -> list[int]:
    """The workers of a driver."""
    words = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if "spawn_main" in line]


def alive(pid: int) -> bool:
    """Whether a process runs and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """What a function returns as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return found
