"""Histories of all points of a study, read from their files when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray
from xarray import Variable
from xarray.backends import BackendArray
from xarray.core import indexing

from kmcgrowth.errors import KmcgrowthError
from kmcgrowth.netcdf import locked
from kmcgrowth.studies.records import Progress
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence

SNAPSHOT = "snapshot"
HISTORIES = ("time", "mean_diameter", "relative_std", "number", "nucleated_share", "supersaturation", "temperature",
             "volume", "injected_volume")


def histories(
    store: Store, study: Study, keys: Sequence[str], progress: Progress, dims: tuple[str, ...], shape: tuple[int, ...]
) -> dict[str, Variable]:
    """Variables ``history_...`` over the axes and ``snapshot``, means over the replicates.

    There are none where the points differ in their snapshots.
    """
    files = [[store.dataset(key, r) for r in range(study.repeats) if (key, r) in progress.done] for key in keys]
    first = next(runs[0] for runs in files if runs)
    found = {}
    try:
        with h5py.File(first) as file:
            about = {name: (file[name].shape, dict(file[name].attrs)) for name in HISTORIES}
    except OSError as error:
        raise KmcgrowthError(_damaged(first, error)) from None
    for name, (tail, attributes) in about.items():
        inner = (SNAPSHOT, "population")[: len(tail)]
        kept = {k: attributes[k] for k in ("units", "long_name") if k in attributes}
        array = _Histories(name, files, shape, tail)
        found[f"history_{name}"] = Variable((*dims, *inner), indexing.LazilyIndexedArray(array), kept)
    return found


class _Histories(BackendArray):
    """One variable of all points."""

    def __init__(self, name: str, files: list[list[Any]], shape: tuple[int, ...], tail: tuple[int, ...]) -> None:
        self.name, self.files, self.outer, self.tail = name, files, shape, tail
        self.shape = (*shape, *tail)
        self.dtype = np.dtype(np.float64)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.float64]:
        outer, inner = key[: len(self.outer)], key[len(self.outer):]
        numbers = np.arange(len(self.files)).reshape(self.outer)
        for axis, k in reversed(list(enumerate(outer))):
            numbers = numbers[(slice(None),) * axis + (k,)]
        values = np.empty((numbers.size, *self.tail))
        for i, number in enumerate(np.ravel(numbers)):
            values[i] = self._mean(self.files[number])
        values = values.reshape((*np.shape(numbers), *self.tail))
        ahead = np.ndim(numbers)
        for axis, k in reversed(list(enumerate(inner))):
            values = values[(slice(None),) * (ahead + axis) + (k,)]
        return values

    def _mean(self, runs: list[Any]) -> Any:
        found = []
        for path in runs:
            try:
                with h5py.File(path) as file:
                    values = file[self.name][()]
            except (OSError, KeyError) as error:
                raise KmcgrowthError(_damaged(path, error)) from None
            if values.shape != self.tail:
                raise KmcgrowthError("the points of this study differ in their snapshots, so they have no histories.")
            found.append(values)
        return np.mean(found, axis=0) if found else np.nan


def _damaged(path: Any, error: Exception) -> str:
    if advice := locked(error):
        return f'"{path}" {advice}'
    return f'"{path}" is damaged ({error}); delete it and run the sweep again.'


__all__ = ["HISTORIES", "SNAPSHOT", "histories"]
