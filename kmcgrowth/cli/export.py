"""``kmcgrowth export``: the atoms of a run on the lattice for other programs, as a picture or as a movie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmcgrowth.errors import BadInput

if TYPE_CHECKING:
    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.plots.crystal_scene import Walkers

SUFFIXES = (".extxyz", ".xyz", ".cif", ".png", ".gif", ".mp4")


def export(
    result: Annotated[Path, typer.Argument(metavar="OUT.nc", help="A result of a run on the lattice.")],
    output: Annotated[
        Path, typer.Option("-o", metavar="FILE", help="Ends with .extxyz, .xyz, .cif, .png, .gif or .mp4.")
    ],
    every: Annotated[
        int, typer.Option(metavar="N", help="Every Nth moment, and the last; .cif and .png hold the last alone.")
    ] = 1,
    colour: Annotated[
        str, typer.Option(metavar="WHAT", help="What colours tell: element, coordination, particle or origin.")
    ] = "element",
    size: Annotated[int, typer.Option(metavar="PIXELS", help="Width of the picture.")] = 480,
    turn: Annotated[
        float, typer.Option(metavar="DEGREES", help="How far the scene turns over a movie, or is turned in a picture.")
    ] = 0.0,
) -> None:
    """Write the atoms of a result to a file."""
    from kmcgrowth import results
    from kmcgrowth.cli.say import say
    from kmcgrowth.lattice.frames import read_frames
    from kmcgrowth.plots.lattice_figures import walkers_of

    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f'"{output}": atoms are exported as {", ".join(SUFFIXES)}; end the name with one of these.')
    if every < 1:
        raise BadInput(f"--every: {every} is no step; give 1 or more.")
    dataset = results.load(result)
    frames, walkers = read_frames(dataset), walkers_of(dataset)
    if not frames:
        raise BadInput(f'"{result}" holds no atoms: only a run on the lattice can be exported.')
    shown = None if walkers is None else thinned(walkers, every)
    say(write(output, thinned(frames, every), walkers=shown, colour=colour, size=size, turn=turn))


def thinned(frames: list[Any], every: int) -> list[Any]:
    """Every so many frames from the first, and the last."""
    kept = frames[::every]
    return kept if (len(frames) - 1) % every == 0 else [*kept, frames[-1]]


def write(
    output: Path, frames: list[Atoms], *, colour: str, size: int, turn: float, walkers: list[Walkers] | None = None
) -> str:
    """Write frames in the format that the suffix of ``output`` says, and tell what was written."""
    suffix = output.suffix.lower()
    last = frames[-1]
    blank = suffix == ".cif" or (suffix == ".png" and (walkers is None or not len(walkers[-1].position)))
    if blank and not last.number:
        filled = [f.time for f in frames if f.number]
        until = f"; the last moment with some is {_at(filled[-1])}, which .extxyz and .gif show" if filled else ""
        raise BadInput(f"-o: at the end, {_at(last.time)}, no atoms are left in crystals for a {suffix} file{until}.")
    if suffix in (".extxyz", ".xyz"):
        from kmcgrowth.lattice.export import write_xyz

        told = f"{output}: {_counted(write_xyz(output, frames), 'frame')}"
        return told + (", atoms of crystals only" if walkers else "")
    if suffix == ".cif":
        from kmcgrowth.lattice.export import write_cif

        write_cif(output, last)
        return f"{output}: {last.number} atoms at {_at(last.time)}"
    from kmcgrowth.plots import movie

    if suffix == ".png":
        from kmcgrowth.plots.crystal_render import Camera

        still = movie.labelled(
            [last], pictures=1, colour=colour, size=size, camera=Camera(turn=turn),
            walkers=None if walkers is None else walkers[-1:],
        )
        movie.save_still(output, next(still))
        return f"{output}: {last.number} atoms at {_at(last.time)}"
    pictures = movie.labelled(frames, colour=colour, size=size, turn=turn, walkers=walkers)
    return f"{output}: {_counted(movie.save_movie(output, pictures), 'picture')}"


def _at(time: float) -> str:
    """A moment, exactly but for powers of ten."""
    from kmcgrowth.plots.clock import clock

    return f"{time:g} s" if time == 0.0 or 1.0 <= time < 1e6 else clock(time)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
