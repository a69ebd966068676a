"""Whatever the model, the compiled kernel keeps its books, its partition and its trajectory."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import (
    ROOM,
    VOLUME,
    box,
    classical,
    particles,
    program,
    reaction,
    shot,
    species,
    sphere_tables,
    syringe,
)

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, Model, Nucleation, RateConstant, Sticking, Withdrawal
from kmcgrowth.reactor.exact import ExactRun

FIXED = settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

UNITS = 6
"""Formula units of the clusters A and B."""

REACTIONS = (
    reaction({1: 1}, {2: 1}, 0.8, energy=1e-19, name="A -> B"),
    reaction({2: 1}, {0: UNITS}, 1.5, name="B falls apart"),
    reaction({0: 2}, {0: 2}, 0.002, name="nothing changes"),
    reaction({0: UNITS}, {1: 1}, 1e-4, orders={0: 2.0}, name="monomers make A at order two"),
    reaction({1: 1}, {0: UNITS}, 3.0, orders={}, name="A falls apart at order zero"),
    reaction({1: 1, 2: 1}, {2: 2}, 0.01, name="B makes A a B"),
    reaction({1: 2}, {1: 1, 0: UNITS}, 0.02, name="pairs of A"),
    reaction({1: 1}, {2: 1}, 0.3, orders={1: 1.0, 0: 0.5}, name="monomer of order one half helps"),
    reaction({0: 1}, {}, 0.1, energy=5e-20, name="monomer lost", lost=True),
    reaction({2: 1, 0: 1}, {0: 1}, 0.01, name="B lost with a monomer", lost=True),
)

TIMES = st.floats(0.0, 1.0).map(lambda t: round(t, 3))


@st.composite
def syringes(draw: st.DrawFn) -> Any:
    """A syringe with one to three rates, or a shot."""
    contents = draw(st.dictionaries(st.integers(0, 2), st.integers(0, 80), max_size=3))
    volume = draw(st.sampled_from([1e-6, 0.1, 0.7]))
    if draw(st.booleans()):
        return shot(draw(TIMES), contents, volume)
    start = sorted(draw(st.sets(TIMES, min_size=1, max_size=3)))
    rates = [draw(st.sampled_from([0.0, 0.2, 1.0, 5.0])) * volume for _ in start]
    if len(start) == 1 and rates[0] == 0.0:
        rates[0] = volume
    return syringe(contents, volume, *zip(start, rates, strict=True))


@st.composite
def nucleations(draw: st.DrawFn) -> Nucleation:
    """One of the laws."""
    law = draw(st.sampled_from(["none", "classical", "power", "cluster", "explicit"]))
    if law == "classical":
        return classical(draw(st.sampled_from([10.0, 1e4])), draw(st.sampled_from([0.01, 0.02])))
    if law == "power":
        return replace(
            classical(draw(st.sampled_from([0.1, 2.0]))), law="power", exponent=draw(st.sampled_from([0.5, 1.0, 3.0]))
        )
    if law == "cluster":
        return Nucleation("cluster", cluster=2, rate=RateConstant(0.4, ROOM, 5e-20))
    return Nucleation(law)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A small reactor with any of its processes."""
    corners = sorted(draw(st.sets(TIMES, min_size=1, max_size=4)))
    ramp = [(t, ROOM + draw(st.sampled_from([0.0, 0.5, 2.0, 7.0]))) for t in corners]
    sticks = draw(st.sampled_from([0.0, 0.002, 0.05]))

    def stick(temperature: float, n_max: int) -> FloatArray:
        return sticks * VOLUME * (temperature / ROOM) * np.arange(n_max + 1.0) ** (1 / 3)

    sizes = draw(st.lists(st.one_of(st.integers(2, 6), st.integers(2, 90), st.just(505)), max_size=25))
    amounts = {
        "monomer": draw(st.sampled_from([0, 1, 30, 400])),
        "A": draw(st.integers(0, 40)),
        "B": draw(st.integers(0, 40)),
    }
    return box(
        **species(amounts, {"A": UNITS, "B": UNITS}),
        seeds=particles(*sizes),
        temperature=program(*ramp),
        tables=sphere_tables(
            draw(st.sampled_from([1e-3, 0.05])),
            draw(st.sampled_from([0.0, 5.0, 60.0])),
            draw(st.sampled_from([0.0, 1.5])),
        ),
        reactions=tuple(REACTIONS[i] for i in sorted(draw(st.sets(st.integers(0, len(REACTIONS) - 1), max_size=4)))),
        nucleation=draw(nucleations()),
        sticking=(Sticking(2, UNITS, stick),) if sticks else (),
        syringes=tuple(draw(st.lists(syringes(), max_size=3))),
        withdrawals=tuple(
            Withdrawal(t, draw(st.sampled_from([0.01, 0.4])) * VOLUME) for t in sorted(draw(st.sets(TIMES, max_size=2)))
        ),
        expansion=draw(st.sampled_from([0.0, 2e-3])),
        window=draw(st.sampled_from([0.005, 0.05])),
        duration=1.2,
    )


