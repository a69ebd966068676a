"""The lattice of the classroom without the web."""

from __future__ import annotations

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.classroom.frames import numbers
from kmcgrowth.classroom.lattice_course import PUSH, STOCK, geometry
from kmcgrowth.classroom.lattice_session import KNOBS, LatticeSession, pack_rows, pack_wanderers
from kmcgrowth.classroom.stories import stories
from kmcgrowth.classroom.timeline import FRAMES
from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import parse_recipe


def sites_of(rows):
    """Sites of rows as a page reads them: number of the row -> sites with an atom."""
    found = {}
    for code in rows:
        row, held = divmod(code, 2**32)
        found[row] = {32 * row + k for k in range(32) if held >> k & 1}
    return found


def wanderers_of(codes):
    ones = [one for code in codes for one in (code % 2**23, code >> 23) if one % 4 < 3]
    return [(one % 4, (one >> 2) % 128, (one >> 9) % 128, one >> 16) for one in ones]


class Page:
    """What a page knows of the atoms."""

    def __init__(self):
        self.rows = {}

    def take(self, message):
        self.rows |= sites_of(message["rows"])

    @property
    def sites(self):
        return set().union(*self.rows.values())


@pytest.fixture(scope="module")
def seen():
    """A run of some frames, all that a page was told of it, and whether the page knew the atoms after each."""
    session, page = LatticeSession({"crystals": 2, "clusters": 20}, seed=5), Page()
    told = [session.tell(anew=True)]
    page.take(told[0])
    knew = [page.sites == set(session.counts.lattice["site"].tolist())]
    for k in range(24):
        session.advance()
        if k % 3 != 1:
            told.append(session.tell())
            page.take(told[-1])
            knew.append(page.sites == set(session.counts.lattice["site"].tolist()))
    return session, told, knew


def repeated(session):
    """The run of the session's recipe ends with the same atoms at the same sites, after as many events."""
    result = kg.simulate(parse_recipe(session.recipe()))
    last = result["atom_site"].values[-int(result["frame_atoms"][-1]):]
    assert float(result["frame_time"][-1]) == session.counts.time
    assert set(last.tolist()) == set(session.counts.lattice["site"].tolist())
    assert int(result.attrs["events"]) == session.counts.tallies["events"]
    assert float(result["temperature"][-1]) == session.counts.temperature
    return result


def test_box_is_repeated_by_its_recipe(seen):
    session = seen[0]
    result = repeated(session)
    assert session.counts.time == 6.0
    at_end = result.isel(time=-1)["particle_count"].sum("origin")
    sizes = sorted((n for n, k in enumerate(at_end.values) for _ in range(int(k))), reverse=True)
    counted = session.counts.seed + session.counts.nucleated
    assert len(sizes) == counted.sum() and list(at_end.values[at_end.values > 0]) == list(counted)


@pytest.mark.parametrize("frame", [4, 5, 8])
@pytest.mark.parametrize("name, value", [("feed", 60.0), ("temperature", 330.0)])
def test_box_with_a_knob_turned_at_and_between_marks_is_repeated(frame, name, value):
    session = LatticeSession({"crystals": 1, "clusters": 10}, seed=2)
    for _ in range(frame):
        session.advance()
    assert session.set(name, value) == "later" and session.knobs[name] == value
    for _ in range(8):
        session.advance()
    repeated(session)
    assert name != "feed" or session.history[-1].feed == value
    assert name != "temperature" or session.history[-1].temperature >= 310.0


def test_box_turned_often_and_left_off_in_mid_frame_is_repeated():
    rng = np.random.default_rng(3)
    session = LatticeSession({"crystals": 2, "clusters": 20}, seed=3)
    turned = 0
    while session.frame < 24:
        session.advance(seconds=0.0)
        if rng.random() < 0.1:
            turned += session.set("feed", float(rng.integers(0, 100))) == "later"
        if rng.random() < 0.1:
            turned += session.set("temperature", float(rng.integers(250, 340))) == "later"
    assert turned > 5
    repeated(session)


def test_feed_brings_what_it_says():
    session = LatticeSession({"crystals": 1, "clusters": 0, "feed": 60.0, "temperature": 240.0}, seed=1)
    while session.frame < FRAMES:
        session.advance()
    volume = float(np.prod(geometry()["edges"])) * 1e-24  # of the box [L]
    expected = 60.0 * 1e-3 * 6.022e23 * volume
    units = [f.crystal / 2 + f.atoms / 2 + 22 * f.clusters for f in session.history]
    # 100 clusters come, by chance; 4 standard deviations; the syringe thins the flask by 6 % at the end
    assert (units[-1] - units[0]) / 22 == pytest.approx(expected, abs=4 * expected**0.5)
    assert session.recipe().count(f'"{60 * PUSH:g} mL/hour"') == 1 and f"{STOCK:g} mM" in session.recipe()


def test_heat_releases_what_the_clusters_hold():
    cold, hot = (LatticeSession({"temperature": T}, seed=1) for T in (250.0, 330.0))
    for session in (cold, hot):
        for _ in range(40):
            session.advance()
    assert cold.history[-1].clusters > 0.8 * cold.history[0].clusters
    assert hot.history[-1].clusters < 0.2 * hot.history[0].clusters
    assert hot.history[-1].crystal > cold.history[-1].crystal + 500


def test_what_is_told_adds_up_to_the_atoms_there_are(seen):
    _, told, knew = seen
    assert all(knew) and len(told[1]["rows"]) < len(told[0]["rows"]) + 40


