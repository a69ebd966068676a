"""Small-angle scattering of spheres: closed forms, the transform of gamma(r), Guinier and Porod."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from kmcgrowth.errors import BadInput
from kmcgrowth.observables.small_angle import (
    contrast,
    guinier_fit,
    guinier_radius,
    porod_fit,
    small_angle,
    sphere_amplitude,
)

V = 0.05559
"""Volume of InAs [nm^3]."""


@pytest.fixture
def of(factories: ModuleType) -> Any:
    """Dataset of one snapshot of seeds and nucleated particles of so many units."""

    def make(seeds: Any, nucleated: Any = ()) -> xr.Dataset:
        m = factories.model(max(len(seeds), 1))
        d: xr.Dataset = factories.dataset(m, [factories.counts(m, 0.0, seeds, nucleated)])
        return d

    return make


def radius(units: Any) -> Any:
    return (3 * np.asarray(units) * V / (4 * np.pi)) ** (1 / 3)


def test_amplitude_of_a_sphere() -> None:
    """Against the integral over the ball, and through the point where the series takes over."""
    r = np.linspace(0, 1, 20001)
    for x in (1e-3, 0.049, 0.051, 1.0, 4.4934, 9.0):
        exact = 3 * np.trapezoid(r**2 * np.sinc(x * r / np.pi), r)
        assert float(sphere_amplitude(x)) == pytest.approx(exact, abs=1e-8)
    assert float(sphere_amplitude(0.0)) == 1.0
    assert abs(float(sphere_amplitude(4.493409458))) < 1e-9  # tan x = x


def test_one_size_is_the_transform_of_its_distances(of: Callable[..., xr.Dataset]) -> None:
    """I/I(0) = 4 pi/V times the integral of gamma(r) r^2 sin(qr)/(qr), gamma = 1 - 3r/2d + r^3/2d^3 (Guinier)."""
    q = np.linspace(0.1, 6, 30)
    d = 2 * float(radius(500))
    r = np.linspace(0, d, 40001)
    gamma = 1 - 1.5 * r / d + 0.5 * (r / d) ** 3
    exact = [24 / d**3 * np.trapezoid(gamma * r**2 * np.sinc(k * r / np.pi), r) for k in q]
    np.testing.assert_allclose(small_angle(of([500] * 3), q=q).sum("origin"), exact, atol=1e-7)


def test_ensemble_is_the_sum_of_its_particles(of: Callable[..., xr.Dataset]) -> None:
    """Sizes put together by 0.2 % of the diameter change nothing that an instrument would see."""
    rng = np.random.default_rng(6)
    seeds, born = rng.normal(900, 150, 400).astype(int), rng.normal(150, 20, 900).astype(int)
    q = np.geomspace(0.05, 8, 60)
    y = small_angle(of(seeds, born), q=q)
    for origin, units in (("seed", seeds), ("nucleated", born)):
        exact = sum((n * V) ** 2 * sphere_amplitude(q * radius(n)) ** 2 for n in units)
        whole = sum((n * V) ** 2 for n in (*seeds, *born))
        np.testing.assert_allclose(y.sel(origin=origin), exact / whole, rtol=2e-3, atol=1e-8)
    assert float(y.sum("origin")[0]) == pytest.approx(1.0, abs=0.01)


def test_absolute_intensity(of: Callable[..., xr.Dataset]) -> None:
    """0.1 mM of 4 nm InAs: I(0) = n (contrast V)^2; In and As have 82 electrons, octadecene 142 in 252.5 g/mol."""
    units = round(np.pi * 64 / 6 / V)
    rho = 2.8179403205e-6 * (82 / V - 142 / 252.5 * 0.789 * 602.214)
    assert contrast("InAs") == pytest.approx(rho, rel=1e-3)
    exact = 0.1e-3 * 6.02214076e23 / 1e24 * (rho * units * V) ** 2 * 1e7  # 1/cm
    y = small_angle(of([units] * 100), q=[0.0, 0.001], absolute=True).sum("origin")
    assert float(y[0]) == pytest.approx(exact, rel=3e-3) and y.attrs.get("units", "cm-1") == "cm-1"
    same = small_angle(of([units] * 100), q=[0.0, 0.001], absolute=True, contrast=1e-3).sum("origin")
    assert float(same[0]) == pytest.approx(exact * (1e-3 / rho) ** 2, rel=3e-3)


def test_guinier_of_a_mixture(of: Callable[..., xr.Dataset]) -> None:
    """Rg^2 = (3/5) <R^8>/<R^6>, and the fit finds it as its limit goes to zero."""
    units = np.array([200] * 30 + [900] * 10)
    r = radius(units)
    exact = (0.6 * (r**8).sum() / (r**6).sum()) ** 0.5
    d = of(units)
    assert guinier_radius(d) == pytest.approx(exact, rel=1e-12)
    q = np.linspace(0.002, 3, 3000)
    y = small_angle(d, q=q).sum("origin").values
    near = guinier_fit(q, 7 * y, limit=0.1)
    assert near.radius.value == pytest.approx(exact, rel=2e-4) and near.forward.value == pytest.approx(7.0, rel=1e-4)
    assert near.diameter.value == pytest.approx(2 * (5 / 3) ** 0.5 * near.radius.value) and near.largest <= 0.1


def test_guinier_limit_of_a_sphere() -> None:
    """ln P = -x^2/5 - x^4/350: points dense in q up to q Rg = 1 (x^2 = 5/3) raise the slope over x^2 as a line's does.

    For x^4 on x^2 = u with x uniform to X the least-squares slope is Cov(u, u^2)/Var(u) = (1/7 - 1/15)/(1/5 - 1/9) X^2.
    """
    q = np.linspace(1e-4, 1.5, 4000)
    fit = guinier_fit(q, sphere_amplitude(2.0 * q) ** 2)
    top = fit.largest**2 * 5 / 3 * (2.0 * 0.6**0.5 / fit.radius.value) ** 2
    slope = 0.2 + (1 / 7 - 1 / 15) / (1 / 5 - 1 / 9) * top / 350
    assert fit.radius.value == pytest.approx((3 * slope) ** 0.5 * 2.0, rel=1e-3)
    assert 1.007 < fit.radius.value / (2.0 * 0.6**0.5) < 1.015 and fit.largest == pytest.approx(1.0, abs=2e-3)


def test_guinier_with_noise_holds_the_radius() -> None:
    """1000 curves of a pure Gaussian with 2 % errors: 950 with a standard deviation of 6.9; six are P = 2e-9."""
    rng = np.random.default_rng(12)
    q = np.linspace(0.05, 0.6, 30)
    exact = np.exp(-((1.5 * q) ** 2) / 3)
    hits = 0
    for _ in range(1000):
        y = exact * (1 + 0.02 * rng.standard_normal(30))
        hits += guinier_fit(q[:25], y[:25], limit=5.0, error=0.02 * exact[:25]).radius.holds(1.5)
    assert abs(hits - 950) < 42


def test_porod_constant_is_the_surface(of: Callable[..., xr.Dataset]) -> None:
    """q^4 I tends to 2 pi contrast^2 S/V_liquid; a spread of 10 % smooths the waves; a background comes back."""
    z = np.random.default_rng(1).standard_normal(4000)
    units = (800 * (1 + 0.1 * z) ** 3).round().astype(int)
    d = of(units)
    q = np.linspace(4, 12, 800)
    y = small_angle(d, q=q, absolute=True, contrast=1e-3).sum("origin").values
    density = 4000 / (float(d.attrs["control_volume_mL"]) * 1e21)
    surface = density * (4 * np.pi * radius(units) ** 2).mean()
    fit = porod_fit(q, y + 3e-4, lowest=6.0)
    assert fit.intercept.value == pytest.approx(2 * np.pi * 1e-6 * surface * 1e7, rel=0.02)
    assert fit.slope.value == pytest.approx(3e-4, rel=1e-3)


def test_expected_counts_replicates_and_nothing_at_all(of: Callable[..., xr.Dataset], factories: ModuleType) -> None:
    whole = of([300, 500])
    half = whole.assign(particle_count=0.5 * whole["particle_count"])
    q = [0.1, 1.0, 3.0]
    np.testing.assert_allclose(small_angle(half, q=q), small_angle(whole, q=q), rtol=1e-12)
    np.testing.assert_allclose(
        small_angle(half, q=q, absolute=True), 0.5 * small_angle(whole, q=q, absolute=True), rtol=1e-12)
    runs = [factories.focusing(s, particles=200, snapshots=3) for s in range(2)]
    both = factories.dataset(runs[0][0], [h for _, h in runs])
    each = [small_angle(both, q=q, absolute=True, replicate=r).values for r in (0, 1)]
    np.testing.assert_allclose(small_angle(both, q=q, absolute=True), np.mean(each, axis=0), rtol=1e-3)
    nothing = of([])
    assert float(small_angle(nothing).sum()) == 0.0 and np.isnan(guinier_radius(nothing))


@pytest.mark.parametrize(("call", "words"), [
    (lambda d: small_angle(d, q=[2.0, 1.0]), "rising"), (lambda d: small_angle(d, contrast=1.0), "absolute"),
    (lambda d: small_angle(d, absolute=True, contrast=np.nan), "contrast"),
    (lambda d: small_angle(d, time=np.inf), "time"),
    (lambda d: guinier_fit([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]), "four points"),
    (lambda d: guinier_fit([9.0, 10.0, 11.0, 12.0], [1.0, 0.2, 0.1, 0.01]), "smaller q"),
    (lambda d: guinier_fit([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]), "fall"),
    (lambda d: guinier_fit([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, -4.0]), "positive"),
    (lambda d: guinier_fit([0.1, 0.2, 0.3, 0.4], [4.0, 3.0, 2.0, 1.0], limit=0.0), "limit"),
    (lambda d: porod_fit([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], lowest=2.5), "lowest"),
    (lambda d: porod_fit([1.0, 2.0, 3.0], [1.0, 1.0], lowest=0.5), "each q"),
])
def test_bad_arguments(synthetic_result: xr.Dataset, call: Callable[[xr.Dataset], object], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        call(synthetic_result)
    assert "\n" not in str(caught.value)
