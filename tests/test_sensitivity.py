"""Sobol indices of studies whose outcome is a known function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from studies import study_file

from kmcgrowth.cli import main
from kmcgrowth.errors import BadInput
from kmcgrowth.studies import load_study, open_study, sensitivity
from kmcgrowth.studies.records import Recorder
from kmcgrowth.studies.store import Store
from kmcgrowth.studies.summary import BY_POPULATION, SCALARS
from kmcgrowth.studies.sweep import prepare

AXES = """
[axes]
"injection.0.rate" = { from = "2 mL/hour", to = "20 mL/hour", label = "rate" }
"flask.temperature" = { from = "250 degC", to = "300 degC" }
"seeds.0.relative_std" = { from = 0.05, to = 0.2 }
[sampling]
design = "sensitivity"
number = 1024
"""


def known(folder: Path, lost: int = 0) -> Path:
    """A study whose mean diameter is Ishigami's function of its axes and whose width is a sum; some runs failed."""
    path = study_file(folder, record="summaries")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("[axes]")].replace("replicates = 2", "") + AXES, encoding="utf-8")
    store = Store(folder / "out")
    points, _ = prepare(load_study(path), store)
    recorder = Recorder(store.records, "known")
    for point in points:
        if point.number < lost:
            recorder.append({"key": point.key, "replicate": 0, "kind": "failed", "reason": "lost"})
            continue
        share = points.sample[point.number]
        x = np.pi * (2.0 * share - 1.0)
        size = np.sin(x[0]) + 7.0 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])
        width = 3.0 * share[0] + 2.0 * share[1] + share[2]
        numbers = {name: [float("nan")] * 3 for name in BY_POPULATION} | dict.fromkeys(SCALARS, 0.0)
        numbers |= {"mean_diameter": [0.0, 0.0, float(size)], "relative_std": [0.0, 0.0, float(width)]}
        recorder.append({"key": point.key, "replicate": 0, "bytes": 0, "method": "exact", **numbers})
    return folder / "out"


@pytest.mark.parametrize("lost", [0, 3])
def test_indices_are_those_of_the_function(tmp_path: Path, lost: int) -> None:
    """Ishigami and Homma (1990) with a = 7, b = 0.1; of a sum of independent terms the squares of the factors."""
    found = sensitivity(known(tmp_path, lost))
    assert found.attrs["base_points"] == (1024 if not lost else 512)
    a, b, pi = 7.0, 0.1, np.pi
    one, two, both = 0.5 * (1 + b * pi**4 / 5) ** 2, a**2 / 8, 8 * b**2 * pi**8 / 225
    whole = one + two + both
    size = found.sel(quantity="mean_diameter")
    assert size["first"].values == pytest.approx([one / whole, two / whole, 0.0], abs=0.06)
    assert size["total"].values == pytest.approx([(one + both) / whole, two / whole, both / whole], abs=0.06)
    width = found.sel(quantity="relative_std")
    for kind in ("first", "total"):
        assert width[kind].values == pytest.approx([9 / 14, 4 / 14, 1 / 14], abs=0.03)
        low, high = (width[f"{kind}_ci"].sel(bound=name).values for name in ("lower", "upper"))
        assert np.all(low < width[kind].values) and np.all(width[kind].values < high)
    assert found["label"].values[0] == "rate, 2 to 20 mL/h"


def test_a_table_and_a_figure_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["sensitivity", "out"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[0] == "mean_diameter" and said[1].split()[0] == "injection.0.rate"
    assert (tmp_path / "out.png").stat().st_size > 10_000
    assert open_study("out").sizes["sample"] == 5 * 1024


def test_other_studies_are_refused(tmp_path: Path) -> None:
    path = study_file(tmp_path)
    prepare(load_study(path), Store(tmp_path / "out"))
    with pytest.raises(BadInput, match='design = "sensitivity"'):
        sensitivity(tmp_path / "out")
    (tmp_path / "few").mkdir()
    known(tmp_path / "few", lost=1020)
    with pytest.raises(BadInput, match="only 4 of 1024 base points"):
        sensitivity(tmp_path / "few" / "out")
    text = (tmp_path / "few" / "study.toml").read_text(encoding="utf-8")
    (tmp_path / "few" / "study.toml").write_text(text.replace("1024", "1000"), encoding="utf-8")
    with pytest.raises(BadInput, match="1000 is not a power of two, which sensitivity needs; write 512 or 1024"):
        load_study(tmp_path / "few" / "study.toml")
