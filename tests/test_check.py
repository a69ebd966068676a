"""The forecast and the text of ``check``, against closed forms, the model's own numbers and the exact engine."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.check import predict, report
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import MONOMER, RateConstant
from kmcgrowth.physics.constants import N_A
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.forecast import forecast

RECIPE = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = "300 degC"
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
concentration = "0.1 mM"
[[injection]]
rate = "0.1 mL/min"
volume = "9 mL"
contents = { monomer = "71 mM" }
[growth]
diffusion = "1e3 nm^2/s"
surface_rate = "inf"
solubility = "1 uM"
surface_energy = "0.15 J/m^2"
[nucleation]
law = "classical"
prefactor = "1e31 / m^3 / s"
[simulation]
particles = 2000
duration = "90 min"
"""
WITH_CLUSTER = RECIPE.replace('monomer = "71 mM"', 'AMC = "3.2 mM"').replace("[growth]", """[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "0.1 / s"
[growth]""")


def course(**changes: Any) -> Any:
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    return forecast(build_model(kg.parse_recipe(RECIPE, changes=keys)))


# -- closed forms -----------------------------------------------------------------------------


def test_a_first_order_chain_follows_its_exponentials() -> None:
    """A -> B -> nothing: A = A0 exp(-k t), B = A0 k/(m - k) (exp(-k t) - exp(-m t))."""
    k, m, start = 3.0, 0.5, 1_000_000
    model = models.box(
        **models.species({"A": start, "B": 0}, {"A": 1, "B": 1}),
        reactions=(models.reaction({1: 1}, {2: 1}, k), models.reaction({2: 1}, {}, m, lost=True)), duration=4.0,
    )
    found = forecast(model)
    assert found.finished
    a = np.exp(-k * found.time)
    b = k / (m - k) * (a - np.exp(-m * found.time))
    np.testing.assert_allclose(found.amounts[:, 1] / start, a, atol=5e-3)
    np.testing.assert_allclose(found.amounts[:, 2] / start, b, atol=5e-3)
    events = (1.0 - a[-1]) + (1.0 - a[-1] - b[-1])  # each molecule reacts once, then once more
    assert found.events == pytest.approx(start * events, rel=5e-3)


def test_a_much_faster_reaction_does_not_stop_it() -> None:
    fast = models.box(
        **models.species({"A": 10_000}, {"A": 1}), reactions=(models.reaction({1: 1}, {0: 1}, 1e9),), duration=10.0,
    )
    found = forecast(fast)
    assert found.finished
    assert found.amounts[-1, MONOMER] == pytest.approx(10_000, rel=1e-3)


def test_volume_and_contents_of_syringes_and_aliquots() -> None:
    model = models.box(
        **models.species({"A": 0}, {}), duration=4.0,
        syringes=(models.syringe({1: 8000}, 0.8, (0.5, 0.4), (1.0, 0.0), (2.0, 0.6)), models.shot(1.5, {1: 500}, 0.3)),
        withdrawals=(),
    )
    found = forecast(model, times=np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0]))
    np.testing.assert_allclose(found.volume / models.VOLUME, [1.0, 1.0, 1.2, 1.5, 1.5, 1.8, 2.1, 2.1], rtol=1e-9)
    np.testing.assert_allclose(found.amounts[:, 1], [0, 0, 2000, 2500, 2500, 5500, 8500, 8500], rtol=1e-2, atol=1.0)
    taken = forecast(replace(model, withdrawals=(models.Withdrawal(3.5, 0.7 * models.VOLUME),)))
    assert taken.volume[-1] / models.VOLUME == pytest.approx(1.4)
    assert taken.amounts[-1, 1] == pytest.approx(8500 * 2 / 3, rel=1e-2)


