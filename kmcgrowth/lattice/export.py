"""Atoms in files that other programs read, and structures put onto the sites of a box.

Files are in angstrom, as their formats want it; everything in Python is in nm.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.structures import ANGSTROM, Structure, read_structure
from kmcgrowth.lattice.surface import dangling_bonds
from kmcgrowth.materials.crystals import FloatArray, IntArray

TOLERANCE = 0.3
"""Farthest that a read atom may lie from its site, in distances of nearest neighbours [dimensionless]."""

ROWS = 50_000
"""Lines formatted at a time."""

STARTS, SAMPLE = 12, 2000
"""Atoms that are tried as the one that lies on a site to begin with, and atoms that judge a shift."""

SAME = 1e-9
"""Squared lengths up to which two shifts are as good [nm^2]."""

Bytes = NDArray[np.uint8]


def write_xyz(
    path: str | os.PathLike[str], frames: Iterable[Atoms], *, particle: Iterable[IntArray] | None = None,
) -> int:
    """Write a trajectory as extended XYZ, frame by frame.

    Each atom has its element, position, coordination number, whether it belongs to a seed, and the label of its
    particle where labels are given. The comment line holds the box and ``Time`` in seconds; ASE and OVITO read it.

    Parameters
    ----------
    path : an existing file is replaced
    frames : taken one at a time, so that a generator needs the memory of one frame
    particle : per frame, (atoms,) labels from 0 of the particles to which atoms belong; None writes no such column

    Returns
    -------
    int : frames written

    Raises
    ------
    BadInput
        If there are no frames, if a coordinate is beyond 9999 angstrom, or if the place cannot be written to.
    """
    written = 0
    labels: Iterable[IntArray | None] = repeat(None) if particle is None else particle
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for atoms, label in zip(frames, labels, strict=particle is not None):
            for block in _xyz(atoms, label):
                file.write(block)
            written += 1
        if not written:
            raise BadInput(f'cannot write "{path}": there are no frames to write.')
    return written


def write_cif(path: str | os.PathLike[str], atoms: Atoms) -> None:
    """Write one configuration as CIF: the periodic box as the cell, without symmetry (P1).

    Raises
    ------
    BadInput
        If the place cannot be written to.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for block in _cif(atoms):
            file.write(block)


def _xyz(atoms: Atoms, label: IntArray | None) -> Iterator[bytes | memoryview]:
    a, b, c = (float(edge) for edge in atoms.box * ANGSTROM)
    columns = "species:S:1:pos:R:3:coordination:I:1:seed:L:1" + ("" if label is None else ":particle:I:1")
    yield (
        f'{atoms.number}\nLattice="{a:.9g} 0.0 0.0 0.0 {b:.9g} 0.0 0.0 0.0 {c:.9g}" Properties={columns} '
        f'Time={float(atoms.time)!r} pbc="T T T"\n'
    ).encode()
    symbol = _words(atoms.elements)
    near = atoms.coordination - dangling_bonds(atoms)
    width = len(str(int(near.max(initial=0))))
    for part in _parts(atoms.number):
        coordinates = [_fixed(x, 4, 6) for x in atoms.position[part].T * ANGSTROM]
        rest = [_whole(near[part], width), np.where(atoms.seed[part], ord("T"), ord("F")).astype(np.uint8)[:, None]]
        if label is not None:
            rest.append(_whole(np.asarray(label)[part], len(str(int(np.max(label, initial=0))))))
        yield _lines([symbol[atoms.element[part]], *coordinates, *rest])


