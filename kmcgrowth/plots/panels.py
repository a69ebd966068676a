"""Single panels, each drawn into the axes it is given; the figures put them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER
from kmcgrowth.observables.dissolved import course, sampled
from kmcgrowth.observables.distribution import size_distribution
from kmcgrowth.plots.clock import told, unit_of
from kmcgrowth.plots.style import BLUE, CYCLE, ORIGIN_LINE, POPULATION, RED

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

DECADES = 8
"""A logarithmic axis shows at most so many decades below its maximum."""

MOST_SPECIES = 7

LEAST_DEGREES = 100.0
"""The axis of the temperature spans at least this, so that a flask held at its temperature looks steady [K]."""


def time_unit(dataset: xr.Dataset) -> tuple[str, float]:
    """Name of the unit of the time axis and how many seconds it has."""
    return unit_of(float(dataset["time"].values[-1]))


def note(ax: Axes, text: str) -> None:
    """Words in the middle of a panel that has nothing to show."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.4")
    ax.set_yticks([])
    if not ax.get_xlabel().startswith("time"):
        ax.set_xticks([])


def has_particles(dataset: xr.Dataset) -> bool:
    return bool((dataset["number"].sel(population="all") > 0).any())


def snapshot_times(dataset: xr.Dataset, most: int = 4) -> list[float]:
    """A few snapshots that hold particles, the first and the last among them, evenly spread in time [s]."""
    number = dataset["number"].sel(population="all")
    if "replicate" in number.dims:
        number = number.sum("replicate")
    times = dataset["time"].values[number.values > 0]
    if not times.size:
        return []
    wanted = np.linspace(times[0], times[-1], most)
    return sorted({float(times[int(np.argmin(np.abs(times - w)))]) for w in wanted})


