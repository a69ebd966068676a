"""The kernel with walkers in plain Python: what ``ext/walk_*.pxi`` do, hop by hop, to read and to hold the kernel to.

Walkers hop from point to point of cubic grids, each to any of the six points around at its rate; they do not see one
another. The compiled kernel moves those far from crystals by protective cubes, which changes no probability. Without
cubes (``largest=0``) the same generator gives the same events as here, one by one.

What is exact: with attachment at a finite rate all moves have their reverse, and every walker, of whatever kind, on any
grid point whose site is empty has the same weight, so that the solution is ideal. For that an atom attaches, or hops on
the surface, only to a site on whose point no (other) walker of its grid stands: none is ever left on a taken site. (A
place thus fills at the attach rate times the concentration, but for the chance of two walkers on one point.) With
attachment at once, which has no reverse, others on the point stay and hop away. A walker with six taken points around
it rests until one of them is empty.
"""

from __future__ import annotations

from itertools import product
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.twin import BUDGET, EPOCH, REACHED, TwinKernel

Point = tuple[int, int, int]

TRIES = 100
"""Draws of an open point near a molecule that falls apart."""


class TwinWalkKernel(TwinKernel):
    """Kinetic Monte Carlo on a lattice in a solution of explicit walkers; methods are those of the compiled kernel."""

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
        self.opened, edge = margin is not None, margin or 0
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
        return [(int(min(s[i] for s in steps)), int(max(s[i] for s in steps))) for i in range(3)] if steps else [(0, 0)] * 3

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
        found: set[int] = set()
        for e in range(self.elements):
            spans = [range(p[i] + self.reach[b][e][i][0], p[i] + self.reach[b][e][i][1] + 1) for i in range(3)]
            for q in product(*spans):
                found |= self.standing.get((e, self.wrap(*q)), set())
        self.call(list(found))

    def give_back(self, s: int) -> None:
        self.create(self.element(s), self.point_of(s))

    def hop(self, s: int, target: int) -> None:
        if self.shared(self.element(target), self.point_of(target)):
            self.idle += 1
            return
        super().hop(s, target)

    # -- events -----------------------------------------------------------------------------

    def weigh_walkers(self) -> None:
        """Rates of all hops, of attachment, and of steps from outside."""
        pace, stick, far = self.walk.max(axis=0), self.stick.max(axis=0), self.far.max(axis=0)
        self.hopping = [6.0 * len(self.near[k]) * float(pace[k]) for k in range(self.kinds)]
        self.sticking = [len(self.ready[k]) * float(stick[k]) for k in range(self.elements)]
        self.entering = [self.links() * float(far[k]) * float(pace[k]) if self.opened else 0.0 for k in range(self.kinds)]
        self.walk_total = 0.0
        for w in (*self.hopping, *self.sticking, *self.entering):
            self.walk_total += w

    def run(self, until: float, budget: int) -> int:
        while True:
            self.settle()
            if budget <= 0:
                return BUDGET
            if self.pending < 0.0 or self.dirty:
                self.weigh()
                self.dirty = False
                self.pending = inf
                if self.total > 0.0:
                    self.pending = self.now + float(self._random.standard_exponential()) / self.total
            if self.pending_walk < 0.0 or self.changed:
                self.weigh_walkers()
                self.changed = False
                self.pending_walk = inf
                if self.walk_total > 0.0:
                    self.pending_walk = self.now + float(self._random.standard_exponential()) / self.walk_total
            first, which = min(self.pending, self.pending_walk), -1
            for i, t in enumerate(self.entry):
                if t < first:
                    first, which = t, i
            if first > until and self.end > until:
                return REACHED
            if first >= self.end:
                self.now, self.pending, self.pending_walk = self.end, -1.0, -1.0
                return EPOCH
            budget -= 1
            self.now = first
            if which >= 0:
                self.enter(which)
                self.entered += 1
                self.draw_entry(which)
            elif self.pending <= self.pending_walk:
                self.pending = -1.0
                self.choose()
            else:
                self.pending_walk = -1.0
                self.choose_walker()

    run_on = run

    def choose_walker(self) -> None:
        """One candidate: a hop, an attachment, a step from outside."""
        x = self.uniform() * self.walk_total
        for k, w in enumerate(self.hopping):
            if x < w:
                self.candidate_hop(k)
                return
            x -= w
        for k, w in enumerate(self.sticking):
            if x < w:
                self.candidate_stick(k)
                return
            x -= w
        for k, w in enumerate(self.entering):
            if x < w:
                most = float(self.far[:, k].max()) * float(self.walk[:, k].max())
                if self.steady_walk or self.uniform() * most < self.at_now(*self.far[:, k]) * self.at_now(*self.walk[:, k]):
                    self.step_in(k)
                return
            x -= w

    def candidate_hop(self, k: int) -> None:
        """A walker steps to a point around, but not onto a taken site."""
        index, low = divmod(self.word() * len(self.near[k]), 2**64)
        w = self.near[k][index]
        if not self.steady_walk and self.uniform() * self.walk[:, k].max() >= self.at_now(*self.walk[:, k]):
            return
        self.moves += 1
        e, beside = self.grid[k], self.around_point(self.at[w])
        p = beside[low * 6 >> 64]
        if self.outside(p):
            self.stepped_out[k] += 1
            self.remove(w)
        elif self.blocked(e, p):
            self.blocked_moves += 1
            if self.enclosed(e, self.at[w]):
                self._move_to(w, self.stuck[k])
        else:
            self.standing[e, self.at[w]].remove(w)
            self.at[w] = p
            self.standing.setdefault((e, p), set()).add(w)
            self.look(w)

    def candidate_stick(self, k: int) -> None:
        """An atom attaches where it is, if it is alone there."""
        w = self.ready[k][self.word() * len(self.ready[k]) >> 64]
        most = float(self.stick[:, k].max())
        if not self.steady_walk and self.uniform() * most >= self.at_now(*self.stick[:, k]):
            self.idle += 1
        elif self.shared(k, self.at[w], w):
            self.idle += 1
        else:
            self.attach(w, self.site_of[k, self.at[w]])

    # -- matter -----------------------------------------------------------------------------

    def links(self) -> int:
        """Steps that lead from outside into the region."""
        a, b, c = (h - l for h, l in zip(self.high, self.low, strict=True))
        return 2 * (a * b + b * c + c * a)

    def _parts(self, *numbers: int) -> list[int]:
        """One of so many, several times, from one word."""
        word, found = self.word(), []
        for n in numbers:
            high, word = divmod(word * n, 2**64)
            found.append(high)
        return found

    def step_in(self, k: int) -> None:
        """A walker steps in from outside, by any of the links with the same chance."""
        wide = [h - l for h, l in zip(self.high, self.low, strict=True)]
        n = self._parts(self.links())[0]
        for i in range(3):
            a, b = (i + 1) % 3, (i + 2) % 3
            faces = wide[a] * wide[b]
            if n < 2 * faces:
                break
            n -= 2 * faces
        p = [0, 0, 0]
        p[i] = self.low[i] if n < faces else self.high[i] - 1
        p[a], p[b] = self.low[a] + n % faces // wide[b], self.low[b] + n % faces % wide[b]
        self.moves += 1
        if self.blocked(self.grid[k], (p[0], p[1], p[2])):
            self.blocked_moves += 1
            return
        self.stepped_in[k] += 1
        self.create(k, (p[0], p[1], p[2]))

    def any_of(self, k: int) -> int:
        """A walker of a kind, each with the same chance."""
        return (self.near[k] + self.stuck[k])[self._parts(self.amount[k])[0]]

    def react(self, r: int) -> None:
        """A walker of the kind that reacts is gone, and what it reacts to appears there."""
        k, change = self.reactions["reactant"][r][0], self.reactions["change"][r]
        w = self.any_of(k)
        p, e = self.at[w], self.grid[k]
        self.remove(w)
        for q in range(self.kinds):
            for _ in range(change[q] + (q == k)):
                self.create(q, self.place_near(p, self.spread[k], e, self.grid[q]))
        self.done[r] += 1
        self.dirty = True

    def place_near(self, p: Point, reach: int, e: int, f: int) -> Point:
        """An open point of grid f near one of grid e; the grids are shifted by half a spacing."""
        width = 2 * reach + 1 + (f != e)
        for _ in range(TRIES if width > 1 else 0):
            x, y, z = (a - reach - (f > e) + n for a, n in zip(p, self._parts(width, width, width), strict=True))
            q = self.wrap(x, y, z)
            if not self.outside(q) and not self.blocked(f, q):
                return q
        return p

    def put(self, number: list[int]) -> None:
        """Walkers that appear together, at any point that is not taken, nor has taken ones all around."""
        while True:
            n = self._parts(*(h - l for h, l in zip(self.high, self.low, strict=True)))
            p = (self.low[0] + n[0], self.low[1] + n[1], self.low[2] + n[2])
            if not any(m and (self.blocked(self.grid[k], p) or self.enclosed(self.grid[k], p)) for k, m in enumerate(number)):
                break
        for k, m in enumerate(number):
            for _ in range(m):
                self.create(k, p)

    def enter(self, i: int) -> None:
        self.put(self.expand[self.leave_syringe(i)])
        self.dirty = True

    def dissolve(self, change: Any) -> None:
        """Put walkers of each kind at open points, each anywhere; negative numbers take some away."""
        for k, n in enumerate(int(c) for c in change):
            for _ in range(n):
                self.put([int(q == k) for q in range(self.kinds)])
            for _ in range(-n):
                self.remove(self.any_of(k))
        self.dirty = self.changed = True

    def positions(self, time: float = 0.0, bit_generator: Any = None) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Kinds (walkers,) and grid points (walkers, 3)."""
        there = [w for w, row in enumerate(self.row_of) if row is not None]
        return (
            np.array([self.kind_of[w] for w in there], dtype=np.uint8),
            np.array([self.at[w] for w in there], dtype=np.int32).reshape(-1, 3),
        )


def _take_out(row: list[int], w: int) -> None:
    """Take a walker out of a list; the last one takes its place."""
    place = row.index(w)
    row[place] = row[-1]
    row.pop()
