"""Emission: where, how much, one peak or two, and what is taken up again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flasks import flask_of, gaussian_sizes
from scipy.integrate import trapezoid

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material
from kmcgrowth.observables.absorption import absorption
from kmcgrowth.observables.emission import emission, emission_lines
from kmcgrowth.observables.optics import cross_section, quantum_yield

HC = 1239.841984
AT = np.arange(350.0, 2400.0, 0.5)


def total(spectrum: Any) -> float:
    return float(trapezoid(spectrum.values, spectrum["wavelength"].values))


def test_one_size_emits_below_its_exciton_and_with_its_yield() -> None:
    """Cd3P2 of 4.1 nm emits at 0.53 + 2.15/4.1 eV, 1145 nm within the spread of the data; the integral is the yield."""
    light = emission(flask_of("Cd3P2", {"seed": (4.1, 100)}), wavelength=AT)
    (line,) = emission_lines(light)
    # per wavelength the Gaussian is weighted with 1/wavelength^2, which shifts the top by 2 sigma^2/E to the blue
    sigma = 0.080 / 2.35482
    energy = 0.53 + 2.15 / 4.1
    assert line.energy == pytest.approx(energy + 2 * sigma**2 / energy, abs=2e-4)
    assert line.wavelength == pytest.approx(1145.0, rel=0.03)
    assert total(light.sel(part="seed")) == pytest.approx(float(quantum_yield("Cd3P2", 4.1)), rel=1e-6)


def test_yields_of_the_paper() -> None:
    """10.1039/d5nr00002e, Table 2: 22 % at 965 nm, 7.3 % at 1338 nm."""
    d = 2.15 / (HC / np.array([965.0, 1338.0]) - 0.53)
    assert quantum_yield("Cd3P2", d) == pytest.approx([0.22, 0.073], abs=2e-3)
    assert quantum_yield("InAs", [2.0, 9.0]) == pytest.approx([0.01, 0.01])


def test_a_gaussian_of_sizes_widens_emission() -> None:
    d0, rel = 5.0, 0.05
    light = emission(flask_of("InAs", {"seed": gaussian_sizes(d0, rel)}), wavelength=AT, excitation=300.0)
    (line,) = emission_lines(light)
    width = 2.35482 * np.hypot(0.070 / 2.35482, 3.79 / d0**2 * rel * d0)
    assert line.width * line.energy**2 / HC == pytest.approx(width, rel=0.03)


def test_larger_dots_take_more_of_the_light() -> None:
    result = flask_of("InAs", {"seed": (4.0, 100), "nucleated": (6.0, 100)})
    light = emission(result, wavelength=AT, excitation=HC / 2.76)
    # at 2.76 eV absorption goes with R^3
    assert total(light.sel(part="nucleated")) / total(light.sel(part="seed")) == pytest.approx(27 / 8, rel=0.01)
    sigma = cross_section("InAs", [4.0, 6.0], [500.0])[:, 0]
    other = emission(result, wavelength=AT, excitation=500.0)
    got = total(other.sel(part="nucleated")) / total(other.sel(part="seed"))
    assert got == pytest.approx(sigma[1] / sigma[0], rel=1e-6)


def test_two_populations_and_one() -> None:
    apart = flask_of("InAs", {"seed": gaussian_sizes(5.0, 0.04), "nucleated": gaussian_sizes(3.0, 0.06)})
    lines = emission_lines(emission(apart, wavelength=AT))
    assert len(lines) == 2
    expected = [HC / (0.354 + 3.79 / d - 0.040) for d in (3.0, 5.0)]
    assert [x.wavelength for x in lines] == pytest.approx(expected, rel=0.02)
    close = flask_of("InAs", {"seed": gaussian_sizes(5.0, 0.06), "nucleated": gaussian_sizes(4.7, 0.06)})
    assert len(emission_lines(emission(close, wavelength=AT))) == 1
    assert emission_lines((AT, np.zeros(AT.size))) == []


def test_reabsorption_by_the_closed_form() -> None:
    result = flask_of("CdSe", {"seed": gaussian_sizes(4.0, 0.05)}, control=1e-9)
    at = np.arange(500.0, 700.0, 0.5)
    free = emission(result, wavelength=at)
    held = emission(result, wavelength=at, reabsorption=True, path=2.0)
    a = absorption(result, wavelength=at, path=2.0).sum("part").values * np.log(10)
    ratio = held.sel(part="seed").values / free.sel(part="seed").values
    assert ratio == pytest.approx(-np.expm1(-a) / a, rel=1e-6)
    assert ratio.min() < 0.6 and ratio.max() > 0.99
    assert emission_lines(held)[0].wavelength > emission_lines(free)[0].wavelength  # red shift
    thin = emission(result, wavelength=at, reabsorption=True, path=1e-9)
    assert thin.values == pytest.approx(free.values, rel=1e-6, abs=1e-15)


def test_clusters_share_the_light() -> None:
    """Cd3P2 clusters emit at 455 nm (451 to 455 in aliquots); those of InAs only absorb."""
    alone = emission(flask_of("Cd3P2", {}, species={"MSC": 1e-4}), wavelength=AT)
    (line,) = emission_lines(alone)
    assert line.wavelength == pytest.approx(455.0, abs=1.5)
    light = load_material("Cd3P2").clusters["MSC"].emission
    assert light is not None and total(alone.sum("part")) == pytest.approx(light.quantum_yield, rel=1e-4)
    dots = flask_of("InAs", {"seed": (4.0, 100)}, control=1e-12)
    mixed = flask_of("InAs", {"seed": (4.0, 100)}, species={"MSC": 1e-4}, control=1e-12)
    share = absorption(mixed, wavelength=[400.0])
    expected = float(share.sel(part="seed").sum() / share.sum())
    got = total(emission(mixed, wavelength=AT).sum("part")) / total(emission(dots, wavelength=AT).sum("part"))
    assert 0.1 < expected < 0.99 and got == pytest.approx(expected, rel=1e-9)


def test_several_times_and_darkness() -> None:
    result = flask_of("InAs", {"seed": (4.0, 100)}, volumes=(1.0, 2.0))
    both = emission(result, time=[0.0, 60.0], wavelength=AT)
    assert both.dims == ("time", "part", "wavelength")
    assert both.isel(time=0).values == pytest.approx(both.isel(time=1).values)  # per photon absorbed
    assert float(emission(flask_of("InAs", {}), wavelength=AT).max()) == 0.0


@pytest.mark.parametrize(
    "arguments", [{"excitation": 0.0}, {"excitation": np.nan}, {"path": -1.0, "reabsorption": True}])
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"^{next(iter(arguments))}: "):
        emission(flask_of("InAs", {"seed": (4.0, 10)}), **arguments)
