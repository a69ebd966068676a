"""The map of a study, its regimes, and the window of the closed forms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from studies import RECIPE, study_file

import kmcgrowth as kg
from kmcgrowth import plots
from kmcgrowth.cli import main
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.studies import load_study, study_map, sweep
from kmcgrowth.studies.regimes import regime
from kmcgrowth.studies.window import steady


def test_regimes_are_told_apart() -> None:
    found = regime([0.0, 0.02, 0.0, 0.0, np.nan], [0.0, 0.5, 0.02, 0.0, 0.0], [0.05, 0.3, 0.05, 0.13, 0.1], 0.12)
    assert found.tolist() == [0, 1, 2, 2, -1]


def test_the_window_is_that_of_diffusion_control() -> None:
    """k = 1 + q/(4 pi D c_inf l_c exp(l_c/r)) at the mean volume of the seeds, all that is fed taken as monomer."""
    model = build_model(kg.parse_recipe(RECIPE.replace("0.1\nconc", "0.001\nconc")), particles=1000)
    _, focusing = steady(model)
    temperature = 573.15
    length, solubility = model.capillary_length(temperature), model.solubility(temperature)
    attach, _ = model.tables(temperature, 4000)
    units = round(float(np.mean(model.draw_seeds(np.random.default_rng(0)))))
    r = float(model.radius(units))
    feed = 6e-6 / 3600.0 * 20.0 * 6.02214076e23  # monomers a second into the flask
    q = feed / (0.1 * 7.5e-6 * 6.02214076e23)
    expected = 1.0 + q / (attach[units] / r * solubility * length * np.exp(length / r))
    # steps of one unit change the slope of the solubility by less than a per cent
    assert 1.5 * focusing == pytest.approx(expected, rel=0.02)


def test_a_map_is_drawn_of_axes_with_numbers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        sweep(load_study(study_file(tmp_path)), tmp_path / "out", executor=pool, workers=2)
    figure = study_map(tmp_path / "out", point={"flask.temperature": "300", "injection.0.rate": "6"})
    plots.save_figure(figure, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000
    labels = {ax.get_xlabel() for ax in figure.axes}
    assert "injection.0.rate (mL/h)" in labels
    with pytest.raises(BadInput, match="not an axis"):
        study_map(tmp_path / "out", axes=("flask.temperature", "flask.pressure"))


def test_a_page_tells_the_numbers_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    with ThreadPoolExecutor(2) as pool:
        sweep(load_study(study_file(tmp_path)), tmp_path / "out", executor=pool, workers=2)
    assert main(["map", str(tmp_path / "out"), "-o", str(tmp_path / "map.html")]) == 0
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert text.count('"type":"heatmap"') >= 5 and "relative width" in text and "nucleates" in text
    assert '<script src="http' not in text


def test_the_axis_that_is_not_drawn_is_named(tmp_path: Path) -> None:
    more = '"injection.0.contents.monomer" = { values = ["20 mM", "30 mM"], label = "feed" }\n'
    with ThreadPoolExecutor(2) as pool:
        sweep(load_study(study_file(tmp_path, more=more)), tmp_path / "out", executor=pool, workers=2)
    figure = study_map(tmp_path / "out", at={"injection.0.contents.monomer": "30"})
    assert figure.get_suptitle() == "small; feed 30 mM"


def test_the_small_distribution_hides_no_boundary() -> None:
    """Of four corners, three lie on the boundary of two regimes or on the point; the fourth is taken."""
    from matplotlib.figure import Figure

    from kmcgrowth.plots.map_figure import CORNERS, _corner

    ax = Figure().add_subplot()
    x = y = np.linspace(0.0, 1.0, 21)
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    rows, columns = np.meshgrid(x, y, indexing="ij")
    for corner in CORNERS:
        middle = np.array(corner) + (0.16, 0.11)
        near = (np.abs(rows - middle[0]) < 0.3) & (np.abs(columns - middle[1]) < 0.3)
        regime = np.ma.masked_less(np.where(near, 0, np.where(rows + columns > 1.0, 1, 2)), 0)
        regime[~near] = np.where((21 * rows[~near]).round().astype(int) % 2, 1, 2)
        assert _corner(ax, x, y, regime, (0.5, 0.5)) == corner
    whole = np.ma.masked_less(np.zeros((21, 21), dtype=int), 0)
    assert _corner(ax, x, y, whole, (0.1, 0.1)) == (0.63, 0.68), "the farthest, where all are alike"
