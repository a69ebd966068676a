"""Pictures of atoms: what is in front hides what is behind, colours and lengths are where they belong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cut_shapes import ball, growing, seed_and_nucleus

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.plots.crystal_render import Camera, Spheres, View, _Layer, aim, render
from kmcgrowth.plots.crystal_scene import (
    COLOURINGS,
    ELEMENTS,
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


@pytest.fixture(scope="module")
def growth() -> list[Atoms]:
    return growing()


@pytest.fixture(scope="module")
def pair() -> Atoms:
    return seed_and_nucleus()


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
    assert key([pair], "coordination").labels == tuple(map(str, range(1, 13)))  # none is alone
    assert walker_colours(("As", "AMC", "In"), ("In", "As"))[::2] == (ELEMENTS[1], ELEMENTS[0])
    with pytest.raises(BadInput, match=", ".join(COLOURINGS)):
        picture(pair, view_of([pair], size=(64, 64)), colour="charge")


def test_nothing_yet() -> None:
    """A box before the first nucleus, and lone atoms."""
    box = Box(load_crystal("fcc"), (8, 8, 8), 0.4e-9)
    for sites in ([], [3], [3, 900]):
        atoms = Atoms.on(box, np.array(sites, dtype=np.int64), ("Au",))
        for colour in COLOURINGS:
            for boxed in (True, False):
                view = view_of([atoms], size=(64, 64), box=boxed)
                assert picture(atoms, view, colour=colour, box=boxed).shape == (64, 64, 4)
