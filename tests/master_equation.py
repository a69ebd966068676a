"""Exact master equations of small reactors, by enumeration of all states: what stochastic engines are held to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import expm_multiply

Array = NDArray[np.float64]
State = Any
Moves = Callable[[State], Iterable[tuple[float, State]]]


@dataclass(frozen=True)
class MasterEquation:
    """dp/dt = generator p over the states that can be reached from the first one.

    Attributes
    ----------
    states : list of k states; the first is where the system starts
    generator : (k, k) sparse, ``generator[j, i]`` = rate of i -> j [1/s]
    """

    states: list[State]
    generator: Any

    def at(self, time: float) -> Array:
        """Probability of every state a time [s] after the start, (k,)."""
        start = np.zeros(len(self.states))
        start[0] = 1.0
        return np.asarray(expm_multiply(self.generator * time, start)) if time > 0.0 else start

    def marginal(self, time: float, what: Callable[[State], Hashable]) -> dict[Hashable, float]:
        """Probability of every value of ``what(state)`` at ``time``."""
        found: dict[Hashable, float] = {}
        for state, p in zip(self.states, self.at(time), strict=True):
            found[what(state)] = found.get(what(state), 0.0) + float(p)
        return found


def enumerate_states(start: State, moves: Moves) -> MasterEquation:
    """Find all states that ``moves(state)``, pairs of rate [1/s] and next state, reach from ``start``."""
    index, states, entries = {start: 0}, [start], []
    for i, state in enumerate(states):
        for rate, following in moves(state):
            if rate <= 0.0:
                continue
            if following not in index:
                index[following] = len(states)
                states.append(following)
            entries += [(index[following], i, rate), (i, i, -rate)]
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return MasterEquation(states, csr_matrix((values, (rows, columns)), shape=(len(states), len(states))))


def closed_box(sizes: tuple[int, ...], free: int, volume: float, attach: Array, detach: Array) -> MasterEquation:
    """Particles that exchange monomers in a closed box; a particle of two that loses one is gone.

    Parameters
    ----------
    sizes : formula units of the particles at the start
    free : monomers at the start
    volume : [m^3]
    attach, detach : tables by formula units [m^3/s], [1/s]

    Returns
    -------
    MasterEquation
        Its states are sorted tuples of the sizes of the particles that are left.
    """
    total = free + sum(sizes)

    def moves(state: tuple[int, ...]) -> Iterable[tuple[float, tuple[int, ...]]]:
        monomers = total - sum(state)
        for i, n in enumerate(state):
            rest = state[:i] + state[i + 1:]
            yield float(attach[n]) * monomers / volume, tuple(sorted((*rest, n + 1)))
            yield float(detach[n]), tuple(sorted((*rest, n - 1))) if n > 2 else rest

    return enumerate_states(tuple(sorted(sizes)), moves)


def explicit_nucleation(free: int, volume: float, attach: Array, detach: Array) -> MasterEquation:
    """As ``closed_box`` from monomers alone, and two of them make a particle at attach[1] M (M - 1)/V."""
    def moves(state: tuple[int, ...]) -> Iterable[tuple[float, tuple[int, ...]]]:
        monomers = free - sum(state)
        yield float(attach[1]) * monomers * (monomers - 1) / volume, tuple(sorted((*state, 2)))
        for i, n in enumerate(state):
            rest = state[:i] + state[i + 1:]
            yield float(attach[n]) * monomers / volume, tuple(sorted((*rest, n + 1)))
            yield float(detach[n]), tuple(sorted((*rest, n - 1))) if n > 2 else rest

    return enumerate_states((), moves)


def canonical_distribution(total: int, volume: float, attach: Array, detach: Array) -> Array:
    """P(n) of one particle that never dissolves in a closed box of ``total`` units, in equilibrium (V7).

    Detailed balance attach[n] m/V P(n) = detach[n + 1] P(n + 1) with m = total - n free monomers, so
    P(n) ~ (total - 2)!/(total - n)! V^-(n - 2) prod_{k=2}^{n-1} attach[k]/detach[k + 1].

    Returns
    -------
    (total + 1,) array, zero below n = 2
    """
    log_p = np.full(total + 1, -np.inf)
    log_p[2] = 0.0
    for n in range(2, total):
        log_p[n + 1] = log_p[n] + np.log(attach[n] * (total - n) / (volume * detach[n + 1]))
    p = np.exp(log_p - log_p.max())
    return p / p.sum()


def conversion_and_growth(
    molecules: int, size: int, volume: float, convert: float, release: float, units: int, attach: Array,
) -> MasterEquation:
    """A -> B -> ``units`` monomers, both of first order, and one particle that takes monomers for good.

    Parameters
    ----------
    molecules : of A at the start
    size : formula units of the particle at the start
    volume : [m^3]
    convert, release : rate constants [1/s]
    units : monomers per B
    attach : table by formula units [m^3/s]

    Returns
    -------
    MasterEquation
        Its states are (A, B, formula units of the particle).
    """
    def moves(state: tuple[int, int, int]) -> Iterable[tuple[float, tuple[int, int, int]]]:
        a, b, n = state
        monomers = units * (molecules - a - b) - (n - size)
        yield convert * a, (a - 1, b + 1, n)
        yield release * b, (a, b - 1, n)
        yield float(attach[n]) * monomers / volume, (a, b, n + 1)

    return enumerate_states((molecules, 0, size), moves)


def pairing(molecules: int, constant: float) -> MasterEquation:
    """2 A -> B at ``constant`` A (A - 1) [1/s]; the states are the number of A."""
    return enumerate_states(molecules, lambda a: [(constant * a * (a - 1), a - 2)])
