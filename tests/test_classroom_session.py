"""The classroom without the web: knobs, recipes that repeat what was seen, frames."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.classroom.colour import BASE, WAVELENGTHS, around, colour
from kmcgrowth.classroom.course import SHIPPED, Course, per_cluster
from kmcgrowth.classroom.frames import BINS, numbers
from kmcgrowth.classroom.knobs import FLASK_VOLUME, KNOBS, STOCK, SYRINGE_VOLUME, Setting
from kmcgrowth.classroom.session import Session
from kmcgrowth.classroom.timeline import EVERY, FRAMES
from kmcgrowth.errors import BadInput
from kmcgrowth.observables import absorption
from kmcgrowth.recipe import parse_recipe

SMALL = {"particles": 300}


def repeat(session):
    """The run of the session's recipe, as the command line makes it."""
    return kg.simulate(parse_recipe(session.recipe()))


def assert_same_end(session, result):
    """The last snapshot holds the same particles of every size and origin, and the same dissolved molecules."""
    counts, last = session.counts, result.isel(time=-1)
    assert float(last["time"]) == counts.time
    assert float(last["temperature"]) == counts.temperature
    for origin, number in (("seed", counts.seed), ("nucleated", counts.nucleated)):
        there = last["particle_count"].sel(origin=origin).values
        sizes = np.rint(last["diameter"].values ** 3 * np.pi / 6.0 / 55.59e-3).astype(int)
        told = {int(n): int(k) for n, k in zip(sizes, there) if k}
        seen = {int(n): int(k) for n, k in zip(counts.sizes, number) if k}
        assert told == seen
    assert float(last["supersaturation"]) == counts.supersaturation
    assert int(result.attrs["events"]) == counts.tallies["events"]


def run(session, frames):
    for _ in range(frames):
        assert session.advance() is not None


# -- the recipe that repeats the run ----------------------------------------------------------


def test_untouched_run_is_that_of_its_recipe():
    session = Session(SMALL, seed=3)
    run(session, 30)
    assert_same_end(session, repeat(session))


@pytest.mark.parametrize("seed", range(4))
def test_run_with_feed_and_temperature_changed_is_that_of_its_recipe(seed):
    rng = np.random.default_rng(seed)
    session = Session(SMALL | {"cluster": ["monomer", "AMC", "MSC", "monomer"][seed]}, seed=seed)
    changes = 0
    for _ in range(60):
        run(session, 1)
        if rng.random() < 0.2:
            changes += session.set("feed", float(rng.integers(0, 40))) == "later"
        if rng.random() < 0.1:
            changes += session.set("temperature", float(rng.integers(270, 330))) == "later"
    assert changes > 6
    assert_same_end(session, repeat(session))


