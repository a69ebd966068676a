"""Figures of results of a lattice: what they say of few crystals, of replicates, of peaks and of sizes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from lattices import recipe_text
from matplotlib.text import Text
from test_lattice_figures import overlaps

import kmcgrowth as kg
from kmcgrowth.plots import crystal_figure, figure
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.report import summary

MANY = '[[seeds]]\ndiameter = "1.8 nm"\nrelative_std = 0.2\nconcentration = "7 mM"\n'


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures with few pixels, to be quick."""
    monkeypatch.setattr(crystal_figure, "PIXELS", 80)


@cache
def result(replicates: int = 1, many: bool = False) -> xr.Dataset:
    held = 'supersaturation = 30.0\nbond_energy = "0.28 eV"'
    text = recipe_text(held, tables=MANY if many else "", duration="0.1 s")
    if many:
        text = text.replace('box = "6 nm"', 'box = "12 nm"').replace('diameter = "2.5 nm"', 'diameter = "3 nm"')
    return kg.simulate(parse_recipe(text), replicates=replicates)


def texts(fig: Any) -> str:
    return " | ".join(t.get_text() for t in fig.findobj(Text) if t.get_text().strip())


@pytest.mark.parametrize("many", [False, True])
def test_few_crystals_are_counted_and_make_no_density(many: bool) -> None:
    data = result(many=many)
    fig = figure(data, kind="distribution")
    left, right = fig.axes
    assert left.get_ylabel() == right.get_ylabel() == "particles"
    number = int(data["number"].sel(population="all")[-1])
    assert sum(patch.get_data().values.sum() for patch in right.patches) == number and (number > 5) == many
    assert (f"{number} particles: " if many else "1 particle: ") in texts(fig) and "± 0.0 %" not in texts(fig)
    assert np.ptp(right.get_xlim()) > 0.1
    assert overlaps(fig) == []


def test_sizes_are_put_into_ranges_and_particles_are_whole_numbers() -> None:
    fig = figure(result(many=True), kind="sizes")
    left, right, bar = fig.axes
    (bars,) = right.patches
    values, edges, _ = bars.get_data()
    assert values.sum() == pytest.approx(100.0) and (np.diff(edges) >= np.ptp(left.get_ylim()) / 150).all()
    labels = [t.get_text() for t in bar.get_yticklabels()]
    assert labels and all(label.isdigit() for label in labels)
    assert left.get_ylabel() == "formula units in a particle (half its atoms)"
    assert overlaps(fig) == []


def test_peaks_that_are_labelled_are_peaks_of_the_last_curve() -> None:
    fig = figure(result(), kind="scattering")
    left = fig.axes[0]
    at = sorted(float(t.get_text()) for t in left.texts)
    # the reflections 111, 220 and 311 of zincblende, but no side lobes of a small crystal beside them
    cubic = 2.0 * np.pi / 6.0583 * np.sqrt([3.0, 8.0, 11.0])
    assert at[:3] == pytest.approx(cubic.tolist(), abs=0.06)
    assert (np.diff(at) > 0.4).all()
    assert left.get_legend().get_title().get_text() == "labels: peaks at 100 ms"
    assert overlaps(fig) == []


def test_labels_of_masses_are_those_of_the_peaks() -> None:
    fig = figure(result(many=True), kind="mass")
    labels = [t for t in fig.axes[1].texts if "kDa" in t.get_text()]
    assert labels
    for t in labels:
        assert float(t.get_text().split(" kDa")[0]) == pytest.approx(t.xy[0], rel=0.01)


def test_no_share_is_told_of_crystals_that_nothing_can_nucleate_beside() -> None:
    assert "per seed" not in summary(result()) and "nucleated       0\n" in summary(result())


@pytest.mark.parametrize("kind", ["overview", "crystal", "section", "sizes", "scattering"])
def test_figures_of_one_replicate_say_so(kind: str) -> None:
    said = texts(figure(result(replicates=2), kind=kind))
    assert "the first of 2 replicates" in said and "95 %" not in said
    assert "replicates" not in texts(figure(result(), kind=kind))
    assert "mean of 2 replicates" in texts(figure(result(replicates=2), kind="history"))