@pytest.mark.parametrize("given", [
    {"crystals": 6, "clusters": 80, "hops": 3e4, "temperature": 340.0},
    {"crystals": 2, "clusters": 80, "feed": 100.0, "temperature": 340.0},
])
def test_message_holds_at_most_200_numbers(given):
    """Also where all is as large as it gets; what has no room comes with the next, and nothing waits for ever."""
    session, page = LatticeSession(given, seed=1), Page()
    found = [session.tell(anew=True)]
    behind = 0
    for _ in range(24):
        session.advance()
        found.append(session.tell())
        behind += found[-1]["rows"] != [] and len(found[-1]["rows"]) == 120
    for message in found:
        page.take(message)
        assert numbers(message) <= 200 and max(message["rows"] + message["wander"]) < 2**53
    assert behind > 0
    while rest := session.rest():
        page.take(rest)
        assert numbers(rest) <= 200
    assert page.sites == set(session.counts.lattice["site"].tolist())


def test_six_seeds_fit_into_the_first_frame():
    session = LatticeSession({"crystals": 6, "clusters": 80}, seed=1)
    assert numbers(session.tell(anew=True)) <= 200 and session.rest() is None


def test_page_that_comes_back_in_mid_run_is_told_all(seen):
    session = seen[0]
    again, page = session.tell(anew=True), Page()
    assert set().union(*sites_of(again["seeds"]).values()) == set().union(*sites_of(seen[1][0]["rows"]).values())
    page.take(again)
    assert numbers(again) <= 200
    while rest := session.rest():
        page.take(rest)
    assert page.sites == set(session.counts.lattice["site"].tolist())


def test_rows_and_wanderers_are_packed():
    site = np.array([0, 31, 32, 100])
    assert pack_rows(site, 104).tolist() == [1 + 2**31, 1, 0, 2**4]
    place = np.array([[0.0, 0.5, 0.999], [1.0, 0.25, 0.0], [0.1, 0.2, 0.3]])
    packed = pack_wanderers(np.array([0, 2, 1]), place)
    assert wanderers_of(packed) == [(0, 0, 64, 127), (2, 127, 32, 0), (1, 12, 25, 38)] and len(packed) == 2


def test_geometry_is_that_of_the_box(seen):
    box, shown = seen[0]._run.box, geometry()
    assert tuple(shown["cells"]) == tuple(box.cells) and np.allclose(shown["edges"], box.edges * 1e9, atol=1e-4)
    site = int(seen[0].counts.lattice["site"][7])
    cell, b = divmod(site, len(shown["basis"]))
    x, y, z = cell // shown["cells"][2] // shown["cells"][1], cell // shown["cells"][2] % shown["cells"][1], \
        cell % shown["cells"][2]
    place = (np.array([x, y, z]) + shown["basis"][b]) / shown["cells"] * shown["edges"]
    assert np.allclose(place, box.position(np.array([site]))[0] * 1e9, atol=1e-3)


def test_all_matter_is_there(seen):
    session = seen[0]
    units = [f.crystal / 2 + f.atoms / 2 + 22 * f.clusters for f in session.history]
    assert np.ptp(units) == 0 and session.history[-1].crystal > session.history[0].crystal


def test_wanderers_are_shown_where_they_are(seen):
    session, told, _ = seen
    first = wanderers_of(told[0]["wander"])
    assert len(first) == session.history[0].clusters + session.history[0].atoms > 0
    assert {kind for kind, *_ in first} == {2}
    found = session.counts.lattice
    kind, place = found["walker_kind"], session._run.grid.position(0 * found["walker_kind"], found["walker_point"])
    last = wanderers_of(told[-1]["wander"])
    assert len(last) == len(kind) and sum(k == 2 for k, *_ in last) == session.history[-1].clusters
    cluster = np.flatnonzero(kind == 2)
    edges = session._run.box.edges
    where = (place[cluster] % edges / edges * 128).astype(int)
    assert [tuple(w) for w in where.tolist()] == [tuple(w[1:]) for w in last if w[0] == 2]


@pytest.mark.parametrize("name", stories(lattice=True))
def test_stories_begin(name):
    story = stories(lattice=True)[name]
    session = LatticeSession(story.knobs, seed=1)
    assert session.advance() is not None and story.text.count(". ") + story.text.endswith(".") == 3
    session.close()
    with pytest.raises(BadInput, match="closed"):
        session.advance()


@pytest.mark.parametrize("name, knob", KNOBS.items())
def test_every_knob_can_stand_at_both_ends(name, knob):
    for value in (knob.low, knob.high):
        assert LatticeSession({name: value}, seed=1).advance(seconds=0.5) is not None or value == knob.high


@pytest.mark.parametrize("given, says", [
    ({"x": 1}, "x"), ({"crystals": 2.5}, "whole"), ({"hops": 0}, "Hops"), ({"temperature": 500}, "Temperature"),
])
def test_bad_knobs_get_a_sentence(given, says):
    with pytest.raises(BadInput, match=says):
        LatticeSession(given)


def test_turning_another_knob_begins_anew_and_keeps_what_was_turned_by_hand():
    session = LatticeSession(seed=1)
    session.advance()
    assert session.set("crystals", 3.0) == "same" and session.frame == 1
    assert session.set("feed", 20.0) == "later" and session.frame == 1
    assert session.set("crystals", 2.0) == "new" and session.frame == 0 and len(session.history[0].sizes) == 2
    assert session.table().count("\n") == 2 and session.knobs["feed"] == 20.0 and session.course.feed[0] == 20.0