def looks_change_nothing(few: Any, many: Any, model: Model, extra: list[float]) -> None:
    """``many`` stops and is looked at more often than ``few``, and shows the same."""
    for time in (0.35, 0.8, 1.2):
        few.advance(time)
        for t in sorted({*extra, *(w.time for w in model.withdrawals), time}):
            if t <= time:
                many.advance(t)
                many.counts()
        assert same(few.counts(), many.counts())


def same(one: Counts, two: Counts) -> bool:
    """Whether two moments agree in every number."""

    def equal(a: Any, b: Any) -> bool:
        if a is None or b is None:
            return a is b
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
        return a is b or bool(np.array_equal(a, b, equal_nan=True))

    return all(equal(getattr(one, f.name), getattr(two, f.name)) for f in fields(Counts))


def fresh(model: Model, seed: int) -> ExactRun:
    """A run with its own stream."""
    return ExactRun(model, np.random.default_rng([404, seed]))


@FIXED
@given(models(), st.integers(0, 2**31))
def test_books_and_partition_hold(model: Model, seed: int) -> None:
    run = fresh(model, seed)
    total, births, events = sum(run.counts().matter.values()), 0.0, 0
    for time in np.linspace(0.1, model.duration, 12):
        run.advance(float(time))
        run._kernel.verify()
        counts = run.counts()
        assert np.array_equal(sum(counts.matter.values()), total)
        assert counts.amounts.min() >= 0 and counts.matter["debt"].max() <= 0
        assert all(held.min() >= 0 for place, held in counts.matter.items() if place != "debt")
        assert (
            counts.sizes.min(initial=2) >= 2 and min(counts.seed.min(initial=0), counts.nucleated.min(initial=0)) >= 0
        )
        assert np.array_equal(
            counts.sizes @ (counts.seed + counts.nucleated) * model.unit_atoms, counts.matter["particles"]
        )
        assert counts.tallies["born"] >= births and run.events >= events
        births, events = counts.tallies["born"], run.events
        assert counts.volume > 0.0 and not counts.supersaturation < 0.0
        assert counts.injected_volume <= sum(s.volume for s in model.syringes) * 1e6 * (1.0 + 1e-9)
    if not model.withdrawals:
        lost = counts.tallies["dissolved_seed"] + counts.tallies["dissolved_nucleated"]
        assert int(counts.seed.sum() + counts.nucleated.sum()) == sum(p.number for p in model.seeds) + births - lost


@FIXED
@given(models(), st.integers(0, 2**31), st.lists(st.floats(0.0, 1.2), max_size=15))
def test_snapshots_leave_the_trajectory_alone(model: Model, seed: int, extra: list[float]) -> None:
    few, many = fresh(model, seed), fresh(model, seed)
    looks_change_nothing(few, many, model, extra)


@FIXED
@given(models(), st.integers(0, 2**31), st.floats(0.0, 1.0))
def test_a_restored_run_goes_on_to_the_same_bytes(model: Model, seed: int, at: float) -> None:
    whole, first, second = fresh(model, seed), fresh(model, seed), fresh(model, seed + 1)
    first.advance(at)
    state = first.state()
    second.advance(0.5)
    second.restore(state)
    second._kernel.verify() if second.events else None
    for time in (1.01, 1.2):
        whole.advance(time)
        first.advance(time)
        second.advance(time)
        assert same(first.counts(), second.counts())
        assert same(whole.counts(), second.counts())
