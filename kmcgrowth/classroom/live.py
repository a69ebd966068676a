"""What the runs of both views have in common: they go from frame to frame and bear a turned knob. No web here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from time import perf_counter
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from kmcgrowth.classroom.knobs import Knob, checked
from kmcgrowth.classroom.timeline import FRAMES, Timeline
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.seeding import seeding

FrameType = TypeVar("FrameType")


class LiveRun(ABC, Generic[FrameType]):
    """A run that goes from frame to frame, and whose feed and temperature can be changed in between.

    Parameters
    ----------
    given : knob -> value in the unit of the knob, and what else the view takes
    seed : int, of the random numbers, or None for one that is drawn

    Attributes
    ----------
    seed : of the run
    course : what is known ahead of it
    frame : number of the last frame
    history : frames so far, the first at the start
    counts : what the engine shows at the last of them

    Raises
    ------
    BadInput : a knob cannot stand there.

    Notes
    -----
    ``recipe()`` gives the run as a recipe. ``kmcgrowth run`` repeats it to the last particle: engines here and there
    read models made from the same text, and when a knob is turned the state goes over to the model of the text that
    knows of it, which does not differ before the mark at which the change begins; see ``timeline``.
    """

    KNOBS: ClassVar[Mapping[str, Knob]]

    def __init__(self, given: Mapping[str, Any] | None = None, *, seed: int | None = None) -> None:
        self._given: dict[str, Any] = dict(given or {})
        self._by_hand: set[str] = set()
        self._run: Any = None
        self.history: list[FrameType] = []
        self.seed = int(seeding().seed or 0) if seed is None else seed
        self.restart(self.seed)

    # -- what each view says ------------------------------------------------------------------

    @abstractmethod
    def _course_of(self, given: Mapping[str, Any]) -> Timeline:
        """The course of a run with these knobs; BadInput where there is none."""

    @abstractmethod
    def _engine(self, model: Model) -> Any:
        """The engine of a model, as ``simulate`` takes it, so that the recipe gives the same run."""

    @abstractmethod
    def _look(self) -> FrameType:
        """What is seen of ``counts``, and of the engine."""

    @abstractmethod
    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """The last frame for the page, in at most 200 numbers; ``anew`` for one that knows nothing yet."""

    @abstractmethod
    def table(self) -> str:
        """The history as CSV, a row a frame."""

    def _took(self, model: Model, *, anew: bool) -> None:
        """A model is run from now on, of a run that begins anew or goes on."""

    def _choose(self) -> None:
        """Choose the engine of the course."""

    def rest(self) -> dict[str, Any] | None:
        """What the last frame had no room for, in at most 200 numbers; None where nothing is left."""
        return None

    def _checked(self, name: str, value: Any) -> Any:
        return checked(name, value, self.KNOBS)

    # -- the run ------------------------------------------------------------------------------

    def restart(self, seed: int | None = None) -> None:
        """Begin anew with the knobs as they are, with the same random numbers unless ``seed`` is given."""
        if seed is not None:
            self.seed = checked_seed(seed)
        if self._run is not None:
            self._given = self._as_set()
        self._by_hand = set()
        self.course = self._course_of(self._given)
        self._choose()
        self._begin()

    def _begin(self) -> None:
        model = self._model()
        self._run = self._engine(model)
        self._took(model, anew=True)
        self.frame = 0
        self.counts: Counts = self._run.counts()
        self.history = []
        self.history.append(self._look())

    def _model(self) -> Model:
        return build_model(parse_recipe(self.course.recipe()))

    def _generator(self) -> np.random.Generator:
        return seeding(None, self.seed).generator(0)

    @property
    def over(self) -> bool:
        """Whether the run has reached its end."""
        return self.frame >= FRAMES

    @property
    def duration(self) -> float:
        """Length of the whole run [s]."""
        return self.course.duration

    @property
    def knobs(self) -> dict[str, Any]:
        """All knobs as they are set, temperature as the one aimed at."""
        mark = min(self._mark(), len(self.course.feed) - 1)
        return self.course.values | {"feed": self.course.feed[mark], "temperature": self.course.target[mark]}

    def _mark(self) -> int:
        """The first mark at which a change can begin."""
        # a call of ``advance`` that was left off has passed the frame, and perhaps the mark
        ahead = self._run is not None and self._run.time > self.frame * self.course.frame_time
        return self.course.next_mark(self.frame + 1 if ahead else self.frame)

    def advance(self, *, seconds: float = float("inf")) -> FrameType | None:
        """Go on to the next frame.

        Parameters
        ----------
        seconds : wall time after which to leave off; the next call goes on from there

        Returns
        -------
        frame or None
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
        self.history.append(self._look())
        return self.history[-1]

    def set(self, name: str, value: Any) -> str:
        """Turn a knob.

        Parameters
        ----------
        name : knob
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
        value = self._checked(name, value)
        if self.knobs[name] == value:
            return "same"
        begun = self.frame > 0 or self._run.time > 0.0
        if not (name in self.KNOBS and self.KNOBS[name].live and begun):
            wanted = self._as_set() | {name: value}
            self._course_of(wanted)
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
        kept = {"program": rest} if "program" in self._given else {}
        return self._given | {name: self.knobs[name] for name in self._by_hand} | kept

    def _go_over(self) -> None:
        """Hand the state of the run to the model of the changed course."""
        state, model = self._run.state(), self._model()
        self._run = self._engine(model)
        self._run.restore(state)
        self._took(model, anew=False)

    def load(self, given: Mapping[str, Any], *, seed: int | None = None) -> None:
        """Take all knobs anew, as from a story, and begin a run."""
        self._course_of(given)
        self._given, self._by_hand = dict(given), set()
        self.restart(seed)

    def close(self) -> None:
        """Let go of the engine; what has been seen stays."""
        self._run = None

    def recipe(self) -> str:
        """The recipe (TOML) that repeats the run up to the last frame; before the first one that of the whole run."""
        return self.course.recipe(self.frame)


def checked_seed(seed: Any) -> int:
    """A seed that a recipe takes."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise BadInput(f"seed: {seed} is not possible; give a whole number from 0, below 2^63.")
    return int(seed)


__all__ = ["LiveRun", "checked_seed"]
