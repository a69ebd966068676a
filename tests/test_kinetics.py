"""Fits of kinetics: parameters that are known, intervals that hold them as often as they say, and bad points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress

from kmcgrowth.errors import BadInput
from kmcgrowth.observables.kinetics import (
    Estimate,
    arrhenius_fit,
    exponential,
    first_order_line,
    straight_line,
)

K70 = 8.3e-3
"""Conversion of InAs clusters at 70 degC, 10.1021/jacsau.3c00809 [1/min]."""

GAS = 8.31446261815324
"""Molar gas constant [J/(mol K)]."""


def covered(draws: int, made: Callable[[np.random.Generator], dict[str, tuple[Estimate, float]]]) -> dict[str, int]:
    """How often each interval held the value that made the points."""
    rng = np.random.default_rng(20240607)
    found: dict[str, int] = {}
    for _ in range(draws):
        for name, (estimate, value) in made(rng).items():
            found[name] = found.get(name, 0) + estimate.holds(value)
    return found


def test_line_through_exact_points() -> None:
    line = straight_line([0.0, 1.0, 2.0, 4.0], [3.0, 2.5, 2.0, 1.0])
    assert (line.slope.value, line.intercept.value, line.r_squared) == pytest.approx((-0.5, 3.0, 1.0), abs=1e-12)
    assert line.slope.holds(-0.5) and line.slope.error < 1e-12 and line.number == 4
    np.testing.assert_allclose(line([10.0, -2.0]), [-2.0, 4.0])


def test_line_agrees_with_another_program() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(5.0, 9.0, 12)
    y = 4.0 - 1.3 * x + rng.standard_normal(12)
    ours, theirs = straight_line(x, y), linregress(x, y)
    assert ours.slope.value == pytest.approx(theirs.slope, rel=1e-10)
    assert ours.slope.error == pytest.approx(theirs.stderr, rel=1e-10)
    assert ours.intercept.error == pytest.approx(theirs.intercept_stderr, rel=1e-10)
    assert ours.r_squared == pytest.approx(theirs.rvalue**2, rel=1e-10)
    # Student's t for ten degrees of freedom: 2.2281 (any table).
    assert (ours.slope.upper - ours.slope.value) / ours.slope.error == pytest.approx(2.2281, abs=1e-4)


def test_line_with_known_errors() -> None:
    """Two points with errors 0.1 and 0.2: the slope is their difference, its error sqrt(0.05), whatever they are."""
    line = straight_line([1.0, 2.0], [5.0, 8.0], error=[0.1, 0.2])
    assert line.slope.value == pytest.approx(3.0) and line.slope.error == pytest.approx(0.05**0.5)
    assert line.intercept.error == pytest.approx((4 * 0.01 + 0.04) ** 0.5)  # intercept = 2 y1 - y2
    assert line.slope.upper == pytest.approx(3.0 + 1.959964 * 0.05**0.5)


def test_shifted_x_keeps_its_digits() -> None:
    x = 1e7 + np.arange(5.0)
    assert straight_line(x, 2 * np.arange(5.0)).slope.value == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize(("change", "rate"), [(0.5, K70), (-0.35, K70), (2e9, 3e-4), (-1e-6, 40.0)])
def test_exponential_of_exact_points(change: float, rate: float) -> None:
    t = np.linspace(0, 4, 20) / rate
    fit = exponential(t[::-1], (abs(change) + change * -np.expm1(-rate * t))[::-1])
    assert fit.rate.value == pytest.approx(rate, rel=1e-6)
    assert fit.initial.value == pytest.approx(abs(change), rel=1e-6)
    assert fit.change.value == pytest.approx(change, rel=1e-6)
    assert fit.final.value == pytest.approx(abs(change) + change, abs=1e-6 * abs(change))
    assert fit.r_squared == pytest.approx(1.0, abs=1e-10)
    np.testing.assert_allclose(fit(t), abs(change) + change * -np.expm1(-rate * t), rtol=1e-6, atol=1e-6 * abs(change))


def test_exponential_from_a_later_start() -> None:
    """Aliquots from 100 min on: the amplitudes are those at t = 0 all the same."""
    t = np.linspace(100, 400, 13)
    fit = exponential(t, 0.2 + 0.5 * np.exp(-K70 * t))
    assert (fit.initial.value, fit.final.value) == pytest.approx((0.7, 0.2), rel=1e-5)


def test_exponential_agrees_with_another_program() -> None:
    """scipy.optimize.curve_fit: the same minimum and, linearised, the same errors."""
    from scipy.optimize import curve_fit

    def law(t: Any, initial: float, change: float, rate: float) -> Any:
        return initial + change * (1 - np.exp(-rate * t))

    t = np.linspace(0, 360, 20)
    y = law(t, 0.2, 0.5, K70) + 0.02 * np.random.default_rng(7).standard_normal(20)
    fit = exponential(t, y)
    theirs, covariance = curve_fit(law, t, y, p0=(0.1, 0.6, 0.01))
    for ours, value, error in zip((fit.initial, fit.change, fit.rate), theirs, np.sqrt(np.diag(covariance))):
        assert ours.value == pytest.approx(value, rel=1e-5) and ours.error == pytest.approx(error, rel=1e-3)
    final_error = (covariance[0, 0] + covariance[1, 1] + 2 * covariance[0, 1]) ** 0.5
    assert fit.final.error == pytest.approx(final_error, rel=1e-3)
    left = ((y - law(t, *theirs)) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert fit.r_squared == pytest.approx(1 - left, rel=1e-9)


def test_points_that_end_too_soon_leave_the_rate_open() -> None:
    """Over a twentieth of 1/k a rise is straight within its noise: the interval of k reaches down to zero."""
    t = np.linspace(0, 0.05, 12)
    y = 1 - np.exp(-t) + 1e-3 * np.random.default_rng(2).standard_normal(12)
    fit = exponential(t, y)
    assert fit.rate.lower == 0.0 and fit.rate.upper > 1.0
    fast = exponential([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.01, 0.99, 1.0, 1.002])
    assert fast.rate.upper == np.inf and 0 < fast.rate.lower < 10


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 % of 1200 draws are 1140 with a standard deviation of 7.55; six of them are P = 2e-9 a test of the nine."""

    def line(rng: np.random.Generator) -> dict[str, tuple[Estimate, float]]:
        x = np.linspace(0, 3, 6)
        fit = straight_line(x, 1 - 2 * x + 0.3 * rng.standard_normal(6))
        error = np.array([0.1, 0.1, 0.5, 0.5, 1.0, 2.0])
        known = straight_line(x, 1 - 2 * x + error * rng.standard_normal(6), error=error)
        return {"slope": (fit.slope, -2), "intercept": (fit.intercept, 1), "known": (known.slope, -2)}

    def rise(rng: np.random.Generator) -> dict[str, tuple[Estimate, float]]:
        t = np.linspace(0, 360, 15)
        fit = exponential(t, 0.1 + 0.5 * -np.expm1(-K70 * t) + 0.01 * rng.standard_normal(15))
        return {"rate": (fit.rate, K70), "initial": (fit.initial, 0.1), "change": (fit.change, 0.5),
                "final": (fit.final, 0.6)}

    def barrier(rng: np.random.Generator) -> dict[str, tuple[Estimate, float]]:
        t = np.array([343.15, 353.15, 363.15, 373.15])
        k = K70 * np.exp(-107e3 / GAS * (1 / t - 1 / 343.15) + 0.1 * rng.standard_normal(4))
        fit = arrhenius_fit(t, k)
        return {"energy": (fit.energy_kj_per_mol, 107.0),
                "prefactor": (fit.ln_prefactor, np.log(K70) + 107e3 / (GAS * 343.15))}

    for made in (line, rise, barrier):
        for name, times in covered(1200, made).items():
            assert abs(times - 1140) < 6 * 7.55, (name, times)


