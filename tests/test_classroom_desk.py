"""What a tab asks for and gets, with a list in the place of the browser and a clock that the test turns."""

from __future__ import annotations

import asyncio
import json

import pytest
from hurried import Processors, run

from kmcgrowth.classroom.desk import SHOWN, Desk, script
from kmcgrowth.classroom.session import Session
from kmcgrowth.classroom.stories import stories


def with_desk(act, *, cost=0.0, **given):
    """Run ``act(desk, sent)`` in an event loop, with frames that take ``cost`` seconds; the messages sent."""

    async def main():
        sent = []
        desk = Desk(sent.append, Processors(1, cost), **given)
        desk.begin()
        await act(desk, sent)
        await desk.close()
        return sent

    return run(main())


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
        await asyncio.sleep(1.05)
        await desk.ask({"do": "pause"})
        number = len(kinds(sent, "frame"))
        assert desk.session.frame in (11, 12) and number == desk.session.frame
        assert not desk.running
        await asyncio.sleep(60.0)
        assert len(kinds(sent, "frame")) == number

    with_desk(act)


@pytest.mark.parametrize("cost", [0.0, 0.016, 0.09])
def test_ten_frames_a_second_are_kept_while_a_frame_takes_less_than_a_tenth_of_one(cost):
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 10})
        await desk.ask({"do": "play"})
        await asyncio.sleep(10.0)
        assert 99 <= len(kinds(sent, "frame")) <= 101 and desk.session.frame == len(kinds(sent, "frame"))

    with_desk(act, cost=cost)


def test_fastest_computes_more_than_it_shows():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        await asyncio.sleep(4.0)
        assert 158 <= desk.session.frame <= 162
        assert 3.9 * SHOWN - 1 <= len(kinds(sent, "frame")) <= 4.0 * SHOWN + 1
        await desk.ask({"do": "pause"})
        assert kinds(sent, "frame")[-1]["frame"]["index"] == desk.session.frame

    with_desk(act)


def test_desks_share_processors_fairly():
    """Twelve desks, a third of them lattices, ask for one and a half processors (25 ms a frame, five a second), and get
    their shares of one, 3.3 frames a second each."""

    async def main():
        pool, sent = Processors(1, 0.025), [[] for _ in range(12)]
        desks = [Desk(box.append, pool, lattice=i % 3 == 0) for i, box in enumerate(sent)]
        for desk in desks:
            await desk.ask({"do": "play"})
        await asyncio.sleep(6.0)
        shown = [len(kinds(box, "frame")) / 6.0 for box in sent]
        for desk in desks:
            await desk.close()
        return shown

    shown = run(main())
    assert min(shown) > 3.1 and max(shown) < 3.6


def test_frame_that_takes_long_leaves_the_processor_to_others_in_between():
    """A run whose frame needs many turns does not hold up one whose frame needs a single one."""

    async def main():
        pool, slow, quick = Processors(1, 0.1), [], []
        first, second = Desk(slow.append, pool), Desk(quick.append, pool)
        turns, advance = [0], first.session.advance

        def many(*, seconds):
            turns[0] += 1
            return advance(seconds=seconds) if turns[0] % 20 == 0 else None

        first.session.advance = many
        await first.ask({"do": "play"})
        await second.ask({"do": "play"})
        await asyncio.sleep(20.0)
        await first.close()
        await second.close()
        return len(kinds(slow, "frame")), len(kinds(quick, "frame"))

    slow, quick = run(main())
    # one waits a turn of the other's each time: 100 turns each
    assert 4 <= slow <= 6 and 95 <= quick <= 101


