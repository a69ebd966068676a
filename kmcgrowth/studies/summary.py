"""What a study keeps of every run: a few numbers of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

POPULATIONS = ("seed", "nucleated", "all")
ORIGINS = ("seed", "nucleated")

SCALARS = {
    "nucleated_share": ("1", "particles nucleated per initial seed"),
    "ripened_share": ("1", "particles dissolved, of all that there were"),
    "initial_relative_std": ("1", "standard deviation of the diameter over its mean at the start"),
    "supersaturation": ("1", "mean-field monomer concentration over solubility"),
    "events": ("1", "events"),
    "wall_seconds": ("s", "time in the engine"),
}
BY_POPULATION = {
    "mean_diameter": ("nm", "mean diameter"),
    "relative_std": ("1", "standard deviation of the diameter over its mean"),
    "number": ("1", "particles in the simulated volume"),
}


def summarize(dataset: xr.Dataset) -> dict[str, Any]:
    """Numbers of the last snapshot of one run.

    Parameters
    ----------
    dataset : result without replicates

    Returns
    -------
    dict of floats, and of lists of three for seeds, nucleated and all; ``ripened_share`` is the number of dissolved
    particles over that of seeds and of all that were born
    """
    def last(name: str) -> Any:
        return dataset[name].values[-1]

    started = float(dataset["number"].values[0, 2])
    born, dissolved = float(last("born")), float(np.sum(last("dissolved")))
    return {
        **{name: [float(x) for x in last(name)] for name in BY_POPULATION},
        "nucleated_share": float(last("nucleated_share")),
        "ripened_share": dissolved / (started + born) if started + born > 0.0 else float("nan"),
        "initial_relative_std": float(dataset["relative_std"].values[0, 2]),
        "supersaturation": float(last("supersaturation")),
        "events": float(last("events")),
        "wall_seconds": float(dataset.attrs["wall_seconds"]),
        "method": str(dataset.attrs["method"]),
    }


__all__ = ["BY_POPULATION", "ORIGINS", "POPULATIONS", "SCALARS", "summarize"]
