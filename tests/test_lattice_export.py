"""Atoms in files: what is written is read back by other programs and by hand, and read atoms find their sites."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import xarray as xr
from typer.testing import CliRunner

from kmcgrowth.cli import export as command
from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.export import ROWS, Structure, _fixed, _whole, read_structure, snap, write_cif, write_xyz
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal

INAS = Box(load_crystal("zincblende"), (6, 5, 7), 0.60583e-9)
SYMBOLS = {"zincblende": ("In", "As"), "wurtzite": ("Cd", "Se"), "fcc": ("Au",), "sc": ("Po",)}


def ball(box: Box, radius: float, centre: tuple[float, float, float] = (0.5, 0.5, 0.5)) -> Any:
    """Sites within a distance of a place given in edges of the box [nm]."""
    apart = box.position(np.arange(box.sites)) * 1e9 - np.array(centre) * box.edges * 1e9
    apart -= box.edges * 1e9 * np.rint(apart / (box.edges * 1e9))
    return np.flatnonzero(np.linalg.norm(apart, axis=1) < radius)


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    """A growing ball across the border of the box."""
    sites = [ball(INAS, r, (0.1, 0.5, 0.5)) for r in (0.6, 0.9, 1.2)]
    return [
        Atoms.on(INAS, s, ("In", "As"), seed=np.isin(s, sites[0]), time=t)
        for s, t in zip(sites, (0.0, 1.25e-7, 3600.1), strict=True)
    ]


def parse_xyz(text: str) -> list[tuple[dict[str, str], list[list[str]]]]:
    """Frames of an extended XYZ file: the pairs of the comment line, and the words of each atom's line."""
    lines = iter(text.splitlines())
    found = []
    for first in lines:
        comment = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', next(lines)))
        found.append(({k: v.strip('"') for k, v in comment.items()}, [next(lines).split() for _ in range(int(first))]))
    return found


def brute_coordination(atoms: Atoms, reach: float) -> Any:
    apart = atoms.position[:, None] - atoms.position
    apart -= atoms.box * np.rint(apart / atoms.box)
    return (np.linalg.norm(apart, axis=2) < reach).sum(axis=1) - 1


def test_xyz_by_hand(frames: list[Atoms], tmp_path: Path) -> None:
    labels = [np.arange(f.number) % 13 for f in frames]
    assert write_xyz(tmp_path / "a.extxyz", iter(frames), particle=iter(labels)) == 3
    found = parse_xyz((tmp_path / "a.extxyz").read_text())
    assert len(found) == 3
    for atoms, label, (comment, rows) in zip(frames, labels, found, strict=True):
        assert comment["Properties"] == "species:S:1:pos:R:3:coordination:I:1:seed:L:1:particle:I:1"
        assert comment["pbc"] == "T T T" and float(comment["Time"]) == atoms.time
        lattice = np.array(comment["Lattice"].split(), dtype=float).reshape(3, 3)
        np.testing.assert_allclose(lattice, np.diag(6.0583 * np.array([6, 5, 7])), rtol=1e-8)
        assert [r[0] for r in rows] == [("In", "As")[e] for e in atoms.element]
        # Six places in angstrom are 0.5e-7 nm.
        np.testing.assert_allclose(np.array([r[1:4] for r in rows], dtype=float), 10 * atoms.position, atol=5.01e-7)
        # Neighbours are 0.262 nm apart, the second shell 0.428 nm.
        np.testing.assert_array_equal([int(r[4]) for r in rows], brute_coordination(atoms, 0.3))
        assert [r[5] for r in rows] == ["T" if s else "F" for s in atoms.seed]
        assert [int(r[6]) for r in rows] == label.tolist()
    assert {r[5] for r in found[2][1]} == {"T", "F"}
    assert write_xyz(tmp_path / "b.xyz", frames[:1]) == 1
    assert len(parse_xyz((tmp_path / "b.xyz").read_text())[0][1][0]) == 6


