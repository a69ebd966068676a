"""The map of a study: sizes and regimes over two of its axes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.plots.style import BLACK, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#B7E2D2", "#F6CBA8", "#BFD7EE")
"""Light tints of green, red and blue that lines and letters stand on."""

PANELS = (
    ("mean_diameter", "all", 1.0, "mean diameter (nm)", "%.3g", False),
    ("relative_std", "all", 100.0, "relative width σ/mean (%)", "%.3g", False),
    ("nucleated_share", None, 1.0, "nucleated per seed", "", True),
    ("ripened_share", None, 100.0, "dissolved, of all particles (%)", "%.2g", False),
)

LEAST = 1e-6
"""Shares below this are drawn as this on a logarithmic scale."""

DECADES = (-4, -2, 0)
"""Powers of ten of the contours of a logarithmic scale."""

INSET = (0.32, 0.22)
"""Width and height of the small size distribution, in parts of the axes."""

CORNERS = tuple((x, y) for x in (0.05, 0.63) for y in (0.08, 0.68))
"""Where its lower left corner may lie."""


def figure(
    study: xr.Dataset,
    *,
    axes: tuple[str, str],
    window: tuple[NDArray[Any], NDArray[Any]] | None = None,
    inset: tuple[xr.DataArray, tuple[float, float], str] | None = None,
) -> Figure:
    """The three regimes with their boundaries, and four numbers of the end of the runs.

    Parameters
    ----------
    study : as from ``open_study``, with no other dimensions than ``axes``, ``population`` and ``bound``
    axes : keys of the horizontal and of the vertical axis
    window : (horizontal, vertical) nucleation over its limit and focusing number over its limit under a steady feed,
        whose lines of 1 are drawn
    inset : size distribution of one point over ``diameter`` [nm], where it is, and what to write over it
    """
    study = study.transpose(*axes, ...)
    with look():
        fig = new_figure(10.2, 5.6)
        parts: Any = fig.subfigures(1, 2, width_ratios=(1.02, 1.0))
        left, right = parts
        regimes(left.subplots(), study, axes, window, inset)
        for ax, (name, population, factor, label, form, log) in zip(right.subplots(2, 2).flat, PANELS, strict=True):
            values = study[name] if population is None else study[name].sel(population=population)
            panel(ax, study, axes, factor * values.values, label, form, log)
        title = "; ".join([str(study.attrs.get("title", "")), *fixed(study)]).replace("$", r"\$")
        if title:
            fig.suptitle(title, x=0.01, ha="left")
    return fig


def regimes(
    ax: Axes, study: xr.Dataset, axes: tuple[str, str], window: tuple[NDArray[Any], NDArray[Any]] | None,
    inset: tuple[xr.DataArray, tuple[float, float], str] | None,
) -> None:
    """Tints of the regimes, lines of the window and the size distribution of one point."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    x, y = (study[name].values for name in axes)
    found = study["regime"].values
    shown = np.ma.masked_less(found, 0)
    ax.pcolormesh(x, y, shown.T, cmap=ListedColormap(list(COLOURS)), norm=BoundaryNorm([-0.5, 0.5, 1.5, 2.5], 3),
                  shading="nearest", rasterized=True)
    names = study["regime"].attrs["flag_meanings"].split()
    handles: list[Any] = [Patch(color=c, label=name) for c, name in zip(COLOURS, names, strict=True)]
    for number in range(3):
        if np.any(found == number) and np.any((found != number) & (found >= 0)):
            ax.contour(x, y, (found == number).astype(float).T, levels=[0.5], colors=BLACK, linewidths=0.8)
    if window is not None:
        names = ("nucleation sets in (steady feed)", "relative focusing ends (steady feed)")
        styles: tuple[Any, Any] = ("--", ":")
        for values, style, text in zip(window, styles, names, strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                level = np.clip(np.log10(values), -30.0, 30.0)
            if np.isfinite(level).any():
                if np.nanmin(level) < 0.0 < np.nanmax(level):
                    ax.contour(x, y, level.T, levels=[0.0], colors=BLACK, linestyles=style, linewidths=1.5)
                    handles.append(Line2D([], [], color=BLACK, linestyle=style, label=text))
    label_axes(ax, study, axes)
    ax.set_title("regimes at the end of the runs")
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    if inset is not None:
        draw_inset(ax, *inset, corner=_corner(ax, x, y, shown, inset[1]))


def _corner(
    ax: Axes, x: NDArray[Any], y: NDArray[Any], regime: NDArray[Any], place: tuple[float, float]
) -> tuple[float, float]:
    """The corner with the fewest regimes under the inset, so that it hides no boundary; of these the farthest."""
    points = np.stack([each.ravel() for each in np.meshgrid(x, y, indexing="ij")], axis=1)
    to_axes = ax.transData + ax.transAxes.inverted()
    where, at = to_axes.transform(points), to_axes.transform(place)
    judged = []
    for corner in CORNERS:
        low, high = np.array(corner) - (0.03, 0.07), np.array(corner) + INSET + (0.03, 0.05)  # numbers around it
        hidden = np.ma.compressed(regime.ravel()[np.all((where > low) & (where < high), axis=1)])
        away = float(np.hypot(*(0.5 * (low + high) - at)))
        covers = bool(np.all((at > low) & (at < high)))
        judged.append((covers, np.unique(hidden).size, -away, corner))
    return min(judged)[-1]


def draw_inset(
    ax: Axes, sizes: xr.DataArray, place: tuple[float, float], text: str, *, corner: tuple[float, float]
) -> None:
    """A small size distribution with its lower left corner there, and a line to the point that it is of."""
    from matplotlib.patches import ConnectionPatch

    at = ax.transAxes.inverted().transform(ax.transData.transform(place))
    small = ax.inset_axes((*corner, *INSET))
    small.fill_between(sizes["diameter"].values, sizes.values, color="0.35", linewidth=0)
    some = sizes["diameter"].values[sizes.values > 1e-3 * sizes.values.max()]
    small.set(yticks=[], xlim=(0.9 * some[0], 1.05 * some[-1]), ylim=(0.0, 1.15 * float(sizes.values.max())))
    small.set_xlabel("diameter (nm)", fontsize="x-small", labelpad=1.0)
    small.tick_params(labelsize="x-small", pad=1.5)
    small.set_title(text, fontsize="x-small", pad=2.0)
    ax.plot(*place, "o", color="white", markeredgecolor=BLACK, markersize=5.0)
    side = 1.0 if at[0] > corner[0] + 0.5 * INSET[0] else 0.0
    ax.add_artist(ConnectionPatch(
        place, (side, 0.5), coordsA=ax.transData, coordsB=small.transAxes, linewidth=0.7,
    ))


def panel(
    ax: Axes, study: xr.Dataset, axes: tuple[str, str], values: NDArray[Any], label: str, form: str, log: bool
) -> None:
    """One number over both axes, with labelled contours; ``form`` is of their labels on a linear scale."""
    from matplotlib.colors import LogNorm
    from matplotlib.patheffects import withStroke

    x, y = (study[name].values for name in axes)
    norm = None
    if log:
        values = np.maximum(values, LEAST)
        top = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
        norm = LogNorm(LEAST, max(top, 10.0 * LEAST))
    mesh = ax.pcolormesh(x, y, np.ma.masked_invalid(values).T, cmap="viridis", norm=norm, shading="nearest",
                         rasterized=True)
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=25)
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()
    if log and np.nanmax(values, initial=0.0) <= LEAST:
        ax.annotate("none", (0.5, 0.5), xycoords="axes fraction", color="white", ha="center", va="center")
    if np.isfinite(values).all() and np.ptp(values) > 0.0 and min(values.shape) > 2:
        lines = ax.contour(x, y, values.T, levels=[10.0**n for n in DECADES] if log else 6, colors="white",
                           linewidths=0.7)
        written = ax.clabel(lines, fmt={10.0**n: f"$10^{{{n}}}$" if n else "1" for n in DECADES} if log else form,
                            fontsize=6.5)
        for each in written:  # white by itself is lost on the yellow end
            each.set_path_effects([withStroke(linewidth=1.4, foreground="0.25")])
    label_axes(ax, study, axes)
    ax.set_title(label)


