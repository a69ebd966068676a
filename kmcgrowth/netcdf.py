"""Datasets as netCDF-4, written through h5py alone: what xarray needs a hundred milliseconds for takes ten."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

LARGE = 4096
"""Values from which a variable is compressed."""

_STRING = h5py.string_dtype()
_TEXT = h5py.h5t.py_create(_STRING, logical=True), h5py.h5s.create(h5py.h5s.SCALAR)

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


def write(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset of numbers and labels; every variable with more than one value has a checksum.

    Parameters
    ----------
    dataset : variables of integers, floats or text; its encoding is not looked at
    path : file, overwritten if it is there; the same dataset gives the same bytes

    Raises
    ------
    OSError
        If the file cannot be written. The bytes are made in memory, so that HDF5 never meets a full disk.

    Notes
    -----
    The layout is that of the netCDF-4 file format: dimensions are HDF5 dimension scales, coordinates of their own name
    are the scales themselves, and the attribute ``coordinates`` names the others, as CF has it.
    """
    others = {str(c): set(v.dims) for c, v in sorted(dataset.coords.items()) if v.dims != (c,)}
    with h5py.File(
        os.fspath(path), "w", libver=("earliest", "v110"), track_order=True, driver="core", backing_store=False,
        block_size=1 << 20,
    ) as file:
        for key, value in dataset.attrs.items():
            _set(file, str(key), value)
        scales: dict[Hashable, Any] = {}
        for i, (name, length) in enumerate(dataset.sizes.items()):
            variable = dataset.variables.get(name)
            if variable is None:
                scale = file.create_dataset(str(name), shape=(length,), dtype=">f4")
                scale.make_scale(f"{_NO_VARIABLE}{length:>11d}")
            else:
                scale = _create(file, str(name), variable.values, variable.attrs)
                scale.make_scale(str(name))
            scale.attrs.create("_Netcdf4Dimid", i, dtype=np.int32)
            scales[name] = scale
        for key, variable in dataset.variables.items():
            if key in scales:
                continue
            attributes = dict(variable.attrs)
            if key in dataset.data_vars:
                beside = [c for c, dims in others.items() if dims <= set(variable.dims)]
                if beside:
                    attributes["coordinates"] = " ".join(beside)
            made = _create(file, str(key), variable.values, attributes)
            for axis, name in enumerate(variable.dims):
                h5py.h5ds.attach_scale(made.id, scales[name].id, axis)
        file.flush()
        image = file.id.get_file_image()
    with open(path, "wb") as out:
        out.write(image)


def locked(error: BaseException) -> str:
    """What to do if HDF5 failed at the locks of a disk; "" if it failed at something else."""
    if "lock file" not in str(error):
        return ""
    return ("cannot be locked for reading: another program writes it, or the disk knows no locks, as some do; "
            "for such a disk set HDF5_USE_FILE_LOCKING=FALSE.")


def _create(file: Any, name: str, values: NDArray[Any], attributes: Mapping[Any, Any]) -> Any:
    if values.dtype.kind not in "iuf":
        made = file.create_dataset(name, data=values.astype(object), dtype=_STRING)
    elif values.size > LARGE:
        made = file.create_dataset(name, data=values, chunks=values.shape, compression=1, shuffle=True, fletcher32=True)
    elif values.size > 1:
        made = file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
    else:
        made = file.create_dataset(name, data=values)
    for key, value in sorted(attributes.items()):
        _set(made, str(key), value)
    return made


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(value, str):
        # as attrs.create does, without looking for one of the same name first
        attribute = h5py.h5a.create(owner.id, name.encode(), *_TEXT)
        attribute.write(np.array(value, dtype=_STRING))
    elif isinstance(value, (int, float)):
        owner.attrs.create(name, value)
    else:
        owner.attrs[name] = np.asarray(value)


__all__ = ["locked", "write"]
