"""Columns of numbers from the CSV files that a recipe names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.units import conversion, shown

MAX_CHARACTERS = 50_000_000
_HEADER = re.compile(r"\s*([A-Za-z_]+?)\s*[\[(]\s*([^\])]*?)\s*[\])]\s*")
_POWER = re.compile(r"([A-Za-zµμÅ]+)(\d)")


class Files:
    """Files of one recipe: read below its folder, or handed over from memory.

    Attributes
    ----------
    directory : folder of the recipe, None where there is none
    given : name -> contents known beforehand
    read : name -> contents of every file asked for so far
    """

    def __init__(self, directory: Path | None = None, given: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.given = dict(given or {})
        self.read: dict[str, str] = {}

    def text(self, name: str) -> str:
        """The contents of a file."""
        if name in self.given:
            self.read[name] = self.given[name]
        if name not in self.read:
            self.read[name] = self._load(name)
        return self.read[name]

    def _load(self, name: str) -> str:
        if self.directory is None:
            raise Wrong(f"{shown(name)} cannot be found: this recipe has no folder; give directory= or files=.")
        try:
            path = self.directory / name
            if path.stat().st_size > MAX_CHARACTERS:
                raise Wrong(f"{shown(name)} is larger than 50 MB; a file with fewer rows is needed.")
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise Wrong(f"{shown(name)} is not UTF-8 text; save it as a CSV file in UTF-8.") from None
        except (OSError, ValueError):
            raise Wrong(f"there is no readable file {shown(name)} beside the recipe.") from None


def is_csv(given: object) -> bool:
    """Whether a text names a CSV file."""
    return isinstance(given, str) and given.strip().lower().endswith(".csv")


def header_unit(cell: str) -> tuple[str, str]:
    """Name and unit of a column: ``time_s``, ``rate_mL_per_min``, ``time [s]`` or ``temperature (degC)``.

    Returns
    -------
    (name with the unit parts still attached for the underscore form, unit text in brackets or "")
    """
    match = _HEADER.fullmatch(cell)
    return (match[1], match[2]) if match else (cell.strip(), "")


def spelled_unit(text: str) -> str:
    """``nm3_per_s`` -> ``nm^3/s``; ``C`` is degrees Celsius."""
    if text in ("C", "celsius"):
        return "degC"
    if text.startswith("per_"):
        text = "_" + text
    numerator, *denominators = text.split("_per_")
    units = ["*".join(_POWER.sub(r"\1^\2", u) for u in part.split("_")) for part in (numerator, *denominators)]
    return "/".join(units)


def read_columns(name: str, columns: dict[str, str], info: ValidationInfo) -> tuple[NDArray[np.float64], list[int]]:
    """Numbers of a CSV file, in SI units.

    Parameters
    ----------
    name : file name
    columns : column name -> dimension, as in ``kmcgrowth.units``; "1" for plain numbers
    info : pydantic's, whose context holds the ``Files`` under "files"

    Returns
    -------
    values : (rows, columns) array [SI]
    lines : line number of every row

    Raises
    ------
    Wrong : header or rows that cannot be used, with the line.
    """
    files = (info.context or {}).get("files") or Files()
    text = files.text(name)
    title = shown(name)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise Wrong(f"{title} is not a CSV file: {error}.") from None
    rows = [(line, row) for line, row in rows if any(c.strip() for c in row) and not row[0].lstrip().startswith("#")]
    if not rows:
        raise Wrong(f"{title} is empty; a header such as {_example(columns)} and rows of numbers are needed.")
    if mistake := foreign(rows[0][1], (row for _, row in rows[1:])):
        raise Wrong(f"{title} {mistake}")
    places = [_place(rows[0][1], key, dimension, title, columns) for key, dimension in columns.items()]
    values = np.empty((len(rows) - 1, len(columns)))
    for i, (line, row) in enumerate(rows[1:]):
        if len(row) != len(rows[0][1]):
            raise Wrong(f"{title}, line {line}, has {len(row)} values, but the header has {len(rows[0][1])}.")
        for j, (place, factor, offset) in enumerate(places):
            try:
                values[i, j] = float(row[place]) * factor + offset
            except ValueError:
                values[i, j] = np.nan
            if not np.isfinite(values[i, j]):
                raise Wrong(f"{title}, line {line}: {shown(row[place])} is not a finite number.")
    if not len(values):
        raise Wrong(f"{title} has a header but no rows of numbers.")
    return values, [line for line, _ in rows[1:]]


def foreign(header: list[str], rows: Iterable[list[str]]) -> str:
    """What to say of a table that a spreadsheet wrote with semicolons, tabs or decimal commas; else nothing."""
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            return f"is separated by {name}; save it with commas between the columns and points in the numbers."
    if any(len(row) == 2 * len(header) and all(cell.strip().isdigit() for cell in row[1::2]) for row in rows):
        return "has decimal commas; save it with commas between the columns and points in the numbers."
    return ""


def _example(columns: dict[str, str]) -> str:
    units = {"s": "time_s", "K": "temperature_C", "m": "diameter_nm", "m^3/s": "rate_mL_per_min",
             "J/molecule": "free_energy_eV", "1": "formula_units", "1/s": "detach_per_s"}
    return shown(",".join(units.get(d, "attach_nm3_per_s" if k == "attach" else k) for k, d in columns.items()))


def _place(
    header: list[str], key: str, dimension: str, title: str, columns: dict[str, str]
) -> tuple[int, float, float]:
    """Where a column is, and the factor and offset of its unit."""
    found: list[tuple[int, str]] = []
    for place, cell in enumerate(header):
        name, unit = header_unit(cell)
        if name == key:
            found.append((place, "degC" if unit == "C" else unit))
        elif not unit and name.startswith(key + "_"):
            found.append((place, spelled_unit(name[len(key) + 1 :])))
    if len(found) != 1:
        fault = "no" if not found else "more than one"
        raise Wrong(f"{title} has {fault} column {shown(key)}; a header such as {_example(columns)} is needed.")
    place, unit = found[0]
    try:
        factor, offset = conversion(unit, dimension)
    except BadInput as error:
        raise Wrong(f"{title}, column {shown(header[place])} {error}") from None
    return place, factor, offset
