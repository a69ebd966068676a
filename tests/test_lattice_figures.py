"""Figures and movies of atoms: times, lengths, sections and histories are those of the data, and texts keep apart."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.colors
import numpy as np
import pytest
from cut_shapes import growing, seed_and_nucleus
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image as pillow

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.plots import clock, crystal_figure, crystal_panels, movie, save_figure
from kmcgrowth.plots import crystal_scene as scene
from kmcgrowth.plots.crystal_scene import COLOURINGS, Walkers, view_of


@pytest.fixture(scope="module")
def growth() -> list[Atoms]:
    return growing()


@pytest.fixture(scope="module")
def pair() -> Atoms:
    return seed_and_nucleus()


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in figures with few pixels, to be quick."""
    monkeypatch.setattr(crystal_figure, "PIXELS", 80)


def test_units_and_bars() -> None:
    for width, length in ((1.0, 0.2), (4.0, 1.0), (19.9, 2.0), (20.0, 5.0), (39.0, 5.0), (90.0, 20.0)):
        assert crystal_panels.bar_length(width) == pytest.approx(length)
    spans = {0.0: "s", 1e-8: "ns", 1e-6: "µs", 9e-5: "µs", 0.5: "ms", 1.0: "s", 170.0: "s", 200.0: "min", 7200.0: "min",
             1.1e4: "h"}
    assert {t: clock.unit_of(t)[0] for t in spans} == spans
    assert [clock.clock(t) for t in (0.0, 1e-6, 0.3, 100.0, 1000.0)] == ["0 s", "1 µs", "300 ms", "100 s", "16.7 min"]
    assert clock.told(1000.0, "s", 1.0) == "1000 s" and clock.told(-1e-6, "ns", 1e-9) == "-1000 ns"


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
    FigureCanvasAgg(fig).draw()
    unseen = set()  # ticks beyond the limits are not drawn
    for ax in fig.axes:
        for i, axis in enumerate((ax.xaxis, ax.yaxis)):
            low, high = sorted(axis.get_view_interval())
            labels = axis.get_ticklabels(which="both")
            unseen |= {id(t) for t in labels if not low - 1e-9 <= t.get_position()[i] <= high + 1e-9}
    texts = [t for t in fig.findobj(Text) if t.get_text().strip() and t.get_visible() and id(t) not in unseen]
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


@pytest.mark.parametrize("sites", [[], [3], [3, 900]])
def test_nothing_yet(pair: Atoms, sites: list[int]) -> None:
    """A box before the first nucleus, and lone atoms."""
    atoms = Atoms.on(Box(load_crystal("fcc"), (8, 8, 8), 0.4e-9), np.array(sites, dtype=np.int64), ("Au",))
    for frames in ([atoms], [atoms, pair]):
        assert overlaps(crystal_figure.crystal(frames)) == []
        assert overlaps(crystal_figure.section(frames, shown=2)) == []
        assert overlaps(crystal_figure.section(frames, largest=True)) == []


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
        shades = np.asarray(discs.get_facecolor())[:, :3]
        blue = shades[:, 2] > shades[:, 0]  # In is blue, As is amber
        assert blue.sum() == (atoms.element[inside] == 0).sum()
        for element in (blue, ~blue):  # the nearer to the viewer, the later drawn and the less pale
            assert (np.diff(shades[element].min(axis=1)) <= 1e-9).all()
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


def test_a_section_shows_all_of_a_crystal_across_the_border(growth: list[Atoms]) -> None:
    """And titles of any length stay inside the figure."""
    atoms = growth[-1]
    moved = replace(atoms, position=(atoms.position - np.array([0.45, 0.3, 0.0]) * atoms.box) % atoms.box)
    fig = crystal_figure.section([moved], title="a crystal that grows across the border of the box " * 3)
    (ax,) = [a for a in fig.axes if a.get_xlabel() == "x (nm)"]
    offsets = np.asarray(ax.collections[0].get_offsets())
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    assert offsets.min() < -0.3 and (offsets > low + 0.1).all() and (offsets < high - 0.1).all()
    assert "pale" in ax.get_title(loc="left")
    assert overlaps(fig) == []


def test_a_single_crystal_has_no_band(growth: list[Atoms]) -> None:
    t = np.linspace(0.0, 200.0, 9)
    fig = crystal_figure.overview(growth, time=t, mean=2.0 + t, std=0.0 * t, number=0 * t + 1, diameters=[3.0])
    (ax,) = [ax for ax in fig.axes if ax.get_ylabel() == "mean diameter (nm)"]
    assert not ax.collections and ax.get_legend() is None


def test_colours_of_particles_and_walkers_are_told_apart() -> None:
    """From each other, and from those of elements and of coordination, which stand beside them."""
    def rgb(colours: tuple[str, ...]) -> Any:
        return 255.0 * np.array([matplotlib.colors.to_rgb(c) for c in colours])

    coordination = rgb(scene.key([seed_and_nucleus()], "coordination").colours)
    apart = [(rgb(scene.PARTICLES), rgb(scene.ELEMENTS[:2])), (rgb(scene.WALKERS[:1]), coordination),
             (rgb(scene.WALKERS[:1]), rgb(scene.ELEMENTS[:2]))]
    for one, other in apart:
        assert np.linalg.norm(one[:, None] - other, axis=2).min() > 70.0
    between = np.linalg.norm(rgb(scene.PARTICLES)[:, None] - rgb(scene.PARTICLES), axis=2)
    assert between[np.triu_indices(len(between), 1)].min() > 70.0


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


def test_a_gif_keeps_the_colours_of_its_legend(growth: list[Atoms], tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    movie.save_movie(path, movie.labelled(growth, size=240, colour="coordination"))
    read = pillow.open(path)
    foot = np.asarray(read.convert("RGB"), dtype=int)[-22:].reshape(-1, 3)
    for colour in scene.key(growth, "coordination").colours:
        wanted = 255.0 * np.array(matplotlib.colors.to_rgb(colour))
        assert np.abs(foot - wanted).max(axis=1).min() < 17.0, colour


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
