"""Things that change with time or size: temperature programs, rate schedules, tables per size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationInfo

from kmcgrowth.recipe.columns import is_csv, read_columns
from kmcgrowth.recipe.fields import DIAMETER, TEMPERATURE, in_range, read_amount, read_choice, read_whole, under
from kmcgrowth.recipe.problems import Wrong, check_keys
from kmcgrowth.units import describe, shown

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """Read-only columns of equal length; two tables are equal if all their values are."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Program(Table):
    """A quantity that is linear between points in time and constant outside them.

    Attributes
    ----------
    times : (k,) array, strictly increasing [s]
    values : (k,) array [K for a temperature]
    """

    times: FloatArray
    values: FloatArray

    @property
    def constant(self) -> bool:
        """Whether the value never changes."""
        return bool(np.all(self.values == self.values[0]))

    def __call__(self, time: Any) -> Any:
        """The value at a time [s]."""
        return np.interp(time, self.times, self.values)


@dataclass(frozen=True, eq=False)
class Schedule(Table):
    """A quantity that holds from each time to the next, and is zero before the first.

    Attributes
    ----------
    times : (k,) array, strictly increasing [s]
    values : (k,) array [m^3/s for a rate]; the last one holds from then on
    """

    times: FloatArray
    values: FloatArray

    def __call__(self, time: Any) -> Any:
        """The value at a time [s]."""
        place = np.searchsorted(self.times, time, side="right") - 1
        return np.where(place >= 0, self.values[place], 0.0)[()]

    def total(self, until: float | None = None) -> float:
        """The integral from the start to ``until`` [s]; by default for ever, which may be inf."""
        end = np.inf if until is None else until
        spans = np.clip(np.append(self.times[1:], np.inf), None, end) - np.clip(self.times, None, end)
        used = self.values > 0.0
        return float(np.sum(self.values[used] * spans[used]))


@dataclass(frozen=True, eq=False)
class Diameters(Table):
    """Measured diameters.

    Attributes
    ----------
    file : name of the CSV file
    values : (k,) array [m]
    """

    file: str
    values: FloatArray


@dataclass(frozen=True, eq=False)
class FreeEnergies(Table):
    """Free energy of a particle per size.

    Attributes
    ----------
    file : name of the CSV file
    units : (k,) array, strictly increasing [formula units]
    values : (k,) array [J]
    """

    file: str
    units: IntArray
    values: FloatArray


@dataclass(frozen=True)
class LayeredEnergies:
    """Free energies of tetrahedra that grow by whole layers.

    Attributes
    ----------
    layers : of the largest tetrahedron; a sphere continues
    step_energy : of the edge of a layer, or None: the surface energy times the height of a layer [J/m]
    """

    layers: int
    step_energy: float | None = None


@dataclass(frozen=True, eq=False)
class RateTable(Table):
    """Attachment and detachment rates per size.

    Attributes
    ----------
    file : name of the CSV file
    units : (k,) array, strictly increasing [formula units]
    attach : (k,) array, per monomer concentration [m^3/s]
    detach : (k,) array [1/s]
    """

    file: str
    units: IntArray
    attach: FloatArray
    detach: FloatArray


def _points(
    given: Any, dimension: str, key: str, info: ValidationInfo, **limits: Any
) -> tuple[FloatArray, FloatArray]:
    """Times and values from a list of [time, value] or a CSV file."""
    example = f'[["0 min", {shown(describe(dimension)[1])}], ...]'
    if is_csv(given):
        rows, lines = read_columns(given.strip(), {"time": "s", key: dimension}, info)
        for value, line in zip(rows[:, 1], lines, strict=True):
            try:
                in_range(float(value), float(value), dimension, **limits)
            except Wrong as wrong:
                raise Wrong(f"{shown(given)}, line {line}: {wrong.sentence}") from None
        _check_times(rows[:, 0], lambda i: f"{shown(given)}, line {lines[i]}: the time", lambda i: ())
        return rows[:, 0].copy(), rows[:, 1].copy()
    if not isinstance(given, list) or not given:
        raise Wrong(f"{shown(given)} is not a program; write points in time, {example}.")
    points = np.empty((len(given), 2))
    for i, point in enumerate(given):
        if not isinstance(point, list) or len(point) != 2:
            raise Wrong(f"{shown(point)} is not a pair of a time and a value; write {example}.", i)
        for j, (what, bounds) in enumerate((("s", {}), (dimension, limits))):
            try:
                points[i, j] = read_amount(point[j], what, **bounds)
            except Wrong as wrong:
                raise Wrong(wrong.sentence, i, j) from None
    _check_times(points[:, 0], lambda i: f"the time {shown(given[i][0])}", lambda i: (i, 0))
    return points[:, 0].copy(), points[:, 1].copy()


