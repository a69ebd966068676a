"""The stories of the classroom hold what they say."""

from __future__ import annotations

import pytest

from kmcgrowth.classroom.frames import Frame
from kmcgrowth.classroom.session import Session
from kmcgrowth.classroom.stories import stories
from kmcgrowth.errors import BadInput


def ended(name, **knobs):
    session = Session(stories()[name].knobs | {"particles": 1500} | knobs, seed=7)
    while session.advance():
        pass
    return session.history


@pytest.mark.parametrize("name", stories())
def test_stories_have_three_sentences_and_a_question(name):
    story = stories()[name]
    assert story.text.count(". ") + story.text.endswith(".") == 3
    assert story.question.count("?") >= 1 and story.answer.endswith(".")


def test_focusing_focuses_and_a_slow_surface_less():
    fast, slow = ended("focusing"), ended("focusing", surface_rate=100.0)
    assert fast[-1].width[0] < 0.55 * fast[0].width[0] and fast[-1].number[1] == 0
    assert slow[-1].width[0] > 1.5 * fast[-1].width[0] and slow[-1].number[1] > 0


def test_defocusing_widens_and_faster_feed_narrows():
    slow, fast = ended("defocusing"), ended("defocusing", feed=3.0)
    assert slow[-1].width[0] > 1.4 * slow[0].width[0] and slow[-1].mean[0] > slow[0].mean[0]
    assert fast[-1].width[0] < fast[0].width[0]


def test_two_hasty_minutes_stay_visible():
    history = ended("secondary_nucleation")
    assert history[39].number[1] == 0 < history[-1].number[1]
    assert history[-1].mean[1] < 0.7 * history[-1].mean[0]
    over = [f.time / 60 for f in history if f.index and f.supersaturation > f.threshold]
    assert over and 10 <= min(over) and max(over) <= 13


def test_ripening_begins_when_the_feed_stops():
    history = ended("ripening")
    at = {round(f.time / 60): f for f in history}
    assert at[20].width[0] < 0.75 * at[0].width[0] and at[240].width[0] > 1.5 * at[20].width[0]
    assert at[240].number[0] < at[20].number[0]
    radius = at[60].mean[0] / 2
    assert 0.8 * radius < at[60].critical < 1.2 * radius


def test_hot_injection_makes_half_the_dots_of_the_same_size_from_half_the_shot():
    whole, half = ended("hot_injection")[-1], ended("hot_injection", shot=2.5)[-1]
    per_matter = (whole.number[1] / 5.0) / (half.number[1] / 2.5)
    scale = (2.5 + 30.0) / (5.0 + 30.0)  # the same matter is simulated, syringe included
    assert per_matter * scale == pytest.approx(1.0, abs=0.15)
    assert half.mean[1] == pytest.approx(whole.mean[1], rel=0.05)


def test_slow_feed_ends_where_the_matter_says():
    last = ended("slow_feed")[-1]
    units = (3.14159265 / 6) * 2.5**3 / 55.59e-3 + 5.0 * 70.4 / (7.5 * 0.1)
    assert last.mean[0] == pytest.approx((6 / 3.14159265 * units * 55.59e-3) ** (1 / 3), rel=0.01)
    assert last.number[1] == 0


def test_msc_hold_back_and_amc_do_not():
    msc, amc = ended("clusters"), ended("clusters", cluster="AMC")
    gain = [h[120].mean[0] - h[0].mean[0] for h in (msc, amc)]
    assert gain[0] < 0.7 * gain[1]
    assert msc[240].mean[0] - msc[120].mean[0] > 0.1 > abs(amc[240].mean[0] - amc[120].mean[0])


def test_challenge_can_be_won_and_lost():
    challenge = stories()["challenge"].challenge
    session = Session(stories()["challenge"].knobs | {"particles": 1000}, seed=1)
    while session.advance():
        if session.frame in (20, 50, 90):
            session.set("feed", {20: 6.0, 50: 8.0, 90: 10.0}[session.frame])
    found = challenge.time(session.history)
    assert found is not None and 3600.0 < found < 14400.0
    hasty = ended("challenge", feed=50.0)
    assert challenge.time(hasty) is None and isinstance(hasty[-1], Frame)


def test_story_that_is_not_there():
    with pytest.raises(KeyError):
        stories()["none"]
    with pytest.raises(BadInput):
        Session({"feed": "fast"})
