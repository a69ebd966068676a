"""``kmcgrowth sweep``: run what is missing of a study."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmcgrowth.cli.progress import LINE_SECONDS

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from kmcgrowth.studies import Study, Tally

SLURM = "With --slurm, instead of what the study says"


def sweep(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study file, the name of one that ships, or a folder to go on in.")
    ],
    output: Annotated[Path | None, typer.Option("-o", metavar="DIR", help="Folder of the results.")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes, by default one per processor.")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Scheduler of a Dask cluster.")] = None,
    slurm: Annotated[bool, typer.Option("--slurm", help="Submit a job array to Slurm, and return.")] = False,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Run only the I-th of N parts.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="No progress and no summary.")] = False,
    partition: Annotated[str | None, typer.Option(metavar="NAME", help=f"{SLURM}: --partition of sbatch.")] = None,
    account: Annotated[str | None, typer.Option(metavar="NAME", help=f"{SLURM}: --account.")] = None,
    time: Annotated[str | None, typer.Option(metavar="LIMIT", help=f"{SLURM}: --time.")] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help=f"{SLURM}: --mem.")] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", help=f"{SLURM}: jobs of the array.")] = None,
    cpus: Annotated[int | None, typer.Option(metavar="N", help=f"{SLURM}: processors of each job.")] = None,
) -> None:
    """Run a study, or what is missing of it, into a folder named after it."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.cli.signals import StopOnSignal
    from kmcgrowth.errors import BadInput
    from kmcgrowth.studies import sweep

    ways = {"--workers": workers, "--dask": dask, "--slurm": slurm or None, "--shard": shard}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1 and given != ["--workers", "--shard"]:
        raise BadInput(f"{given[0]} and {given[1]} do not go together; leave one of both out.")
    if workers is not None and workers < 1:
        raise BadInput(f"--workers: {workers} is not possible; give a whole number of at least 1.")
    asked = {"partition": partition, "account": account, "time": time, "memory": memory, "jobs": jobs, "cpus": cpus}
    asked = {key: value for key, value in asked.items() if value is not None}
    if asked and not slurm:
        raise BadInput(f"--{next(iter(asked))} is for jobs of Slurm; add --slurm, or leave it out.")
    plan, folder = _plan(study, output)
    if slurm:
        _submit(plan, folder, asked, retry)
        return
    # the processors are for the points
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    bar = None if quiet else _Bar()
    with StopOnSignal() as signals, ExitStack() as stack:
        if bar is not None:
            stack.callback(bar.close)
        executor, number = _executor(stack, dask, workers)
        if dask is not None and callable(number) and not number() and not quiet:
            print(f"kmcgrowth: no workers yet; the sweep waits for them: dask worker {dask}", file=sys.stderr)
        tally = sweep(
            plan, folder, executor=executor, workers=number, shard=_shard(shard), retry=retry, progress=bar,
            stop=signals.requested,
        )
    if signals.requested() or tally.stopped:
        print(f"kmcgrowth: interrupted; what was done is kept in {folder}, the same command goes on.", file=sys.stderr)
        raise typer.Exit(signals.exit_code)
    if not quiet:
        say(f"{tally.total} runs: {tally.known} were there, {tally.done} are new, {tally.failed} failed")
        if tally.failed:
            say(f"see kmcgrowth status {folder}")


def _plan(name: str, output: Path | None) -> tuple[Study, Path]:
    """The study and the folder of its results; in a folder that a sweep has begun, the study it was begun with."""
    from kmcgrowth.errors import BadInput
    from kmcgrowth.studies import load_study
    from kmcgrowth.studies.store import Store

    if not Path(name).is_dir():
        return load_study(name), output if output is not None else Path(Path(name).stem)
    if output is not None:
        raise BadInput(f'-o: "{name}" is the folder of a sweep, which goes on in it; leave -o out, or give a study.')
    return Store(name).open()[0], Path(name)


def _executor(
    stack: ExitStack, dask: str | None, workers: int | None
) -> tuple[Executor | None, int | Callable[[], int] | None]:
    if dask is None:
        return None, workers
    from kmcgrowth import studies

    return stack.enter_context(studies.dask(dask))


def _submit(study: Study, folder: Path, asked: dict[str, Any], retry: bool) -> None:
    """Hand a study to Slurm."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.errors import BadInput
    from kmcgrowth.studies.slurm import submit

    for key in ("jobs", "cpus"):
        if asked.get(key, 1) < 1:
            raise BadInput(f"--{key}: {asked[key]} is not possible; give a whole number of at least 1.")
    done = submit(study, folder, options=study.slurm.model_copy(update=asked), retry=retry)
    left = done.tally.total - done.tally.known
    if not done.job:
        say(f"{done.tally.total} runs: all were there, nothing is submitted")
        return
    say(f"job {done.job}: an array of {done.jobs} for {left} of {done.tally.total} runs; logs in {folder / 'slurm'}")
    say(f"see kmcgrowth status {folder}")


def _shard(text: str | None) -> tuple[int, int] | None:
    from kmcgrowth.errors import BadInput

    if text is None:
        return None
    part, _, parts = text.partition("/")
    if not part.isdecimal() or not parts.isdecimal():
        raise BadInput(f'--shard: "{text}" is not of the form I/N; write 1/4 for the first of four parts.')
    return int(part), int(parts)


class _Bar:
    """Runs done of all, on a terminal as a bar, elsewhere a line a minute."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._line = monotonic()

    def __call__(self, tally: Tally) -> None:
        done = tally.known + tally.done + tally.failed
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(total=tally.total, initial=done, file=sys.stderr, leave=False, unit="run")
            self._bar.set_postfix_str(f"{tally.failed} failed" if tally.failed else "", refresh=False)
            self._bar.update(done - self._bar.n)
        elif monotonic() - self._line >= LINE_SECONDS:
            self._line = monotonic()
            failed = f", {tally.failed} failed" if tally.failed else ""
            print(f"kmcgrowth: {done} of {tally.total} runs{failed}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
