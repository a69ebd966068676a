"""The folder of a study: its state is the files in it, and nothing else."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.study import Study, parse_study

LAYOUT = 1
"""Version of the layout of the folder."""

STALE_SECONDS = 60.0
"""A worker of another machine that has not shown itself for so long counts as gone [s]."""

FOLDERS = ("points", "partial", "records", "running")

Run = tuple[str, int]
"""A point's key and a replicate."""


@dataclass
class Progress:
    """What the records of a folder say.

    Attributes
    ----------
    done : (key, replicate) -> summary
    failed : (key, replicate) -> record with ``reason`` and ``kind``
    torn : int, lines that a kill or a disk left incomplete
    """

    done: dict[Run, dict[str, Any]] = field(default_factory=dict)
    failed: dict[Run, dict[str, Any]] = field(default_factory=dict)
    torn: int = 0


class Store:
    """The folder of a study.

    Parameters
    ----------
    folder : path; it need not exist yet

    Notes
    -----
    ``manifest.json`` holds the study and the recipe, ``points/ab/ab...-0.nc`` the datasets of the points by the first
    two digits of their names, ``partial/`` the state of long runs, ``records/`` one file of lines for each worker,
    which it alone appends to, and ``running/`` what each worker is busy with. A line begins with the checksum of the
    rest.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    # -- places ------------------------------------------------------------------------------------

    @property
    def manifest(self) -> Path:
        """File that says which study this is."""
        return self.folder / "manifest.json"

    def dataset(self, key: str, replicate: int) -> Path:
        """File of one result."""
        return self.folder / "points" / key[:2] / f"{key}-{replicate}.nc"

    def checkpoint(self, key: str, replicate: int) -> Path:
        """File of the state of one run that takes long."""
        return self.folder / "partial" / f"{key}-{replicate}.ckpt"

    # -- the study -----------------------------------------------------------------------------------

    def begin(self, study: Study, files: dict[str, str], seed: int) -> dict[str, Any]:
        """Make the folder, or hold the study against the one that is in it; its manifest.

        Raises
        ------
        BadInput
            If another recipe, seed or record is in the folder, or nothing can be written there.
        """
        fresh = {
            "layout": LAYOUT, "study": study.text, "recipe": study.recipe_text, "files": files, "seed": seed,
            "record": study.record, "title": study.title,
        }
        if not self.manifest.exists():
            self._make()
            if self._first(fresh):
                return fresh
        found = self.read_manifest()
        self._same(found, study, files)
        fresh["seed"] = found["seed"]
        if found != fresh:
            with atomic_path(self.manifest) as temporary:
                temporary.write_text(_text(fresh), encoding="utf-8")
        return fresh

    def _first(self, manifest: dict[str, Any]) -> bool:
        """Write the manifest if no other sweep has done so at this very moment."""
        draft = self.folder / f".manifest-{secrets.token_hex(6)}.json"
        try:
            draft.write_text(_text(manifest), encoding="utf-8")
            os.link(draft, self.manifest)
        except FileExistsError:
            return False
        except OSError:
            with atomic_path(self.manifest) as temporary:
                temporary.write_text(_text(manifest), encoding="utf-8")
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _make(self) -> None:
        try:
            others = self.folder.is_dir() and {path.name for path in self.folder.iterdir()} - {*FOLDERS}
            if others and not all(name.startswith(".manifest-") for name in others):
                raise BadInput(f'"{self.folder}" holds other files and no study; give another folder with -o.')
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f'"{self.folder}" cannot be made: {error.strerror}; give another one with -o.') from None

    def _same(self, found: dict[str, Any], study: Study, files: dict[str, str]) -> None:
        advice = f'give the old one, or another folder than "{self.folder}".'
        if found["recipe"] != study.recipe_text or found["files"] != files:
            raise BadInput(f"the recipe of this study has changed since the folder was begun; {advice}")
        if study.seed is not None and study.seed != found["seed"]:
            raise BadInput(f"the study has seed {study.seed}, but the folder was begun with {found['seed']}; {advice}")
        if found["record"] != study.record:
            raise BadInput(f"the study records {study.record}, the folder was begun with {found['record']}; {advice}")

    def read_manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says.

        Raises
        ------
        BadInput
            If there is none, or it is damaged or of another layout.
        """
        try:
            found = json.loads(self.manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BadInput(
                f'"{self.folder}" is not the folder of a study; give one that kmcgrowth sweep made.'
            ) from None
        except (OSError, ValueError) as error:
            raise BadInput(f'"{self.manifest}" cannot be read: {error}; run the sweep again with its study.') from None
        if not isinstance(found, dict) or found.get("layout") != LAYOUT:
            raise BadInput(f'"{self.folder}" was made by another version of kmcgrowth; give a new folder.')
        return found

    def open(self) -> tuple[Study, Points]:
        """The study that is in the folder, and its points."""
        found = self.read_manifest()
        study = parse_study_of(found)
        return study, Points(study, int(found["seed"]))

    # -- records -------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """Read all records; the files of workers in any order, as one run has one outcome whoever found it."""
        found = Progress()
        for path in sorted((self.folder / "records").glob("*.jsonl")):
            for record in _lines(path, found):
                run = (str(record["key"]), int(record["replicate"]))
                if "reason" in record:
                    found.failed.setdefault(run, record)
                else:
                    found.done.setdefault(run, record)
        for run in found.done:
            found.failed.pop(run, None)
        return found

    def forget_failures(self) -> None:
        """Let failed runs be tried again."""
        for path in (self.folder / "records").glob("*.jsonl"):
            found = Progress()
            kept = [_line(record) for record in _lines(path, found) if "reason" not in record]
            with atomic_path(path) as temporary:
                temporary.write_bytes(b"".join(kept))

    def running(self) -> list[dict[str, Any]]:
        """What each worker that is alive is busy with."""
        found = []
        for path in sorted((self.folder / "running").glob("*.json")):
            try:
                entry = json.loads(path.read_text(encoding="utf-8"))
                seen = path.stat().st_mtime
            except (OSError, ValueError):
                continue
            here = entry.get("host") == socket.gethostname()
            alive = _alive(int(entry["pid"])) if here else time.time() - seen < STALE_SECONDS
            if alive:
                found.append(entry)
            elif here:
                with suppress(OSError):
                    path.unlink()
        return found


class Recorder:
    """Appends the lines of one worker, and says what it is busy with."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}"
        self._file: int | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Write one line at once."""
        if self._file is None:
            path = self.store.folder / "records" / f"{self.name}.jsonl"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        # a line that a full disk has cut short must not take the next one with it
        line = b"\n" + _line(record)
        written = os.write(self._file, line)
        if written < len(line):  # a full disk takes a part and says nothing
            os.write(self._file, line[written:])

    def busy(self, key: str | None) -> None:
        """Say which point is worked on; None for none."""
        path = self.store.folder / "running" / f"{self.name}.json"
        if key is None:
            with suppress(OSError):
                path.unlink()
            return
        entry = {"key": key, "host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
        with suppress(OSError):
            path.write_text(json.dumps(entry), encoding="utf-8")

    def close(self) -> None:
        """No more lines."""
        self.busy(None)
        if self._file is not None:
            os.close(self._file)
            self._file = None


def parse_study_of(manifest: dict[str, Any]) -> Study:
    """The study of a manifest, with the recipe as it was when the folder was begun."""
    return parse_study(manifest["study"], recipe=manifest["recipe"], files=manifest["files"])


def _text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=1, ensure_ascii=False)


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x " % zlib.crc32(text) + text + b"\n"


def _lines(path: Path, found: Progress) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        text = line[9:]
        if line[:8] != b"%08x" % zlib.crc32(text):
            found.torn += 1
            continue
        yield json.loads(text)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


__all__ = ["Progress", "Recorder", "Run", "Store", "parse_study_of"]
