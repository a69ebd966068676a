"""Absorption against closed forms: single lines, sums, convolutions, kinetics; and sizes read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from flasks import flask_of, gaussian_sizes
from scipy.optimize import brentq, curve_fit

import kmcgrowth as kg
from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material
from kmcgrowth.materials.sizing import sizing_curve
from kmcgrowth.observables.absorption import absorption, species_absorption, trace
from kmcgrowth.observables.optics import cluster_extinction, cross_section
from kmcgrowth.observables.spectrum_features import (
    first_exciton,
    isosbestic_points,
    size_from_spectrum,
    sizes_over_time,
)
from kmcgrowth.physics.constants import N_A
from kmcgrowth.physics.excitons import BrusCurve

HC = 1239.841984
LN10 = np.log(10.0)
WIDE = np.arange(400.0, 1800.0, 0.5)


def test_one_size_gives_its_own_line() -> None:
    """Around the first exciton of InAs of 5 nm: E = 0.354 + 3.79/5, a Gaussian of 70 meV whose integral is that of a
    peak of 3.15e-16 R^1.28 cm^2 as wide as 10 % of the diameter and 70 meV make it."""
    energy = 0.354 + 3.79 / 5.0
    width = np.hypot(0.070, 2.3548 * 3.79 / 25.0 * 0.5)
    height = 3.15e-16 * 2.5**1.28 * width / 0.070
    e = np.linspace(energy - 0.08, energy + 0.02, 21)
    expected = height * np.exp(-4 * np.log(2) * ((e - energy) / 0.070) ** 2)
    got = cross_section("InAs", [5.0], HC / e)[0]
    assert got == pytest.approx(expected, rel=0.02, abs=0.0)  # the foot of the continuum is the rest
    found = absorption(flask_of("InAs", {"seed": (5.0, 1000)}, control=2e-12), wavelength=HC / e, path=0.1)
    assert found.sel(part="seed").values == pytest.approx(1000 / 2e-12 * got * 0.1 / LN10, rel=1e-12, abs=0.0)
    assert float(found.sel(part=["nucleated", "dissolved"]).max()) == 0.0


@pytest.mark.parametrize("radius", [1.6, 2.0, 2.5, 3.0, 3.45])
def test_inas_at_276_ev(radius: float) -> None:
    """Yu, Beard, Ellingson 2005: 6.2e-16 R^3 cm^2 for radii 1.6 to 3.45 nm."""
    assert cross_section("InAs", [2 * radius], [HC / 2.76])[0, 0] == pytest.approx(
        6.2e-16 * radius**3, rel=2e-3, abs=0.0)


def test_cdse_at_350_nm() -> None:
    """Leatherdale 2002: 5.501e5 a^3 / cm, a in cm."""
    d = np.array([2.4, 3.0, 4.0, 6.0])
    assert cross_section("CdSe", d, [350.0])[:, 0] == pytest.approx(5.501e5 * (0.5e-7 * d) ** 3, rel=2e-3, abs=0.0)


def test_the_samples_that_were_measured_have_their_peak() -> None:
    """A 10 % ensemble of InAs has the cross section printed; the curvature of 1/d costs a few per cent."""
    for mean in (4.0, 5.0, 6.0):
        d, n = gaussian_sizes(mean, 0.10)
        e = np.linspace(0.9, 1.1, 201) * (0.354 + 3.79 / mean)
        peak = (n @ cross_section("InAs", d, HC / e))
        height = peak[: int(np.argmax(np.diff(peak) < 0)) + 1].max() / n.sum()
        assert height == pytest.approx(3.15e-16 * (mean / 2) ** 1.28, rel=0.08, abs=0.0)


def test_yu_extinction_of_a_cdse_sample() -> None:
    """Samples with a half width of 14 nm have 5857 d^2.65 L/(mol cm) at their peak (Yu 2003)."""
    d0 = 4.0
    curve = sizing_curve("CdSe")
    energy = float(curve.energy(d0))
    half = 14.0 * energy**2 / HC
    std = np.sqrt(half**2 - 0.030**2) / 1.17741 / abs(float(curve.slope(d0)))
    d, n = gaussian_sizes(d0, std / d0)
    sigma = (n @ cross_section("CdSe", d, [HC / energy]))[0] / n.sum()
    assert sigma * N_A / 1000 / LN10 == pytest.approx(5857 * d0**2.65, rel=0.06)


def test_a_gaussian_of_sizes_widens_the_line_as_the_convolution_does() -> None:
    d0, rel = 5.0, 0.02
    curve = sizing_curve("InAs")
    result = flask_of("InAs", {"seed": gaussian_sizes(d0, rel)})
    energy, sigma = float(curve.energy(d0)), abs(float(curve.slope(d0))) * rel * d0
    single = 0.070 / 2.35482
    e = np.linspace(energy - 2.5 * single, energy + single, 40)
    got = absorption(result, wavelength=HC / e).sum("part").values
    total = np.hypot(single, sigma)
    shape = np.exp(-0.5 * ((e - energy) / total) ** 2)
    assert got / got.max() == pytest.approx(shape / shape.max(), abs=0.012)
    narrow = np.exp(-0.5 * ((e - energy) / single) ** 2)
    assert np.abs(got / got.max() - narrow).max() > 0.03  # the test sees the widening


def test_concentration_follows_the_volume() -> None:
    result = flask_of("InAs", {"seed": (4.0, 500), "nucleated": (3.0, 100)}, species={"MSC": 1e-3}, volumes=(5.0, 10.0))
    both = absorption(result, time=[0.0, 60.0], wavelength=[450.0, 900.0])
    assert both.dims == ("time", "part", "wavelength")
    ratio = both.isel(time=0) / both.isel(time=1)
    assert ratio.sel(part="seed").values == pytest.approx([2.0, 2.0])
    assert float(ratio.sel(part="dissolved", wavelength=450.0)) == pytest.approx(1.0)
    last = absorption(result, wavelength=[450.0, 900.0])
    xr.testing.assert_allclose(last, both.isel(time=1))
    epsilon = cluster_extinction(load_material("InAs").clusters["MSC"], [450.0])[0]
    assert float(last.sel(part="dissolved", wavelength=450.0)) == pytest.approx(1e-3 * epsilon)


def test_trace_and_replicates() -> None:
    a = flask_of("InAs", {"seed": (4.0, 500)}, volumes=(5.0, 6.0))
    b = flask_of("InAs", {"seed": (4.0, 300)}, volumes=(5.0, 6.0))
    both = xr.concat([a, b], dim="replicate", data_vars=["particle_count", "concentration", "volume"])
    both = both.assign_coords(replicate=[0, 1])
    line = trace(both, wavelength=700.0)
    assert line.dims == ("time",)
    assert line.values == pytest.approx(0.5 * (trace(a, wavelength=700.0) + trace(b, wavelength=700.0)).values)
    assert trace(both, wavelength=700.0, replicate=1).values == pytest.approx(trace(b, wavelength=700.0).values)
    assert trace(a, wavelength=[500.0, 700.0], part="seed").dims == ("time", "wavelength")


def test_seeds_of_a_run_absorb_by_their_concentration() -> None:
    """0.1 mM seeds, in a solvent that expands: at 25 degC sizes and concentration are those of the recipe."""
    changes = {"simulation.particles": 200, "simulation.duration": "1 s", "simulation.snapshots": 2,
               "flask.expansion": "9e-4 / K", "seeds.0.relative_std": 0.02, "seeds.0.diameter": "4 nm"}
    result = kg.simulate(kg.load_recipe("inas_continuous_injection", changes=changes), rng=1)
    got = float(absorption(result, time=0.0, wavelength=[HC / 2.76]).sel(part="seed").item())
    diluted = 1.0 + 9e-4 * (300.0 - 25.0)
    d3 = float((result["particle_count"].isel(time=0).sum("origin") * result["diameter"] ** 3).sum()) / 200
    expected = 1e-4 * N_A / 1000 / diluted * 6.2e-16 * d3 / 8 / LN10
    assert got == pytest.approx(expected, rel=5e-3)


@pytest.fixture(scope="module")
def conversion() -> Any:
    return kg.simulate(kg.load_recipe("inas_conversion_70"), rng=1)


def test_conversion_is_first_order_in_a457(conversion: Any) -> None:
    """10.1021/jacsau.3c00809, Fig. 1C: 8.3e-3 /min from A(457 nm)."""
    line = trace(conversion, wavelength=457.0)
    t = line["time"].values / 60.0
    (k, _, _), _ = curve_fit(lambda t, k, a, b: a - b * np.exp(-k * t), t, line.values, p0=(0.01, 150, 150))
    assert k == pytest.approx(8.3e-3, rel=0.01)  # 450 000 clusters: 0.2 % of noise
    assert float(line[0]) < 0.05 * float(line[-1])


def test_conversion_has_one_isosbestic_point(conversion: Any) -> None:
    spectra = absorption(conversion, time=conversion["time"].values)
    (point,) = isosbestic_points(spectra)
    amc, msc = (load_material("InAs").clusters[n] for n in ("AMC", "MSC"))
    crossing = brentq(lambda w: float(cluster_extinction(amc, w) - cluster_extinction(msc, w)), 390.0, 415.0)
    assert point.wavelength == pytest.approx(crossing, abs=0.2)
    assert point.absorbance == pytest.approx(3.2e-3 * float(cluster_extinction(amc, crossing)), rel=2e-3)
    assert point.spread < 2e-3


def test_amorphous_clusters_have_an_inflection_and_magic_ones_a_doublet(conversion: Any) -> None:
    amc = first_exciton(absorption(conversion, time=0.0))
    msc = first_exciton(absorption(conversion))
    assert amc is not None and msc is not None
    assert amc.kind == "inflection" and amc.wavelength == pytest.approx(400.0, abs=2.0)
    assert amc.half_width == pytest.approx(0.225, abs=0.01)  # half of the width of the step
    assert msc.kind == "peak" and msc.wavelength == pytest.approx(457.0, abs=1.5)
    one = flask_of("InAs", {}, species={"MSC": 1e-4})
    a = absorption(one, wavelength=np.arange(380.0, 500.0)).sum("part")
    tops = [float(a["wavelength"][i]) for i in range(1, 119) if a[i] > a[i - 1] and a[i] > a[i + 1]]
    assert tops == pytest.approx([420.0, 457.0], abs=1.5)


def test_species_apart(conversion: Any) -> None:
    each = species_absorption(conversion, time=3600.0, wavelength=[400.0, 457.0])
    assert each["species"].values.tolist() == ["AMC", "MSC"]
    whole = absorption(conversion, time=3600.0, wavelength=[400.0, 457.0]).sel(part="dissolved")
    assert each.sum("species").values == pytest.approx(whole.values)


RECIPE = """
material = "CdS"
[flask]
volume = "1 mL"
temperature = "25 degC"
contents = {{ X = "0.1 mM" }}
[species.X]
formula_units = 20
{line}
[nucleation]
law = "none"
[[loss]]
species = "X"
rate = "1e-9 / s"
[simulation]
duration = "1 min"
snapshots = 2
formula_units = 100_000
"""


def test_a_species_shows_the_bands_of_the_cluster_it_names() -> None:
    with_bands = kg.simulate(kg.parse_recipe(RECIPE.format(line='cluster = "Cd37S20_alpha"')), rng=1)
    found = first_exciton(absorption(with_bands))
    assert found is not None and found.wavelength == pytest.approx(324.0, abs=1.0)
    without = kg.simulate(kg.parse_recipe(RECIPE.format(line="")), rng=1)
    assert float(absorption(without).max()) == 0.0
    assert first_exciton(absorption(without)) is None


@pytest.mark.parametrize("method", ["exact", "leap", "balance"])
def test_every_method(method: str) -> None:
    """Fed InAs seeds of 12 %: the first exciton moves red, and the size read follows the mean.

    2 % of bias (below), and a flat top whose place the counts of 2000 particles move by another 2 % (one sigma)."""
    changes = {"simulation.particles": 2000, "simulation.duration": "10 min", "simulation.snapshots": 3,
               "simulation.method": method}
    result = kg.simulate(kg.load_recipe("inas_continuous_injection", changes=changes), rng=1)
    found = sizes_over_time(result)
    assert np.all(np.diff(found["wavelength"].values) > 20.0)
    assert found["diameter"].values == pytest.approx(found["true_mean_diameter"].values, rel=0.06)
    assert found["true_mean_diameter"].values == pytest.approx(result["mean_diameter"].sel(population="all"), rel=1e-3)


@pytest.mark.parametrize("mean", [3.5, 4.5, 6.0, 8.0])
@pytest.mark.parametrize("spread", [0.05, 0.08, 0.12])
def test_sizes_read_back(mean: float, spread: float) -> None:
    """The bias that docs/observables.md states: the diameter within 3 %, the width up to 15 % too small."""
    spectrum = absorption(flask_of("InAs", {"seed": gaussian_sizes(mean, spread)}), wavelength=WIDE)
    got = size_from_spectrum(spectrum, material="InAs")
    assert got is not None and got.known
    assert got.diameter == pytest.approx(mean, rel=0.03)
    assert got.volume == pytest.approx(np.pi / 6 * got.diameter**3)
    assert 0.85 < got.relative_std / spread < 1.05
    naive = size_from_spectrum(spectrum, material="InAs", subtract="difference")
    assert naive is not None and naive.relative_std < got.relative_std


def test_one_size_read_back_has_no_width() -> None:
    spectrum = absorption(flask_of("CdSe", {"seed": (4.0, 100)}), wavelength=np.arange(400.0, 700.0, 0.25))
    got = size_from_spectrum(spectrum, material="CdSe", method="fit")
    assert got is not None and got.diameter == pytest.approx(4.0, rel=2e-3) and got.relative_std < 0.01


def test_brus_reads_other_sizes() -> None:
    spectrum = absorption(flask_of("InAs", {"seed": (5.0, 100)}), wavelength=WIDE)
    got = size_from_spectrum(spectrum, material="InAs", sizing="Brus")
    assert got is not None
    brus = BrusCurve(0.354, 0.023, 0.41, 15.15)
    assert got.diameter == pytest.approx(brentq(lambda d: float(brus.energy(d)) - got.feature.energy, 1, 100), rel=1e-6)
    assert got.diameter > 1.7 * 5.0


def test_volumes_by_brus_go_with_the_root_of_the_volume() -> None:
    """E - E_g = slope/d = kinetic/d_B^2 less a small Coulomb term: d_B^2 goes with d, so V_B with V^(1/2)."""
    curve, brus = sizing_curve("InAs"), sizing_curve("InAs", sizing="Brus")
    small, large = (float(brus.diameter(curve.energy(d))) for d in (3.0, 6.0))
    assert (large / small) ** 3 == pytest.approx((6.0 / 3.0) ** 1.5, rel=0.1)
    assert small**2 == pytest.approx(3.0 * 4 * 0.37603 * (1 / 0.023 + 1 / 0.41) / 3.79, rel=0.1)


def test_a_peak_with_a_known_rise_behind_it() -> None:
    """Two Gaussians: the top lies between, the fit finds the first alone."""
    e = np.linspace(0.8, 2.4, 2001)
    a = np.exp(-4 * np.log(2) * ((e - 1.2) / 0.2) ** 2) + 2 * np.exp(-4 * np.log(2) * ((e - 1.6) / 0.4) ** 2)
    top, fitted = (first_exciton((HC / e, a), method=m) for m in ("maximum", "fit"))  # type: ignore[arg-type]
    assert top is not None and fitted is not None
    assert 1.2 < fitted.energy + 1e-3 < top.energy
    assert fitted.energy == pytest.approx(1.2, abs=1e-3) and fitted.half_width == pytest.approx(0.1, abs=1e-3)


def test_noise_needs_smoothing() -> None:
    e = np.linspace(0.8, 2.0, 1201)
    clean = np.exp(-4 * np.log(2) * ((e - 1.3) / 0.2) ** 2)
    noisy = clean + 0.02 * np.random.default_rng(3).standard_normal(e.size)
    rough = first_exciton((HC / e, noisy))
    assert rough is not None and rough.energy < 1.2
    got = first_exciton((HC / e, noisy), smooth=0.015, least=0.1)
    assert got is not None and got.energy == pytest.approx(1.3, abs=0.01)


BASE = {"seed": (4.0, 10)}


@pytest.mark.parametrize(("arguments", "start"), [
    ({"time": np.inf}, "time: "), ({"path": 0.0}, "path: "), ({"path": np.nan}, "path: "),
    ({"wavelength": [-1.0]}, "wavelength: "), ({"wavelength": []}, "wavelength: "),
    ({"replicate": 3}, "replicate: "), ({"sizing": "none such"}, "sizing: "),
])
def test_wrong_arguments(arguments: dict[str, Any], start: str) -> None:
    with pytest.raises(BadInput, match=f"^{start}") as caught:
        absorption(flask_of("InAs", BASE), **arguments)
    assert "\n" not in str(caught.value)


def test_wrong_spectra() -> None:
    result = flask_of("InAs", BASE, volumes=(1.0, 1.0))
    both = absorption(result, time=[0.0, 60.0])
    with pytest.raises(BadInput, match="one spectrum"):
        first_exciton(both)
    with pytest.raises(BadInput, match="at least four"):
        first_exciton(([500.0, 600.0], [1.0, 2.0]))
    with pytest.raises(BadInput, match="different from each other"):
        first_exciton(([500.0, 500.0, 600.0, 700.0], [1.0, 2.0, 1.0, 0.0]))
    with pytest.raises(BadInput, match=r"^method: "):
        first_exciton(both.isel(time=0), method="eye")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"^subtract: "):
        size_from_spectrum(both.isel(time=0), material="InAs", subtract="x")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="two or more spectra"):
        isosbestic_points(both.isel(time=0))
    with pytest.raises(BadInput, match=r"^part: "):
        trace(result, part="all")
    with pytest.raises(BadInput, match=r"^diameter: "):
        cross_section("InAs", [0.0], [500.0])
    with pytest.raises(BadInput, match='"gold"'):
        cross_section("gold", [3.0], [500.0])
