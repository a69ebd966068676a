"""Errors of the package: what went wrong, in one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class KmcgrowthError(Exception):
    """Any error that the package raises on purpose."""


class BadInput(KmcgrowthError, ValueError):
    """Something the user wrote cannot be used; one sentence says what, where and what would be right."""


class NotBuilt(KmcgrowthError, ImportError):
    """The package was imported from a folder in which its compiled kernels are missing."""


class Interrupted(KmcgrowthError):
    """A run was stopped from outside before it was complete."""


@contextmanager
def kernels() -> Iterator[None]:
    """Import compiled kernels in here; ``NotBuilt`` tells where Python found the package without them."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("kmcgrowth."):
            raise
        folder = Path(__file__).parent
        raise NotBuilt(
            f'"{folder}" is the source of kmcgrowth without its compiled kernels, and Python took it from there: '
            f'run "pip install -e ." in "{folder.parent}", or start Python in another folder.', name=error.name,
        ) from error
