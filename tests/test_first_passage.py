"""First passage on a line: sums of modes and images against the master equation; the compiled tables against both."""

from __future__ import annotations

from math import lgamma

import numpy as np
import pytest
from kmcgrowth.lattice._walk import Laws
from scipy import stats
from scipy.linalg import expm

from kmcgrowth.lattice.walk_tables import LEAST, MOST, SIZES, cube_laws
from kmcgrowth.physics import first_passage as law

LAWS = Laws(cube_laws())


def chances(m: int, time: float) -> np.ndarray:
    """Chance of every point between the ends, by the master equation."""
    n = 2 * m - 1
    return np.asarray(expm(time * (-2.0 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)))[m - 1])


@pytest.mark.parametrize("m", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("time", [0.05, 0.7, 4.0, 30.0])
def test_the_law_is_the_master_equation(m: int, time: float) -> None:
    p, t = chances(m, time), np.array(time)
    np.testing.assert_allclose(law.survival(m, t), p.sum(), atol=1e-14)
    np.testing.assert_allclose(law.inside(m, t), p[m - 1 :], atol=1e-14)
    np.testing.assert_allclose(law.no_passage(m, t), p[m - 1 :] / p.sum(), atol=1e-13)
    np.testing.assert_allclose(law.hazard(m, t), -np.log(p.sum()), rtol=1e-9, atol=1e-14)
    if p[0] > 1e-14:
        np.testing.assert_allclose(law.exit_density(m, t), p[0] + p[-1], rtol=1e-10 if p[0] > 1e-9 else 1e-5)


@pytest.mark.parametrize("m", [2, 5, 16])
def test_rare_early_exits_are_those_of_a_free_walk(m: int) -> None:
    # Skellam(t, t): the difference of two Poisson numbers; P(reach m) = P(x >= m) + P(x > m)
    t = np.array([0.005, 0.01, 0.02]) * m**2
    free = stats.skellam(t, t)
    wanted = 2.0 * (free.pmf(m) + 2.0 * sum(free.pmf(m + j) for j in range(1, 60)))
    np.testing.assert_allclose(law.exit_chance(m, t), wanted, rtol=1e-6)
    # and at the very start m steps in a row, each at a rate of one: 2 t^m/m!
    early = np.array(1e-4)
    np.testing.assert_allclose(law.exit_chance(m, early), 2.0 * np.exp(m * np.log(1e-4) - lgamma(m + 1)), rtol=1e-3)


@pytest.mark.parametrize("m", SIZES)
def test_compiled_exit_times(m: int) -> None:
    wanted = np.geomspace(2.0**LEAST * 1.01, 3.0 * 2.0**MOST, 4001)
    found = law.hazard(m, LAWS.times_of(m, wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    np.testing.assert_allclose(np.exp(-found), np.exp(-wanted), atol=1e-10)
    # what lies below the table has a chance of 3 in 10^10
    assert 0.0 < LAWS.times_of(m, [2.0**LEAST / 8.0])[0] < LAWS.times_of(m, [2.0**LEAST])[0]


@pytest.mark.parametrize("m", SIZES)
def test_certain_chances_are_below_all_and_bounds_above(m: int) -> None:
    tables = cube_laws()
    i = SIZES.index(m)
    number = int(tables.intervals[i])
    first = sum(int(n) * s for n, s in zip(tables.intervals[:i], SIZES[:i], strict=True))
    bounds = tables.bounds[first : first + number * m].reshape(number, m, 2)
    nodes = np.ldexp(1.0 + np.arange(number + 1) % 8 / 8.0, np.arange(number + 1) // 8)
    for k in range(number):
        end = nodes[k + 1] if k < number - 1 else 50.0 * nodes[k]
        p = law.no_passage(m, np.linspace(nodes[k], end, 50))
        assert np.all(p >= bounds[k, :, 0] - 1e-15)
        assert np.all(p <= bounds[k].sum(axis=1) + 1e-15)


@pytest.mark.parametrize("m", [2, 3, 8, 24])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.4, 2.0])
def test_compiled_places(m: int, share: float) -> None:
    time = share * m**2 if share else 0.6
    drawn = LAWS.draw_inside(np.random.SFC64(m), m, time, 300_000)
    p = law.no_passage(m, np.array(time))
    p = np.concatenate([p[:0:-1], p])
    seen = np.bincount(drawn + m - 1, minlength=2 * m - 1)
    likely = p * drawn.size > 5.0
    wanted = np.append(p[likely], max(p[~likely].sum(), 1e-12)) * drawn.size
    # a right kernel fails once in 10^9 seeds
    seen = np.append(seen[likely], seen[~likely].sum())
    assert stats.chisquare(seen, wanted / wanted.sum() * drawn.size).pvalue > 1e-9


@pytest.mark.parametrize("m", [2, 6])
def test_compiled_exits_are_exponential_in_the_hazard(m: int) -> None:
    drawn = LAWS.draw_exits(np.random.SFC64(5), m, 100_000)
    assert stats.kstest(law.survival(m, drawn), "uniform").pvalue > 1e-9
