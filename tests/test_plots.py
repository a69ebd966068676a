"""Figures: every kind draws every sort of result, says its units, and leaves the caller's settings alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr

from kmcgrowth import plots
from kmcgrowth.errors import BadInput
from kmcgrowth.plots import clock
from kmcgrowth.plots.overlay import lay_over


@pytest.fixture(scope="module")
def sorts(factories: ModuleType, synthetic_result: xr.Dataset) -> dict[str, xr.Dataset]:
    """Results of every sort that a figure may be asked for."""
    m, history = factories.focusing(particles=300, snapshots=5, nucleates=True)
    born = [factories.counts(m, c.time, [], np.repeat(c.sizes, c.nucleated)) for c in history]
    runs = [factories.focusing(s, particles=200, snapshots=5, nucleates=True)[1] for s in range(3)]
    bare = factories.model(0)
    empty = [factories.counts(bare, t, [], amounts=np.zeros(4, dtype=int), supersaturation=0.0) for t in (0.0, 9.0)]
    heat = [factories.counts(bare, t, [], temperature=300 + t / 60, supersaturation=1e-5 * (t + 1))
            for t in range(0, 16000, 999)]
    many = replace(bare, species=("monomer", *(f"X{i}" for i in range(11))), parent=np.arange(12),
                   formula_units=np.ones(12, dtype=int), atoms=np.ones((12, 2), dtype=int))
    return {
        "two populations": synthetic_result, "single snapshot": synthetic_result.isel(time=[-1]),
        "start": synthetic_result.isel(time=[0]), "no seeds": factories.dataset(replace(m, seeds=()), born),
        "replicates": factories.dataset(m, runs), "empty": factories.dataset(bare, empty, complete=False, title=""),
        "heat-up": factories.dataset(bare, heat),
        "one particle": factories.dataset(m, [factories.counts(m, 0.0, [50])]),
        "many species": factories.dataset(many, [factories.counts(many, t, [], amounts=np.arange(12)) for t in (0, 5)]),
        "costly title": factories.dataset(bare, empty, title="5 $ a gram, $^ no TeX " * 8),
    }


SORTS = ["two populations", "single snapshot", "start", "no seeds", "replicates", "empty", "heat-up", "one particle",
         "many species", "costly title"]


def boxes_overlap(fig: Any) -> list[str]:
    """Pairs of axes whose labels and ticks lie on each other, in a figure that has been drawn."""
    panels = [(i, ax.get_tightbbox()) for i, ax in enumerate(fig.axes)]
    twins = {ax.get_position().bounds for ax in fig.axes}
    found = []
    for i, a in panels:
        for j, b in panels[i + 1:]:
            same = fig.axes[i].get_position().bounds == fig.axes[j].get_position().bounds and len(twins) < len(panels)
            if a.overlaps(b) and not same:
                found.append(f"{i} and {j}")
    return found


@pytest.mark.parametrize(("kind", "sort"), [
    *(("overview", sort) for sort in SORTS), *(("distribution", sort) for sort in SORTS),
    *(("history", sort) for sort in ("two populations", "replicates", "empty")),
    *(("spectra", sort) for sort in SORTS),
    *((kind, sort) for kind in ("mass", "tem", "saxs", "diffraction")
      for sort in ("two populations", "start", "no seeds", "replicates", "empty", "one particle")),
])
def test_every_kind_draws_every_sort(sorts: dict[str, xr.Dataset], kind: str, sort: str, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    fig = plots.figure(sorts[sort], kind=kind)
    plots.save_figure(fig, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before
    for ax in fig.axes:
        label = ax.get_ylabel()
        assert "(" in label or label.startswith(("supersaturation", "particles")), label
        assert ax.get_xlabel().endswith(")") or ax.get_xlabel() == ""
    assert boxes_overlap(fig) == []


def test_the_command_names_every_kind() -> None:
    text = Path(plots.__file__).parents[1].joinpath("cli", "plot.py").read_text(encoding="utf-8")
    assert [kind for kind in plots.KINDS if kind not in text] == []


def test_overview_shows_the_numbers(synthetic_result: xr.Dataset) -> None:
    fig = plots.overview(synthetic_result)
    diameter = next(ax for ax in fig.axes if ax.get_ylabel() == "mean diameter (nm)")
    lines = {line.get_label(): line for line in diameter.get_lines()}
    assert set(lines) == {"seeds", "nucleated", "all"}
    expected = synthetic_result["mean_diameter"].sel(population="seed").values
    np.testing.assert_allclose(np.asarray(lines["seeds"].get_ydata(), dtype=float), expected)
    width = next(ax for ax in fig.axes if ax.get_ylabel().startswith("relative width"))
    last = {line.get_label(): np.asarray(line.get_ydata(), dtype=float)[-1] for line in width.get_lines()}
    assert last["seeds"] == pytest.approx(100 * float(synthetic_result["relative_std"].sel(population="seed")[-1]))
    species = next(ax for ax in fig.axes if ax.get_ylabel().startswith("concentration"))
    assert {t.get_text() for t in species.get_legend().get_texts()} == {"monomer", "AMC", "MSC"}


def test_bands_only_with_replicates(sorts: dict[str, xr.Dataset]) -> None:
    def bands(sort: str) -> int:
        fig = plots.history(sorts[sort])
        return len(next(ax for ax in fig.axes if ax.get_ylabel() == "mean diameter (nm)").collections)

    assert bands("replicates") == 3 and bands("two populations") == 0


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_files_by_suffix_are_reproducible(sorts: dict[str, xr.Dataset], suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        plots.save_figure(plots.distribution(sorts["replicates"]), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_bad_suffix_and_kind(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    fig = plots.distribution(synthetic_result)
    for name in ("figure.gif", "figure"):
        with pytest.raises(BadInput, match=r"\.svg, \.pdf, \.png"):
            plots.save_figure(fig, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match='"overview"'):
        plots.figure(synthetic_result, kind="pie")


def test_functions_stay_functions_and_imports_stay_light() -> None:
    code = (
        "import sys; import kmcgrowth.plots as p, kmcgrowth.results, kmcgrowth.files, kmcgrowth.observables;"
        "assert not {'matplotlib', 'xarray', 'pandas', 'h5py'} & set(sys.modules), sorted(sys.modules);"
        "import kmcgrowth.plots.overview_figure; assert callable(p.overview);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_a_steady_temperature_looks_steady(synthetic_result: xr.Dataset, sorts: dict[str, xr.Dataset]) -> None:
    for sort, least in (("one particle", 100.0), ("heat-up", 267.0)):
        fig = plots.overview(sorts[sort])
        low, high = next(ax for ax in fig.axes if ax.get_ylabel() == "temperature (°C)").get_ylim()
        celsius = sorts[sort]["temperature"].values - 273.15
        assert high - low >= least and low < celsius.min() and celsius.max() < high


def test_particles_that_dissolve_at_once_are_points(factories: ModuleType) -> None:
    m = factories.model(3, (0.0, 60.0, 120.0))
    gone = factories.dataset(m, [factories.counts(m, t, [50, 60, 70] if t == 0.0 else []) for t in m.snapshots])
    for ax in plots.history(gone).axes:
        if ax.get_ylabel().startswith(("mean diameter", "relative width", "particles")):
            (line,) = ax.get_lines()
            assert line.get_marker() == "o" and line.get_markevery() == [0]


def test_measured_points_keep_the_look(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("time_min,diameter_nm\n0,2.5\n150,4.8\n")
    fig = plots.overview(synthetic_result)
    lay_over(fig, synthetic_result, tmp_path / "points.csv")
    ax = next(ax for ax in fig.axes if ax.get_ylabel() == "mean diameter (nm)")
    other = next(ax for ax in fig.axes if ax.get_ylabel().startswith("relative width"))
    sizes = {text.get_fontsize() for a in (ax, other) for text in a.get_legend().get_texts()}
    edges = {a.get_legend().get_frame().get_edgecolor() for a in (ax, other)}
    assert len(sizes) == 1 and len(edges) == 1
    assert ax.get_xlim() == (0.0, 150.0)
    (tmp_path / "empty.csv").write_text("time_min,diameter_nm\n")
    (tmp_path / "semicolons.csv").write_text("time_min;diameter_nm\n0;2,5\n")
    for name, said in (("empty", "no rows"), ("semicolons", "semicolons"), ("..", "folder")):
        path = tmp_path / name if name == ".." else tmp_path / f"{name}.csv"
        with pytest.raises(BadInput, match=said):
            lay_over(fig, synthetic_result, path)


def test_an_exciton_that_stands_still_looks_so() -> None:
    """Amorphous clusters whose inflection moves in the fifteenth digit; no legend lies on the points."""
    import kmcgrowth as kg

    fig = plots.figure(kg.simulate(kg.load_recipe("inas_alcohol")), kind="spectra")
    ax = next(ax for ax in fig.axes if ax.get_ylabel() == "first exciton (nm)")
    fig.canvas.draw()
    low, high = ax.get_ylim()
    assert high - low >= 20.0
    assert max(len(tick.get_text()) for tick in ax.get_yticklabels()) <= 5
    legend = ax.get_legend().get_window_extent()
    for line in ax.get_lines():
        points = ax.transData.transform(np.asarray(line.get_xydata()))
        assert not any(legend.contains(*point) for point in points)


def test_parts_that_absorb_in_the_ultraviolet_only_are_drawn() -> None:
    import kmcgrowth as kg

    fig = plots.figure(kg.simulate(kg.load_recipe("cds_methanol")), kind="spectra")
    names = {text.get_text() for text in fig.axes[1].get_legend().get_texts()}
    assert names == {"all", "Cd37S20_alpha, dissolved", "Cd37S20_beta, dissolved"}


def test_a_legend_of_many_species_lies_on_no_line() -> None:
    import kmcgrowth as kg

    for name in ("cdse_cadmium", "inp_cation_exchange"):
        fig = plots.overview(kg.simulate(kg.load_recipe(name)))
        fig.canvas.draw()
        ax = next(ax for ax in fig.axes if ax.get_ylabel().startswith("concentration"))
        legend = ax.get_legend().get_window_extent()
        for line in ax.get_lines():
            points = ax.transData.transform(np.asarray(line.get_xydata()))
            assert not any(legend.contains(*point) for point in points if np.isfinite(point).all()), name


def test_times_are_told_in_a_unit_that_fits() -> None:
    told = [clock.told(time, "min", 60.0) for time in (0.0, 5.0, 45.0, 100.0, 3600.0, 6000.0)]
    assert told == ["0 min", "5 s", "0.75 min", "1.67 min", "60 min", "100 min"]
