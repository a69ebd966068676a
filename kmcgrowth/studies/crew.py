"""Who does the work of a sweep: local processes, or the workers of any other executor."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from kmcgrowth.errors import BadInput, KmcgrowthError
from kmcgrowth.studies.records import Recorder, left_behind
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.work import Outcome, Task, mind_the_driver, work

AHEAD = 3
"""Tasks that wait for each worker, so that none ever waits for the driver."""

BATCH_SECONDS = 0.25
"""Work in a task where points are short [s]."""

DEATHS = 2
"""Workers that may die of one point before it is given up."""

ASK_SECONDS = 2.0
"""A Dask scheduler is asked so often for its workers [s]."""

CONNECT_SECONDS = 30.0
"""Time in which a Dask scheduler has to answer [s]."""

GONE = "the workers are gone; what they had done is kept: run the sweep again to go on."

STILLBORN = (
    'the workers die before they do anything; in a script of your own, call sweep under if __name__ == "__main__":.'
)


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


@contextmanager
def dask(address: str) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """The executor of a Dask cluster, and how many tasks its workers take at a time.

    Raises
    ------
    BadInput
        If distributed is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise BadInput('--dask needs distributed: run "pip install kmcgrowth[cluster]".') from None
    for name in ("distributed", "distributed.client", "distributed.core", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)      # what has to be said is said in a sentence
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(f'--dask: no scheduler answers at "{address}" ({error}); start one: dask scheduler.') from None

    seen, at = 0, -ASK_SECONDS

    def workers() -> int:
        nonlocal seen, at
        if client.status != "running":
            return 0
        if monotonic() - at >= ASK_SECONDS:
            try:
                seen, at = sum(client.nthreads().values()), monotonic()
            except OSError:  # the scheduler has just gone
                return 0
        return seen

    try:
        yield client.get_executor(pure=False), workers
    finally:
        client.close(timeout=5)


class Crew:
    """An executor with a few tasks ahead of each worker; local processes that die are replaced.

    Parameters
    ----------
    store : Store
    stamp : digest of its manifest
    workers : tasks at a time
    threads : runs of one point at a time
    executor : by default local processes
    """

    def __init__(
        self, store: Store, stamp: str, workers: Callable[[], int], threads: int, executor: Executor | None
    ) -> None:
        self.store, self.stamp, self.workers, self.threads = store, stamp, workers, threads
        self.folder = str(store.folder.absolute())
        self.given = executor
        self.executor = executor or self._local()
        self.batch = 1
        self.deaths: Counter[int] = Counter()
        self.stillborn = 0

    def _local(self) -> Executor:
        from multiprocessing import get_context

        return ProcessPoolExecutor(self.workers(), mp_context=get_context("spawn"), initializer=mind_the_driver)

    def run(
        self, tasks: deque[Task], tally: Tally, progress: Callable[[Tally], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        """Hand out all tasks; comes back when they are done or ``stop`` says so.

        Raises
        ------
        KmcgrowthError
            If the workers are lost, or cannot write.
        """
        pending: dict[Future[list[Outcome]], list[Task]] = {}
        try:
            self._run(pending, tasks, tally, progress, stop)
        finally:
            for future in pending:
                future.cancel()

    def _run(
        self, pending: dict[Future[list[Outcome]], list[Task]], tasks: deque[Task], tally: Tally,
        progress: Callable[[Tally], None] | None, stop: Callable[[], bool] | None,
    ) -> None:
        while (tasks or pending) and not tally.stopped:
            ahead = AHEAD * max(self.workers(), 1)
            broken: list[Task] = []
            while tasks and len(pending) < ahead:
                batch = self._take(tasks, ahead)
                try:
                    future = self.executor.submit(work, self.folder, self.stamp, batch, self.threads)
                except (BrokenExecutor, OSError):
                    broken += batch
                    break
                pending[future] = batch
            ready, _ = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in ready:
                batch = pending.pop(future)
                try:
                    self._count(future.result(), tally)
                except BrokenExecutor:
                    broken += batch
                except CancelledError:
                    raise KmcgrowthError(GONE) from None
                except Exception as error:
                    self._despair(error, batch, tasks, tally)
            if broken:
                for batch in pending.values():
                    broken += batch
                pending.clear()
                self._mourn(broken, tasks, tally)
            elif self.given is not None and not ready and self.workers() == 0:
                self._look_after()
            if progress is not None and ready:
                progress(tally)
            tally.stopped = tally.stopped or bool(stop is not None and stop())

    def _take(self, tasks: deque[Task], ahead: int) -> list[Task]:
        """A batch; towards the end single points and then single runs, so that all workers end together."""
        size = max(1, min(self.batch, len(tasks) // (2 * ahead)))
        batch = [tasks.popleft() for _ in range(size)]
        number, replicates = batch[0]
        if len(tasks) < 2 * ahead and len(replicates) > self.threads:
            tasks.appendleft((number, replicates[self.threads :]))
            return [(number, replicates[: self.threads])]
        return batch

    def _count(self, outcomes: Iterable[Outcome], tally: Tally) -> None:
        for outcome in outcomes:
            tally.done += outcome.done
            tally.failed += outcome.failed
            self.stillborn = 0
            tally.stopped = tally.stopped or outcome.stopped
            self.batch = max(1, min(int(BATCH_SECONDS / max(outcome.seconds, 1e-6)), 1000, 2 * self.batch))

    def _mourn(self, broken: list[Task], tasks: deque[Task], tally: Tally) -> None:
        """Local workers have died: which of their points was to blame is found out by running each alone."""
        if self.given is not None:
            raise KmcgrowthError(GONE)
        self.executor.shutdown(wait=True, cancel_futures=True)
        blamed = left_behind(self.store.running)
        self.stillborn = 0 if blamed else self.stillborn + 1
        if self.stillborn > DEATHS:
            raise KmcgrowthError(STILLBORN)
        points = self.store.open()[1]
        self.deaths.update(number for number in {task[0] for task in broken} if points[number].key in blamed)
        tasks.extendleft(reversed(broken))
        for task in [task for task in tasks if self.deaths[task[0]] > DEATHS]:
            tasks.remove(task)
            self._give_up(task, tally)
        self.batch = 1
        self.executor = self._local()

    def _despair(self, error: Exception, batch: list[Task], tasks: deque[Task], tally: Tally) -> None:
        """Workers of a Dask cluster have died of these points; else there is nothing to be done about the error."""
        if type(error).__name__ != "KilledWorker":
            raise error
        self.batch = 1
        if len(batch) > 1:
            tasks.extendleft(reversed(batch))
            return
        self._give_up(batch[0], tally)

    def _give_up(self, task: Task, tally: Tally) -> None:
        key = self.store.open()[1][task[0]].key
        recorder = Recorder(self.store.records, f"lost-{key}")
        for replicate in task[1]:
            recorder.append({"key": key, "replicate": replicate, "kind": "died",
                             "reason": f"its worker died {DEATHS + 1} times, perhaps for lack of memory"})
        tally.failed += len(task[1])

    def _look_after(self) -> None:
        """Nobody works: a cluster whose scheduler has gone never comes back."""
        client: Any = getattr(self.given, "_client", None)
        if client is not None and client.status != "running":
            raise KmcgrowthError(GONE)

    def close(self) -> None:
        """Let the workers go; each writes what it has and ends, also if one that was killed bars the way."""
        if self.given is not None:
            return
        processes: Any = getattr(self.executor, "_processes", None) or {}
        for process in list(processes.values()):
            process.terminate()
        self.executor.shutdown(wait=True, cancel_futures=True)


__all__ = ["Crew", "Tally", "dask"]
