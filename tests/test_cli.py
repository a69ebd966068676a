"""The command line: what it writes, what it says, and the codes it ends with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import kmcgrowth as kg
from kmcgrowth.cli import main

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.toml"))
NAME = "inas_continuous_injection"
SMALL = ["--particles", "50", "--set", "simulation.duration=10 min", "--set", "simulation.snapshots=6"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def result(synthetic_result: Any, tmp_path: Path) -> Path:
    from kmcgrowth.results import save

    save(synthetic_result, tmp_path / "r.nc")
    return tmp_path / "r.nc"


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("kmcgrowth: ") and lines[0].endswith((".", "?"))
    return lines[0]


def start(*arguments: str, program: str = "from kmcgrowth.cli import main; import sys; sys.exit(main())") -> Any:
    """The command in a process of its own, unbuffered."""
    root = str(Path(kg.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": root + os.pathsep + os.environ.get("PYTHONPATH", "")}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, preexec_fn=_hear_signals if os.name == "posix" else None,
    )


def _hear_signals() -> None:
    """Where the tests run in the background a shell may have had interrupts ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# -- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_wrong_recipe_gives_one_sentence_and_2(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, fragment = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ").split(" | ")
    assert main(["check", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line = one_line(err)
    assert line.startswith(f"kmcgrowth: {key}: ") and fragment in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"], ["frobnicate"], ["run", NAME, "--frob"], ["run", NAME, "--seed", "x"], ["run", NAME, "extra"],
        ["run", "no_such_recipe"], ["run", NAME, "--set", "duration"], ["run", NAME, "--seed", "-1"],
        ["run", NAME, "--set", "simulation.duration=1 mL"], ["run", NAME, "--set", "simulation.duratio=1 h"],
        ["run", NAME, "--method", "magic"],
        ["run", NAME, "--particles", "0"], ["run", NAME, "--replicates", "0"], ["run", NAME, "-o", "x.png"],
        ["run", "."], ["check", "."], ["plot", "."], ["show", "."], ["run", NAME, "-o", "no/such/folder/x.nc"],
        ["show", "none.nc"], ["plot", "none.nc"], ["copy", "nothing"],
    ],
    ids=" ".join,
)
def test_bad_use_gives_one_sentence_and_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments) == 2
    one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_a_bug_gives_one_sentence_and_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(recipe: Any, **options: Any) -> str:
        raise ZeroDivisionError("a bug\nin two lines")

    monkeypatch.setattr("kmcgrowth.check.report", broken)
    monkeypatch.delenv("KMCGROWTH_DEBUG", raising=False)
    assert main(["check", NAME]) == 1
    assert "ZeroDivisionError" in one_line(capsys.readouterr().err)
    monkeypatch.setenv("KMCGROWTH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check", NAME])


# -- run --------------------------------------------------------------------------------------


def test_run_writes_the_result_a_figure_and_a_summary(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["run", NAME, *SMALL]) == 0
    out = capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{NAME}.nc", f"{NAME}.png"]
    for word in ("mean diameter", "relative width", "nucleated", "dissolved", "events/s"):
        assert word in out
    dataset = kg.load(tmp_path / f"{NAME}.nc")
    assert dataset.attrs["complete"] == 1 and dataset.attrs["seed"] == 1
    recipe = kg.load_recipe(NAME, changes={"simulation.duration": "10 min", "simulation.snapshots": "6"})
    again = kg.simulate(recipe, particles=50)
    assert kg.identical(dataset, again)


def test_options_of_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.nc").write_text("old")
    options = ["-o", "own.nc", "--no-plot", "-q", "--replicates", "2", "--seed", "5", "--method", "exact"]
    assert main(["run", NAME, *SMALL, *options]) == 0
    out, err = capsys.readouterr()
    assert out == "" and err == ""
    assert [p.name for p in tmp_path.iterdir()] == ["own.nc"]
    dataset = kg.load("own.nc")
    assert dataset.attrs["seed"] == 5 and dataset.sizes["replicate"] == 2 and dataset.sizes["time"] == 6


