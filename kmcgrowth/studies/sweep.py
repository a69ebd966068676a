"""The driver of a study: finds what is missing, hands it to an executor, and counts what comes back."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kmcgrowth.errors import BadInput, KmcgrowthError
from kmcgrowth.seeding import LARGEST_SEED
from kmcgrowth.simulate import processors
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.store import Progress, Run, Store
from kmcgrowth.studies.study import Study
from kmcgrowth.studies.work import Outcome, Task, mind_the_driver, work

AHEAD = 3
"""Tasks that wait for each worker, so that none ever waits for the driver."""

BATCH_SECONDS = 0.25
"""Work in a task where points are short [s]."""

DEATHS = 2
"""Workers that may die of one point before it is given up."""


@dataclass
class Tally:
    """How far a sweep is.

    Attributes
    ----------
    total, known, done, failed : int, runs of the study, those known at the start, and those that came since
    stopped : bool, whether it was asked to end
    """

    total: int = 0
    known: int = 0
    done: int = 0
    failed: int = 0
    stopped: bool = False
    dead: dict[int, int] = field(default_factory=dict)


def sweep(
    study: Study,
    folder: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    shard: tuple[int, int] | None = None,
    retry: bool = False,
    progress: Callable[[Tally], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Tally:
    """Run what a study asks for and is not in its folder yet.

    Parameters
    ----------
    study : Study
    folder : where the results go; a sweep that was begun there is continued
    executor : any ``concurrent.futures.Executor`` whose workers see the folder; by default local processes
    workers : number of local processes, or of workers of the executor; by default one per processor
    shard : (i, n), run only the i-th of n parts, i from 1
    retry : whether runs that failed are tried again
    progress : called as results come
    stop : asked about ten times a second; True ends the sweep, with what is done kept

    Returns
    -------
    Tally

    Raises
    ------
    BadInput
        If the study, its recipe or the folder cannot be used.
    """
    store = Store(folder)
    points, stamp = prepare(study, store)
    if retry:
        store.forget_failures()
    known = store.progress()
    tally = Tally(total=len(points) * replicates_of(study))
    tasks = deque(missing(points, study, store, known, shard, tally))
    number = workers or processors()
    if progress is not None:
        progress(tally)
    if not tasks:
        return tally
    crowd = min(number, len(tasks))
    threads = max(1, number // crowd) if executor is None else 1
    crew = _Crew(str(Path(folder).absolute()), stamp, threads, crowd if executor is None else number, executor)
    try:
        crew.run(tasks, tally, progress, stop)
    finally:
        crew.close(tally.stopped)
    return tally


def prepare(study: Study, store: Store) -> tuple[Points, str]:
    """Check the study, begin its folder or go on in it; its points and the digest of the manifest."""
    seed = study.seed
    if store.manifest.exists():
        seed = int(store.read_manifest()["seed"]) if seed is None else seed
    elif seed is None:
        seed = secrets.randbelow(LARGEST_SEED)
    files = Points(study, seed).check()
    study = study.model_copy(update={"recipe_files": files})
    manifest = store.begin(study, files, seed)
    text = store.manifest.read_bytes()
    return Points(study, int(manifest["seed"])), hashlib.sha256(text).hexdigest()


def replicates_of(study: Study) -> int:
    """Runs of a point: those of the balance are all the same."""
    return 1 if study.method == "balance" else study.replicates


def missing(
    points: Points, study: Study, store: Store, known: Progress, shard: tuple[int, int] | None, tally: Tally
) -> Iterator[Task]:
    """What is to be run, in the order of the points."""
    part, parts = shard or (1, 1)
    if not 1 <= part <= parts:
        raise BadInput(f"--shard: {part}/{parts} is not possible; give i/n with i from 1 to n.")
    seen: set[str] = set()
    tally.total = 0
    for point in points:
        if point.number % parts != part - 1 or point.key in seen:
            continue
        if len(points.shape) > 1 or study.sampling is None:
            seen.add(point.key)
        wanted = range(replicates_of(study))
        left = tuple(r for r in wanted if not _known(study, store, known, (point.key, r)))
        tally.total += len(wanted)
        tally.known += len(wanted) - len(left)
        if left:
            yield point.number, left


def _known(study: Study, store: Store, known: Progress, run: Run) -> bool:
    if run in known.failed:
        return True
    record = known.done.get(run)
    if record is None:
        return False
    if study.record == "summaries":
        return True
    try:
        return store.dataset(*run).stat().st_size == record["bytes"]
    except OSError:
        return False


class _Crew:
    """An executor with a few tasks ahead of each worker; workers that die are replaced."""

    def __init__(self, folder: str, stamp: str, threads: int, workers: int, executor: Executor | None) -> None:
        self.folder, self.stamp, self.threads, self.workers = folder, stamp, threads, workers
        self.given = executor
        self.executor = executor or self._local()
        self.batch = 1

    def _local(self) -> Executor:
        from multiprocessing import get_context

        return ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=mind_the_driver)

    def run(
        self, tasks: deque[Task], tally: Tally, progress: Callable[[Tally], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        """Hand out all tasks; comes back when they are done or ``stop`` says so."""
        pending: dict[Future[list[Outcome]], list[Task]] = {}
        while (tasks or pending) and not tally.stopped:
            while tasks and len(pending) < AHEAD * self.workers:
                batch = self._take(tasks)
                try:
                    pending[self.executor.submit(work, self.folder, self.stamp, batch, self.threads)] = batch
                except BrokenExecutor:
                    tasks.extendleft(reversed(batch))
                    break
            ready, _ = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
            broken: list[Task] = []
            for future in ready:
                batch = pending.pop(future)
                try:
                    self._count(future.result(), tally)
                except BrokenExecutor:
                    broken += batch
            if broken:
                for batch in pending.values():
                    broken += batch
                pending.clear()
                self._mourn(broken, tasks, tally)
            if progress is not None and ready:
                progress(tally)
            tally.stopped = tally.stopped or bool(stop is not None and stop())

    def _take(self, tasks: deque[Task]) -> list[Task]:
        """A batch; towards the end single points, so that all workers end together."""
        size = max(1, min(self.batch, len(tasks) // (2 * AHEAD * self.workers)))
        return [tasks.popleft() for _ in range(size)]

    def _count(self, outcomes: Iterable[Outcome], tally: Tally) -> None:
        for outcome in outcomes:
            tally.done += outcome.done
            tally.failed += outcome.failed
            tally.stopped = tally.stopped or outcome.stopped
            self.batch = max(1, min(int(BATCH_SECONDS / max(outcome.seconds, 1e-6)), 1000, 2 * self.batch))

    def _mourn(self, broken: list[Task], tasks: deque[Task], tally: Tally) -> None:
        """Workers have died: which of their points was to blame is found out by running each alone."""
        if self.given is not None:
            raise KmcgrowthError("the workers are gone; what they had done is kept: run the sweep again to go on.")
        self.executor.shutdown(wait=False, cancel_futures=True)
        suspects = self._suspects(broken)
        for task in suspects:
            tally.dead[task[0]] = tally.dead.get(task[0], 0) + 1
        for task in reversed(broken):
            if tally.dead.get(task[0], 0) > DEATHS:
                self._give_up(task, tally)
            else:
                tasks.appendleft(task)
        self.batch = 1
        self.executor = self._local()

    def _suspects(self, broken: list[Task]) -> list[Task]:
        """The points that were being worked on."""
        import json

        store = Store(self.folder)
        busy = set()
        for path in (store.folder / "running").glob("*.json"):
            try:
                busy.add(json.loads(path.read_text(encoding="utf-8"))["key"])
                path.unlink()
            except (OSError, ValueError):
                continue
        points = store.open()[1]
        return [task for task in broken if points[task[0]].key in busy]

    def _give_up(self, task: Task, tally: Tally) -> None:
        from kmcgrowth.studies.store import Recorder

        store = Store(self.folder)
        recorder = Recorder(store)
        key = store.open()[1][task[0]].key
        for replicate in task[1]:
            recorder.append({"key": key, "replicate": replicate, "kind": "died",
                             "reason": f"its worker died {DEATHS + 1} times, perhaps for lack of memory"})
        recorder.close()
        tally.failed += len(task[1])

    def close(self, now: bool) -> None:
        """Let the workers go."""
        if self.given is not None:
            return
        processes: Any = getattr(self.executor, "_processes", None) or {}
        if now:
            # each writes what it has and ends
            for process in list(processes.values()):
                process.terminate()
        self.executor.shutdown(wait=True, cancel_futures=True)


__all__ = ["Tally", "missing", "prepare", "replicates_of", "sweep"]