def test_a_steady_feed_holds_the_known_supersaturation_and_focusing_number() -> None:
    """S = exp(l_c/r) + q/(4 pi D r c_inf) and k = 1 + q/(4 pi D c_inf l_c exp(l_c/r)) for narrow seeds."""
    recipe = kg.parse_recipe(RECIPE, changes={"seeds.0.relative_std": 0.0, "nucleation.law": "none"})
    model = build_model(recipe)
    found = forecast(model)
    T = 573.15
    late = slice(4, -1)
    r = 0.5 * found.mean_diameter[late]
    q = found.supply[late] / found.seeds[late]
    length, c_inf, D = model.capillary_length(T), model.solubility(T), 1e-15
    rate = 71.0 * N_A * 1e-7 / 60.0 * model.control_volume / model.flask_volume / model.seeds[0].number
    np.testing.assert_allclose(q, rate, rtol=1e-9)
    S = np.exp(length / r) + q / (4.0 * np.pi * D * r * c_inf)
    np.testing.assert_allclose(found.supersaturation[late], S, rtol=0.02)
    k = 1.0 + q / (4.0 * np.pi * D * c_inf * length * np.exp(length / r))
    np.testing.assert_allclose(found.focusing[late], k, rtol=0.02)


def test_matter_is_conserved() -> None:
    """What the particles and the solution hold is what was there and what has been fed."""
    model = build_model(kg.parse_recipe(RECIPE))
    found = course(nucleation__law="none", seeds__0__relative_std=0.0)
    held = np.pi / 6.0 * found.mean_diameter**3 / model.unit_volume * found.seeds + found.amounts[:, MONOMER]
    fed = found.time * 0.1e-6 / 60.0 * 71.0 * N_A * model.control_volume / model.flask_volume
    np.testing.assert_allclose(held, held[0] + fed, rtol=3e-3)


# -- known regimes and the exact engine ---------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "minutes", "diameter", "width", "born"),
    [
        ("0.02 mL/min", 450, None, (0.09, 0.125), (0.0, 1e-9)),
        ("0.1 mL/min", 90, (4.5, 5.0), (0.035, 0.055), (0.0, 5e-5)),
        ("0.5 mL/min", 18, None, None, (1.7, 2.8)),
    ],
)
def test_the_three_regimes_of_a_feed(rate: str, minutes: int, diameter: Any, width: Any, born: Any) -> None:
    """Focusing with slight ripening, focusing, and a second population: the parameter set of the design's physics."""
    found = course(injection__0__rate=rate, simulation__duration=f"{minutes} min")
    assert found.finished
    if diameter:
        assert diameter[0] < found.mean_diameter[-1] * 1e9 < diameter[1]
    if width:
        assert width[0] < found.relative_std[-1] < width[1]
    assert born[0] <= found.born[-1] / found.seeds[0] <= born[1]


@pytest.mark.parametrize("rate", ["0.02 mL/min", "0.1 mL/min", "0.5 mL/min"])
def test_events_and_sizes_agree_with_the_exact_engine(rate: str) -> None:
    recipe = kg.parse_recipe(RECIPE, changes={"injection.0.rate": rate, "simulation.duration": "20 min"})
    model = build_model(recipe)
    run = ExactRun(model, np.random.Generator(np.random.SFC64(1)))
    run.advance(model.duration)
    counts = run.counts()
    found = predict(recipe, model).course
    assert 0.5 < found.events / run.events < 2.0
    every = counts.seed + counts.nucleated
    mean = float(every @ (2.0 * model.radius(counts.sizes)) / every.sum())
    assert found.mean_diameter[-1] == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize("law", ["none", "classical", "power", "cluster", "explicit"])
def test_a_crowded_model_is_forecast_to_its_end(law: str) -> None:
    found = forecast(models.everything(law))
    assert found.finished
    assert np.all(found.amounts >= 0.0) and np.isfinite(found.events)


