"""Crystals that are there at the start: which sites they occupy."""

from __future__ import annotations

from itertools import product

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import MARGIN
from kmcgrowth.materials.crystals import FloatArray, IntArray
from kmcgrowth.model.lattice import LatticeModel, StartParticle
from kmcgrowth.model.types import Model

TRIED = 4
"""Places along each edge of a cell that are tried as the centre of a small polyhedron."""

SMALL = 20_000
"""Formula units up to which centres are tried; the outline of larger crystals hardly depends on it."""

# where anions are bound to one cation below and three above: faces (111)A of zincblende, which cations end
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)


def gauge(shape: str, apart: FloatArray) -> FloatArray:
    """Size of the smallest body of a shape, centred at the origin, that holds each point.

    Parameters
    ----------
    shape : "sphere", "cube", "octahedron", "tetrahedron" (its faces look along ``CORNERS``) or
        "truncated_octahedron" (that of Wulff with equal energies per bond: faces (100) at 2/sqrt(3) of (111))
    apart : (..., 3)

    Returns
    -------
    (...), in the unit of ``apart``: the distance of the faces, or of the surface, from the centre
    """
    if shape == "sphere":
        return np.asarray(np.linalg.norm(apart, axis=-1))
    cube, octahedron = np.abs(apart).max(axis=-1), np.abs(apart).sum(axis=-1) / np.sqrt(3.0)
    if shape == "cube":
        return np.asarray(cube)
    if shape == "octahedron":
        return np.asarray(octahedron)
    if shape == "truncated_octahedron":
        return np.asarray(np.maximum(octahedron, cube * np.sqrt(3.0) / 2.0))
    if shape == "tetrahedron":
        return np.asarray((apart @ CORNERS.T).max(axis=-1))
    raise ValueError(f"no shape {shape!r}")


def start_sites(model: Model, box: Box, rng: np.random.Generator) -> IntArray:
    """Sites that are occupied at the start: the seeds as spheres, then the crystals of the [lattice] table.

    Raises
    ------
    BadInput
        If they do not fit into the box, each with room around it, or reach into the reservoir around walkers.
    """
    lattice = model.lattice
    assert lattice is not None
    wanted = [("lattice.box", StartParticle("sphere", int(n))) for n in np.sort(model.draw_seeds(rng))[::-1]]
    for i, particle in enumerate(lattice.particles):
        wanted += [(f"lattice.particle.{i}", particle)] * particle.count
    spread = [p for _, p in wanted if p.at is None and p.shape not in ("slab", "box")]
    places = iter(_spread(len(spread), box))
    taken = np.zeros(0, dtype=np.int64)
    for key, p in wanted:
        centre = None
        if p.at is not None:
            centre = np.array(p.at)
            _refuse_outside(centre, key, box)
        elif p.shape not in ("slab", "box"):
            centre = next(places)
        sites = _crystal(p, key, centre, box, lattice)
        beside = np.concatenate([sites, box.neighbours(sites).ravel()])
        if len(np.intersect1d(beside, taken)):
            if p.at is not None:
                raise BadInput(f"{key}.at: the crystal there touches one that stands before it; move them apart, or "
                               "make them smaller.")
            raise BadInput(f"lattice.box: is too small for {len(wanted)} crystals like these, which touch one another; "
                           "make it larger, or the crystals fewer or smaller.")
        if lattice.solution == "walkers" and lattice.supersaturation:
            _refuse_in_reservoir(beside, box)
        taken = np.concatenate([taken, sites])
    return taken


def _refuse_outside(centre: FloatArray, key: str, box: Box) -> None:
    if np.any((centre < 0.0) | (centre > box.edges)):
        edges = " x ".join(f"{edge * 1e9:.4g}" for edge in box.edges)
        raise BadInput(f"{key}.at: lies outside the box, which goes from 0 to {edges} nm; give a place inside.")


def _refuse_in_reservoir(beside: IntArray, box: Box) -> None:
    """No walker comes to places in the reservoir, so that a crystal there could only lose atoms."""
    cell = box.split(beside)[0]
    beyond = np.any((cell < MARGIN) | (cell >= np.array(box.cells) - MARGIN), axis=0)
    if np.any(beyond):
        deep = MARGIN * float(box.crystal.cell.max()) * box.constant * 1e9
        along = " and ".join(axis for axis, b in zip("xyz", beyond, strict=True) if b)
        raise BadInput(
            f"lattice.box: a crystal at the start reaches, along {along}, into the reservoir that a supersaturation "
            f"makes of {deep:.2g} nm at each border of the box, where nothing grows; make the box larger, or the "
            "crystals fewer or smaller, or put them further inside."
        )


