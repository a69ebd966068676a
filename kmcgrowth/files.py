"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kmcgrowth.errors import BadInput


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the name ``path`` only when the block succeeds.

    The temporary file lies in the same folder, keeps the suffix of ``path``, is flushed to disk before it
    is renamed, and is removed when the block raises. What a symbolic link points to is replaced, not the link.

    Parameters
    ----------
    path : path of the file to be written; an existing file is replaced

    Yields
    ------
    Path of an empty file, to be overwritten within the block

    Raises
    ------
    BadInput
        If the folder does not exist or cannot be written to, or if ``path`` is no ordinary file.
    """
    target = Path(os.path.realpath(path))
    folder = target.parent
    _check_target(path, target)
    temporary = folder / f".{target.stem[:60]}-{secrets.token_hex(6)}{target.suffix}"
    try:
        # 0o666 less the umask: the file gets the rights that any other new file of this user has.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as error:
        raise BadInput(
            f'cannot write "{path}": no file can be made in the folder "{folder}" ({error.strerror}); '
            f"choose a folder that you may write to."
        ) from error
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    with suppress(OSError):  # some file systems do not let a folder be opened
        _flush(folder)


@contextmanager
def claimed(path: str | os.PathLike[str]) -> Iterator[None]:
    """Within the block, let no other process claim ``path``.

    A file ``path.lock`` lies beside it meanwhile. What counts is the system's lock on that file, not the file: it
    goes with the process, however that ends. File systems that know no locks are let through.

    Raises
    ------
    BadInput
        If another process has claimed it.
    """
    lock = f"{os.path.realpath(path)}.lock"
    handle = _locked(lock)
    if handle is None:
        raise BadInput(
            f'"{path}" is being written by another run at this moment; wait for it, or choose another name with -o.'
        )
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock)
        os.close(handle)


def _locked(path: str) -> int | None:
    """An open file with the system's lock on it; None if another process has the lock."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except (ImportError, OSError):
            return handle
        # The holder before may have removed the very file that was opened: then the lock on it means nothing.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)


def _check_target(given: str | os.PathLike[str], target: Path) -> None:
    folder = target.parent
    try:
        mode = target.stat().st_mode
    except OSError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise BadInput(f'cannot write "{given}": it is a folder; give the name of a file in it.')
    if mode is not None and not stat.S_ISREG(mode):
        raise BadInput(f'cannot write "{given}": it is not an ordinary file; give the name of a file.')
    if not folder.exists():
        raise BadInput(f'cannot write "{given}": there is no folder "{folder}"; make it first.')
    if not folder.is_dir():
        raise BadInput(f'cannot write "{given}": "{folder}" is a file, not a folder; choose another place.')


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