@pytest.mark.parametrize("frame", [4, 5, 7, 8])
def test_change_at_and_between_marks_is_in_the_recipe(frame):
    session = Session(SMALL | {"feed": 30.0}, seed=5)
    run(session, frame)
    assert session.set("feed", 0.0) == "later"
    run(session, 9)
    mark = -(-frame // EVERY) * EVERY
    assert f'["{mark * 15 // 60} min", "0 mL/hour"]' in session.recipe()
    assert [f.feed for f in session.history] == [30.0] * (mark + 1) + [0.0] * (frame + 9 - mark)
    assert_same_end(session, repeat(session))


def test_run_in_leaps_is_that_of_its_recipe():
    session = Session({"particles": 1000, "solubility": 20.0, "duration": 36000.0, "feed": 10.0}, seed=2)
    session.course.method = "leap"
    session._begin()
    for k in range(40):
        run(session, 1)
        if k % 7 == 3:
            session.set("feed", float(k))
        if k % 11 == 5:
            session.set("temperature", 300.0 - k)
    assert any("steps cover" in note for note in session._run.notes())
    assert_same_end(session, repeat(session))


def test_run_left_off_in_mid_frame_is_that_of_its_recipe():
    session = Session({"particles": 20000, "feed": 60.0}, seed=8)
    left_off = 0
    while session.frame < 12:
        left_off += session.advance(seconds=0.0) is None
        if session.frame in (3, 9):
            session.set("feed", 5.0 + session.frame)
        if left_off in (5, 6):
            session.set("temperature", 290.0)
    assert left_off > 3
    assert_same_end(session, repeat(session))


def test_nucleation_from_a_shot_without_seeds_is_that_of_its_recipe():
    session = Session({"seeds": 0.0, "shot": 5.0, "feed": 0.0, "particles": 1333, "duration": 600.0}, seed=4)
    run(session, 10)
    assert session.counts.nucleated.sum() > 50
    session.set("temperature", 320.0)
    run(session, 10)
    session.set("feed", 10.0)
    run(session, 10)
    assert_same_end(session, repeat(session))


def test_emptied_syringe_takes_no_orders():
    session = Session(SMALL | {"feed": 60.0, "duration": 36000.0}, seed=4)
    run(session, 20)  # 60 mL/h for 3000 s are 50 mL; the syringe holds 30
    assert session.history[-1].feed == 0.0 and session.history[-1].injected == pytest.approx(SYRINGE_VOLUME)
    assert session.set("feed", 0.0) == "empty"
    assert_same_end(session, repeat(session))


def test_same_seed_is_the_same_run_and_another_seed_another():
    first, second, third = Session(SMALL, seed=1), Session(SMALL, seed=1), Session(SMALL, seed=2)
    for s in (first, second, third):
        run(s, 5)
    assert first.history == second.history != third.history
    before = first.history[:6]
    first.restart()
    run(first, 5)
    assert first.history == before


# -- knobs ------------------------------------------------------------------------------------


def test_other_knobs_begin_a_new_run_that_keeps_what_was_turned_by_hand():
    session = Session(SMALL, seed=1)
    run(session, 6)
    assert session.set("feed", 20.0) == "later" and session.knobs["feed"] == 20.0
    assert session.set("diameter", 3.0) == "new"
    assert session.frame == 0 and session.knobs["feed"] == 20.0 and session.course.feed[0] == 20.0
    assert session.history[0].mean[0] == pytest.approx(3.0, rel=0.05)


def test_turning_a_knob_to_where_it_is_changes_nothing():
    session = Session(SMALL, seed=1)
    run(session, 2)
    text = session.recipe()
    assert session.set("feed", 6.0) == "same" and session.set("diameter", 2.5) == "same"
    assert session.recipe() == text and session.frame == 2


def test_program_of_a_story_moves_the_knob_until_a_hand_does():
    session = Session(SMALL | {"program": [(10.0, "feed", 0.0)]}, seed=1)
    run(session, 44)
    assert session.history[36].feed == 6.0 and session.history[-1].feed == 0.0 == session.knobs["feed"]
    assert_same_end(session, repeat(session))
    session.set("feed", 3.0)
    session.restart()
    assert set(session.course.feed) == {3.0}


@pytest.mark.parametrize("name, knob", KNOBS.items())
def test_every_knob_can_stand_at_both_ends(name, knob):
    for value in (knob.low, knob.high):
        recipe = parse_recipe(Course(Setting.of({name: value}), 1).recipe(10))
        assert recipe.simulation.duration == 150.0


def test_chemistry_is_that_of_the_shipped_recipe():
    """What the page leaves as it is, is as in the recipe that it is taken from, the kinetics of the clusters too."""
    shipped = kg.load_recipe(SHIPPED)
    for cluster in ("AMC", "MSC"):
        mine = parse_recipe(Course(Setting.of({"cluster": cluster}), 1).recipe())
        assert mine.reaction == shipped.reaction and len(mine.reaction) == 3 and mine.species == shipped.species
        assert mine.injection[0].contents[cluster] == pytest.approx(shipped.injection[0].contents["AMC"])
        assert STOCK / per_cluster(cluster) == pytest.approx(3.2)
        for key in ("diffusion", "solubility", "surface_energy"):
            assert getattr(mine.growth, key) == getattr(shipped.growth, key), key
        assert mine.nucleation == shipped.nucleation
        assert mine.flask.volume == shipped.flask.volume == pytest.approx(FLASK_VOLUME * 1e-6)
        assert mine.seeds == shipped.seeds
        assert mine.flask.temperature(0.0) == shipped.flask.temperature(0.0)


@pytest.mark.parametrize("given, says", [
    ({"feed": -1}, "Injection rate"), ({"width": "wide"}, "Seed width"), ({"feed": float("nan")}, "Injection rate"),
    ({"colour": 1}, "colour"), ({"cluster": "XSC"}, "XSC"), ({"duration": 61.0}, "duration"),
    ({"seeds": 0, "feed": 0}, "no seeds"), ({"particles": 1e6}, "Dots simulated"),
    ({"program": [(1, "width", 3)]}, "width"), ({"program": ["now"]}, "program"),
])
def test_bad_knobs_get_a_sentence(given, says):
    with pytest.raises(BadInput, match=says) as caught:
        Session(given)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_bad_value_leaves_the_run_as_it_was():
    session = Session(SMALL, seed=1)
    run(session, 3)
    for name, value in (("feed", 1e9), ("cluster", "?"), ("seeds", -1), ("nothing", 1)):
        with pytest.raises(BadInput):
            session.set(name, value)
    assert session.frame == 3 and session.advance() is not None


def test_closed_session_keeps_what_was_seen_and_refuses_more():
    session = Session(SMALL, seed=1)
    run(session, 2)
    session.close()
    assert len(session.history) == 3 and "snapshots = 3" in session.recipe() and session.table().count("\n") == 4
    with pytest.raises(BadInput, match="closed"):
        session.advance()
    with pytest.raises(BadInput, match="closed"):
        session.set("feed", 1.0)


def test_run_ends():
    session = Session({"particles": 200, "duration": 60.0}, seed=1)
    run(session, FRAMES)
    assert session.over and session.advance() is None and session.set("feed", 1.0) == "same"
    assert_same_end(session, repeat(session))


# -- frames -----------------------------------------------------------------------------------


def test_numbers_are_counted():
    assert numbers({"a": 1, "b": [1, None, (2.5, "#aabbcc")], "c": {}, "d": {"e": True}}) == 6


def test_frame_holds_at_most_200_numbers_and_is_json():
    session = Session({"seeds": 0.1, "shot": 10.0, "particles": 500, "duration": 600.0}, seed=1)
    run(session, 20)
    assert session.history[-1].number[1] > 0
    for frame in session.history:
        assert numbers(frame.plain()) <= 200
        assert len(json.dumps(frame.plain(), allow_nan=False)) < 3000


def test_frame_tells_what_the_counts_say():
    session = Session({"shot": 6.0, "particles": 500, "duration": 600.0}, seed=1)
    run(session, 20)
    frame, counts = session.history[-1], session.counts
    assert sum(frame.seeds) == counts.seed.sum() and sum(frame.nucleated) == counts.nucleated.sum() > 0
    result = repeat(session).isel(time=-1)
    for i, population in enumerate(("seed", "nucleated", "all")):
        assert frame.mean[i] == pytest.approx(float(result["mean_diameter"].sel(population=population)), rel=1e-4)
        assert frame.width[i] == pytest.approx(100 * float(result["relative_std"].sel(population=population)), rel=1e-3)
    middle = (np.arange(BINS) + 0.5) * frame.reach / BINS
    assert np.average(middle, weights=np.add(frame.seeds, frame.nucleated)) == pytest.approx(frame.mean[2], abs=0.02)


def test_spectrum_is_that_of_the_observables():
    session = Session(SMALL | {"cluster": "MSC", "temperature": 200.0, "feed": 60.0}, seed=1)
    run(session, 20)
    result = repeat(session)
    frame = session.history[-1]
    whole = absorption(result, wavelength=WAVELENGTHS, path=0.01).sum("part").values.ravel()
    assert np.allclose(frame.spectrum, whole[BASE], rtol=0.03, atol=0.01)
    assert np.allclose(frame.close, whole[around(frame.exciton)], rtol=0.03, atol=0.01)
    assert whole.max() > 0.1


@pytest.mark.parametrize("given", [
    {"width": 3.0, "diameter": 2.0}, {"width": 3.0, "diameter": 4.0}, {"width": 5.0, "diameter": 6.0}, {"width": 14.0},
])
def test_spectrum_shows_the_first_exciton(given):
    """Straight lines between the wavelengths shown miss it by at most 3.5 % of its highest value beyond 500 nm."""
    session = Session(SMALL | given, seed=1)
    frame = session.history[0]
    fine = np.linspace(380.0, 1600.0, 2441)
    whole = absorption(repeat(session).isel(time=[0]), wavelength=fine, path=0.01).sum("part").values.ravel()
    shown = sorted([*zip(WAVELENGTHS[BASE], frame.spectrum),
                    *zip(WAVELENGTHS[around(frame.exciton)], frame.close)])
    drawn = np.interp(fine, *np.array(shown).T)
    red = fine > 500.0  # below, the spectrum rises steeply and has no bands but those of clusters
    assert np.abs(drawn - whole)[red].max() < 0.035 * whole[red].max()


def test_growth_curve_crosses_zero_at_the_critical_radius():
    session = Session({"particles": 2000, "feed": 0.0, "width": 20.0}, seed=1)
    run(session, 40)
    frame = session.history[-1]
    radius = frame.reach / 2.0 * np.arange(1, len(frame.curve) + 1) / len(frame.curve)
    speed = np.array(frame.curve)
    place = np.flatnonzero((speed[:-1] < 0.0) & (speed[1:] >= 0.0))
    assert place.size == 1
    i = int(place[0])
    crossing = radius[i] - speed[i] * (radius[i + 1] - radius[i]) / (speed[i + 1] - speed[i])
    # one unit more or less is not quite a derivative, and the curve is sampled
    assert frame.critical == pytest.approx(crossing, rel=0.05)
    assert frame.supersaturation < frame.threshold


def test_growth_curve_is_the_law_of_diffusion_and_surface():
    """dr/dt = D v (c - c_r)/(r + D/k_s) of one radius, by hand."""
    from kmcgrowth.physics.constants import K_B, N_A

    session = Session({"particles": 2000, "surface_rate": 500.0}, seed=1)
    run(session, 20)
    frame = session.history[-1]
    r, T = frame.riders[3][0] * 1e-9, 573.15
    flat, v = 1e-3 * N_A, 55.59e-30
    excess = flat * (frame.supersaturation - np.exp(2 * 0.15 * v / (K_B * T * r)))
    expected = 1e-15 * v * excess / (r + 1e-15 / 500e-9) * 6e10
    assert frame.riders[3][1] == pytest.approx(expected, rel=0.02)


def test_threshold_is_where_newborns_appear():
    slow, fast = Session({"feed": 6.0, "particles": 1000}, seed=1), Session({"feed": 60.0, "particles": 1000}, seed=1)
    for session in (slow, fast):
        run(session, 100)
    assert max(f.supersaturation / f.threshold for f in slow.history) < 1.0 and slow.history[-1].number[1] < 10
    assert max(f.supersaturation / f.threshold for f in fast.history) > 1.0 and fast.history[-1].number[1] > 10


def test_colour():
    assert colour(np.zeros(WAVELENGTHS.size)) == "#ffffff"
    assert colour(np.full(WAVELENGTHS.size, 9.0)) == "#000000"
    blue_gone = colour(np.where(WAVELENGTHS < 480.0, 3.0, 0.0))
    red, green, blue = (int(blue_gone[i : i + 2], 16) for i in (1, 3, 5))
    assert red > 200 and green > 200 and blue < 100
    red_gone = colour(np.where(WAVELENGTHS > 580.0, 3.0, 0.0))
    red, green, blue = (int(red_gone[i : i + 2], 16) for i in (1, 3, 5))
    assert red < 80 and blue > 150


def test_table_has_a_row_a_frame():
    session = Session(SMALL, seed=1)
    run(session, 7)
    rows = list(csv.DictReader(io.StringIO(session.table())))
    assert len(rows) == 8 and float(rows[-1]["time_s"]) == 105.0
    assert float(rows[-1]["mean_diameter_nm_seeds"]) == session.history[-1].mean[0]
    assert rows[-1]["mean_diameter_nm_nucleated"] == ""