def test_numbers_are_those_of_printf() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([
        rng.uniform(-9999, 9999, 2000), 10.0 ** rng.uniform(-9, 4, 2000) * rng.choice([-1, 1], 2000),
        [0.0, -0.0, 0.9999999, 9.9999999, -0.0000004, -9.9999999, 99.5, -999.9999996, 9999.999999],
    ])
    values = values[np.abs(values) < 9999.9999995]
    shown = ["".join(map(chr, row)) for row in _fixed(values, 4, 6)]
    wanted = [f"{v:.6f}" if abs(v) > 5e-7 else "0.000000" for v in values]
    assert sum(text.strip() == want for text, want in zip(shown, wanted, strict=True)) > 0.99 * len(values)
    for text, value in zip(shown, values, strict=True):
        assert len(text) == 12 and abs(float(text) - value) <= 5.0001e-7  # a half may be rounded either way
    for width, fill, form in ((4, " ", "4d"), (4, "0", "04d")):
        numbers = np.array([0, 1, 9, 10, 99, 100, 999, 1000, 9999, 4001])
        rows = _whole(numbers, width, fill=ord(fill))
        assert ["".join(map(chr, r)) for r in rows] == [format(n, form) for n in numbers.tolist()]


def test_many_lines_are_written_in_parts(tmp_path: Path) -> None:
    box = Box(load_crystal("fcc"), (24, 24, 24), 0.4e-9)
    atoms = Atoms.on(box, np.arange(ROWS + 17), ("Au",))
    write_xyz(tmp_path / "a.xyz", [atoms])
    rows = parse_xyz((tmp_path / "a.xyz").read_text())[0][1]
    np.testing.assert_allclose(np.array([r[1:4] for r in rows], dtype=float), 10 * atoms.position, atol=5.01e-7)
    assert {int(r[4]) for r in rows[2304:9216]} == {12}


