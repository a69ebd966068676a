"""The lattice of the classroom without the web."""

from __future__ import annotations

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.classroom.lattice_session import KNOBS, LatticeSession, stories
from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import parse_recipe


@pytest.fixture(scope="module")
def seen():
    """A run of some frames, and all that a page was told of it."""
    session = LatticeSession({"crystals": 2, "clusters": 20}, seed=5)
    told = [session.tell(anew=True)]
    for k in range(12):
        session.advance()
        if k % 3 != 1:
            told.append(session.tell())
    return session, told


def test_box_is_repeated_by_its_recipe(seen):
    session, _ = seen
    result = kg.simulate(parse_recipe(session.recipe()))
    assert float(result["frame_time"][-1]) == session.counts.time == 6.0
    last = result["atom_site"].values[-int(result["frame_atoms"][-1]):]
    assert set(last.tolist()) == set(session.counts.lattice["site"].tolist())
    at_end = result.isel(time=-1)["particle_count"].sum("origin")
    sizes = sorted((n for n, k in enumerate(at_end.values) for _ in range(int(k))), reverse=True)
    counted = session.counts.seed + session.counts.nucleated
    assert len(sizes) == counted.sum() and list(at_end.values[at_end.values > 0]) == list(counted)


def test_what_is_told_adds_up_to_the_atoms_there_are(seen):
    session, told = seen
    there: set[int] = set()
    for message in told:
        assert not there & set(message["came"]) and set(message["left"]) <= there
        there = (there | set(message["came"])) - set(message["left"])
    assert there == set(session.counts.lattice["site"].tolist())
    assert all(len(m["came"]) + len(m["left"]) + len(m["wander"]) <= 500 for m in told[1:])


def test_all_matter_is_there(seen):
    session, _ = seen
    units = [f.crystal / 2 + f.atoms / 2 + 22 * f.clusters for f in session.history]
    assert np.ptp(units) == 0 and session.history[-1].crystal > session.history[0].crystal


def test_wanderers_lie_in_the_box(seen):
    session, told = seen
    packed = np.array(told[0]["wander"])
    assert packed.size == session.history[0].clusters + session.history[0].atoms > 0
    assert packed.min() >= 0 and packed.max() < 4 * 1024**3 and set(packed % 4) <= {0, 1, 2}


@pytest.mark.parametrize("name", stories())
def test_stories_begin(name):
    story = stories()[name]
    session = LatticeSession(story.knobs, seed=1)
    assert session.advance() is not None and story.text.count(". ") + story.text.endswith(".") == 3
    session.close()
    with pytest.raises(BadInput, match="closed"):
        session.advance()


@pytest.mark.parametrize("name, knob", KNOBS.items())
def test_every_knob_can_stand_at_both_ends(name, knob):
    for value in (knob.low, knob.high):
        assert LatticeSession({name: value}, seed=1).advance(seconds=0.5) is not None or value == knob.high


@pytest.mark.parametrize("given, says", [({"x": 1}, "x"), ({"crystals": 2.5}, "whole"), ({"hops": 0}, "Hops")])
def test_bad_knobs_get_a_sentence(given, says):
    with pytest.raises(BadInput, match=says):
        LatticeSession(given)


def test_turning_a_knob_begins_anew(seen):
    session = LatticeSession(seed=1)
    session.advance()
    assert session.set("crystals", 3.0) == "same" and session.frame == 1
    assert session.set("crystals", 2.0) == "new" and session.frame == 0 and len(session.history[0].sizes) == 2
    assert session.table().count("\n") == 2
