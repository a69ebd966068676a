"""A study as a job array of the batch system Slurm: each job runs a part of the points."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kmcgrowth.errors import BadInput, KmcgrowthError
from kmcgrowth.files import atomic_path
from kmcgrowth.studies.crew import Tally
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.study import Slurm, Study
from kmcgrowth.studies.sweep import missing, prepare

NOTICE_SECONDS = 30
"""A job is asked to end so long before its time is over [s]."""

ANSWER_SECONDS = 60.0
"""Time in which Slurm has to answer [s]."""

FLAGS = {
    "partition": "--partition", "account": "--account", "time": "--time", "memory": "--mem", "qos": "--qos",
    "constraint": "--constraint",
}
"""Options of sbatch, by what a study calls them."""

_SCRIPT = """#!/bin/bash
# One part of a study. Submit the study again to go on with what is missing.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
{setup}
exec {python} -m kmcgrowth sweep {folder} --shard "$SLURM_ARRAY_TASK_ID/{jobs}" --workers {cpus}{retry}
"""


@dataclass(frozen=True)
class Submitted:
    """What was handed to Slurm.

    Attributes
    ----------
    job : str, number of the array; "" if nothing is missing
    jobs : int, in the array
    tally : Tally, of the study before
    """

    job: str
    jobs: int
    tally: Tally


def submit(
    study: Study, folder: str | os.PathLike[str], *, options: Slurm | None = None, retry: bool = False
) -> Submitted:
    """Submit one job array that runs what is missing of a study, and return.

    Parameters
    ----------
    study : Study
    folder : where the results go, seen by this machine and by the nodes
    options : what the batch system is asked for, by default as the study says
    retry : whether runs that failed are tried again

    Raises
    ------
    BadInput
        If the study or the folder cannot be used, Slurm is not here, or a job of this study is in its queue.
    KmcgrowthError
        If Slurm refuses.
    """
    asked = options or study.slurm
    if shutil.which("sbatch") is None:
        raise BadInput("--slurm: there is no sbatch on this machine; log in to one that submits jobs to Slurm.")
    store = Store(folder)
    points, _ = prepare(study, store)
    path = store.folder.resolve()
    name = _name(path)
    if old := _queued(name):
        job = old[0][0]
        raise BadInput(f"--slurm: job {job} of this study is queued or running; wait for it, or end it: scancel {job}.")
    known, tally = store.records.progress(), Tally()
    if retry:
        known.failed.clear()
    left = sum(1 for _ in missing(points, study, store, known, None, tally))
    if not left:
        return Submitted("", 0, tally)
    jobs = min(asked.jobs, left)
    place = path / "slurm"
    place.mkdir(exist_ok=True)
    script = place / "job.sh"
    with atomic_path(script) as temporary:
        temporary.write_text(_SCRIPT.format(
            setup=asked.setup, python=shlex.quote(sys.executable), folder=shlex.quote(str(path)), jobs=jobs,
            cpus=asked.cpus, retry=" --retry" if retry else "",
        ), encoding="utf-8")
    logs = str(place).replace("%", "%%")
    command = [
        "sbatch", "--parsable", f"--job-name={name}", f"--array=1-{jobs}", f"--cpus-per-task={asked.cpus}",
        f"--signal=B:TERM@{NOTICE_SECONDS}", "--requeue", "--open-mode=append", f"--output={logs}/%A_%a.log",
        f"--chdir={path}", *(f"{flag}={value}" for key, flag in FLAGS.items() if (value := getattr(asked, key))),
        str(script),
    ]
    said = _ask(command)
    return Submitted(re.split(r"[;\s]", said.strip())[0], jobs, tally)


def in_queue(folder: str | os.PathLike[str]) -> str:
    """What becomes of the jobs of a study that have not ended, in words; "" if there are none or Slurm is silent."""
    path = Path(folder).resolve()
    if not (path / "slurm").is_dir() or shutil.which("squeue") is None:
        return ""
    try:
        found = _queued(_name(path))
    except KmcgrowthError:
        return ""
    states = Counter(state.lower() for _, state in found)
    return f"job {found[0][0]}: " + ", ".join(f"{number} {state}" for state, number in states.items()) if found else ""


def _name(path: Path) -> str:
    """What the jobs of a study are called."""
    return f"kmcgrowth-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _queued(name: str) -> list[tuple[str, str]]:
    """Number of the array and state of each job of this name that has not ended."""
    said = _ask(["squeue", "--noheader", "--array", f"--name={name}", "--format=%F %T", "--me"])
    return [(number, state) for number, state in (line.split() for line in said.splitlines() if line.strip())]


def _ask(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise KmcgrowthError(f"{command[0]} does not answer.") from None
    if done.returncode:
        why = " ".join((done.stderr or done.stdout).split())
        raise KmcgrowthError(f"{command[0]} refuses: {why}")
    return done.stdout


__all__ = ["FLAGS", "Submitted", "in_queue", "submit"]
