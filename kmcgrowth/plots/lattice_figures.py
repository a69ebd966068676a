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
        title=str(dataset.attrs.get("title", "")),
    )


def walkers_of(dataset: xr.Dataset) -> list[Walkers] | None:
    """What walks in every frame, for pictures."""
    found = read_walkers(dataset)
    return None if found is None else [Walkers(position=p, kind=k, names=names) for p, k, names in found]


def crystal(dataset: xr.Dataset) -> Figure:
    """Pictures of the first moment, one in between and the last, atoms coloured by coordination."""
    return crystal_figure.crystal(
        read_frames(dataset), colour="coordination", title=str(dataset.attrs.get("title", "")),
        walkers=walkers_of(dataset),
    )


def section(dataset: xr.Dataset) -> Figure:
    """A slice through the largest particle at its end, atoms coloured by coordination."""
    return crystal_figure.section(
        read_frames(dataset), colour="coordination", title=str(dataset.attrs.get("title", ""))
    )


def sizes(dataset: xr.Dataset) -> Figure:
    """How many particles have which size at which time: growth by whole layers stands out as bands."""
    from matplotlib.colors import LogNorm

    from kmcgrowth.plots.crystal_panels import unit_of
    from kmcgrowth.plots.overview_figure import add_title

    one = _first(dataset)
    count = one["particle_count"].sum("origin").values
    unit, seconds = unit_of(float(one["time"][-1]))
    time = one["time"].values / seconds
    where, which = np.nonzero(count)
    with look():
        fig = new_figure(7.2, 3.6)
        left, right = fig.subplots(1, 2, width_ratios=(2.2, 1.0), sharey=True)
        number = count[where, which]
        dots = left.scatter(
            time[where], one["size"].values[which], c=number, s=5, marker="s", linewidths=0, cmap="viridis_r",
            norm=LogNorm(1, max(2, int(number.max()))), rasterized=True,
        )
        left.set(xlabel=f"time ({unit})", ylabel="formula units in a particle", xlim=(time[0], time[-1]))
        left.set_ylim(bottom=0.0)
        fig.colorbar(dots, ax=left, label="particles", pad=0.02, format="%g")
        spent = count.sum(axis=0) / max(int(count.sum()), 1)
        right.barh(one["size"].values, 100.0 * spent, height=1.0, color=BLUE)
        right.set(xlabel="share over all times (%)")
        add_title(fig, dataset)
    return fig


def _first(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.isel(replicate=0) if "replicate" in dataset.dims else dataset