def test_a_ramp_without_seeds_is_forecast_to_its_end() -> None:
    text = RECIPE.replace('temperature = "300 degC"', 'temperature = [["0 min", "25 degC"], ["90 min", "300 degC"]]')
    text = text[: text.index("[[seeds]]")] + text[text.index("[[injection]]") :]
    changes = {
        "growth.solubility": {"value": "1 uM", "at": "300 degC", "activation_energy": "0.8 eV"},
        "growth.diffusion": {"value": "1e3 nm^2/s", "at": "300 degC", "activation_energy": "0.19 eV"},
    }
    model = build_model(kg.parse_recipe(text, changes=changes))
    found = forecast(model)
    assert found.finished and found.born[-1] > 0.0 and np.all(np.isnan(found.nucleation_limit))


def test_the_forecast_is_quick() -> None:
    recipe = kg.load_recipe("inas_continuous_injection")
    model = build_model(recipe)
    predict(recipe, model)
    began = time.process_time()
    predict(recipe, model)
    assert time.process_time() - began < 1.0  # 0.25 s on a quiet machine


# -- the report -------------------------------------------------------------------------------


def warned(**changes: Any) -> str:
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    recipe = kg.parse_recipe(RECIPE, changes=keys)
    return "\n".join(predict(recipe, build_model(recipe)).warnings)


def test_a_sound_recipe_is_not_warned_about() -> None:
    assert warned(simulation__particles=100_000) == ""


def test_warnings_name_what_is_doubtful() -> None:
    assert "growth.solubility" in warned(flask__temperature=[["0 min", "250 degC"], ["10 min", "300 degC"]])
    hot = warned(nucleation__prefactor="1e40 / m^3 / s", injection__0__rate="9 mL/min", simulation__duration="1 min")
    assert "below about 5" in hot and "cap" in hot
    assert "free monomers" in warned(simulation__particles=20)


def test_without_seeds_and_nucleation_nothing_can_grow() -> None:
    text = RECIPE[: RECIPE.index("[[seeds]]")] + RECIPE[RECIPE.index("[[injection]]") :]
    recipe = kg.parse_recipe(text, changes={"nucleation.law": "none"})
    assert "only the chemistry" in "\n".join(predict(recipe, build_model(recipe)).warnings)


def test_small_clusters_dissolve_and_it_says_so() -> None:
    recipe = kg.parse_recipe(WITH_CLUSTER, changes={
        "nucleation.law": "cluster", "nucleation.species": "AMC", "nucleation.rate": "1e-4 / s"})
    assert "22 formula units" in "\n".join(predict(recipe, build_model(recipe)).warnings)


def test_the_report_says_what_will_be_simulated() -> None:
    text = report(kg.parse_recipe(WITH_CLUSTER))
    for part in ("InAs", "7.5 mL", "300 degC", "2.5 nm", "12 %", "AMC 3.2 mM", "0.1 mL/min", "lifetime 10 s",
                 "classical", "expected events", "expected time", "expected memory", "2000 seeds"):
        assert part in text, part


def test_matter_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(BadInput, match="AMC"):
        report(kg.load_recipe(Path(__file__).parent / "wrong" / "no_way_to_growth.toml"))


def test_check_needs_neither_xarray_nor_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys, kmcgrowth as kg, kmcgrowth.check as c; c.report(kg.load_recipe('inas_continuous_injection'));"
        "sys.exit(any(name in sys.modules for name in ('xarray', 'matplotlib', 'h5py', 'scipy.integrate')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0


def test_rate_constants_are_read_at_zero_amounts() -> None:
    """A fast first-order release from an empty start must not make the solver explode (its slope at zero counts)."""
    model = models.box(
        **models.species({"A": 0}, {"A": 1}), duration=100.0,
        reactions=(replace(models.reaction({1: 1}, {0: 1}, 1.0), rate=RateConstant(1e7)),),
        syringes=(models.syringe({1: 10_000}, 1.0, (0.0, 0.02)),),
    )
    found = forecast(model)
    assert found.finished
    assert found.amounts[-1, MONOMER] == pytest.approx(10_000, rel=0.01)
