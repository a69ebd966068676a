"""Atomic writes: whole file or none, and a clear sentence where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path, claimed


def test_success_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "result.nc"
    target.write_text("old")
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".nc"
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["result.nc"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "result.nc"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.nc"]


def test_new_files_have_ordinary_rights(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.nc"
    link.symlink_to(tmp_path / "real" / "result.nc")
    with atomic_path(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and (tmp_path / "real" / "result.nc").read_text() == "new"


def test_relative_and_very_long_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "x" * 250 + ".nc"
    with atomic_path(name) as temporary:
        temporary.write_text("new")
    assert os.listdir(tmp_path) == [name]


def test_bad_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases = [
        (tmp_path / "nowhere" / "a.nc", "there is no folder"), (tmp_path, "it is a folder"),
        (tmp_path / "file" / "a.nc", "is a file, not a folder"), (Path(os.devnull), "not an ordinary file"),
    ]
    for path, sentence in cases:
        with pytest.raises(BadInput, match=sentence), atomic_path(path):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="no file can be made"), atomic_path(tmp_path / "a.nc"):
        pass
    tmp_path.chmod(0o700)


def test_a_claimed_file_is_claimed_by_nobody_else(tmp_path: Path) -> None:
    with claimed(tmp_path / "r.nc"):
        with pytest.raises(BadInput, match="another run"), claimed(tmp_path / "r.nc"):
            raise AssertionError
        with claimed(tmp_path / "other.nc"):
            pass
    assert os.listdir(tmp_path) == []


def test_a_claim_ends_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / "r.nc"
    code = f"import os; from kmcgrowth.files import claimed\nwith claimed({str(path)!r}): os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert os.listdir(tmp_path) == ["r.nc.lock"]
    with claimed(path):
        pass
    assert os.listdir(tmp_path) == []
