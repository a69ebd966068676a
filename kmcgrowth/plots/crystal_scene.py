"""Atoms as a scene: which are drawn, how large, in which colours, and what the colours mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.particles import find_particles
from kmcgrowth.lattice.surface import dangling_bonds
from kmcgrowth.plots.crystal_render import Camera, FloatArray, Image, Spheres, View, aim, render
from kmcgrowth.plots.style import GREEN, POPULATION, PURPLE, RED, SKY

if TYPE_CHECKING:
    from kmcgrowth.lattice.atoms import Atoms
    from kmcgrowth.materials.crystals import IntArray

COLOURINGS = ("element", "coordination", "particle", "origin")
"""What the colour of an atom can tell."""

ELEMENTS = ("#4B7FB5", "#F2B134", "#5DAE8B", "#C77CA0")
"""Of the elements, the cation first; told apart by every eye, and in grey by lightness."""

PARTICLES = ("#D1495B", "#2E8B57", "#7FD1E8", "#3B2F6B", "#A8A83A", "#8A5A44", "#C4C4C4")
"""Of particles, the largest first, over again; far from each other and from those of elements."""

WALKERS = (PURPLE, RED, GREEN, SKY)
"""Of dissolved species that are no element of the crystal; the first far from the colours of coordination."""

SHARES = (0.62, 0.53)
"""Radius of a cation and of an anion, in distances of nearest neighbours; spheres overlap a little [dimensionless]."""

LAYERS = 5
"""Layers of atoms below the surface that are drawn too: those of zincblende show between the ones on top."""

BOND = 0.26
"""Distance of neighbours where no atom has one [nm]."""


@dataclass(frozen=True, eq=False)
class Walkers:
    """Dissolved monomers and clusters of one moment.

    Attributes
    ----------
    position : (walkers, 3), inside the box [nm]
    kind : (walkers,), index of ``names``
    names : of the species; one that is an element of the crystal takes its colour
    radius : (kinds,) of the dots; None draws all as large as an atom [nm]
    """

    position: FloatArray
    kind: IntArray
    names: tuple[str, ...]
    radius: FloatArray | None = None


@dataclass(frozen=True)
class Key:
    """What colours mean: a colour per label, and whether the labels are numbers in order."""

    title: str
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    ordered: bool = False


def key(frames: Sequence[Atoms], colour: str) -> Key:
    """What the colours of some frames mean.

    Parameters
    ----------
    colour : one of ``COLOURINGS``

    Raises
    ------
    BadInput
        If ``colour`` is another.
    """
    if colour == "element":
        names = frames[0].elements
        return Key("element", names, tuple(ELEMENTS[i % len(ELEMENTS)] for i in range(len(names))))
    if colour == "coordination":
        most = frames[0].coordination
        least = 1 if all((dangling_bonds(f) < most).all() for f in frames) else 0  # lone atoms are rare
        return Key("coordination", tuple(str(i) for i in range(least, most + 1)), _ramp(most + 1)[least:], ordered=True)
    if colour == "origin":
        both = ("seed", "nucleated")
        shown = [o for o in both if any((f.seed if o == "seed" else ~f.seed).any() for f in frames)] or ["seed"]
        return Key("particle", tuple(shown), tuple(POPULATION[o] for o in shown))
    if colour == "particle":
        return Key("", (), ())
    raise BadInput(f'colour: "{colour}" is not one of {", ".join(COLOURINGS)}.')


def atom_colours(atoms: Atoms, colour: str, *, particle: IntArray | None = None) -> FloatArray:
    """Red, green and blue of each atom (atoms, 3) [dimensionless].

    Parameters
    ----------
    colour : one of ``COLOURINGS``
    particle : (atoms,) labels for the colouring by particle, equal in all frames for a particle that is followed;
        None numbers the particles of this frame by size

    Raises
    ------
    BadInput
        If ``colour`` is another.
    """
    if colour == "particle":
        label = in_one_piece(atoms)[1] if particle is None else np.asarray(particle)
        return _rgb(PARTICLES)[label % len(PARTICLES)]
    if colour == "origin":
        return _rgb((POPULATION["seed"], POPULATION["nucleated"]))[np.where(atoms.seed, 0, 1)]
    which = atoms.element if colour == "element" else atoms.coordination - dangling_bonds(atoms)
    meaning = key([atoms], colour)
    return _rgb(_ramp(atoms.coordination + 1) if meaning.ordered else meaning.colours)[which]


def _ramp(number: int) -> tuple[str, ...]:
    """Colours from a bare atom (bright) to one inside the crystal (dark)."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(c) for c in colormaps["viridis"](np.linspace(1.0, 0.25, number)))


def _rgb(colours: Sequence[str]) -> FloatArray:
    return np.array([[int(c[i : i + 2], 16) / 255.0 for i in (1, 3, 5)] for c in colours]).reshape(-1, 3)


def neighbour_distance(atoms: Atoms) -> float:
    """Distance of nearest neighbours, from the bonds [nm]."""
    if not len(atoms.bonds):
        return BOND
    i, j = atoms.bonds[:100].T
    apart = atoms.position[j] - atoms.position[i]
    apart -= atoms.box * np.rint(apart / atoms.box)
    return float(np.median(np.linalg.norm(apart, axis=1)))


def radii(atoms: Atoms) -> FloatArray:
    """Radii of the spheres drawn for atoms (atoms,) [nm]."""
    shares = SHARES if len(atoms.elements) > 1 else (0.52,)
    per_element = np.array([shares[min(i, len(shares) - 1)] for i in range(len(atoms.elements))])
    return per_element[atoms.element] * neighbour_distance(atoms)