def sizes(ax: Axes, dataset: xr.Dataset, times: list[float] | None = None) -> None:
    """Size distributions: colour tells the time, full lines are seeds, dashed ones nucleated particles."""
    from matplotlib import colormaps
    from matplotlib.lines import Line2D

    ax.set_xlabel("diameter (nm)")
    ax.set_ylabel("share per diameter (nm$^{-1}$)")
    times = snapshot_times(dataset) if times is None else times
    if not times:
        note(ax, "no particles")
        return
    unit, seconds = time_unit(dataset)
    shades = colormaps["viridis"](np.linspace(0.0, 0.85, len(times)))
    handles: list[Any] = []
    seen = set()
    low, high = np.inf, 0.0
    for t, shade in zip(times, shades, strict=True):
        handles.append(Line2D([], [], color=shade, label=told(t, unit, seconds)))
        for origin, line in ORIGIN_LINE.items():
            curve = size_distribution(dataset, time=t, origin=origin, kind="smooth")  # type: ignore[arg-type]
            x, y = curve["diameter"].values, curve.values
            if not y.max() > 0:
                continue
            seen.add(origin)
            ax.plot(x, np.where(y > 1e-4 * y.max(), y, np.nan), line, color=shade)
            if origin == "seed":
                ax.fill_between(x, y, where=y > 1e-4 * y.max(), color=shade, alpha=0.15, linewidth=0)
            shown = x[y > 2e-3 * y.max()]
            low, high = min(low, shown[0]), max(high, shown[-1])
    if "nucleated" in seen:
        names = {"seed": "seeds", "nucleated": "nucleated"}
        for origin, line in ORIGIN_LINE.items():
            if origin in seen:
                handles.append(Line2D([], [], color="0.3", linestyle=line, label=names[origin]))
    ax.set_xlim(max(low - 0.05 * (high - low), 0.0), high + 0.05 * (high - low))
    columns = 2 if len(handles) <= 4 else 3
    rows = -(-len(handles) // columns)
    top = max(np.nanmax(np.asarray(line.get_ydata(), dtype=float)) for line in ax.get_lines())
    ax.set_ylim(0.0, (1.1 + 0.1 * rows) * top)  # the legend has the room above the curves
    ax.legend(handles=handles, loc="upper center", ncols=columns, columnspacing=1.2)


def over_time(ax: Axes, dataset: xr.Dataset, name: str, *, factor: float = 1.0, from_zero: bool = False) -> None:
    """A quantity per population over time, with its 95 % band where there are replicates."""
    unit, seconds = time_unit(dataset)
    t = dataset["time"].values / seconds
    _time_axis(ax, t, unit)
    drawn = []
    for population, color in POPULATION.items():
        data = dataset[name].sel(population=population)
        if "replicate" in data.dims:
            data = data.mean("replicate")
        if not np.isfinite(data.values).any():
            continue
        drawn.append(population)
        # "all" lies under the seeds where nothing has nucleated: draw it only where it says something else.
        if population == "all" and len(drawn) == 2:
            continue
        label = {"seed": "seeds"}.get(population, population)
        ax.plot(t, factor * data.values, color=color, label=label, **_mark(data.values))
        if dataset.sizes.get("replicate", 1) > 1:
            ci = factor * dataset[f"{name}_ci"].sel(population=population)
            ax.fill_between(t, ci.sel(bound="lower").values, ci.sel(bound="upper").values, color=color, alpha=0.2,
                            linewidth=0)
    if not drawn:
        note(ax, "no particles")
        return
    if from_zero:
        ax.set_ylim(0.0, max(1.12 * ax.dataLim.y1, 0.01 * factor))
    else:
        ax.margins(y=0.12)
    ax.legend(loc="best" if from_zero else "lower right")


def numbers(ax: Axes, dataset: xr.Dataset) -> None:
    """Particles per population over time, on a logarithmic axis from one particle on."""
    unit, seconds = time_unit(dataset)
    t = dataset["time"].values / seconds
    _time_axis(ax, t, unit)
    ax.set_ylabel("particles simulated")
    drawn = False
    for population in ("seed", "nucleated"):
        data = dataset["number"].sel(population=population)
        data = data.mean("replicate") if "replicate" in data.dims else data
        if (data > 0).any():
            values = np.where(data.values > 0, data.values, np.nan)
            label = {"seed": "seeds"}.get(population, population)
            ax.plot(t, values, color=POPULATION[population], label=label, **_mark(values))
            drawn = True
    if not drawn:
        note(ax, "no particles")
        return
    _log_axis(ax)
    ax.legend(loc="best")


def supersaturation(ax: Axes, dataset: xr.Dataset) -> None:
    """Supersaturation over time; where dissolved atoms are counted one by one, means over windows that hold some."""
    unit, seconds = time_unit(dataset)
    t = dataset["time"].values / seconds
    _time_axis(ax, t, unit)
    ax.set_ylabel("supersaturation $c/c_\\infty$")
    values = _single(dataset["supersaturation"])
    if sampled(dataset):
        means = course(dataset)
        t, values = means.time / seconds, means.supersaturation
    if not (values > 0).any():
        note(ax, "no monomer")
        return
    values = np.where(values > 0, values, np.nan)
    ax.plot(t, values, color=BLUE, **_mark(values))
    _log_axis(ax)
    low, high = ax.get_ylim()
    if low < 1.0 < high:
        ax.axhline(1.0, color="0.6", linewidth=0.7, zorder=0)


def species(ax: Axes, dataset: xr.Dataset) -> None:
    """Concentrations of the dissolved species over time; the most abundant where there are many.

    A species that is seen now and then, never in two snapshots running, is left out: it makes no line, but would
    stretch the axis by decades. Where dissolved atoms are counted one by one, monomer is a mean over windows.
    """
    unit, seconds = time_unit(dataset)
    t = dataset["time"].values / seconds
    _time_axis(ax, t, unit)
    means = course(dataset) if sampled(dataset) else None
    data = dataset["concentration"]
    data = data.mean("replicate") if "replicate" in data.dims else data
    peak = data.max("time")
    if t.size > 2:
        held = data.transpose("time", "species").values > 0
        peak = peak * np.any(held[1:] & held[:-1], axis=0)
    if means is not None:
        peak[MONOMER] = means.monomer.max()
    order = [str(s) for s in data["species"].values[np.argsort(-peak.values, kind="stable")] if peak.sel(species=s) > 0]
    if not order:
        ax.set_ylabel("concentration (mol/L)")
        note(ax, "nothing dissolved")
        return
    shown = order[:MOST_SPECIES]
    scale, symbol = _prefix(float(peak.max()))
    ax.set_ylabel(f"concentration ({symbol}mol/L)")
    for i, name in enumerate(str(s) for s in data["species"].values if str(s) in shown):
        x, y = t, data.sel(species=name).values * scale
        if means is not None and name == str(data["species"].values[MONOMER]):
            x, y = means.time / seconds, means.monomer * scale
        y = np.where(y > 0, y, np.nan)
        ax.plot(x, y, color=CYCLE[i % len(CYCLE)], label=name, **_mark(y))
    _log_axis(ax)
    more = len(order) - len(shown)
    title = f"and {more} less abundant" if more else None
    if len(shown) < 5:
        ax.legend(loc="best", title=title)
        return
    _room_above(ax, -(-len(shown) // 2) + bool(more))
    ax.legend(loc="upper center", title=title, ncols=2)


def feed(ax: Axes, dataset: xr.Dataset) -> None:
    """Injected volume (left) and temperature (right) over time."""
    unit, seconds = time_unit(dataset)
    t = dataset["time"].values / seconds
    _time_axis(ax, t, unit)
    volume = _single(dataset["injected_volume"])
    celsius = _single(dataset["temperature"]) - 273.15
    if not volume.max() > 0:
        ax.set_ylabel("temperature (°C)")
        _temperature(ax, t, celsius)
        return
    ax.set_ylabel("injected (mL)", color=BLUE)
    ax.plot(t, volume, color=BLUE, **_mark(volume))
    ax.tick_params(axis="y", colors=BLUE)
    ax.set_ylim(0.0, 1.1 * volume.max())
    right = ax.twinx()
    right.spines["right"].set_visible(True)
    right.set_ylabel("temperature (°C)", color=RED)
    right.tick_params(axis="y", colors=RED)
    _temperature(right, t, celsius)


def _temperature(ax: Axes, t: NDArray[Any], celsius: NDArray[Any]) -> None:
    ax.plot(t, celsius, "--", color=RED, **_mark(celsius))
    low, high = float(celsius.min()), float(celsius.max())
    pad = max(0.1 * (high - low), 0.5 * (LEAST_DEGREES - (high - low)))
    ax.set_ylim(low - pad, high + pad)


def _single(data: xr.DataArray) -> NDArray[Any]:
    return (data.mean("replicate") if "replicate" in data.dims else data).values


def _time_axis(ax: Axes, t: NDArray[Any], unit: str) -> None:
    ax.set_xlabel(f"time ({unit})")
    if t[-1] > t[0]:
        ax.set_xlim(t[0], t[-1])


def _mark(values: NDArray[Any]) -> dict[str, Any]:
    """A snapshot without neighbours, as where all particles dissolve at once, is a point: a line has no length."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    return {"marker": "o", "markersize": 3.5, "markevery": alone.tolist()} if alone.size else {}


def _prefix(peak: float) -> tuple[float, str]:
    for scale, symbol in ((1.0, ""), (1e3, "m"), (1e6, "µ")):
        if peak * scale >= 1.0:
            return scale, symbol
    return 1e9, "n"


def _room_above(ax: Axes, rows: int) -> None:
    """Raise the upper end of the y axis, so that a legend of so many rows lies on no line."""
    part = 0.05 + 0.08 * rows
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log":
        ax.set_ylim(low, high * (high / low) ** (part / (1.0 - part)))
    else:
        ax.set_ylim(low, high + (high - low) * part / (1.0 - part))


def _log_axis(ax: Axes) -> None:
    """Make the y axis logarithmic where the lines span more than a decade, else linear from zero."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = values.min(), values.max()
    if high <= 10.0 * low:
        ax.set_ylim(0.0, 1.15 * high)
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    bottom, top = max(low / 1.5, high * 10.0**-DECADES), high * 2.0
    ax.set_yscale("log")
    ax.set_ylim(bottom, top)
    decades = np.log10(top / bottom)
    if decades < 4.5 and 1e-3 <= bottom and top <= 1e5:
        plain = FuncFormatter(lambda y, _: f"{y:g}")
        ax.yaxis.set_major_formatter(plain)
        ax.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0) if decades < 2.2 else tuple(range(2, 10))))
        ax.yaxis.set_minor_formatter(plain if decades < 2.2 else NullFormatter())
        ax.tick_params(axis="y", which="minor", labelsize=7.5)
