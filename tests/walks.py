"""Boxes with walkers for the tests: compiled or in plain Python, by the same few words."""

from __future__ import annotations

from typing import Any

import numpy as np
from kmcgrowth.lattice._walk import WalkKernel
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import cg

from kmcgrowth.lattice.energetics import Energetics
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import WalkGrid, walk_grid
from kmcgrowth.lattice.walk_tables import cube_laws
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.physics.constants import K_B

TEMPERATURE = 573.0
"""[K]"""

CONSTANT = 0.6e-9
"""Lattice constant [m]."""


def ball(box: Box, radius: float, centre: Any = None) -> Any:
    """Sites up to a distance, in lattice constants, from the middle of the box or another place."""
    p = box.position(np.arange(box.sites)) / box.constant
    edges = box.edges / box.constant
    d = p - (edges / 2 if centre is None else np.asarray(centre))
    d -= edges * np.round(d / edges)
    return np.flatnonzero(np.linalg.norm(d, axis=1) <= radius)


class Walks:
    """A box with walkers.

    Parameters
    ----------
    cells : of the box
    crystal : name
    seed : of the generator
    occupied : sites taken at the start
    amounts : walkers of each kind at the start
    kinds : kinds of molecules besides atoms
    reactions : rows of (kind, change of every kind, rate constant at both ends of the window)
    stick, walk, far : per kind or one number; a pair of them for both ends of the window
    freeze : atoms with as many neighbours stay where they are
    solubility : walkers per grid point beside the flat crystal [dimensionless]; sets how atoms detach; 0: they do not
    """

    def __init__(
        self, cells: tuple[int, int, int], crystal: str = "sc", *, seed: int = 1, occupied: Any = (),
        amounts: Any = None, kinds: int = 0, reactions: Any = (), stick: Any = np.inf, walk: Any = 1.0, far: Any = None,
        margin: int | None = None, sink: bool = False, largest: int = 128, bond: float = 0.0, second_bond: float = 0.0,
        solubility: float = 0.0, hops: float = 0.0, content: Any = None, push: Any = (), left: Any = (),
        window: float = 1e30, spread: Any = None, kernel: type = WalkKernel, expand: Any = None, warmer: float = 0.0,
        freeze: int = 99,
    ) -> None:
        c = load_crystal(crystal)
        self.box = Box(c, cells, CONSTANT)
        self.grid: WalkGrid = walk_grid(self.box)
        self.energetics = Energetics(c, bond=bond, second_bond=second_bond)
        e = self.energetics
        self.kernel_bits = np.random.SFC64(seed)
        self.kernel: Any = kernel(
            self.kernel_bits, cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), second_bond != 0.0, False
        )
        elements = len(c.elements)
        self.kinds = elements + kinds
        laws = {
            "reactant": np.array([[r[0]] for r in reactions], dtype=int).reshape(-1, 1),
            "order": np.ones((len(reactions), 1)), "consumed": np.ones((len(reactions), 1), dtype=int),
            "change": np.array([r[1] for r in reactions], dtype=int).reshape(-1, self.kinds),
            "power": np.zeros(len(reactions)),
        }
        expand = np.eye(self.kinds, dtype=int) if expand is None else np.asarray(expand)
        content = np.zeros((0, len(expand)), dtype=int) if content is None else np.asarray(content)
        self.kernel.set_solution(elements, False, [0] * self.kinds, expand, laws, content)
        self.kernel.set_walkers(
            self.grid.parts, self.grid.point, cube_laws(), spread=spread, margin=margin, sink=sink, largest=largest
        )
        self.reactions = [[r[2 + i] for r in reactions] for i in (0, 1)] if reactions else [np.zeros(0)] * 2
        finite = 1.0 if np.isinf(stick) else float(stick)
        self.rates, self.hops = [], []
        for t in (TEMPERATURE, TEMPERATURE + warmer):
            h = e.hop_rates(hops, 0.0, t) if hops else np.zeros(len(e.groups))
            self.hops.append(h)
            self.rates.append(h + (e.detach_rates(finite, solubility, t) if solubility else 0.0))
        for table in (*self.rates, *self.hops):
            table[e.groups[:, 1] >= freeze] = 0.0
        self.stick = [np.full(elements, float(stick))] * 2
        self.walk, self.far = self._ends(walk), None if far is None else self._ends(far)
        self.push, self.left = np.array(push, dtype=float), np.array(left, dtype=float)
        self.window(0.0, window)
        occupied = np.asarray(occupied, dtype=int)
        self.kernel.fill(occupied, np.ones(len(occupied), dtype=bool))
        if amounts is not None:
            self.kernel.dissolve(amounts)

    def _ends(self, value: Any) -> list[Any]:
        pair = value if isinstance(value, tuple) else (value, value)
        return [np.broadcast_to(np.asarray(v, dtype=float), (self.kinds,)).copy() for v in pair]

    def window(self, start: float, end: float) -> None:
        """Begin a window with the rates of this box."""
        self.kernel.set_window(
            start, end, (1.0, 1.0), self.rates, self.hops, (0.0, 0.0), self.reactions, self.push, self.left,
            walk=self.walk, stick=self.stick, far=self.far,
        )

    def atoms(self) -> Any:
        """Atoms of each element, dissolved or not, molecules left out."""
        taken, _ = self.kernel.occupied()
        elements = len(self.box.crystal.elements)
        return np.bincount(self.box.element(taken), minlength=elements) + self.kernel.amounts()[:elements]

    def run(self, until: float, budget: int = 1 << 60) -> int:
        """Go on; why it came back."""
        return int(self.kernel.run_on(until, budget))


