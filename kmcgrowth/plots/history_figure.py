"""Everything that is a number per time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcgrowth.plots import panels
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def figure(dataset: xr.Dataset) -> Figure:
    """Six panels: mean diameter, relative width, particles, supersaturation, species, feed and temperature."""
    with look():
        fig = new_figure(7.2, 8.0)
        axes = fig.subplots(3, 2)
        panels.over_time(axes[0, 0], dataset, "mean_diameter")
        axes[0, 0].set_ylabel("mean diameter (nm)")
        panels.over_time(axes[0, 1], dataset, "relative_std", factor=100.0, from_zero=True)
        axes[0, 1].set_ylabel("relative width σ/mean (%)")
        panels.numbers(axes[1, 0], dataset)
        panels.supersaturation(axes[1, 1], dataset)
        panels.species(axes[2, 0], dataset)
        panels.feed(axes[2, 1], dataset)
        add_title(fig, dataset)
    return fig
