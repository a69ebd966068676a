"""Feed and temperature of a run at every mark, and the rows of a recipe that say the same.

A run has ``FRAMES`` frames and a mark at every ``EVERY``-th of them. Feed and temperature change at marks only, and the
recipe's temperature program has a point at every mark, whether the temperature changes there or not: at such a point
the engines end what they are drawing. Thus a run that did not know yet of a change at a mark has been, up to that mark,
the run of the recipe that does, and goes on as that one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

FRAMES = 240
"""Frames of a whole run."""

EVERY = 4
"""Frames from one mark to the next."""


class Timeline(ABC):
    """What is known ahead of one run.

    Parameters
    ----------
    values : knob -> value at the start, ``feed`` and ``temperature`` [degC] among them
    duration : of the whole run [s]
    syringe : what it holds, in the unit of the feed times hours
    heating : fastest change of the temperature [K/s]
    program : time [s], "feed" or "temperature", value: what changes by itself

    Attributes
    ----------
    feed : from each mark on, in the unit of the knob
    temperature : at each mark, straight in between [degC]
    target : where the temperature goes from each mark on [degC]
    """

    def __init__(
        self, values: dict[str, Any], *, duration: float, syringe: float, heating: float,
        program: Sequence[tuple[float, str, float]] = (),
    ) -> None:
        self.values, self.duration, self._syringe, self._heating = values, duration, syringe, heating
        marks = FRAMES // EVERY + 1
        self.feed: list[float] = [values["feed"]] * marks
        self.target: list[float] = [values["temperature"]] * marks
        self.temperature = list(self.target)
        for time, name, value in program:
            self.set(name, min(round(time / self.mark_time), marks - 1), value)

    @property
    def frame_time(self) -> float:
        """Time from one frame to the next [s]."""
        return self.duration / FRAMES

    @property
    def mark_time(self) -> float:
        """Time from one mark to the next [s]."""
        return self.frame_time * EVERY

    def next_mark(self, frame: int) -> int:
        """The first mark that is not before a frame."""
        return -(-frame // EVERY)

    def pushed(self, mark: int) -> float:
        """What the syringe would have pushed by a mark if it never ran empty, in the unit of the feed times hours."""
        return sum(self.feed[:mark]) * self.mark_time / 3600.0

    def flow(self, frame: int) -> float:
        """What the pump pushes from a frame on, nothing once the syringe is empty; in the unit of the knob."""
        mark, more = divmod(frame, EVERY)
        pushed = self.pushed(mark) + self.feed[mark] * more * self.frame_time / 3600.0
        return self.feed[mark] if pushed < self._syringe else 0.0

    def set(self, name: str, mark: int, value: float) -> bool:
        """Let ``feed`` or the aim of ``temperature`` [degC] be another from a mark on.

        The temperature gets there as fast as the mantle can. False, and no change, where the feed is to change but the
        syringe is empty by then.
        """
        if name == "feed":
            if self.pushed(mark) >= self._syringe:
                return False
            self.feed[mark:] = [value] * (len(self.feed) - mark)
            return True
        self.target[mark:] = [value] * (len(self.target) - mark)
        reach = self._heating * self.mark_time
        for i in range(mark + 1, len(self.temperature)):
            before = self.temperature[i - 1]
            self.temperature[i] = round(before + min(max(value - before, -reach), reach), 3)
        return True

    def temperature_rows(self, last: int) -> list[str]:
        """Lines of a temperature program up to a mark (TOML)."""
        return rows([f'["{time_text(m * self.mark_time)}", "{t:.10g} degC"]'
                     for m, t in enumerate(self.temperature[: last + 1])])

    def feed_rows(self, last: int, *, scale: float = 1.0) -> list[str]:
        """Lines of a schedule of injection up to a mark, feed times ``scale`` in mL/hour (TOML)."""
        points = [f'["{time_text(m * self.mark_time)}", "{scale * q:.10g} mL/hour"]'
                  for m, q in enumerate(self.feed[: last + 1]) if m == 0 or q != self.feed[m - 1]]
        if not any(self.feed[: last + 1]):
            # a syringe has to push at some time; this one does so when all is over
            points.append('["10000 hours", "1 mL/hour"]')
        return rows(points)

    def ends(self, frame: int | None) -> tuple[int, int]:
        """The last frame of the recipe of a run up to a frame, and the last mark that it tells."""
        frame = FRAMES if frame is None or frame < 1 else frame
        return frame, min(frame // EVERY + 1, len(self.feed) - 1)

    @abstractmethod
    def recipe(self, frame: int | None = None) -> str:
        """The recipe of the run up to a frame, or of the whole of it (TOML)."""


def time_text(seconds: float) -> str:
    """A time as a recipe takes it."""
    return f"{seconds / 60.0:g} min" if seconds % 60.0 == 0.0 else f"{seconds!r} s"


def rows(items: list[str], across: int = 4) -> list[str]:
    """Items of a list in a recipe, some a line."""
    return ["    " + ", ".join(items[i : i + across]) + "," for i in range(0, len(items), across)]


__all__ = ["EVERY", "FRAMES", "Timeline", "rows", "time_text"]
