"""The driver of a study: finds what is missing, hands it to an executor, and counts what comes back."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from kmcgrowth.driving import processors
from kmcgrowth.errors import BadInput
from kmcgrowth.seeding import LARGEST_SEED
from kmcgrowth.studies.crew import Crew, Tally
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.records import Progress, Run, at_work
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.study import Study, parse_study
from kmcgrowth.studies.work import Task


def sweep(
    study: Study,
    folder: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | Callable[[], int] | None = None,
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
    workers : number of local processes, or of workers of the executor, now or whenever asked; by default one per
        processor
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
    KmcgrowthError
        If the workers are lost, or cannot write.
    """
    store = Store(folder)
    points, stamp = prepare(study, store)
    known = store.records.progress()
    if retry:
        known.failed.clear()
    tally = Tally()
    tasks = deque(missing(points, study, store, known, shard, tally))
    at_work(store.running)  # clears what the dead have left
    if progress is not None:
        progress(tally)
    if not tasks:
        return tally
    if executor is None:
        number = workers() if callable(workers) else workers or processors()
        crowd = min(number, len(tasks))
        crew = Crew(store, stamp, lambda: crowd, max(1, number // crowd), None)
    else:
        ask = workers if callable(workers) else lambda: workers or processors()
        crew = Crew(store, stamp, ask, 1, executor)
    try:
        crew.run(tasks, tally, progress, stop)
    finally:
        crew.close()
    return tally


def prepare(study: Study, store: Store) -> tuple[Points, str]:
    """Check the study, begin its folder or go on in it; its points and the digest of the manifest."""
    written = parse_study(study.text, recipe=study.recipe_text, files=study.recipe_files)
    if any(getattr(study, key) != getattr(written, key) for key in study.keys):
        raise BadInput("the study was altered after it was read, and its text does not say so; alter the text instead.")
    draft = Points(study, study.seed or 0)
    files = draft.check()
    seed = study.seed
    if store.manifest.exists():
        seed = int(store.read_manifest()["seed"]) if seed is None else seed
    elif seed is None:
        seed = draft.recipe_seed
    study = study.model_copy(update={"recipe_files": files})
    manifest = store.begin(study, files, secrets.randbelow(LARGEST_SEED) if seed is None else seed)
    text = store.manifest.read_bytes()
    return Points(study, int(manifest["seed"])), hashlib.sha256(text).hexdigest()


def missing(
    points: Points, study: Study, store: Store, known: Progress, shard: tuple[int, int] | None, tally: Tally
) -> Iterator[Task]:
    """What is to be run, in the order of the points; counts what there is."""
    part, parts = shard or (1, 1)
    if not 1 <= part <= parts:
        raise BadInput(f"--shard: {part}/{parts} is not possible; give i/n with i from 1 to n.")
    seen: set[str] = set()
    for point in points:
        if point.number % parts != part - 1 or point.key in seen:
            continue
        seen.add(point.key)
        wanted = range(study.repeats)
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


__all__ = ["missing", "prepare", "sweep"]
