"""State on disk without pickle: nested dicts of numbers, strings and arrays, in one ``.npz`` archive.

The tree is JSON (whole numbers of any size, floats by their shortest exact decimal form); arrays and numpy
scalars lie beside it, bit for bit. Nothing that is read is ever executed.
"""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path

FORMAT = 1
"""Version of the layout of the archive [dimensionless]."""

_TAG = "__kind__"
_TREE = "tree"


def encode(value: Any) -> tuple[str, dict[str, np.ndarray]]:
    """Split a nested value into JSON text and the arrays that it refers to.

    Parameters
    ----------
    value : None, bool, int, float, str, numpy scalar or array, or a list, tuple or dict of these

    Returns
    -------
    text : str, JSON
    arrays : name -> array

    Raises
    ------
    TypeError
        For anything else, object arrays included.
    """
    arrays: dict[str, np.ndarray] = {}

    def keep(array: np.ndarray) -> str:
        if array.dtype.hasobject:
            raise TypeError("an array of Python objects cannot go into a checkpoint")
        name = f"a{len(arrays)}"
        arrays[name] = array
        return name

    def walk(item: Any) -> Any:
        if isinstance(item, np.ndarray):
            return {_TAG: "array", "name": keep(item)}
        if isinstance(item, np.generic):
            return {_TAG: "scalar", "name": keep(np.asarray(item))}
        if item is None or isinstance(item, (bool, int, float, str)):
            return item
        if isinstance(item, list):
            return [walk(x) for x in item]
        if isinstance(item, tuple):
            return {_TAG: "tuple", "items": [walk(x) for x in item]}
        if isinstance(item, dict):
            if all(isinstance(k, str) for k in item) and _TAG not in item:
                return {k: walk(v) for k, v in item.items()}
            return {_TAG: "dict", "items": [[walk(k), walk(v)] for k, v in item.items()]}
        raise TypeError(f"a {type(item).__name__} cannot go into a checkpoint")

    return json.dumps(walk(value)), arrays


def decode(text: str, arrays: dict[str, np.ndarray]) -> Any:
    """Inverse of `encode`."""

    def walk(item: Any) -> Any:
        if isinstance(item, list):
            return [walk(x) for x in item]
        if not isinstance(item, dict):
            return item
        kind = item.get(_TAG)
        if kind is None:
            return {k: walk(v) for k, v in item.items()}
        if kind == "array":
            return arrays[item["name"]]
        if kind == "scalar":
            return arrays[item["name"]][()]
        if kind == "tuple":
            return tuple(walk(x) for x in item["items"])
        return {walk(k): walk(v) for k, v in item["items"]}

    return walk(json.loads(text))


def write(path: str | os.PathLike[str], value: Any) -> None:
    """Write a nested value to ``path``, whole or not at all."""
    text, arrays = encode({"format": FORMAT, "value": value})
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **{_TREE: np.frombuffer(text.encode(), np.uint8)}, **arrays)


def read(path: str | os.PathLike[str]) -> Any:
    """Read what `write` wrote.

    Raises
    ------
    FileNotFoundError
    BadInput
        If the file is not a checkpoint, is damaged, or has another format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        tree = decode(arrays.pop(_TREE).tobytes().decode(), arrays)
        form, value = tree["format"], tree["value"]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: not a readable checkpoint; delete it, and the run starts afresh.") from error
    if form != FORMAT:
        raise BadInput(f"{path}: checkpoint format {form}, but this version reads {FORMAT}; delete it to start afresh.")
    return value
