"""What an outcome depends on, the strongest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.plots.style import BLUE, SKY, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

TITLES = {"mean_diameter": "mean diameter", "relative_std": "relative width σ/mean"}


def figure(indices: xr.Dataset) -> Figure:
    """Bars of the total and of the first-order Sobol indices, with their intervals.

    Parameters
    ----------
    indices : as from ``kmcgrowth.studies.sensitivity``
    """
    quantities = [str(q) for q in indices["quantity"].values]
    with look():
        fig = new_figure(3.4 * len(quantities) + 1.6, 0.9 + 0.42 * indices.sizes["axis"])
        for ax, name in zip(np.atleast_1d(np.array(fig.subplots(1, len(quantities)))), quantities, strict=True):
            each = indices.sel(quantity=name)
            order = np.argsort(each["total"].values)
            place = np.arange(order.size)
            for kind, shift, colour, text in (
                ("total", 0.18, SKY, "with all others (total)"), ("first", -0.18, BLUE, "by itself (first order)"),
            ):
                value = each[kind].values[order]
                low, high = (each[f"{kind}_ci"].sel(bound=b).values[order] for b in ("lower", "upper"))
                error = np.maximum(np.stack([value - low, high - value]), 0.0)
                ax.barh(place + shift, value, 0.34, color=colour, label=text,
                        xerr=error, error_kw={"elinewidth": 0.8, "capsize": 1.5})
            ax.set_yticks(place, [_written(str(each["label"].values[i])) for i in order])
            ax.set(xlabel="share of the variance", title=TITLES.get(name, name))
            ax.axvline(0.0, color="black", linewidth=0.7)
        ax.legend(loc="lower right")
        if indices.attrs.get("title"):
            fig.suptitle(str(indices.attrs["title"]).replace("$", r"\$"), x=0.01, ha="left")
    return fig


def _written(label: str) -> str:
    for plain, sign in (("$", r"\$"), ("^2", "²"), ("^3", "³")):
        label = label.replace(plain, sign)
    return label


__all__ = ["figure"]
