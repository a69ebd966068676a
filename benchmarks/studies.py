"""How much a study costs besides its runs: python benchmarks/studies.py [--points 100000] [--dask]

Prints the time per point with whole datasets and with summaries, and how a driver bears a hundred thousand points whose
engine takes no time.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from studies import study_file

from kmcgrowth.studies import Study, load_study, open_study, parse_study, study_status, sweep
from kmcgrowth.studies import work as worker
from kmcgrowth.studies.records import Recorder
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.summary import BY_POPULATION, SCALARS
from kmcgrowth.studies.sweep import prepare


def prepared(folder: Path, record: str, number: int, width: int = 1) -> tuple[Path, Store, str]:
    """A study of ``6 number width`` points of one run."""
    more = f'"seeds.0.relative_std" = {{ from = 0.05, to = 0.2, number = {number} }}\n'
    if width > 1:
        more += f'"seeds.0.diameter" = {{ from = "2 nm", to = "3 nm", number = {width} }}\n'
    path = study_file(folder, record, more, replicates=1)
    store = Store(folder / "out")
    return path, store, prepare(load_study(path), store)[1]


def overhead(record: str, chunks: int = 7, size: int = 30) -> tuple[float, float]:
    """Time per point in a worker, engine included, and of the engine alone [s]."""
    with tempfile.TemporaryDirectory() as name:
        _, store, stamp = prepared(Path(name), record, 64)
        worker.work(str(store.folder), stamp, [(i, (0,)) for i in range(5)])
        spent = []
        for k in range(chunks):
            began = time.perf_counter()
            worker.work(str(store.folder), stamp, [(5 + k * size + i, (0,)) for i in range(size)])
            spent.append((time.perf_counter() - began) / size)
        engine = [record["wall_seconds"] for record in store.records.progress().done.values()]
    return statistics.median(spent), statistics.median(engine)


class Trivial(Executor):
    """Writes down at once that a point is done."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.recorder = Recorder(store.records, "trivial")
        self.points = store.open()[1]
        self.first: float | None = None

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[override]
        """Take the batch that a worker would be given."""
        if self.first is None:
            self.first = time.perf_counter()
        _, _, batch, _ = args
        outcomes = []
        for number, replicates in batch:
            numbers = {key: [1.0, 1.0, 1.0] for key in BY_POPULATION} | dict.fromkeys(SCALARS, 1.0)
            for replicate in replicates:
                key = self.points[number].key
                self.recorder.append({"key": key, "replicate": replicate, "bytes": 0, "method": "none", **numbers})
            outcomes.append(worker.Outcome(number, len(replicates), 0, 1e-6))
        future: Future[Any] = Future()
        future.set_result(outcomes)
        return future


def many(points: int) -> None:
    """A driver and a look at a study of so many points."""
    with tempfile.TemporaryDirectory() as name:
        path, store, _ = prepared(Path(name), "summaries", points // 600, 100)
        trivial = Trivial(store)
        began = time.perf_counter()
        tally = sweep(load_study(path), store.folder, executor=trivial, workers=2)
        took = time.perf_counter() - began
        assert trivial.first is not None
        print(f"| {tally.done} points: until the first is handed out | {trivial.first - began:.2f} s |")
        print(f"| the whole sweep, the records included | {took:.1f} s |")
        for text, look in (("status", study_status), ("open_study", open_study)):
            began = time.perf_counter()
            look(store.folder)
            print(f"| {text} | {time.perf_counter() - began:.2f} s |")
        began = time.perf_counter()
        again = Trivial(store)
        sweep(load_study(path), store.folder, executor=again, workers=2)
        print(f"| the sweep again, with nothing missing | {time.perf_counter() - began:.2f} s |")
    print(f"| memory of the driver at its peak | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB |")


def scaling() -> None:
    """One worker against two, as local processes and on a Dask cluster: 49 points of rate and temperature."""
    from distributed import Client, LocalCluster

    runs = Path(__file__).parents[1] / "runs"
    text = (runs / "inas_rate_temperature.toml").read_text(encoding="utf-8")
    for old, new in (("number = 24", "number = 7"), ('"balance"', '"exact"'),
                     ("[axes.", '[changes]\n"simulation.particles" = 10_000\n[axes.')):
        text = text.replace(old, new, 1 if "[" in old else -1)
    study = parse_study(text, directory=runs)
    with tempfile.TemporaryDirectory() as name:
        for how in ("processes", "Dask"):
            spent = {}
            for workers in (1, 2):
                folder = Path(name) / f"{how}-{workers}"
                if how == "processes":
                    spent[workers] = timed(study, folder, workers=workers)
                    continue
                local = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
                with LocalCluster(**local) as cluster, Client(cluster) as client:
                    spent[workers] = timed(study, folder, executor=client.get_executor(pure=False), workers=workers)
            print(f"| {how}: one worker, two | {spent[1]:.1f} s, {spent[2]:.1f} s: {spent[1] / spent[2]:.2f} times |")


def timed(study: Study, folder: Path, **how: Any) -> float:
    """Seconds that a sweep takes."""
    began = time.perf_counter()
    tally = sweep(study, folder, **how)
    assert tally.done == tally.total, tally
    return time.perf_counter() - began


def main() -> None:
    """Print two tables, and with --dask a third."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--dask", action="store_true")
    asked = parser.parse_args()
    if asked.dask:
        scaling()
        return
    print("| record | time per point (ms) | of it in the engine (ms) |\n|---|---|---|")
    for record in ("datasets", "summaries"):
        whole, engine = overhead(record)
        print(f"| {record} | {1e3 * whole:.1f} | {1e3 * engine:.1f} |")
    print("\n| a study of many points | |\n|---|---|")
    many(asked.points)


if __name__ == "__main__":
    main()
