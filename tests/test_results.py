"""The dataset: what is in it, how it survives the disk, and when two of them are the same."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from kmcgrowth import dataset, intervals, report, results
from kmcgrowth.errors import BadInput
from kmcgrowth.provenance import provenance_text

N_A = 6.02214076e23


@pytest.fixture
def small(factories: ModuleType) -> Any:
    """Two snapshots that can be worked out by hand."""
    m = factories.model(3, (0.0, 60.0), flask=7.5e-6)
    history = [
        factories.counts(m, 0.0, [100, 200, 200]),
        factories.counts(m, 60.0, [300, 300], [2], volume=2 * m.control_volume, injected_volume=1e-6,
                         tallies={"events": 77, "born": 4, "dissolved_seed": 1, "dissolved_nucleated": 3,
                                  "largest_debt": 9, "lost:decay": 5}),
    ]
    return m, history, factories.dataset(m, history)


def test_by_hand(small: Any) -> None:
    m, _, d = small
    assert d["size"].values.tolist() == [2, 100, 200, 300]
    assert d["origin"].values.tolist() == ["seed", "nucleated"]
    assert d["population"].values.tolist() == ["seed", "nucleated", "all"]
    assert d["particle_count"].dims == ("time", "origin", "size")
    assert d["particle_count"].dtype == np.int64
    assert d["particle_count"].values.tolist() == [[[0, 1, 2, 0], [0, 0, 0, 0]], [[0, 0, 0, 2], [1, 0, 0, 0]]]
    sphere = (6 * d["size"].values * 0.05559 / np.pi) ** (1 / 3)  # V = pi d^3/6
    np.testing.assert_allclose(d["diameter"], sphere, rtol=1e-12)
    a, b = sphere[1], sphere[2]
    mean = (a + 2 * b) / 3
    width = np.sqrt(((a - mean) ** 2 + 2 * (b - mean) ** 2) / 3) / mean
    assert d["mean_diameter"].sel(population="seed").values[0] == pytest.approx(mean, rel=1e-12)
    assert d["relative_std"].sel(population="all").values[0] == pytest.approx(width, rel=1e-12, abs=0.0)
    assert np.isnan(d["mean_diameter"].sel(population="nucleated").values[0])
    assert d["relative_std"].sel(population="seed").values[1] == 0.0
    assert d["number"].values.tolist() == [[3, 0, 3], [2, 1, 3]]
    # The hidden intermediate (100) is shown with its parent MSC (900); half the concentration in twice the volume.
    assert d["species"].values.tolist() == ["monomer", "AMC", "MSC"]
    expected = np.array([130, 4000, 1000]) / N_A / (m.control_volume * 1000)
    np.testing.assert_allclose(d["concentration"][0], expected, rtol=1e-12)
    np.testing.assert_allclose(d["concentration"][1], expected / 2, rtol=1e-12)
    np.testing.assert_allclose(d["volume"], [7.5, 15.0])
    np.testing.assert_allclose(d["injected_volume"], [0.0, 1.0])
    assert d["events"].values.tolist()[1] == 77 and d.attrs["events"] == 77
    assert d["born"].values.tolist() == [0, 4]
    assert d["dissolved"].values.tolist() == [[0, 0], [1, 3]]
    assert d["largest_debt"].values.tolist() == [0, 9]
    assert d["lost"].sel(channel="decay").values.tolist() == [0, 5]
    assert d["matter"].sel(place="particles", element="As").values.tolist() == [500, 602]
    assert d["matter"].dtype == np.int64
    np.testing.assert_allclose(d["nucleated_share"], [0.0, 4 / 3])


def test_attributes_and_units(small: Any) -> None:
    m, _, d = small
    for name, variable in d.variables.items():
        assert variable.attrs["units"] and variable.attrs["long_name"], name
    a = d.attrs
    assert a["seed"] == 1 and a["method"] == "exact" and a["complete"] == 1 and a["schema_version"] == 1
    assert a["control_volume_mL"] == pytest.approx(m.control_volume * 1e6, rel=1e-6, abs=0.0)
    assert json.loads(a["recipe_files"]) == {"log.csv": "time_s,temperature_C\n0,300\n"}
    assert json.loads(a["recipe_changes"]) == {"flask.volume": "7.5 mL"}
    assert json.loads(a["bit_generator"])["state"]["state"] == 2**100
    assert json.loads(a["notes"]) == ["a note"]
    assert {"kmcgrowth", "python", "numpy", "scipy"} <= set(json.loads(a["versions"]))
    assert a["host"] and a["created"] and a["wall_seconds"] == 2.5


def test_no_seed_and_huge_seed(factories: ModuleType) -> None:
    m = factories.model(1)
    history = [factories.counts(m, 0.0, [10])]
    assert "seed" not in factories.dataset(m, history, seed=None).attrs
    assert factories.dataset(m, history, seed=2**63 - 1).attrs["seed"] == 2**63 - 1
    assert factories.dataset(m, history, seed=2**70).attrs["seed"] == str(2**70)


def test_round_trip_and_bare_open(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    results.save(synthetic_result, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = results.load(path)
        with xr.open_dataset(path) as bare:
            assert bare["time"].dtype == np.float64
            np.testing.assert_array_equal(bare["time"], synthetic_result["time"])
            assert bare["particle_count"].dtype == np.int64
            assert all(v.dtype.kind not in "mM" for v in bare.variables.values())
    assert results.differences(synthetic_result, again) == []
    assert set(again.attrs) == set(synthetic_result.attrs)
    assert again["species"].dtype.kind == "U"
    results.save(again, tmp_path / "twice.nc")
    assert (tmp_path / "twice.nc").read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.nc", "twice.nc"]


def test_long_recipes_survive(factories: ModuleType, tmp_path: Path) -> None:
    m = factories.model(1)
    text = "# °C µ\n" * 200_000  # more than the 64 KiB that a compact HDF5 attribute may have
    d = factories.dataset(m, [factories.counts(m, 0.0, [10])], recipe_text=text)
    results.save(d, tmp_path / "a.nc")
    assert results.load(tmp_path / "a.nc").attrs["recipe"] == text


def test_no_particles_ever(factories: ModuleType, tmp_path: Path) -> None:
    m = factories.model(0)
    d = factories.dataset(m, [factories.counts(m, t, []) for t in (0.0, 1.0)])
    assert d.sizes["size"] == 0
    assert np.isnan(d["nucleated_share"]).all() and np.isnan(d["nucleated_share_ci"]).all()
    results.save(d, tmp_path / "a.nc")
    assert results.differences(d, results.load(tmp_path / "a.nc")) == []


def test_many_sizes_are_binned(factories: ModuleType, tmp_path: Path) -> None:
    m = factories.model(30000)
    n = np.random.default_rng(3).integers(2, 200_000, 30000)
    n[:2] = 2, 199_999
    d = factories.dataset(m, [factories.counts(m, 0.0, n), factories.counts(m, 1.0, n + 5)])
    assert d.sizes["size"] <= dataset.MAX_SIZES
    assert d["size"].attrs["bounds"] == "size_bounds"
    low, high = d["size_bounds"].values.T
    assert (low[1:] >= high[:-1]).all() and (d["size"] >= low).all() and (d["size"] < high).all()
    by_hand = [((n >= a) & (n < b)).sum() for a, b in zip(low[::500], high[::500], strict=True)]
    assert d["particle_count"].sel(origin="seed").values[0, ::500].tolist() == by_hand
    assert d["particle_count"].sum(["origin", "size"]).values.tolist() == [30000, 30000]
    exact = (6 * n * 0.05559 / np.pi) ** (1 / 3)  # the mean comes from the sizes, not from the bins
    assert d["mean_diameter"].sel(population="seed").values[0] == pytest.approx(exact.mean(), rel=1e-12)
    results.save(d, tmp_path / "a.nc")
    assert results.identical(d, results.load(tmp_path / "a.nc"))


def test_replicates(factories: ModuleType, tmp_path: Path) -> None:
    runs = [factories.focusing(s, particles=300, snapshots=5, nucleates=True) for s in range(3)]
    m, histories = runs[0][0], [h for _, h in runs]
    d = factories.dataset(m, histories)
    assert d["particle_count"].dims == ("replicate", "time", "origin", "size")
    assert d["temperature"].dims == ("time",) and d["replicate"].values.tolist() == [0, 1, 2]
    for r, history in enumerate(histories):
        alone = factories.dataset(m, history)
        np.testing.assert_array_equal(d["mean_diameter"].isel(replicate=r), alone["mean_diameter"])
        some = d["particle_count"].isel(replicate=r)
        np.testing.assert_array_equal(some.sel(size=alone["size"]), alone["particle_count"])
        assert int(some.sum()) == int(alone["particle_count"].sum())
    x = d["relative_std"].sel(population="all").isel(time=-1).values
    low, high = stats.t.interval(0.95, 2, x.mean(), stats.sem(x))
    np.testing.assert_allclose(d["relative_std_ci"].sel(population="all").isel(time=-1), [low, high], rtol=1e-10)
    assert d.attrs["events"] == sum(h[-1].tallies["events"] for h in histories)
    results.save(d, tmp_path / "a.nc")
    assert results.identical(d, results.load(tmp_path / "a.nc"))
    shorter = factories.dataset(m, [histories[0][:3], histories[1], histories[2]], complete=False)
    assert shorter.sizes["time"] == 3 and shorter.attrs["complete"] == 0
    assert factories.dataset(m, [histories[0]]).sizes["replicate"] == 1
    with pytest.raises(ValueError, match="no snapshot"):
        factories.dataset(m, [])


def test_expected_counts_have_no_intervals(factories: ModuleType) -> None:
    m = factories.model(2)
    c = replace(factories.counts(m, 0.0, [10, 20]), seed=np.array([0.25, 1.75]), nucleated=np.array([0.0, 0.0]))
    d = factories.dataset(m, [c], method="balance")
    assert d["particle_count"].dtype == np.float64
    assert d["particle_count"].values[0, 0].tolist() == [0.25, 1.75]
    assert np.isnan(d["relative_std_ci"]).all() and np.isnan(d["nucleated_share_ci"]).all()


def test_poisson_interval_is_garwoods() -> None:
    k = np.array([0, 1, 5, 100])
    low, high = intervals.poisson_interval(k)
    # Garwood (1936): the bounds are where the tail probability of the count is 2.5 %.
    np.testing.assert_allclose(stats.poisson.cdf(k, high), 0.025, rtol=1e-9)
    np.testing.assert_allclose(stats.poisson.sf(k[1:] - 1, low[1:]), 0.025, rtol=1e-9)
    assert low[0] == 0.0 and high[0] == pytest.approx(3.6889, abs=1e-4)


def test_share_interval_choice() -> None:
    few = np.array([[0.0], [1.0], [0.0]])
    low, high = intervals.share_interval(few, 1000.0)
    exact = intervals.poisson_interval(1.0)
    assert (float(low[0]), float(high[0])) == pytest.approx((exact[0] / 3000, exact[1] / 3000))
    many = np.array([[90.0], [110.0], [130.0]])
    low, high = intervals.share_interval(many, 1000.0)
    expected = stats.t.interval(0.95, 2, 0.11, stats.sem([0.09, 0.11, 0.13]))
    assert (float(low[0]), float(high[0])) == pytest.approx(expected)
    assert np.isnan(intervals.share_interval(many, 0.0)[0]).all()


def test_within_run_intervals_cover() -> None:
    """Of 4000 samples of 400 lognormal diameters, 95 % of the intervals hold the true relative width."""
    rng = np.random.default_rng(7)
    s = 0.15
    d = np.exp(s * rng.standard_normal((4000, 400)))
    mean = d.mean(axis=1)
    m2, m3, m4 = (((d - mean[:, None]) ** k).mean(axis=1) for k in (2, 3, 4))
    half_mean, half = intervals.sampling_errors(np.full(4000, 400.0), mean, m2, m3, m4)
    covered = np.abs(np.sqrt(m2) / mean - np.sqrt(np.expm1(s * s))) < half
    covered_mean = np.abs(mean - np.exp(s * s / 2)) < half_mean
    # Standard error of the coverage 0.0034; the delta method is short by about 1 % here; 0.02 more is P < 1e-7.
    assert covered.mean() == pytest.approx(0.95, abs=0.03)
    assert covered_mean.mean() == pytest.approx(0.95, abs=0.025)


def test_differences(synthetic_result: xr.Dataset) -> None:
    a = synthetic_result
    same = a.copy(deep=True)
    same.attrs |= {"wall_seconds": 99.0, "host": "elsewhere", "created": "later", "versions": "{}"}
    assert results.identical(a, same)
    other = a.copy(deep=True)
    other["particle_count"].values[0, 0, 3] += 1
    other.attrs["seed"] = 2
    found = results.differences(a, other)
    assert len(found) == 2 and found[0].startswith("particle_count: 1 of") and found[1] == "attribute seed: 1 against 2"
    assert not results.identical(a, other)
    assert results.differences(a, a.drop_vars("born")) == ["born: only in the first"]
    assert any("against" in line for line in results.differences(a, a.isel(time=slice(3))))
    assert results.differences(a, a.assign_coords(species=["monomer", "AMC", "XYZ"]))


def test_times_that_two_schedules_share(factories: ModuleType) -> None:
    m, history = factories.focusing(particles=200, snapshots=9, nucleates=True)
    fine, coarse = factories.dataset(m, history), factories.dataset(m, history[::2])
    assert fine.sizes["size"] > coarse.sizes["size"]
    assert results.differences(fine.isel(time=slice(0, None, 2)), coarse) == []
    assert results.differences(fine.isel(time=slice(1, 8, 2)), coarse.isel(time=slice(0, 4))) != []


def test_load_refuses_in_one_sentence(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    results.save(synthetic_result, path)
    whole = path.read_bytes()
    (tmp_path / "text.nc").write_text("hello")
    (tmp_path / "empty.nc").write_bytes(b"")
    (tmp_path / "half.nc").write_bytes(whole[: len(whole) // 2])
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    cases = {"missing.nc": "no such file", "text.nc": "cannot be read", "empty.nc": "cannot be read",
             "half.nc": "cannot be read", "other.nc": "not a result of kmcgrowth", ".": "is not a file"}
    for name, sentence in cases.items():
        with pytest.raises(BadInput, match=sentence) as caught:
            results.load(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_flipped_bits_are_noticed(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "run.nc"
    results.save(synthetic_result, path)
    with h5py.File(path) as f:
        chunk = f["particle_count"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="damaged"):
        results.load(path)


def test_other_schema_version_warns(synthetic_result: xr.Dataset, tmp_path: Path) -> None:
    newer = synthetic_result.copy()
    newer.attrs = synthetic_result.attrs | {"schema_version": 2}
    results.save(newer, tmp_path / "a.nc")
    with pytest.warns(UserWarning, match="schema version 2"):
        results.load(tmp_path / "a.nc")


def test_texts(synthetic_result: xr.Dataset, small: Any) -> None:
    d = synthetic_result
    text = report.summary(d)
    last = d.isel(time=-1)
    assert f"{float(last['mean_diameter'].sel(population='all')):.4g} nm (95 % interval" in text
    assert "nucleated       2000, 0.5 per seed" in text and "events/s" in text and "a note" in text
    assert "incomplete" not in text
    rows = report.history_table(d).splitlines()
    assert len(rows) == 3 + d.sizes["time"] and rows[3].split()[-3:] == ["-", "-", "0"]
    provenance = provenance_text(d)
    assert 'material = "InAs"' in provenance and "PCG64" not in provenance and "log.csv, 2 lines" in provenance
    assert "3 (1 seeds" not in report.summary(small[2]) and "4 (1 seeds, 3 nucleated)" in report.summary(small[2])


def test_the_summary_averages_replicates_as_the_table_does(factories: ModuleType) -> None:
    runs = [factories.focusing(s, particles=n, snapshots=3, nucleates=True) for s, n in ((0, 40), (1, 50), (2, 60))]
    d = factories.dataset(runs[0][0], [h for _, h in runs])
    text, number = report.summary(d), d["number"].isel(time=-1)
    mean = float(number.sel(population="all").mean())
    assert mean == 75.0  # half as many as the seeds are born
    assert f"particles       {mean:g} at 2 h (95 % interval " in text
    assert f"nucleated       {float(d['born'].isel(time=-1).mean()):g}, " in text
    assert report.history_table(d).splitlines()[-1].split()[7] == f"{mean:g}"
    assert "3; means per replicate" in text and "of all replicates in" in text


def test_csv_is_exact(factories: ModuleType, synthetic_result: xr.Dataset) -> None:
    import csv
    import io

    d = synthetic_result
    rows = list(csv.DictReader(io.StringIO(report.history_csv(d))))
    assert [float(r["time_s"]) for r in rows] == d["time"].values.tolist()
    amc = d["concentration"].sel(species="AMC").values.tolist()
    assert [float(r["concentration_AMC_mol_per_L"]) for r in rows] == amc
    assert rows[0]["mean_diameter_nucleated_nm"] == "" and int(rows[-1]["number_nucleated"]) == 2000
    runs = [factories.focusing(s, particles=50, snapshots=3) for s in range(2)]
    d = factories.dataset(runs[0][0], [h for _, h in runs])
    rows = list(csv.DictReader(io.StringIO(report.history_csv(d))))
    assert [r["replicate"] for r in rows] == ["0"] * 3 + ["1"] * 3
    assert float(rows[4]["mean_diameter_all_nm"]) == float(d["mean_diameter"].sel(population="all")[1, 1])


def test_a_file_that_another_program_has_locked_is_told(tmp_path: Path, small: Any) -> None:
    import fcntl

    path = tmp_path / "a.nc"
    results.save(small[2], path)
    with open(path, "rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match=r"cannot be locked for reading.*HDF5_USE_FILE_LOCKING=FALSE"):
            results.load(path)
    assert results.load(path).attrs["complete"] == 1
