"""A small recipe and studies of it that take milliseconds a point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "2 nm"
relative_std = 0.1
concentration = "0.1 mM"
[[injection]]
rate = "6 mL/hour"
volume = "1 mL"
contents = { monomer = "20 mM" }
[simulation]
method = "exact"
particles = 40
duration = "2 min"
snapshots = 3
"""

STUDY = """
title = "small"
recipe = "small.toml"
seed = 5
replicates = 2
record = "{record}"
[axes]
"injection.0.rate" = ["2 mL/hour", "6 mL/hour", "20 mL/hour"]
"flask.temperature" = {{ from = "250 degC", to = "300 degC", number = 2 }}
{more}
"""


def study_file(folder: Path, record: str = "datasets", more: str = "") -> Path:
    """Both files in a folder; the path of the study."""
    (folder / "small.toml").write_text(RECIPE, encoding="utf-8")
    path = folder / "study.toml"
    path.write_text(STUDY.format(record=record, more=more), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, Any]:
    """What a study holds, whoever found it: summaries without times, and datasets without what differs anyway."""
    import h5py

    from kmcgrowth.studies.store import Store

    store = Store(folder)
    done = store.progress().done
    found: dict[str, Any] = {}
    for (key, replicate), record in sorted(done.items()):
        found[f"{key}-{replicate}"] = repr({k: v for k, v in record.items() if k not in ("wall_seconds", "bytes")})
    for path in sorted((folder / "points").glob("*/[!.]*.nc")):
        with h5py.File(path) as file:
            found[path.name] = {name: repr(file[name][()].tolist()) for name in file}
    return found
