"""What a tab asks for and gets, with a list in the place of the browser."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kmcgrowth.classroom.desk import SHOWN, Desk, script
from kmcgrowth.classroom.frames import Frame
from kmcgrowth.classroom.session import Session
from kmcgrowth.classroom.stories import stories
from kmcgrowth.errors import BadInput


def with_desk(act, **given):
    """Run ``act(desk, sent)`` in an event loop; the messages sent."""

    async def main():
        sent = []
        with ThreadPoolExecutor(2) as pool:
            desk = Desk(sent.append, pool, **given)
            desk.begin()
            await act(desk, sent)
            await desk.close()
        return sent

    return asyncio.run(main())


def kinds(sent, kind):
    return [m for m in sent if m["kind"] == kind]


def test_begin_tells_everything():
    async def act(desk, sent):
        pass

    first = with_desk(act)[0]
    assert first["kind"] == "begin" and first["story"] == "focusing" and first["frame"]["index"] == 0
    assert json.loads(script(first)[len("classroom.take("):-1]) == json.loads(json.dumps(first))


def test_step_is_one_frame_and_play_goes_on_until_pause():
    async def act(desk, sent):
        await desk.ask({"do": "step"})
        assert [m["frame"]["index"] for m in kinds(sent, "frame")] == [1]
        await desk.ask({"do": "speed", "value": 10})
        await desk.ask({"do": "play"})
        await asyncio.sleep(1.0)
        await desk.ask({"do": "pause"})
        await asyncio.sleep(0.2)
        number = len(kinds(sent, "frame"))
        assert 5 <= number <= 1.3 * SHOWN + 2
        assert not desk.running
        await asyncio.sleep(0.5)
        assert len(kinds(sent, "frame")) == number

    with_desk(act)


def test_idle_desk_has_no_task():
    async def act(desk, sent):
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await desk.ask({"do": "play"})
        await asyncio.sleep(0.1)
        await desk.ask({"do": "pause"})
        await asyncio.sleep(0.3)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with_desk(act)


def test_close_in_mid_run_frees_the_engine():
    async def act(desk, sent):
        await desk.ask({"do": "play"})
        await asyncio.sleep(0.3)
        await desk.close()
        await asyncio.sleep(0.3)
        assert desk.session._run is None and not desk.running
        number = len(sent)
        await asyncio.sleep(0.3)
        assert len(sent) == number

    with_desk(act)


def test_feed_turned_while_it_runs_ends_in_the_recipe():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        for rate in (10.0, 3.0, 12.5):
            await asyncio.sleep(0.2)
            await desk.ask({"do": "knob", "name": "feed", "value": rate})
        await asyncio.sleep(0.4)
        await desk.ask({"do": "pause"})
        await asyncio.sleep(0.2)
        await desk.ask({"do": "recipe"})
        text = kinds(sent, "file")[-1]["text"]
        assert "12.5 mL/hour" in text and desk.session.knobs["feed"] == 12.5
        other = Session(stories()["focusing"].knobs, seed=desk.session.seed)
        assert other.history[0] == desk.session.history[0]

    with_desk(act)


@pytest.mark.parametrize("what, says", [
    ({"do": "knob", "name": "feed", "value": 1000}, "Injection rate"), ({"do": "knob", "name": "x"}, '"x"'),
    ({"do": "story", "name": "none"}, "none"), ({"do": "fly"}, "fly"), ({}, "None"),
    ({"do": "speed", "value": 3}, "speed"),
])
def test_nonsense_gets_a_sentence_and_harms_nothing(what, says):
    async def act(desk, sent):
        await desk.ask(what)
        assert says in kinds(sent, "notice")[-1]["text"]
        await desk.ask({"do": "step"})
        assert kinds(sent, "frame")

    with_desk(act)


def test_other_knobs_begin_anew_and_go_on_running():
    async def act(desk, sent):
        await desk.ask({"do": "play"})
        await asyncio.sleep(0.5)
        await desk.ask({"do": "knob", "name": "width", "value": 20})
        assert len(kinds(sent, "begin")) == 2 and desk.running
        await asyncio.sleep(0.5)
        assert kinds(sent, "frame")[-1]["frame"]["width"][0] > 18

    with_desk(act)


def test_challenge_frees_two_knobs_only():
    async def act(desk, sent):
        await desk.ask({"do": "knob", "name": "width", "value": 1})
        assert "only feed and temperature" in kinds(sent, "notice")[-1]["text"]
        assert kinds(sent, "knobs")[-1]["knobs"]["width"] == 12.0
        await desk.ask({"do": "knob", "name": "feed", "value": 9})
        assert desk.session.knobs["feed"] == 9.0

    with_desk(act, story="challenge")


def test_program_of_a_story_moves_the_slider():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        while desk.session.frame < 60:
            await asyncio.sleep(0.05)
        feeds = [m["knobs"]["feed"] for m in kinds(sent, "knobs")]
        assert feeds == [40.0, 4.0]

    with_desk(act, story="secondary_nucleation")


def test_many_desks_share_two_processors():
    """Eight desks at once each keep two frames a second."""

    async def main():
        with ThreadPoolExecutor(2) as pool:
            sent = [[] for _ in range(8)]
            desks = [Desk(box.append, pool) for box in sent]
            for desk in desks:
                await desk.ask({"do": "play"})
            began = time.perf_counter()
            await asyncio.sleep(2.0)
            for desk in desks:
                await desk.ask({"do": "pause"})
            lasted = time.perf_counter() - began
            await asyncio.sleep(0.2)
            for desk in desks:
                await desk.close()
            return min(len(kinds(box, "frame")) for box in sent) / lasted

    assert asyncio.run(main()) > 2.0


# -- stories ----------------------------------------------------------------------------------


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
