"""The fast selection of the verification program: every case in its short variant."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from verification.cases import THEMES, Bench, load, near
from verification.report import describe, examine, main, matches

CASES = load()


# the comparison with the twin is left to test_twin.py, which holds both engines to the master equation
@pytest.mark.parametrize("name", [name for name in CASES if name != "twin"])
def test_case_holds(name: str) -> None:
    checks, seconds, _ = examine(CASES[name], "exact", fast=True)
    assert checks
    failed = [check for check in checks if not check.holds]
    assert not failed, describe(CASES[name], failed, seconds)


def test_every_theme_has_a_case_and_every_case_its_physics() -> None:
    homes = {case.body.__module__.rpartition(".")[2] for case in CASES.values()}
    assert homes == set(THEMES)
    for number in range(1, 13):
        assert any(matches(name, f"V{number}") for name in CASES), f"no case for V{number}"


def test_a_failed_check_is_told_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["V12"]
    wrong = type(case)("V12", "a case that fails", lambda bench: [near("a number", 1.0, 2.0, "no reason", within=0.1)])
    broken = type(case)("V13", "a case that breaks", lambda bench: 1 / 0)  # type: ignore[arg-type,return-value]
    monkeypatch.setattr("verification.report.load", lambda: {"V12": wrong, "V13": broken})
    assert main(["--fast"]) == 1
    said = capsys.readouterr().out
    assert "FAILS  a number: expected 2, measured 1, within 0.1" in said
    assert "FAILS  runs to its end" in said and "2 FAIL: V12, V13" in said
    assert main(["V99"]) == 2


def test_the_folder_runs_as_a_program(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "verification"
    listed = subprocess.run([sys.executable, str(folder), "--list"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(CASES)


def test_figures_are_drawn(tmp_path: Path) -> None:
    assert main(["V6-monomers", "--fast", "--plots", str(tmp_path)]) == 0
    assert (tmp_path / "V6-monomers-1.png").stat().st_size > 1000
    bench = Bench()
    bench.draw("title", lambda axes: axes.plot([0, 1]))
    assert list(bench.drawings) == ["title"]
