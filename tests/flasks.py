"""Results made by hand, so that what is in the flask is known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


def flask_of(
    material: str, sizes: Mapping[str, tuple[Any, Any]], *, species: Mapping[str, Any] | None = None,
    volumes: Any = (1.0,), control: float = 1e-12,
) -> xr.Dataset:
    """A result with particles at given diameters, the same at every snapshot, and dissolved species.

    Parameters
    ----------
    sizes : origin -> (diameters [nm], counts)
    species : name -> concentration [mol/L]
    volumes : of the liquid at each snapshot [mL]; the first is that of the empty feed
    control : simulated at the start [mL]
    """
    every = np.unique(np.concatenate([np.zeros(0), *(np.atleast_1d(d) for d, _ in sizes.values())]))
    count = np.zeros((len(volumes), 2, every.size))
    for o, origin in enumerate(("seed", "nucleated")):
        if origin in sizes:
            d, n = (np.atleast_1d(x).astype(float) for x in sizes[origin])
            np.add.at(count, (slice(None), o, np.searchsorted(every, d)), n)
    names = dict(species or {})
    amounts = np.array([[c] * len(volumes) for c in names.values()]).reshape(len(names), len(volumes)).T
    return xr.Dataset(
        {"particle_count": (("time", "origin", "size"), count),
         "concentration": (("time", "species"), amounts),
         "volume": ("time", np.asarray(volumes, dtype=float))},
        {"time": 60.0 * np.arange(len(volumes)), "origin": ["seed", "nucleated"], "size": np.arange(every.size) + 2,
         "diameter": ("size", every), "species": list(names)},
        {"material": material, "control_volume_mL": control},
    )


def gaussian_sizes(mean: float, relative_std: float, points: int = 401) -> tuple[Any, Any]:
    """Diameters [nm] and weights of a Gaussian, 10^6 particles in all."""
    d = mean * (1.0 + relative_std * np.linspace(-5.0, 5.0, points))
    w = np.exp(-0.5 * ((d / mean - 1.0) / relative_std) ** 2)
    return d, 1e6 * w / w.sum()