def _cif(atoms: Atoms) -> Iterator[bytes | memoryview]:
    a, b, c = (float(edge) for edge in atoms.box * ANGSTROM)
    counts = np.bincount(atoms.element, minlength=len(atoms.elements))
    formula = " ".join(f"{e}{n}" for e, n in sorted(zip(atoms.elements, counts.tolist(), strict=True)) if n)
    yield (
        f"data_kmcgrowth\n# configuration at {float(atoms.time)!r} s\n_chemical_formula_sum '{formula}'\n"
        f"_cell_length_a {a:.9g}\n_cell_length_b {b:.9g}\n_cell_length_c {c:.9g}\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        f"_cell_volume {a * b * c:.9g}\n_symmetry_space_group_name_H-M 'P 1'\n_symmetry_Int_Tables_number 1\n"
        "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n"
        "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_occupancy\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    ).encode()
    symbol = _words(atoms.elements)
    width = len(str(atoms.number))
    for part in _parts(atoms.number):
        kind = atoms.element[part]
        number = _whole(np.arange(part.start, part.stop) + 1, width, fill=ord("0"))
        # A label is the symbol and a number without a space between: the symbol's blanks go in front of it.
        label = np.hstack([_words(atoms.elements, right=True)[kind], number])
        fraction = np.mod(atoms.position[part] / atoms.box, 1.0)
        one = np.full((len(kind), 1), ord("1"), dtype=np.uint8)
        yield _lines([label, symbol[kind], one, *(_fixed(x, 1, 9) for x in fraction.T)])


def _parts(number: int) -> Iterator[slice]:
    return (slice(i, min(i + ROWS, number)) for i in range(0, number, ROWS))


def _words(words: Sequence[str], *, right: bool = False) -> Bytes:
    """Words as rows of bytes, padded to the longest."""
    width = max(len(w.encode()) for w in words)
    rows = [w.encode().rjust(width) if right else w.encode().ljust(width) for w in words]
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(words), width)


def _whole(values: IntArray, width: int, fill: int = ord(" ")) -> Bytes:
    """Whole numbers from 0, right-aligned in so many bytes."""
    rest = np.array(values, dtype=np.int64)
    out = np.empty((len(rest), width), dtype=np.uint8)
    for i in range(width - 1, -1, -1):
        tens = rest // 10
        out[:, i] = rest - 10 * tens + ord("0")
        if i < width - 1:
            out[rest == 0, i] = fill
        rest = tens
    return out


def _fixed(values: FloatArray, whole: int, places: int) -> Bytes:
    """Numbers in fixed point, right-aligned: a sign, so many digits, the point, so many places."""
    scaled = np.rint(np.asarray(values) * 10.0**places)
    if not (np.abs(scaled) < 10.0 ** (whole + places)).all():
        worst = float(np.max(np.abs(values)))
        raise BadInput(f"a coordinate of {worst:g} does not fit into a file with {whole} digits before the point.")
    units = np.abs(scaled).astype(np.int64)
    before = units // 10**places
    out = np.empty((len(units), whole + places + 2), dtype=np.uint8)
    out[:, 0] = ord(" ")
    out[:, 1 : whole + 1] = _whole(before, whole)
    out[:, whole + 1] = ord(".")
    out[:, whole + 2 :] = _whole(units - before * 10**places, places, fill=ord("0"))
    negative = np.flatnonzero(scaled < 0)
    if negative.size:
        digits = 1 + (before[negative, None] >= 10 ** np.arange(1, whole)).sum(axis=1)
        out[negative, whole - digits] = ord("-")
    return out


def _lines(columns: list[Bytes]) -> memoryview:
    out = np.full((len(columns[0]), sum(c.shape[1] + 1 for c in columns)), ord(" "), dtype=np.uint8)
    start = 0
    for column in columns:
        out[:, start : start + column.shape[1]] = column
        start += column.shape[1] + 1
    out[:, -1] = ord("\n")
    return out.data


def snap(
    structure: Structure, box: Box, elements: Sequence[str], *, tolerance: float = TOLERANCE,
    centre: Sequence[float] | None = None,
) -> IntArray:
    """Sites of a box on which the atoms of a structure lie.

    The structure is shifted as a whole so that the sum of squared distances between atoms and the nearest sites of
    their elements is least; it is neither turned nor stretched.

    Parameters
    ----------
    structure : its axes are those of the crystal
    box : sites to choose from
    elements : symbols of the box's elements, the cation first
    tolerance : farthest that an atom may lie from its site, in distances of nearest neighbours [dimensionless]
    centre : where the middle of the structure goes, up to the distance of the nearest site; None leaves it [nm]

    Returns
    -------
    (atoms,) sites, in the order of the structure

    Raises
    ------
    BadInput
        If the structure holds another element or is wider than the box, if an atom lies too far from any site (the
        sentence tells the worst), or if two atoms lie on one site.
    """
    symbols, names = structure.symbols, np.array(elements, dtype=np.str_)
    other = ~np.isin(symbols, names)
    if other.any():
        first = int(np.argmax(other))
        raise BadInput(
            f'the structure holds other elements than {" and ".join(elements)}, such as "{symbols[first]}" '
            f"(atom {first + 1}): keep only the atoms of the crystal."
        )
    kind = np.argmax(symbols[:, None] == names, axis=1)
    edges, near = box.edges * 1e9, float(box.crystal.distances[0]) * box.constant * 1e9
    width = np.ptp(structure.position, axis=0)
    if (width > edges + tolerance * near).any():
        i = int(np.argmax(width - edges))
        raise BadInput(
            f"the structure is {width[i]:.3g} nm wide along {'xyz'[i]}, the box only {edges[i]:.3g} nm: "
            f"take a larger box."
        )
    position = structure.position
    if centre is not None:
        position = position + np.asarray(centre) - 0.5 * (position.min(axis=0) + position.max(axis=0))
    site, away = _best_shift(position, kind, box)
    worst = int(np.argmax(away))
    if away[worst] > tolerance * near:
        raise BadInput(
            f"the structure does not fit the crystal {box.crystal.name}: atom {worst + 1} ({symbols[worst]}) lies "
            f"{away[worst]:.3g} nm from the nearest site of its element, more than {tolerance:g} of the {near:.3g} nm "
            f"to a neighbour; its axes must be those of the crystal, its lattice constant {box.constant * 1e9:.4g} nm."
        )
    order = np.argsort(site, kind="stable")
    twice = np.flatnonzero(np.diff(site[order]) == 0)
    if twice.size:
        a, b = sorted(int(i) + 1 for i in order[twice[0] : twice[0] + 2])
        raise BadInput(f"atoms {a} and {b} of the structure lie on the same site: remove one of them.")
    return site


