"""A run on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcgrowth.plots import panels
from kmcgrowth.plots.style import look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def figure(dataset: xr.Dataset) -> Figure:
    """Six panels: size distributions, mean diameter, relative width, supersaturation, species, feed and temperature.

    Of a lattice run that keeps its atoms, their picture stands beside.
    """
    if "atom_site" in dataset.variables:
        from kmcgrowth.plots.lattice_figures import overview

        return overview(dataset)
    with look():
        fig = new_figure(7.2, 8.0)
        axes = fig.subplots(3, 2)
        panels.sizes(axes[0, 0], dataset)
        panels.feed(axes[0, 1], dataset)
        panels.over_time(axes[1, 0], dataset, "mean_diameter")
        axes[1, 0].set_ylabel("mean diameter (nm)")
        panels.over_time(axes[1, 1], dataset, "relative_std", factor=100.0, from_zero=True)
        axes[1, 1].set_ylabel("relative width σ/mean (%)")
        panels.supersaturation(axes[2, 0], dataset)
        panels.species(axes[2, 1], dataset)
        add_title(fig, dataset)
    return fig


def add_title(fig: Figure, dataset: xr.Dataset, *, of_first: bool = False) -> None:
    """The title of the recipe, wrapped, and how many replicates were averaged or whether the run was cut short.

    ``of_first`` says that only the first replicate is shown.
    """
    from textwrap import fill

    # A dollar sign in a title is money, not mathematics.
    title = fill(str(dataset.attrs.get("title", "")), int(13.2 * fig.get_figwidth())).replace("$", r"\$")
    text = "\n".join(line for line in (title, about_run(dataset, of_first=of_first)) if line)
    if text:
        fig.suptitle(text, x=0.02, ha="left")


def about_run(dataset: xr.Dataset, *, of_first: bool = False) -> str:
    """What a figure shows of several replicates, and whether the run was cut short."""
    runs = int(dataset.sizes.get("replicate", 1))
    parts = []
    if runs > 1:
        parts.append(f"the first of {runs} replicates" if of_first
                     else f"bands: 95 % interval of the mean of {runs} replicates")
    if not int(dataset.attrs.get("complete", 1)):
        parts.append("incomplete run")
    return "; ".join(parts)
