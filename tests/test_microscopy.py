"""Counted particles: shares, moments, their errors, and what is too small to be seen."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import chisquare, kstest

from kmcgrowth.errors import BadInput
from kmcgrowth.observables.microscopy import micrograph


@pytest.fixture
def of(factories: ModuleType) -> Any:
    """Dataset of one snapshot with these diameters [nm] of seeds and nucleated particles."""

    def make(seeds: Any, nucleated: Any = ()) -> xr.Dataset:
        m = factories.model(max(len(seeds), 1))
        born = factories.units(nucleated) if len(nucleated) else ()
        d: xr.Dataset = factories.dataset(m, [factories.counts(m, 0.0, factories.units(seeds), born)])
        return d

    return make


@pytest.fixture
def normal(of: Any) -> xr.Dataset:
    """A normal population of 5 nm +- 0.5 nm."""
    made: xr.Dataset = of(5.0 + 0.5 * np.random.default_rng(1).standard_normal(20_000))
    return made


def test_counts_what_it_was_asked_to(normal: xr.Dataset) -> None:
    seen = micrograph(normal, particles=137, rng=5)
    assert seen.number == seen.count.sum() == 137 and seen.seed.all() and seen.seen == 1.0
    np.testing.assert_allclose(np.diff(seen.edges), 0.25)
    np.testing.assert_array_equal(seen.count[0], np.histogram(seen.diameter, seen.edges)[0])
    assert (seen.mean, seen.std) == pytest.approx((seen.diameter.mean(), seen.diameter.std(ddof=1)), rel=1e-12)
    again = micrograph(normal, particles=137, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(again.diameter, seen.diameter)


def test_the_sample_follows_the_particles(of: Callable[..., xr.Dataset]) -> None:
    """Seeds of 3 and 6 nm, 1:3, and 4 nm nucleated: counts are multinomial; P(chi-square p < 1e-9) = 1e-9."""
    seen = micrograph(of([3.0] * 10 + [6.0] * 30, [4.0] * 60), particles=20_000, rng=11)
    three, six = ((np.abs(seen.diameter - d) < 0.5) & seen.seed for d in (3.0, 6.0))
    got = [int(three.sum()), int(six.sum()), int((~seen.seed).sum())]
    assert sum(got) == 20_000 and chisquare(got, [2000, 6000, 12000]).pvalue > 1e-9
    assert np.abs(seen.diameter[~seen.seed] - 4.0).max() < 0.05


def test_measured_diameters_are_normal_about_the_true_ones(of: Callable[..., xr.Dataset]) -> None:
    """One size and 0.2 nm of error, far more than its interval of diameters (0.002 nm): P(p < 1e-9) = 1e-9."""
    seen = micrograph(of([4.0]), particles=20_000, rng=3, error=0.2)
    n = np.rint(np.pi * 64 / (6 * 0.05559))
    true = (6 * n * 0.05559 / np.pi) ** (1 / 3)
    assert kstest((seen.diameter - true) / 0.2, "norm").pvalue > 1e-9


def test_errors_of_a_normal_sample(normal: xr.Dataset) -> None:
    """Of N normal diameters: 1.96 s/sqrt(N), 1.96 s/sqrt(2 N), and the ratio's 1.96 (s/m) sqrt(1/(2N) + (s/m)^2/N).

    The fourth moment of 100 000 draws has a relative error of sqrt(96/1e5)/3 = 1 %; 5 % in m4/m2^2 - 1 = 2 is 7 of it.
    """
    seen = micrograph(normal, particles=100_000, rng=2)
    s, m, root = 0.5, 5.0, 100_000**0.5
    assert seen.mean_error == pytest.approx(1.96 * s / root, rel=0.03)
    assert seen.std_error == pytest.approx(1.96 * s / (2**0.5 * root), rel=0.05)
    assert seen.relative_std_error == pytest.approx(1.96 * (s / m) * (0.5 + (s / m) ** 2) ** 0.5 / root, rel=0.05)


def test_intervals_hold_the_population_as_often_as_they_say(normal: xr.Dataset) -> None:
    """800 micrographs of 200: 760 with a standard deviation of 6.2; six of them are P = 2e-9.

    That of the width is that of large samples: over 200 particles it may miss 1.5 % more, 12 micrographs.
    """
    w = normal["particle_count"].isel(time=0).sum("origin").values
    d = normal["diameter"].values
    mean = float((w * d).sum() / w.sum())
    std = float((w * (d - mean) ** 2).sum() / w.sum()) ** 0.5
    rng = np.random.default_rng(8)
    hits = np.zeros(3)
    for _ in range(800):
        m = micrograph(normal, rng=rng)
        hits += [abs(m.mean - mean) < m.mean_error, abs(m.std - std) < m.std_error,
                 abs(m.relative_std - std / mean) < m.relative_std_error]
    assert abs(hits[0] - 760) < 37 and (np.abs(hits[1:] - 760) < 37 + 12).all(), hits


def test_what_is_too_small_is_not_seen(of: Callable[..., xr.Dataset]) -> None:
    d = of([2.0] * 75 + [5.0] * 25)
    seen = micrograph(d, particles=500, smallest=3.0, rng=1)
    assert seen.seen == pytest.approx(0.25) and (seen.diameter > 4.9).all()
    edge = micrograph(d, particles=500, smallest=4.9, error=0.3, rng=1)
    assert edge.number == 500 and edge.diameter.min() >= 4.9
    # About the edge only the measured ones above it are kept: the mean of the upper part of a normal distribution.
    true = (6 * np.rint(np.pi * 125 / (6 * 0.05559)) * 0.05559 / np.pi) ** (1 / 3)
    from scipy.stats import truncnorm

    expected = truncnorm(-(true - 4.9) / 0.3, np.inf, loc=true, scale=0.3)
    # Six standard errors: P = 2e-9.
    assert edge.mean == pytest.approx(expected.mean(), abs=6 * expected.std() / 500**0.5)
    none = micrograph(d, smallest=9.0, rng=1)
    assert none.number == 0 and none.seen == 0.0 and np.isnan(none.mean) and none.count.sum() == 0


def test_expected_counts_and_nothing_at_all(of: Callable[..., xr.Dataset]) -> None:
    whole = of([3.0, 3.0, 5.0], [4.0])
    half = whole.assign(particle_count=0.125 * whole["particle_count"])
    np.testing.assert_array_equal(micrograph(half, rng=9).diameter, micrograph(whole, rng=9).diameter)
    assert micrograph(of([]), rng=1).number == 0
    assert np.isnan(micrograph(whole, particles=1, rng=1).std)


@pytest.mark.parametrize("wrong", [
    {"particles": 0}, {"particles": 2.5}, {"error": -0.1}, {"smallest": float("nan")}, {"bin_width": 0.0},
    {"bin_width": 1e-9}, {"replicate": 7},
])
def test_bad_arguments(normal: xr.Dataset, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong))) as caught:
        micrograph(normal, **wrong)
    assert "\n" not in str(caught.value)
