"""The lattice kernel in plain Python: what ``ext/lattice_*.pxi`` do, to read and to hold the kernel to.

The same generator gives the same events, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.lattice.twin_sites import TwinSites

BLOCKS = 60
"""Of groups whose weights are summed together, at most; they have eight groups each, or a larger power of two."""

REACHED, EPOCH, BUDGET = 0, 1, 2


def _sum(terms: Iterable[float]) -> float:
    """The sum in order, without the compensation of Python's own."""
    total = 0.0
    for term in terms:
        total += term
    return total


class TwinKernel(TwinSites):
    """Kinetic Monte Carlo on a lattice; the methods are those of the compiled kernel."""

    def __init__(self, bit_generator: np.random.BitGenerator, *sites: Any) -> None:
        super().__init__(*sites)
        self._bits = bit_generator
        self._random = np.random.Generator(bit_generator)
        self.together = 8
        while self.groups > BLOCKS * self.together:
            self.together *= 2
        self.now, self.pending = 0.0, -1.0
        self.attached = self.detached = self.hopped = self.pairs_formed = self.pairs_broken = 0
        self.seed_pairs_broken = self.entered = self.idle = 0

    @property
    def events(self) -> int:
        """Events so far, candidates that came to nothing left out."""
        return self.attached + self.detached + self.hopped + self.pairs_formed + self.entered + int(sum(self.done))

    def word(self) -> int:
        """The next 64 bits."""
        return int(self._bits.random_raw())

    def uniform(self) -> float:
        """A number from 0 to below 1."""
        return (self.word() >> 11) * 2.0**-53

    def set_solution(
        self, elements: int, endless: bool, amount: Any, expand: Any, reactions: dict[str, Any], content: Any
    ) -> None:
        """What there is at the start."""
        self.elements, self.endless = elements, endless
        self.amount = [int(n) for n in amount]
        self.expand = np.asarray(expand).tolist()
        self.reactions = {k: np.asarray(v).tolist() for k, v in reactions.items()}
        self.done = np.zeros(len(self.reactions["power"]), dtype=np.int64)
        self.content = np.asarray(content).tolist()
        self.entry = [inf] * len(self.content)
        self.exposure = np.zeros(elements)

    def amounts(self) -> NDArray[np.int64]:
        """What is dissolved (elements, then the other species)."""
        return np.array(self.amount, dtype=np.int64)

    def contents(self) -> NDArray[np.int64]:
        """Molecules left in every syringe (syringes, species)."""
        return np.array(self.content, dtype=np.int64).reshape(len(self.content), len(self.expand))

    def dissolve(self, change: Any) -> None:
        """Add to what is dissolved."""
        self.amount = [a + int(n) for a, n in zip(self.amount, change, strict=True)]

    def empty_syringe(self, i: int) -> int:
        """All that a syringe holds goes into the solution; molecules."""
        held = self.content[i]
        self.dissolve(np.array(held) @ np.array(self.expand))
        self.content[i] = [0] * len(held)
        return sum(held)

    def set_window(
        self, start: float, end: float, volume: Any, rates: Any, hops: Any, pair: Any, reactions: Any, push: Any,
        left: Any, *, concentration: Any = None, second: Any = None,
    ) -> None:
        """Rates from ``start`` to ``end``, straight lines and their products; see the compiled kernel."""
        if concentration is None:
            concentration = np.ones((2, self.elements))
        if second is None:
            second = np.ones((2, 2, 16))
        self.start, self.end, self.volume = start, end, tuple(volume)
        self.now, self.pending = start, -1.0
        self.rates, self.hops, self.pair = np.array(rates), np.array(hops), tuple(pair)
        self.constants = np.array(reactions)
        self.rate = self.rates.max(axis=0)
        self.concentration, self.second = np.array(concentration), np.array(second)
        # lines that are nowhere negative: the product of their maxima bounds their product
        most = self.concentration.max(axis=0) if self.endless else np.full(self.elements, 1.0 / min(self.volume))
        self.rate[: self.elements] *= most
        self.pair_rate = float(max(self.pair) * most[0] * (most[-1] if self.endless else 1.0))
        power = np.array(self.reactions["power"])
        self.propensity = self.constants.max(axis=0) * np.maximum(self.volume[0] ** power, self.volume[1] ** power)
        lines = self.rates, self.hops, self.pair, self.constants, self.concentration, self.second
        self.steady = self.volume[0] == self.volume[1] and all(np.array_equal(a, b) for a, b in lines)
        self.push, self.left = push, left
        for i in range(len(self.content)):
            self.draw_entry(i)

    def draw_entry(self, i: int) -> None:
        """When the next molecule leaves a syringe: the n that are left leave at independent, uniform times."""
        n = sum(self.content[i])
        self.entry[i] = inf
        if n and self.push[i] > 0.0:
            empty = self.start + self.left[i] / self.push[i]
            self.entry[i] = empty - (empty - self.now) * self.uniform() ** (1.0 / n)

    def at_now(self, a: float, b: float) -> float:
        """A value between those at both ends of the window."""
        return a + (b - a) * (self.now - self.start) / (self.end - self.start)

    def dense(self, e: int) -> float:
        """Concentration of an element; beside a pool that of a single atom."""
        return self.at_now(*self.concentration[:, e]) if self.endless else 1.0 / self.at_now(*self.volume)

    def of_second(self, which: int, s: int) -> float:
        """Factor on the rates of pairs for an atom on a site that comes or leaves (0), or goes too (1)."""
        return self.at_now(*self.second[:, which, self.beyond(s)])

    # -- weights ----------------------------------------------------------------------------

    def weight(self, g: int) -> float:
        """Majorant of the rate of all sites of a group."""
        w: float = len(self.lists[g]) * float(self.rate[g])
        return w * self.amount[g] if g < self.elements and not self.endless else w

    def weigh(self) -> None:
        """Sums of the weights, in the order of the kernel."""
        self.block = [
            _sum(self.weight(g) for g in range(k, min(k + self.together, self.groups)))
            for k in range(0, self.groups, self.together)
        ]
        self.total = _sum(self.block)
        self.pair_weight = 0.0
        if self.pair_rate > 0.0:
            self.pair_weight = self.pair_rate * (self.size * len(self.around(0)) // 2)
            if not self.endless:
                n = float(self.amount[0])
                self.pair_weight *= n * self.amount[1] if self.elements > 1 else n * (n - 1.0)
            self.total += self.pair_weight
        self.weights = [float(self.propensity[r]) * self.powers(r) for r in range(len(self.done))]
        if self.weights:
            self.total += _sum(self.weights)

    def rate_now(self) -> float:
        """Rate of all candidates [1/s], without what the syringes give."""
        self.weigh()
        return self.total

    def powers(self, r: int) -> float:
        """Product of the powers of the counts in the rate law of a reaction."""
        value = 1.0
        for s, order, used in zip(*(self.reactions[k][r] for k in ("reactant", "order", "consumed")), strict=True):
            if s < 0:
                break
            n = float(self.amount[s])
            if n < used:
                return 0.0
            if order == floor(order) and order <= used:
                for j in range(int(order)):
                    value *= n - j
            else:
                value *= n**order
        return value

    # -- events -----------------------------------------------------------------------------

    def run(self, until: float, budget: int) -> int:
        """Go on to ``until`` [s], for as many candidates as ``budget`` at most."""
        while True:
            if budget <= 0:
                return BUDGET
            if self.pending < 0.0:
                self.weigh()
                self.pending = inf
                if self.total > 0.0:
                    self.pending = self.now + float(self._random.standard_exponential()) / self.total
            first, which = self.pending, -1
            for i, t in enumerate(self.entry):
                if t < first:
                    first, which = t, i
            if first > until and self.end > until:
                return REACHED
            self.exposure += np.array(self.amount[: self.elements]) * (min(first, self.end) - self.now)
            if first >= self.end:
                self.now, self.pending = self.end, -1.0
                return EPOCH
            budget -= 1
            self.now, self.pending = first, -1.0
            if which < 0:
                self.choose()
            else:
                self.enter(which)
                self.entered += 1
                self.draw_entry(which)

    def choose(self) -> None:
        """One candidate: what it is, and whether it happens."""
        x = self.uniform() * self.total
        chosen = -1
        for k, of_block in enumerate(self.block):
            if x < of_block:
                for g in range(k * self.together, min((k + 1) * self.together, self.groups)):
                    w = self.weight(g)
                    if w > 0.0:
                        chosen = g
                        if x < w:
                            break
                        x -= w
                self.candidate(chosen)
                return
            x -= of_block
        if self.pair_rate > 0.0:
            if x < self.pair_weight:
                self.candidate_pair()
                return
            x -= self.pair_weight
        for r, w in enumerate(self.weights):
            if w > 0.0:
                chosen = r
                if x < w:
                    break
                x -= w
        if chosen < 0 or (not self.steady and self.uniform() >= self.share(chosen)):
            self.idle += 1
            return
        self.react(chosen)

    def react(self, r: int) -> None:
        """A reaction happens."""
        self.dissolve(self.reactions["change"][r])
        self.done[r] += 1

    def share(self, r: int) -> float:
        """What the rate of a reaction now is of its majorant."""
        k = self.at_now(*self.constants[:, r])
        return float(k * self.at_now(*self.volume) ** self.reactions["power"][r] / self.propensity[r])

    def candidate(self, g: int) -> None:
        """Something happens at a site of a group, any with the same chance."""
        high, low = divmod(self.word() * len(self.lists[g]), 2**64)
        s = self.lists[g][high]
        if not self.steady:
            actual = self.at_now(*self.rates[:, g])
            if g < self.elements:
                actual *= self.dense(g)
            if self.uniform() * self.rate[g] >= actual:
                self.idle += 1
                return
        if g < self.elements:
            if not self.endless:
                self.amount[g] -= 1
            self.occupy(s, any(self.seed[t] for t in self.around(s)))
            self.attached += 1
            return
        if np.any(self.hops):
            x = (low >> 11) * 2.0**-53
            part = self.at_now(*self.hops[:, g]) / self.at_now(*self.rates[:, g])
            if x < part:
                self.hop(s, self.around(s, "hop")[int(x / part * len(self.around(s, "hop")))])
                return
        self.detach(s)

    def detach(self, s: int) -> None:
        """An atom goes into solution; none is left behind without a neighbour but in a pair, of which both go."""
        alone = [t for t in self.around(s) if self.taken[t] and self.first(t) == 1]
        if alone and self.first(s) > 1:
            self.idle += 1
            return
        if alone and self.follow_second:
            # the rate is that of the atom alone, but the energy of both is lost
            actual = self.of_second(0, s) * self.of_second(1, alone[0])
            if actual < 1.0 and self.uniform() >= actual:
                self.idle += 1
                return
        self.detached += 1
        self.pairs_broken += len(alone)
        self.seed_pairs_broken += len(alone) if self.seed[s] else 0
        for t in [s, *alone]:
            self.vacate(t)
            self.give_back(t)

    def give_back(self, s: int) -> None:
        """An atom that left site s is dissolved."""
        if not self.endless:
            self.amount[self.element(s)] += 1

    def hop(self, s: int, target: int) -> None:
        """An atom moves to an empty site of its kind that has a neighbour, unless it would leave one without any."""
        around = self.around(target)
        held = not self.taken[target] and any(self.taken[t] for t in around if t != s)
        lost = [t for t in self.around(s) if self.taken[t] and self.first(t) == 1 and t not in around]
        if not held or lost:
            self.idle += 1
            return
        seed = self.seed[s]
        self.vacate(s)
        self.occupy(target, seed and any(self.seed[t] for t in around))
        self.hopped += 1

    def candidate_pair(self) -> None:
        """Two dissolved atoms meet on two neighbouring sites, if both are free of neighbours."""
        s, low = divmod(self.word() * self.size, 2**64)
        t = self.around(s)[low * len(self.around(s)) >> 64]
        if self.taken[s] or self.taken[t] or self.first(s) or self.first(t):
            self.idle += 1
            return
        if self.beyond(s) or self.beyond(t) or not self.steady:
            actual = self.at_now(*self.pair) * self.dense(0) * self.of_second(0, s) * self.of_second(0, t)
            if self.endless:
                actual *= self.dense(self.elements - 1)
            if self.uniform() * self.pair_rate >= actual:
                self.idle += 1
                return
        for place in (s, t):
            if not self.endless:
                self.amount[self.element(place)] -= 1
            self.occupy(place, False)
        self.pairs_formed += 1

    def leave_syringe(self, i: int) -> int:
        """A molecule, any with the same chance, leaves a syringe; its species."""
        n = self.word() * sum(self.content[i]) >> 64
        kind = 0
        while n >= self.content[i][kind]:
            n -= self.content[i][kind]
            kind += 1
        self.content[i][kind] -= 1
        return kind

    def enter(self, i: int) -> None:
        """A molecule from a syringe is dissolved."""
        self.dissolve(self.expand[self.leave_syringe(i)])
