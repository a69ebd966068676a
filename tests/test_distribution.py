"""Size distributions, their moments and the populations found in them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

from kmcgrowth.errors import BadInput
from kmcgrowth.observables import moments, populations, size_distribution, weighted_moments


def integral(curve: xr.DataArray) -> float:
    if "lower" in curve.coords:
        return float((curve * (curve["upper"] - curve["lower"])).sum())
    return float(curve.integrate("diameter"))


@pytest.fixture
def of(factories: ModuleType) -> Any:
    """Dataset of one snapshot with these diameters [nm] of seeds and nucleated particles."""

    def make(seeds: Any, nucleated: Any = ()) -> xr.Dataset:
        m = factories.model(max(len(seeds), 1))
        born = factories.units(nucleated) if len(nucleated) else ()
        d: xr.Dataset = factories.dataset(m, [factories.counts(m, 0.0, factories.units(seeds), born)])
        return d

    return make


@pytest.mark.parametrize("kind", ["histogram", "smooth"])
@pytest.mark.parametrize("weight", ["number", "volume"])
def test_normalised(synthetic_result: xr.Dataset, kind: Any, weight: Any) -> None:
    whole = size_distribution(synthetic_result, kind=kind, weight=weight)
    assert whole.dims == ("diameter",) and whole.attrs["units"] == "nm-1" and (whole >= 0).all()
    assert integral(whole) == pytest.approx(1.0, abs=1e-9 if kind == "histogram" else 1e-3)
    count = synthetic_result["particle_count"].isel(time=-1)
    w = count * (synthetic_result["size"] if weight == "volume" else 1)
    edges = np.append(whole["lower"], whole["upper"][-1]) if kind == "histogram" else whole["diameter"].values
    parts = []
    for origin in ("seed", "nucleated"):
        part = size_distribution(synthetic_result, kind=kind, weight=weight, origin=origin, bins=edges)  # type: ignore[arg-type]
        share = float(w.sel(origin=origin).sum() / w.sum())
        assert integral(part) == pytest.approx(share, abs=1e-9 if kind == "histogram" else 1e-3)
        parts.append(part.values)
    np.testing.assert_allclose(sum(parts), whole.values, atol=1e-12)


def test_nearest_snapshot(synthetic_result: xr.Dataset) -> None:
    times = synthetic_result["time"].values
    assert float(size_distribution(synthetic_result)["time"]) == times[-1]
    assert float(size_distribution(synthetic_result, time=1900.0)["time"]) == times[np.argmin(abs(times - 1900))]
    assert float(size_distribution(synthetic_result, time=-5.0)["time"]) == 0.0


def test_recovers_a_gaussian(of: Any) -> None:
    """100 000 Gaussian diameters: the density is the Gaussian's to 5 % of its peak (bin noise 1.5 %; P < 1e-7)."""
    d = of(4.8 + 0.25 * np.random.default_rng(1).standard_normal(100_000))
    for kind in ("histogram", "smooth"):
        curve = size_distribution(d, kind=kind)
        x = curve["diameter"].values
        exact = np.exp(-0.5 * ((x - 4.8) / 0.25) ** 2) / (0.25 * np.sqrt(2 * np.pi))
        assert np.abs(curve.values - exact).max() < 0.12 * exact.max()
    m = moments(d)
    # Standard errors: 8e-4 nm, 5.6e-4 nm, 0.0077, 0.0155; six of each is P = 2e-9.
    assert m.mean == pytest.approx(4.8, abs=5e-3) and m.std == pytest.approx(0.25, abs=3.4e-3)
    assert m.skewness == pytest.approx(0.0, abs=0.047) and m.kurtosis == pytest.approx(3.0, abs=0.093)
    assert m.quantiles[0.95] == pytest.approx(4.8 + 1.6449 * 0.25, abs=0.012) and m.number == 100_000


def test_whole_numbers_leave_no_comb(of: Any) -> None:
    """All sizes from 10 to 40 units alike: the density is d n/d d = 3 n/d everywhere, whatever the bins."""
    n = np.arange(10, 41)
    d = of((6 * n * 0.05559 / np.pi) ** (1 / 3))
    curve = size_distribution(d, bins=np.linspace(1.05, 1.6, 300))
    x = curve["diameter"].values
    exact = 0.5 * np.pi * x**2 / 0.05559 / 31
    np.testing.assert_allclose(curve.values, exact, rtol=0.08)


def test_given_bins(of: Any) -> None:
    d = of([2.0, 3.0, 4.0, 4.0])
    curve = size_distribution(d, bins=[1.5, 2.5, 3.5])
    np.testing.assert_allclose(curve.values, [0.25, 0.25], atol=1e-12)
    assert size_distribution(d, bins=7).size == 7
    assert size_distribution(d, bins=64, kind="smooth", bandwidth=0.2).size == 64


