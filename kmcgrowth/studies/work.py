"""What a worker does: the runs of a point, one after the other or in threads, each recorded as soon as it is done."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.errors import BadInput, Interrupted, KmcgrowthError
from kmcgrowth.recipe import Recipe
from kmcgrowth.studies.points import Point
from kmcgrowth.studies.records import Desk, Recorder
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.study import Limits, Study
from kmcgrowth.studies.summary import summarize

if TYPE_CHECKING:
    import xarray as xr

Task = tuple[int, tuple[int, ...]]
"""Number of a point and the replicates that are missing."""


@dataclass(frozen=True)
class Outcome:
    """How the runs of a point ended.

    Attributes
    ----------
    number : int, of the point
    done, failed : int, runs
    seconds : float, spent by the worker [s]
    stopped : bool, whether the worker was asked to end
    """

    number: int
    done: int
    failed: int
    seconds: float
    stopped: bool = False


class Exceeded(KmcgrowthError):
    """A run went beyond a limit of its study."""


LEAVE_SECONDS = 0.5
"""A worker that was asked to end has so long to tell what it did [s]."""

_stop, _working = threading.Event(), threading.Event()


def work(folder: str, stamp: str, tasks: Sequence[Task], threads: int = 1) -> list[Outcome]:
    """Run points of the study in ``folder``; called in whatever process an executor gives.

    Parameters
    ----------
    folder : of the study
    stamp : digest of its manifest, so that a worker reads it once and not for each point
    tasks : points and replicates
    threads : runs of one point at a time
    """
    bench = _bench(folder, stamp)
    _working.set()
    try:
        return [bench.point(task, threads) for task in tasks if not _stop.is_set()]
    except OSError as error:
        why = error.strerror or str(error)
        raise KmcgrowthError(f'"{folder}" takes no more results ({why}); what was done is kept: run the sweep again '
                             "when that is mended, to go on.") from None
    finally:
        bench.desk.leave()
        _working.clear()


@lru_cache(maxsize=4)
def _bench(folder: str, stamp: str) -> Bench:
    return Bench(Store(folder))


def mind_the_driver() -> None:
    """End this process when its driver has died; and stop at a good place when asked to terminate."""
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        connection.wait([sentinel])
        os._exit(1)

    def leave() -> None:
        # a pool whose worker was killed may hold the others in a lock for ever
        _stop.wait()
        while _working.is_set():
            sleep(0.02)
        sleep(LEAVE_SECONDS)
        os._exit(0)

    threading.Thread(target=watch, name="driver", daemon=True).start()
    threading.Thread(target=leave, name="leave", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _stop.set())


class Bench:
    """A worker's place: the study, and where its results go."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.study, self.points = store.open()
        self.desk = Desk(store.running)
        self.recorder = Recorder(store.records, self.desk.name)

    def point(self, task: Task, threads: int) -> Outcome:
        """All runs of one point."""
        number, replicates = task
        began = perf_counter()
        point = self.points[number]
        self.desk.busy(point.key)
        try:
            recipe = self.points.recipe(point)
        except BadInput as error:
            for replicate in replicates:
                self._fail(point, replicate, "refused", str(error))
            return Outcome(number, 0, len(replicates), perf_counter() - began)
        if threads > 1 and len(replicates) > 1:
            with ThreadPoolExecutor(threads) as pool:
                ends = list(pool.map(lambda r: self._run(point, recipe, r), replicates))
        else:
            ends = [self._run(point, recipe, r) for r in replicates]
        return Outcome(number, ends.count("done"), ends.count("failed"), perf_counter() - began, "stopped" in ends)

    def _run(self, point: Point, recipe: Recipe, replicate: int) -> str:
        if _stop.is_set():
            return "stopped"
        path = self.store.dataset(point.key, replicate)
        try:
            if self.study.record == "datasets" and path.exists() and (known := _readable(path)) is not None:
                self._done(point, replicate, known, path.stat().st_size)
                return "done"
            dataset = simulated(self.study, self.points.seed, point, recipe, replicate,
                                checkpoint=self.store.checkpoint(point.key, replicate), beat=self.desk.beat)
        except Exceeded as error:
            self._fail(point, replicate, "runaway", str(error))
            return "failed"
        except Interrupted:
            return "stopped"
        except (KmcgrowthError, ArithmeticError, ValueError, RuntimeError, MemoryError) as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None     # the disk is to blame, not the point
            self._fail(point, replicate, "failed", str(error) or type(error).__name__)
            return "failed"
        size = 0
        if self.study.record == "datasets":
            size = self._keep(dataset, path)
        self._done(point, replicate, dataset, size)
        with suppress(FileNotFoundError):
            self.store.checkpoint(point.key, replicate).unlink()
        return "done"

    def _done(self, point: Point, replicate: int, dataset: xr.Dataset, size: int) -> None:
        self.recorder.append({"key": point.key, "replicate": replicate, "bytes": size, **summarize(dataset)})

    def _fail(self, point: Point, replicate: int, kind: str, reason: str) -> None:
        reason = " ".join(reason.split())
        self.recorder.append({"key": point.key, "replicate": replicate, "kind": kind, "reason": reason})

    def _keep(self, dataset: xr.Dataset, path: Path) -> int:
        """Write the dataset of a run under its name, all at once; its size [bytes]."""
        from kmcgrowth.netcdf import write

        path.parent.mkdir(exist_ok=True)
        draft = self.desk.draft()
        try:
            write(dataset, draft)
            size = draft.stat().st_size
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return size


