"""What has become of a study, in words."""

from __future__ import annotations

import os
from collections import Counter

from kmcgrowth.studies.store import Store
from kmcgrowth.studies.sweep import replicates_of

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
    progress, running = store.progress(), store.running()
    keys = dict.fromkeys(point.key for point in points)
    each = replicates_of(study)
    done = sum((key, r) in progress.done for key in keys for r in range(each))
    failed = [(key, r) for key in keys for r in range(each) if (key, r) in progress.failed]
    total = len(keys) * each
    lines = [
        f"study    {study.title or '(no title)'}",
        f"points   {len(keys)}" + (f" with {each} replicates" if each > 1 else ""),
        f"done     {done} of {total} runs",
        f"running  {len(running)}" + "".join(f"\n         {w['key'][:8]} on {w['host']}" for w in running[:SHOWN]),
        f"failed   {len(failed)}",
    ]
    reasons = Counter(str(progress.failed[run]["reason"]) for run in failed)
    lines += [f"         {number} times: {reason}" for reason, number in reasons.most_common(SHOWN)]
    if progress.torn:
        lines.append(f"note     {progress.torn} records were cut short by a kill or a full disk and do not count")
    if done + len(failed) < total:
        lines.append("the same sweep goes on with what is missing")
    return "\n".join(lines)


__all__ = ["study_status"]
