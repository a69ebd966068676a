"""Self-similar ripening: distributions, moments, sampling and rate laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from kmcgrowth.physics import coarsening as co


def test_lsw_moments() -> None:
    m = co.moments("lsw")
    assert m.mean == pytest.approx(1.0, abs=1e-8)
    assert m.relative_std == pytest.approx(0.21506, abs=5e-6)
    assert m.skewness == pytest.approx(-0.920, abs=5e-4)
    assert m.kurtosis == pytest.approx(3.675, abs=5e-4)
    assert m.mode == pytest.approx(1.1346, abs=5e-5)


def test_wagner_moments() -> None:
    m = co.moments("wagner")
    assert m.mean == pytest.approx(8 / 9, abs=1e-9)
    assert m.relative_std == pytest.approx(1 / np.sqrt(8), abs=1e-8)
    assert m.skewness == pytest.approx(-0.291, abs=5e-4)
    # h' = 0: 1/u + 5/(2-u) - 6/(2-u)^2 = 0 at u = 1
    assert m.mode == pytest.approx(1.0, abs=1e-5)


def test_lsw_density_as_printed() -> None:
    u = np.array([0.3, 0.9, 1.2, 1.4])
    printed = 4 / 9 * u**2 * (3 / (3 + u)) ** (7 / 3) * (3 / (3 - 2 * u)) ** (11 / 3) * np.exp(-2 * u / (3 - 2 * u))
    assert co.lsw_density(u) == pytest.approx(printed, rel=1e-12)
    assert np.all(co.lsw_density(np.array([-1.0, 0.0, 1.5, 2.0])) == 0.0)


def test_wagner_density_as_printed() -> None:
    u = np.array([0.3, 0.9, 1.5, 1.9])
    assert co.wagner_density(u) == pytest.approx(24 * u * (2 - u) ** -5.0 * np.exp(-3 * u / (2 - u)), rel=1e-12)
    assert np.all(co.wagner_density(np.array([-1.0, 0.0, 2.0, 3.0])) == 0.0)


@pytest.mark.parametrize(("law", "density"), [("lsw", co.lsw_density), ("wagner", co.wagner_density)])
def test_cumulative_is_the_integral(law: co.Law, density) -> None:  # type: ignore[no-untyped-def]
    for u in (0.2, 0.7, 1.1, 1.4):
        assert co.cumulative(u, law) == pytest.approx(quad(lambda x: float(density(x)), 0.0, u)[0], abs=1e-9)
    assert co.cumulative(np.array([-1.0, 0.0, 2.5]), law) == pytest.approx([0.0, 0.0, 1.0])


@pytest.mark.parametrize("law", ["lsw", "wagner"])
def test_quantile_inverts(law: co.Law) -> None:
    u = np.linspace(0.02, 0.9, 50) * (1.5 if law == "lsw" else 2.0)
    assert co.quantile(co.cumulative(u, law), law) == pytest.approx(u, abs=1e-6)
    q = np.array([0.0, 1e-12, 0.5, 1 - 2**-53])
    got = co.quantile(q, law)
    assert got[0] == 0.0 and np.all(np.diff(got) > 0) and got[-1] < (1.5 if law == "lsw" else 2.0)
    for bad in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="quantiles"):
            co.quantile(bad, law)


@pytest.mark.parametrize("law", ["lsw", "wagner"])
def test_sample(law: co.Law) -> None:
    n = 100_000
    u = co.sample(np.random.default_rng(1), n, law)
    m = co.moments(law)
    std = m.relative_std * m.mean
    # six standard errors each, p = 2e-9
    assert u.mean() == pytest.approx(m.mean, abs=6 * std / np.sqrt(n))
    assert u.var() == pytest.approx(std**2, abs=6 * std**2 * np.sqrt((m.kurtosis - 1) / n))
    assert np.all(u == co.sample(np.random.default_rng(1), n, law))


@pytest.mark.parametrize("u", [0.2, 0.6, 0.9, 1.2, 1.4])
@pytest.mark.parametrize("law", ["lsw", "wagner"])
def test_distribution_and_slope_satisfy_the_growth_law(law: co.Law, u: float) -> None:
    """Self-similar ripening in numbers: particles above u only change by growth through u,
    (1 - F) dlnN/dt = h(u) du/dt, with dr/dt from the growth law, N ~ 1/<r>^3 and <r> from the slope."""
    mean, k = 3.0, 0.7  # k = D v c_inf l_c, or k_s v c_inf l_c
    if law == "lsw":
        density, r_star = co.lsw_density, mean
        r = u * r_star
        speed = k * (1 / r_star - 1 / r) / r
        mean_speed = co.lsw_slope(k, 1.0, 1.0, 1.0) / (3 * mean**2)
    else:
        density, r_star = co.wagner_density, mean * 9 / 8
        r = u * r_star
        speed = k * (1 / r_star - 1 / r)
        mean_speed = co.wagner_slope(k, 1.0, 1.0, 1.0) / (2 * mean)
    du_dt = speed / r_star - u * mean_speed / mean
    above = 1.0 - quad(lambda x: float(density(x)), 0.0, u)[0]
    assert above * (-3 * mean_speed / mean) == pytest.approx(float(density(u)) * du_dt, rel=1e-8, abs=1e-10)


def test_rate_laws() -> None:
    assert co.lsw_slope(1e-15, 5e-29, 6e20, 2e-9) == pytest.approx(4 / 9 * 6e-32, rel=1e-12, abs=0.0)
    assert co.wagner_slope(1e-6, 5e-29, 6e20, 2e-9) == pytest.approx(32 / 81 * 6e-23, rel=1e-12, abs=0.0)
    assert co.lsw_mean_radius(np.array([0.0, 7.0]), 1.0, 1.0) == pytest.approx([1.0, 2.0])
    assert co.wagner_mean_radius(np.array([0.0, 3.0]), 1.0, 1.0) == pytest.approx([1.0, 2.0])
    assert co.surviving_share(2.0, 1.0) == 0.125
