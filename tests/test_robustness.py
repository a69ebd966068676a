"""The edges of what a recipe can ask for: each works, or is refused in one sentence, under every engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.check import report
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun

METHODS = ("exact", "leap", "balance")

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "3 nm"
relative_std = 0.1
concentration = "0.1 mM"
[growth]
diffusion = "1e3 nm^2/s"
solubility = "1 uM"
surface_energy = "0.15 J/m^2"
surface_rate = "inf"
[simulation]
particles = 300
duration = "1 hour"
snapshots = 3
seed = 1
"""


def simulate(method: str, text: str = RECIPE, **changes: Any) -> Any:
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    return kg.simulate(kg.parse_recipe(text, changes=keys), method=method)


def assert_matter_stays(result: Any) -> None:
    held = result["matter"].sum("place").values.astype(float)
    np.testing.assert_allclose(held, np.broadcast_to(held[0], held.shape), rtol=1e-10)


def without_seeds(text: str = RECIPE) -> str:
    return text[: text.index("[[seeds]]")] + text[text.index("[growth]"):]


every = pytest.mark.parametrize("method", METHODS)


@every
def test_months_of_flask_time(method: str) -> None:
    """Ripening for half a year: the clock tells events apart, and nothing is lost."""
    result = simulate(method, simulation__duration="180 days", simulation__particles=100,
                      growth__solubility="5 nM")
    assert float(result["time"][-1]) == 180 * 86400.0
    left = result["number"].sel(population="seed").values
    assert 0 < left[-1] < left[0]
    assert_matter_stays(result)
    assert float(result["supersaturation"][-1]) > 1.0


@every
def test_particles_of_a_million_units(method: str) -> None:
    """Dots of 50 nm, 1.2 million formula units: they hardly ripen, and the dataset bins their sizes."""
    result = simulate(method, seeds__0__diameter="50 nm", seeds__0__relative_std=0.02, seeds__0__concentration="1 nM",
                      simulation__duration="1 min", simulation__particles=200)
    # two hundred diameters of 2 %: the mean scatters by 0.14 %, and eight times that is beyond p = 1e-14
    assert float(result["mean_diameter"].sel(population="all")[-1]) == pytest.approx(50.0, rel=0.0113)
    assert_matter_stays(result)


@every
def test_an_empty_flask_is_refused(method: str) -> None:
    with pytest.raises(BadInput, match="hold no formula unit"):
        simulate(method, without_seeds())


@every
def test_one_particle(method: str) -> None:
    result = simulate(method, simulation__particles=1, simulation__duration="10 s")
    assert float(result["number"].sel(population="all")[0]) == pytest.approx(1.0)
    assert_matter_stays(result)


@every
def test_no_particle_is_left(method: str) -> None:
    """A solvent that dissolves more than there is leaves a clear solution at S below 1."""
    result = simulate(method, growth__solubility="1 M")
    assert float(result["number"].sel(population="all")[-1]) < 1e-6
    assert np.isnan(result["mean_diameter"].sel(population="seed")[-1])
    assert float(result["supersaturation"][-1]) < 1.0
    assert_matter_stays(result)
    dissolved = float(result["dissolved"].sel(origin="seed")[-1])
    assert dissolved == pytest.approx(300.0, rel=1e-6)


@every
def test_no_monomer_and_nothing_that_moves(method: str) -> None:
    """Hardly any solubility and a slow surface: the seeds stay as they are."""
    result = simulate(method, growth__solubility="1e-30 M", growth__surface_rate="1e-30 nm/s")
    diameter = result["mean_diameter"].sel(population="all").values
    assert diameter[-1] == pytest.approx(diameter[0], rel=1e-9)
    assert float(result["concentration"].sel(species="monomer")[-1]) == pytest.approx(0.0, abs=1e-15)


@every
def test_rates_of_zero(method: str) -> None:
    """A reaction and a loss that never happen; a feed that never does is refused."""
    text = RECIPE.replace("[growth]", """
[species.A]
formula_units = 2
[[reaction]]
equation = "A -> 2 monomer"
rate = "0 / s"
[[loss]]
species = "A"
rate = "0 / s"
[growth]""")
    result = simulate(method, text, flask__contents={"A": "1 mM"}, simulation__duration="10 s")
    amount = result["concentration"].sel(species="A").values
    assert amount[-1] == pytest.approx(amount[0], rel=1e-12, abs=0.0) and amount[0] > 0.0
    with pytest.raises(BadInput, match="never pushes anything"):
        simulate(method, text.replace("[growth]", """
[[injection]]
rate = [["0 min", "0 mL/hour"]]
volume = "1 mL"
contents = { monomer = "1 mM" }
[growth]"""))


