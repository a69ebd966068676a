"""Growth as a moving picture: an animated GIF, or an MP4; and single pictures with their time and scale."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.plots.clock import told, unit_of
from kmcgrowth.plots.crystal_panels import bar_length
from kmcgrowth.plots.crystal_render import Camera, Image, View
from kmcgrowth.plots.crystal_scene import Key, Walkers, key, picture, several, view_of, walker_colours

if TYPE_CHECKING:
    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.materials.crystals import IntArray

PICTURES = 60
"""Pictures of a movie, at most where the scene does not turn."""

RATE = 12.5
"""Pictures a second; a GIF knows whole hundredths of a second only."""

COLOURS = 64
"""Colours of a GIF, chosen to fit its pictures."""

FLAT = 12
"""Pixels of exactly one colour that make it a colour of a legend."""

RESERVED = 24
"""More colours of a GIF, for those of legends."""

REST = 1.2
"""How long a movie stays at its last picture [s]."""

INK = (30, 30, 34)
"""Colour of letters and of the scale bar."""

SIZES = (64, 2048)
"""Least and greatest width of a picture [pixel]."""


def labelled(
    frames: Sequence[Atoms], *, pictures: int | None = None, colour: str = "element", size: int = 480,
    turn: float = 0.0, camera: Camera | None = None, walkers: Sequence[Walkers] | None = None,
    particle: Sequence[IntArray] | None = None,
) -> Iterator[Image]:
    """Pictures of growth in order, each with its time, a scale bar and what the colours mean.

    Parameters
    ----------
    frames : in order of time
    pictures : how many; None for one a frame and ``PICTURES`` at most, and ``PICTURES`` where the scene turns
    colour : "element", "coordination", "particle" or "origin"
    size : width and height, made even [pixel]
    turn : of the scene from the first picture to the last [degree]
    walkers, particle : dissolved species and labels of particles, one entry a frame

    Yields
    ------
    (size, size, 3) red, green and blue from 0 to 255

    Raises
    ------
    BadInput
        If there are no frames, ``size`` is out of range, ``pictures`` is below 1, or ``colour`` is not known.
    """
    if not frames:
        raise BadInput("there are no frames to draw: the result must hold at least one configuration of atoms.")
    least, most = SIZES
    if not least <= size <= most:
        raise BadInput(f"size: {size} pixels is out of range; give {least} to {most}.")
    if pictures is not None and pictures < 1:
        raise BadInput(f"pictures: {pictures} is too few; give at least 1.")
    if pictures is None:
        pictures = PICTURES if turn else min(len(frames), PICTURES)
    camera = Camera() if camera is None else camera
    side = size - size % 2
    meaning = _with_walkers(key(frames, colour), walkers, frames[0].elements)
    box = walkers is not None or several(frames)
    strip = max(round(0.09 * side), 16)
    aimed = view_of(frames, size=(side, side - 2 * strip), camera=camera, box=box, turning=turn != 0.0)
    unit, seconds = unit_of(frames[-1].time)
    chosen = np.rint(np.linspace(0, len(frames) - 1, pictures)).astype(int) if pictures > 1 else [len(frames) - 1]
    for place, i in enumerate(chosen):
        angle = camera.turn + turn * place / max(pictures - 1, 1)
        turned = Camera(camera.direction, angle, camera.zoom, camera.perspective, camera.up)
        view = View(turned.axes(), aimed.middle, aimed.scale, aimed.size, aimed.distance, aimed.depth)
        drawn = picture(
            frames[i], view, colour=colour, box=box, walkers=None if walkers is None else walkers[i],
            particle=None if particle is None else particle[i],
        )
        yield _with_labels(drawn, view, strip, told(frames[i].time, unit, seconds), meaning)


def save_movie(path: str | os.PathLike[str], pictures: Iterable[Image], *, rate: float = RATE) -> int:
    """Write pictures as a moving picture, a GIF that starts over or an MP4, by the suffix of ``path``.

    Parameters
    ----------
    path : ends with .gif or .mp4; a reader never meets half a file
    pictures : (height, width, 3) each, from ``labelled``; the last stays for ``REST`` seconds
    rate : pictures a second

    Returns
    -------
    int : pictures written; a GIF shows equal ones that follow each other as one

    Raises
    ------
    BadInput
        If the suffix is another, imageio-ffmpeg is missing for an MP4, or the place cannot be written to.
    """
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise BadInput(f'"{path}": a movie is saved as .gif or .mp4; end the name with one of these.')
    if not 0.1 <= rate <= 50.0:
        raise BadInput(f"rate: {rate:g} pictures a second is out of range; give 0.1 to 50.")
    with atomic_path(path) as temporary:
        written = writers[suffix](temporary, pictures, rate)
        if not written:
            raise BadInput(f'cannot write "{path}": there are no pictures to write.')
    return written


def save_still(path: str | os.PathLike[str], image: Image) -> None:
    """Write one picture as PNG.

    Raises
    ------
    BadInput
        If the place cannot be written to.
    """
    from PIL import Image as pillow

    with atomic_path(path) as temporary:
        pillow.fromarray(image).save(temporary, format="PNG", optimize=True)


def _write_gif(path: Path, pictures: Iterable[Image], rate: float) -> int:
    from PIL import Image as pillow

    every = list(pictures)
    if not every:
        return 0
    palette = _palette([*every[:: max(len(every) // 6, 1)], every[-1]])
    frames = [pillow.fromarray(p).quantize(palette=palette, dither=pillow.Dither.NONE) for p in every]
    step = 10 * max(round(100.0 / rate), 2)
    durations = [step] * (len(frames) - 1) + [max(int(1000 * REST), step)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=1,
                   optimize=False)
    return len(frames)


def _palette(pictures: Sequence[Image]) -> Any:
    """One palette for all pictures, so that what does not move keeps its bytes and takes no room."""
    from PIL import Image as pillow

    seen = np.concatenate([p.reshape(-1, 3) for p in pictures])
    # The white around the crystal would outvote its colours: it counts as one pixel.
    seen = np.concatenate([seen[(seen < 250).any(axis=1)], np.full((1, 3), 255, dtype=np.uint8)])
    found = pillow.fromarray(seen[None]).quantize(COLOURS - 1, method=pillow.Quantize.MEDIANCUT)
    entries = np.array(found.getpalette(), dtype=np.uint8).reshape(-1, 3)[: COLOURS - 1]
    # What a legend shows in a few pixels must not be lost among thousands of shades.
    flat, often = np.unique(pictures[-1].reshape(-1, 3), axis=0, return_counts=True)
    flat = flat[np.argsort(-often, kind="stable")][: np.count_nonzero(often >= FLAT)]
    apart = np.abs(flat[:, None].astype(int) - entries[None].astype(int)).max(axis=2).min(axis=1, initial=255)
    entries = np.concatenate([entries, flat[apart > 16][:RESERVED]])
    palette = pillow.new("P", (1, 1))
    palette.putpalette(np.concatenate([[(255, 255, 255)], entries]).astype(np.uint8).tobytes())
    return palette


def _write_mp4(path: Path, pictures: Iterable[Image], rate: float) -> int:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise BadInput(
            'an .mp4 needs imageio-ffmpeg: run "pip install kmcgrowth[movie]", or write a .gif.'
        ) from None
    written, last = 0, b""
    writer: Any = None
    try:
        for image in pictures:
            if writer is None:
                height, width = image.shape[:2]
                writer = imageio_ffmpeg.write_frames(
                    str(path), (width, height), fps=rate, codec="libx264", quality=None, macro_block_size=2,
                    output_params=["-crf", "20", "-preset", "medium", "-movflags", "+faststart"],
                )
                writer.send(None)
            last = np.ascontiguousarray(image).tobytes()
            writer.send(last)
            written += 1
        for _ in range(round(REST * rate) if writer is not None else 0):
            writer.send(last)
    finally:
        if writer is not None:
            writer.close()
    return written


def _with_labels(drawn: Image, view: View, strip: int, told: str, meaning: Key) -> Image:
    """A picture with its time above, and what the colours mean and a scale bar below."""
    from PIL import Image as pillow
    from PIL import ImageDraw

    width, height = view.size
    sheet = pillow.new("RGB", (width, height + 2 * strip), "white")
    sheet.paste(pillow.fromarray(drawn[..., :3]), (0, strip))
    pen = ImageDraw.Draw(sheet)
    font, edge = _font(0.48 * strip), round(0.3 * strip)
    pen.text((edge, strip // 2), told, fill=INK, font=font, anchor="lm")
    row = height + strip + strip // 2
    length = bar_length(width / view.scale)
    pixels = round(length * view.scale)
    thick = max(round(0.1 * strip), 2)
    pen.rectangle((width - edge - pixels, row - thick // 2, width - edge - 1, row - thick // 2 + thick - 1), fill=INK)
    pen.text((width - edge - pixels - edge // 2, row), f"{length:g} nm", fill=INK, font=font, anchor="rm")
    room = width - 3 * edge - pixels - edge // 2 - pen.textlength(f"{length:g} nm", font=font)
    share = 0.48
    while _legend(pen, meaning, _font(share * strip), edge, row, draw=False) > room and share > 0.2:
        share -= 0.03
    _legend(pen, meaning, _font(share * strip), edge, row)
    return np.asarray(sheet)


def _legend(pen: Any, meaning: Key, font: Any, left: float, row: float, *, draw: bool = True) -> float:
    """Dots and what their colours mean, from left to right; gives the width [pixel]."""
    x, dot = left, 0.4 * font.size
    if meaning.ordered:
        if draw:
            pen.text((x, row), "neighbours", fill=INK, font=font, anchor="lm")
        x += pen.textlength("neighbours", font=font) + 1.2 * dot
    labels = list(zip(meaning.labels, meaning.colours, strict=True))
    for label, colour in labels if len(labels) <= 7 else labels[:: len(labels) // 6]:
        if draw:
            pen.ellipse((x, row - dot, x + 2 * dot, row + dot), fill=colour, outline=INK)
            pen.text((x + 2.6 * dot, row), label, fill=INK, font=font, anchor="lm")
        x += pen.textlength(label, font=font) + 4.2 * dot
    return x - left


def _with_walkers(meaning: Key, walkers: Sequence[Walkers] | None, elements: Sequence[str]) -> Key:
    """What colours mean, with the dissolved species that have a colour of their own."""
    if not walkers or meaning.ordered:
        return meaning
    names = walkers[0].names
    own = [(n, c) for n, c in zip(names, walker_colours(names, elements), strict=True) if n not in meaning.labels]
    return Key(meaning.title, (*meaning.labels, *(n for n, _ in own)), (*meaning.colours, *(c for _, c in own)))


def _font(size: float) -> Any:
    """The letters of all figures."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(os.path.join(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), max(round(size), 8))
