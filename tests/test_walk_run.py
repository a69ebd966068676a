"""Lattice recipes whose dissolved atoms and clusters walk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lattices import recipe_text

from kmcgrowth.errors import Interrupted
from kmcgrowth.lattice.frames import read_frames, read_walkers
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
