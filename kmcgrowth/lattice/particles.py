"""Particles: atoms that hang together by bonds, whatever side of the periodic border they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.materials.crystals import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Particles:
    """The particles of one moment, the largest first; of equal ones, the one with the first atom.

    Attributes
    ----------
    label : (atoms,), particle of each atom
    count : (particles, elements), atoms of each element
    seed : (particles,), True where any atom was there at the start (origin "seed"), False for "nucleated"
    units : (particles,), formula units: atoms over the atoms of one unit, rounded, at least one
    position : (atoms, 3), each particle in one piece: atoms may lie outside the periodic box [nm]
    centre : (particles, 3), mean of ``position``, which may lie outside the box [nm]
    gyration : (particles,), radius of gyration, all atoms with the same weight; NaN for a particle that spans [nm]
    spans : (particles, 3), True along the edges of the box along which a particle is bonded to its own image. Such a
        particle has no ends: ``position`` cuts it open somewhere, and its ``centre`` is that of this cut.
    """

    label: IntArray
    count: IntArray
    seed: NDArray[np.bool_]
    units: IntArray
    position: FloatArray
    centre: FloatArray
    gyration: FloatArray
    spans: NDArray[np.bool_]

    @property
    def number(self) -> int:
        """Number of particles."""
        return len(self.units)

    @property
    def atoms(self) -> IntArray:
        """Atoms of each particle (particles,)."""
        return self.count.sum(axis=1)

    def members(self) -> list[IntArray]:
        """Atoms that belong to each particle, as places in ``label``, rising."""
        order = np.argsort(self.label, kind="stable")
        return np.split(order, np.cumsum(self.atoms)[:-1]) if self.number else []


def find_particles(atoms: Atoms, *, formula: tuple[int, ...]) -> Particles:
    """Particles by connectivity: atoms belong together when a chain of bonds joins them.

    Parameters
    ----------
    atoms : Atoms
    formula : atoms of each element in one formula unit, as ``Crystal.elements``

    Returns
    -------
    Particles; a dissolved or lone atom that is among ``atoms`` is a particle of its own

    Raises
    ------
    BadInput : ``formula`` does not fit the elements of ``atoms``.

    Notes
    -----
    Bonds across the border are those longer than half an edge. Without them a particle falls into pieces, each of
    them whole; a tree of bonds across the border then tells by how many edges each piece is to be moved, the first
    atom of a particle staying where it is. Where another such bond disagrees with the tree, the particle spans the
    box. The box must be wider than two bonds along each edge, or a bond and its image cannot be told apart.
    """
    from scipy.sparse.csgraph import connected_components

    if len(formula) != len(atoms.elements) or min(formula, default=0) < 0 or sum(formula) < 1:
        raise BadInput(
            f"formula: {tuple(formula)} does not say how many atoms of each of {', '.join(atoms.elements)} make one "
            f"formula unit; give {len(atoms.elements)} whole numbers."
        )
    n = atoms.number
    if n == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return Particles(nothing, np.zeros((0, len(formula)), dtype=np.int64), np.zeros(0, dtype=bool), nothing,
                         np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3), dtype=bool))
    total, found = connected_components(_graph(atoms.bonds, n), directed=False)
    # Components are numbered by their first atom, so a stable sort by size leaves ties in that order.
    order = np.argsort(-np.bincount(found, minlength=total), kind="stable")
    rank = np.empty(total, dtype=np.int64)
    rank[order] = np.arange(total)
    label = rank[found]
    count = np.bincount(label * len(formula) + atoms.element, minlength=total * len(formula))
    count = count.reshape(total, len(formula))
    size = count.sum(axis=1)
    units = np.maximum((2 * size + sum(formula)) // (2 * sum(formula)), 1)
    position, spans = _unwrap(atoms, label, total)
    centre = _mean(position, label, size)
    apart = position - centre[label]
    square = np.bincount(label, weights=np.einsum("ij,ij->i", apart, apart), minlength=total) / size
    gyration = np.where(spans.any(axis=1), np.nan, np.sqrt(square))
    seed = np.bincount(label, weights=atoms.seed, minlength=total) > 0
    return Particles(label, count, seed, units, position, centre, gyration, spans)


def _graph(bonds: IntArray, n: int) -> Any:
    from scipy.sparse import coo_matrix

    return coo_matrix((np.ones(len(bonds), dtype=np.int8), (bonds[:, 0], bonds[:, 1])), shape=(n, n)).tocsr()


def _mean(values: FloatArray, label: IntArray, size: IntArray) -> FloatArray:
    return np.column_stack([np.bincount(label, weights=v, minlength=len(size)) / size for v in values.T])


def _unwrap(atoms: Atoms, label: IntArray, total: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Positions of particles in one piece (atoms, 3) [nm], and along which edges each spans the box."""
    from scipy.sparse.csgraph import connected_components

    spans = np.zeros((total, 3), dtype=bool)
    first, second = atoms.bonds[:, 0], atoms.bonds[:, 1]
    across = np.zeros(len(first), dtype=bool)
    for axis in range(3):
        x = atoms.position[:, axis]
        across |= np.abs(x[second] - x[first]) > 0.5 * atoms.box[axis] * (1 + 1e-9)
    if not across.any():
        return atoms.position.copy(), spans
    i, j = first[across], second[across]
    edges = -np.rint((atoms.position[j] - atoms.position[i]) / atoms.box).astype(np.int64)
    _, piece = connected_components(_graph(atoms.bonds[~across], atoms.number), directed=False)
    head = np.full(total, len(label))
    np.minimum.at(head, label, np.arange(len(label)))
    start, end = piece[i].astype(np.int64), piece[j].astype(np.int64)
    shift = _shifts(start, end, edges, piece[head].astype(np.int64))
    wrong = shift[end] - shift[start] != edges
    for axis in range(3):
        spans[label[i[wrong[:, axis]]], axis] = True
    return atoms.position + shift[piece] * atoms.box, spans


def _shifts(start: IntArray, end: IntArray, edges: IntArray, heads: IntArray) -> IntArray:
    """Edges of the box by which each piece is moved (pieces, 3).

    Pieces ``start`` and ``end`` (bonds,) are joined by bonds across ``edges`` (bonds, 3); ``heads``, one piece of each
    particle, stay where they are.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order

    pieces = int(max(start.max(), end.max(), heads.max())) + 1
    # A root, numbered 0, that is joined to all heads makes one tree of all particles; pieces count from 1.
    none, both = np.zeros(len(heads), dtype=np.int64), np.arange(len(start))
    row = np.concatenate([none, start + 1, end + 1])
    column = np.concatenate([heads + 1, end + 1, start + 1])
    bond = np.concatenate([none, both, both])
    sign = np.concatenate([none, np.ones_like(both), -np.ones_like(both)])
    # Of several bonds between two pieces the first makes the step.
    key, where = np.unique(row * (pieces + 1) + column, return_index=True)
    tree = coo_matrix((np.ones(len(where)), (row[where], column[where])), shape=(pieces + 1, pieces + 1)).tocsr()
    _, parent = breadth_first_order(tree, 0, directed=True)
    parent = np.maximum(parent, 0).astype(np.int64)
    found = where[np.searchsorted(key, parent[1:] * (pieces + 1) + np.arange(1, pieces + 1))]
    step = np.zeros((pieces + 1, 3), dtype=np.int64)
    step[1:] = sign[found, None] * edges[bond[found]]
    # Steps are summed towards the root by doubling: each round reaches twice as far.
    while parent.any():
        step += step[parent]
        parent = parent[parent]
    return step[1:]
