"""The compiled leap against the plain one: same steps, same distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import UNLIKELY
from models import ROOM, VOLUME, box, classical, power_law, reaction, species, sphere_tables, syringe, tables
from scipy import stats

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import FloatArray, Model, Nucleation, RateConstant, Sticking
from kmcgrowth.reactor.leap import LeapRun
from kmcgrowth.reactor.leap_twin import Flask, leap

SIX = 6.1
SPHERES = sphere_tables(0.5, 10.0, 2.0)


def stick(temperature: float, n_max: int) -> FloatArray:
    """Rates of the clusters that stick [m^3/s]."""
    return 0.03 * VOLUME * np.arange(n_max + 1.0) ** (1 / 3)


MODELS: dict[str, tuple[Model, float]] = {
    "closed": (box(15, (30, 40, 50, 60, 80, 100), tables=SPHERES), 0.6),
    "fed": (box(15, (60, 80, 100), tables=SPHERES, syringes=(syringe({0: 300}, 1.0, (0.0, 0.1)),)), 0.6),
    "chemistry": (
        box(
            15, (60, 80, 100), **species({"monomer": 15, "A": 50, "B": 3}, {"A": 4, "B": 4}), tables=SPHERES,
            reactions=(
                reaction({1: 1}, {2: 1}, 0.3), reaction({2: 1}, {0: 4}, 1.0), reaction({0: 1}, {}, 0.3, lost=True),
                reaction({1: 1}, {}, 0.1, name="A is lost", lost=True),
            ),
        ), 0.6,
    ),
    "sticking": (
        box(15, (60, 80, 100), **species({"monomer": 15, "A": 50}, {"A": 4}), tables=SPHERES,
            sticking=(Sticking(1, 4, stick),)), 0.6,
    ),
    "born of clusters": (
        box(15, (60, 80, 100), **species({"monomer": 15, "A": 50}, {"A": 40}), tables=SPHERES,
            nucleation=Nucleation("cluster", cluster=1, rate=RateConstant(0.1, ROOM, 0.0))), 0.6,
    ),
    "born": (
        box(250, (500,) * 30, tables=tables(power_law(1e-3), power_law(0.2)), nucleation=classical(2.0, 0.02)), 0.4,
    ),
    "slow pool": (box(4000, (60, 80, 100), tables=tables(power_law(2e-3, 1 / 3), power_law(0.5))), 0.6),
}


def look(sizes: Any, amounts: Any, born: int) -> tuple[float, ...]:
    """Particles, units in them and in the first and the last, monomers, other molecules, births."""
    n = np.array(sizes, dtype=float)
    return (float(n.size), float(n.sum()), float(n.max(initial=0)), float(n.min(initial=0)), float(amounts[0]),
            float(sum(amounts[1:])), float(born))


@pytest.mark.parametrize("name", MODELS)
def test_kernel_and_plain_leap_agree(name: str) -> None:
    """Means within 6.1 standard errors and distributions by Kolmogorov and Smirnov, after three equal steps."""
    model, tau = MODELS[name]
    plain, kernel = [], []
    for k in range(60):
        rng = np.random.default_rng([40, k])
        flask = Flask.of(model, rng)
        for _ in range(3):
            flask = leap(model, flask, tau, rng)
        plain.append(look(flask.sizes, flask.amounts, flask.born))
    for k in range(400):
        run = LeapRun(model, np.random.default_rng([41, k]))
        run._kernel.always, run._kernel.fixed = True, tau
        run.advance(3.0 * tau * (1.0 - 1e-12))
        live = run._kernel.arrays()
        assert run._kernel.leaps == 3
        kernel.append(look(live["size"], live["count"], int(run._kernel.born)))
    one, two = np.array(plain), np.array(kernel)
    error = np.sqrt(one.var(axis=0, ddof=1) / len(one) + two.var(axis=0, ddof=1) / len(two))
    assert np.all(np.abs(one.mean(axis=0) - two.mean(axis=0)) <= SIX * error + 1e-9)
    for a, b in zip(one.T, two.T, strict=True):
        assert stats.ks_2samp(a, b).pvalue > UNLIKELY
        # a variance of 60 draws is known to 18 %, one of 400 to 7 %; the tails of sizes and births double that
        if a.var() > 1.0:
            assert abs(np.log(a.var() / b.var())) < SIX * 2.0 * 0.2


def test_the_plain_leap_keeps_the_matter() -> None:
    model, tau = MODELS["chemistry"]
    rng = np.random.default_rng(42)
    flask = Flask.of(model, rng)
    lost = 0
    for _ in range(5):
        held = sum(flask.sizes) + flask.amounts @ model.formula_units
        flask = leap(model, flask, tau, rng)
        left = sum(flask.sizes) + flask.amounts @ model.formula_units
        assert 0 <= held - left < 40 and flask.amounts.min() >= 0
        lost += held - left
    assert lost > 0


def test_the_plain_leap_says_what_it_does_not_know() -> None:
    with pytest.raises(BadInput, match="first-order"):
        Flask.of(box(5, reactions=(reaction({0: 2}, {0: 2}, 1.0),)), np.random.default_rng(0))