def test_idle_desk_computes_nothing_and_has_no_task():
    async def act(desk, sent):
        pool = desk._pool
        await asyncio.sleep(3600.0)
        assert asyncio.all_tasks() == {asyncio.current_task()} and pool.done == 0
        await desk.ask({"do": "play"})
        await asyncio.sleep(1.0)
        await desk.ask({"do": "pause"})
        number, messages = pool.done, len(sent)
        await asyncio.sleep(3600.0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert pool.done == number > 0 and len(sent) == messages

    with_desk(act)


def test_run_that_has_ended_is_idle():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        await asyncio.sleep(10.0)
        assert desk.session.over and not desk.running and kinds(sent, "state")[-1]["running"] is False
        assert kinds(sent, "frame")[-1]["frame"]["index"] == desk.session.frame
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with_desk(act, story="hot_injection")


@pytest.mark.parametrize("lattice", [False, True])
def test_close_in_mid_run_frees_the_engine(lattice):
    async def act(desk, sent):
        await desk.ask({"do": "play"})
        await asyncio.sleep(0.31)
        await desk.close()
        assert desk.session._run is None and not desk.running
        number = len(sent)
        await asyncio.sleep(60.0)
        assert len(sent) == number and asyncio.all_tasks() == {asyncio.current_task()}

    with_desk(act, cost=0.05, lattice=lattice)


def test_feed_turned_while_it_runs_ends_in_the_recipe():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        for rate in (10.0, 3.0, 12.5):
            await asyncio.sleep(0.2)
            await desk.ask({"do": "knob", "name": "feed", "value": rate})
        await asyncio.sleep(0.4)
        await desk.ask({"do": "pause"})
        await desk.ask({"do": "recipe"})
        text = kinds(sent, "file")[-1]["text"]
        assert all(f'"{rate:g} mL/hour"' in text for rate in (10.0, 3.0, 12.5))
        assert desk.session.knobs["feed"] == 12.5 and len(kinds(sent, "begin")) == 1
        other = Session(stories()["focusing"].knobs, seed=desk.session.seed)
        assert other.history[0] == desk.session.history[0]

    with_desk(act)


@pytest.mark.parametrize("what, says", [
    ({"do": "knob", "name": "feed", "value": 1000}, "Injection rate"), ({"do": "knob", "name": "x"}, '"x"'),
    ({"do": "knob", "name": "feed", "value": [1]}, "Injection rate"), ({"do": "knob", "name": ["feed"]}, "feed"),
    ({"do": "story", "name": "none"}, "none"), ({"do": "fly"}, "fly"), ({}, "None"), ({"do": ["play"]}, "play"),
    ({"do": "speed", "value": 3}, "speed"), ({"do": "speed", "value": [5]}, "speed"),
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
        assert len(kinds(sent, "begin")) == 2 and desk.running and "new run" in kinds(sent, "notice")[-1]["text"]
        await asyncio.sleep(0.5)
        assert kinds(sent, "frame")[-1]["frame"]["width"][0] > 18

    with_desk(act)


def test_lattice_goes_on_when_feed_and_temperature_are_turned_and_begins_anew_for_the_rest():
    async def act(desk, sent):
        await desk.ask({"do": "play"})
        await asyncio.sleep(0.5)
        for name, value in (("feed", 50.0), ("temperature", 320.0)):
            await desk.ask({"do": "knob", "name": name, "value": value})
            assert kinds(sent, "knobs")[-1]["knobs"][name] == value
        assert len(kinds(sent, "begin")) == 1
        await asyncio.sleep(2.0)
        last = kinds(sent, "frame")[-1]["frame"]
        assert last["feed"] == 50.0 and last["temperature"] > 300.0
        for name, value in (("crystals", 2.0), ("clusters", 10.0), ("attach", 1e5), ("hops", 10.0)):
            begun = len(kinds(sent, "begin"))
            await desk.ask({"do": "knob", "name": name, "value": value})
            assert len(kinds(sent, "begin")) == begun + 1 and desk.running
        assert kinds(sent, "begin")[-1]["knobs"]["feed"] == 50.0

    with_desk(act, lattice=True)


def test_what_a_frame_of_the_lattice_had_no_room_for_comes_before_the_page_rests():
    async def act(desk, sent):
        for name, value in (("crystals", 6.0), ("clusters", 80.0), ("temperature", 340.0)):
            await desk.ask({"do": "knob", "name": name, "value": value})
        await desk.ask({"do": "speed", "value": 40})
        await desk.ask({"do": "play"})
        await asyncio.sleep(1.0)
        await desk.ask({"do": "pause"})
        assert kinds(sent, "rest") and desk.session.rest() is None

    with_desk(act, lattice=True)


def test_challenge_frees_two_knobs_only():
    async def act(desk, sent):
        await desk.ask({"do": "knob", "name": "width", "value": 1})
        assert "only feed and temperature" in kinds(sent, "notice")[-1]["text"]
        assert kinds(sent, "knobs")[-1]["knobs"]["width"] == 12.0
        await desk.ask({"do": "knob", "name": "feed", "value": 9})
        assert desk.session.knobs["feed"] == 9.0

    with_desk(act, story="challenge")


def test_challenge_says_when_it_is_won_and_what_was_best():
    async def act(desk, sent):
        await desk.ask({"do": "speed", "value": 40})
        for begun in range(2):
            await desk.ask({"do": "reset"})
            await desk.ask({"do": "play"})
            while desk.running:
                await asyncio.sleep(0.025)
                if (turn := {20: 6.0, 50: 8.0, 90: 10.0}.get(desk.session.frame)) is not None:
                    await desk.ask({"do": "knob", "name": "feed", "value": turn})
            said = [m["text"] for m in kinds(sent, "notice") if "Reached after" in m["text"]]
            assert len(said) == begun + 1 and ("Your best was" in said[-1]) == (begun == 1)

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


def test_closed_desk_does_nothing_more():
    async def act(desk, sent):
        await desk.close()
        number = len(sent)
        for what in ("reset", "play", "step", "dice", "csv"):
            await desk.ask({"do": what})
        assert desk.session._run is None and not desk.running and len(sent) == number

    with_desk(act)
