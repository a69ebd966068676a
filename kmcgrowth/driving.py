"""Replicates of a run, taken through their snapshots in threads, with checkpoints, progress and a way to stop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from time import perf_counter
from typing import Any

import numpy as np

from kmcgrowth import checkpoint as store
from kmcgrowth.model.run import Counts, Run
from kmcgrowth.model.types import Model
from kmcgrowth.seeding import Seeding

CHECKPOINT_SECONDS = 60.0
"""Wall time between two checkpoints of a run that nobody interrupts; one takes some 0.03 s for 10⁵ particles [s]."""


class Drive:
    """Takes every replicate through the snapshots, and keeps what a checkpoint needs.

    Parameters
    ----------
    model, engine : what is run
    seeds : of the replicates
    which : numbers of the replicates
    header : what a checkpoint says of its run
    checkpoint, progress, stop : as ``kmcgrowth.simulate.simulate`` has them

    Attributes
    ----------
    tracks : number of a replicate -> its ``history`` (Counts at the snapshots so far), ``wall`` [s], ``notes``,
        ``done`` and, where it is not done, the ``state`` of its engine
    """

    def __init__(
        self, model: Model, engine: Callable[[Model, np.random.Generator], Run], seeds: Seeding, which: Sequence[int],
        header: dict[str, Any], checkpoint: str | os.PathLike[str] | None,
        progress: Callable[[float, int], None] | None, stop: Callable[[], bool] | None,
    ) -> None:
        self.model, self.engine, self.seeds, self.which = model, engine, seeds, which
        self.header, self.checkpoint, self.progress, self.stop = header, checkpoint, progress, stop
        self.tracks: dict[int, dict[str, Any]] = {}
        self.halt = threading.Event()
        self._shown: dict[int, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._written = perf_counter()

    def load(self, tracks: dict[str, dict[str, Any]]) -> None:
        """Take the replicates of a checkpoint."""
        for key, track in tracks.items():
            history = [Counts(**counts) for counts in track["history"]]
            self.tracks[int(key)] = track | {"history": history}
            if history:
                self._shown[int(key)] = (history[-1].time, int(history[-1].tallies.get("events", 0)))

    def run(self, workers: int | None) -> None:
        """Run what is not done; afterwards every replicate has a track."""
        left = [i for i in self.which if not self.tracks.get(i, {}).get("done")]
        threads = min(len(left), processors(), workers or len(self.which))
        if threads <= 1:
            for i in left:
                self._replicate(i)
        else:
            with ThreadPoolExecutor(threads, thread_name_prefix="replicate") as pool:
                futures = [pool.submit(self._guarded, i) for i in left]
                try:
                    for future in futures:
                        future.result()
                except BaseException:
                    self.halt.set()
                    pool.shutdown(cancel_futures=True)
                    raise
        if self.halt.is_set():
            self._write()

    def _guarded(self, replicate: int) -> None:
        try:
            self._replicate(replicate)
        except BaseException:
            self.halt.set()
            raise

    def _replicate(self, replicate: int) -> None:
        track = self.tracks.get(replicate, {"state": None, "history": [], "wall": 0.0, "notes": [], "done": False})
        if self.halt.is_set():
            self._keep(replicate, track)
            return
        history: list[Counts] = list(track["history"])
        times = self.model.snapshots
        wall, began = float(track["wall"]), perf_counter()
        kept = began
        run = self.engine(self.model, self.seeds.generator(replicate))
        if track["state"] is not None:
            run.restore(track["state"])

        def due() -> bool:
            late = self.checkpoint is not None and perf_counter() - kept > CHECKPOINT_SECONDS
            return late or self._stopped()

        def show(time: float, events: int) -> None:
            self._show(replicate, time, events)

        show(run.time, run.events)
        while len(history) < times.size:
            if run.advance(float(times[len(history)]), stop=due, progress=show):
                history.append(run.counts())
                continue
            # The live state may have passed snapshots of the window it was in; they can only be shown now.
            while len(history) < times.size and times[len(history)] <= run.time:
                run.advance(float(times[len(history)]))
                history.append(run.counts())
            spent = wall + perf_counter() - began
            track = {"history": list(history), "wall": spent, "notes": _notes(run), "done": False}
            self._keep(replicate, track | {"state": run.state()})
            kept = perf_counter()
            if self.halt.is_set() and len(history) < times.size:
                return
        spent = wall + perf_counter() - began
        track = {"history": history, "wall": spent, "notes": _notes(run), "done": True}
        self._keep(replicate, track | {"state": None})
        show(float(times[-1]), int(history[-1].tallies.get("events", run.events)))

    def _stopped(self) -> bool:
        if not self.halt.is_set() and self.stop is not None and self.stop():
            self.halt.set()
        return self.halt.is_set()

    def _show(self, replicate: int, time: float, events: int) -> None:
        if self.progress is None:
            return
        with self._lock:
            self._shown[replicate] = (min(time, self.model.duration), events)
            seen = self._shown.values()
            self.progress(sum(t for t, _ in seen) / len(self.which), sum(e for _, e in seen))

    def _keep(self, replicate: int, track: dict[str, Any]) -> None:
        with self._lock:
            self.tracks[replicate] = track
            if perf_counter() - self._written > CHECKPOINT_SECONDS and not self.halt.is_set():
                self._write()

    def _write(self) -> None:
        if self.checkpoint is None:
            return
        tracks = {
            str(i): track | {"history": [_plain(counts) for counts in track["history"]]}
            for i, track in sorted(self.tracks.items())
        }
        store.write(self.checkpoint, self.header | {"seed": self.seeds.plain(), "tracks": tracks})
        self._written = perf_counter()


def _notes(run: Run) -> list[str]:
    """What the engine warns about, if it ever does."""
    notes = getattr(run, "notes", None)
    return list(notes()) if callable(notes) else []


def _plain(counts: Counts) -> dict[str, Any]:
    return {f.name: getattr(counts, f.name) for f in fields(counts)}


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