def _spread(number: int, box: Box) -> FloatArray:
    """Places for crystals, evenly over the box (number, 3) [m]."""
    if not number:
        return np.zeros((0, 3))
    side = int(np.ceil(round(number ** (1.0 / 3.0), 9)))
    grid = np.array(list(product(range(side), repeat=3)))
    chosen = grid[np.linspace(0, len(grid) - 1, number).round().astype(int)]
    return np.asarray((chosen + 0.5) / side * box.edges)


def _crystal(p: StartParticle, key: str, centre: FloatArray | None, box: Box, lattice: LatticeModel) -> IntArray:
    if p.shape == "box":
        return np.arange(box.sites)
    if p.shape == "slab":
        height = box.crystal.cell[2] * box.constant
        layers = max(1, round(p.thickness / height))
        if layers >= box.cells[2]:
            raise BadInput("lattice.particle: the slab is as thick as the box; make one of them smaller or larger.")
        every = np.arange(box.sites)
        return every[box.split(every)[0][:, 2] < layers]
    assert centre is not None
    if p.shape == "file":
        return _from_file(p, key, centre, box, lattice)
    return _polyhedron(p, key, centre, box)


def _polyhedron(p: StartParticle, key: str, centre: FloatArray, box: Box) -> IntArray:
    """The sites of each element that a body of the shape around ``centre`` takes up first."""
    cell = box.crystal.cell * box.constant
    reach = np.cbrt(p.units * box.unit_volume / 0.5) + 1.5 * float(cell.max())
    if np.any(2.0 * reach > box.edges) and 2.0 * np.cbrt(p.units * box.unit_volume) > float(box.edges.min()):
        raise BadInput(f"lattice.box: is too small for a crystal of {p.units} formula units; make it larger.")
    low, high = np.floor((centre - reach) / cell).astype(int), np.ceil((centre + reach) / cell).astype(int)
    cells = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high)), indexing="ij"), axis=-1).reshape(-1, 3)
    basis = np.arange(box.crystal.sites)
    place = ((cells[:, None, :] + box.crystal.basis[None, :, :]) * cell).reshape(-1, 3)
    kind = np.tile(box.crystal.kind, len(cells))
    site = box.join(cells[:, None, :], basis[None, :]).ravel()
    elements = len(box.crystal.elements)
    cations = p.ends == "cations" and elements > 1

    def chosen(middle: FloatArray) -> tuple[float, IntArray]:
        """How clearly the body ends around a centre, and what is inside."""
        size = np.round(gauge(p.shape, place - middle), 15)
        inside, clear = [], np.inf
        for e in range(elements):
            if cations and e == 0:
                continue
            mine = np.flatnonzero(kind == e)
            order = mine[np.argsort(size[mine], kind="stable")]
            inside.append(order[: p.units])
            clear = min(clear, float(size[order[p.units]] - size[order[p.units - 1]]))
        return clear, np.concatenate(inside)

    tries = TRIED if p.units <= SMALL and p.shape != "sphere" else 1
    offsets = np.array(list(product(np.arange(tries) / tries, repeat=3))) * cell
    base = np.floor(centre / cell) * cell
    best = max((chosen(base + offset) for offset in offsets), key=lambda found: round(found[0] * 1e12, 3))[1]
    sites = np.unique(site[best])
    if cations:
        sites = np.union1d(sites, box.neighbours(sites).ravel())
    return _held(sites, key, box)


def _held(sites: IntArray, key: str, box: Box) -> IntArray:
    """Sites less those without an occupied neighbour."""
    pairs = box.bonds(sites)
    kept = np.unique(sites[pairs.ravel()])
    if not len(kept):
        raise BadInput(f"{key}: a crystal needs at least two atoms that are neighbours; make it larger.")
    return kept


def _from_file(p: StartParticle, key: str, centre: FloatArray, box: Box, lattice: LatticeModel) -> IntArray:
    from kmcgrowth.lattice.export import snap
    from kmcgrowth.lattice.structures import parse_structure

    try:
        structure = parse_structure(p.text, p.file)
    except BadInput as wrong:
        raise BadInput(f"{key}.file: {wrong}") from wrong
    try:
        sites = snap(structure, box, lattice.symbols, centre=[float(c) * 1e9 for c in centre])
    except BadInput as wrong:
        raise BadInput(f'{key}.file: in "{p.file}", {wrong}') from wrong
    return _held(sites, f"{key}.file", box)
