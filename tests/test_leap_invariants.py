"""Whatever the model, leaps keep the books, and neither snapshots nor breaks touch the trajectory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaps import leaping, stiff
from models import ROOM, everything, program, sphere_tables, syringe
from test_kernel_invariants import FIXED, models, same

from kmcgrowth.checkpoint import decode, encode
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.leap import LeapRun

LAWS = ("none", "classical", "power", "cluster", "explicit")


def busy(law: str) -> Model:
    """Every process at once in a box whose steps are worth taking: three hundred particles that exchange fast."""
    small = everything(law)
    n = 300
    rng = np.random.default_rng(3)
    more = stiff(n, tables=sphere_tables(0.5 if law == "explicit" else 10.0, 10.0, 2.0))
    return replace(
        small, initial=np.array([14 * n, 30, 0, 0]), seeds=more.seeds, control_volume=more.control_volume,
        flask_volume=more.flask_volume, tables=more.tables, temperature=program((0.0, ROOM), (1.0, ROOM + 0.4)),
        syringes=tuple(
            replace(s, volume=s.volume * n, rate=replace(s.rate, value=s.rate.value * n),
                    contents={k: v * int(rng.integers(5, 50)) for k, v in s.contents.items()})
            for s in small.syringes
        ),
        withdrawals=tuple(replace(w, volume=w.volume * n) for w in small.withdrawals),
    )


def books(model: Model, run: LeapRun, times: Any) -> None:
    """Go through the times and check everything that must always hold."""
    total, before = sum(run.counts().matter.values()), run.counts()
    for time in times:
        run.advance(float(time))
        counts = run.counts()
        assert np.array_equal(sum(counts.matter.values()), total)
        assert counts.amounts.min() >= 0 and counts.matter["debt"].max() <= 0
        assert all(held.min() >= 0 for place, held in counts.matter.items() if place != "debt")
        assert counts.sizes.min(initial=2) >= 2
        assert min(counts.seed.min(initial=0), counts.nucleated.min(initial=0)) >= 0
        assert np.array_equal(
            counts.sizes @ (counts.seed + counts.nucleated) * model.unit_atoms, counts.matter["particles"]
        )
        assert np.all(counts.matter["syringe"] <= before.matter["syringe"])
        for name in ("born", "events", "dissolved_seed", "dissolved_nucleated"):
            assert counts.tallies[name] >= before.tallies[name]
        assert counts.volume > 0.0 and not counts.supersaturation < 0.0
        if not model.withdrawals:
            gone = counts.tallies["dissolved_seed"] + counts.tallies["dissolved_nucleated"]
            there = sum(p.number for p in model.seeds) + counts.tallies["born"] - gone
            assert int(counts.seed.sum() + counts.nucleated.sum()) == there
        before = counts


@FIXED
@given(models(), st.integers(0, 2**31))
def test_books_hold(model: Model, seed: int) -> None:
    books(model, leaping(model, 404, seed), np.linspace(0.1, model.duration, 12))


@pytest.mark.parametrize("law", LAWS)
def test_books_hold_with_everything_at_once(law: str) -> None:
    model = busy(law)
    run = LeapRun(model, np.random.default_rng(30))
    books(model, run, np.linspace(0.01, 2.5, 13))
    assert run._kernel.leaps > 3 or law in ("power", "explicit")
    run = leaping(everything(law), 31)
    books(everything(law), run, np.linspace(0.01, 2.5, 97))
    assert run._kernel.leaps > 50


@FIXED
@given(models(), st.integers(0, 2**31))
def test_looks_leave_the_trajectory_alone(model: Model, seed: int) -> None:
    blind, seeing = leaping(model, 404, seed), leaping(model, 404, seed)
    for time in (0.35, 0.8, 1.2):
        blind.advance(time)
        seeing.advance(time)
        seeing.counts()
        seeing.notes()
    assert same(blind.counts(), seeing.counts())


@FIXED
@given(models(), st.integers(0, 2**31), st.floats(0.0, 1.0))
def test_a_restored_run_goes_on_to_the_same_bytes(model: Model, seed: int, at: float) -> None:
    whole, first, second = leaping(model, 404, seed), leaping(model, 404, seed), leaping(model, 404, seed + 1)
    whole.advance(at)
    first.advance(at)
    state = decode(*encode(first.state()))
    second.advance(0.5)
    second.restore(state)
    assert same(first.counts(), second.counts())
    for time in (1.01, 1.2):
        for run in (whole, first, second):
            run.advance(time)
        assert same(first.counts(), second.counts())
        assert same(whole.counts(), second.counts())


@pytest.mark.parametrize("law", LAWS)
def test_a_break_between_steps_is_no_break(law: str) -> None:
    model = busy(law)
    whole, parts, asked = LeapRun(model, np.random.default_rng(33)), LeapRun(model, np.random.default_rng(33)), 0
    for time in (0.3, 0.31, 0.77, 1.5, 2.4):
        whole.advance(time)
        while not parts.advance(time, stop=lambda: True):
            asked += 1
            state = parts.state()
            parts = LeapRun(model, np.random.default_rng(34))
            parts.restore(state)
    assert asked > 3
    assert same(whole.counts(), parts.counts()) and parts.notes() == whole.notes()


def test_a_change_goes_on_from_what_was_shown() -> None:
    model = stiff(syringes=(syringe({0: 4000}, 40.0, (0.0, 2.0)),))
    run = LeapRun(model, np.random.default_rng(35))
    for k, time in enumerate((8.0, 9.1, 9.2, 11.0, 14.0)):
        run.advance(time)
        before = run.counts()
        run.change(replace(model, temperature=program((0.0, ROOM + 0.1 * k))))
        after = run.counts()
        assert before.sizes.tolist() == after.sizes.tolist() and before.seed.tolist() == after.seed.tolist()
        assert before.amounts.tolist() == after.amounts.tolist() and before.tallies == after.tallies
        assert before.supersaturation == pytest.approx(after.supersaturation, rel=1e-12)
        assert np.array_equal(sum(before.matter.values()), sum(after.matter.values()))
        assert before.injected_volume == pytest.approx(after.injected_volume, rel=1e-12)
    assert run._kernel.leaps > 3
    run.advance(20.0)
    assert np.array_equal(sum(run.counts().matter.values()), sum(before.matter.values()))


def test_notes_tell_how_much_went_in_leaps() -> None:
    run = LeapRun(stiff(), np.random.default_rng(36))
    run.advance(20.0)
    assert any("steps cover" in note for note in run.notes())
    run = LeapRun(stiff(2), np.random.default_rng(36))
    run.advance(1.0)
    assert any("every event" in note for note in run.notes())
