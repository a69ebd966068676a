"""One student's run: knobs to recipe, recipe to engine, engine to frames. No web here."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from kmcgrowth.classroom.course import FRAMES, Course
from kmcgrowth.classroom.frames import Camera, Frame
from kmcgrowth.classroom.knobs import CLUSTERS, KNOBS, Setting, checked
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.forecast import forecast
from kmcgrowth.reactor.leap import LeapRun
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.seeding import seeding

MANY = 2e8
"""Events of a run above which it goes in leaps: with fewer, a frame takes hundredths of a second."""

_ENGINES: dict[str, type[ExactRun]] = {"exact": ExactRun, "leap": LeapRun}


class Session:
    """A run that goes from frame to frame, and whose feed and temperature can be changed in between.

    Parameters
    ----------
    given : knob -> value in the unit of the knob; also ``cluster``, ``duration`` [s], ``particles``, ``formula_units``
    seed : int, of the random numbers, or None for one that is drawn

    Attributes
    ----------
    seed : of the run
    history : frames so far, the first at the start
    counts : what the engine shows at the last of them

    Raises
    ------
    BadInput : a knob cannot stand there.

    Notes
    -----
    ``recipe()`` gives the run as a recipe. ``kmcgrowth run`` repeats it to the last particle: engines here and there
    read models made from the same text, and when a knob is turned the state goes over to the model of the text that
    knows of it, which does not differ before the mark at which the change begins; see ``course``.
    """

    def __init__(self, given: Mapping[str, Any] | None = None, *, seed: int | None = None) -> None:
        self._given: dict[str, Any] = dict(given or {})
        self._by_hand: set[str] = set()
        self._run: ExactRun | None = None
        self.seed = int(seeding().seed or 0) if seed is None else seed
        self.restart(self.seed)

    def restart(self, seed: int | None = None) -> None:
        """Begin anew with the knobs as they are, with the same random numbers unless ``seed`` is given."""
        if seed is not None:
            self.seed = checked_seed(seed)
        if self._run is not None:
            self._given = self._as_set()
        self._by_hand = set()
        self.course = Course(Setting.of(self._given), self.seed)
        if forecast(self._model()).events > MANY:
            self.course.method = "leap"
        self._begin()

    def _begin(self) -> None:
        model = self._model()
        self._run = self._engine(model)
        self._camera = Camera(model)
        self.frame = 0
        self.counts: Counts = self._run.counts()
        self.history: list[Frame] = [self._camera.take(self.counts, index=0, feed=self.course.feed[0])]

    def _model(self) -> Model:
        return build_model(parse_recipe(self.course.recipe()))

    def _engine(self, model: Model) -> ExactRun:
        # as simulate does, so that the recipe gives the same run
        return _ENGINES[self.course.method](model, seeding(None, self.course.seed).generator(0))

    # -- the course of the run ----------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether the run has reached its end."""
        return self.frame >= FRAMES

    @property
    def knobs(self) -> dict[str, Any]:
        """All knobs as they are set, temperature as the one aimed at."""
        setting = self.course.setting
        values = dict(setting.values) | {"cluster": setting.cluster}
        mark = min(self._mark(), len(self.course.feed) - 1)
        values["feed"], values["temperature"] = self.course.feed[mark], self.course.target[mark]
        return values

    def _mark(self) -> int:
        """The first mark at which a change can begin."""
        # a call of ``advance`` that was left off has passed the frame, and perhaps the mark
        assert self._run is not None
        ahead = self._run.time > self.frame * self.course.frame_time
        return self.course.next_mark(self.frame + 1 if ahead else self.frame)

    def advance(self, *, seconds: float = float("inf")) -> Frame | None:
        """Go on to the next frame.

        Parameters
        ----------
        seconds : wall time after which to leave off; the next call goes on from there

        Returns
        -------
        Frame or None
            None where the time did not suffice, or the run is over.
        """
        if self._run is None:
            raise BadInput("the session is closed; begin a new one.")
        if self.over:
            return None
        stop = perf_counter() + seconds
        until = (self.frame + 1) * self.course.frame_time
        if not self._run.advance(until, stop=lambda: perf_counter() > stop):
            return None
        self.frame += 1
        self.counts = self._run.counts()
        feed = self.course.flow(self.frame - 1)
        self.history.append(self._camera.take(self.counts, index=self.frame, feed=feed))
        return self.history[-1]

    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """The last frame for the page; nothing depends on what was told before, so ``anew`` makes no difference."""
        return self.history[-1].plain()

    @property
    def duration(self) -> float:
        """Length of the whole run [s]."""
        return self.course.setting.duration

    def set(self, name: str, value: Any) -> str:
        """Turn a knob.

        Parameters
        ----------
        name : knob, or "cluster"
        value : in the unit of the knob

        Returns
        -------
        str
            "same" where nothing changes; "later" where the run goes on and the change begins at the next mark; "new"
            where a new run has begun; "empty" where the syringe is empty, so that its rate makes no difference.

        Raises
        ------
        BadInput : there is no such knob, or the value cannot stand there; the run goes on as it was.
        """
        if self._run is None:
            raise BadInput("the session is closed; begin a new one.")
        if name == "cluster":
            if value not in CLUSTERS:
                raise BadInput(f'cluster: "{value}" is not known; choose one of {", ".join(CLUSTERS)}.')
        else:
            value = checked(name, value)
        if self.knobs[name] == value:
            return "same"
        begun = self.frame > 0 or self._run.time > 0.0
        if name == "cluster" or not KNOBS[name].live or not begun:
            wanted = self._as_set() | {name: value}
            Setting.of(wanted)
            self._given = wanted
            self.restart()
            return "new"
        mark = self._mark()
        if mark >= len(self.course.feed) - 1:
            return "same"
        if not self.course.set(name, mark, value):
            return "empty"
        self._by_hand.add(name)
        self._go_over()
        return "later"

    def _as_set(self) -> dict[str, Any]:
        """What a run that begins now goes by: knobs turned by hand stay where they are, and no program moves them."""
        rest = [step for step in self._given.get("program", ()) if step[1] not in self._by_hand]
        return self._given | {name: self.knobs[name] for name in self._by_hand} | {"program": rest}

    def _go_over(self) -> None:
        """Hand the state of the run to the model of the changed course."""
        assert self._run is not None
        state, model = self._run.state(), self._model()
        self._run = self._engine(model)
        self._run.restore(state)
        self._camera.model = model

    def load(self, given: Mapping[str, Any], *, seed: int | None = None) -> None:
        """Take all knobs anew, as from a story, and begin a run."""
        Setting.of(given)
        self._given, self._by_hand = dict(given), set()
        self.restart(seed)

    def close(self) -> None:
        """Let go of the engine; what has been seen stays."""
        self._run = None

    # -- what is taken home --------------------------------------------------------------------

    def recipe(self) -> str:
        """The recipe (TOML) that repeats the run up to the last frame; before the first one that of the whole run."""
        return self.course.recipe(self.frame)

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


def checked_seed(seed: Any) -> int:
    """A seed that a recipe takes."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise BadInput(f"seed: {seed} is not possible; give a whole number from 0, below 2^63.")
    return int(seed)


__all__ = ["Session"]
