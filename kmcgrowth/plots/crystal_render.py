"""Pictures of atoms without a display: shaded spheres in the depth buffer of numpy arrays.

Every sphere writes its depth and its number into the pixels that it covers, the nearest stays (z-buffer). Light,
outlines, the shade of hollows and haze are then worked out once a pixel. Hollows: the depth less its blurred self, as
in Luft, Colditz and Deussen, ACM Trans. Graph. 25, 1206 (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]
Pixels = NDArray[np.float32]

LIGHT = (-0.42, 0.55, 0.72)
"""Where the light comes from: right, up, towards the viewer."""

HAZE = 0.45
"""Share of the background in the colour of the farthest things [dimensionless]."""

CHUNK = 200_000
"""Pixels written at a time, so that they stay in the cache of the processor."""

PARTS = 4
"""Parts of a pixel to which places and sizes of sprites are rounded; shading knows them exactly."""

EDGE = (0.45, 0.45, 0.5)
"""Colour of the edges of the box."""


@dataclass(frozen=True)
class Camera:
    """How a scene is looked at.

    Attributes
    ----------
    direction : from the scene to the viewer
    turn : of the scene about the axis that is upright [degree]
    zoom : magnification of the view that just shows everything [dimensionless]
    perspective : half of the scene's width over the distance of the viewer; 0 for parallel rays [dimensionless]
    up : the axis that is upright in the picture
    """

    direction: tuple[float, float, float] = (3.0, 1.25, 1.15)
    turn: float = 0.0
    zoom: float = 1.0
    perspective: float = 0.0
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def axes(self) -> FloatArray:
        """Right, up and towards the viewer, as rows (3, 3)."""
        up = np.array(self.up) / np.linalg.norm(self.up)
        viewer = np.array(self.direction) / np.linalg.norm(self.direction)
        # Turning the scene is turning the viewer the other way (Rodrigues).
        angle = -np.radians(self.turn)
        viewer = (
            viewer * np.cos(angle) + np.cross(up, viewer) * np.sin(angle) + up * (up @ viewer) * (1.0 - np.cos(angle))
        )
        right = np.cross(up, viewer)
        if np.linalg.norm(right) < 1e-6:  # from straight above
            right = np.cross(np.roll(up, 1), viewer)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(viewer, right), viewer])


@dataclass(frozen=True, eq=False)
class View:
    """Where points of a scene lie in a picture.

    Attributes
    ----------
    axes : (3, 3), right, up and towards the viewer, as rows
    middle : (3,), the point in the middle of the picture [nm]
    scale : pixels per nm, at the depth of ``middle``
    size : width and height [pixel]
    distance : of the viewer from ``middle``; infinite for parallel rays [nm]
    depth : farthest and nearest depth of the scene, towards the viewer [nm]
    """

    axes: FloatArray
    middle: FloatArray
    scale: float
    size: tuple[int, int]
    distance: float
    depth: tuple[float, float]

    def project(self, position: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Pixels from the left and from the top, depth towards the viewer [nm], magnification (...)."""
        right, up, depth = np.moveaxis((position - self.middle) @ self.axes.T, -1, 0)
        larger = np.ones_like(depth)
        if np.isfinite(self.distance):
            larger = self.distance / np.maximum(self.distance - depth, 0.05 * self.distance)
        width, height = self.size
        return 0.5 * width + self.scale * larger * right, 0.5 * height - self.scale * larger * up, depth, larger


def aim(points: FloatArray, *, size: tuple[int, int], camera: Camera | None = None, margin: float = 0.04) -> View:
    """The view that shows all points.

    Parameters
    ----------
    points : (points, 3), what must be seen, for example the corners of the box [nm]
    size : width and height of the picture [pixel]
    margin : left free on each side, share of the width or height [dimensionless]
    """
    camera = Camera() if camera is None else camera
    axes = camera.axes()
    along = np.asarray(points) @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    reach = 0.5 * float(np.max(high - low)) or 1.0
    distance = reach / camera.perspective if camera.perspective > 0.0 else np.inf
    middle = 0.5 * (low + high) @ axes
    depth = (0.5 * float(low[2] - high[2]), 0.5 * float(high[2] - low[2]))
    for _ in range(5):  # in perspective the middle of the picture is not that of the scene
        x, y, _, _ = View(axes, middle, 1.0, (0, 0), distance, depth).project(np.asarray(points))
        middle = middle + 0.5 * (x.max() + x.min()) * axes[0] - 0.5 * (y.max() + y.min()) * axes[1]
    room = (1.0 - 2.0 * margin) * np.array(size)
    scale = camera.zoom * float(np.min(room / np.maximum([np.ptp(x), np.ptp(y)], 1e-9)))
    return View(axes, middle, scale, size, distance, depth)


