"""Results on disk: how a dataset is saved, loaded and compared."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.provenance import SCHEMA_VERSION, TRANSIENT

if TYPE_CHECKING:
    import xarray as xr

def save(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as compressed netCDF-4 with checksums; a reader never meets half a file.

    Raises
    ------
    BadInput
        If the place cannot be written to.
    """
    from kmcgrowth.netcdf import write

    with atomic_path(path) as temporary:
        write(dataset, temporary)


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset into memory.

    Raises
    ------
    BadInput
        If the file is missing, damaged, or not a result of this package.

    Warns
    -----
    UserWarning
        If the file has another schema version.
    """
    import xarray as xr

    from kmcgrowth.netcdf import locked

    if not Path(path).exists():
        raise BadInput(f'"{path}": there is no such file; give the .nc file that a run wrote.')
    if not Path(path).is_file():
        raise BadInput(f'"{path}" is not a file; give the .nc file that a run wrote.')
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            dataset = opened.load()
    except PermissionError as error:
        raise BadInput(f'"{path}" may not be read by you; ask for the right to read it.') from error
    except Exception as error:  # a damaged file can fail anywhere in HDF5
        if advice := locked(error):
            raise BadInput(f'"{path}" {advice}') from error
        raise BadInput(f'"{path}" cannot be read as netCDF-4: it is damaged or of another kind.') from error
    version = dataset.attrs.get("schema_version")
    if version is None or "particle_count" not in dataset:
        raise BadInput(f'"{path}" is a netCDF file but not a result of kmcgrowth; give the .nc file that a run wrote.')
    if version != SCHEMA_VERSION:
        warnings.warn(
            f'"{path}" has schema version {version}, this kmcgrowth reads version {SCHEMA_VERSION}: '
            "some of it may be named otherwise.", stacklevel=2,
        )
    for name, variable in list(dataset.variables.items()):
        if variable.dtype.kind not in "iufb":
            labels = np.array([str(v) for v in variable.values.ravel()]).reshape(variable.shape)
            dataset = dataset.assign_coords({name: (variable.dims, labels, variable.attrs)})
    if "size_bounds" in dataset:
        # xarray takes the first for an encoding when it reads, and leaves out the second when it writes.
        dataset["size"].attrs["bounds"] = "size_bounds"
        dataset["size_bounds"].attrs["units"] = dataset["size"].attrs["units"]
    return dataset.drop_encoding()


def identical(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Whether two results are the same to the last bit, leaving out how long, when, where and with what versions."""
    return not differences(a, b)


def differences(a: xr.Dataset, b: xr.Dataset) -> list[str]:
    """What differs between two results, one line each; ``wall_seconds``, time stamp, host and versions are left out.

    Sizes that occur at none of the times count as absent, so that times which two schedules share can be compared.
    """
    a, b = _occurring(a), _occurring(b)
    found = [f"{name}: only in the first" for name in a.variables if name not in b.variables]
    found += [f"{name}: only in the second" for name in b.variables if name not in a.variables]
    for name in a.variables:
        if name in b.variables:
            found += _variable_difference(str(name), a.variables[name], b.variables[name])
    for key in sorted((set(a.attrs) | set(b.attrs)) - set(TRANSIENT)):
        if key not in a.attrs or key not in b.attrs:
            found.append(f"attribute {key}: only in the {'first' if key in a.attrs else 'second'}")
        elif not _same_attribute(a.attrs[key], b.attrs[key]):
            found.append(f"attribute {key}: {_short(a.attrs[key])} against {_short(b.attrs[key])}")
    return found


def _occurring(dataset: xr.Dataset) -> xr.Dataset:
    counts = dataset.get("particle_count")
    if counts is None or "size" not in counts.dims:
        return dataset
    return dataset.isel(size=np.flatnonzero((counts != 0).any([d for d in counts.dims if d != "size"]).values))


def _variable_difference(name: str, x: xr.Variable, y: xr.Variable) -> list[str]:
    if x.dims != y.dims or x.shape != y.shape:
        return [f"{name}: {dict(x.sizes)} against {dict(y.sizes)}"]
    found = []
    number_x, number_y = x.dtype.kind in "iufb", y.dtype.kind in "iufb"
    if number_x and number_y:
        if x.dtype != y.dtype:
            found.append(f"{name}: {x.dtype} against {y.dtype}")
        same = (x.values == y.values) | ((x.values != x.values) & (y.values != y.values))
        if not np.all(same):
            at = tuple(int(i) for i in np.argwhere(~same)[0])
            first = f"first at {at}: {x.values[at]} against {y.values[at]}"
            found.append(f"{name}: {int((~same).sum())} of {same.size} values differ, {first}")
    elif (labels_x := [str(v) for v in x.values.ravel()]) != (labels_y := [str(v) for v in y.values.ravel()]):
        found.append(f"{name}: {_short(labels_x)} against {_short(labels_y)}")
    for key in sorted(set(x.attrs) | set(y.attrs)):
        if not _same_attribute(x.attrs.get(key), y.attrs.get(key)):
            found.append(f"{name}: attribute {key}: {_short(x.attrs.get(key))} against {_short(y.attrs.get(key))}")
    return found


def _same_attribute(x: Any, y: Any) -> bool:
    return bool(np.array_equal(np.asarray(x), np.asarray(y)))


def _short(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value)
    return text if len(text) <= 60 else text[:57] + "..."


__all__ = ["differences", "identical", "load", "save"]
