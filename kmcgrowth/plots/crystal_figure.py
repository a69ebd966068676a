"""Figures of atoms on a lattice: moments side by side, cross-sections, and a run on one page.

Every function takes plain arrays and ``Atoms``; walkers and followed labels of particles are given frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kmcgrowth.errors import BadInput
from kmcgrowth.plots import panels
from kmcgrowth.plots.crystal_render import Camera, FloatArray, View
from kmcgrowth.plots.crystal_scene import (
    Key, Walkers, atom_colours, in_one_piece, key, neighbour_distance, picture, radii, several, view_of, walker_colours,
)
from kmcgrowth.plots.style import BLUE, CYCLE, look, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.materials.crystals import IntArray

UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
"""Units of time and their seconds."""

PIXELS = 300
"""Pixels of a picture to an inch of the figure."""

FADE = 0.55
"""How much the farthest atoms of a section are bleached [dimensionless]."""


def unit_of(span: float) -> tuple[str, float]:
    """Unit in which a span of time is told, and its seconds."""
    return next((u for u in UNITS if span >= 3 * u[1] or (u[0] == "s" and span >= 1.0)), UNITS[-1] if span else UNITS[2])


def bar_length(width: float) -> float:
    """Length of a scale bar, 1, 2 or 5 times a power of ten and at most a quarter of a width, in its unit."""
    most = 0.25 * width
    decade = 10.0 ** np.floor(np.log10(most))
    return float(max(step * decade for step in (1.0, 2.0, 5.0) if step * decade <= most * (1.0 + 1e-9)))


def moments(frames: Sequence[Atoms], shown: int = 3) -> list[int]:
    """Frames to show: the first, the last, and those nearest to evenly spread times between them."""
    times = np.array([f.time for f in frames])
    wanted = np.linspace(times[0], times[-1], shown) if shown > 1 else times[-1:]
    return sorted({len(times) - 1 - int(np.argmin(np.abs(times[::-1] - w))) for w in wanted})


def crystal(
    frames: Sequence[Atoms], *, colour: str = "element", shown: int = 3, camera: Camera | None = None,
    walkers: Sequence[Walkers] | None = None, particle: Sequence[IntArray] | None = None, title: str = "",
) -> Figure:
    """Pictures of several moments side by side, with their times, a scale bar, and what the colours mean.

    Parameters
    ----------
    frames : in order of time
    colour : "element", "coordination", "particle" or "origin"
    shown : moments drawn: the first, the last, and others in between
    walkers, particle : dissolved species and labels of particles, one entry a frame

    Raises
    ------
    BadInput
        If there are no frames, or ``colour`` is not known.
    """
    _check(frames)
    box = walkers is not None or several(frames)
    chosen = moments(frames, shown)
    unit, seconds = unit_of(frames[-1].time)
    with look():
        width = 7.2 / max(len(chosen), 2)
        fig = new_figure(width * len(chosen), width + (0.75 if title else 0.55))
        side = int((width - 0.1) * PIXELS)
        view = view_of([frames[i] for i in chosen], size=(side, side), camera=camera, box=box)
        axes = fig.subplots(1, len(chosen), squeeze=False)[0]
        for ax, i in zip(axes, chosen, strict=True):
            draw_picture(
                ax, frames[i], view, colour=colour, box=box, walkers=None if walkers is None else walkers[i],
                particle=None if particle is None else particle[i], bar=i == chosen[-1],
            )
            ax.set_title(f"$t$ = {frames[i].time / seconds:.3g} {unit}", loc="center")
        explain(fig, key(frames, colour), axes, species=walkers[0] if walkers else None, elements=frames[0].elements)
        _title(fig, title)
    return fig


def section(
    frames: Sequence[Atoms], *, colour: str = "coordination", axis: str = "z", at: float | None = None,
    thickness: float | None = None, largest: bool = False, shown: int = 1, title: str = "",
) -> Figure:
    """Cross-sections: the atoms between two planes, seen along an edge of the box.

    Parameters
    ----------
    frames : in order of time
    colour : as for ``crystal``
    axis : "x", "y" or "z", the normal of the section
    at : where its middle lies; None for the middle of the box, or of the largest particle where that is empty [nm]
    thickness : distance of its planes; None for 2.5 distances of nearest neighbours [nm]
    largest : whether only the largest particle is shown, through its middle unless ``at`` is given
    shown : moments drawn; one is the last

    Raises
    ------
    BadInput
        If there are no frames, or ``axis`` or ``colour`` is not known.
    """
    _check(frames)
    if axis not in ("x", "y", "z"):
        raise BadInput(f'axis: "{axis}" is not an edge of the box; it is "x", "y" or "z".')
    chosen = moments(frames, shown)
    unit, seconds = unit_of(frames[-1].time)
    with look():
        width = 7.2 / max(len(chosen), 2)
        fig = new_figure(width * len(chosen) if len(chosen) > 1 else 4.4, max(width, 3.6) + (0.7 if title else 0.5))
        axes = fig.subplots(1, len(chosen), squeeze=False, sharex=not largest, sharey=not largest)[0]
        for ax, i in zip(axes, chosen, strict=True):
            low, high = draw_section(
                ax, frames[i], colour=colour, axis=axis, at=at, thickness=thickness, largest=largest,
            )
            ax.set_title(f"$t$ = {frames[i].time / seconds:.3g} {unit},  {axis} = {low:.2f} to {high:.2f} nm")
            if not largest and i != chosen[0]:
                ax.set_ylabel("")
        explain(fig, key(frames, colour), axes)
        _title(fig, title)
    return fig


def overview(
    frames: Sequence[Atoms], *, time: ArrayLike, mean: ArrayLike, std: ArrayLike, number: ArrayLike,
    diameters: ArrayLike, supersaturation: ArrayLike | None = None,
    concentration: Mapping[str, ArrayLike] | None = None, colour: str = "element", camera: Camera | None = None,
    walkers: Walkers | None = None, title: str = "",
) -> Figure:
    """A run on the lattice on one page: its last picture, mean diameter, particles, solution and sizes.

    Parameters
    ----------
    frames : in order of time; the last is drawn
    time : (times,) [s]
    mean, std : (times,) mean and standard deviation of the diameters [nm]
    number : (times,) particles
    diameters : (particles,) at the end [nm]
    supersaturation : (times,) c/c_inf [dimensionless]
    concentration : species -> (times,), drawn where no supersaturation is given [mol/L]
    colour, camera : as for ``crystal``
    walkers : dissolved species at the end

    Raises
    ------
    BadInput
        If there are no frames, or ``colour`` is not known.
    """
    _check(frames)
    t = np.asarray(time, dtype=float)
    unit, seconds = unit_of(float(t[-1]))
    t = t / seconds
    box = walkers is not None or several(frames[-1:])
    with look():
        fig = new_figure(7.2, 6.3)
        axes = fig.subplot_mosaic([["picture", "diameter"], ["picture", "number"], ["sizes", "solution"]],
                                  width_ratios=(1.25, 1.0))
        ax = axes["picture"]
        side = int(3.9 * PIXELS)
        view = view_of(frames[-1:], size=(side, side), camera=camera, box=box)
        draw_picture(ax, frames[-1], view, colour=colour, box=box, walkers=walkers)
        last, (name, its) = frames[-1], unit_of(frames[-1].time)
        ax.set_title(f"$t$ = {last.time / its:.3g} {name},  {last.number} atoms")
        explain(fig, key(frames[-1:], colour), [ax], species=walkers, elements=last.elements)
        band(axes["diameter"], t, mean, std, unit=unit)
        counts(axes["number"], t, number, unit=unit)
        if supersaturation is not None:
            lines(axes["solution"], t, {"": supersaturation}, unit=unit, label="supersaturation $c/c_\\infty$", level=1.0)
        elif concentration:
            lines(axes["solution"], t, concentration, unit=unit, label="concentration (mol/L)")
        else:
            panels._time_axis(axes["solution"], t, unit)
            panels.note(axes["solution"], "solution not followed")
        histogram(axes["sizes"], diameters)
        _title(fig, title)
    return fig


def draw_picture(
    ax: Axes, atoms: Atoms, view: View, *, colour: str = "element", box: bool = True, walkers: Walkers | None = None,
    particle: IntArray | None = None, bar: bool = True,
) -> None:
    """Put the picture of one moment into axes, a scale bar below it."""
    image = picture(atoms, view, colour=colour, box=box, walkers=walkers, particle=particle)
    width, height = view.size
    ax.imshow(image, extent=(0.0, width, height, 0.0), interpolation="antialiased")
    ax.set_xlim(0.0, width)
    ax.set_ylim(1.09 * height, 0.0)
    ax.axis("off")
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
    thick = 2.5 * neighbour_distance(atoms) if thickness is None else thickness
    mine = label == 0 if largest else np.ones(atoms.number, dtype=bool)
    middle = _middle(position[:, normal], label, 0.5 * float(atoms.box[normal]), thick, largest) if at is None else at
    away = position[:, normal] - middle
    shown = np.flatnonzero(mine & (np.abs(away) <= 0.5 * thick))
    shown = shown[np.argsort(away[shown], kind="stable")]
    edges = atoms.box[[across, upward]]
    if shown.size:
        pale = FADE * (0.5 - away[shown] / thick)[:, None]
        colours = atom_colours(atoms, colour)[shown] * (1.0 - pale) + pale
        size = 2.0 * radii(atoms)[shown]
        discs = EllipseCollection(
            size, size, np.zeros(len(shown)), units="xy", offsets=position[shown][:, [across, upward]],
            offset_transform=ax.transData, facecolors=colours, edgecolors=0.45 * colours,
            linewidths=float(np.clip(20.0 / np.sqrt(len(shown)), 0.1, 0.5)),
        )
        discs.set_rasterized(len(shown) > 3000)
        ax.add_collection(discs)
    if largest and shown.size:
        low, high = (f(position[mine][:, [across, upward]], axis=0) for f in (np.min, np.max))
        middle_of, half = 0.5 * (low + high), 0.5 * float(np.max(high - low)) + neighbour_distance(atoms)
        ax.set_xlim(middle_of[0] - half, middle_of[0] + half)
        ax.set_ylim(middle_of[1] - half, middle_of[1] + half)
    else:
        ax.add_patch(Rectangle((0.0, 0.0), *edges, fill=False, edgecolor="0.6", linewidth=0.7))
        ax.set_xlim(-0.04 * edges[0], 1.04 * edges[0])
        ax.set_ylim(-0.04 * edges[1], 1.04 * edges[1])
    if not shown.size:
        ax.text(0.5, 0.5, "no atoms here", transform=ax.transAxes, ha="center", va="center", color="0.4")
    return middle - 0.5 * thick, middle + 0.5 * thick


def _middle(height: FloatArray, label: IntArray, centre: float, thick: float, largest: bool) -> float:
    """Where a section lies: in the middle of the box, or of the largest particle."""
    if not len(height) or (not largest and bool((np.abs(height - centre) <= 0.5 * thick).any())):
        return centre
    return float(height[label == 0].mean())


def band(ax: Axes, t: FloatArray, mean: ArrayLike, std: ArrayLike, *, unit: str) -> None:
    """Mean diameter over time within one standard deviation of the particles."""
    m, s = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
    panels._time_axis(ax, t, unit)
    ax.set_ylabel("mean diameter (nm)")
    if not np.isfinite(m).any():
        panels.note(ax, "no particles")
        return
    ax.fill_between(t, m - s, m + s, color=BLUE, alpha=0.2, linewidth=0, label="± standard deviation")
    ax.plot(t, m, color=BLUE, label="mean", **panels._mark(m))
    ax.margins(y=0.12)
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
) -> None:
    """Quantities of the solution over time; a thin line marks a level."""
    panels._time_axis(ax, t, unit)
    ax.set_ylabel(label)
    known = {name: np.asarray(v, dtype=float) for name, v in values.items()}
    known = {name: np.where(v > 0, v, np.nan) for name, v in known.items() if (v > 0).any()}
    if not known:
        panels.note(ax, "nothing dissolved")
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
    spread = float(np.ptp(d)) or 0.1 * float(d.mean())
    bins = int(np.clip(np.ceil(2.0 * np.cbrt(d.size)), 5, 40))  # Rice's rule
    ax.hist(d, bins=bins, range=(d.min() - 0.02 * spread, d.max() + 0.02 * spread), color=BLUE, alpha=0.75,
            edgecolor="white", linewidth=0.5)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.text(0.98, 0.97, f"{d.mean():.2f} ± {d.std():.2f} nm", transform=ax.transAxes, ha="right", va="top")


def explain(
    fig: Figure, meaning: Key, axes: Any, *, species: Walkers | None = None, elements: Sequence[str] = (),
) -> None:
    """A legend of what colours mean, or a bar where they are numbers, below some axes."""
    from matplotlib.lines import Line2D

    names = [*meaning.labels] if not meaning.ordered else []
    handles = [_dot(n, c, 1.0) for n, c in zip(names, meaning.colours, strict=False)]
    if species is not None:
        colours = walker_colours(species.names, tuple(elements))
        handles += [_dot(f"dissolved {n}", c, 0.5) for n, c in zip(species.names, colours, strict=True)]
    if meaning.ordered:
        _bar(fig, meaning, axes)
    if handles:
        title = Line2D([], [], linestyle="none", label=meaning.title) if meaning.title and names else None
        fig.legend(handles=[*([title] if title else []), *handles], loc="outside lower center", ncols=8,
                   handletextpad=0.2, columnspacing=1.2)


def _dot(label: str, colour: str, opacity: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", marker="o", markersize=5.5, color=colour, alpha=opacity, label=label,
                  markeredgecolor="0.25", markeredgewidth=0.4)


def _bar(fig: Figure, meaning: Key, axes: Any) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    number = len(meaning.labels)
    shades = ScalarMappable(BoundaryNorm(np.arange(number + 1) - 0.5, number), ListedColormap(list(meaning.colours)))
    bar = fig.colorbar(shades, ax=list(axes), location="bottom", shrink=0.5 if len(axes) > 1 else 0.8, aspect=30,
                       pad=0.02, ticks=range(number))
    bar.set_label("nearest neighbours of an atom")
    bar.ax.tick_params(length=0)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]


def _title(fig: Figure, title: str) -> None:
    if title:
        from textwrap import fill

        fig.suptitle(fill(title, 95).replace("$", r"\$"), x=0.02, ha="left")


def _check(frames: Sequence[Atoms]) -> None:
    if not frames:
        raise BadInput("there are no frames to draw: the result must hold at least one configuration of atoms.")
