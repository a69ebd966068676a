"""Closed forms of focusing against direct integration of the growth laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from kmcgrowth.physics import focusing as fo
from kmcgrowth.physics import gibbs_thomson as gt
from kmcgrowth.physics import nucleation as nu

D, V, C, L = 1e-15, 55.59e-30, 6e20, 2e-9
R0 = 1.5e-9


def follow(rate, start: np.ndarray, seconds: float) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Radii after dr/dt = rate(r)."""
    scale = 1e-9
    solution = solve_ivp(
        lambda t, x: rate(x * scale) / scale, (0.0, seconds), start / scale, rtol=1e-11, atol=1e-13, method="DOP853"
    )
    return np.asarray(solution.y[:, -1] * scale)


def test_reiss() -> None:
    r = np.array([1.0e-9, 1.5e-9, 2.0e-9])
    excess, seconds = 50 * C, 30.0
    moved = follow(lambda x: D * V * excess / x, r, seconds)
    assert fo.reiss_radius(r, D, V, excess * seconds) == pytest.approx(moved, rel=1e-8, abs=0.0)
    assert np.diff(moved**2) == pytest.approx(np.diff(r**2), rel=1e-7, abs=0.0)
    assert fo.reiss_width(0.1e-9, 2e-9, 4e-9) == pytest.approx(0.05e-9, rel=1e-6, abs=0.0)


@pytest.mark.parametrize(("k", "exponent"), [(1.5, 1.0), (2.0, 0.0), (3.0, -0.5), (5.0, -0.75)])
def test_steady_feed_under_diffusion_control(k: float, exponent: float) -> None:
    assert fo.width_exponent(k) == pytest.approx(exponent, abs=1e-14)
    q = (k - 1) * 4 * np.pi * D * C * L
    assert fo.focusing_number(q, D, C, L) == pytest.approx(k, rel=1e-13, abs=0.0)
    start = R0 * (1 + 1e-5 * np.array([-1.0, 0.0, 1.0]))

    def rate(r: np.ndarray) -> np.ndarray:
        # the feed is taken up: sum of 4 pi D r (c - c_r) = 3 q
        c = C + (len(r) * q / (4 * np.pi * D) + len(r) * C * L) / r.sum()
        return D * V * (c - C * (1 + L / r)) / r

    seconds = 2.0 * R0**3 / (D * V * C * L * (k - 1))
    end = follow(rate, start, seconds)
    assert end[1] == pytest.approx(fo.fed_mean_radius(seconds, R0, k, D, V, C, L), rel=1e-8, abs=0.0)
    assert end[1] > 1.9 * R0
    width = fo.fed_width(start[2] - start[0], R0, end[1], k)
    assert end[2] - end[0] == pytest.approx(width, rel=1e-3, abs=0.0)


def test_steady_feed_under_reaction_control() -> None:
    k_s, q = 1e-6, 3.0
    b = fo.reaction_limit_length(q, k_s, C, L)
    start = R0 * (1 + 1e-5 * np.array([-1.0, 0.0, 1.0]))

    def rate(r: np.ndarray) -> np.ndarray:
        # sum of 4 pi r^2 k_s (c - c_r) = 3 q
        c = (len(r) * q / (4 * np.pi * k_s) + C * np.sum(r**2 + L * r)) / np.sum(r**2)
        return k_s * V * (c - C * (1 + L / r))

    end = follow(rate, start, 100.0)
    assert end[1] > 1.2 * R0
    expected = fo.reaction_limit_width(start[2] - start[0], R0, end[1], b)
    assert end[2] - end[0] == pytest.approx(expected, rel=1e-3, abs=0.0)
    assert end[2] - end[0] > start[2] - start[0]


def test_shot_noise_is_poisson_for_constant_rate() -> None:
    assert fo.shot_noise_variance(5200.0, 5000.0, 0.0) == pytest.approx(200.0, rel=1e-10)
    assert fo.shot_noise_variance(5000.0, 5000.0, 0.3, 22.0) == 0.0


@pytest.mark.parametrize("p", [0.0, 1 / 3, 0.5, 2 / 3, 1.0])
def test_shot_noise_from_waiting_times(p: float) -> None:
    # the time to pass n is a sum of independent exponentials of rate m^p: its variance times rate^2 is Var(n);
    # the sum differs from an integral by one part in n_0
    n0, n = 20_000, 60_000
    waiting = np.sum(np.arange(n0, n, dtype=float) ** (-2 * p)) * float(n) ** (2 * p)
    assert fo.shot_noise_variance(float(n), float(n0), p) == pytest.approx(waiting, rel=2e-4)
    assert fo.shot_noise_variance(float(n), float(n0), p, 22.0) == pytest.approx(22 * waiting, rel=2e-4)


def test_shot_noise_is_smooth_at_one_half() -> None:
    at = fo.shot_noise_variance(3000.0, 1000.0, 0.5)
    assert at == pytest.approx(3000 * np.log(3.0), rel=1e-12)
    assert fo.shot_noise_variance(3000.0, 1000.0, 0.5 + 1e-9) == pytest.approx(at, rel=1e-7)


def test_steady_supersaturation_takes_up_the_feed() -> None:
    q, r = 7.0, 2e-9
    s = fo.steady_supersaturation(q, r, D, C, L)
    assert 4 * np.pi * D * r * (s * C - gt.solubility(r, C, L)) == pytest.approx(q, rel=1e-12)


@pytest.mark.parametrize("relative", [False, True])
def test_minimum_feed_is_where_growth_stops_depending_on_size(relative: bool) -> None:
    r = 2e-9
    s = fo.steady_supersaturation(fo.minimum_feed(r, D, C, L, relative=relative), r, D, C, L)

    def speed(x: float) -> float:
        rate = (s - np.exp(L / x)) / x
        return float(rate / x if relative else rate)

    h = 1e-13
    slope = (speed(r + h) - speed(r - h)) / (2 * h)
    assert abs(slope) < 1e-6 * speed(r) / r


@pytest.mark.parametrize(
    ("gamma", "radius", "rate", "ratio"),
    # InAs, 300 degC, A = 1e35 /m^3/s
    [(0.10, 2e-9, 1e15, 1.8), (0.15, 2e-9, 1e15, 4.3), (0.20, 2e-9, 1e15, 11.7), (0.15, 1.25e-9, 1e18, 1.6)],
)
def test_window_of_inas(gamma: float, radius: float, rate: float, ratio: float) -> None:
    length = gt.capillary_length(gamma, V, 573.15)
    s = nu.supersaturation_for_rate(rate, 1e35, gamma, V, 573.15)
    assert fo.window_ratio(s, radius, length) == pytest.approx(ratio, abs=0.05)
    both = fo.maximum_feed(s, radius, D, C, length) / fo.minimum_feed(radius, D, C, length)
    assert fo.window_ratio(s, radius, length) == pytest.approx(both, rel=1e-12)


def test_no_window_below_saturation() -> None:
    assert fo.window_ratio(1.0, 1e-9, 2e-9) == 0.0
    assert fo.maximum_feed(1.0, 1e-9, D, C, L) == 0.0