def test_a_failed_write_leaves_the_old_file(frames: list[Atoms], tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text("old")

    def broken() -> Iterator[Atoms]:
        yield frames[0]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_xyz(path, broken())
    with pytest.raises(BadInput, match="no frames"):
        write_xyz(path, [])
    far = replace(frames[0], position=frames[0].position + 1000.0)
    with pytest.raises(BadInput, match="does not fit"):
        write_xyz(path, [far])
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_cif_by_hand(frames: list[Atoms], tmp_path: Path) -> None:
    atoms = frames[2]
    write_cif(tmp_path / "a.cif", atoms)
    text = (tmp_path / "a.cif").read_text()
    edges = np.array([float(re.search(rf"_cell_length_{x} (\S+)", text)[1]) for x in "abc"])  # type: ignore[index]
    np.testing.assert_allclose(edges, 10 * atoms.box, rtol=1e-8)
    assert re.findall(r"_cell_angle_\w+ (\S+)", text) == ["90"] * 3
    assert re.search(r"H-M 'P 1'", text) and re.search(r"xyz\n'x, y, z'\n", text)
    rows = [line.split() for line in text.splitlines() if re.match(r" *(In|As)\d", line)]
    assert len({r[0] for r in rows}) == len(rows) == atoms.number
    assert all(re.fullmatch(rf"{r[1]}\d+", r[0]) and r[2] == "1" for r in rows)
    assert [r[1] for r in rows] == [("In", "As")[e] for e in atoms.element]
    np.testing.assert_allclose(np.array([r[3:] for r in rows], dtype=float) * edges, 10 * atoms.position, atol=2e-8)
    formula = dict(re.findall(r"(In|As)(\d+)", re.search(r"formula_sum '(.*)'", text)[1]))  # type: ignore[index]
    assert formula == {"In": str((atoms.element == 0).sum()), "As": str((atoms.element == 1).sum())}


@pytest.mark.parametrize("suffix", [".extxyz", ".xyz", ".cif"])
def test_ase_reads_what_is_written(frames: list[Atoms], suffix: str, tmp_path: Path) -> None:
    io = pytest.importorskip("ase.io")
    path = tmp_path / f"a{suffix}"
    if suffix == ".cif":
        write_cif(path, frames[2])
        found, written = [io.read(path)], frames[2:]
    else:
        write_xyz(path, frames, particle=[np.arange(f.number) for f in frames])
        found, written = io.read(path, ":"), frames
    for atoms, theirs in zip(written, found, strict=True):
        assert theirs.get_chemical_symbols() == [("In", "As")[e] for e in atoms.element]
        np.testing.assert_allclose(theirs.positions, 10 * atoms.position, atol=1e-6)
        np.testing.assert_allclose(theirs.cell.array, np.diag(10 * atoms.box), atol=1e-6)
        assert theirs.pbc.all()
        if suffix != ".cif":
            assert theirs.info["Time"] == atoms.time
            np.testing.assert_array_equal(theirs.arrays["seed"], atoms.seed)
            np.testing.assert_array_equal(theirs.arrays["particle"], np.arange(atoms.number))
    read = read_structure(path)
    np.testing.assert_array_equal(read.symbols, np.array(("In", "As"))[frames[2].element])
    np.testing.assert_allclose(read.position, frames[2].position, atol=1e-7)
    np.testing.assert_allclose(read.cell, np.diag(frames[2].box), atol=1e-7)
    np.testing.assert_array_equal(snap(read, INAS, ("In", "As")), ball(INAS, 1.2, (0.1, 0.5, 0.5)))


def test_gemmi_reads_the_cif(frames: list[Atoms], tmp_path: Path) -> None:
    gemmi = pytest.importorskip("gemmi")
    write_cif(tmp_path / "a.cif", frames[1])
    read = gemmi.read_small_structure(str(tmp_path / "a.cif"))
    assert len(read.sites) == frames[1].number and read.spacegroup.hm == "P 1"
    place = np.array([read.cell.orthogonalize(s.fract).tolist() for s in read.sites])
    np.testing.assert_allclose(place, 10 * frames[1].position, atol=1e-6)


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_structure(tmp_path / "none.cif")
    (tmp_path / "bad.xyz").write_text("two\natoms\n")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ase", None)
        with pytest.raises(BadInput, match=r"needs ase: run \"pip install kmcgrowth\[structures\]\""):
            read_structure(tmp_path / "bad.xyz")
    pytest.importorskip("ase")
    (tmp_path / "bad.zzz").write_bytes(b"\x00\x01")
    (tmp_path / "none.xyz").write_text("0\n\n")
    for name in ("bad.xyz", "bad.zzz", "none.xyz"):
        with pytest.raises(BadInput, match=re.escape(name)):
            read_structure(tmp_path / name)


def structure(box: Box, sites: Any) -> Structure:
    names = np.array(SYMBOLS[box.crystal.name])
    return Structure(names[box.element(sites)], box.position(sites) * 1e9, np.zeros((3, 3)))


@pytest.mark.parametrize("name", sorted(SYMBOLS))
def test_shaken_and_shifted_atoms_find_their_sites(name: str) -> None:
    rng = np.random.default_rng(5)
    box = Box(load_crystal(name), (6, 6, 6), 0.5e-9)
    sites = rng.permutation(ball(box, 0.9))
    given = structure(box, sites)
    near = box.crystal.distances[0] * 0.5
    assert np.array_equal(snap(given, box, SYMBOLS[name]), sites)
    for shift in rng.uniform(-3.0, 3.0, (5, 3)):
        # 0.12 of the distance along each axis stays below 0.3 of it in space after the mean is taken out.
        shaken = given.position + shift + rng.uniform(-0.12, 0.12, given.position.shape) * near
        found = snap(replace(given, position=shaken), box, SYMBOLS[name])
        np.testing.assert_array_equal(box.element(found), box.element(sites))
        # The same crystal elsewhere: every atom keeps its bonds, in both shells.
        for shell in (0, 1):
            same = [np.unique(np.sort(box.bonds(s, shell), axis=1), axis=0) for s in (sites, found)]
            np.testing.assert_array_equal(*same)
        # Of all places that differ by a lattice vector it is the one the structure is in: within half a cell.
        moved = box.position(found) * 1e9 - shaken
        moved -= box.edges * 1e9 * np.rint(moved / (box.edges * 1e9))
        assert np.all(np.abs(moved.mean(axis=0)) <= 0.5 * box.crystal.cell * 0.5 + 0.01)


def test_snap_centres() -> None:
    sites = ball(INAS, 0.7, (0.2, 0.3, 0.4))
    middle = 0.5e9 * INAS.edges
    found = snap(structure(INAS, sites), INAS, ("In", "As"), centre=middle)
    place = INAS.position(found) * 1e9
    np.testing.assert_allclose(0.5 * (place.min(axis=0) + place.max(axis=0)), middle, atol=0.31)
    assert len(found) == len(sites)


def test_snap_tells_what_does_not_fit() -> None:
    sites = ball(INAS, 0.9)
    given = structure(INAS, sites)
    near = 0.60583 * np.sqrt(3) / 4
    # Halfway towards a place without a site: 0.45 of the distance to a neighbour, away from all else.
    outermost = int(np.argmax(given.position[:, 0]))
    moved = given.position.copy()
    moved[outermost, 0] += 0.45 * near
    with pytest.raises(BadInput, match=rf"atom {outermost + 1} \(.*lies 0\.1\d+ nm from the nearest site"):
        snap(replace(given, position=moved), INAS, ("In", "As"))
    assert len(snap(replace(given, position=moved), INAS, ("In", "As"), tolerance=0.5)) == len(sites)
    with pytest.raises(BadInput, match="does not fit"):
        snap(replace(given, position=1.15 * given.position), INAS, ("In", "As"))
    with pytest.raises(BadInput, match="does not fit"):  # the elements are swapped on some sites
        snap(replace(given, symbols=np.roll(given.symbols, 3)), INAS, ("In", "As"))
    twice = Structure(np.append(given.symbols, given.symbols[7]), np.vstack([given.position, given.position[7] + 0.02]),
                      given.cell)
    with pytest.raises(BadInput, match=rf"atoms 8 and {len(sites) + 1} of the structure lie on the same site"):
        snap(twice, INAS, ("In", "As"))
    other = replace(given, symbols=np.where(np.arange(len(sites)) == 4, "O", given.symbols))
    with pytest.raises(BadInput, match=r'other elements than In and As, such as "O" \(atom 5\)'):
        snap(other, INAS, ("In", "As"))
    with pytest.raises(BadInput, match=r"wide along y, the box only 3\.03 nm"):
        snap(structure(Box(INAS.crystal, (6, 8, 7), INAS.constant), np.arange(2688)), INAS, ("In", "As"))


@pytest.fixture
def cli(frames: list[Atoms], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command on a result that holds ``frames``."""
    monkeypatch.setattr("kmcgrowth.results.load", lambda path: xr.Dataset())
    monkeypatch.setattr("kmcgrowth.lattice.frames.read_frames", lambda dataset: frames)
    app = typer.Typer()
    app.command()(command.export)

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["out.nc", *arguments])

    return call


@pytest.mark.parametrize(("name", "more", "start", "said"), [
    ("a.extxyz", ["--every", "2"], b"72\nLattice", "2 frames"), ("a.cif", [], b"data_", "3600.1 s"),
    ("a.PNG", ["--size", "96", "--turn", "30"], b"\x89PNG", "3600.1 s"),
    ("a.gif", ["--size", "96", "--colour", "origin"], b"GIF89a", "3 pictures"),
])
def test_command_writes_by_suffix(
    cli: Any, frames: list[Atoms], name: str, more: list[str], start: bytes, said: str, tmp_path: Path,
) -> None:
    start = start.replace(b"72", str(frames[0].number).encode())
    done = cli("-o", str(tmp_path / name), *more)
    assert done.exit_code == 0, done
    assert (tmp_path / name).read_bytes().startswith(start)
    assert done.output.split("a.", 1)[1].endswith(f"{said}\n")


@pytest.mark.parametrize(("arguments", "said"), [
    (["-o", "a.pdb"], r"\.extxyz, \.xyz, \.cif"), (["-o", "a.xyz", "--every", "0"], "--every"),
    (["-o", "a.gif", "--size", "9"], "64 to 2048"), (["-o", "a.png", "--colour", "taste"], "element, coordination"),
])
def test_command_says_what_is_wrong(cli: Any, arguments: list[str], said: str, tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=said):
        raise cli(*arguments).exception
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".cif", ".png"])
def test_nothing_left_to_write(suffix: str, frames: list[Atoms], tmp_path: Path) -> None:
    """After all crystals are gone there is no file that nobody can read, but a sentence."""
    gone = Atoms.on(INAS, np.zeros(0, dtype=np.int64), ("In", "As"), time=4e3)
    with pytest.raises(BadInput) as caught:
        command.write(tmp_path / f"a{suffix}", [*frames, gone], colour="element", size=96, turn=0.0)
    assert str(caught.value) == (
        f"-o: at the end, 4000 s, no atoms are left in crystals for a {suffix} file; the last moment with some is "
        "3600.1 s, which .extxyz and .gif show.")
    assert not list(tmp_path.iterdir())
    assert command.write(tmp_path / "a.xyz", [*frames, gone], colour="element", size=96, turn=0.0).endswith("frames")


def test_thinned_keeps_the_last() -> None:
    numbers: list[Any] = list(range(11))
    assert command.thinned(numbers, 5) == [0, 5, 10]
    assert command.thinned(numbers, 4) == [0, 4, 8, 10]
    assert command.thinned(numbers, 99) == [0, 10]
    assert command.thinned(numbers[:1], 3) == [0]
