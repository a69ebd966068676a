"""The numbers of a study as files and as words."""

from __future__ import annotations

import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from studies import study_file

from kmcgrowth.cli import main
from kmcgrowth.results import load
from kmcgrowth.studies import load_study, open_study, sweep
from kmcgrowth.studies.store import Store

Table = dict[str, list[float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six points with two replicates, of which the last point is missing."""
    place = tmp_path_factory.mktemp("study")
    with ThreadPoolExecutor(2) as pool:
        for part in range(1, 6):
            sweep(load_study(study_file(place)), place / "out", executor=pool, workers=2, shard=(part, 6))
    return place / "out"


@pytest.fixture
def table(folder: Path, tmp_path: Path) -> Table:
    """Its table, column by column."""
    assert main(["collect", str(folder), "-o", str(tmp_path / "table.csv")]) == 0
    with open(tmp_path / "table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_a_row_holds_the_means_of_the_runs_of_a_point(folder: Path, table: Table) -> None:
    """From the particles in the files of the runs, by hand."""
    store = Store(folder)
    points = store.open()[1]
    assert [len(column) for column in table.values()] == [6] * len(table)
    for i, point in enumerate(points):
        there = point.changes
        assert f"{table['injection.0.rate [mL/hour]'][i]:g} mL/hour" == there["injection.0.rate"]
        assert there["flask.temperature"] == f"{table['flask.temperature [degC]'][i]:g} degC"
        if i == 5:
            assert np.isnan(table["mean_diameter seed [nm]"][i]) and table["done"][i] == 0.0
            continue
        means = []
        for replicate in range(2):
            run = load(store.dataset(point.key, replicate))
            number = run["particle_count"].isel(time=-1).sel(origin="seed").values.ravel()
            means.append(float(number @ run["diameter"].values / number.sum()))
        assert table["mean_diameter seed [nm]"][i] == pytest.approx(np.mean(means), rel=1e-12)
        # Student's t of one degree of freedom at 97.5 % is tan(0.475 pi)
        half = np.tan(0.475 * np.pi) * abs(means[0] - means[1]) / 2.0
        assert table["mean_diameter_ci seed upper [nm]"][i] == pytest.approx(np.mean(means) + half, rel=1e-9)


def test_parquet_holds_what_csv_holds(folder: Path, table: Table, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main(["collect", str(folder), "-o", str(tmp_path / "table.parquet")]) == 0
    found = parquet.read_table(tmp_path / "table.parquet").to_pydict()
    assert list(found) == list(table)
    for name, column in table.items():
        assert np.array_equal(np.array(found[name], dtype=float), column, equal_nan=True), name


def test_parquet_without_pyarrow_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["collect", str(folder), "-o", str(tmp_path / "table.parquet")]) == 2
    assert 'run "pip install kmcgrowth[analysis]", or write .csv' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_dataset_is_what_open_study_gives(folder: Path, tmp_path: Path) -> None:
    assert main(["collect", str(folder), "-o", str(tmp_path / "all.nc")]) == 0
    with xr.open_dataset(tmp_path / "all.nc", engine="h5netcdf") as found:
        whole = open_study(folder).load()
        assert set(found.data_vars) == set(whole.data_vars) and found.sizes == whole.sizes
        for name in whole.data_vars:
            np.testing.assert_array_equal(found[name].values, whole[name].values, err_msg=str(name))


def test_other_names_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["collect", str(folder), "-o", "table.xlsx"]) == 2
    assert '"table.xlsx" ends in none of .nc, .csv and .parquet' in capsys.readouterr().err


def test_status_counts_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "points   6 with 2 replicates" in said and "done     10 of 12 runs" in said
    assert said.splitlines()[-1] == "the same sweep goes on with what is missing"