@dataclass(frozen=True, eq=False)
class Spheres:
    """Things to draw.

    Attributes
    ----------
    position : (spheres, 3) [nm]
    radius : (spheres,) [nm]
    colour : (spheres, 3), red, green and blue from 0 to 1
    """

    position: FloatArray
    radius: FloatArray
    colour: FloatArray


def render(
    spheres: Spheres, view: View, *, box: FloatArray | None = None, dots: Spheres | None = None,
    opacity: float = 0.55, background: tuple[float, float, float] | None = (1.0, 1.0, 1.0), sampling: int = 2,
) -> Image:
    """Draw spheres.

    Parameters
    ----------
    spheres : solid ones
    view : from ``aim``
    box : (3,) edges of a box from the origin, whose outline is drawn; None for none [nm]
    dots : see-through ones, hidden by what is in front of them
    opacity : of the dots [dimensionless]
    background : red, green and blue; None leaves it see-through
    sampling : points along each side of a pixel over which its colour is averaged

    Returns
    -------
    (height, width, 4) red, green, blue and opacity from 0 to 255
    """
    fine = View(view.axes, view.middle, view.scale * sampling, (view.size[0] * sampling, view.size[1] * sampling),
                view.distance, view.depth)
    haze = np.array((1.0, 1.0, 1.0) if background is None else background, dtype=np.float32)
    solid = _Layer(fine, spheres)
    colour = np.empty((solid.nearest.size, 4), dtype=np.float32)
    colour[:] = (*haze, 0.0 if background is None else 1.0)
    if solid.pixel.size:
        colour[solid.pixel, :3] = _hazy(_lit(solid, spheres, fine, sampling), solid.depth, fine, haze)
        colour[solid.pixel, 3] = 1.0
    parts = [] if box is None else [(_edges(box, fine, sampling), 0.85)]
    parts += [] if dots is None else [(dots, opacity)]
    if parts:
        thin = Spheres(*(np.concatenate([getattr(p, name) for p, _ in parts]) for name in (
            "position", "radius", "colour")))
        seen = np.concatenate([np.full(len(p.position), share, dtype=np.float32) for p, share in parts])
        _lay_over(colour, _Layer(fine, thin, least=0.5 * sampling), solid, thin, seen, fine, haze)
    return _averaged(colour, fine.size, sampling)


