"""What the outcome of a study depends on: Sobol indices of its axes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.studies.collect import open_study
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.store import Store

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = ("mean_diameter", "relative_std")
"""Of all particles at the end."""

FEWEST = 16
"""Base points below which no index means anything [dimensionless]."""

RESAMPLES = 1000
"""Of the bootstrap from which the intervals come [dimensionless]."""


def sensitivity(folder: str | os.PathLike[str]) -> xr.Dataset:
    """Sobol indices of the mean diameter and of the relative width of all particles at the end.

    Parameters
    ----------
    folder : of a study with ``design = "sensitivity"``

    Returns
    -------
    xarray.Dataset
        ``first`` and ``total`` over ``quantity`` and ``axis``: the share of the variance that an axis makes by itself,
        and with all others together; ``first_ci`` and ``total_ci`` with ``bound``: their 95 % intervals (bootstrap).
        The attribute ``base_points`` tells how many of the base sample were used.

    Raises
    ------
    BadInput
        If it is another study, or too few of its points have an outcome.

    Notes
    -----
    ``scipy.stats.sobol_indices`` with the estimators of Saltelli et al., Comput. Phys. Commun. 181, 259 (2010). Base
    points of which any run has no outcome are left out, and then so many that a power of two is left.
    """
    import xarray as xr
    from scipy.stats import sobol_indices

    study, points = Store(folder).open()
    sampling = study.sampling
    if sampling is None or sampling.design != "sensitivity":
        raise BadInput('sensitivity needs a study whose [sampling] has design = "sensitivity".')
    found = open_study(folder)
    d, n = len(points.axes), sampling.number
    values = np.stack([found[name].sel(population="all").values for name in QUANTITIES]).reshape(-1, d + 2, n)
    whole = np.flatnonzero(np.isfinite(values).all(axis=(0, 1)))
    if whole.size < FEWEST:
        raise BadInput(
            f"only {whole.size} of {n} base points have an outcome in all their {d + 2} runs, and {FEWEST} are needed; "
            f"see kmcgrowth status {folder}."
        )
    used = whole[: 1 << (int(whole.size).bit_length() - 1)]
    values = values[:, :, used]
    a, b, mixed = values[:, 0], values[:, 1], values[:, 2:].transpose(1, 0, 2)
    got = sobol_indices(func={"f_A": a, "f_B": b, "f_AB": mixed}, n=used.size)
    spread = got.bootstrap(confidence_level=0.95, n_resamples=RESAMPLES)
    dims = ("quantity", "axis")
    return xr.Dataset(
        {
            "first": (dims, got.first_order, {"units": "1", "long_name": "first-order Sobol index"}),
            "total": (dims, got.total_order, {"units": "1", "long_name": "total Sobol index"}),
            "first_ci": ((*dims, "bound"), _bounds(spread.first_order), {"units": "1"}),
            "total_ci": ((*dims, "bound"), _bounds(spread.total_order), {"units": "1"}),
        },
        {
            "quantity": np.array(QUANTITIES), "axis": np.array([axis.key for axis in points.axes]),
            "label": ("axis", np.array(_labels(points))), "bound": np.array(["lower", "upper"]),
        },
        {"title": study.title, "base_points": int(used.size)},
    )


def _bounds(found: Any) -> NDArray[np.float64]:
    interval = found.confidence_interval
    return np.stack([interval.low, interval.high], axis=-1)


def _labels(points: Points) -> list[str]:
    """What the axes are called, and over which range they go."""
    found = []
    for axis in points.axes:
        text = axis.label or axis.key
        if axis.range is not None:
            unit = axis.range.unit.replace("degC", "°C").replace("hour", "h")
            text += f", {axis.range.low:g} to {axis.range.high:g} {unit}".rstrip()
        found.append(text)
    return found


__all__ = ["QUANTITIES", "sensitivity"]