def test_resume_without_a_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", NAME, *SMALL, "--resume", "--no-plot"]) == 0
    written = Path(f"{NAME}.nc").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["run", NAME, *SMALL, "--resume", "--no-plot"]) == 0
    assert "complete already" in capsys.readouterr().out
    assert Path(f"{NAME}.nc").stat().st_mtime_ns == written
    assert main(["run", NAME, *SMALL, "--resume", "--no-plot", "--seed", "2"]) == 2
    assert "another run" in one_line(capsys.readouterr().err)


def test_resume_draws_the_figure_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", NAME, *SMALL, "--no-plot"]) == 0
    written = Path(f"{NAME}.nc").stat().st_mtime_ns
    capsys.readouterr()
    assert main(["run", NAME, *SMALL, "--resume"]) == 0
    assert "only its figure was missing" in capsys.readouterr().out
    assert Path(f"{NAME}.png").stat().st_size > 0 and Path(f"{NAME}.nc").stat().st_mtime_ns == written
    assert main(["run", NAME, *SMALL, "--resume"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_replicates_of_a_balance_claim_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", NAME, *SMALL, "--method", "balance", "--replicates", "2", "--no-plot"]) == 0
    out = capsys.readouterr().out
    assert "all alike" in out and "interval" not in out


LINE_BY_LINE = (
    "import sys; from kmcgrowth.cli import main, progress; progress.LINE_SECONDS = 0.0; sys.exit(main())"
)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("replicates", ["1", "3"])
def test_a_signal_in_mid_run_and_resume(number: int, code: int, replicates: str, tmp_path: Path) -> None:
    options = ["--particles", "8000", "--replicates", replicates, "--no-plot", "--set", "simulation.snapshots=31"]
    process = start("run", NAME, *options, "-o", "x.nc", program=LINE_BY_LINE)
    first = process.stderr.readline()
    assert " of 2 h" in first
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "--resume" in err and "x.nc.ckpt" in err
    assert (tmp_path / "x.nc.ckpt").exists()
    part = kg.load("x.nc")
    assert part.attrs["complete"] == 0 and part.sizes["time"] < 31
    assert main(["run", NAME, *options, "-o", "x.nc", "--resume", "-q"]) == 0
    assert not (tmp_path / "x.nc.ckpt").exists()
    assert main(["run", NAME, *options, "-o", "whole.nc", "-q"]) == 0
    assert kg.load("x.nc").attrs["complete"] == 1
    assert kg.identical(kg.load("x.nc"), kg.load("whole.nc"))


DRAWS_SLOWLY = """
import sys, time
from kmcgrowth import plots
from kmcgrowth.cli import main
def slow(dataset):
    print("drawing", file=sys.stderr, flush=True)
    time.sleep(60)
plots.overview = slow
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_while_the_figure_is_drawn_ends_at_once(tmp_path: Path) -> None:
    process = start("run", NAME, *SMALL, "-o", "x.nc", "-q", program=DRAWS_SLOWLY)
    assert process.stderr.readline() == "drawing\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert "Traceback" not in process.stderr.read()
    assert [p.name for p in tmp_path.iterdir()] == ["x.nc"]
    assert kg.load("x.nc").attrs["complete"] == 1


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_two_runs_do_not_share_a_result(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    process = start("run", NAME, "-o", "x.nc", "--no-plot", "--particles", "20000", program=LINE_BY_LINE)
    assert " of 2 h" in process.stderr.readline()
    assert main(["run", NAME, *SMALL, "-o", "x.nc"]) == 2
    assert "another run" in one_line(capsys.readouterr().err)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.nc", "x.nc.ckpt"]


STUBBORN = """
import sys, time
from kmcgrowth.cli import main
import kmcgrowth.simulate
def deaf(*arguments, **options):
    print("begun", file=sys.stderr, flush=True)
    time.sleep(60)
sys.modules["kmcgrowth.simulate"].simulate = deaf
sys.exit(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_second_signal_ends_at_once() -> None:
    process = start("run", NAME, program=STUBBORN)
    assert process.stderr.readline() == "begun\n"
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None  # an engine that does not listen holds the first one up
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert time.monotonic() - began < 20


# -- the other commands -----------------------------------------------------------------------


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", NAME]) == 0
    out, err = capsys.readouterr()
    assert "expected events" in out and err == ""


def test_check_takes_the_changes_that_run_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", NAME, "--particles", "70", "--set", "flask.volume=8 mL", "--method", "twin"]) == 0
    out = capsys.readouterr().out
    assert "with 70 seeds" in out and "8 mL, 300 degC" in out and "engine           twin" in out
    assert main(["check", NAME, "--method", "magic"]) == 2
    one_line(capsys.readouterr().err)


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr("kmcgrowth.check_memory.physical_memory", lambda: 1e9)
    assert main(["run", NAME, "--particles", "100_000_000", "--method", "exact"]) == 2
    assert "this machine has 1 GB; ask for fewer particles" in one_line(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
    assert main(["check", NAME, "--particles", "100_000_000", "--method", "exact"]) == 0
    assert "warning: The run needs about" in capsys.readouterr().out
    assert main(["run", NAME, *SMALL, "--no-plot", "-q"]) == 0


def test_show(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(result)]) == 0
    table = capsys.readouterr().out
    assert "diameter" in table and "mean diameter" in table
    assert main(["show", str(result), "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("time_s,") and len(lines) == 14
    assert main(["show", str(result), "-v"]) == 0
    assert "recipe" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["overview", "distribution", "history"])
def test_plot(result: Path, kind: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["plot", str(result), "--kind", kind]) == 0
    name = "r.png" if kind == "overview" else f"r_{kind}.png"
    assert capsys.readouterr().out == f"{name}\n"
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_plot_lays_measured_points_over(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("points.csv").write_text("time_min,diameter_nm\n0,2.5\n60,3.9\n120,4.8\n")
    assert main(["plot", str(result), "-o", "with.png", "--data", "points.csv"]) == 0
    assert main(["plot", str(result), "-o", "without.png"]) == 0
    assert Path("with.png").read_bytes() != Path("without.png").read_bytes()
    capsys.readouterr()
    for text in ("a,b\n1,2\n", "time_min,diameter_nm\n1,x\n", ""):
        Path("bad.csv").write_text(text)
        assert main(["plot", str(result), "--data", "bad.csv"]) == 2
        one_line(capsys.readouterr().err)
    assert main(["plot", str(result), "--data", "none.csv"]) == 2
    assert main(["plot", str(result), "--data", "points.csv", "--kind", "distribution"]) == 2
    assert main(["plot", str(result), "--kind", "pie"]) == 2
    assert main(["plot", str(result), "-o", "fig.docx"]) == 2


def test_list_and_copy(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert NAME in listed and "InAs" in listed
    assert main(["copy", NAME]) == 0
    copied = kg.load_recipe(tmp_path / f"{NAME}.toml")
    assert copied.text == kg.load_recipe(NAME).text
    capsys.readouterr()
    (tmp_path / f"{NAME}.toml").write_text("mine")
    assert main(["copy", NAME]) == 2
    assert "here already" in one_line(capsys.readouterr().err)
    assert (tmp_path / f"{NAME}.toml").read_text() == "mine"
    assert main(["copy", "InAs"]) == 0


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in ("run", "check", "show", "plot", "list", "copy"):
        assert f"  {command}" in out
    for option in ("-o", "--method", "--seed", "--particles", "--replicates", "--set", "--resume", "--no-plot", "-q"):
        assert main(["run", "--help"]) == 0
        assert option in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert kg.__version__ in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from kmcgrowth.cli import main; main(['--help']);"
        "sys.exit(any(n in sys.modules for n in ('numpy', 'pint', 'pydantic', 'xarray', 'matplotlib', 'rich')))"
    )
    process = start(program=code)
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_leaves_early_is_no_error(result: Path) -> None:
    process = start("show", str(result), "--csv")
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_no_room_for_the_output(result: Path) -> None:
    for arguments in (["show", str(result)], ["show", str(result), "--csv"], ["check", NAME], ["--help"]):
        root = str(Path(kg.__file__).parents[1])
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "kmcgrowth", *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                check=False, env=os.environ | {"PYTHONPATH": root},
            )
        assert done.returncode == 1
        assert "No space left" in one_line(done.stderr)


def test_python_m() -> None:
    root = str(Path(kg.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "kmcgrowth", "--version"], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert done.returncode == 0 and kg.__version__ in done.stdout