@every
def test_a_supersaturation_below_one_without_nuclei(method: str) -> None:
    result = simulate(method, without_seeds(), flask__contents={"monomer": "0.5 uM"}, nucleation__law="classical",
                      nucleation__prefactor="1e31 / m^3 / s", simulation__formula_units=1000)
    assert float(result["born"][-1]) == 0.0
    assert float(result["supersaturation"][-1]) == pytest.approx(0.5, rel=0.01)


@every
def test_an_infinite_surface_rate_is_the_limit_of_large_ones(method: str) -> None:
    limit, large = (simulate(method, growth__surface_rate=rate) for rate in ("inf", "1e12 m/s"))
    a, b = (x["mean_diameter"].sel(population="all")[-1].item() for x in (limit, large))
    assert a == pytest.approx(b, rel=1e-6 if method == "balance" else 0.01)


def test_the_largest_counts_fit() -> None:
    """1e12 monomers in the pool and as many events to be expected: counted without overflow."""
    recipe = kg.parse_recipe(without_seeds(), changes={
        "flask.contents": {"monomer": "1 mM"}, "simulation.formula_units": 10**12, "growth.surface_rate": "inf"})
    model = build_model(recipe)
    assert int(model.initial[0]) == pytest.approx(10**12, rel=1e-6)
    for run in (ExactRun(model, np.random.default_rng(1)), BalanceRun(model)):
        run.advance(60.0)
        assert float(run.counts().amounts[0]) == pytest.approx(1e12, rel=1e-6)
    steady = kg.parse_recipe(RECIPE, changes={"growth.diffusion": "1e8 nm^2/s", "simulation.particles": 20_000_000})
    balance = BalanceRun(build_model(steady))
    balance.advance(steady.simulation.duration)
    assert balance.events > 10**12


@pytest.mark.parametrize("energy", ["0.5 J/m^2", "1 J/m^2"])
def test_seeds_of_a_high_surface_energy_dissolve_with_little_work(energy: str) -> None:
    """Dimers fall apart a hundred million times faster than seeds: most of all candidates must not be theirs."""
    model = build_model(kg.parse_recipe(RECIPE, changes={"growth.surface_energy": energy}))
    exact, pauses = ExactRun(model, np.random.default_rng(1)), 0

    def count() -> bool:
        nonlocal pauses
        pauses += 1
        return False

    exact.advance(600.0, stop=count)
    # a pause comes after some four million candidates or as much work at windows
    assert exact.events > 20_000 and pauses < 5
    leap = LeapRun(model, np.random.default_rng(2))
    leap.advance(600.0)
    one, two = (np.array([c.tallies["dissolved_seed"], c.matter["particles"][0]], dtype=float)
                for c in (exact.counts(), leap.counts()))
    # of 300 seeds with binomial noise at most
    assert abs(one[0] - two[0]) < 6.1 * np.sqrt(150.0) and one[0] > 30


@pytest.mark.parametrize("energy", ["2 J/m^2", "5 J/m^2"])
def test_a_forecast_that_fails_at_once_still_says_so(energy: str) -> None:
    recipe = kg.parse_recipe(RECIPE, changes={"growth.surface_energy": energy})
    assert "stiff" in report(recipe) or "engine" in report(recipe)
    with pytest.raises(kg.KmcgrowthError, match="use method"):
        kg.simulate(kg.parse_recipe(RECIPE, changes={"growth.surface_energy": "9 J/m^2"}), method="balance")


@pytest.mark.parametrize("method", ["exact", "leap", "twin"])
def test_the_field_of_an_empty_flask_is_what_is_there(method: str) -> None:
    result = simulate(method, seeds__0__diameter="0.6 nm", simulation__particles=5, simulation__duration="1 min",
                      growth__solubility="1 mM")
    assert int(result["number"].sel(population="all")[-1]) == 0
    monomer = float(result["concentration"].sel(species="monomer")[-1])
    assert float(result["supersaturation"][-1]) == pytest.approx(monomer / 1e-3, rel=1e-9)
