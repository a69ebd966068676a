"""Capillarity and detailed balance."""

from __future__ import annotations

import numpy as np
import pytest

from kmcgrowth.physics import gibbs_thomson as gt
from kmcgrowth.physics.constants import K_B

V_INAS = 55.59e-30


@pytest.mark.parametrize(
    ("volume", "celsius", "expected"),
    # capillary length in nm at 0.10, 0.15, 0.20 J/m^2; 2 gamma v/(k_B T) by hand
    [
        (55.59e-30, 180.0, (1.78, 2.67, 3.55)),
        (55.59e-30, 300.0, (1.41, 2.11, 2.81)),
        (117.6e-30, 180.0, (3.76, 5.64, 7.52)),
    ],
)
def test_capillary_length(volume: float, celsius: float, expected: tuple[float, ...]) -> None:
    got = gt.capillary_length(np.array([0.10, 0.15, 0.20]), volume, celsius + 273.15)
    assert got * 1e9 == pytest.approx(expected, abs=0.006)


def test_solubility_forms() -> None:
    assert gt.solubility(2e-9, 3.0, 4e-9) == pytest.approx(3.0 * np.exp(2.0), rel=1e-14)
    assert gt.solubility(2e-9, 3.0, 4e-9, linear=True) == pytest.approx(9.0, rel=1e-14)
    assert np.isfinite(gt.solubility(1e-15, 1.0, 1e-9))


def test_free_energy_of_a_sphere() -> None:
    # 4 pi gamma r^2 of one unit, r_1 = (3 v/4 pi)^(1/3) = 0.23674 nm: 0.15 J/m^2 -> 0.10564 aJ
    assert gt.sphere_free_energy(1.0, V_INAS, 0.15) == pytest.approx(1.0564e-19, rel=1e-3)
    n = np.arange(1.0, 50.0)
    steps = gt.excess_step(n, V_INAS, 0.15)
    assert np.sum(steps) == pytest.approx(gt.sphere_free_energy(49.0, V_INAS, 0.15), rel=1e-12)


def test_step_tends_to_gibbs_thomson() -> None:
    n, t = 1e6, 573.15
    r = (3 * n * V_INAS / (4 * np.pi)) ** (1 / 3)
    exact = gt.excess_step(n, V_INAS, 0.15) / (K_B * t)
    assert exact == pytest.approx(gt.capillary_length(0.15, V_INAS, t) / r, rel=1e-6)


def chain_equilibrium(attach: np.ndarray, detach: np.ndarray, concentration: float) -> np.ndarray:
    """Stationary numbers of a closed chain 1..n from the null space of its rate matrix, largest one 1."""
    m = len(attach) - 1
    matrix = np.zeros((m, m))
    for i in range(m - 1):
        up, down = attach[i + 1] * concentration, detach[i + 2]
        matrix[i, i] -= up
        matrix[i + 1, i] += up
        matrix[i + 1, i + 1] -= down
        matrix[i, i + 1] += down
    vector = np.linalg.svd(matrix)[2][-1]
    return vector / vector[np.argmax(np.abs(vector))]


def test_detachment_gives_the_boltzmann_distribution() -> None:
    rng = np.random.default_rng(3)
    t, c_inf, c, m = 450.0, 2e20, 5e20, 9
    attach = np.concatenate([[0.0], rng.uniform(1e-23, 5e-23, m)])
    free = rng.uniform(0.0, 2e-20, m + 1)
    detach = gt.detachment(attach, c_inf, free, t)
    n = np.arange(1, m + 1)
    expected = (c / c_inf) ** n * np.exp(-free[1:] / (K_B * t))
    assert chain_equilibrium(attach, detach, c) == pytest.approx(expected / expected.max(), rel=1e-9)
    assert detach[0] == detach[1] == 0.0


def test_linear_detachment_and_clipping() -> None:
    attach = np.full(5, 1e-23)
    free = K_B * 300.0 * np.array([0.0, 1.0, 1.5, -2.0, 1e6])
    linear = gt.detachment(attach, 1e23, free, 300.0, linear=True)
    assert linear == pytest.approx([0.0, 0.0, 1.5, 0.0, 1e6 + 3.0])
    exponential = gt.detachment(attach, 1e23, free, 300.0)
    assert exponential[:4] == pytest.approx([0.0, 0.0, np.exp(0.5), np.exp(-3.5)])
    assert np.isfinite(exponential[4]) and exponential[4] > 1e250
    assert np.all(np.isfinite(gt.detachment(attach * 1e30, 1e25, free, 300.0)))


def test_detachment_refuses_unequal_tables() -> None:
    with pytest.raises(ValueError, match="4 entries, but attachment has 5"):
        gt.detachment(np.ones(5), 1.0, np.ones(4), 300.0)


def test_continued_free_energy() -> None:
    given = np.array([0.0, 1.0, 3.0, 2.0, 4.0]) * 1e-20
    assert gt.continued_free_energy(given, 3, V_INAS, 0.1) == pytest.approx(given[:4])
    longer = gt.continued_free_energy(given, 8, V_INAS, 0.1)
    assert longer[:5] == pytest.approx(given)
    assert np.diff(longer)[4:] == pytest.approx(gt.excess_step(np.arange(5.0, 9.0), V_INAS, 0.1), rel=1e-9)
