"""The look of all figures: sizes that a printed column can bear, colours that every eye can tell apart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)
"""Okabe and Ito, Color Universal Design (2008)."""

CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Yellow is left out: a thin yellow line is lost on white."""

POPULATION = {"seed": BLUE, "nucleated": RED, "all": BLACK}
ORIGIN_LINE: dict[str, Any] = {"seed": "-", "nucleated": "--"}
SUFFIXES = (".svg", ".pdf", ".png")

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "mathtext.fontset": "dejavusans",
    "font.size": 8.0, "axes.labelsize": 8.0, "axes.titlesize": 8.5, "figure.titlesize": 9.5,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "legend.fontsize": 7.0, "legend.title_fontsize": 7.0,
    "legend.frameon": True, "legend.framealpha": 0.85, "legend.edgecolor": "none", "legend.handlelength": 1.6,
    "legend.borderpad": 0.3, "legend.labelspacing": 0.3,
    "lines.linewidth": 1.4, "axes.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlelocation": "left", "axes.formatter.useoffset": False, "axes.formatter.limits": (-4, 5),
    "xtick.direction": "out", "ytick.direction": "out", "text.usetex": False, "axes.unicode_minus": True,
    "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white", "savefig.dpi": 200,
    "svg.fonttype": "none", "svg.hashsalt": "kmcgrowth", "pdf.fonttype": 42,
}


@contextmanager
def look() -> Iterator[None]:
    """Within the block matplotlib draws in this style; the settings of the caller come back afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = _SETTINGS
        matplotlib.rcParams.update(settings)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size [inch], to be called within ``look``."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def write(fig: Figure, path: str | os.PathLike[str]) -> None:
    """See ``kmcgrowth.plots.save_figure``."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f'"{path}": a figure is saved as {", ".join(SUFFIXES)}; end the name with one of these.')
    # No dates in the files, so that the same figure is the same bytes.
    dateless: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}
    with look(), atomic_path(path) as temporary:
        fig.savefig(temporary, format=suffix[1:], metadata=dateless[suffix])