def test_nothing_there(of: Any) -> None:
    d = of([])
    for kind in ("histogram", "smooth"):
        assert float(size_distribution(d, kind=kind).sum()) == 0.0
    assert populations(d) == [] and np.isnan(moments(d).mean)
    one = of([3.0])
    for kind in ("histogram", "smooth"):
        assert integral(size_distribution(one, kind=kind)) == pytest.approx(1.0, abs=1e-3)
        assert integral(size_distribution(one, kind=kind, origin="nucleated")) == 0.0
    assert len(populations(one)) == 1 and np.isnan(moments(one).skewness)


def test_replicates_pool(factories: ModuleType) -> None:
    runs = [factories.focusing(s, particles=200, snapshots=3, nucleates=True) for s in range(2)]
    d = factories.dataset(runs[0][0], [h for _, h in runs])
    edges = np.linspace(1.0, 7.0, 50)
    single = [size_distribution(d, replicate=r, bins=edges).values for r in (0, 1)]
    np.testing.assert_allclose(size_distribution(d, bins=edges), np.mean(single, axis=0), atol=1e-12)
    with pytest.raises(BadInput, match="replicate"):
        size_distribution(d, replicate=7)


@pytest.mark.parametrize("wrong", [
    {"weight": "mass"}, {"origin": "seeds"}, {"kind": "bars"}, {"bins": 0}, {"bins": [2.0, 1.0]}, {"bins": 2.5},
    {"time": float("nan")}, {"replicate": 3}, {"kind": "smooth", "bandwidth": -1.0},
])
def test_bad_arguments(synthetic_result: xr.Dataset, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(k for k in wrong if k != "kind" or len(wrong) == 1)) as caught:
        size_distribution(synthetic_result, **wrong)
    assert "\n" not in str(caught.value)


def test_volume_moments_by_hand() -> None:
    m = weighted_moments([1.0, 2.0], [1.0, 3.0], quantiles=(0.1, 0.5))
    assert (m.mean, m.std) == pytest.approx((1.75, np.sqrt(0.1875)))
    assert m.skewness == pytest.approx((0.25 * -(0.75**3) + 0.75 * 0.25**3) / 0.1875**1.5)
    assert m.quantiles == {0.1: 1.0, 0.5: 2.0}


def lsw(u: Any) -> Any:
    v = np.minimum(u, 1.5 - 1e-9)
    return 4 / 9 * v**2 * (3 / (3 + v)) ** (7 / 3) * (3 / (3 - 2 * v)) ** (11 / 3) * np.exp(-2 * v / (3 - 2 * v))


def wagner(u: Any) -> Any:
    v = np.minimum(u, 2 - 1e-9)
    return 24 * v * (2 - v) ** -5.0 * np.exp(-3 * v / (2 - v))


def drawn(name: str, rng: np.random.Generator, number: int) -> Any:
    """Diameters of one population of about 5 nm [nm]."""
    if name in ("lsw", "wagner"):
        u = np.linspace(1e-6, 1.5 if name == "lsw" else 2.0, 20001)
        h = (lsw if name == "lsw" else wagner)(u)
        return 5.0 * np.interp(rng.random(number), np.cumsum(h) / h.sum(), u) + 0.5
    z = rng.standard_normal(number)
    return {"focused": 4.8 * (1 + 0.02 * z), "normal": 5.0 * (1 + 0.12 * z), "lognormal": 5.0 * np.exp(0.3 * z),
            "gamma": 1.0 + rng.gamma(2.0, 1.0, number), "uniform": 3.0 + 2.0 * rng.random(number),
            "shoulder": np.where(rng.random(number) < 0.3, 4.4, 5.0) + 0.4 * z}[name]


@pytest.mark.parametrize("number", [30, 300, 3000, 100_000])
@pytest.mark.parametrize("name", ["focused", "normal", "lognormal", "gamma", "uniform", "shoulder", "lsw", "wagner"])
def test_one_population_stays_one(of: Any, name: str, number: int) -> None:
    for seed in range(2 if number > 3000 else 5):
        d = drawn(name, np.random.default_rng(seed), number)
        found = populations(of(d))
        assert len(found) == 1, (seed, found)
        assert found[0].share == 1.0
        assert found[0].mean_diameter == pytest.approx(d.mean(), rel=5e-3)


@pytest.mark.parametrize("number", [10_000, 100_000])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize(("small", "width"), [(2.0, 0.05), (3.0, 0.10), (2.6, 0.15), (1.6, 0.30)])
def test_two_populations(of: Any, small: float, width: float, share: float, number: int) -> None:
    """Focused particles of 4.8 nm +- 4.5 % and a share of smaller ones."""
    rng = np.random.default_rng(11)
    many = int(share * number)
    second = small * (1 + width * rng.standard_normal(many))
    second = second[second > 0.7]
    first = 4.8 * (1 + 0.045 * rng.standard_normal(number - many))
    found = populations(of(first, second))
    assert len(found) == 2
    low, high = found
    # The valley cuts off at most the outer tails of either; their particles are what may be told wrongly.
    assert low.share == pytest.approx(second.size / (second.size + first.size), abs=0.004)
    assert low.mean_diameter == pytest.approx(second.mean(), rel=0.03)
    assert high.mean_diameter == pytest.approx(first.mean(), rel=0.03)
    assert high.relative_std == pytest.approx(0.045, abs=0.012)
    assert low.upper < high.lower
