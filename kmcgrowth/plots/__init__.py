"""Figures of results; each function takes a dataset and returns a matplotlib Figure, without pyplot or a display.

matplotlib is imported when the first figure is drawn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from kmcgrowth.errors import BadInput

if TYPE_CHECKING:
    import os

    import xarray as xr
    from matplotlib.figure import Figure

KINDS = {
    "overview": "kmcgrowth.plots.overview_figure",
    "distribution": "kmcgrowth.plots.distribution_figure",
    "history": "kmcgrowth.plots.history_figure",
    "crystal": "kmcgrowth.plots.lattice_figures:crystal",
    "section": "kmcgrowth.plots.lattice_figures:section",
    "sizes": "kmcgrowth.plots.lattice_figures:sizes",
    "scattering": "kmcgrowth.plots.scattering_figure",
    "mass": "kmcgrowth.plots.counting_figures:mass",
    "tem": "kmcgrowth.plots.counting_figures:tem",
    "saxs": "kmcgrowth.plots.xray_figures:saxs",
    "diffraction": "kmcgrowth.plots.xray_figures:diffraction",
    "spectra": "kmcgrowth.plots.spectra_figure",
}
"""Kind of figure -> module whose ``figure(dataset)``, or other function, draws it; a new kind is its line here."""

__all__ = ["KINDS", "distribution", "figure", "history", "overview", "save_figure"]


def figure(dataset: xr.Dataset, *, kind: str = "overview") -> Figure:
    """Draw one kind of figure.

    Raises
    ------
    BadInput
        If ``kind`` is not one of ``KINDS``.
    """
    if kind not in KINDS:
        known = ", ".join(f'"{k}"' for k in KINDS)
        raise BadInput(f'kind: "{kind}" is not a kind of figure; it is one of {known}.')
    module, _, function = KINDS[kind].partition(":")
    drawn: Figure = getattr(import_module(module), function or "figure")(dataset)
    return drawn


def overview(dataset: xr.Dataset) -> Figure:
    """A run on one page: sizes, mean and width, supersaturation, species, feed and temperature."""
    return figure(dataset, kind="overview")


def distribution(dataset: xr.Dataset) -> Figure:
    """The size distribution at several times and at the end, the origins told apart."""
    return figure(dataset, kind="distribution")


def history(dataset: xr.Dataset) -> Figure:
    """Everything that is a number per time: sizes, particles, concentrations, feed and temperature."""
    return figure(dataset, kind="history")


def save_figure(fig: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as SVG, PDF or PNG, by the suffix of ``path``; a reader never meets half a file.

    Raises
    ------
    BadInput
        If the suffix is another, or the place cannot be written to.
    """
    from kmcgrowth.plots.style import write

    write(fig, path)