def _check_times(
    times: FloatArray, called: Callable[[int], str], path: Callable[[int], tuple[int, ...]]
) -> None:
    if times[0] < 0.0:
        raise Wrong(f"{called(0)} lies before the start of the run; times count from 0.", *path(0))
    late = np.flatnonzero(np.diff(times) <= 0.0)
    if late.size:
        i = int(late[0]) + 1
        raise Wrong(f"{called(i)} goes back; each time must be later than the one before it.", *path(i))


def read_temperature(given: Any, info: ValidationInfo) -> Program:
    """A constant temperature, a list of [time, temperature] or a CSV log."""
    if isinstance(given, list) or is_csv(given):
        return Program(*_points(given, "K", "temperature", info, **TEMPERATURE))
    return Program(np.zeros(1), np.array([read_amount(given, "K", **TEMPERATURE)]))


def read_rate(given: Any, start: float, info: ValidationInfo) -> Schedule:
    """A constant rate from ``start`` [s] on, a list of [time, rate] or a CSV log."""
    if isinstance(given, list) or is_csv(given):
        schedule = Schedule(*_points(given, "m^3/s", "rate", info, low=0.0))
        if not np.any(schedule.values > 0.0):
            raise Wrong("never pushes anything; a rate above zero is needed at some time.")
        return schedule
    return Schedule(np.array([start]), np.array([read_amount(given, "m^3/s", above=0.0)]))


def _csv(given: Any, header: str) -> str:
    if not is_csv(given):
        raise Wrong(f"{shown(given)} is not the name of a CSV file; one with the header {shown(header)} is needed.")
    return str(given).strip()


def _sizes(rows: FloatArray, lines: list[int], file: str) -> IntArray:
    sizes = rows[:, 0]
    for i, (size, line) in enumerate(zip(sizes, lines, strict=True)):
        if size != np.rint(size) or not 1 <= size < 2**53:
            raise Wrong(f"{shown(file)}, line {line}: {size:g} is not a whole number of formula units.")
        if i and size <= sizes[i - 1]:
            raise Wrong(f"{shown(file)}, line {line}: {size:g} formula units are not more than in the row before.")
    return sizes.astype(np.int64)


def read_diameters(given: Any, info: ValidationInfo) -> Diameters:
    """A column of diameters."""
    file = _csv(given, "diameter_nm")
    rows, lines = read_columns(file, {"diameter": "m"}, info)
    for value, line in zip(rows[:, 0], lines, strict=True):
        try:
            in_range(float(value), f"{value * 1e9:g} nm", "m", above=0.0, **DIAMETER)
        except Wrong as wrong:
            raise Wrong(f"{shown(file)}, line {line}: {wrong.sentence}") from None
    return Diameters(file, rows[:, 0].copy())


def read_free_energies(given: Any, info: ValidationInfo) -> FreeEnergies | LayeredEnergies:
    """Columns of formula units and free energy, or a rule that makes them."""
    if isinstance(given, dict):
        check_keys(given, ("rule", "layers", "step_energy"))
        under("rule", lambda rule: read_choice(rule, ("tetrahedra",)), given.get("rule"))
        step = given.get("step_energy")
        return LayeredEnergies(
            under("layers", lambda n: read_whole(n, 2, 30), given.get("layers", 10)),
            None if step is None else under("step_energy", lambda e: read_amount(e, "J/m", low=0.0), step),
        )
    file = _csv(given, "formula_units,free_energy_eV")
    rows, lines = read_columns(file, {"formula_units": "1", "free_energy": "J/molecule"}, info)
    return FreeEnergies(file, _sizes(rows, lines, file), rows[:, 1].copy())


def read_rate_table(given: Any, info: ValidationInfo) -> RateTable:
    """Columns of formula units, attach and detach rates."""
    file = _csv(given, "formula_units,attach_nm3_per_s,detach_per_s")
    rows, lines = read_columns(file, {"formula_units": "1", "attach": "m^3/s", "detach": "1/s"}, info)
    for row, line in zip(rows, lines, strict=True):
        if np.any(row[1:] < 0.0):
            raise Wrong(f"{shown(file)}, line {line}: a rate must not be negative.")
    return RateTable(file, _sizes(rows, lines, file), rows[:, 1].copy(), rows[:, 2].copy())
