"""The comparison with the papers: what counts as agreement, and that the page tells what comes out."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kmcgrowth.cli import app
from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material
from kmcgrowth.papers import Check, Row, load_rows, run_rows
from kmcgrowth.papers.rows import KINDS, Outcome
from kmcgrowth.papers.run import chosen_rows

IDS = (
    [f"InAs-{i}" for i in range(1, 10)] + [f"InP-{i}" for i in range(1, 7)] + [f"CdSe-{i}" for i in range(1, 5)]
    + ["CdS-1"] + [f"CdP-{i}" for i in range(1, 6)]
)
PAGE = Path(__file__).parents[1] / "docs" / "papers" / "index.md"

PREDICTION = Check("a", 1.0, 0.5, 1.5, "nm", "prediction")
IMPOSED = Check("b", 2.0, -math.inf, 2.5, "", "imposed")
ROW = Row("X-1", "an experiment", "a paper", ("an input",), (), (PREDICTION, IMPOSED))


def test_no_row_is_missing_and_every_check_can_be_met_and_missed() -> None:
    rows = load_rows()
    assert list(rows) == IDS
    for name, row in rows.items():
        assert row.title and row.source and row.inputs and row.checks, name
        assert len({c.name for c in row.checks}) == len(row.checks)
        for check in row.checks:
            assert check.kind in KINDS and check.low <= check.high
            assert math.isfinite(check.low) or math.isfinite(check.high)
            assert not check.met(math.nan) and not check.met(math.inf)


@pytest.mark.parametrize(
    ("row", "measured", "status"),
    [
        (ROW, {"a": 1.2, "b": 2.0}, "holds"),
        (ROW, {"a": 1.6, "b": 2.0}, "fails"),
        (ROW, {"a": 1.2, "b": 2.6}, "fails"),
        (ROW, {"a": math.nan, "b": 2.0}, "fails"),
        (replace(ROW, calibrates=("a",)), {"a": 1.2, "b": 2.0}, "fitted"),
        (replace(ROW, calibrates=("a",)), {"a": 1.6, "b": 2.0}, "fails"),
        (replace(ROW, checks=(IMPOSED,)), {"b": 2.0}, "imposed"),
    ],
)
def test_judgement(row: Row, measured: dict[str, float], status: str) -> None:
    assert row.judge(measured) == status


def test_a_line_has_every_number_beside_what_is_wanted() -> None:
    line = Outcome(ROW, "holds", {"a": 1.2, "b": 2.0}, 0.1).line()
    assert line == "X-1 holds a 1.2 nm; b 2 | 1 nm (0.5 to 1.5); at most 2.5"


def test_rows_are_chosen_by_their_beginnings() -> None:
    assert chosen_rows([]) == IDS
    assert chosen_rows(["inp", "InAs-1"]) == ["InAs-1", *(f"InP-{i}" for i in range(1, 7))]
    with pytest.raises(BadInput, match='"CdTe" is no row'):
        chosen_rows(["CdTe"])


@pytest.mark.parametrize("name", IDS)
def test_the_page_tells_what_comes_out(name: str) -> None:
    """Every row is run; what the page says of it is what comes out."""
    (outcome,) = run_rows([name])
    said = re.search(rf"\| \[{name}\]\(#{name.lower()}\) \| (\w+) \|", PAGE.read_text(encoding="utf-8"))
    assert said is not None and said[1] == outcome.status
    assert set(outcome.measured) == {c.name for c in outcome.row.checks}
    assert (PAGE.parent / f"{name}.png").exists()


def test_the_fitted_numbers_are_those_in_use() -> None:
    """Those that a closed form gives, and the loss that a run is fitted with."""
    from kmcgrowth.papers import calibration
    from kmcgrowth.papers.bench import Bench
    from kmcgrowth.recipe import load_recipe

    assert calibration.alcohol_binding().found == calibration.alcohol_binding().used
    alcohol = load_recipe("inas_alcohol").reaction[0].equilibrium_constant
    assert alcohol is not None and 1e3 * alcohol.value == pytest.approx(346.6, rel=1e-3)
    released, kept = load_recipe("inas_heat_up").reaction[1:]
    ev = 1.602176634e-19
    assert released.rate.activation_energy / ev > float(calibration.amorphous_release().found.split()[2])
    least = [float(x) for x in re.findall(r"\d\.\d+", calibration.magic_release().found)]
    assert max(least) < kept.rate.activation_energy / ev < max(least) + 0.15
    used = load_recipe("inas_growth_stalls").loss[0].rate.value
    assert used == pytest.approx(float(calibration.monomer_loss(Bench()).found.split()[0]), rel=0.03)
    prefactor = float(load_material("InP").nucleation["prefactor"].split()[0])
    found = calibration.indium_phosphide_nucleation(Bench()).found
    assert prefactor == pytest.approx(float(found.split()[0]), rel=0.1)


def test_window_of_the_feed_leaves_the_solubility_that_is_used() -> None:
    """Of five solubilities, those with which the width falls at 6 mL/h and grows at 0.2 mL/h hold the one in use."""
    from kmcgrowth.papers import calibration
    from kmcgrowth.papers.bench import Bench

    tried = re.findall(r"([\d.]+) µM: times ([\d.]+) and ([\d.]+)", calibration.feed_window(Bench()).found)
    good = [float(c) for c, fast, slow in tried if float(fast) < 0.8 and float(slow) > 1.1]
    assert len(tried) == 5 and 0 < len(good) < 4
    assert load_material("InAs").growth["solubility"]["value"] == f"{good[0]:g} uM"


def test_the_command_prints_a_line_a_row_and_draws(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["papers", "CdSe-3", "CdS", "--figures", str(tmp_path)])
    assert ran.exit_code == 0
    assert [line.split()[:2] for line in ran.output.splitlines()] == [["CdSe-3", "holds"], ["CdS-1", "fitted"]]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["CdS-1.png", "CdSe-3.png"]
    ran = CliRunner().invoke(app, ["papers", "CdSe-3", "--report", str(tmp_path)])
    assert "Of 1 rows 1 hold" in (tmp_path / "index.md").read_text(encoding="utf-8")
