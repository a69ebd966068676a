"""A result in words and tables: the summary of a run, its history as text and as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.intervals import student_interval
from kmcgrowth.observables.dissolved import mean_concentration, mean_supersaturation
from kmcgrowth.plots.clock import clock

if TYPE_CHECKING:
    import xarray as xr

SHOWN = ("all", "seed", "nucleated")


def summary(dataset: xr.Dataset) -> str:
    """The last snapshot in a few lines: mean diameter, relative width with its 95 % interval, births, events.

    Replicates are averaged; only the events are counted over all of them, as the time that they took.
    """
    last = dataset.isel(time=-1)
    runs = int(dataset.sizes.get("replicate", 1))
    a = dataset.attrs
    time = float(last["time"])
    lines = []
    if not int(a.get("complete", 1)):
        lines.append(f"incomplete      stopped at {_time(time)}")
    if runs > 1:
        what = "all alike, as a balance has no noise" if a.get("method") == "balance" else (
            "means per replicate, and intervals of these means")
        lines.append(f"replicates      {runs}; {what}")
    number = _mean(last["number"].sel(population="all"))
    if number > 0:
        mean, width = (_mean(last[name].sel(population="all")) for name in ("mean_diameter", "relative_std"))
        low_d, high_d = _bounds(last["mean_diameter_ci"].sel(population="all"))
        low, high = _bounds(last["relative_std_ci"].sel(population="all"))
        lines.append(f"mean diameter   {mean:.4g} nm{_between(low_d, high_d, 'nm')}")
        lines.append(f"relative width  {100 * width:.4g} %{_between(100 * low, 100 * high, '%')}")
        parts = []
        for population in ("seed", "nucleated"):
            if float(last["number"].sel(population=population).max()) > 0:
                d = _mean(last["mean_diameter"].sel(population=population))
                w = _mean(last["relative_std"].sel(population=population))
                parts.append(f"{population} {d:.4g} nm, {100 * w:.3g} %")
        if len(parts) > 1:
            lines.append("by origin       " + "; ".join(parts))
        between = ""
        if runs > 1:
            low, high = (float(end) for end in student_interval(last["number"].sel(population="all").values))
            between = _between(low, high, "", 6) if high > low else ""
        lines.append(f"particles       {_count(number)} at {_time(time)}{between}")
    else:
        lines.append(f"particles       none at {_time(time)}")
    share = _mean(last["nucleated_share"])
    text = ""
    if math.isfinite(share) and not ("lattice" in a and share == 0.0):  # few seeds: the interval would say nothing
        text = f", {share:.3g} per seed{_between(*_bounds(last['nucleated_share_ci']), '')}"
    lines.append(f"nucleated       {_count(_mean(last['born']))}{text}")
    seeds, born = (_mean(last["dissolved"].sel(origin=o)) for o in ("seed", "nucleated"))
    lines.append(f"dissolved       {_count(seeds + born)} ({_count(seeds)} seeds, {_count(born)} nucleated)")
    events, wall = int(a.get("events", 0)), float(a.get("wall_seconds", 0.0))
    whole = " of all replicates" if runs > 1 else ""
    if a.get("method_choice"):
        lines.append(f"engine          {a['method']}: {a['method_choice']}")
    if a.get("method") == "balance":
        lines.append(f"events          {events:.3g} expected of an exact run; balanced in {wall:.3g} s")
    else:
        speed = f", {events / wall:.3g} events/s" if wall > 0 else ""
        lines.append(f"events          {events}{whole} in {wall:.3g} s{speed}")
    lines += [f"note            {note}" for note in _notes(a)]
    return "\n".join(lines)


def history_table(dataset: xr.Dataset) -> str:
    """The history as a table with a row per snapshot; replicates are averaged.

    Columns: time [s], temperature [K], volume and injected volume [mL], supersaturation [1], and for all particles,
    seeds and nucleated ones the mean diameter [nm], the relative width [%] and their number. Where dissolved atoms are
    counted one by one, the supersaturation is the mean since the row before.
    """
    head = ["time", "T", "volume", "injected", "S"]
    unit = ["s", "K", "mL", "mL", "1"]
    group = ["", "", "", "", ""]
    for population in SHOWN:
        group += [population, "", ""]
        head += ["diameter", "width", "number"]
        unit += ["nm", "%", "1"]
    dataset = dataset.assign(supersaturation=mean_supersaturation(dataset))
    columns = [_averaged(dataset, name) for name in
               ("time", "temperature", "volume", "injected_volume", "supersaturation")]
    for population in SHOWN:
        for name, factor in (("mean_diameter", 1.0), ("relative_std", 100.0), ("number", 1.0)):
            columns.append(factor * _averaged(dataset.sel(population=population), name))
    styles = [".6g", ".5g", ".5g", ".5g", ".4g", *([".4f", ".2f", ".7g"] * len(SHOWN))]
    body = [["-" if np.isnan(x) else format(x, s) for x, s in zip(row, styles, strict=True)]
            for row in np.stack(columns, axis=1)]
    rows: list[list[str]] = [group, head, unit, *body]
    width = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ("  ".join(cell.rjust(w) for cell, w in zip(row, width, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def history_csv(dataset: xr.Dataset) -> str:
    """The history as CSV text in full precision: a row per snapshot (and replicate), units in the column names.

    Where dissolved atoms are counted one by one, supersaturation and monomer are means since the row before.
    """
    dataset = dataset.assign(supersaturation=mean_supersaturation(dataset), concentration=mean_concentration(dataset))
    names = ["time_s", "temperature_K", "volume_mL", "injected_volume_mL", "supersaturation"]
    sources: list[tuple[str, dict[str, str]]] = [
        (n, {}) for n in ("time", "temperature", "volume", "injected_volume", "supersaturation")]
    for population in SHOWN:
        names += [f"mean_diameter_{population}_nm", f"relative_std_{population}", f"number_{population}"]
        sources += [(n, {"population": population}) for n in ("mean_diameter", "relative_std", "number")]
    for species in dataset["species"].values:
        names.append(f"concentration_{species}_mol_per_L")
        sources.append(("concentration", {"species": str(species)}))
    names += ["events", "born", "dissolved_seed", "dissolved_nucleated"]
    sources += [("events", {}), ("born", {}), ("dissolved", {"origin": "seed"}), ("dissolved", {"origin": "nucleated"})]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    replicates: Sequence[int | None] = range(dataset.sizes["replicate"]) if "replicate" in dataset.sizes else [None]
    writer.writerow(names if replicates[0] is None else ["replicate", *names])
    for r in replicates:
        part = dataset if r is None else dataset.isel(replicate=r)
        columns = [part[name].sel(where).values for name, where in sources]
        for t in range(dataset.sizes["time"]):
            row = ["" if c[t] != c[t] else repr(c[t].item()) for c in columns]
            writer.writerow(row if r is None else [str(int(dataset["replicate"].values[r])), *row])
    return out.getvalue()


def _averaged(dataset: xr.Dataset, name: str) -> Any:
    data = dataset[name]
    return (data.mean("replicate") if "replicate" in data.dims else data).values.astype(float)


def _mean(data: xr.DataArray) -> float:
    values = data.values[np.isfinite(data.values)]
    return float(values.mean()) if values.size else math.nan


def _bounds(data: xr.DataArray) -> tuple[float, float]:
    return float(data.sel(bound="lower")), float(data.sel(bound="upper"))


def _between(low: float, high: float, unit: str, digits: int = 4) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" (95 % interval {low:.{digits}g} to {high:.{digits}g}{' ' + unit if unit else ''})"


def _count(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def _time(seconds: float) -> str:
    for unit, factor in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.4g} {unit}"
    return f"{seconds:.4g} s" if seconds >= 1.0 else clock(seconds)


def _notes(attributes: dict[Any, Any]) -> list[str]:
    try:
        return [str(n) for n in json.loads(attributes.get("notes", "[]"))]
    except (TypeError, ValueError):
        return []
