"""Figures of the cases: one PNG for each drawing, a panel for every engine that made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kmcgrowth.plots.style import CYCLE, look, new_figure

DPI = 110
"""Of the images: a panel is some 420 pixels wide."""

WIDTH, HEIGHT = 3.8, 2.9
"""Of a panel [inch]."""


def plain_ticks(axis: Any, at: Iterable[float]) -> None:
    """Labels at these places of a logarithmic axis, without powers of ten between them."""
    from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(FixedLocator(list(at)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def save_figure(title: str, panels: Mapping[str, Callable[[Any], None]], path: Path) -> None:
    """Draw one panel for every engine.

    Parameters
    ----------
    title : of the figure
    panels : engine -> function that draws on a matplotlib Axes
    path : of the PNG
    """
    from cycler import cycler
    from matplotlib import rcParams

    path.parent.mkdir(parents=True, exist_ok=True)
    with look():
        rcParams.update({"axes.prop_cycle": cycler(color=CYCLE), "lines.markersize": 3.5})
        figure = new_figure(WIDTH * len(panels), HEIGHT)
        row = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (engine, draw) in zip(row, panels.items(), strict=True):
            draw(axes)
            axes.set_title(engine)
        figure.suptitle(title[:1].upper() + title[1:], x=0.02, ha="left")
        figure.savefig(path, dpi=DPI)
