"""Spheres of formula units and their capture rates."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from kmcgrowth.physics import capture, sphere

V_INAS = 55.59e-30


def test_sphere_round_trip() -> None:
    n = np.array([1.0, 22.0, 1177.0, 1e7])
    assert sphere.units_from_radius(sphere.radius_from_units(n, V_INAS), V_INAS) == pytest.approx(n, rel=1e-13)
    assert sphere.units_from_diameter(sphere.diameter_from_units(n, V_INAS), V_INAS) == pytest.approx(n, rel=1e-13)
    # pi/6 (5 nm)^3 = 65.4498 nm^3
    assert sphere.units_from_diameter(5e-9, V_INAS) == pytest.approx(65.4498469e-27 / V_INAS, rel=1e-8)


def test_cube_roots_are_kept_and_read_only() -> None:
    roots = sphere.cube_roots(1000)
    assert roots[[0, 8, 27, 1000]] == pytest.approx([0.0, 2.0, 3.0, 10.0], rel=1e-15)
    assert sphere.cube_roots(1000) is roots
    with pytest.raises(ValueError):
        roots[0] = 1.0


def test_mixed_solves_the_boundary_value_problem() -> None:
    # D c'' = 0 in r, flux D c'(r) = k_s c(r), c -> 1: c = 1 - a/x; 4 pi D a is the capture rate
    r, d, k = 2e-9, 1e-10, 0.03
    a = np.linalg.solve(np.array([[d / r**2 + k / r]]), np.array([k]))[0]
    assert capture.mixed(r, d, k) == pytest.approx(4 * np.pi * d * a, rel=1e-13)


def test_mixed_has_both_limits_without_warnings() -> None:
    r = np.array([0.5e-9, 2e-9, 8e-9])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert capture.mixed(r, 1e-15, np.inf) == pytest.approx(capture.diffusion_limit(r, 1e-15), rel=1e-15)
        assert capture.mixed(r, np.inf, 1e-6) == pytest.approx(capture.reaction_limit(r, 1e-6), rel=1e-15)
        assert np.all(capture.mixed(r, 1e-15, 0.0) == 0.0)
    assert capture.diffusion_limit(1e-9, 1e-15) == pytest.approx(1.2566370614e-23, rel=1e-9)
    assert capture.reaction_limit(1e-9, 1e-6) == pytest.approx(1.2566370614e-23, rel=1e-9)


def test_mixed_is_half_where_the_resistances_are_equal() -> None:
    r, d = 3e-9, 1e-15
    assert capture.mixed(r, d, d / r) == pytest.approx(0.5 * capture.diffusion_limit(r, d), rel=1e-14)


def test_size_dependent_surface_rate() -> None:
    r = np.array([1e-9, 2e-9, 4e-9])
    assert capture.size_dependent_surface_rate(r, 8.0, 3.0, 2e-9) == pytest.approx([64.0, 8.0, 1.0], rel=1e-12)
    assert np.all(capture.size_dependent_surface_rate(r, 8.0, 0.0, 2e-9) == 8.0)
    assert np.all(np.isinf(capture.size_dependent_surface_rate(r, np.inf, 2.0, 2e-9)))


def test_talapin_surface_rate() -> None:
    assert capture.talapin_surface_rate(1e-9, 5.0, 2e-9, 0.5) == pytest.approx(5.0 / np.e, rel=1e-14)
    assert capture.talapin_surface_rate(1e-9, 5.0, 2e-9, 0.0) == 5.0
    assert capture.talapin_surface_rate(1e-9, np.inf, 1.0, 1.0) == np.inf
