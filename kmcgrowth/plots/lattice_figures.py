"""Figures of a lattice run from its dataset: on one page, the crystals, a section through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.lattice.frames import read_frames, read_walkers
from kmcgrowth.observables.dissolved import course, sampled
from kmcgrowth.plots import crystal_figure
from kmcgrowth.plots.crystal_scene import Walkers
from kmcgrowth.plots.style import BLUE, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


BINS = 100
"""Ranges of sizes, about, into which the shares over all times are put."""


def overview(dataset: xr.Dataset) -> Figure:
    """The last picture, mean diameter, number of particles, sizes and solution; of replicates, the first."""
    one = _first(dataset)
    particles = one["number"].sel(population="all").values
    mean = one["mean_diameter"].sel(population="all").values
    last = one["particle_count"].isel(time=-1).sum("origin").values
    walkers = walkers_of(one)
    when, saturation = one["time"].values, one["supersaturation"].values
    if sampled(one):
        when, saturation, _ = course(one)
    return crystal_figure.overview(
        read_frames(one), time=one["time"].values, mean=mean,
        std=mean * one["relative_std"].sel(population="all").values, number=particles,
        diameters=np.repeat(one["diameter"].values, last), supersaturation=saturation,
        supersaturation_time=when,
        walkers=walkers[-1] if walkers else None,
        title=_title(dataset),
    )


def walkers_of(dataset: xr.Dataset) -> list[Walkers] | None:
    """What walks in every frame, for pictures."""
    found = read_walkers(dataset)
    return None if found is None else [Walkers(position=p, kind=k, names=names) for p, k, names in found]


def crystal(dataset: xr.Dataset) -> Figure:
    """Pictures of the first moment, one in between and the last, atoms coloured by coordination."""
    return crystal_figure.crystal(
        read_frames(dataset), colour="coordination", title=_title(dataset),
        walkers=walkers_of(dataset),
    )


def section(dataset: xr.Dataset) -> Figure:
    """A slice through the largest particle at its end, atoms coloured by coordination."""
    return crystal_figure.section(
        read_frames(dataset), colour="coordination", title=_title(dataset)
    )


def sizes(dataset: xr.Dataset) -> Figure:
    """How many particles have which size at which time: growth by whole layers stands out as bands."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    from kmcgrowth.plots.clock import unit_of
    from kmcgrowth.plots.overview_figure import add_title

    one = _first(dataset)
    count = one["particle_count"].sum("origin").values
    unit, seconds = unit_of(float(one["time"][-1]))
    time = one["time"].values / seconds
    where, which = np.nonzero(count)
    size = one["size"].values
    with look():
        fig = new_figure(7.2, 3.6)
        left, right = fig.subplots(1, 2, width_ratios=(2.2, 1.0), sharey=True)
        number = count[where, which]
        most = int(number.max(initial=1))
        dots = left.scatter(
            time[where], size[which], c=number, s=5, marker="s", linewidths=0, cmap="viridis_r",
            norm=LogNorm(1, max(2, most)), rasterized=True,
        )
        left.set(xlabel=f"time ({unit})", xlim=(time[0], time[-1]), ylabel="formula units in a particle" + (
            " (half its atoms)" if one.sizes["site_kind"] == 2 else ""))
        top = 1.05 * float(size[which].max(initial=1))
        left.set_ylim(0.0, top)
        ticks = [n for n in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000) if n <= max(2, most)]
        bar = fig.colorbar(dots, ax=left, label="particles", pad=0.02, ticks=FixedLocator(ticks),
                           format=FuncFormatter(lambda n, _: f"{n:g}"))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        step = max(round(top / BINS), 1)
        edges = np.arange(-0.5, top + step, step)
        spent, _ = np.histogram(size, bins=edges, weights=count.sum(axis=0))
        right.stairs(100.0 * spent / max(int(count.sum()), 1), edges, orientation="horizontal", fill=True, color=BLUE)
        right.set_xlim(left=0.0)
        right.set(xlabel="share over all times (%)" + (f",\nin steps of {step}" if step > 1 else ""))
        add_title(fig, dataset, of_first=True)
    return fig


def _title(dataset: xr.Dataset) -> str:
    """The title of the recipe, and that only the first of several replicates is shown."""
    from kmcgrowth.plots.overview_figure import about_run

    return "\n".join(line for line in (str(dataset.attrs.get("title", "")), about_run(dataset, of_first=True)) if line)


def _first(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.isel(replicate=0) if "replicate" in dataset.dims else dataset
