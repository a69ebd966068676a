"""What instruments that see particles one by one would show: mass spectra and counts on electron micrographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.observables.distribution import size_distribution
from kmcgrowth.observables.mass_spectrum import diameter_from_mass, mass_bands, mass_spectrum
from kmcgrowth.observables.microscopy import micrograph
from kmcgrowth.plots import panels
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import BLACK, GREEN, POPULATION, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KDA = 1e-3
"""Kilodalton in a dalton."""

RESOLUTION = 15.0
"""Mass over width of the spectra drawn: low enough for some thousands of particles to look smooth [dimensionless]."""

FAINT = 2e-3
"""The axis of mass ends where the spectra have fallen to this part of their maximum [dimensionless]."""

COUNTED = 200
"""Particles counted on each micrograph."""

MICROGRAPHS = 9
"""Moments at which particles are counted."""

SEED = 20
"""Of the sample drawn, so that the same result is the same figure."""


def mass(dataset: xr.Dataset) -> Figure:
    """Mass spectra of bare particles at several times, and the bands of the last one with whose they are."""
    with look():
        fig = new_figure(7.2, 3.2)
        left, right = fig.subplots(1, 2)
        times = panels.snapshot_times(dataset)
        left.set(xlabel="mass (kDa)", ylabel="intensity (of the maximum)")
        right.set(xlabel="mass (kDa)", ylabel="intensity (share per kDa)")
        if times:
            last = 0.0
            for time, shade, label in shades(dataset, times):
                y = mass_spectrum(dataset, time=time, resolution=RESOLUTION)
                x, whole = KDA * y["mass"].values, y.sum("origin").values
                left.plot(x, whole / whole.max(), color=shade, linewidth=1.1, label=label)
                last = max(last, _last(x, whole))
            left.set_ylim(0.0, 1.1 + 0.09 * len(times))
            left.set_xlim(0.0, last)
            left.legend(loc="upper right")
            _bands(right, dataset, times[-1])
        else:
            panels.note(left, "no particles")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


def tem(dataset: xr.Dataset) -> Figure:
    """The histogram of 200 particles counted at the end, and mean and width that such counts give over time."""
    with look():
        fig = new_figure(7.2, 3.2)
        left, right = fig.subplots(1, 2)
        times = panels.snapshot_times(dataset, most=MICROGRAPHS)
        left.set(xlabel="diameter (nm)", ylabel="particles counted")
        if times:
            _histogram(left, dataset, times[-1])
            _reported(right, dataset, times)
        else:
            unit, _ = panels.time_unit(dataset)
            right.set(xlabel=f"time ({unit})", ylabel="mean diameter (nm)")
            panels.note(left, "no particles")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


def shades(dataset: xr.Dataset, times: list[float]) -> list[tuple[float, Any, str]]:
    """Time [s], colour and label of the curves of several times."""
    from matplotlib import colormaps

    unit, seconds = panels.time_unit(dataset)
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(times)))
    return [(t, c, f"{t / seconds:.3g} {unit}") for t, c in zip(times, colours, strict=True)]


def stack(ax: Axes, x: Any, parts: dict[str, Any]) -> Any:
    """Origins one on the other, and their sum."""
    below = np.zeros(len(x))
    for origin, part in parts.items():
        if part.max() > 0:
            label = {"seed": "seeds"}.get(origin, origin)
            ax.fill_between(x, below, below + part, color=POPULATION[origin], alpha=0.55, linewidth=0, label=label)
        below = below + part
    ax.plot(x, below, color="0.2", linewidth=0.8)
    return below


def _bands(ax: Axes, dataset: xr.Dataset, time: float) -> None:
    unit, seconds = panels.time_unit(dataset)
    spectrum = mass_spectrum(dataset, time=time, resolution=RESOLUTION)
    x = KDA * spectrum["mass"].values
    whole = stack(ax, x, {str(o): spectrum.sel(origin=o).values / KDA for o in spectrum["origin"].values})
    found = mass_bands(spectrum)
    material = str(dataset.attrs["material"])
    end, last = _last(x, whole), (-np.inf, 0.0)
    top = float(whole.max())
    for band in found:
        at = KDA * band.peak_mass
        height = float(np.interp(at, x, whole))
        # A label beside a taller band goes above that band's own label.
        if at - last[0] < 0.3 * end:
            height = max(height, last[1] + 0.2 * top)
        last = (at, height)
        size = float(diameter_from_mass(band.peak_mass, material=material))
        text = f"{at:.3g} kDa\n({size:.2f} nm)"
        text += f"\n{100 * band.share:.3g} %" if len(found) > 1 else ""
        ax.annotate(text, (at, height), (0, 3), textcoords="offset points", ha="center", va="bottom", fontsize=7.0)
    ax.set_ylim(0.0, max(1.45 * top, last[1] + 0.4 * top))
    ax.set_xlim(0.0, end)
    ax.legend(loc="upper right", title=f"at {time / seconds:.3g} {unit}, $m/\\Delta m$ = {RESOLUTION:g}")


def _last(x: Any, y: Any) -> float:
    """Where a spectrum has faded, with some room."""
    return 1.08 * float(x[y > FAINT * y.max()][-1])


def _histogram(ax: Axes, dataset: xr.Dataset, time: float) -> None:
    unit, seconds = panels.time_unit(dataset)
    whole = size_distribution(dataset, time=time, kind="smooth")
    d, density = whole["diameter"].values, whole.values
    inside = d[density > 1e-3 * density.max()]
    width = max(round((inside[-1] - inside[0]) / 20.0, 2), 0.01)
    seen = micrograph(dataset, particles=COUNTED, rng=SEED, time=time, bin_width=width)
    below = np.zeros(len(seen.edges) - 1)
    for origin, part in zip(("seed", "nucleated"), seen.count):
        if part.any():
            label = {"seed": "seeds"}.get(origin, origin)
            ax.stairs(below + part, seen.edges, baseline=below, fill=True, color=POPULATION[origin], alpha=0.55,
                      label=label)
        below = below + part
    ax.stairs(below, seen.edges, color="0.2", linewidth=0.8)
    expected = density * seen.number * width
    if expected.max() < 3.0 * below.max():
        ax.plot(d, expected, color=BLACK, linewidth=1.0, label="all particles")
    top = max(float(below.max()), float(expected.max()) if expected.max() < 3.0 * below.max() else 0.0)
    error = 0.0 if np.isnan(seen.mean_error) else seen.mean_error
    text = f"{seen.number} counted: {seen.mean:.2f} ± {error:.2f} nm"
    if seen.std > 0:
        text += f"\nwidth {100 * seen.relative_std:.1f} ± {100 * seen.relative_std_error:.1f} %"
    ax.text(0.02, 0.98, text, transform=ax.transAxes, va="top", fontsize=7.0)
    ax.set_ylim(0.0, 1.5 * top)
    ax.legend(loc="upper right", title=f"at {time / seconds:.3g} {unit}")


def _reported(ax: Axes, dataset: xr.Dataset, times: list[float]) -> None:
    """Points with the intervals of the counts; the line is the whole ensemble."""
    unit, seconds = panels.time_unit(dataset)
    data = dataset["mean_diameter"].sel(population="all")
    data = data.mean("replicate") if "replicate" in data.dims else data
    ax.plot(dataset["time"].values / seconds, data.values, color=BLACK, linewidth=1.0, label="all particles")
    counts = [micrograph(dataset, particles=COUNTED, rng=SEED + i, time=t) for i, t in enumerate(times)]
    mean = np.array([c.mean for c in counts])
    error = np.nan_to_num([c.mean_error for c in counts])
    spread = np.nan_to_num([c.std for c in counts])
    at = np.array(times) / seconds
    ax.errorbar(at, mean, spread, fmt="none", ecolor="0.75", elinewidth=3.0, label="σ of those counted")
    ax.errorbar(at, mean, error, fmt="o", markersize=3.0, color=GREEN, elinewidth=1.2, capsize=2.0,
                label=f"{COUNTED} counted, 95 %")
    ax.set(xlabel=f"time ({unit})", ylabel="mean diameter (nm)")
    low, high = float((mean - spread).min()), float((mean + spread).max())
    pad = max(high - low, 0.1)
    ax.set_ylim(max(low - 0.1 * pad, 0.0), high + 0.55 * pad)
    ax.legend(loc="upper left")