def exposed(atoms: Atoms, layers: int = LAYERS, *, position: FloatArray | None = None) -> NDArray[np.bool_]:
    """True for atoms on a surface and so many layers of bonds below it (atoms,).

    Parameters
    ----------
    position : (atoms, 3) where they are drawn; bonds across the box, where a crystal without ends was cut open, then
        make a surface too [nm]
    """
    seen = dangling_bonds(atoms) > 0
    i, j = atoms.bonds.T
    if position is not None:
        cut = (np.abs(position[j] - position[i]) > 0.5 * atoms.box).any(axis=1)
        seen[i[cut]] = True
        seen[j[cut]] = True
    for _ in range(layers):
        before = seen.copy()
        seen[j[before[i]]] = True
        seen[i[before[j]]] = True
    return seen


def several(frames: Sequence[Atoms]) -> bool:
    """Whether any frame has more than one particle of ten atoms or more: then the box is worth drawing."""
    return any(int((np.bincount(in_one_piece(f)[1]) >= 10).sum()) > 1 for f in frames)


def in_one_piece(atoms: Atoms) -> tuple[FloatArray, IntArray]:
    """Positions of atoms, particles across the border of the box in one piece, and labels of particles.

    Returns
    -------
    (atoms, 3) with the middle of each particle inside the box [nm]; (atoms,) from 0, the largest first
    """
    found = find_particles(atoms, formula=(1,) * len(atoms.elements))
    # A centre that trembles about the border would make its particle jump between frames: the cut lies a bit outside.
    return found.position - (np.floor(found.centre / atoms.box + 0.02) * atoms.box)[found.label], found.label


def view_of(
    frames: Sequence[Atoms], *, size: tuple[int, int], camera: Camera | None = None, box: bool = True,
    turning: bool = False,
) -> View:
    """The view that shows the atoms of all frames, or the whole box.

    Parameters
    ----------
    size : width and height [pixel]
    box : whether the whole box is to be seen
    turning : whether everything is to be seen also when the scene turns about its upright axis
    """
    camera = Camera() if camera is None else camera
    axes, up = camera.axes(), np.array(camera.up) / np.linalg.norm(camera.up)
    outward = np.concatenate([axes, -axes])
    if turning:
        ring = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)[:, None]
        outward = np.concatenate([np.cos(ring) * axes[0] + np.sin(ring) * np.cross(up, axes[0]), [up, -up]])
    if box or not any(f.number for f in frames):
        corners = np.array(np.meshgrid(*([0.0, edge] for edge in frames[-1].box))).reshape(3, -1).T
        points = [corners]
    else:
        points = [_outermost(f, outward) for f in frames if f.number]
    shown = np.concatenate(points)
    if turning:
        low, high = shown.min(axis=0), shown.max(axis=0)
        apart = shown - 0.5 * (low + high)
        height = apart @ up
        reach = float(np.linalg.norm(apart - np.outer(height, up), axis=1).max())
        shown = np.concatenate([
            0.5 * (low + high) + reach * outward[:-2] + level * up for level in (height.min(), height.max())
        ])
    return aim(shown, size=size, camera=camera)


def _outermost(atoms: Atoms, outward: FloatArray) -> FloatArray:
    """Points that touch the spheres of all atoms from outside, one for each direction (directions, 3) [nm]."""
    position = in_one_piece(atoms)[0]
    position = position[exposed(atoms, 0, position=position)]
    farthest = np.array([int(np.argmax(position @ direction)) for direction in outward])
    return position[farthest] + float(radii(atoms).max()) * outward


def picture(
    atoms: Atoms, view: View, *, colour: str = "element", particle: IntArray | None = None, box: bool = True,
    walkers: Walkers | None = None, background: tuple[float, float, float] | None = (1.0, 1.0, 1.0),
    sampling: int = 2,
) -> Image:
    """A picture of atoms.

    Parameters
    ----------
    view : from ``view_of``
    colour, particle : as for ``atom_colours``
    box : whether the outline of the periodic box is drawn
    walkers : dissolved species, drawn as see-through dots
    background, sampling : as for ``kmcgrowth.plots.crystal_render.render``

    Returns
    -------
    (height, width, 4) red, green, blue and opacity from 0 to 255

    Raises
    ------
    BadInput
        If ``colour`` is not one of ``COLOURINGS``.
    """
    position, label = in_one_piece(atoms)
    shown = exposed(atoms, position=position)
    colours = atom_colours(atoms, colour, particle=label if particle is None else particle)
    spheres = Spheres(position[shown], radii(atoms)[shown], colours[shown])
    dots = None if walkers is None or not len(walkers.position) else _dots(walkers, atoms)
    return render(spheres, view, box=atoms.box if box else None, dots=dots, background=background, sampling=sampling)


def walker_colours(names: Sequence[str], elements: Sequence[str]) -> tuple[str, ...]:
    """Colours of dissolved species."""
    others = [n for n in names if n not in elements]
    return tuple(
        ELEMENTS[list(elements).index(n) % len(ELEMENTS)] if n in elements else WALKERS[others.index(n) % len(WALKERS)]
        for n in names
    )


def _dots(walkers: Walkers, atoms: Atoms) -> Spheres:
    usual = 0.5 * neighbour_distance(atoms)
    sizes = np.full(len(walkers.names), usual) if walkers.radius is None else np.asarray(walkers.radius)
    colours = _rgb(walker_colours(walkers.names, atoms.elements))
    return Spheres(walkers.position, sizes[walkers.kind], colours[walkers.kind])
