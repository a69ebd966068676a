"""The size distribution: how it moved, and what it is at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.observables.distribution import ORIGINS, populations, size_distribution
from kmcgrowth.plots import panels
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import POPULATION, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure(dataset: xr.Dataset) -> Figure:
    """Two panels: smooth densities at several times, and the histogram of the last snapshot with its populations."""
    with look():
        fig = new_figure(7.2, 3.2)
        left, right = fig.subplots(1, 2)
        panels.sizes(left, dataset)
        times = panels.snapshot_times(dataset)
        if times:
            _histogram(right, dataset, times[-1])
        else:
            right.set_xlabel("diameter (nm)")
            right.set_ylabel("share per diameter (nm$^{-1}$)")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


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