def _best_shift(position: FloatArray, kind: IntArray, box: Box) -> tuple[IntArray, FloatArray]:
    """Sites and distances from them [nm] for the shift of least squares.

    Every shift that puts one of a few atoms onto a site of its element is improved by the mean of what is left over
    until the sites no longer change. Atoms near the middle are tried: there a strained lattice is least off. Of shifts
    that differ by a vector of the lattice the shortest is taken.
    """
    inner = np.argsort(np.sum((position - position.mean(axis=0)) ** 2, axis=1), kind="stable")
    some = np.unique(np.linspace(0, len(inner) - 1, SAMPLE).astype(int))
    sample, sample_kind = position[inner[some]], kind[inner[some]]
    best: tuple[float, float, FloatArray] = (np.inf, np.inf, np.zeros(3))
    for i in inner[np.unique(np.linspace(0, len(inner) // 2, STARTS).astype(int))]:
        for b in np.flatnonzero(box.crystal.kind == kind[i]):
            start = -_nearest(position[i : i + 1], np.array([b]), box)[1][0]
            shift, _, left = _improved(start, sample, sample_kind, box)
            square, length = float(np.mean(left**2)), float(np.sum(shift**2))
            if square < best[0] - SAME or (square < best[0] + SAME and length < best[1] - SAME):
                best = square, length, shift
    _, site, left = _improved(best[2], position, kind, box)
    return site, np.linalg.norm(left, axis=1)


def _improved(
    shift: FloatArray, position: FloatArray, kind: IntArray, box: Box,
) -> tuple[FloatArray, IntArray, FloatArray]:
    """The best shift near one, the sites, and what is left over (atoms, 3) [nm]."""
    site, left = _sites(position + shift, kind, box)
    for _ in range(20):
        shift, before = shift - left.mean(axis=0), site
        site, left = _sites(position + shift, kind, box)
        if np.array_equal(site, before):
            break
    return shift, site, left


def _sites(position: FloatArray, kind: IntArray, box: Box) -> tuple[IntArray, FloatArray]:
    """Nearest sites of the right element, and how far beyond them the atoms lie (atoms, 3) [nm]."""
    site, left = np.zeros(len(position), dtype=np.int64), np.zeros(position.shape)
    for element in np.unique(kind):
        mine = kind == element
        site[mine], left[mine] = _nearest(position[mine], np.flatnonzero(box.crystal.kind == element), box)
    return site, left


def _nearest(position: FloatArray, basis: IntArray, box: Box) -> tuple[IntArray, FloatArray]:
    """As ``_sites``, among some sites of the cell."""
    cell = box.crystal.cell * box.constant * 1e9
    away = position[:, None, :] / cell - box.crystal.basis[basis]
    whole = np.rint(away)
    left = (away - whole) * cell
    choice = np.argmin(np.sum(left**2, axis=2), axis=1)
    rows = np.arange(len(position))
    return box.join(whole[rows, choice].astype(np.int64), basis[choice]), left[rows, choice]


__all__ = ["Structure", "read_structure", "snap", "write_cif", "write_xyz"]
