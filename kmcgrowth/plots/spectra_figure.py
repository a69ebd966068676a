"""What a spectrometer would see: absorption and emission at several times, and the first exciton over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.materials.sizing import sizing_curve
from kmcgrowth.observables.absorption import absorption, species_absorption, trace
from kmcgrowth.observables.emission import emission
from kmcgrowth.observables.optics import flask, material_of
from kmcgrowth.observables.spectrum_features import first_exciton, sizes_over_time
from kmcgrowth.physics.excitons import HC
from kmcgrowth.plots import panels
from kmcgrowth.plots.clock import told
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import BLACK, CYCLE, ORIGIN_LINE, POPULATION, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMES = 5
"""Spectra drawn over each other."""

MOST = 81
"""Snapshots of which the first exciton is read."""

ROOM = 3.0
"""The axis of absorbance ends at so many times the highest first exciton: the ultraviolet would hide it otherwise."""

EXCITATION = 350.0
"""Wavelength that excites; emission is shown clear of it, as one measures it [nm]."""

BEYOND = 50.0
"""From the exciting light to the first wavelength shown [nm]."""

HEAD = 1.25
"""Room above the highest absorbance for the legend [dimensionless]."""

LEAST_SPAN = 20.0
"""The axis of the first exciton spans at least this, so that one that stands still looks so [nm]."""

LEGEND_ROOM = 0.25
"""Part of the axis of the first exciton that its legend has to itself where there are clusters only [dimensionless]."""

LEAST = 5e-4
"""A part is drawn where it has this share of the highest absorbance on the axis [dimensionless]."""

VISIBLE = 350.0
"""That share is looked for beyond this wavelength, below which all absorbs, if anything is to be seen there [nm]."""


def figure(dataset: xr.Dataset) -> Figure:
    """Four panels: absorption at several times, its parts, emission, and the first exciton (or bands) over time."""
    contents = flask(dataset)
    dots = bool(contents.diameter.size)
    with look():
        fig = new_figure(7.2, 6.2)
        axes = fig.subplots(2, 2)
        times = _times(dataset)
        spectra = absorption(dataset, time=times)
        if not float(spectra.max()) > 0:
            for ax in axes.flat:
                ax.set_xlabel("wavelength (nm)")
                ax.set_ylabel("absorbance (in 1 cm)")
                panels.note(ax, "nothing here absorbs")
            add_title(fig, dataset)
            return fig
        edge = _top(spectra)
        _several(axes[0, 0], dataset, spectra, edge)
        _parts(axes[0, 1], dataset, dots, edge)
        light = emission(dataset, time=times, excitation=EXCITATION)
        if dots or float(light.max()) > 0:
            _light(axes[1, 0], dataset, light)
            _first(axes[1, 1], dataset, dots)
        else:
            _first(axes[1, 0], dataset, dots)
            _bands(axes[1, 1], dataset)
        add_title(fig, dataset)
    return fig


def _times(dataset: xr.Dataset) -> list[float]:
    """Times that lie closer where more happens: evenly spaced in their square root."""
    t = dataset["time"].values
    wanted = t[0] + (t[-1] - t[0]) * np.linspace(0.0, 1.0, TIMES) ** 2
    return sorted({float(t[int(np.argmin(np.abs(t - w)))]) for w in wanted})


def _shades(number: int) -> Any:
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0.0, 0.85, number))


def _top(spectra: xr.DataArray) -> float:
    """Upper end of the axis of absorbance."""
    found = [first_exciton(s) for s in spectra]
    highest = max((f.absorbance for f in found if f is not None), default=0.0)
    whole = float(spectra.sum("part").max())
    return min(ROOM * highest, HEAD * whole) if highest > 0 else max(HEAD * whole, 1e-12)


def _span(at: Any, values: Any) -> tuple[float, float]:
    """Wavelengths between which there is something to see."""
    seen = at[values > 2e-3 * values.max()] if values.max() > 0 else at
    low, high = float(at[0]), float(seen[-1])
    return low, high + 0.05 * (high - low)


def _several(ax: Axes, dataset: xr.Dataset, spectra: xr.DataArray, edge: float) -> None:
    unit, seconds = panels.time_unit(dataset)
    at = spectra["wavelength"].values
    both = spectra.sum("part").values
    for y, t, shade in zip(both, spectra["time"].values, _shades(len(both)), strict=True):
        ax.plot(at, y, color=shade, label=told(float(t), unit, seconds))
    _absorbance_axes(ax, at, np.minimum(both, edge).max(axis=0), edge)
    ax.legend(loc="upper right", title="whole flask")


def _parts(ax: Axes, dataset: xr.Dataset, dots: bool, edge: float) -> None:
    unit, seconds = panels.time_unit(dataset)
    t = dataset["time"].values
    # Where there are clusters only, the end shows a single one of them.
    time = float(t[-1] if dots else t[len(t) // 4])
    spectrum = absorption(dataset, time=time)
    at, whole = spectrum["wavelength"].values, spectrum.sum("part").values
    ax.plot(at, whole, color=BLACK, linewidth=2.6, alpha=0.25, label="all")
    end = _span(at, np.minimum(whole, edge))[1]
    judged = at > (VISIBLE if end > VISIBLE + 20.0 else at[0])
    for part, line in (("seed", "-"), ("nucleated", "--")):
        y = spectrum.sel(part=part).values
        if y[judged].max(initial=0.0) > LEAST * edge:
            ax.plot(at, y, line, color=POPULATION[part], label={"seed": "seeds"}.get(part, part))
    each = species_absorption(dataset, time=time, wavelength=at)
    colours = [c for c in CYCLE if c not in POPULATION.values()]
    for i, name in enumerate(each["species"].values):
        y = each.sel(species=name).values
        if y[judged].max(initial=0.0) > LEAST * edge:
            ax.plot(at, y, "-.", color=colours[i % len(colours)], label=f"{name}, dissolved")
    _absorbance_axes(ax, at, np.minimum(whole, edge), edge)
    ax.legend(loc="upper right", title=f"parts at {told(time, unit, seconds)}")


def _absorbance_axes(ax: Axes, at: Any, values: Any, edge: float) -> None:
    ax.set_xlabel("wavelength (nm)")
    ax.set_ylabel("absorbance (in 1 cm)")
    ax.set_xlim(*_span(at, values))
    ax.set_ylim(0.0, edge)


def _light(ax: Axes, dataset: xr.Dataset, found: xr.DataArray) -> None:
    unit, seconds = panels.time_unit(dataset)
    at, both = found["wavelength"].values, found.sum("part").values
    ax.set_xlabel("wavelength (nm)")
    ax.set_ylabel("emission (of its maximum)")
    shown = at > EXCITATION + BEYOND
    low, high = np.inf, 0.0
    for y, t, shade in zip(both, found["time"].values, _shades(len(both)), strict=True):
        if not y.max() > 0:
            continue
        area = float(0.5 * np.diff(at) @ (y[1:] + y[:-1]))
        top = float(y[shown].max(initial=1e-300))
        ax.plot(at[shown], y[shown] / top, color=shade, label=f"{told(float(t), unit, seconds)}, {100 * area:.2g} %")
        seen = at[shown][y[shown] > 5e-3 * top]
        if not seen.size:
            continue
        low, high = min(low, seen[0]), max(high, seen[-1])
    if high > low:
        ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    rows = -(-len(ax.get_lines()) // 2)
    ax.set_ylim(0.0, 1.18 + 0.09 * rows)
    ax.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    ax.legend(loc="upper center", ncols=2, columnspacing=1.0,
              title=f"time, quantum yield; excited at {found.attrs['excitation_nm']:g} nm")


def _first(ax: Axes, dataset: xr.Dataset, dots: bool) -> None:
    unit, seconds = panels.time_unit(dataset)
    places = np.unique(np.linspace(0, dataset.sizes["time"] - 1, MOST).round().astype(int))
    found = sizes_over_time(dataset.isel(time=places))
    t = found["time"].values / seconds
    for kind, marker, label in (("peak", "o", "first peak"), ("inflection", "s", "inflection, no peak")):
        some = found["kind"].values == kind
        if some.any():
            filled = "none" if kind == "inflection" else BLACK
            ax.plot(t[some], found["wavelength"].values[some], marker, markersize=3.0, color=BLACK,
                    markerfacecolor=filled, label=label)
    ax.set_xlabel(f"time ({unit})")
    ax.set_ylabel("first exciton (nm)")
    if t[-1] > t[0]:
        ax.set_xlim(t[0], t[-1])
    if not dots:
        low, high = _at_least(*ax.get_ylim())
        ax.set_ylim(low, high + (high - low) * LEGEND_ROOM / (1.0 - LEGEND_ROOM))
        ax.legend(loc="upper right")
        return
    curve = sizing_curve(material_of(dataset))
    means = dataset["mean_diameter"].isel(time=places)
    means = means.mean("replicate") if "replicate" in means.dims else means
    for origin, name in (("seed", "seeds"), ("nucleated", "nucleated")):
        mean = means.sel(population=origin).values
        if np.isfinite(mean).any():
            ax.plot(t, HC / curve.energy(mean), ORIGIN_LINE[origin], color=POPULATION[origin],
                    label=f"of the mean diameter, {name}")
    ax.set_ylim(_at_least(*ax.get_ylim()))
    right = ax.secondary_yaxis("right", functions=(
        lambda w: curve.diameter(HC / np.clip(np.asarray(w, dtype=float), 50.0, 1e5)),
        lambda d: HC / curve.energy(np.clip(np.asarray(d, dtype=float), 0.2, 1e3)),
    ))
    right.set_ylabel("diameter by the sizing curve (nm)")
    ax.legend(loc="best")


def _at_least(low: float, high: float) -> tuple[float, float]:
    """Ends of an axis about the same middle, ``LEAST_SPAN`` apart or more."""
    pad = max(0.5 * (LEAST_SPAN - (high - low)), 0.0)
    return low - pad, high + pad


def _bands(ax: Axes, dataset: xr.Dataset) -> None:
    """Absorbance at the bands of the clusters over time, where there are no dots."""
    unit, seconds = panels.time_unit(dataset)
    bands = sorted({b.wavelength for c in flask(dataset).clusters for b in c.bands if b.kind == "peak"}, reverse=True)
    at = bands or sorted({c.bands[0].wavelength for c in flask(dataset).clusters if c.bands}, reverse=True)
    found = trace(dataset, wavelength=at[:5])
    t = found["time"].values / seconds
    for i, w in enumerate(found["wavelength"].values):
        ax.plot(t, found.sel(wavelength=w).values, color=CYCLE[i % len(CYCLE)], label=f"{w:.0f} nm")
    ax.set_xlabel(f"time ({unit})")
    ax.set_ylabel("absorbance (in 1 cm)")
    if t[-1] > t[0]:
        ax.set_xlim(t[0], t[-1])
    ax.set_ylim(0.0, 1.1 * max(float(found.max()), 1e-12))
    ax.legend(loc="best", title="at the bands of the clusters")
