"""One student's flask: knobs to recipe, recipe to engine, engine to frames. No web here."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from kmcgrowth.classroom.course import Course
from kmcgrowth.classroom.frames import Camera, Frame
from kmcgrowth.classroom.knobs import CLUSTERS, KNOBS, Setting
from kmcgrowth.classroom.live import LiveRun
from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.forecast import forecast
from kmcgrowth.reactor.leap import LeapRun

MANY = 2e8
"""Events of a run above which it goes in leaps: with fewer, a frame takes hundredths of a second."""

_ENGINES: dict[str, type[ExactRun]] = {"exact": ExactRun, "leap": LeapRun}


class Session(LiveRun[Frame]):
    """The run of a flask; ``given`` takes knobs, ``cluster``, ``duration`` [s] and ``program``."""

    KNOBS = KNOBS
    course: Course

    def _course_of(self, given: Mapping[str, Any]) -> Course:
        return Course(Setting.of(given), self.seed)

    def _choose(self) -> None:
        if forecast(self._model()).events > MANY:
            self.course.method = "leap"

    def _engine(self, model: Model) -> ExactRun:
        return _ENGINES[self.course.method](model, self._generator())

    def _took(self, model: Model, *, anew: bool) -> None:
        if anew:
            self._camera = Camera(model)
        self._camera.model = model

    def _look(self) -> Frame:
        feed = self.course.flow(max(self.frame - 1, 0))
        return self._camera.take(self.counts, index=self.frame, feed=feed)

    def _checked(self, name: str, value: Any) -> Any:
        if name != "cluster":
            return super()._checked(name, value)
        if value not in CLUSTERS:
            raise BadInput(f'cluster: "{value}" is not known; choose one of {", ".join(CLUSTERS)}.')
        return value

    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """The last frame for the page; nothing depends on what was told before, so ``anew`` makes no difference."""
        return self.history[-1].plain()

    def table(self) -> str:
        """The history as CSV, a row a frame."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow([
            "time_s", "temperature_C", "feed_mL_per_hour", "injected_mL", "supersaturation", "threshold",
            "critical_radius_nm", *(f"{what}_{who}" for what in ("mean_diameter_nm", "relative_std_percent")
                                    for who in ("seeds", "nucleated", "all")), "seeds", "nucleated",
        ])
        for f in self.history:
            cells = [f.time, f.temperature, f.feed, f.injected, f.supersaturation, f.threshold, f.critical,
                     *f.mean, *f.width, *f.number]
            rows.writerow(["" if x is None else x for x in cells])
        return out.getvalue()


__all__ = ["Session"]
