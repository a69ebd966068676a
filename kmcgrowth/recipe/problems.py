"""What is wrong with a recipe, said in one sentence that names the key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from kmcgrowth.errors import BadInput
from kmcgrowth.units import shown

Path = tuple[str | int, ...]
_BARE = re.compile(r"[A-Za-z0-9_()\[\]'-]{1,60}")


class Wrong(ValueError):
    """A mistake found inside a part of a recipe; ``path`` is relative to that part.

    Attributes
    ----------
    sentence : str, ends with a full stop
    path : keys and list positions below the part that is being read
    """

    def __init__(self, sentence: str, *path: str | int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.path: Path = path


def key_text(path: Iterable[str | int]) -> str:
    """Dotted key such as ``injection.0.rate``; unusual names are quoted."""
    parts = [p if isinstance(p, str) else str(p) for p in path]
    return ".".join(p if _BARE.fullmatch(p) else shown(p) for p in parts)


def bad(sentence: str, *path: str | int) -> BadInput:
    """The error for a mistake at an absolute ``path``."""
    return BadInput(f"{key_text(path)}: {sentence}" if path else sentence)


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean "rate"?``, or else ``otherwise``, or the list of what is known."""
    names = sorted(known)
    lower = {n.lower(): n for n in names}
    found = difflib.get_close_matches(name[:60].lower(), list(lower), n=1, cutoff=0.6)
    if found:
        return f'did you mean "{lower[found[0]]}"?'
    return otherwise or (f"known here: {', '.join(names)}." if names else "nothing is known here.")


def check_keys(data: Any, known: Iterable[str]) -> None:
    """Refuse what is not a table, and the first key that is not known.

    Raises
    ------
    Wrong : with the key as its path.
    """
    known = tuple(known)
    if not isinstance(data, Mapping):
        raise Wrong(f"{shown(data)} is not a table; write one with the keys {', '.join(known)}.")
    for key in data:
        if key not in known:
            raise Wrong(f"unknown key; {nearest(str(key), known)}", str(key))


def first_problem(error: ValidationError) -> BadInput:
    """The first of pydantic's complaints, as our one sentence."""
    detail = error.errors(include_url=False)[0]
    path: Path = tuple(detail["loc"])
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, Wrong):
        return bad(cause.sentence, *path, *cause.path)
    if isinstance(cause, BadInput):
        return bad(str(cause), *path)
    message = " ".join(str(detail["msg"]).split())
    return bad(f"{shown(detail.get('input'))} does not fit: {message[:1].lower()}{message[1:]}.", *path)
