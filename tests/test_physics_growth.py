"""Tables of attachment and detachment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kmcgrowth.physics import growth
from kmcgrowth.physics.constants import K_B

T = 573.15
INAS: dict[str, Any] = dict(
    unit_volume=55.59e-30, diffusion=1e-15, surface_rate=np.inf, solubility=6.022e20, surface_energy=0.15
)
LENGTH = 2 * 0.15 * 55.59e-30 / (K_B * T)


def radius(n: float) -> float:
    return float((3 * n * 55.59e-30 / (4 * np.pi)) ** (1 / 3))


def test_entry_by_entry() -> None:
    k_s = 2e-6
    attach, detach = growth.rate_tables(T, 200, **(INAS | {"surface_rate": k_s}))
    assert attach.shape == detach.shape == (201,)
    assert attach[0] == detach[0] == detach[1] == 0.0
    for n in (1, 2, 3, 22, 199):
        r, r_next = radius(n), radius(n + 1)
        captured = 4 * np.pi * 1e-15 * r / (1 + 1e-15 / (k_s * r))
        step = 0.15 * 4 * np.pi * (r_next**2 - r**2) / (K_B * T)
        assert attach[n] == pytest.approx(captured, rel=1e-12, abs=0.0)
        assert detach[n + 1] == pytest.approx(captured * 6.022e20 * np.exp(step), rel=1e-11, abs=0.0)


def test_linear_form() -> None:
    attach, exponential = growth.rate_tables(T, 500, **INAS)
    same, linear = growth.rate_tables(T, 500, gibbs_thomson="linear", **INAS)
    assert np.all(attach == same)
    step = np.log(exponential[2:] / (attach[1:-1] * 6.022e20))
    assert linear[2:] == pytest.approx(attach[1:-1] * 6.022e20 * (1 + step), rel=1e-10)


@pytest.mark.parametrize("form", ["exponential", "linear"])
@pytest.mark.parametrize("k_s", [np.inf, 1e-6, 1e-9])
def test_net_rate_tends_to_the_continuous_law(form: Any, k_s: float) -> None:
    n = 40_000
    attach, detach = growth.rate_tables(T, n, gibbs_thomson=form, **(INAS | {"surface_rate": k_s}))
    c = 4 * 6.022e20
    net = (attach[n] * c - detach[n]) * 55.59e-30 / (4 * np.pi * radius(n) ** 2)
    continuous = growth.radius_rate(
        radius(n), c, unit_volume=55.59e-30, diffusion=1e-15, surface_rate=k_s, flat_solubility=6.022e20,
        capillary_length=LENGTH, linear=form == "linear",
    )
    assert net == pytest.approx(continuous, rel=1e-4, abs=0.0)  # of order 1/n


def test_talapin_table_tends_to_the_reduced_law() -> None:
    n, k_s, alpha, s = 20_000, 5e-7, 0.5, 6.0
    attach, detach = growth.rate_tables(
        T, n, law="talapin", transfer_coefficient=alpha, **(INAS | {"surface_rate": k_s})
    )
    c_inf, v, d = 6.022e20, 55.59e-30, 1e-15
    speed = (attach[n] * s * c_inf - detach[n]) * v / (4 * np.pi * radius(n) ** 2)
    # r* = r/l_c, tau = D v c_inf t/l_c^2
    reduced = growth.talapin_rate(radius(n) / LENGTH, s, d / (k_s * LENGTH), alpha)
    assert speed * LENGTH / (d * v * c_inf) == pytest.approx(reduced, rel=3e-4)


def test_talapin_laws_agree_with_each_other() -> None:
    assert growth.talapin_rate(2.0, 5.0, 0.0) == pytest.approx((5 - np.exp(0.5)) / 2, rel=1e-14, abs=0.0)
    slow = (5 - np.exp(0.5)) / (2 + 3 * np.exp(0.25))
    assert growth.talapin_rate(2.0, 5.0, 3.0, 0.5) == pytest.approx(slow, rel=1e-14, abs=0.0)
    fast = growth.rate_tables(T, 50, law="talapin", **INAS)
    assert np.all(fast[0] == growth.rate_tables(T, 50, **INAS)[0])


def test_size_dependent_surface_rate() -> None:
    k0, r0 = 1e-9, 2e-9
    attach, _ = growth.rate_tables(T, 300, exponent=3.0, reference_radius=r0, **(INAS | {"surface_rate": k0}))
    r = radius(120)
    k = k0 * (r0 / r) ** 3
    assert attach[120] == pytest.approx(4 * np.pi * r**2 * k / (1 + k * r / 1e-15), rel=1e-12, abs=0.0)


def test_table_of_free_energies() -> None:
    rng = np.random.default_rng(2)
    free = np.cumsum(rng.uniform(0.0, 1e-20, 31))
    attach, detach = growth.rate_tables(T, 30, free_energy=free, **INAS)
    n = 17
    assert detach[n] == pytest.approx(
        attach[n - 1] * 6.022e20 * np.exp((free[n] - free[n - 1]) / (K_B * T)), rel=1e-12, abs=0.0)
    sphere = 0.15 * 4 * np.pi * np.array([radius(m) for m in range(31)]) ** 2
    again = growth.rate_tables(T, 30, free_energy=sphere, **INAS)[1]
    assert again == pytest.approx(growth.rate_tables(T, 30, **INAS)[1], rel=1e-11)


def test_nothing_overflows() -> None:
    for changes in ({}, {"diffusion": 1e-9, "solubility": 1e27}, {"surface_rate": 1e-12}):
        for law in ("mixed", "talapin"):
            attach, detach = growth.rate_tables(0.5, 3000, law=law, **(INAS | changes))  # type: ignore[arg-type]
            assert np.all(np.isfinite(attach)) and np.all(np.isfinite(detach))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"law": "mxied"}, "mxied"),
        ({"gibbs_thomson": "quadratic"}, "quadratic"),
        ({"exponent": 2.0}, "reference radius"),
        ({"free_energy": np.zeros(7)}, "7 entries"),
    ],
)
def test_refusals(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        growth.rate_tables(T, 10, **(INAS | changes))
    with pytest.raises(ValueError, match="at least 2"):
        growth.rate_tables(T, 1, **INAS)
