"""Walkers in protective cubes: where and when they leave them, and where they are, against the master equation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import diags, eye, kron
from scipy.sparse.linalg import expm_multiply, spsolve
from walks import Walks, ball

SEED_SITES = ball(Walks((14, 14, 14), "fcc").box, 1.5)
"""Of a small crystal in the middle."""


def chance(seen: Any, wanted: Any) -> float:
    """p-value of chi-square; cells that expect fewer than ten are put together."""
    seen, wanted = np.ravel(seen).astype(float), np.ravel(wanted)
    few = wanted < 10.0
    seen, wanted = np.append(seen[~few], seen[few].sum()), np.append(wanted[~few], wanted[few].sum())
    keep = wanted > 0.0
    return float(stats.chisquare(seen[keep], wanted[keep] * seen.sum() / wanted.sum()).pvalue)


@pytest.mark.parametrize(("cells", "m"), [(6, 2), (8, 3), (10, 4)])
def test_exit_time_and_place_of_a_cube(cells: int, m: int) -> None:
    # the master equation of the cube, until the walker reaches a face
    n = 2 * m - 1
    line = diags([np.ones(n - 1), -2.0 * np.ones(n), np.ones(n - 1)], [-1, 0, 1])
    one = eye(n)
    generator = kron(kron(line, one), one) + kron(kron(one, line), one) + kron(kron(one, one), line)
    start = np.zeros(n**3)
    start[n**3 // 2] = 1.0
    edges = np.linspace(0.0, 1.0, 9)[1:-1] * 0.6 * m**2
    # time spent at every point in each interval is A^-1 (p(end) - p(start)); the flux through the six faces is alike
    p = [start, *(expm_multiply(generator.tocsc() * t, start) for t in edges), np.zeros(n**3)]
    spent = spsolve(generator.tocsc(), np.diff(p, axis=0).T).T
    wanted = spent.reshape(-1, n, n, n)[:, -1]
    assert wanted.sum() == pytest.approx(1.0 / 6.0, abs=1e-12)

    box = Walks((cells,) * 3, amounts=[1], seed=3)
    number = 30_000
    seen = np.zeros((8, 6, n, n))
    look = np.random.SFC64(0)
    box.run(1e30, 0)
    now = 0.0
    at = box.kernel.positions(0.0, look)[1][0]
    for _ in range(number):
        box.run(1e30, 1)
        after = box.kernel.positions(box.kernel.now, look)[1][0]
        moved = (after - at + cells // 2) % cells - cells // 2
        axis = int(np.argmax(np.abs(moved)))
        a, b = (int(x) for i, x in enumerate(moved) if i != axis)
        seen[np.searchsorted(edges, box.kernel.now - now), 2 * axis + (moved[axis] > 0), a + m - 1, b + m - 1] += 1
        now, at = box.kernel.now, after
    # a right kernel fails once in 10^9 seeds
    assert chance(seen, np.broadcast_to(wanted[:, None], seen.shape) * number) > 1e-9


def ring(points: int, time: float) -> Any:
    """Where a free walker is on a ring, each step at a rate of one."""
    k = np.arange(points)
    return np.real(np.fft.ifft(np.exp(-2.0 * time * (1.0 - np.cos(2.0 * np.pi * k / points)))))


@pytest.mark.parametrize("cells", [(5, 6, 7), (10, 12, 9), (20, 20, 22)])
@pytest.mark.parametrize("walk", [1.0, (0.5, 2.5), (2.0, 0.0)])
def test_walkers_spread_as_free_ones(cells: tuple[int, int, int], walk: Any) -> None:
    """A molecule falls apart at the first moment; its atoms walk on a torus, in cubes, at a rate that changes."""
    number, end = 20_000, 8.0
    box = Walks(
        cells, amounts=[0, 1], kinds=1, reactions=[(1, [number, -1], 1e12, 1e12)], seed=7,
        walk=tuple(np.array([w, 0.0]) for w in walk) if isinstance(walk, tuple) else np.array([walk, 0.0]), window=end,
    )
    start = box.kernel.positions(0.0, np.random.SFC64(0))[1][0]
    a, b = walk if isinstance(walk, tuple) else (walk, walk)
    for time in (0.7, 3.0, 7.5):
        box.run(time)
        kind, point = box.kernel.positions(time, np.random.SFC64(1))
        assert np.all(kind == 0)
        steps = a * time + (b - a) * time**2 / (2.0 * end)
        p = [ring(n, steps) for n in cells]
        seen = np.zeros(cells)
        np.add.at(seen, tuple(((point - start) % cells).T), 1)
        assert chance(seen, number * np.einsum("i,j,k->ijk", *p)) > 1e-9
    assert box.kernel.verify() == ""
    assert box.kernel.tallies()["moves"] < 5e6


def test_positions_are_looked_at_without_a_trace() -> None:
    one, two = (Walks((12, 12, 12), "fcc", amounts=[300], occupied=[], seed=2) for _ in range(2))
    for time in np.linspace(0.5, 20.0, 40):
        one.run(float(time))
        one.kernel.positions(float(time), np.random.SFC64(5))
    two.run(20.0)
    for a, b in zip(*(w.kernel.positions(20.0, np.random.SFC64(5)) for w in (one, two)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.kernel.tallies()["moves"] == two.kernel.tallies()["moves"]


def test_depletion_is_that_of_hops() -> None:
    """Numbers attached and what is left around a crystal, with cubes and hop by hop."""
    runs, cells = 60, (14, 14, 14)
    shells = np.array([0.0, 8.0, 11.0, 13.0, 15.0, 30.0])
    found = {}
    for largest in (0, 128):
        rows = []
        for k in range(runs):
            box = Walks(cells, "fcc", amounts=[600], occupied=SEED_SITES, seed=100 * k + largest, largest=largest)
            row = []
            for time in (4.0, 40.0):
                box.run(time)
                row.append(box.kernel.attached)
            point = box.kernel.positions(40.0, np.random.SFC64(k))[1]
            d = np.linalg.norm((point - 14 + 14) % 28 - 14, axis=1)
            rows.append(row + list(np.histogram(d, shells)[0]))
            assert box.kernel.verify() == "" if k == 0 else True
        found[largest] = np.array(rows)
    error = np.sqrt((found[0].var(axis=0) + found[128].var(axis=0)) / runs + 1e-12)
    z = (found[0].mean(axis=0) - found[128].mean(axis=0)) / error
    # seven Gaussian numbers; p of 6.1 standard errors is 10^-9
    assert np.all(np.abs(z) < 6.1), z

