"""Lattice recipes whose dissolved atoms and clusters walk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lattices import recipe_text

from kmcgrowth.errors import BadInput, Interrupted
from kmcgrowth.lattice.frames import read_frames, read_walkers
from kmcgrowth.lattice.walk_run import WalkRun
from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.results import differences
from kmcgrowth.simulate import simulate

CLUSTERS = """
[species.AMC]
formula_units = 22
[[reaction]]
equation = "AMC -> 22 monomer"
rate = "2 / s"
"""


def fed(**changes: object) -> object:
    text = recipe_text('solution = "walkers"', 'contents = { AMC = "60 mM" }', CLUSTERS, duration="0.5 s", snapshots=11)
    return parse_recipe(text, changes=changes)


def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmcgrowth.lattice.run.BUDGET", 5000)
    recipe = fed()
    whole = simulate(recipe)  # type: ignore[arg-type]
    checkpoint, asked, starts = tmp_path / "walk.ckpt", 0, 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked % 5 == 0

    while True:
        starts += 1
        try:
            parts = simulate(recipe, checkpoint=checkpoint, resume=True, stop=stop)  # type: ignore[arg-type]
        except Interrupted:
            continue
        if parts.attrs["complete"]:
            break
    assert starts > 1
    assert differences(whole, parts) == []
    few = simulate(recipe, snapshots=[0.0, 0.25, 0.5])  # type: ignore[arg-type]
    for name in ("events", "exposure", "matter", "dissolved_atoms"):
        assert np.array_equal(few[name].values[-1], whole[name].values[-1]), name


def test_atoms_are_conserved_and_what_walks_is_kept_with_the_frames() -> None:
    result = simulate(fed())  # type: ignore[arg-type]
    matter = result["matter"].sum("place").values
    assert np.all(matter == matter[0])
    assert result["attached"].values[-1] > 200
    walkers = read_walkers(result)
    assert walkers is not None and len(walkers) == len(read_frames(result))
    box = read_frames(result)[0].box
    amounts = result["dissolved_atoms"].values
    for (place, kind, names), dissolved in zip(walkers, amounts, strict=True):
        assert names == ("In", "As", "AMC")
        assert np.bincount(kind, minlength=3)[:2].tolist() == dissolved.tolist()
        assert np.all((place >= 0.0) & (place < box))


def test_a_reservoir_fills_the_box_and_feeds_the_crystal() -> None:
    """At the start the region holds a Poisson number at the concentration outside; then the crystal grows."""
    text = recipe_text('solution = "walkers"\nsupersaturation = 2e5', duration="0.05 s", snapshots=6)
    result = simulate(parse_recipe(text))
    volume = (10 * 0.60583 - 4 * 0.60583) ** 3  # nm^3; two cells at each border are outside
    expected = 2e5 * 6.02214e-7 * volume
    # 6.5 standard errors of a Poisson number, p < 1e-10, for each element
    assert np.all(np.abs(result["dissolved_atoms"].values[0] - expected) < 6.5 * np.sqrt(expected))
    assert result["attached"].values[-1] > 30
    size = result["mean_diameter"].sel(population="all").values
    assert size[-1] > size[0]


RESERVOIR = 'solution = "walkers"\nsupersaturation = {}'


def test_a_crystal_that_begins_in_the_reservoir_is_refused() -> None:
    near_x = 'at = ["1.9 nm", "3.05 nm", "3.05 nm"]\ndiameter = "2.5 nm"'
    for lines, along in ((near_x, "along x,"), ('diameter = "3.6 nm"', "along x and y and z,")):
        text = recipe_text(RESERVOIR.format(3.0)).replace('diameter = "2.5 nm"', lines)
        with pytest.raises(BadInput, match=f"lattice.box: .* reaches, {along}.* larger"):
            simulate(parse_recipe(text))
        simulate(parse_recipe(text.replace("supersaturation = 3.0", ""), changes={"simulation.duration": "1 ms"}))


def test_a_crystal_that_grows_up_to_the_reservoir_is_noted() -> None:
    text = recipe_text(RESERVOIR.format(3e5), duration="0.6 s", snapshots=13)
    model = build_model(parse_recipe(text))
    run, again = (WalkRun(model, np.random.Generator(np.random.SFC64(1))) for _ in range(2))
    assert run.notes() == []
    met = -1.0
    for time in model.snapshots:
        assert run.advance(float(time))
        site = run.counts().lattice["site"]
        beside = run.box.split(np.concatenate([site, run.box.neighbours(site).ravel()]))[0]
        # two cells at each border are the reservoir
        if met < 0.0 and np.any((beside < 2) | (beside >= np.array(run.box.cells) - 2)):
            met = float(time)
            assert "reservoir" in run.notes()[0]
        assert np.all((run.box.split(site)[0] >= 2) & (run.box.split(site)[0] < np.array(run.box.cells) - 2))
    assert 0.0 < met < model.duration
    assert 0.0 < float(run.notes()[0].split()[2]) <= met
    again.restore(run.state())
    assert again.notes() == run.notes()
    assert json.loads(simulate(parse_recipe(text)).attrs["notes"])[0].startswith("lattice.box: at ")


def test_enclosed_atoms_are_not_exposed() -> None:
    """Once all that is left is enclosed in crystals, the sum of what is exposed over time stays as it is."""
    text = recipe_text('solution = "walkers"', 'contents = { monomer = "12 M" }', duration="100 s")
    text = text.replace("1e6 nm^3/s", "inf")
    run = WalkRun(build_model(parse_recipe(text)), np.random.Generator(np.random.SFC64(1)))
    times = np.linspace(20.0, 100.0, 5)
    seen = []
    for time in times:
        assert run.advance(float(time))
        seen.append(run.counts().lattice)
    assert np.all(seen[0]["dissolved_atoms"] > 0)
    assert seen[0]["attached"] == seen[-1]["attached"]
    assert all(np.array_equal(s["exposure"], seen[0]["exposure"]) for s in seen)
