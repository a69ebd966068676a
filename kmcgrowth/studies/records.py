"""What the workers of a study write down: one line for each run, and what each of them is busy with."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.files import atomic_path

BEAT_SECONDS = 15.0
"""A worker shows so often that it is alive [s]."""

STALE_SECONDS = 60.0
"""A worker of another machine that has not shown itself for so long counts as gone [s]."""

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

    def count(self, keys: Sequence[str], repeats: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Runs done and failed of each point, of so many."""
        done, failed = (
            np.array([sum((key, r) in found for r in range(repeats)) for key in keys], dtype=np.int64)
            for found in (self.done, self.failed)
        )
        return done, failed


class Records:
    """All lines of a folder.

    Parameters
    ----------
    folder : one file of lines for each worker, which it alone appends to; a line begins with the checksum of the rest
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def progress(self) -> Progress:
        """Read them; the files of workers in any order, as one run has one outcome whoever found it."""
        found = Progress()
        for path in sorted(self.folder.glob("*.jsonl")):
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
        for path in self.folder.glob("*.jsonl"):
            found = Progress()
            kept = [_line(record) for record in _lines(path, found) if "reason" not in record]
            with atomic_path(path) as temporary:
                temporary.write_bytes(b"".join(kept))


class Recorder:
    """Appends the lines of one worker.

    Raises
    ------
    OSError
        From ``append``, where the disk takes no more.
    """

    def __init__(self, records: Records, name: str) -> None:
        self.path = records.folder / f"{name}.jsonl"
        self._lock = threading.Lock()

    def append(self, record: dict[str, Any]) -> None:
        """Write one line at once."""
        # a line that a full disk has cut short must not take the next one with it
        line = b"\n" + _line(record)
        with self._lock:
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                written = os.write(file, line)
                if written < len(line):  # a full disk takes a part and says nothing
                    os.write(file, line[written:])
            finally:
                os.close(file)


class Desk:
    """Where a worker says what it is busy with, and keeps what it has not finished.

    Parameters
    ----------
    folder : the files of all workers, which begin with their names
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}"
        self._shown = 0.0

    def busy(self, key: str) -> None:
        """Say which point is worked on."""
        entry = {"key": key, "host": socket.gethostname(), "since": time.time()}
        with suppress(OSError):
            self._path.write_text(json.dumps(entry), encoding="utf-8")
        self._shown = time.monotonic()

    def beat(self) -> None:
        """Show from time to time that the worker is alive."""
        if time.monotonic() - self._shown > BEAT_SECONDS:
            self._shown = time.monotonic()
            with suppress(OSError):
                os.utime(self._path)

    def draft(self) -> Path:
        """A name for a file that is not finished, of this thread."""
        return self.folder / f"{self.name}.{threading.get_ident()}.nc"

    def leave(self) -> None:
        """The worker has nothing more to do."""
        with suppress(OSError):
            self._path.unlink()

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.name}.json"


def at_work(folder: Path) -> list[dict[str, Any]]:
    """What each worker that is alive is busy with; what those of this machine that are not have left is cleared."""
    found = []
    for path in sorted(folder.glob("*.json")):
        here, alive = _owner(path)
        if not alive and here:
            _clear(path)
        elif alive and (entry := _entry(path)) is not None:
            found.append(entry)
    return found


def left_behind(folder: Path) -> set[str]:
    """Points that workers of this machine were busy with when they died; their desks are cleared."""
    keys = set()
    for path in folder.glob("*.json"):
        here, alive = _owner(path)
        if here and not alive:
            entry = _entry(path)
            keys |= {str(entry["key"])} if entry is not None else set()
            _clear(path)
    return keys


def _owner(path: Path) -> tuple[bool, bool]:
    """Whether the worker whose file this is works on this machine, and whether it is alive."""
    host, pid, _ = path.stem.rsplit("-", 2)
    if host == socket.gethostname():
        return True, _alive(int(pid))
    try:
        return False, time.time() - path.stat().st_mtime < STALE_SECONDS
    except OSError:
        return False, False


def _entry(path: Path) -> dict[str, Any] | None:
    """What a worker says; None while it writes, or if it died over it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"key", "host"} <= set(found) else None


def _clear(path: Path) -> None:
    for file in [path, *path.parent.glob(f"{path.stem}.*.nc")]:
        with suppress(OSError):
            file.unlink()


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
    with suppress(OSError, IndexError):  # where the system tells so, a zombie is dead
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return True


__all__ = ["Desk", "Progress", "Recorder", "Records", "Run", "at_work", "left_behind"]
