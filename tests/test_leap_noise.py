"""Noise in leaps: of a pool hardly touched, of few molecules that meet, of a catalyst. Thresholds: p below 1e-9."""

from __future__ import annotations

import numpy as np
from leaps import FAST, SIX, stiff
from models import VOLUME, box, reaction, species, sphere_tables, tables
from scipy.sparse import diags
from scipy.sparse.linalg import expm_multiply

from kmcgrowth.model.types import FloatArray, Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.leap import LeapRun


def ends(engine: type[ExactRun] | type[LeapRun], model: Model, time: float, runs: int, seed: int) -> FloatArray:
    """Amounts of the dissolved species at the end of runs, (run, species)."""
    found = []
    for k in range(runs):
        run = engine(model, np.random.default_rng([seed, k]))
        run.advance(time)
        found.append(run.counts().amounts)
    return np.array(found, dtype=float)


def test_a_pool_that_is_hardly_touched_has_the_noise_of_the_particles() -> None:
    """Twenty particles in a well of size, each a chain by itself, as the pool stays what it is: its master equation."""
    number, time, runs, pool = 20, 120.0, 14_000, 24_000_000
    rates = tables(lambda n: 1.0 + 0.0 * n, lambda n: 12.0 * (n / 1000.0) ** 3)
    volume = pool / 12 * VOLUME
    model = box(pool, (1000,) * number, tables=rates, control_volume=volume, flask_volume=1e9 * volume)
    n = np.arange(700, 1301)
    up, down = np.full(n.size, 12.0), 12.0 * (n / 1000.0) ** 3
    up[-1] = down[0] = 0.0
    flow = diags([up[:-1], -(up + down), down[1:]], [-1, 0, 1], format="csc")
    p = expm_multiply(flow * time, (n == 1000).astype(float))
    mean = float(n @ p)
    expected = number * float((n - mean) ** 2 @ p)
    found = ends(LeapRun, model, time, runs, 71)[:, 0]
    # the logarithm of a variance of nearly Gaussian draws; a pool with books of its own is off by 0.12
    off = np.log(found.var(ddof=1) / expected)
    assert abs(off) < SIX * np.sqrt(2.0 / runs), off
    assert abs(found.mean() - pool - number * (1000.0 - mean)) < SIX * np.sqrt(expected / runs) + 0.5


def test_steps_that_hold_few_events_are_not_leapt() -> None:
    """Else the whole units that settle the books would widen the sizes."""
    model = box(280, (20_000,) * 20, tables=sphere_tables(0.5, 14.0, 0.0), control_volume=20 * VOLUME,
                flask_volume=2e7 * VOLUME)
    per_second = 20 * 2 * 14 * 0.5 * 20_000 ** (1 / 3)
    few, many = LeapRun(model, np.random.default_rng(1)), LeapRun(model, np.random.default_rng(1))
    for k in range(1, 31):
        few.advance(k * 300.0 / per_second)
    many.advance(90_000.0 / per_second)
    assert few._kernel.leaps == 0 and many._kernel.leaps > 0


def test_few_molecules_that_meet_have_the_yields_of_every_event() -> None:
    """S -> A slowly, A -> P or 2 A -> Q with about one A there; the yields never forget."""
    model = stiff(60, **species({"monomer": 840, "S": 200, "A": 0, "P": 0, "Q": 0}, {"S": 1, "A": 1, "P": 1, "Q": 2}),
                  tables=FAST, reactions=(reaction({1: 1}, {2: 1}, 0.02), reaction({2: 1}, {3: 1}, 1.0),
                                          reaction({2: 2}, {4: 1}, 120.0)))
    runs = 250
    exact, leap = (ends(engine, model, 6.0, runs, 101)[:, 3:] for engine in (ExactRun, LeapRun))
    error = np.sqrt((exact.var(axis=0) + leap.var(axis=0)) / runs)
    assert np.all(np.abs(exact.mean(axis=0) - leap.mean(axis=0)) < SIX * error)
    assert SIX * error[0] < 0.25 * exact[:, 0].mean(), "the error of careless leaps, 30 % of P, would be seen"


def test_what_a_short_lived_catalyst_converts_has_its_noise() -> None:
    """S -> C -> nothing within 0.1 s, and A + C -> C; the variance of A is mostly that of the catalyst's number."""
    number, lifetime, there = 60, 0.1, 30
    model = stiff(
        number, tables=FAST,
        **species({"monomer": 840, "S": 10_000_000, "C": there, "A": 200_000}, {"S": 1, "C": 1, "A": 1}),
        reactions=(reaction({1: 1}, {2: 1}, there / lifetime / 1e7), reaction({2: 1}, {}, 1.0 / lifetime, lost=True),
                   reaction({3: 1, 2: 1}, {2: 1}, 0.0005 * number, lost=True, name="catalysed")),
    )
    runs = 130
    exact, leap = (ends(engine, model, 6.0, runs, 21)[:, 3] for engine in (ExactRun, LeapRun))
    # logarithms of two variances; without the catalyst's noise a quarter of it is left
    assert abs(np.log(leap.var() / exact.var())) < SIX * np.sqrt(4.0 / runs)


def test_what_is_used_up_at_order_zero_as_fast_as_it_comes_takes_no_longer() -> None:
    model = stiff(60, **species({"monomer": 840, "S": 400, "A": 0}, {"S": 1, "A": 1}), tables=FAST,
                  reactions=(reaction({1: 1}, {2: 1}, 0.005), reaction({2: 1}, {}, 0.5, orders={}, lost=True)))
    run = LeapRun(model, np.random.default_rng(1))
    run.advance(1.0)
    assert run._kernel.windows < 1000