def simulated(
    study: Study, seed: int, point: Point, recipe: Recipe, replicate: int, *,
    checkpoint: Path | None = None, beat: Callable[[], None] | None = None,
) -> xr.Dataset:
    """One run of a point.

    Raises
    ------
    Exceeded
        If it goes beyond a limit of the study.
    Interrupted
        If the worker is asked to end; the state is in ``checkpoint`` if the run had taken long.
    """
    from kmcgrowth.simulate import simulate

    watch = _Watch(study.limits, beat)
    resume = checkpoint is not None and checkpoint.exists()
    try:
        dataset = simulate(
            recipe, rng=np.random.SeedSequence(seed, spawn_key=point.words), replicate=replicate, method=study.method,
            snapshots=[0.0, recipe.simulation.duration] if study.record == "summaries" else None,
            stop=watch.stop, progress=watch.progress, checkpoint=checkpoint, resume=resume,
        )
    except Interrupted:
        if watch.reason:
            raise Exceeded(watch.reason) from None
        raise
    if dataset.attrs["complete"]:
        return dataset
    if watch.reason:
        raise Exceeded(watch.reason)
    raise Interrupted("the worker was asked to end.")


class _Watch:
    """Ends a run that goes beyond a limit, or whose worker is asked to end."""

    def __init__(self, limits: Limits, beat: Callable[[], None] | None) -> None:
        self.limits, self.beat = limits, beat
        self.reason = ""
        self._began = perf_counter()

    def stop(self) -> bool:
        limits = self.limits
        if self.beat is not None:
            self.beat()
        if limits.wall_time is not None and perf_counter() - self._began > limits.wall_time:
            self.reason = f"took more than {limits.wall_time:g} s"
        if limits.memory is not None and (used := _memory()) > limits.memory:
            self.reason = f"took {used / 1e9:.3g} GB of memory, more than {limits.memory / 1e9:.3g} GB"
        return bool(self.reason) or _stop.is_set()

    def progress(self, time: float, events: int) -> None:
        if self.limits.events is not None and events > self.limits.events:
            self.reason = f"took more than {self.limits.events:g} events"


def _memory() -> float:
    """Resident memory of this process, 0 where the system does not tell [bytes]."""
    try:
        with open("/proc/self/statm") as file:
            return float(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0.0


def _readable(path: Path) -> xr.Dataset | None:
    """The dataset in a file, None if it is damaged."""
    from kmcgrowth.results import load

    try:
        return load(path)
    except BadInput:
        return None


__all__ = ["Exceeded", "Outcome", "Task", "mind_the_driver", "simulated", "work"]