def boltzmann(bond: float) -> float:
    """Bond energy in units of kT -> [J]."""
    return bond * K_B * TEMPERATURE


def steady_flux(walks: Walks, margin: int, stick: float, pace: float = 1.0) -> float:
    """Rate at which atoms of a crystal of one element attach, with one walker per grid point outside of the region.

    The discrete Laplace equation: density one outside, no step onto a taken site, loss ``stick`` p at places, or p = 0
    there.
    """
    taken, _ = walks.kernel.occupied()
    points = tuple(int(n) for n in walks.grid.points)
    cell, b = walks.box.split(np.arange(walks.box.sites))
    at = cell * walks.grid.parts + walks.grid.point[b]
    held, place = np.zeros(points, dtype=bool), np.zeros(points, dtype=bool)
    held[tuple(at[taken].T)] = True
    place[tuple(at[np.unique(walks.box.neighbours(taken))].T)] = True
    place &= ~held
    region = np.zeros(points, dtype=bool)
    region[(slice(margin, -margin),) * 3] = True
    unknown = region & ~held & (~place if np.isinf(stick) else True)
    # points with taken ones all around are never reached
    unknown &= ~np.all([np.roll(held, s, a) for a in range(3) for s in (-1, 1)], axis=0)
    number = np.full(points, -1)
    number[unknown] = np.arange(unknown.sum())
    rows, columns, values = [], [], []
    source = np.zeros(int(unknown.sum()))
    into_places = np.zeros_like(source)
    for axis in range(3):
        for step in (-1, 1):
            there = [np.roll(a, -step, axis) for a in (held, place, region, number)]
            open_ = unknown & ~there[0]
            i = number[open_]
            rows.append(i), columns.append(i), values.append(np.full(i.size, -pace))
            inside, absorbed = there[2][open_], there[1][open_] & np.isinf(stick) & there[2][open_]
            np.add.at(source, i[~inside], pace)
            np.add.at(into_places, i[absorbed], pace)
            go = inside & ~absorbed
            rows.append(i[go]), columns.append(there[3][open_][go]), values.append(np.full(int(go.sum()), pace))
    if not np.isinf(stick):
        i = number[place & region]
        rows.append(i), columns.append(i), values.append(np.full(i.size, -stick))
        into_places[i] = stick
    matrix = coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(source.size, source.size)
    )
    density, failed = cg(-matrix.tocsr(), source, rtol=1e-11, maxiter=10_000)
    assert not failed
    return float(into_places @ density)