def label_axes(ax: Axes, study: xr.Dataset, axes: tuple[str, str]) -> None:
    """Names and units; a logarithmic scale where the values are evenly spaced on one."""
    for name, which in zip(axes, "xy", strict=True):
        values = study[name]
        getattr(ax, f"set_{which}label")(axis_label(values))
        if on_log_scale(values.values):
            getattr(ax, f"set_{which}scale")("log")
            axis = getattr(ax, f"{which}axis")
            from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

            many = values.max() > 80.0 * values.min()
            axis.set_major_locator(LogLocator(subs=(1.0, 5.0) if many else (1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            axis.set_minor_formatter(NullFormatter())


def axis_label(values: xr.DataArray) -> str:
    """Name and unit of an axis."""
    unit, text = str(values.attrs.get("units", "1")), str(values.attrs.get("long_name", values.name))
    for plain, sign in (("degC", "°C"), ("hour", "h"), ("^2", "²"), ("^3", "³")):
        unit = unit.replace(plain, sign)
    return text if unit == "1" else f"{text} ({unit})"


def fixed(study: xr.Dataset) -> list[str]:
    """Names and values of the axes that are not drawn."""
    found = []
    for name, value in study.coords.items():
        if value.ndim == 0 and name in json.loads(study.attrs.get("axes", "[]")):
            unit = "" if value.attrs.get("units", "1") == "1" else f" {value.attrs['units']}".replace("degC", "°C")
            number = f"{float(value):g}" if value.dtype.kind in "iuf" else str(value.values)
            found.append(f"{value.attrs.get('long_name', name)} {number}{unit}")
    return found


def on_log_scale(values: NDArray[Any]) -> bool:
    """Whether values are spaced more evenly by their logarithms, over a decade at least."""
    if values.dtype.kind not in "iuf" or values.size < 3 or values.min() <= 0.0 or values.max() < 8.0 * values.min():
        return False
    even, log = np.diff(np.sort(values)), np.diff(np.log(np.sort(values)))
    return bool(np.std(log) / np.mean(log) < np.std(even) / np.mean(even))


__all__ = ["COLOURS", "LEAST", "PANELS", "axis_label", "figure", "fixed", "on_log_scale"]
