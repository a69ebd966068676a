"""The size distribution: how it moved, and what it is at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.observables.distribution import ORIGINS, populations, size_distribution
from kmcgrowth.plots import panels
from kmcgrowth.plots.clock import told
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import BLUE, POPULATION, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FEW = 60
"""Crystals from which a density is drawn."""

RANGES = 24
"""Ranges over the diameters that occur."""

LEAST_RANGE = 0.05
"""Width of a range, at least [nm]."""


def figure(dataset: xr.Dataset) -> Figure:
    """Two panels: smooth densities at several times, and the histogram of the last snapshot with its populations.

    Of fewer than ``FEW`` crystals on a lattice, which make no density, particles are counted in ranges of diameter.
    """
    with look():
        fig = new_figure(7.2, 3.2)
        left, right = fig.subplots(1, 2)
        times = panels.snapshot_times(dataset)
        if times and "lattice" in dataset.attrs and _most(dataset) < FEW:
            _counted(left, dataset, times)
            _counted(right, dataset, times[-1:])
            add_title(fig, dataset)
            return fig
        panels.sizes(left, dataset)
        if times:
            _histogram(right, dataset, times[-1])
        else:
            right.set_xlabel("diameter (nm)")
            right.set_ylabel("share per diameter (nm$^{-1}$)")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


def _most(dataset: xr.Dataset) -> float:
    """Particles at one time, of all replicates."""
    number = dataset["number"].sel(population="all")
    return float((number.sum("replicate") if "replicate" in number.dims else number).max())


def _counted(ax: Axes, dataset: xr.Dataset, times: list[float]) -> None:
    """Particles per range of diameters at some times; those of replicates together."""
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    unit, seconds = panels.time_unit(dataset)
    count = dataset["particle_count"].sum([d for d in ("origin", "replicate") if d in dataset["particle_count"].dims])
    at = count.sel(time=times, method="nearest").values
    diameter = dataset["diameter"].values
    seen = diameter[at.sum(axis=0) > 0]
    step = max(float(np.ptp(seen)) / RANGES, LEAST_RANGE)
    first = step * np.floor(float(seen.min()) / step - 1.0)
    edges = first + step * np.arange(np.ceil((float(seen.max()) - first) / step) + 2)
    shades = colormaps["viridis"](np.linspace(0.0, 0.85, len(times)))
    for t, shade, number in zip(times, shades, at):
        bars, _ = np.histogram(diameter, bins=edges, weights=number)
        label = told(t, unit, seconds)
        if len(times) > 1:
            ax.stairs(bars, edges, color=shade, linewidth=1.3, label=label)
            continue
        ax.stairs(bars, edges, fill=True, color=BLUE, alpha=0.75, label=f"at {label}")
        mean = float(number @ diameter) / float(number.sum())
        width = float(np.sqrt(number @ (diameter - mean) ** 2 / number.sum()))
        many = f"{number.sum():g} particles" if number.sum() != 1 else "1 particle"
        told_size = f"{mean:.2f} nm" + (f" ± {100 * width / mean:.1f} %" if number.sum() > 1 else "")
        ax.text(0.02, 0.98, f"{many}: {told_size}", transform=ax.transAxes, va="top", fontsize=7.0)
    ax.set(xlabel="diameter (nm)", ylabel="particles")
    ax.margins(x=0.04)
    rows = -(-len(times) // 2)
    ax.set_ylim(0.0, (1.15 + 0.1 * rows) * ax.dataLim.y1)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7))
    ax.legend(loc="upper center" if len(times) > 1 else "upper right", ncols=2, columnspacing=1.2)


def _histogram(ax: Axes, dataset: xr.Dataset, time: float) -> None:
    unit, seconds = panels.time_unit(dataset)
    whole = size_distribution(dataset, time=time)
    edges = np.append(whole["lower"].values, whole["upper"].values[-1])
    below = np.zeros(edges.size - 1)
    for origin in ORIGINS:
        part = size_distribution(dataset, time=time, origin=origin, bins=edges).values  # type: ignore[arg-type]
        if part.max() > 0:
            label = {"seed": "seeds"}.get(origin, origin)
            ax.stairs(below + part, edges, baseline=below, fill=True, color=POPULATION[origin], alpha=0.6, label=label)
        below = below + part
    ax.stairs(below, edges, color="0.2", linewidth=0.8)
    ax.set_xlabel("diameter (nm)")
    ax.set_ylabel("share per diameter (nm$^{-1}$)")
    found = populations(dataset, time=time)
    # Labels of populations that lie close together go one above the other.
    close = len(found) > 1 and found[1].mean_diameter - found[0].mean_diameter < 0.45 * (edges[-1] - edges[0])
    ax.set_ylim(0.0, (1.6 if close else 1.35) * below.max())
    for i, p in enumerate(found):
        text = f"{p.mean_diameter:.2f} nm ± {100 * p.relative_std:.1f} %"
        text += f"\n{100 * p.share:.3g} % of particles" if len(found) > 1 else ""
        height = (1.04 + 0.24 * (close and i == 0)) * below.max()
        ax.annotate(text, (p.mean_diameter, height), ha="center", va="bottom", fontsize=7.0)
    ax.legend(loc="best", title=f"at {time / seconds:.3g} {unit}")
