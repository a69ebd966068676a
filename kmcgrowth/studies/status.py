"""What has become of a study, in words."""

from __future__ import annotations

import os
from collections import Counter

from kmcgrowth.studies.records import at_work
from kmcgrowth.studies.slurm import in_queue
from kmcgrowth.studies.store import Store

SHOWN = 10
"""Failures that are listed one by one."""


def study_status(folder: str | os.PathLike[str]) -> str:
    """Runs done, running and failed, and why.

    Raises
    ------
    BadInput
        If it is not the folder of a study.
    """
    store = Store(folder)
    study, points = store.open()
    progress, running = store.records.progress(), at_work(store.running)
    keys, each = list(dict.fromkeys(point.key for point in points)), study.repeats
    done, failed = (int(count.sum()) for count in progress.count(keys, each))
    total = len(keys) * each
    lines = [
        f"study    {study.title or '(no title)'}",
        f"points   {len(keys)}" + (f" with {each} replicates" if each > 1 else ""),
        f"done     {done} of {total} runs",
        f"running  {len(running)}" + "".join(f"\n         {w['key'][:8]} on {w['host']}" for w in running[:SHOWN]),
        f"failed   {failed}",
    ]
    if jobs := in_queue(store.folder):
        lines.insert(4, f"Slurm    {jobs}")
    wanted = set(keys)
    reasons = Counter(str(r["reason"]) for run, r in progress.failed.items() if run[0] in wanted and run[1] < each)
    lines += [f"         {number} times: {reason}" for reason, number in reasons.most_common(SHOWN)]
    if progress.torn:
        lines.append(f"note     {progress.torn} records were cut short by a kill or a full disk and do not count")
    if done + failed < total:
        lines.append("the same sweep goes on with what is missing")
    return "\n".join(lines)


__all__ = ["study_status"]
