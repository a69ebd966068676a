"""What mean-field windows and epochs must not get wrong: births, rest, pauses, late pumps, changed schedules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import ROOM, VOLUME, box, classical, everything, program, reaction, shot, species, sphere_tables, syringe

from kmcgrowth.model.plan import FAR, Plan
from kmcgrowth.reactor.exact import ExactRun


def births(window: float, seeds: range) -> list[int]:
    model = box(
        60_000, tables=sphere_tables(1.0, 10.0, 2.0), control_volume=200 * VOLUME, nucleation=classical(1.0, 0.02),
        window=window,
    )
    found = []
    for seed in seeds:
        run = ExactRun(model, np.random.default_rng([51, seed]))
        run.advance(3.0)
        found.append(int(run.counts().tallies["born"]))
    return found


def test_births_without_seeds_do_not_depend_on_the_window() -> None:
    """Newborn particles take up monomer, and the mean field must know of them before the next ones are born."""
    wide, narrow = births(0.005, range(24)), births(0.0005, range(24))
    # both Poisson with a mean near 115 a run: six standard errors, p below 1e-8, are 18 a run
    error = np.sqrt((sum(wide) + sum(narrow)) / 24**2)
    assert abs(np.mean(wide) - np.mean(narrow)) < 6.1 * error
    assert error < 4.0


@pytest.mark.parametrize("law", ["none", "classical"])
def test_the_mean_field_comes_to_rest_where_it_should(law: str) -> None:
    model = box(0, **species({"A": 1000}, {"A": 1}), reactions=(reaction({1: 1}, {0: 1}, 1.0),))
    if law == "classical":
        model = replace(model, nucleation=classical(1e-30, 0.1))
    run = ExactRun(model, np.random.default_rng(52))
    for time in (30.0, 1e3, 1e6):
        run.advance(time)
        # all of A has become monomer: 1000 in VOLUME against a solubility of 10; straight lines may be off by 2e-3
        assert run.counts().supersaturation == pytest.approx(100.0, rel=2e-3)


@pytest.mark.parametrize("start", [0.0, 600.0, 3600.0, 36_000.0, 1e6])
def test_a_pump_empties_its_syringe_however_late_and_fast(start: float) -> None:
    rng = np.random.default_rng(53)
    for _ in range(200):
        volume, seconds = rng.uniform(0.1, 1.0), 10.0 ** rng.uniform(-3, 1)
        late = start * (1.0 + rng.random())
        plan = Plan(box(0, syringes=(syringe({0: 5}, volume, (late, volume / seconds)),)))
        while (epoch := plan.epoch()).end < FAR:
            assert epoch.end > epoch.start
            plan.advance(epoch)
        assert plan.left[0] == 0.0
        assert plan.cold_volume == pytest.approx((1.0 + volume) * VOLUME, rel=1e-9)


def test_a_stop_leaves_the_time_at_the_state() -> None:
    run = ExactRun(everything("none"), np.random.default_rng(54))
    atoms = sum(v.sum() for v in run.counts().matter.values())
    while not run.advance(2.5, stop=lambda: True):
        counts = run.counts()
        assert counts.time == run.time == pytest.approx(run._kernel.now)
        assert sum(v.sum() for v in counts.matter.values()) == atoms


def test_a_change_at_the_moment_of_a_shot_keeps_the_shot() -> None:
    model = box(0, syringes=(shot(0.5, {0: 30}, 0.1),))
    run = ExactRun(model, np.random.default_rng(55))
    run.advance(0.5)
    run.change(replace(model, temperature=program((0.0, ROOM + 5.0))))
    run.change(model)
    run.advance(1.0)
    assert run.counts().amounts[0] == 30 and run.counts().matter["syringe"].sum() == 0


def test_a_change_leaves_every_mean_field_amount_where_it_was() -> None:
    """A -> B goes on after the change, and B, not the end of a dropped window, decides what becomes monomer."""
    steps = (reaction({1: 1}, {2: 1}, 0.1), reaction({2: 1}, {0: 1}, 1e-12, energy=1e-18))
    model = box(0, **species({"A": 1000, "B": 0}, {"A": 1, "B": 1}), reactions=steps)
    run = ExactRun(model, np.random.default_rng(56))
    run.advance(1.0)
    run.change(replace(model, temperature=program((0.0, ROOM + 0.1))))
    b = run._kernel.arrays()["amount"][2]
    # the mean of B is 1000 (1 - exp(-0.1)) = 95
    assert b == pytest.approx(1000.0 * -np.expm1(-0.1), rel=0.02)


def test_a_rate_that_doubles_many_times_between_two_temperatures() -> None:
    """Attachment at rates that change 100 times within one node: the mean number is the integral over the ramp."""
    factor = {298.25: 1.0, 298.35: 100.0}

    def tables(temperature: float, n_max: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full(n_max + 1, factor[round(temperature, 2)] * 1e-6 * VOLUME), np.zeros(n_max + 1)

    pool, count = 100_000, 0
    model = box(pool, (500,) * 20, tables=tables, temperature=program((0.0, 298.25), (1.0, 298.35)))
    runs = 40
    for seed in range(runs):
        run = ExactRun(model, np.random.default_rng([57, seed]))
        run.advance(1.0)
        count += run.events
    # 20 particles, 1e-6 a second and monomer, 50.5 times on average, 1e5 monomers less the few that are taken
    expected = runs * pool * -np.expm1(-20 * 1e-6 * 50.5)
    assert abs(count - expected) < 6.1 * np.sqrt(expected)