class _Layer:
    """The nearest sphere in every pixel.

    Attributes
    ----------
    nearest : (pixels,) depth and number of the nearest sphere in one whole number, -1 for none
    pixel : pixels that show a sphere; of these:
    sphere, depth : its number, and the depth of its surface [nm]
    right, up : place on its face, from -1 to 1
    x, y, radius : of all spheres [pixel]
    """

    def __init__(self, view: View, spheres: Spheres, least: float = 0.75) -> None:
        self.shape = view.size[::-1]
        x, y, depth, larger = view.project(spheres.position)
        radius = np.maximum(spheres.radius * larger * view.scale, least)  # or it could slip between pixels
        self.x, self.y, self.radius = x.astype(np.float32), y.astype(np.float32), radius.astype(np.float32)
        self.middle, self.thick = depth.astype(np.float32), spheres.radius.astype(np.float32)
        reach = float(spheres.radius.max(initial=0.0)) + 1e-6
        self.floor = view.depth[0] - 4 * reach
        self.unit = 2.0**30 / (view.depth[1] - view.depth[0] + 8 * reach)
        self.nearest = np.full(view.size[0] * view.size[1], -1, dtype=np.int64)
        self._fill()
        self.pixel = np.flatnonzero(self.nearest >= 0)
        self.sphere = self.nearest[self.pixel] & 0xFFFFFFFF
        row, column = (a.astype(np.float32) + np.float32(0.5) for a in np.divmod(self.pixel, self.shape[1]))
        self.size = self.radius[self.sphere]
        self.right = (column - self.x[self.sphere]) / self.size
        self.up = (self.y[self.sphere] - row) / self.size
        self.face = np.sqrt(np.maximum(1.0 - self.right**2 - self.up**2, 0.0))
        self.depth = self.middle[self.sphere] + self.thick[self.sphere] * self.face

    def _fill(self) -> None:
        """Draw sprites: spheres of about the same size and place within a pixel share their steps and depths."""
        height, width = self.shape
        x, y, r = self.x, self.y, self.radius
        shown = (x + r > 0) & (x - r < width) & (y + r > 0) & (y - r < height)
        shown &= (self.middle > self.floor) & (self.middle < self.floor + 2.0**30 / self.unit)
        mine = np.flatnonzero(shown)
        if not mine.size:
            return
        column, row = (np.floor(a[mine]).astype(np.int64) for a in (x, y))
        place = (np.floor(PARTS * (a[mine] - b)).astype(np.int64) for a, b in ((x, column), (y, row)))
        size = np.rint(PARTS * r[mine]).astype(np.int64)
        thicks, thick = np.unique(self.thick[mine], return_inverse=True)
        code = np.ravel_multi_index((thick, size, *place), (len(thicks), int(size.max()) + 1, PARTS, PARTS))
        order = np.argsort(code, kind="stable")
        codes, starts = np.unique(code[order], return_index=True)
        pad = 2 * (int(size.max()) // PARTS + 2)  # a sphere that is partly outside draws over the rim of this canvas
        canvas = np.full((height + 2 * pad, width + 2 * pad), -1, dtype=np.int64)
        base = (row + pad) * canvas.shape[1] + column + pad
        key = (((self.middle[mine].astype(float) - self.floor) * self.unit).astype(np.int64) << 32) | mine
        for c, group in zip(codes, np.split(order, starts[1:])):
            kind, quarters, i, j = np.unravel_index(c, (len(thicks), int(size.max()) + 1, PARTS, PARTS))
            right, down, face = _sprite(quarters / PARTS, (i + 0.5) / PARTS, (j + 0.5) / PARTS)
            step = down * canvas.shape[1] + right
            height_of = (face * float(thicks[kind]) * self.unit).astype(np.int64) << 32
            for part in np.array_split(group, -(-len(group) * len(step) // CHUNK)):
                np.maximum.at(canvas.reshape(-1), base[part, None] + step, key[part, None] + height_of)
        self.nearest[:] = canvas[pad : pad + height, pad : pad + width].reshape(-1)


def _sprite(radius: float, x: float, y: float) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Steps in pixels to all that a sphere covers whose middle lies at (x, y) in its pixel, and its face there."""
    half = int(np.ceil(radius)) + 1
    steps = np.arange(-half, half + 1)
    down, right = np.meshgrid(steps, steps, indexing="ij")
    square = 1.0 - ((right + 0.5 - x) ** 2 + (down + 0.5 - y) ** 2) / radius**2
    inside = square > 0.0
    return right[inside], down[inside], np.sqrt(square[inside])


def _lit(layer: _Layer, spheres: Spheres, view: View, sampling: int) -> Pixels:
    """Colours of the pixels that show a sphere (pixels, 3)."""
    form, hollow = _surroundings(layer, view, sampling)
    size = layer.size / sampling
    lit = np.maximum(_towards(LIGHT, layer.right, layer.up, layer.face), 0.0)
    half = np.array(LIGHT) / np.linalg.norm(LIGHT) + (0.0, 0.0, 1.0)
    shine = np.maximum(_towards(half, layer.right, layer.up, layer.face), 0.0)
    for _ in range(5):
        shine = shine * shine
    # The outline is about a pixel wide, and vanishes as spheres become as small as that.
    line = np.minimum(1.1 / size, 0.16)
    rim = np.clip((np.sqrt(1.0 - layer.face**2) - (1.0 - line)) / (0.6 * line), 0.0, 1.0)
    rim *= np.clip((size - 2.0) / 7.0, 0.0, 1.0)
    small = np.clip((30.0 - size) / 25.0, 0.0, 1.0)  # of small spheres the eye sees the faces of the crystal
    shade = (0.62 + 0.52 * lit) * (1.0 - 0.5 * rim) * hollow * (1.0 + 0.5 * small * (form - 0.7))
    gloss = 0.28 * shine * np.clip(size / 10.0, 0.0, 1.0)
    colour = spheres.colour.astype(np.float32)[layer.sphere] * shade[:, None] + gloss[:, None]
    return np.clip(colour, 0.0, 1.0)


def _towards(light: Sequence[float] | FloatArray, right: Any, up: Any, face: Any) -> Any:
    a, b, c = (float(x) for x in np.array(light) / np.linalg.norm(light))
    return a * right + b * up + c * face


def _surroundings(layer: _Layer, view: View, sampling: int) -> tuple[Pixels, Pixels]:
    """Light on the face of the crystal around pixels, and a factor for those that lie behind what surrounds them."""
    from scipy import ndimage

    radius, thick = float(np.median(layer.size)), float(np.median(layer.thick[layer.sphere]))
    known, depth = np.zeros(layer.shape, dtype=np.float32), np.zeros(layer.shape, dtype=np.float32)
    known.flat[layer.pixel], depth.flat[layer.pixel] = 1.0, layer.depth
    most = 0.2 * max(layer.shape)

    def blurred(width: float) -> Pixels:
        side = int(min(max(width, 3.0 * sampling), most)) | 1
        share = ndimage.uniform_filter(known, side, mode="nearest")
        mean: Pixels = ndimage.uniform_filter(depth, side, mode="nearest") / np.maximum(share, 1e-6)
        return mean

    near, far = blurred(4.0 * radius), blurred(14.0 * radius)
    hollow = np.ones(len(layer.pixel), dtype=np.float32)
    for around, strength, span in ((near, 0.35, 1.5 * thick), (far, 0.25, 6.0 * thick)):
        hollow *= 1.0 - strength * np.clip((around.flat[layer.pixel] - layer.depth) / span, 0.0, 1.0)
    depth[known == 0] = layer.depth.min() - 10.0 * thick
    step = layer.depth - ndimage.minimum_filter(depth, 2 * (sampling // 2) + 1).flat[layer.pixel]
    hollow *= 1.0 - 0.55 * np.clip((step / thick - 1.5) / 2.0, 0.0, 1.0)
    down, right = (slope.flat[layer.pixel] * view.scale for slope in np.gradient(near))
    steep = 1.0 / np.sqrt(1.0 + down**2 + right**2)
    form = np.maximum(_towards(LIGHT, -right * steep, down * steep, steep), 0.0)
    return form, hollow


def _hazy(colour: Pixels, depth: Pixels, view: View, haze: Pixels) -> Pixels:
    """Colours mixed with the background, the more the farther."""
    far, near = view.depth
    share = HAZE * np.clip((near - depth) / max(near - far, 1e-9), 0.0, 1.0)[:, None]
    return colour * (1.0 - share) + haze * share


def _lay_over(
    colour: Pixels, layer: _Layer, solid: _Layer, spheres: Spheres, opacity: Pixels, view: View, haze: Pixels,
) -> None:
    """Mix see-through spheres into pixels in which nothing solid is in front of them."""
    behind = np.full(len(solid.nearest), -np.inf, dtype=np.float32)
    behind[solid.pixel] = solid.depth
    free = layer.depth > behind[layer.pixel]
    pixel, sphere = layer.pixel[free], layer.sphere[free]
    own = _hazy(spheres.colour.astype(np.float32)[sphere], layer.depth[free], view, haze)
    share = opacity[sphere][:, None]
    old = colour[pixel]
    total = share + old[:, 3:] * (1.0 - share)
    colour[pixel, :3] = (own * share + old[:, :3] * old[:, 3:] * (1.0 - share)) / np.maximum(total, 1e-6)
    colour[pixel, 3:] = total


def _edges(box: FloatArray, view: View, sampling: int) -> Spheres:
    """The edges of a box as strings of beads; those behind the box are dashed."""
    corners = np.array(list(product((0.0, 1.0), repeat=3))) * box
    far = int(np.argmin(view.project(corners)[2]))
    twelve = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
    position = np.concatenate([_beads(corners[i], corners[j], view, dashed=far in (i, j)) for i, j in twelve])
    radius = 0.75 * sampling / view.scale
    return Spheres(position, np.full(len(position), radius), np.tile(EDGE, (len(position), 1)))


def _beads(start: FloatArray, end: FloatArray, view: View, *, dashed: bool) -> FloatArray:
    x, y, _, _ = view.project(np.stack([start, end]))
    length = float(np.hypot(x[1] - x[0], y[1] - y[0]))
    share = np.linspace(0.0, 1.0, max(int(1.5 * length), 2))
    if dashed:
        period = view.size[0] / 45.0
        share = share[(share * length / period) % 1.0 < 0.5]
    return start + share[:, None] * (end - start)


def _averaged(colour: Pixels, size: tuple[int, int], sampling: int) -> Image:
    """Means over the points of each pixel, colours weighted with their opacity."""
    width, height = size[0] // sampling, size[1] // sampling
    parts = colour.reshape(height, sampling, width, sampling, 4)
    opacity = parts[..., 3:]
    whole = opacity.mean(axis=(1, 3))
    mean = (parts[..., :3] * opacity).mean(axis=(1, 3)) / np.maximum(whole, 1e-6)
    return np.rint(255.0 * np.concatenate([mean, whole], axis=2)).astype(np.uint8)
