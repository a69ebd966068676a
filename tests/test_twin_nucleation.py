"""Births in the exact reactor against closed forms and an independent integration of the mean field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engines import UNLIKELY, Engine, assert_binomial, assert_poisson, engines
from models import (
    ROOM,
    UNIT_VOLUME,
    VOLUME,
    box,
    classical,
    no_rates,
    power_law,
    program,
    reaction,
    shot,
    species,
    syringe,
    tables,
)
from scipy.integrate import solve_ivp
from scipy.stats import binomtest

from kmcgrowth.model.types import Model, Nucleation, RateConstant
from kmcgrowth.physics.nucleation import newborn_size

COARSE = 0.05
"""Windows of 5 %: a straight line between their ends is still good to 3e-4, and the twin is spared time."""

KT = 1.380649e-23 * ROOM
GAMMA = 0.02
FLAT = 10.0
"""Monomers in ``VOLUME`` at the solubility of the models."""


@pytest.fixture(params=engines(), ids=lambda e: e.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


def born(counts: Any) -> int:
    """Births; checks the books on the way."""
    number = int(counts.tallies["born"])
    assert number == counts.nucleated.sum()
    assert counts.matter["debt"].sum() >= -counts.tallies["largest_debt"]
    return number


def births_of_fixed_particles(model: Model, time: float, supply: float) -> float:
    """Expected births when newborns do not grow, by PHYSICS: V9 at rate J/0.92, nuclei k_B T below the top."""
    prefactor, c0 = model.nucleation.prefactor(ROOM) * VOLUME, float(model.initial[0])
    barrier = 16.0 * np.pi * GAMMA**3 * UNIT_VOLUME**2 / (3.0 * KT**3)

    def derivative(_: float, y: Any) -> list[float]:
        log_s = np.log(max(y[0] / FLAT, 1.0 + 1e-12))
        rate = prefactor * np.exp(-barrier / log_s**2) / 0.92
        radius = 2.0 * GAMMA * UNIT_VOLUME / (KT * log_s) + 0.5 * np.sqrt(KT / (np.pi * GAMMA))
        units = max(2.0, np.rint(4.0 * np.pi * radius**3 / (3.0 * UNIT_VOLUME))) if rate > 1e-200 else 0.0
        return [supply - units * rate, rate]

    return float(solve_ivp(derivative, (0.0, time), [c0, 0.0], method="RK45", rtol=1e-8, max_step=time / 2000).y[1, -1])


def test_cluster_law_is_first_order(engine: Engine) -> None:
    law = Nucleation("cluster", cluster=1, rate=RateConstant(0.9))
    model = box(**species({"MSC": 20}, {"MSC": 22}), nucleation=law)
    found = engine.repeat(model, 1.0, born, 200, 31)
    assert_binomial(found, 20, 1.0 - np.exp(-0.9))
    run = engine.run(model, 32)
    run.advance(1.0)
    counts = run.counts()
    assert counts.sizes.tolist() == [22]
    assert counts.tallies["events"] == counts.nucleated.sum() == 20 - counts.amounts[1]


def test_power_law_without_growth(engine: Engine) -> None:
    # pairs are born (no surface energy): d<M>/dt = -2 A S/0.92 = -k <M>, births Poisson with (M0 - <M>)/2
    law = replace(classical(1.5, 0.0), law="power", exponent=1.0)
    model = box(100, nucleation=law, window=COARSE)
    decay = 2.0 * 1.5 / (0.92 * FLAT)
    assert_poisson(engine.repeat(model, 3.0, born, 25, 33), 50.0 * (1.0 - np.exp(-3.0 * decay)))


def test_encounters_cap_the_rate(engine: Engine) -> None:
    # J = K c^2: <M> = M0/(1 + 2 K M0 t/0.92)
    law = replace(classical(1e9, 0.0, encounter=0.004), law="power", exponent=1.0)
    model = box(100, nucleation=law, window=COARSE)
    left = 100.0 / (1.0 + 2.0 * 0.004 * 100.0 * 2.0 / 0.92)
    assert left > FLAT
    assert_poisson(engine.repeat(model, 2.0, born, 25, 34), (100.0 - left) / 2.0)


def test_classical_law_under_a_steady_feed(engine: Engine) -> None:
    # the syringe holds 300 monomers in hardly any volume; V grows by 1e-6
    model = box(20, nucleation=classical(1e4, GAMMA), syringes=(syringe({0: 300}, 1e-6, (0.0, 1e-6)),), window=COARSE)
    expected = births_of_fixed_particles(model, 1.0, 300.0)
    assert 5.0 < expected < 25.0
    assert_poisson(engine.repeat(model, 1.0, born, 20, 35), expected)


def test_classical_law_after_a_shot_and_in_debt(engine: Engine) -> None:
    # few monomers: births follow the mean field all the same, and what they lack is owed
    model = box(0, nucleation=classical(1e4, GAMMA), syringes=(shot(0.5, {0: 60}, 1e-9),), window=COARSE)
    start = replace(model, initial=np.array([60]))
    expected = births_of_fixed_particles(start, 1.0, 0.0)
    debts = []

    def look(counts: Any) -> int:
        debts.append(counts.tallies["largest_debt"])
        assert counts.amounts[0] >= 0
        return born(counts)

    assert_poisson(engine.repeat(model, 1.5, look, 16, 36), expected)
    assert max(debts) > 0.0


def test_mean_field_of_release_and_capture(engine: Engine) -> None:
    # A -> 3 monomers while particles capture at a constant rate a each: linear equations, solved by hand
    law = classical(0.0, GAMMA)
    model = box(
        50, (40,) * 8, **{**species({"monomer": 50, "A": 400}, {"A": 3}), "nucleation": law},
        tables=tables(power_law(0.25), no_rates), reactions=(reaction({1: 1}, {0: 3}, 0.7),),
    )
    run = engine.run(model, 37)
    for t in (0.2, 0.9, 1.7):
        run.advance(t)
        fed = 3.0 * 0.7 * 400.0 * (np.exp(-0.7 * t) - np.exp(-2.0 * t)) / (2.0 - 0.7)
        assert run.counts().supersaturation * FLAT == pytest.approx(50.0 * np.exp(-2.0 * t) + fed, rel=1e-3)


def test_mean_field_is_diluted_and_scaled(engine: Engine) -> None:
    # nothing reacts: c = N/V as V expands with the temperature and by a shot of pure solvent
    model = box(
        1000, nucleation=classical(0.0, GAMMA), expansion=0.01, syringes=(shot(0.5, {}, 0.4),),
        temperature=program((0.0, ROOM), (1.0, ROOM + 10.0)),
    )
    run = engine.run(model, 38)
    for t, volume in ((0.4, 1.04), (0.8, 1.4 * 1.08)):
        run.advance(t)
        assert run.counts().supersaturation * FLAT == pytest.approx(1000.0 / volume, rel=1e-4)
        assert run.counts().volume == pytest.approx(volume * VOLUME, rel=1e-9, abs=0.0)


def test_power_law_crosses_saturation(engine: Engine) -> None:
    # nuclei of S just above one are bounded, so a slow feed can lift the concentration beyond them
    law = replace(classical(0.02, GAMMA), law="power", exponent=3.0)
    model = box(0, nucleation=law, syringes=(syringe({0: 400}, 1e-6, (0.0, 1e-6)),), window=COARSE)
    run = engine.run(model, 39)
    run.advance(1.0)
    assert run.counts().supersaturation > 1.5


def test_nuclei_are_of_two_whole_sizes_whose_mean_is_right(engine: Engine) -> None:
    """The power law's nuclei of 1 < S < e are those of S = e, so that all are born alike."""
    law = replace(classical(2.0, GAMMA), law="power", exponent=1.0)
    model = box(2500, nucleation=law, control_volume=100.0 * VOLUME, flask_volume=1e9 * VOLUME, window=COARSE)
    size = float(newborn_size(np.e, GAMMA, UNIT_VOLUME, ROOM))
    assert 0.1 < size % 1.0 < 0.9
    run = engine.run(model, 41)
    run.advance(0.15)
    found = run.counts()
    assert born(found) > 40 and set(found.sizes.tolist()) == {int(size), int(size) + 1}
    assert binomtest(int(found.nucleated[1]), born(found), size % 1.0).pvalue > UNLIKELY
