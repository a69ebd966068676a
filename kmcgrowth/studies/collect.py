"""A study as one dataset: its axes are dimensions, its replicates a mean and an interval."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth import intervals
from kmcgrowth.errors import BadInput
from kmcgrowth.studies.axes import coordinate
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.records import Progress
from kmcgrowth.studies.regimes import REGIMES, regime
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.study import Study
from kmcgrowth.studies.summary import BY_POPULATION, POPULATIONS, SCALARS

if TYPE_CHECKING:
    import xarray as xr

SAMPLE = "sample"
"""Dimension of a study whose axes do not cross."""

Part = tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]


def open_study(folder: str | os.PathLike[str]) -> xr.Dataset:
    """Open the folder of a study.

    Parameters
    ----------
    folder : where ``kmcgrowth sweep`` put it; it need not be complete

    Returns
    -------
    xarray.Dataset
        Dimensions are the axes of the study by their keys (``sample`` where they are sampled or zipped). For each
        number that a study keeps of the end of its runs there is the mean over the replicates and, with ``_ci``, the
        95 % interval of that mean (Student's t, NaN with one replicate): ``mean_diameter`` [nm], ``relative_std`` [1]
        and ``number`` by ``population``, ``nucleated_share``, ``ripened_share``, ``initial_relative_std``,
        ``supersaturation``, ``events``, ``wall_seconds``; besides ``regime``, and ``done`` and ``failed`` runs.
        Where datasets are recorded, ``history_...`` variables over ``snapshot`` are read from the files of the points
        when they are needed.

    Raises
    ------
    BadInput
        If it is not the folder of a study.
    """
    import xarray as xr

    from kmcgrowth.studies.histories import histories

    store = Store(folder)
    study, points = store.open()
    progress = store.records.progress()
    keys = [point.key for point in points]
    dims, coordinates = _coordinates(study, points)
    shape = points.shape
    variables = {
        name: (dims + part[0], part[1].reshape(shape + part[1].shape[1:]), part[2])
        for name, part in _numbers(keys, progress, study).items()
    }
    for name, count in zip(("done", "failed"), progress.count(keys, study.repeats), strict=True):
        variables[name] = (dims, count.reshape(shape), {"units": "1", "long_name": f"runs {name}"})
    dataset = xr.Dataset(variables, coordinates)
    dataset.coords["population"] = ("population", np.array(POPULATIONS), {"units": "1"})
    dataset.coords["bound"] = ("bound", np.array(["lower", "upper"]), {"units": "1"})
    known = regime(
        dataset["nucleated_share"].values, dataset["ripened_share"].values,
        dataset["relative_std"].sel(population="all").values, dataset["initial_relative_std"].values,
    )
    dataset["regime"] = (dims, known, {
        "units": "1", "long_name": "regime", "flag_values": np.arange(len(REGIMES)), "flag_meanings": " ".join(REGIMES),
    })
    dataset.attrs.update({
        "title": study.title, "source": study.source or "", "study": study.text, "recipe": study.recipe_text,
        "seed": points.seed, "axes": json.dumps([axis.key for axis in points.axes]),
        "replicates": study.repeats, "method": study.method or "of the recipe",
    })
    if study.record == "datasets" and progress.done:
        dataset = dataset.assign(histories(store, study, keys, progress, dims, shape))
    return dataset


def _coordinates(study: Study, points: Points) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Dimensions, and the coordinates of all keys."""
    found: dict[str, Any] = {}
    crossed = study.sampling is None and study.mode == "cross"
    rows = [] if crossed else [points.changes(n) for n in range(len(points))]
    for axis in points.axes:
        if crossed:
            columns = {axis.key: axis.values, **axis.companions}
        else:
            columns = {key: tuple(row[key] for row in rows) for key in axis.keys}
        for key, values in columns.items():
            labels = axis.labels if key == axis.key and crossed else ()
            numbers, unit = coordinate(values, labels)
            attributes = {"units": unit or "1", "long_name": (axis.label or key) if key == axis.key else key}
            found[key] = (axis.key if crossed else SAMPLE, np.array(numbers), attributes)
    return (tuple(axis.key for axis in points.axes) if crossed else (SAMPLE,)), found


def _numbers(keys: list[str], progress: Progress, study: Study) -> dict[str, Part]:
    """Means and intervals of all numbers, by point."""
    replicates = study.repeats
    found: dict[str, Part] = {}
    wanted = {**{name: (3,) for name in BY_POPULATION}, **{name: () for name in SCALARS}}
    about = BY_POPULATION | SCALARS
    each = {name: np.full((replicates, len(keys), *tail), np.nan) for name, tail in wanted.items()}
    for i, key in enumerate(keys):
        for r in range(replicates):
            record = progress.done.get((key, r))
            if record is not None:
                for name in wanted:
                    each[name][r, i] = record[name]
    for name, values in each.items():
        units, text = about[name]
        tail = ("population",) if name in BY_POPULATION else ()
        known = np.isfinite(values).sum(axis=0)
        total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
        mean = np.where(known > 0, total / np.maximum(known, 1), np.nan)
        found[name] = (tail, mean, {"units": units, "long_name": text})
        bounds = np.stack(intervals.student_interval(values), axis=-1)
        found[f"{name}_ci"] = ((*tail, "bound"), bounds, {"units": units, "long_name": f"95 % interval of the {text}"})
    return found


def write_table(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write the numbers of a study as a table, one row a point: CSV, or Parquet by the ending ``.parquet``.

    Raises
    ------
    BadInput
        If Parquet is asked for and pyarrow is not there.
    """
    from kmcgrowth.files import atomic_path

    table = columns(dataset)
    if str(path).endswith(".parquet"):
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise BadInput('Parquet needs pyarrow: run "pip install kmcgrowth[analysis]", or write .csv.') from None
        with atomic_path(path) as temporary:
            parquet.write_table(pyarrow.table(table), temporary)
        return
    import csv

    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def columns(dataset: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Columns of the table of a study: its keys with their units, then its numbers, populations and bounds apart."""
    dims = [d for d in dataset["done"].dims]
    grid = np.indices([dataset.sizes[d] for d in dims]).reshape(len(dims), -1)
    found: dict[str, NDArray[Any]] = {}
    for name, values in dataset.coords.items():
        if len(values.dims) == 1 and values.dims[0] in dims:
            unit = str(values.attrs.get("units", "1"))
            found[str(name) if unit == "1" else f"{name} [{unit}]"] = values.values[grid[dims.index(values.dims[0])]]
    for name, values in dataset.data_vars.items():
        if str(name).startswith("history_") or values.dims[: len(dims)] != tuple(dims):
            continue
        unit = str(values.attrs.get("units", "1"))
        tail = values.dims[len(dims):]
        flat = values.values.reshape(grid.shape[1], -1)
        for i, place in enumerate(np.ndindex(*(dataset.sizes[d] for d in tail))):
            words = [str(name), *(str(dataset[d].values[p]) for d, p in zip(tail, place, strict=True))]
            found[" ".join(words) + ("" if unit == "1" else f" [{unit}]")] = flat[:, i]
    return found


__all__ = ["SAMPLE", "columns", "open_study", "write_table"]
