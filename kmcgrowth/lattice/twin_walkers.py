"""Walkers in plain Python: where they stand, who can attach, who is to be looked at; see ``walk_twin``."""

from __future__ import annotations

from itertools import product
from math import inf
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.twin import TwinKernel

Point = tuple[int, int, int]


class TwinWalkers(TwinKernel):
    """The lattice, and walkers that stand on grid points around it."""

    def set_walkers(
        self, parts: Any, point: Any, tables: Any = None, *, spread: Any = None, margin: int | None = None,
        sink: bool = False, largest: int = 0,
    ) -> None:
        """Grids, before the first crystal; there are no cubes here."""
        self.parts, self.point = [int(p) for p in parts], np.asarray(point)
        self.size_of_grid = tuple(int(c) * p for c, p in zip(self.cells, self.parts, strict=True))
        self.kinds = len(self.amount)
        self.grid = [k if k < self.elements else 0 for k in range(self.kinds)]
        self.spread = [0] * self.kinds if spread is None else [int(s) for s in spread]
        self.opened, self.reached, edge = margin is not None, inf, margin or 0
        self.low, self.high = [edge] * 3, [n - edge for n in self.size_of_grid]
        self.sink = sink
        self.site_of = {
            (self.element(s), self.point_of(s)): s for s in range(self.size)
        }
        self.reach = [[self._reach(b, e) for e in range(self.elements)] for b in range(len(self.kind))]
        self.kind_of: list[int] = []
        self.at: list[Point] = []
        self.row_of: list[list[int] | None] = []
        self.vacant: list[int] = []
        self.near: list[list[int]] = [[] for _ in range(self.kinds)]
        self.stuck: list[list[int]] = [[] for _ in range(self.kinds)]
        self.ready: list[list[int]] = [[] for _ in range(self.elements)]
        self.standing: dict[tuple[int, Point], set[int]] = {}
        self.waiting: list[int] = []
        self.pending_walk = -1.0
        self.dirty = self.changed = True
        self.moves = self.blocked_moves = 0
        self.stepped_in, self.stepped_out = [0] * self.kinds, [0] * self.kinds

    def _reach(self, b: int, e: int) -> list[tuple[int, int]]:
        """Least and largest step, along each edge, from a site of a cell to points that a change there matters for."""
        steps = [np.array(s) for s in product((-1, 1), repeat=3)] if self.kind[b] == e else []
        steps += [
            n[:3] * self.parts + self.point[n[3]] - self.point[b] for n in self.tables["near"][b]
            if self.kind[n[3]] == e
        ]
        steps = steps or [np.zeros(3, dtype=int)]
        return [(int(min(s[i] for s in steps)), int(max(s[i] for s in steps))) for i in range(3)]

    def fill(self, sites: Any, seed: Any) -> None:
        for s in sites:
            if self.outside(self.point_of(int(s))):
                raise ValueError(f"site {s} lies in the reservoir")
        super().fill(sites, seed)

    def set_window(  # type: ignore[override]
        self, start: float, end: float, volume: Any, rates: Any, hops: Any, pair: Any, reactions: Any, push: Any,
        left: Any, *, walk: Any, stick: Any, far: Any = None,
    ) -> None:
        """Rates from ``start`` to ``end``, linear in between; see the compiled kernel."""
        rates = np.array(rates, dtype=float)
        rates[:, : self.elements] = 0.0
        self.walk, self.stick = np.array(walk, dtype=float), np.array(stick, dtype=float)
        self.far = np.array(far if far is not None else np.zeros((2, self.kinds)), dtype=float)
        self.sticky = np.isinf(self.stick[0])
        if self.sticky.any() and (rates - np.array(hops)).max() > 0.0:
            raise BadInput('attach rate = "inf": atoms that attach at once can never detach.')
        self.stick[:, self.sticky] = 0.0
        super().set_window(start, end, volume, rates, hops, (0.0, 0.0), reactions, push, left)
        self.steady_walk = all(np.array_equal(a, b) for a, b in (self.walk, self.stick, self.far))
        self.pending_walk = -1.0
        self.dirty = self.changed = True

    # -- places -----------------------------------------------------------------------------

    def point_of(self, s: int) -> Point:
        """Grid point of a site, on its element's grid."""
        rest, b = divmod(s, len(self.kind))
        cell = np.array(np.unravel_index(rest, self.cells)) * self.parts + self.point[b]
        return int(cell[0]), int(cell[1]), int(cell[2])

    def wrap(self, x: int, y: int, z: int) -> Point:
        """A point in the periodic box."""
        a, b, c = self.size_of_grid
        return x % a, y % b, z % c

    def around_point(self, p: Point) -> list[Point]:
        """The six points to which a walker can hop."""
        x, y, z = p
        return [self.wrap(*q) for q in (
            (x - 1, y, z), (x + 1, y, z), (x, y - 1, z), (x, y + 1, z), (x, y, z - 1), (x, y, z + 1),
        )]

    def outside(self, p: Point) -> bool:
        """Whether a point is outside of the walkers' region."""
        return self.opened and any(not a <= x < b for x, a, b in zip(p, self.low, self.high, strict=True))

    def blocked(self, e: int, p: Point) -> bool:
        """Whether the site of a grid point is taken."""
        s = self.site_of.get((e, p))
        return s is not None and self.taken[s]

    def enclosed(self, e: int, p: Point) -> bool:
        """Whether all points around are taken."""
        return all(self.blocked(e, q) for q in self.around_point(p))

    def shared(self, e: int, p: Point, but: int = -1) -> bool:
        """Whether another walker stands at a point of a grid."""
        return any(w != but for w in self.standing.get((e, p), ()))

    # -- walkers come and go ----------------------------------------------------------------

    def create(self, k: int, p: Point) -> None:
        """A new walker."""
        if self.vacant:
            w = self.vacant.pop()
        else:
            w = len(self.at)
            self.at.append(p)
            self.kind_of.append(k)
            self.row_of.append(None)
        self.at[w], self.kind_of[w] = p, k
        self._move_to(w, self.near[k])
        self.standing.setdefault((self.grid[k], p), set()).add(w)
        self.call([w])
        self._count(k, 1)

    def remove(self, w: int) -> None:
        """A walker that is no more."""
        k = self.kind_of[w]
        self.standing[self.grid[k], self.at[w]].remove(w)
        self._not_ready(w)
        self._move_to(w, None)
        self.vacant.append(w)
        self._count(k, -1)

    def _count(self, k: int, change: int) -> None:
        self.amount[k] += change
        self.dirty |= bool(len(self.done))

    def _move_to(self, w: int, row: list[int] | None) -> None:
        old = self.row_of[w]
        if old is not None:
            _take_out(old, w)
        if row is not None:
            row.append(w)
        self.row_of[w] = row
        self.changed = True

    def _not_ready(self, w: int) -> None:
        k = self.kind_of[w]
        if k < self.elements and w in self.ready[k]:
            _take_out(self.ready[k], w)
            self.changed = True

    def call(self, walkers: list[int]) -> None:
        """Note walkers to be looked at, in the order of their numbers."""
        self.waiting += [w for w in sorted(walkers) if w not in self.waiting]

    def settle(self) -> None:
        """Look at the walkers around what has changed, until nothing changes any more."""
        while self.waiting:
            w = self.waiting.pop(0)
            if self.row_of[w] is not None:
                self.look(w)

    def look(self, w: int) -> None:
        """A walker may attach, at once or at a rate."""
        k, p = self.kind_of[w], self.at[w]
        if self.row_of[w] is self.stuck[k]:
            self._move_to(w, self.near[k])
        s = self.site_of.get((k, p)) if k < self.elements else None
        if s is not None and not self.taken[s] and self.first(s):
            if self.sticky[k]:
                self.attach(w, s)
            elif w not in self.ready[k]:
                self.ready[k].append(w)
                self.changed = True
            return
        self._not_ready(w)

    def attach(self, w: int, s: int) -> None:
        """A walker becomes an atom of a crystal."""
        self.attached += 1
        self.remove(w)
        if not self.sink:
            self.occupy(s, any(self.seed[t] for t in self.around(s)))

    # -- what the lattice tells -------------------------------------------------------------

    def regroup(self, site: int) -> None:
        old = self.group[site]
        super().regroup(site)
        self.dirty |= self.group[site] != old

    def _after(self, site: int) -> None:
        super()._after(site)
        p, b = self.point_of(site), site % len(self.kind)
        if self.taken[site] and any(self.outside(self.point_of(s)) for s in self.around(site)):
            self.reached = min(self.reached, self.now)
        found: set[int] = set()
        for e in range(self.elements):
            spans = [range(p[i] + self.reach[b][e][i][0], p[i] + self.reach[b][e][i][1] + 1) for i in range(3)]
            for q in product(*spans):
                found |= self.standing.get((e, self.wrap(*q)), set())
        self.call(list(found))

    def give_back(self, s: int) -> None:
        self.create(self.element(s), self.point_of(s))

    def hop(self, s: int, target: int) -> None:
        p = self.point_of(target)
        if self.outside(p) or self.shared(self.element(target), p):
            self.idle += 1
            return
        super().hop(s, target)


def _take_out(row: list[int], w: int) -> None:
    """Take a walker out of a list; the last one takes its place."""
    place = row.index(w)
    row[place] = row[-1]
    row.pop()
