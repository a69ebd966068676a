"""Stories that the page tells, and the challenge."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from kmcgrowth.classroom.frames import Frame
from kmcgrowth.classroom.knobs import Setting
from kmcgrowth.classroom.lattice_course import LatticeCourse


@dataclass(frozen=True)
class Challenge:
    """Something to reach in the shortest time.

    Attributes
    ----------
    diameter : least mean over all particles [nm]
    width : relative standard deviation of all particles to stay below [%]
    free : knobs that may be turned
    """

    diameter: float
    width: float
    free: tuple[str, ...]

    def won(self, frame: Frame) -> bool:
        """Whether a frame is there."""
        mean, width = frame.mean[-1], frame.width[-1]
        return mean is not None and width is not None and mean >= self.diameter and width < self.width

    def time(self, history: Sequence[Frame]) -> float | None:
        """When it was reached first [s]; None if never."""
        return next((frame.time for frame in history if self.won(frame)), None)


@dataclass(frozen=True)
class Story:
    """A start of the knobs with something to learn from it.

    Attributes
    ----------
    name, title : str
    text : str, three sentences
    question, answer : str, the answer for lecturers
    knobs : as ``Session`` or ``LatticeSession`` takes them
    challenge : Challenge or None
    """

    name: str
    title: str
    text: str
    question: str
    answer: str
    knobs: dict[str, Any]
    challenge: Challenge | None = None


@lru_cache(maxsize=2)
def stories(*, lattice: bool = False) -> dict[str, Story]:
    """Name -> story of the flask or of the lattice, in the order of the page."""
    book = "lattice_stories.toml" if lattice else "stories.toml"
    text = resources.files("kmcgrowth.classroom").joinpath(book).read_text(encoding="utf-8")
    found = {}
    for entry in tomllib.loads(text)["story"]:
        challenge = entry.pop("challenge", None)
        if challenge is not None:
            challenge = Challenge(challenge["diameter"], challenge["width"], tuple(challenge["free"]))
        story = Story(**entry, challenge=challenge)
        if lattice:
            LatticeCourse(story.knobs, 0)
        else:
            Setting.of(story.knobs)
        found[story.name] = story
    return found


__all__ = ["Challenge", "Story", "stories"]
