"""Figures of atoms on a lattice: moments side by side, cross-sections, and a run on one page.

Every function takes plain arrays and ``Atoms``; walkers and followed labels of particles are given frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kmcgrowth.errors import BadInput
from kmcgrowth.plots import crystal_panels as panels
from kmcgrowth.plots.clock import clock, told, unit_of
from kmcgrowth.plots.crystal_render import Camera
from kmcgrowth.plots.crystal_scene import Walkers, key, several, view_of
from kmcgrowth.plots.style import look, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.materials.crystals import IntArray

PIXELS = 300
"""Pixels of a picture to an inch of the figure."""


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
        fig = _new_figure(width * len(chosen), width + (0.85 if title else 0.65))
        side = int((width - 0.1) * PIXELS)
        view = view_of([frames[i] for i in chosen], size=(side, side), camera=camera, box=box)
        axes = fig.subplots(1, len(chosen), squeeze=False)[0]
        for ax, i in zip(axes, chosen, strict=True):
            panels.draw_picture(
                ax, frames[i], view, colour=colour, box=box, walkers=None if walkers is None else walkers[i],
                particle=None if particle is None else particle[i], bar=i == chosen[-1],
            )
            ax.set_title(f"$t$ = {told(frames[i].time, unit, seconds)}", loc="center")
        dissolved = walkers[0] if walkers else None
        panels.explain(fig, key(frames, colour), axes, species=dissolved, elements=frames[0].elements)
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
    at : where its middle lies; None for the middle of the largest particle of the last frame [nm]
    thickness : distance of its planes; None for 2.5 distances of nearest neighbours [nm]
    largest : whether only the largest particle of each frame is shown, through its middle unless ``at`` is given
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
    middle = panels.largest_at(frames[-1], axis) if at is None and not largest else at
    with look():
        width = 7.2 / len(chosen) if len(chosen) > 1 else 4.2
        fig = _new_figure(width * len(chosen), width + 0.85 + 0.18 * len(_wrapped(title, width * len(chosen))))
        axes = fig.subplots(1, len(chosen), squeeze=False, sharex=not largest, sharey=not largest)[0]
        seen: list[tuple[float, ...]] = []
        for ax, i in zip(axes, chosen, strict=True):
            low, high = panels.draw_section(
                ax, frames[i], colour=colour, axis=axis, at=middle, thickness=thickness, largest=largest,
            )
            ax.set_title(f"$t$ = {told(frames[i].time, unit, seconds)}\n{axis} = {low:.2f} to {high:.2f} nm\n"
                         "pale atoms lie farther back")
            if not largest and i != chosen[0]:
                ax.set_ylabel("")
            seen.append((*ax.get_xlim(), *ax.get_ylim()))
        if not largest:  # one scale for all moments
            left, right, bottom, top = (f(x) for f, x in zip((min, max, min, max), zip(*seen)))
            axes[0].set(xlim=(left, right), ylim=(bottom, top))
        panels.explain(fig, key(frames, colour), axes)
        _title(fig, title)
    return fig


def overview(
    frames: Sequence[Atoms], *, time: ArrayLike, mean: ArrayLike, std: ArrayLike, number: ArrayLike,
    diameters: ArrayLike, supersaturation: ArrayLike | None = None, supersaturation_time: ArrayLike | None = None,
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
    supersaturation_time : (times,) of those, where they are not ``time`` [s]
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
        fig = _new_figure(7.2, 6.3)
        axes = fig.subplot_mosaic([["picture", "diameter"], ["picture", "number"], ["sizes", "solution"]],
                                  width_ratios=(1.25, 1.0))
        ax = axes["picture"]
        side = int(3.9 * PIXELS)
        view = view_of(frames[-1:], size=(side, side), camera=camera, box=box)
        panels.draw_picture(ax, frames[-1], view, colour=colour, box=box, walkers=walkers)
        last = frames[-1]
        ax.set_title(f"$t$ = {clock(last.time)},  {last.number} atoms", loc="center")
        panels.explain(fig, key(frames[-1:], colour), [ax], species=walkers, elements=last.elements, below=ax)
        panels.band(axes["diameter"], t, mean, std, unit=unit)
        panels.counts(axes["number"], t, number, unit=unit)
        if supersaturation is not None:
            label = "supersaturation $c/c_\\infty$"
            when = t if supersaturation_time is None else np.asarray(supersaturation_time, dtype=float) / seconds
            panels.lines(axes["solution"], when, {"": supersaturation}, unit=unit, label=label, level=1.0)
            axes["solution"].set_xlim(axes["number"].get_xlim())
        elif concentration:
            panels.lines(axes["solution"], t, concentration, unit=unit, label="concentration (mol/L)")
        else:
            panels.lines(axes["solution"], t, {}, unit=unit, label="concentration (mol/L)", nothing="not followed")
        panels.histogram(axes["sizes"], diameters)
        _title(fig, title)
    return fig


def _new_figure(width: float, height: float) -> Figure:
    fig = new_figure(width, height)
    engine = fig.get_layout_engine()
    if engine is not None:
        engine.set(h_pad=0.07)  # type: ignore[call-arg]
    return fig


def _wrapped(title: str, width: float) -> list[str]:
    """Lines of a title in a figure of a width [inch]."""
    from textwrap import wrap

    return [part for line in title.split("\n") for part in wrap(line, int(13.2 * width))]


def _title(fig: Figure, title: str) -> None:
    if title:
        fig.suptitle("\n".join(_wrapped(title, fig.get_figwidth())).replace("$", r"\$"), x=0.02, ha="left")


def _check(frames: Sequence[Atoms]) -> None:
    if not frames:
        raise BadInput("there are no frames to draw: the result must hold at least one configuration of atoms.")
