"""Panels of figures of atoms, each drawn into the axes it is given, from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kmcgrowth.plots import crystal_scene as scene
from kmcgrowth.plots import panels
from kmcgrowth.plots.crystal_render import FloatArray, View
from kmcgrowth.plots.crystal_scene import Key, Walkers, in_one_piece
from kmcgrowth.plots.style import BLUE, CYCLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.materials.crystals import IntArray

FADE = 0.55
"""How much the farthest atoms of a section are bleached [dimensionless]."""


def bar_length(width: float) -> float:
    """Length of a scale bar, 1, 2 or 5 times a power of ten and at most a quarter of a width, in its unit."""
    most = 0.25 * width
    decade = 10.0 ** np.floor(np.log10(most))
    return float(max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= most * (1.0 + 1e-9)))


def draw_picture(
    ax: Axes, atoms: Atoms, view: View, *, colour: str = "element", box: bool = True, walkers: Walkers | None = None,
    particle: IntArray | None = None, bar: bool = True,
) -> None:
    """Put the picture of one moment into axes, a scale bar below it."""
    image = scene.picture(atoms, view, colour=colour, box=box, walkers=walkers, particle=particle)
    width, height = view.size
    ax.imshow(image, extent=(0.0, width, height, 0.0), interpolation="antialiased")
    ax.set_xlim(0.0, width)
    ax.set_ylim(1.09 * height, 0.0)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if bar:
        length = bar_length(width / view.scale)
        end, y = 0.97 * width, 1.045 * height
        ax.plot([end - length * view.scale, end], [y, y], color="black", linewidth=2.2, solid_capstyle="butt",
                label="scale bar")
        ax.text(end - length * view.scale - 0.02 * width, y, f"{length:g} nm", ha="right", va="center_baseline")


def draw_section(
    ax: Axes, atoms: Atoms, *, colour: str = "coordination", axis: str = "z", at: float | None = None,
    thickness: float | None = None, largest: bool = False,
) -> tuple[float, float]:
    """Draw the atoms between two planes as discs, the farther the paler; gives where the planes lie [nm]."""
    from matplotlib.collections import EllipseCollection
    from matplotlib.patches import Rectangle

    normal = "xyz".index(axis)
    across, upward = ((1, 2), (0, 2), (0, 1))[normal]
    ax.set_xlabel(f"{'xyz'[across]} (nm)")
    ax.set_ylabel(f"{'xyz'[upward]} (nm)")
    ax.set_aspect("equal")
    position, label = in_one_piece(atoms)
    thick = 2.5 * scene.neighbour_distance(atoms) if thickness is None else thickness
    mine = label == 0 if largest else np.ones(atoms.number, dtype=bool)
    middle = largest_at(atoms, axis) if at is None else at
    away = position[:, normal] - middle
    shown = np.flatnonzero(mine & (np.abs(away) <= 0.5 * thick))
    shown = shown[np.argsort(away[shown], kind="stable")]
    edges = atoms.box[[across, upward]]
    if shown.size:
        pale = FADE * (0.5 - away[shown] / thick)[:, None]
        colours = scene.atom_colours(atoms, colour)[shown] * (1.0 - pale) + pale
        size = 2.0 * scene.radii(atoms)[shown]
        discs = EllipseCollection(
            size, size, np.zeros(len(shown)), units="xy", offsets=position[shown][:, [across, upward]],
            offset_transform=ax.transData, facecolors=colours, edgecolors=0.45 * colours,
            linewidths=float(np.clip(20.0 / np.sqrt(len(shown)), 0.1, 0.5)),
        )
        discs.set_rasterized(len(shown) > 3000)
        ax.add_collection(discs)
    if largest and shown.size:
        low, high = (f(position[mine][:, [across, upward]], axis=0) for f in (np.min, np.max))
        middle_of, half = 0.5 * (low + high), 0.5 * float(np.max(high - low)) + scene.neighbour_distance(atoms)
        ax.set_xlim(middle_of[0] - half, middle_of[0] + half)
        ax.set_ylim(middle_of[1] - half, middle_of[1] + half)
    else:
        ax.add_patch(Rectangle((0.0, 0.0), *edges, fill=False, edgecolor="0.6", linewidth=0.7))
        # a crystal across the border is drawn in one piece, partly beyond it
        seen = position[shown][:, [across, upward]] if shown.size else np.zeros((0, 2))
        reach = scene.neighbour_distance(atoms)
        low, high = (f(seen, axis=0, initial=0.5 * float(edges.min())) for f in (np.min, np.max))
        begin, end = np.minimum(-0.04 * edges, low - reach), np.maximum(1.04 * edges, high + reach)
        ax.set_xlim(begin[0], end[0])
        ax.set_ylim(begin[1], end[1])
    if not shown.size:
        ax.text(0.5, 0.5, "no atoms here", transform=ax.transAxes, ha="center", va="center", color="0.4")
    return middle - 0.5 * thick, middle + 0.5 * thick


def largest_at(atoms: Atoms, axis: str) -> float:
    """Where the middle of the largest particle lies along an axis; without atoms the middle of the box [nm]."""
    along = "xyz".index(axis)
    if not atoms.number:
        return 0.5 * float(atoms.box[along])
    position, label = in_one_piece(atoms)
    return float(position[label == 0, along].mean())


def band(ax: Axes, t: FloatArray, mean: ArrayLike, std: ArrayLike, *, unit: str) -> None:
    """Mean diameter over time within one standard deviation of the particles."""
    m, s = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
    panels._time_axis(ax, t, unit)
    ax.set_ylabel("mean diameter (nm)")
    if not np.isfinite(m).any():
        panels.note(ax, "no particles")
        return
    if np.nanmax(s, initial=0.0) > 0.0:  # of one particle there is no band
        ax.fill_between(t, m - s, m + s, color=BLUE, alpha=0.2, linewidth=0, label="± standard deviation")
    ax.plot(t, m, color=BLUE, label="mean", **panels._mark(m))
    ax.margins(y=0.12)
    if ax.collections:
        ax.legend(loc="best")


def counts(ax: Axes, t: FloatArray, number: ArrayLike, *, unit: str) -> None:
    """Particles over time, as steps."""
    from matplotlib.ticker import MaxNLocator

    values = np.asarray(number, dtype=float)
    panels._time_axis(ax, t, unit)
    ax.set_ylabel("particles")
    ax.step(t, values, where="post", color=BLUE)
    ax.set_ylim(0.0, 1.15 * max(float(np.nanmax(values)), 1.0))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def lines(
    ax: Axes, t: FloatArray, values: Mapping[str, ArrayLike], *, unit: str, label: str, level: float | None = None,
    nothing: str = "nothing dissolved",
) -> None:
    """Quantities of the solution over time; a thin line marks a level."""
    panels._time_axis(ax, t, unit)
    ax.set_ylabel(label)
    known = {name: np.asarray(v, dtype=float) for name, v in values.items()}
    known = {name: np.where(v > 0, v, np.nan) for name, v in known.items() if (v > 0).any()}
    if not known:
        panels.note(ax, nothing)
        return
    for (name, v), colour in zip(known.items(), CYCLE * len(known), strict=False):
        ax.plot(t, v, color=colour, label=name, **panels._mark(v))
    panels._log_axis(ax)
    low, high = ax.get_ylim()
    if level is not None and low < level < high:
        ax.axhline(level, color="0.6", linewidth=0.7, zorder=0)
    if any(known):
        ax.legend(loc="best")


def histogram(ax: Axes, diameters: ArrayLike) -> None:
    """Particles per range of diameters."""
    from matplotlib.ticker import MaxNLocator

    d = np.asarray(diameters, dtype=float)
    d = d[np.isfinite(d)]
    ax.set_xlabel("diameter (nm)")
    ax.set_ylabel("particles")
    if not d.size:
        panels.note(ax, "no particles")
        return
    middle, half = 0.5 * float(d.min() + d.max()), max(0.51 * float(np.ptp(d)), 0.05 * float(d.mean()))
    bins = int(np.clip(np.ceil(2.0 * np.cbrt(d.size)), 5, 40))  # Rice's rule
    ax.hist(d, bins=bins, range=(middle - half, middle + half), color=BLUE, alpha=0.75, edgecolor="white",
            linewidth=0.5)
    ax.margins(y=0.18)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    told = f"{d.mean():.2f} nm" if d.size == 1 else f"{d.mean():.2f} ± {d.std():.2f} nm"
    ax.text(0.98, 0.98, told, transform=ax.transAxes, ha="right", va="top")


def explain(
    fig: Figure, meaning: Key, axes: Any, *, species: Walkers | None = None, elements: Sequence[str] = (),
    below: Axes | None = None,
) -> None:
    """A bar of what colours mean below some axes where they are numbers, else a legend below the figure or axes."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    if meaning.ordered:
        _bar(fig, meaning, axes)
    elif meaning.labels:
        handles = [Line2D([], [], linestyle="none", label=meaning.title)]
        handles += [_dot(label, colour, 1.0) for label, colour in zip(meaning.labels, meaning.colours, strict=True)]
    if species is not None:
        colours = scene.walker_colours(species.names, elements)
        handles += [_dot(f"dissolved {n}", c, 0.5) for n, c in zip(species.names, colours, strict=True)]
    if handles:
        look: dict[str, Any] = {"handles": handles, "ncols": 8, "handletextpad": 0.2, "columnspacing": 1.2}
        if below is None:
            fig.legend(loc="outside lower center", **look)
        else:
            below.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), **look)


def _dot(label: str, colour: str, opacity: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", marker="o", markersize=5.5, color=colour, alpha=opacity, label=label,
                  markeredgecolor="0.25", markeredgewidth=0.4)


def _bar(fig: Figure, meaning: Key, axes: Any) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    number, first = len(meaning.labels), int(meaning.labels[0])
    edges = np.arange(first, first + number + 1) - 0.5
    shades = ScalarMappable(BoundaryNorm(edges, number), ListedColormap(list(meaning.colours)))
    bar = fig.colorbar(shades, ax=list(axes), location="bottom", shrink=0.5 if len(axes) > 1 else 0.8, aspect=30,
                       pad=0.02, ticks=range(first, first + number))
    bar.set_label("nearest neighbours of an atom")
    bar.minorticks_off()
    bar.ax.tick_params(length=0)
