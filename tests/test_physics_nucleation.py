"""Classical nucleation: table values, closed forms, and the exact chain of monomer steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

from kmcgrowth.physics import nucleation as nu
from kmcgrowth.physics.constants import K_B
from kmcgrowth.physics.growth import rate_tables

V, T = 55.59e-30, 573.0


@pytest.mark.parametrize(
    ("gamma", "b", "s", "r_nm"),
    # InAs at 573 K with A = 1e35 /m^3/s: B, S for J = 1e12, 1e15, 1e18 /m^3/s, and r* at the first and last
    [
        (0.10, 104.5, (4.1, 4.5, 5.1), (1.00, 0.86)),
        (0.15, 352.7, (13.0, 16.0, 20.0), (0.82, 0.70)),
        (0.20, 835.9, (53.0, 71.0, 102.0), (0.71, 0.61)),
    ],
)
def test_table_of_inas(gamma: float, b: float, s: tuple[float, ...], r_nm: tuple[float, ...]) -> None:
    # printed to two or three figures
    assert nu.barrier_parameter(gamma, V, 573.15) == pytest.approx(b, abs=0.06)
    rates = np.array([1e12, 1e15, 1e18])
    critical = nu.supersaturation_for_rate(rates, 1e35, gamma, V, 573.15)
    assert critical == pytest.approx(s, rel=0.02)
    assert nu.critical_radius(critical[[0, 2]], gamma, V, 573.15) * 1e9 == pytest.approx(r_nm, abs=0.006)
    assert nu.classical_rate(critical, 1e35, gamma, V, 573.15) == pytest.approx(rates, rel=1e-9)


def free_energy(r: float, s: float, gamma: float) -> float:
    """Free energy of formation of a sphere [J], written out."""
    return 4 * np.pi * r**2 * gamma - 4 / 3 * np.pi * r**3 / V * K_B * T * np.log(s)


def test_barrier_is_the_top_of_the_free_energy() -> None:
    s, gamma = 16.0, 0.15
    r = np.linspace(0.3e-9, 1.5e-9, 200001)
    g = free_energy(r, s, gamma)
    top = np.argmax(g)
    assert nu.critical_radius(s, gamma, V, T) == pytest.approx(r[top], rel=1e-4)
    assert nu.barrier(s, gamma, V, T) == pytest.approx(g[top], rel=1e-8)
    assert nu.barrier(s, gamma, V, T) == pytest.approx(
        K_B * T * nu.barrier_parameter(gamma, V, T) / np.log(s) ** 2, rel=1e-12
    )
    assert nu.critical_size(s, gamma, V, T) == pytest.approx(4 / 3 * np.pi * r[top] ** 3 / V, rel=3e-4)


def test_zeldovich_factor_is_the_curvature_at_the_top() -> None:
    s, gamma = 16.0, 0.15
    n, h = float(nu.critical_size(s, gamma, V, T)), 0.01
    f = [free_energy((3 * m * V / 4 / np.pi) ** (1 / 3), s, gamma) / (K_B * T) for m in (n - h, n, n + h)]
    curvature = (f[0] - 2 * f[1] + f[2]) / h**2
    assert nu.zeldovich_factor(s, gamma, V, T) == pytest.approx(np.sqrt(-curvature / (2 * np.pi)), rel=1e-4)


def test_nothing_nucleates_without_supersaturation() -> None:
    s = np.array([0.0, 0.5, 1.0])
    assert np.all(nu.classical_rate(s, 1e31, 0.15, V, T) == 0.0)
    assert nu.classical_rate(1.0, 1e31, 0.15, V, T) == 0.0
    assert np.all(np.isinf(nu.critical_radius(s, 0.15, V, T)))
    assert np.all(np.isinf(nu.critical_size(s, 0.15, V, T)))
    assert np.all(np.isinf(nu.barrier(s, 0.15, V, T)))
    assert np.all(nu.zeldovich_factor(s, 0.15, V, T) == 0.0)
    assert nu.classical_rate(3.0, 1e31, 0.0, V, T) == 1e31  # no surface, no barrier
    assert nu.classical_rate(1.0, 1e31, 0.0, V, T) == 0.0


def test_power_law() -> None:
    assert nu.power_rate(np.array([-1.0, 0.0, 2.0]), 3.0, 4.0) == pytest.approx([0.0, 0.0, 48.0])
    assert nu.supersaturation_for_power_rate(48.0, 3.0, 4.0) == pytest.approx(2.0)


def test_no_supersaturation_reaches_the_prefactor() -> None:
    assert nu.supersaturation_for_rate(1e31, 1e31, 0.15, V, T) == np.inf
    assert nu.supersaturation_for_rate(1e32, 1e31, 0.15, V, T) == np.inf


def test_newborn_stands_one_kt_below_the_top() -> None:
    s, gamma = 16.0, 0.15
    r_star, r = (float(f(s, gamma, V, T)) for f in (nu.critical_radius, nu.newborn_radius))
    # the cubic of a sphere gives the drop k_B T (1 + 2 delta/(3 r*)) exactly
    drop = free_energy(r_star, s, gamma) - free_energy(r, s, gamma)
    assert drop == pytest.approx(K_B * T * (1 + 2 * (r - r_star) / (3 * r_star)), rel=1e-9)
    assert nu.newborn_size(s, gamma, V, T) == pytest.approx(4 / 3 * np.pi * r**3 / V, rel=1e-12)
    assert nu.newborn_size(1e30, gamma, V, T) >= 2.0


def test_newborn_survival() -> None:
    assert pytest.approx((1 + erf(1.0)) / 2, abs=0.002) == nu.NEWBORN_SURVIVAL
    assert nu.insertion_rate(92.0) == pytest.approx(100.0)
    # splitting probability over the true barrier with k_a ~ r: dn/k_a ~ r dr
    s, gamma = 13.0, 0.15
    r_star, r = (float(f(s, gamma, V, T)) for f in (nu.critical_radius, nu.newborn_radius))
    top = free_energy(r_star, s, gamma)

    def weight(x: float) -> float:
        return x * float(np.exp((free_energy(x, s, gamma) - top) / (K_B * T))) / r_star

    below = quad(weight, 0.2 * r_star, r)[0]
    assert below / (below + quad(weight, r, 2 * r_star)[0]) == pytest.approx(nu.NEWBORN_SURVIVAL, abs=0.02)


def test_encounter_cap() -> None:
    # 8 pi D r_1 c^2 with r_1 = 0.236736 nm
    assert nu.encounter_cap(2e20, 1e-15, V) == pytest.approx(8 * np.pi * 1e-15 * 0.23674e-9 * 4e40, rel=1e-4)


@pytest.mark.parametrize("s", [13.0, 20.0, 30.0])
def test_chain_of_monomer_steps_nucleates_at_the_self_consistent_rate(s: float) -> None:
    """Becker and Doering's exact steady flux of the tables, 1/J = sum 1/(k_a c N_n), against the closed form."""
    gamma, d, c_inf = 0.15, 1e-15, 6.022e20
    c = s * c_inf
    attach, detach = rate_tables(
        T, 1000, unit_volume=V, diffusion=d, surface_rate=np.inf, solubility=c_inf, surface_energy=gamma
    )
    log_n = np.log(c) + np.concatenate([[0.0], np.cumsum(np.log(attach[1:-1] * c / detach[2:]))])
    flux = 1.0 / np.sum(np.exp(-log_n) / (attach[1:] * c))
    prefactor = nu.zeldovich_factor(s, gamma, V, T) * 4 * np.pi * d * nu.critical_radius(s, gamma, V, T) * c**2
    classical = nu.classical_rate(s, prefactor, gamma, V, T)
    # saddle point with n* of 18 to 42: corrections of order 1/n* and more
    assert flux / classical == pytest.approx(nu.self_consistency_factor(s, gamma, V, T), rel=0.25)


def test_sugimoto_balance() -> None:
    # 1e12 units/s onto nuclei that take 4 units/s each feed 2.5e11 of them
    assert nu.particles_from_supply(1e12, V, 4.0 * V) == pytest.approx(2.5e11)
