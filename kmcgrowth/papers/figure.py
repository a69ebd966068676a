"""The figure of a row: its panels in one line."""

from __future__ import annotations

from pathlib import Path

from kmcgrowth.papers.bench import Draw
from kmcgrowth.papers.rows import Outcome
from kmcgrowth.plots import save_figure
from kmcgrowth.plots.style import CYCLE, look, new_figure

WIDTH, HEIGHT = 3.3, 2.7
"""Of a panel [inch]."""


def draw_row(outcome: Outcome, panels: list[tuple[str, Draw]], path: Path) -> None:
    """Draw the panels side by side and save them."""
    from cycler import cycler

    with look():
        fig = new_figure(WIDTH * max(len(panels), 2), HEIGHT)
        fig.suptitle(f"{outcome.row.id} {outcome.status}: {outcome.row.title}", x=0.01, ha="left")
        for ax, (title, panel) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels):
            ax.set_prop_cycle(cycler(color=list(CYCLE)))
            panel(ax)
            ax.set_title(title)
    save_figure(fig, path)