def test_the_linear_form_gives_the_same_rate() -> None:
    t = np.linspace(0, 300, 11)
    fit = first_order_line(t, 0.7 - 0.5 * np.exp(-K70 * t), final=0.7)
    assert fit.rate.value == pytest.approx(K70, rel=1e-9) and fit.line.r_squared == pytest.approx(1.0)
    assert fit.change.value == pytest.approx(0.5, rel=1e-9)
    decay = first_order_line(t, 0.2 + 0.5 * np.exp(-K70 * t), final=0.2)
    assert decay.rate.value == pytest.approx(K70, rel=1e-9) and decay.change.value == pytest.approx(-0.5, rel=1e-9)
    assert decay.change.lower <= -0.5 <= decay.change.upper or decay.change.error < 1e-12


def test_a_wrong_plateau_bends_the_line() -> None:
    """Plateau 0.05 too high: the slope of ln(0.05 + 0.5 exp(-kt)) falls from k/1.1 on, and so does the fitted rate."""
    t = np.linspace(0, 300, 11)
    fit = first_order_line(t, 0.7 - 0.5 * np.exp(-K70 * t), final=0.75)
    assert fit.line.r_squared < 0.995 and fit.rate.upper < K70 / 1.1


def test_arrhenius_of_the_conversion() -> None:
    """10.1021/jacsau.3c00809: 8.3e-3 /min at 70 degC and 1.11 eV, which are 107.1 kJ/mol."""
    t = np.array([70.0, 80.0, 90.0, 100.0]) + 273.15
    k = K70 * np.exp(-1.11 / 8.617333262e-5 * (1 / t - 1 / 343.15))
    fit = arrhenius_fit(t, k)
    assert fit.energy_ev.value == pytest.approx(1.11, rel=1e-8)
    assert fit.energy_kj_per_mol.value == pytest.approx(1.11 * 96.48533212, rel=1e-8)
    assert fit.ln_prefactor.value == pytest.approx(np.log(K70) + 1.11 / (8.617333262e-5 * 343.15), rel=1e-9)
    np.testing.assert_allclose(fit(t), k, rtol=1e-9)
    # Two temperatures with errors: E = ln(k2/k1)/(beta1 - beta2), its error that of the logarithms.
    pair = arrhenius_fit(t[[0, 3]], k[[0, 3]], error=0.05 * k[[0, 3]])
    apart = (1 / t[0] - 1 / t[3]) / 8.617333262e-5
    assert pair.energy_ev.value == pytest.approx(1.11, rel=1e-8)
    assert pair.energy_ev.error == pytest.approx(0.05 * 2**0.5 / apart, rel=1e-8)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: straight_line([1, 2], [1, 2]), "at least 3"),
    (lambda: straight_line([1, 1, 1], [1, 2, 3]), "same value"),
    (lambda: straight_line([1, 2, 3], [1, 2]), "same length"),
    (lambda: straight_line([1, 2, 3], [1, np.nan, 3]), "not finite"),
    (lambda: straight_line([1, 2, 3], [1, 2, 3], error=[1, 0, 1]), "positive"),
    (lambda: exponential([0, 1, 2], [0, 1, 2]), "at least 4"),
    (lambda: exponential([0, 0, 1, 1], [0, 0, 1, 1]), "different times"),
    (lambda: exponential([0, 1, 2, 3], [1, 1, 1, 1]), "same value"),
    (lambda: first_order_line([0, 1, 2, 3], [0, 0.5, 0.9, 1.0], final=1.0), "t = 3"),
    (lambda: first_order_line([0, 1, 2], [0, 0.5, 0.9], final=np.nan), "final"),
    (lambda: arrhenius_fit([70, 80, -1], [1, 2, 3]), "kelvin"),
    (lambda: arrhenius_fit([343, 353, 363], [1, 0, 3]), "rate"),
])
def test_bad_points(call: Callable[[], object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
