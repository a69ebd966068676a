"""Pictures of atoms: what is in front hides what is behind, colours and lengths are where they belong."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image as pillow

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.plots import crystal_figure, crystal_panels, movie, save_figure
from kmcgrowth.plots.crystal_render import Camera, Spheres, View, _Layer, aim, render
from kmcgrowth.plots.crystal_scene import (
    COLOURINGS,
    ELEMENTS,
    Walkers,
    _rgb,
    atom_colours,
    exposed,
    in_one_piece,
    key,
    neighbour_distance,
    picture,
    radii,
    several,
    view_of,
    walker_colours,
)

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
ALONG_X = Camera(direction=(1.0, 0.0, 0.0))


def ball(cells: int, radius: float, centre: tuple[float, float, float] = (0.5, 0.5, 0.5), **more: Any) -> Atoms:
    """A ball of InAs; its centre in edges of the box, its radius in nm."""
    box = Box(load_crystal("zincblende"), (cells,) * 3, 0.60583e-9)
    apart = box.position(np.arange(box.sites)) * 1e9 / (box.edges * 1e9) - np.array(centre)
    apart = (apart - np.rint(apart)) * box.edges * 1e9
    return Atoms.on(box, np.flatnonzero(np.linalg.norm(apart, axis=1) < radius), ("In", "As"), **more)


@pytest.fixture(scope="module")
def growth() -> list[Atoms]:
    return [ball(7, r, time=t) for r, t in ((0.7, 0.0), (0.9, 70.0), (1.1, 100.0), (1.3, 200.0))]


@pytest.fixture(scope="module")
def pair() -> Atoms:
    """A seed and a nucleated particle."""
    box = Box(load_crystal("fcc"), (8, 8, 8), 0.4e-9)
    place = box.position(np.arange(box.sites)) * 1e9
    one = np.flatnonzero(np.linalg.norm(place - 0.8, axis=1) < 0.6)
    two = np.flatnonzero(np.linalg.norm(place - 2.4, axis=1) < 0.5)
    seed = np.repeat([True, False], [len(one), len(two)])
    return Atoms.on(box, np.concatenate([one, two]), ("Au",), seed=seed, time=5.0)


def spheres(position: Any, radius: Any, colour: Any) -> Spheres:
    position = np.atleast_2d(np.array(position, dtype=float))
    n = len(position)
    return Spheres(position, np.broadcast_to(radius, n).astype(float), np.broadcast_to(colour, (n, 3)).astype(float))


def pixel(image: Any, view: View, position: Any) -> Any:
    """Red, green, blue and opacity of the pixel on which a point falls."""
    x, y, _, _ = view.project(np.array(position, dtype=float))
    return image[int(y), int(x)].astype(int)


def test_front_hides_back() -> None:
    scene = spheres([[0.0, 0, 0], [2.0, 0, 0]], 0.5, [RED, BLUE])
    for direction, front, back in (((1.0, 0, 0), 2, 0), ((-1.0, 0, 0), 0, 2)):
        for perspective in (0.0, 0.3):
            camera = Camera(direction=direction, perspective=perspective)
            view = aim(np.array([[-1.0, -1, -1], [3, 1, 1]]), size=(60, 50), camera=camera)
            image = render(scene, view)
            assert image.shape == (50, 60, 4) and image.dtype == np.uint8 and (image[..., 3] == 255).all()
            middle = image[25, 30].astype(int)
            assert middle[front] > middle[back] + 60
            assert (image[0, 0] == 255).all()


def test_buffer_holds_the_nearest_surface() -> None:
    """Against rays through the middles of the pixels, spheres cutting into each other and leaving the picture."""
    rng = np.random.default_rng(3)
    n, size = 60, (90, 70)
    scene = spheres(rng.uniform(-1, 1, (n, 3)) * (1.0, 1.5, 1.3), rng.choice([0.12, 0.2, 0.35], n), RED)
    view = aim(np.array([[-1.0, -1, -1], [1, 1, 1]]), size=size, camera=ALONG_X)
    layer = _Layer(view, scene)
    x, y, depth, _ = view.project(scene.position)
    columns, rows = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    square = (scene.radius**2)[:, None, None] - (
        (columns - x[:, None, None]) ** 2 + (rows - y[:, None, None]) ** 2) / view.scale**2
    surface = np.where(square > 0, depth[:, None, None] + np.sqrt(np.maximum(square, 0)), -np.inf)
    nearest = np.where(np.isfinite(surface.max(axis=0)), surface.argmax(axis=0), -1)
    drawn = np.full(size[0] * size[1], -1)
    drawn[layer.pixel] = layer.sphere
    # Sprites lie up to an eighth of a pixel off, and are up to an eighth larger or smaller: rims may differ.
    assert (nearest >= 0).mean() > 0.5 and len(np.unique(nearest)) > 40
    assert (drawn.reshape(size[::-1]) != nearest).mean() < 0.03
    same = drawn[layer.pixel] == nearest.ravel()[layer.pixel]
    error = np.abs(layer.depth - surface.max(axis=0).ravel()[layer.pixel])[same]
    assert np.quantile(error, 0.99) < 1e-5


def test_colour_is_where_the_atom_is(growth: list[Atoms]) -> None:
    atoms = growth[-1]
    view = view_of([atoms], size=(300, 300), box=False)
    image = picture(atoms, view, box=False)
    place, r = in_one_piece(atoms)[0], radii(atoms)
    apart = place[:, None] - place
    across, toward = np.hypot(apart @ view.axes[0], apart @ view.axes[1]), apart @ view.axes[2]
    # Atoms whose middle no other sphere covers from in front.
    covered = (across < r) & (toward.T > 0) & ~np.eye(atoms.number, dtype=bool)
    seen = np.flatnonzero(~covered.any(axis=1))
    assert 20 < len(seen) < atoms.number
    for i in seen:
        red, _, blue, _ = pixel(image, view, place[i])
        assert (blue > red) == (atoms.element[i] == 0), i  # In is blue, As is amber


def test_lengths_in_pixels() -> None:
    box = np.array([[-2.0, -2, -2], [2, 2, 2]])
    view = aim(box, size=(200, 160), camera=ALONG_X, margin=0.05)
    assert view.scale == pytest.approx(0.9 * 160 / 4.0)
    image = render(spheres([0, 0, 0], 1.0, RED), view, background=None, sampling=4)
    # Area of a circle of 36 pixels; the rim of a disc has some 2 pi r pixels, each right within a fraction.
    assert image[..., 3].sum() / 255.0 == pytest.approx(np.pi * 36.0**2, rel=0.01)
    assert aim(box, size=(200, 160), camera=replace(ALONG_X, zoom=2.0)).scale == pytest.approx(2 * 0.92 * 40)
    # In perspective the viewer is 2 / 0.25 = 8 nm away: things 2 nm nearer look 8/6 as large.
    near = aim(box, size=(200, 160), camera=replace(ALONG_X, perspective=0.25))
    assert near.distance == pytest.approx(8.0)
    x, _, _, larger = near.project(np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [-2.0, 1.0, 0.0]]))
    np.testing.assert_allclose(larger, [8 / 6, 1.0, 8 / 10])
    np.testing.assert_allclose((x - 100.0) / (x[1] - 100.0), larger)


@pytest.mark.parametrize("perspective", [0.0, 0.3])
def test_everything_is_in_the_picture(growth: list[Atoms], perspective: float) -> None:
    camera = Camera(perspective=perspective)
    for box in (True, False):
        view = view_of(growth, size=(200, 140), box=box, camera=camera)
        image = picture(growth[-1], view, box=box, background=None)
        assert not image[[0, -1]].any() and not image[:, [0, -1]].any()
        rows, columns = (np.flatnonzero(image[..., 3].any(axis=a)) for a in (1, 0))
        assert max(np.ptp(rows) / 140, np.ptp(columns) / 200) > 0.85  # and it fills it
    turning = view_of(growth, size=(160, 160), box=False, turning=True)
    for turn in (0.0, 45.0, 100.0):
        axes = Camera(turn=turn).axes()
        view = View(axes, turning.middle, turning.scale, turning.size, turning.distance, turning.depth)
        image = picture(growth[-1], view, box=False, background=None)
        assert not image[[0, -1]].any() and not image[:, [0, -1]].any() and image.any()


def test_turning_the_camera_is_turning_the_scene() -> None:
    rng = np.random.default_rng(0)
    place, colour = rng.uniform(-1, 1, (40, 3)), rng.uniform(0, 1, (40, 3))
    turned = np.column_stack([-place[:, 1], place[:, 0], place[:, 2]])  # by 90 degrees about z
    ends = np.array([[-1.5, -1.5, -1.5], [1.5, 1.5, 1.5]])
    corners = np.array(np.meshgrid(*ends.T)).reshape(3, -1).T
    pictures = [
        render(spheres(p, 0.3, colour), aim(corners, size=(120, 120), camera=Camera(turn=t))).astype(int)
        for p, t in ((place, 90.0), (turned, 0.0), (place, 0.0))
    ]
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0 < 5.0 < np.abs(pictures[0] - pictures[2]).mean()


def test_the_far_fades() -> None:
    view = aim(np.array([[-3.0, -2, -2], [3, 2, 2]]), size=(80, 80), camera=ALONG_X)
    near, far = (pixel(render(spheres([x, 0, 0], 0.5, RED), view), view, [0, 0, 0]) for x in (2.5, -2.5))
    assert far[1] > near[1] + 50 and far[2] > near[2] + 50  # green and blue of the white background
    assert near[0] > near[1] + 100


def test_edges_of_the_box() -> None:
    edges = np.array([2.0, 2.0, 2.0])
    corners = np.array(np.meshgrid(*([0.0, 2.0],) * 3)).reshape(3, -1).T
    view = aim(corners, size=(240, 240), camera=Camera())
    inside = spheres([1.0, 1.0, 1.0], 0.9, RED)
    bare, boxed = render(inside, view), render(inside, view, box=edges)
    near, far = corners[np.argmax(corners @ view.axes[2])], corners[np.argmin(corners @ view.axes[2])]
    assert (pixel(bare, view, far)[:3] != 255).any()  # the sphere covers the far corner, and hides its edges
    np.testing.assert_array_equal(pixel(bare, view, far), pixel(boxed, view, far))
    change = np.abs(pixel(bare, view, near) - pixel(boxed, view, near))
    assert change.max() > 40
    red, green, blue, _ = pixel(render(spheres(np.zeros((0, 3)), 1.0, RED), view, box=edges), view, near)
    assert max(abs(red - green), abs(green - blue)) < 15 and red < 200  # grey on white


def test_dots_are_see_through_and_hidden() -> None:
    view = aim(np.array([[-2.0, -2, -2], [2, 2, 2]]), size=(100, 100), camera=ALONG_X)
    atom = spheres([0, 0, 0], 0.6, RED)
    bare = render(atom, view)
    dots = spheres([[1.5, 0, 0], [-1.5, 0.1, 0], [0, 1.5, 0]], 0.2, BLUE)
    image = render(atom, view, dots=dots, opacity=0.5)
    here = pixel(image, view, [0, 0, 0])
    assert pixel(bare, view, [0, 0, 0])[0] > here[0] > 60 and here[2] > pixel(bare, view, [0, 0, 0])[2] + 40
    behind = spheres([-1.5, 0.1, 0], 0.2, BLUE)
    np.testing.assert_array_equal(render(atom, view, dots=behind), bare)
    beside = pixel(image, view, [0, 1.5, 0])
    assert 100 < beside[0] < 230 and beside[2] > beside[0]  # half blue, half white
    alone = render(atom, view, dots=dots, opacity=0.5, background=None)
    assert pixel(alone, view, [0, 1.5, 0])[3] == pytest.approx(127, abs=2)


@pytest.mark.parametrize("direction", [(3.0, 1.25, 1.15), (1.0, 1.0, 0.0), (0.2, -1.0, 0.7)])
def test_what_lies_inside_need_not_be_drawn(direction: tuple[float, float, float]) -> None:
    atoms = ball(12, 3.2)
    view = view_of([atoms], size=(150, 150), box=False, camera=Camera(direction=direction))
    everything = Spheres(atoms.position, radii(atoms), atom_colours(atoms, "element"))
    drawn = picture(atoms, view, box=False).astype(int)
    assert exposed(atoms).mean() < 0.9
    assert (np.abs(drawn - render(everything, view)).max(axis=2) > 40).mean() < 1e-3


def test_exposed_layers() -> None:
    box = Box(load_crystal("sc"), (9, 9, 9), 0.3e-9)
    cell, _ = box.split(np.arange(box.sites))
    cube = np.flatnonzero((cell >= 1).all(axis=1) & (cell <= 7).all(axis=1))
    atoms = Atoms.on(box, cube, ("A",))
    assert [int(exposed(atoms, k).sum()) for k in (0, 1, 2, 3)] == [7**3 - 5**3, 7**3 - 3**3, 7**3 - 1, 7**3]
    slab = Atoms.on(box, np.flatnonzero(cell[:, 2] < 5), ("A",))
    assert exposed(slab, 0).sum() == 2 * 81
    # Cut open at the borders of the box, four sides are seen as well.
    assert exposed(slab, 0, position=slab.position).sum() == 2 * 81 + 3 * 32


def test_particles_in_one_piece() -> None:
    atoms = ball(8, 0.9, (0.0, 0.5, 1.0))
    assert np.ptp(atoms.position[:, 0]) > 4.0
    place, label = in_one_piece(atoms)
    assert (np.ptp(place, axis=0) < 1.8).all() and not label.any()
    np.testing.assert_allclose(np.mod(place - atoms.position + 1e-6, atoms.box), 1e-6, atol=1e-9)
    # The same ball, in the middle of the box, gives the same picture.
    middle = ball(8, 0.9, (0.5, 0.5, 0.5))
    pictures = [picture(a, view_of([a], size=(90, 90), box=False), box=False).astype(int) for a in (atoms, middle)]
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5


def test_colourings(growth: list[Atoms], pair: Atoms) -> None:
    assert neighbour_distance(growth[0]) == pytest.approx(0.60583 * np.sqrt(3) / 4)
    assert neighbour_distance(pair) == pytest.approx(0.4 / np.sqrt(2))
    origin = atom_colours(pair, "origin")
    assert len(np.unique(origin, axis=0)) == 2 and (origin[pair.seed] == origin[0]).all()
    particles = atom_colours(pair, "particle")
    assert (particles[pair.seed] == particles[0]).all() and (particles[~pair.seed] != particles[0]).any(axis=1).all()
    followed = atom_colours(pair, "particle", particle=np.where(pair.seed, 3, 3))
    assert (followed == followed[0]).all()
    near = np.bincount(pair.bonds.ravel(), minlength=pair.number)
    shades = atom_colours(pair, "coordination")
    assert len(np.unique(shades, axis=0)) == len(np.unique(near))
    # Fewer neighbours are brighter, in a print without colours too.
    order = np.argsort(near, kind="stable")
    grey = shades[order] @ (0.299, 0.587, 0.114)
    assert (np.diff(grey) <= 1e-9).all()
    assert several([pair]) and not several(growth)
    assert key([pair], "origin").labels == ("seed", "nucleated") and key(growth, "origin").labels == ("seed",)
    assert key([pair], "coordination").labels == tuple(map(str, range(13)))
    assert walker_colours(("As", "AMC", "In"), ("In", "As"))[::2] == (ELEMENTS[1], ELEMENTS[0])
    with pytest.raises(BadInput, match=", ".join(COLOURINGS)):
        picture(pair, view_of([pair], size=(64, 64)), colour="charge")


def test_nothing_yet(pair: Atoms) -> None:
    """A box before the first nucleus, and lone atoms."""
    box = Box(load_crystal("fcc"), (8, 8, 8), 0.4e-9)
    for sites in ([], [3], [3, 900]):
        atoms = Atoms.on(box, np.array(sites, dtype=np.int64), ("Au",))
        for colour in COLOURINGS:
            for boxed in (True, False):
                view = view_of([atoms], size=(64, 64), box=boxed)
                assert picture(atoms, view, colour=colour, box=boxed).shape == (64, 64, 4)
        assert crystal_figure.crystal([atoms]).axes and crystal_figure.section([atoms, pair]).axes


def test_units_and_bars() -> None:
    for width, length in ((1.0, 0.2), (4.0, 1.0), (19.9, 2.0), (20.0, 5.0), (39.0, 5.0), (90.0, 20.0)):
        assert crystal_panels.bar_length(width) == pytest.approx(length)
    spans = {0.0: "s", 1e-8: "ns", 9e-5: "µs", 0.5: "ms", 1.0: "s", 170.0: "s", 200.0: "min", 7200.0: "min", 1.1e4: "h"}
    assert {t: crystal_panels.unit_of(t)[0] for t in spans} == spans


def test_moments_are_spread_in_time(growth: list[Atoms]) -> None:
    assert crystal_figure.moments(growth, 3) == [0, 2, 3]
    assert crystal_figure.moments(growth, 1) == [3]
    assert crystal_figure.moments(growth, 9) == [0, 1, 2, 3]
    assert crystal_figure.moments(growth[:1], 3) == [0]


def bar_of(ax: Any) -> Any:
    (bar,) = (line for line in ax.get_lines() if line.get_label() == "scale bar")
    return np.ptp(np.asarray(bar.get_xdata(), dtype=float))


def overlaps(fig: Any) -> list[str]:
    """Texts that lie on each other or leave a figure that has been drawn."""
    fig.canvas.draw()
    texts = [t for t in fig.findobj(matplotlib.text.Text) if t.get_text().strip() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts]
    boxes = [(text, b) for text, b in boxes if b.width > 1]
    wide, high = fig.bbox.width, fig.bbox.height
    out = [text for text, b in boxes if b.x0 < -1 or b.y0 < -1 or b.x1 > wide + 1 or b.y1 > high + 1]
    for i, (one, a) in enumerate(boxes):
        out += [f"{one} | {other}" for other, b in boxes[i + 1 :] if a.shrunk(0.8, 0.8).overlaps(b.shrunk(0.8, 0.8))]
    return out


def test_crystal_figure(growth: list[Atoms], pair: Atoms, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    fig = crystal_figure.crystal(growth, title="InAs for 5 $")
    pictures = [ax for ax in fig.axes if ax.get_images()]
    assert [ax.get_title() for ax in pictures] == ["$t$ = 0 min", "$t$ = 1.67 min", "$t$ = 3.33 min"]
    view = view_of([growth[i] for i in (0, 2, 3)], size=pictures[0].get_images()[0].get_array().shape[1::-1], box=False)
    told = [t.get_text() for t in pictures[-1].texts]
    assert told == ["0.5 nm"] and bar_of(pictures[-1]) == pytest.approx(0.5 * view.scale)
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["element", "In", "As"]
    assert overlaps(fig) == []
    save_figure(fig, tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == before
    walkers = [Walkers(np.full((1, 3), 1.0), np.array([0]), ("Au",))]
    for colour in COLOURINGS:
        fig = crystal_figure.crystal([pair], colour=colour, walkers=walkers)
        assert overlaps(fig) == [], colour
    with pytest.raises(BadInput, match="no frames"):
        crystal_figure.crystal([])


def test_section_shows_the_slab(growth: list[Atoms], pair: Atoms) -> None:
    atoms = growth[-1]
    for axis, thick, at in (("z", 0.4, 2.0), ("x", 0.2, None)):
        fig = crystal_figure.section(growth, axis=axis, thickness=thick, at=at, colour="element")
        (ax,) = [a for a in fig.axes if a.get_xlabel().endswith("(nm)")]
        place = atoms.position[:, "xyz".index(axis)]
        middle = place.mean() if at is None else at
        inside = np.abs(place - middle) <= 0.5 * thick
        (discs,) = ax.collections
        assert len(discs.get_offsets()) == inside.sum() > 5
        wanted = np.delete(atoms.position[inside], "xyz".index(axis), axis=1)
        np.testing.assert_allclose(np.sort(discs.get_offsets(), axis=0), np.sort(wanted, axis=0))
        assert f"{axis} = {middle - 0.5 * thick:.2f} to {middle + 0.5 * thick:.2f} nm" in ax.get_title(loc="left")
        assert {ax.get_xlabel()[0], ax.get_ylabel()[0], axis} == set("xyz") and ax.get_aspect() == 1.0
        colours = np.unique(np.round(np.asarray(discs.get_facecolor())[:, :3], 3), axis=0)
        assert np.abs(colours - _rgb(ELEMENTS[:1])).sum(axis=1).min() < 0.9
        assert overlaps(fig) == []
    largest = crystal_figure.section([pair], largest=True)
    (ax,) = [a for a in largest.axes if a.get_xlabel() == "x (nm)"]
    low, high = ax.get_xlim()
    assert 0.0 < low < 0.5 and 1.1 < high < 1.7  # the larger particle, about 0.8 nm
    assert overlaps(crystal_figure.section(growth, shown=3, title="InAs")) == []
    with pytest.raises(BadInput, match='axis: "w"'):
        crystal_figure.section(growth, axis="w")
    empty = crystal_figure.section(growth, at=0.1, thickness=0.05)
    assert "no atoms here" in {t.get_text() for a in empty.axes for t in a.texts}


def test_overview_shows_the_arrays(growth: list[Atoms]) -> None:
    t = np.linspace(0.0, 200.0, 9)
    mean, std = 2.0 + t / 200, np.full(9, 0.2)
    diameters = np.array([2.5, 2.6, 2.7, 3.4])
    fig = crystal_figure.overview(growth, time=t, mean=mean, std=std, number=np.arange(9), diameters=diameters,
                                  supersaturation=50.0 * np.exp(-t / 40), title="InAs")
    panels = {ax.get_ylabel() or "picture": ax for ax in fig.axes if not ax.get_xlabel().startswith("diam")}
    line = panels["mean diameter (nm)"].get_lines()[0]
    np.testing.assert_allclose(line.get_xydata(), np.column_stack([t / 60.0, mean]))
    band = panels["mean diameter (nm)"].collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(1.8) and band[:, 1].max() == pytest.approx(3.2)
    assert panels["mean diameter (nm)"].get_xlabel() == "time (min)"
    np.testing.assert_allclose(panels["particles"].get_lines()[0].get_ydata(), np.arange(9))
    assert panels["supersaturation $c/c_\\infty$"].get_yscale() == "log"
    (sizes,) = [ax for ax in fig.axes if ax.get_xlabel() == "diameter (nm)"]
    assert sum(patch.get_height() for patch in sizes.patches) == 4
    assert sizes.texts[0].get_text() == "2.80 ± 0.35 nm"  # sqrt(0.5 / 4) = 0.354
    assert overlaps(fig) == []
    other = crystal_figure.overview(growth[:1], time=t, mean=t * np.nan, std=std, number=0 * t, diameters=[],
                                    concentration={"monomer": 1e-3 + 0 * t, "AMC": 0 * t}, colour="coordination")
    assert {t.get_text() for ax in other.axes for t in ax.texts} >= {"no particles"}
    assert overlaps(other) == []


def dark_run(row: Any) -> int:
    """Longest run of dark pixels in a row."""
    dark = np.concatenate([[0], (row[:, :3].astype(int).sum(axis=1) < 150).astype(int), [0]])
    starts, ends = np.flatnonzero(np.diff(dark) == 1), np.flatnonzero(np.diff(dark) == -1)
    return int((ends - starts).max(initial=0))


def test_still_has_a_true_scale_bar(growth: list[Atoms]) -> None:
    (image,) = movie.labelled(growth, pictures=1, size=241)
    assert image.shape == (240, 240, 3) and image.dtype == np.uint8
    strip = 22  # 9 % of the height, above and below
    view = view_of(growth, size=(240, 240 - 2 * strip), box=False)
    length = crystal_panels.bar_length(240 / view.scale)
    assert dark_run(image[240 - strip // 2]) == round(length * view.scale)
    assert (image[:strip] < 128).any()  # the time


def test_gif(growth: list[Atoms], tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    assert movie.save_movie(path, movie.labelled(growth, size=120, turn=120.0, pictures=8), rate=10.0) == 8
    read = pillow.open(path)
    assert read.size == (120, 120) and read.n_frames == 8 and read.info["loop"] == 0  # type: ignore[attr-defined]
    shown, times = [], []
    for i in range(8):
        read.seek(i)
        times.append(read.info["duration"])
        shown.append(np.asarray(read.convert("RGB"), dtype=int))
    assert times == [100] * 7 + [1200]
    covered = [(s[11:-11] < 200).any(axis=2).sum() for s in shown]
    assert covered[-1] > 1.5 * covered[0]  # it grows
    exact = list(movie.labelled(growth, size=120, turn=120.0, pictures=8))
    for s, e in zip(shown, exact, strict=True):
        assert np.abs(s - e).mean() < 4.0  # the palette fits
    assert path.stat().st_size < 60_000


def test_pictures_of_a_movie(growth: list[Atoms]) -> None:
    assert len(list(movie.labelled(growth, size=64))) == 4
    assert len(list(movie.labelled(growth * 3, size=64, pictures=5))) == 5
    still = list(movie.labelled([growth[0]] * 2, size=64))
    np.testing.assert_array_equal(*still)
    first, second = movie.labelled([growth[0]] * 2, size=64, turn=40.0, pictures=2)
    assert (first != second).any()
    for more, said in (({"size": 63}, "64 to 2048"), ({"pictures": 0}, "at least 1"), ({"colour": "x"}, "element")):
        with pytest.raises(BadInput, match=said):
            next(movie.labelled(growth, **more))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no frames"):
        next(movie.labelled([]))


def test_movies_that_cannot_be_written(growth: list[Atoms], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"\.gif or \.mp4"):
        movie.save_movie(tmp_path / "a.avi", [])
    with pytest.raises(BadInput, match="no pictures"):
        movie.save_movie(tmp_path / "a.gif", [])
    with pytest.raises(BadInput, match="rate: 99"):
        movie.save_movie(tmp_path / "a.gif", [], rate=99.0)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(BadInput, match=r"kmcgrowth\[movie\]"):
        movie.save_movie(tmp_path / "a.mp4", movie.labelled(growth, size=64))
    assert list(tmp_path.iterdir()) == []


def test_mp4(growth: list[Atoms], tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "a.mp4"
    assert movie.save_movie(path, movie.labelled(growth, size=100), rate=10.0) == 4
    number, seconds = ffmpeg.count_frames_and_secs(str(path))
    assert number == 4 + 12 and seconds == pytest.approx(1.6, abs=0.05)  # the last rests for 1.2 s
    reader = ffmpeg.read_frames(str(path))
    assert next(reader)["size"] == (100, 100)
    first = np.frombuffer(next(reader), dtype=np.uint8).reshape(100, 100, 3).astype(int)
    reader.close()
    assert np.abs(first - next(movie.labelled(growth, size=100))).mean() < 6.0
