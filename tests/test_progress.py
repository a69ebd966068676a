"""What is told of work that goes on: time and speed of a run, and a share where there is no time."""

from __future__ import annotations

import pytest

from kmcgrowth.cli import progress


def test_a_share_is_told_as_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    bar = progress.Progress(1.0, share=True)
    for done in (0.0, 2.0 / 3.0):
        bar(done, 0)
    bar.close()
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("kmcgrowth: 67 % done") and "of 1 s" not in said and "events" not in said


def test_a_run_tells_its_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    bar = progress.Progress(60.0)
    bar(0.0, 0)
    bar(30.0, 100)
    assert "30 of 60 s" in capsys.readouterr().err
