"""Measured points laid over a figure of a result."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe.columns import foreign

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_SECONDS = {"time_s": 1.0, "time_min": 60.0, "time_h": 3600.0}
_NEEDED = "it needs the columns time_min (or time_s, time_h) and diameter_nm"


def read_points(path: str | os.PathLike[str]) -> tuple[list[float], list[float]]:
    """Times [s] and diameters [nm] from a CSV file.

    Raises
    ------
    BadInput
        If the file or a column is missing, or a cell is no number.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except IsADirectoryError as error:
        raise BadInput(f'"{path}" is a folder; give the name of a CSV file; {_NEEDED}.') from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f'"{path}" cannot be read as a CSV file; {_NEEDED}.') from error
    head = [cell.strip() for cell in rows[0]] if rows else []
    if mistake := foreign(head, ()):
        raise BadInput(f'"{path}" {mistake}')
    time = next((name for name in _SECONDS if name in head), None)
    if time is None or "diameter_nm" not in head:
        raise BadInput(f'"{path}": {_NEEDED}; its header is "{",".join(head)}".')
    times, diameters = [], []
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            times.append(float(row[head.index(time)]) * _SECONDS[time])
            diameters.append(float(row[head.index("diameter_nm")]))
        except (ValueError, IndexError):
            raise BadInput(f'"{path}", line {line}: two numbers are needed, a time and a diameter.') from None
    if not times:
        raise BadInput(f'"{path}" has a header but no rows of numbers.')
    return times, diameters


def lay_over(figure: Figure, dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Draw measured mean diameters into the panel of the mean diameter.

    Raises
    ------
    BadInput
        If the figure has no such panel, or the file does not fit.
    """
    from kmcgrowth.plots.panels import time_unit
    from kmcgrowth.plots.style import look

    times, diameters = read_points(path)
    _, seconds = time_unit(dataset)
    panels = [ax for ax in figure.axes if ax.get_ylabel() == "mean diameter (nm)"]
    if not panels:
        raise BadInput("--data: this kind of figure shows no mean diameter over time; use overview or history.")
    shown = [t / seconds for t in times]
    with look():
        for ax in panels:
            left, right = ax.get_xlim()
            ax.plot(shown, diameters, "o", color="black", markerfacecolor="none", markersize=4.5, label="measured",
                    clip_on=False, zorder=3)
            ax.set_xlim(min(left, *shown), max(right, *shown))
            ax.legend(loc="best")
