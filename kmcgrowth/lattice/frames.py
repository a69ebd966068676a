"""The atoms that a dataset keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import FloatArray, IntArray, load_crystal

if TYPE_CHECKING:
    import xarray as xr


def read_box(dataset: xr.Dataset) -> tuple[Box, tuple[str, ...]]:
    """The box of a lattice run, and what sits on its sites.

    Raises
    ------
    BadInput : the result is not of a lattice.
    """
    about = _about(dataset)
    box = Box(load_crystal(about["crystal"]), tuple(about["cells"]), float(about["constant_m"]))
    return box, tuple(about["symbols"])


def read_frames(dataset: xr.Dataset) -> list[Atoms]:
    """The atoms of every frame, in order of time; of several replicates those of the first.

    Raises
    ------
    BadInput : the result is not of a lattice, or keeps no frames.
    """
    box, symbols = read_box(dataset)
    if "atom_site" not in dataset.variables:
        raise BadInput("the result keeps no atoms; run it again with lattice.frames = 25.")
    ends = np.cumsum(dataset["frame_atoms"].values)
    site, seed = dataset["atom_site"].values, dataset["atom_seed"].values
    return [
        Atoms.on(box, site[b - n : b], symbols, seed=seed[b - n : b] != 0, time=float(t))
        for n, b, t in zip(dataset["frame_atoms"].values, ends, dataset["frame_time"].values, strict=True)
    ]


def read_walkers(dataset: xr.Dataset) -> list[tuple[FloatArray, IntArray, tuple[str, ...]]] | None:
    """What walks in every frame: positions (walkers, 3) [nm], kinds (walkers,), names; None where nothing walks."""
    if "walker_kind" not in dataset.variables:
        return None
    from kmcgrowth.lattice.walk_grid import walk_grid

    box, symbols = read_box(dataset)
    grid = walk_grid(box)
    names = tuple(str(n) for n in dataset["walker_name"].values)
    ends = np.cumsum(dataset["frame_walkers"].values)
    kind, point = dataset["walker_kind"].values.astype(np.int64), dataset["walker_point"].values
    of_grid = np.where(kind < len(symbols), kind, 0)
    place = grid.position(of_grid, point) * 1e9 % (box.edges * 1e9)
    return [
        (place[b - n : b], kind[b - n : b], names) for n, b in zip(dataset["frame_walkers"].values, ends, strict=True)
    ]


def _about(dataset: xr.Dataset) -> dict[str, Any]:
    if "lattice" not in dataset.attrs:
        raise BadInput("the result is of the stirred reactor, which knows no atoms; give one of a [lattice] recipe.")
    about: dict[str, Any] = json.loads(dataset.attrs["lattice"])
    return about
