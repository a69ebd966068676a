"""The map of a study: two of its axes, the window of the closed forms, and one point's sizes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.studies.collect import SAMPLE, open_study
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.window import window

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def study_map(
    folder: str | os.PathLike[str],
    *,
    axes: tuple[str, str] | None = None,
    at: Mapping[str, str] | None = None,
    point: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the map of a study.

    Parameters
    ----------
    folder : of the study
    axes : keys of the horizontal and vertical axis; by default the first two with more than one value
    at : axis -> value, for those that are not drawn; by default their first
    point : axis -> value, of the point whose sizes are shown; by default the narrowest that focuses

    Raises
    ------
    BadInput
        If the study has not two such axes, or nothing is done yet.
    """
    from kmcgrowth.plots.map_figure import figure

    chosen, axes, fixed, crossed = _chosen(folder, axes, at)
    _, points = Store(folder).open()
    births, focusing = (values[_places(crossed, axes, fixed)] for values in window(points))
    if crossed.index(axes[0]) > crossed.index(axes[1]):
        births, focusing = births.T, focusing.T
    inset = _sizes(Path(folder), chosen, crossed, axes, fixed, point)
    return figure(chosen, axes=axes, window=(births, focusing), inset=inset)


def study_page(
    folder: str | os.PathLike[str], *, axes: tuple[str, str] | None = None, at: Mapping[str, str] | None = None
) -> str:
    """The map as an HTML page to be looked at in a browser, without window and sizes; else as ``study_map``."""
    from kmcgrowth.plots.map_page import page

    chosen, axes, *_ = _chosen(folder, axes, at)
    return page(chosen, axes=axes)


def _chosen(
    folder: str | os.PathLike[str], axes: tuple[str, str] | None, at: Mapping[str, str] | None
) -> tuple[xr.Dataset, tuple[str, str], dict[str, int], list[str]]:
    """The study at fixed values of all axes but two, these two, the places of the others, and all axes."""
    study = open_study(folder)
    if SAMPLE in study.dims:
        raise BadInput("a map needs axes that cross; the points of this study are sampled or zipped.")
    crossed = [str(d) for d in study["done"].dims]
    if not int(study["done"].sum()):
        raise BadInput(f'nothing of the study in "{folder}" is done yet; see kmcgrowth status {folder}.')
    axes = axes or _two(study, crossed)
    for name in axes:
        if name not in crossed:
            raise BadInput(f'"{name}" is not an axis of this study, which are {", ".join(crossed)}.')
        if study[name].dtype.kind not in "iuf":
            raise BadInput(f'the axis "{name}" has no numbers, so nothing can be drawn along it; choose others.')
    fixed = {d: nearest(study, d, (at or {}).get(d)) for d in crossed if d not in axes}
    return study.isel(fixed), axes, fixed, crossed


def _two(study: xr.Dataset, crossed: list[str]) -> tuple[str, str]:
    able = [d for d in crossed if study.sizes[d] > 1 and study[d].dtype.kind in "iuf"]
    if len(able) < 2:
        raise BadInput("a map needs two axes with several numbers each; this study has not.")
    return able[0], able[1]


def nearest(study: xr.Dataset, name: str, wanted: str | None) -> int:
    """Place of a value on an axis: the text of a label, or the nearest number."""
    values = study[name].values
    if wanted is None:
        return 0
    if values.dtype.kind in "iuf":
        try:
            return int(np.argmin(np.abs(values - float(wanted.split()[0]))))
        except (ValueError, IndexError):
            raise BadInput(f'"{wanted}" is not a number; "{name}" goes from {values[0]:g} to {values[-1]:g}.') from None
    if wanted not in values:
        raise BadInput(f'"{wanted}" is not on the axis "{name}", which has {", ".join(map(str, values))}.')
    return int(np.flatnonzero(values == wanted)[0])


def _places(crossed: list[str], axes: tuple[str, str], fixed: Mapping[str, int]) -> tuple[Any, ...]:
    return tuple(slice(None) if d in axes else fixed[d] for d in crossed)


def _sizes(
    folder: Path, study: xr.Dataset, crossed: list[str], axes: tuple[str, str], fixed: Mapping[str, int],
    point: Mapping[str, str] | None,
) -> Any:
    """The size distribution of one point, where it is, and what to write over it; None without datasets."""
    from kmcgrowth.observables.distribution import size_distribution
    from kmcgrowth.results import load

    store = Store(folder)
    given, points = store.open()
    if given.record != "datasets":
        return None
    if point:
        place = {d: nearest(study, d, point.get(d)) for d in axes}
    else:
        width = study["relative_std"].sel(population="all").where((study["regime"] == 0) & (study["done"] > 0))
        width = width.transpose(*axes)
        if not np.isfinite(width).any():
            return None
        narrowest = np.unravel_index(np.nanargmin(width.values), width.shape)
        place = dict(zip(axes, (int(i) for i in narrowest), strict=True))
    steps = tuple(place[d] if d in axes else fixed[d] for d in crossed)
    path = store.dataset(points[int(np.ravel_multi_index(steps, points.shape))].key, 0)
    if not path.exists():
        return None
    result = load(path)
    chosen = study.isel(place)
    mean, spread = (float(chosen[name].sel(population="all")) for name in ("mean_diameter", "relative_std"))
    return (
        size_distribution(result, kind="smooth"), tuple(float(chosen[d]) for d in axes),
        f"{mean:.2f} nm ± {100.0 * spread:.1f} %",
    )


__all__ = ["nearest", "study_map", "study_page"]
