"""How far a run has come: a bar on a terminal, a line a minute elsewhere; both on standard error."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

LINE_SECONDS = 60.0
"""Time between two lines where there is no terminal [s]."""


class Progress:
    """To be called with the simulated time [s] and the events so far.

    Parameters
    ----------
    duration : float, simulated time at the end [s]
    share : whether that is 1 and what is told is the share of the work done
    """

    def __init__(self, duration: float, *, share: bool = False) -> None:
        self.duration, self.share = duration, share
        units = (("h", 3600.0), ("min", 60.0), ("s", 1.0))
        self.unit, self.scale = next((pair for pair in units if duration >= 2.0 * pair[1]), units[-1])
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._began: tuple[float, float, int] | None = None
        self._line = monotonic()

    def __call__(self, time: float, events: int) -> None:
        now = monotonic()
        if self._began is None:
            self._began = (now, time, events)
            if self._terminal:
                from tqdm import tqdm

                self._bar = tqdm(
                    total=self.duration, initial=time, file=sys.stderr, leave=False, mininterval=0.2,
                    bar_format="{percentage:3.0f}% |{bar}| {desc} [{elapsed}, {remaining} left]",
                )
        if self._bar is not None:
            self._bar.set_description_str(self._text(time, events, now), refresh=False)
            self._bar.update(max(time - self._bar.n, 0.0))
        elif not self._terminal and now - self._line >= LINE_SECONDS:
            self._line = now
            print(f"kmcgrowth: {self._text(time, events, now)}{self._left(time, now)}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def _text(self, time: float, events: int, now: float) -> str:
        assert self._began is not None
        if self.share:
            return f"{100.0 * time / self.duration:.0f} % done"
        spent = now - self._began[0]
        speed = f", {(events - self._began[2]) / spent:.2g} events/s" if spent > 0.5 else ""
        return f"{time / self.scale:.3g} of {self.duration / self.scale:.3g} {self.unit}{speed}"

    def _left(self, time: float, now: float) -> str:
        assert self._began is not None
        gone = time - self._began[1]
        if gone <= 0.0:
            return ""
        return f", about {(self.duration - time) * (now - self._began[0]) / gone / 60.0:.3g} min left"
