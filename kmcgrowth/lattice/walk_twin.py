"""The kernel with walkers in plain Python: what ``ext/walk_*.pxi`` do, hop by hop, to read and to hold the kernel to.

Walkers hop from point to point of cubic grids, each to any of the six points around at its rate; they do not see one
another. The compiled kernel moves those far from crystals by protective cubes, which changes no probability. Without
cubes (``largest=0``) the same generator gives the same events as here, one by one.

What is exact: with attachment at a finite rate all moves have their reverse, and every walker, of whatever kind, on any
grid point whose site is empty has the same weight, so that the solution is ideal. For that an atom attaches, or hops on
the surface, only to a site on whose point no (other) walker of its grid stands: none is ever left on a taken site. (A
place thus fills at the attach rate times the concentration, but for the chance of two walkers on one point.) With
attachment at once, which has no reverse, others on the point stay and hop away. A walker with six taken points around
it rests until one of them is empty, and is not counted as exposed.

Outside of the walkers' region there is a reservoir, in which no crystal grows: no walker attaches there, and no atom
hops to a site there.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.lattice.twin import BUDGET, EPOCH, REACHED
from kmcgrowth.lattice.twin_walkers import Point, TwinWalkers

TRIES, MOST_TRIES = 100, 10_000
"""Draws of an open point near a molecule that falls apart."""


class TwinWalkKernel(TwinWalkers):
    """Kinetic Monte Carlo on a lattice in a solution of explicit walkers; methods are those of the compiled kernel."""

    # -- events -----------------------------------------------------------------------------

    def weigh_walkers(self) -> None:
        """Rates of all hops, of attachment, and of steps from outside."""
        pace, stick, far = self.walk.max(axis=0), self.stick.max(axis=0), self.far.max(axis=0)
        self.hopping = [6.0 * len(self.near[k]) * float(pace[k]) for k in range(self.kinds)]
        self.sticking = [len(self.ready[k]) * float(stick[k]) for k in range(self.elements)]
        links = self.links() if self.opened else 0
        self.entering = [links * float(far[k]) * float(pace[k]) for k in range(self.kinds)]
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
            free = np.array([self.amount[e] - len(self.stuck[e]) for e in range(self.elements)])
            self.exposure += free * (min(first, self.end) - self.now)
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
                actual = self.at_now(*self.far[:, k]) * self.at_now(*self.walk[:, k])
                if self.steady_walk or self.uniform() * most < actual:
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

    def wide(self) -> list[int]:
        """Grid points along the edges of the region."""
        return [b - a for a, b in zip(self.low, self.high, strict=True)]

    def links(self) -> int:
        """Steps that lead from outside into the region."""
        a, b, c = self.wide()
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
        wide = self.wide()
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
        """An open point of grid f near one of grid e, farther away where crystals leave none; the grids are shifted by
        half a spacing."""
        for far in (reach, 2 * reach, 4 * reach):
            width = 2 * far + 1 + (f != e)
            for _ in range(TRIES if width > 1 else 0):
                x, y, z = (a - far - (f > e) + n for a, n in zip(p, self._parts(width, width, width), strict=True))
                q = self.wrap(x, y, z)
                if not self.outside(q) and not self.blocked(f, q) and not self.enclosed(f, q):
                    return q
        return p

    def put(self, number: list[int]) -> None:
        """Walkers that appear together, at any point that is not taken, nor has taken ones all around."""
        for _ in range(MOST_TRIES):
            n = self._parts(*self.wide())
            p = (self.low[0] + n[0], self.low[1] + n[1], self.low[2] + n[2])
            grids = [self.grid[k] for k, m in enumerate(number) if m]
            if not any(self.blocked(e, p) or self.enclosed(e, p) for e in grids):
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
