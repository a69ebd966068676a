"""The fast selection of the verification program: every case in its short variant."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verification.cases import THEMES, Bench, load, near
from verification.random_recipes import random_recipe, toml
from verification.report import describe, examine, main, matches
from verification.trials import Difference

from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import parse_recipe

CASES = load()


# the comparison with the twin is left to test_twin.py, which holds both engines to the master equation
@pytest.mark.parametrize("name", [name for name in CASES if name != "twin"])
def test_case_holds(name: str) -> None:
    found = examine(CASES[name], CASES[name].engines[0], fast=True)
    assert found.checks
    assert found.holds, describe(found)


@pytest.mark.parametrize("name", ["V3", "V6-monomers", "V10"])
def test_the_balance_holds_as_well(name: str) -> None:
    found = examine(CASES[name], "balance", fast=True)
    assert found.holds, describe(found)


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


def test_a_page_is_written_for_all_engines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["V6-clusters", "V8-release", "--fast", "--report", str(tmp_path)]) == 0
    page = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert "6 cases" in page and "all hold" in page and str(Path.cwd()) not in page
    assert "| [V6-clusters](#v6-clusters) |" in page and "**balance**" in page
    for name in ("V6-clusters-1.png", "V8-release-1.png"):
        assert f"({name})" in page and (tmp_path / name).stat().st_size > 1000
    assert "6 cases" in capsys.readouterr().out


@given(st.randoms(use_true_random=False))
@settings(derandomize=True, max_examples=25, deadline=None)
def test_random_recipes_are_recipes(random: Random) -> None:
    text = toml(random_recipe(random))
    model = build_model(parse_recipe(text))
    assert model.duration > 0.0 and model.control_volume > 0.0
    assert toml(tomllib.loads(text)) == text


def test_a_recipe_of_the_stress_can_be_rerun(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stress", "--recipe", "3", "--fast"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# recipe 3\nmaterial = ") and "mean diameter" in said and "FAILS" not in said
    for quantity in ("relative width", "particles", "matter in solution"):
        assert quantity in said


def test_noise_widens_a_limit() -> None:
    off = Difference(0, "mean diameter", 1.0, 5.0, 5.2, 0.02, 0.0)
    assert not off.holds and off.relative == pytest.approx(0.04)
    assert Difference(0, "mean diameter", 1.0, 5.0, 5.2, 0.02, 0.03).holds
    assert not Difference(0, "particles", 1.0, 0.0, 40.0, 0.03, 0.0).holds
