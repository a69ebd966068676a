"""Structures from files of other programs: elements and positions. Files are in angstrom, all in Python in nm."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.crystals import FloatArray
from kmcgrowth.units import shown

ANGSTROM = 10.0
"""Angstrom in a nanometre."""

ADVICE = "give a .extxyz, .xyz or .cif file"

XYZ = (".xyz", ".extxyz")

@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms read from a file.

    Attributes
    ----------
    symbols : (atoms,) symbols of the elements
    position : (atoms, 3) [nm]
    cell : (3, 3), a vector a row, zeros where the file has none [nm]
    """

    symbols: NDArray[np.str_]
    position: FloatArray
    cell: FloatArray


def read_structure(path: str | os.PathLike[str], *, name: str | None = None) -> Structure:
    """Read elements and positions from a structure file (extended XYZ, XYZ, CIF, POSCAR, PDB, ...) with ASE.

    Of several frames the last is taken.

    Parameters
    ----------
    path : of the file
    name : what sentences call it, by default the path

    Raises
    ------
    BadInput
        If ASE is not installed, or if the file is missing, holds no atoms or cannot be read.
    """
    name = os.fspath(path) if name is None else name
    if not Path(path).is_file():
        raise BadInput(f'cannot read "{name}": there is no such file.')
    try:
        from ase import io
    except ImportError:
        raise BadInput(f'reading "{name}" needs ase: run "pip install kmcgrowth[structures]".') from None
    try:
        found: Any = io.read(os.fspath(path), index=-1, do_not_split_by_at_sign=True)
    except Exception as error:  # each of its readers raises what it likes, in words of its own
        why = xyz_mistake(path) if name.lower().endswith(XYZ) else ""
        if not why:
            suffix = Path(name).suffix
            why = f"it is no {suffix} file that makes sense" if suffix in (".cif", *XYZ) else "its format is not known"
        raise BadInput(f'cannot read "{name}" as a structure: {why}; {ADVICE}.') from error
    symbols, position = np.array(found.get_chemical_symbols(), dtype=np.str_), found.get_positions() / ANGSTROM
    if not len(symbols) or not np.isfinite(position).all():
        wrong = "positions that are no numbers" if len(symbols) else "no atoms"
        raise BadInput(f'cannot use "{name}": it holds {wrong}; {ADVICE}.')
    return Structure(symbols, position, np.asarray(found.cell) / ANGSTROM)


def parse_structure(text: str, name: str) -> Structure:
    """Read the text of a structure file; XYZ files of symbols and positions need no ASE.

    Raises
    ------
    BadInput
        As ``read_structure``.
    """
    import tempfile

    found = _plain_xyz(text) if name.lower().endswith(XYZ) else None
    if found is not None:
        return found
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_text(text, encoding="utf-8")
        return read_structure(path, name=name)


def xyz_mistake(path: str | os.PathLike[str]) -> str:
    """What is wrong with a file that ought to be XYZ, in a few words; empty where nothing meets the eye."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return "it is no text"
    if not any(line.strip() for line in lines):
        return "it is empty"
    try:
        number = int(lines[0])
    except ValueError:
        return f"its first line is {shown(lines[0].strip(), 20)}, but tells the number of atoms in a .xyz file"
    rows = [line.split() for line in lines[2:] if line.strip()]
    if number < 1:
        return "it holds no atoms"
    if len(rows) < number:
        return f"its first line tells of {number} atoms, but there are rows for {len(rows)}"
    for i, row in enumerate(rows[:number]):
        for word in row[1:4]:
            try:
                float(word)
            except ValueError:
                return f"atom {i + 1} has {shown(word, 20)} for a coordinate"
    return ""


def _plain_xyz(text: str) -> Structure | None:
    """Atoms of a file of one frame whose rows are a symbol and three numbers, perhaps followed by more."""
    lines = text.splitlines()
    try:
        number = int(lines[0])
        rows = [line.split() for line in lines[2:] if line.strip()]
        position = np.array([[float(x) for x in row[1:4]] for row in rows]).reshape(-1, 3)
    except (IndexError, ValueError):
        return None
    properties = lines[1].partition("Properties=")[2].partition(" ")[0].strip('"')
    if len(rows) != number or not number or (properties and not properties.startswith("species:S:1:pos:R:3")):
        return None
    if not np.isfinite(position).all() or not all(row[0].isalpha() for row in rows):
        return None
    return Structure(np.array([row[0] for row in rows], dtype=np.str_), position / ANGSTROM, np.zeros((3, 3)))
