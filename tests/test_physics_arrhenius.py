"""Arrhenius law and the line through an Arrhenius plot."""

from __future__ import annotations

import numpy as np
import pytest

from kmcgrowth.physics import arrhenius
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B, N_A, R


def test_constants_are_the_si_ones() -> None:
    # BIPM, SI brochure, 9th edition; R is printed there as 8.314 462 618 153 24
    assert pytest.approx(8.31446261815324, rel=1e-15) == R
    assert K_B * N_A / ELEMENTARY_CHARGE == pytest.approx(8.31446261815324 / 1.602176634e-19, rel=1e-15)


def test_extrapolated_cluster_conversion() -> None:
    # 8.3e-3 /min at 70 degC with 1.11 eV: ln ratio = 1.11/8.617333262e-5 (1/343.15 - 1/423.15) by hand
    got = arrhenius.rate(423.15, 8.3e-3 / 60.0, 343.15, 1.11 * ELEMENTARY_CHARGE)
    assert got == pytest.approx(0.1668, rel=2e-3)


def test_reference_and_limits() -> None:
    assert arrhenius.rate(500.0, 3.0, 500.0, 1e-19) == 3.0
    assert arrhenius.rate(321.0, 3.0, 500.0, 0.0) == 3.0
    assert arrhenius.rate(300.0, np.inf, 500.0, 1e-19) == np.inf
    assert np.isfinite(arrhenius.rate(1e-3, 1.0, 500.0, np.array([1e-19, -1e-19]))).all()


def test_arrays_broadcast() -> None:
    t = np.array([300.0, 400.0])
    got = arrhenius.rate(t, 2.0, 350.0, 5e-20)
    for i in range(2):
        assert got[i] == arrhenius.rate(t[i], 2.0, 350.0, 5e-20)


def test_fit_gives_back_exact_data() -> None:
    t = np.array([343.15, 353.15, 363.15, 373.15])
    k = 1.38e-4 * np.exp(-1.11 * ELEMENTARY_CHARGE / K_B * (1 / t - 1 / 343.15))
    fitted = arrhenius.fit(t, k, reference=343.15)
    assert fitted.value == pytest.approx(1.38e-4, rel=1e-10)
    assert fitted.activation_energy == pytest.approx(1.11 * ELEMENTARY_CHARGE, rel=1e-10)
    assert fitted.activation_energy_error < 1e-10 * fitted.activation_energy
    assert arrhenius.rate(373.15, *fitted[:3]) == pytest.approx(k[-1], rel=1e-10)


def test_fit_agrees_with_polyfit_and_its_covariance() -> None:
    rng = np.random.default_rng(5)
    t = np.linspace(400.0, 600.0, 9)
    k = 1e-3 * np.exp(-6000.0 * (1 / t - 1 / 500.0) + 0.05 * rng.standard_normal(9))
    w = rng.uniform(0.5, 2.0, 9)
    line, cov = np.polyfit(1 / t, np.log(k), 1, w=np.sqrt(w), cov=True)
    fitted = arrhenius.fit(t, k, reference=500.0, weights=w)
    assert fitted.activation_energy == pytest.approx(-line[0] * K_B, rel=1e-9)
    assert fitted.activation_energy_error == pytest.approx(K_B * np.sqrt(cov[0, 0]), rel=1e-6)
    assert fitted.value == pytest.approx(np.exp(np.polyval(line, 1 / 500.0)), rel=1e-9)


def test_fit_of_two_points_has_no_error_estimate() -> None:
    fitted = arrhenius.fit(np.array([300.0, 400.0]), np.array([1.0, 2.0]))
    assert fitted.activation_energy == pytest.approx(K_B * np.log(2.0) / (1 / 300.0 - 1 / 400.0))
    assert np.isnan(fitted.activation_energy_error)
    assert fitted.reference == pytest.approx(2 / (1 / 300 + 1 / 400))


@pytest.mark.parametrize(
    ("temperature", "rates", "word"),
    [
        ([300.0], [1.0], "two different"),
        ([300.0, 300.0], [1.0, 2.0], "two different"),
        ([300.0, 310.0], [1.0, 0.0], "positive"),
    ],
)
def test_fit_refuses(temperature: list[float], rates: list[float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        arrhenius.fit(np.array(temperature), np.array(rates))
