"""One browser tab: what it asks for, and the loop that sends it frames. Knows no web framework, only how to send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from math import inf
from secrets import randbelow
from typing import Any

from kmcgrowth.classroom.frames import Frame
from kmcgrowth.classroom.lattice_session import LatticeFrame, LatticeSession
from kmcgrowth.classroom.session import Session
from kmcgrowth.classroom.stories import Story, stories
from kmcgrowth.errors import BadInput, KmcgrowthError

SPEEDS = (1, 2, 5, 10, 40)
"""Frames that a second computes."""

SHOWN = 10
"""Frames that a second shows at most."""

EARLY = 0.3
"""Share of the time between two frames shown by which one may come early [dimensionless]."""

SLICE = 0.1
"""Time for which a desk may keep a processor before another one's turn [s]."""


class Desk:
    """The run of one tab.

    Parameters
    ----------
    send : takes a message (of plain values) to the tab
    pool : threads in which engines run; all desks share it
    story : name of the first story; the first of the book by default
    lattice : whether the tab shows the lattice, not the flask

    Notes
    -----
    All methods are for the event loop's thread; only the session works in the pool, and what is asked meanwhile waits
    for it. While nothing runs there is no task and no timer.
    """

    def __init__(
        self, send: Callable[[dict[str, Any]], None], pool: Executor, story: str | None = None, *, lattice: bool = False
    ) -> None:
        self._send, self._pool = send, pool
        self.speed = 5
        self._book = stories(lattice=lattice)
        self.story: Story = self._book[story or next(iter(self._book))]
        kind = LatticeSession if lattice else Session
        self.session: Session | LatticeSession = kind(self.story.knobs, seed=_any_seed())
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._won: float | None = None
        self._best = inf
        self._knobs, self._seen = self.session.knobs, 0

    @property
    def running(self) -> bool:
        """Whether frames are coming."""
        return self._task is not None

    def begin(self) -> None:
        """Show the tab the start of the run."""
        challenge, session = self.story.challenge, self.session
        self._won, self._knobs, self._seen = None, session.knobs, session.frame
        self._send({
            "kind": "begin", "knobs": self._knobs, "frame": session.tell(anew=True), "seed": session.seed,
            "duration": session.duration, "story": self.story.name,
            "told": {"text": self.story.text, "question": self.story.question, "answer": self.story.answer},
            "challenge": challenge and {
                "diameter": challenge.diameter, "width": challenge.width, "free": list(challenge.free),
            },
        })
        self._tell_rest()
        self._state()

    async def ask(self, what: Mapping[str, Any]) -> None:
        """Do what the tab asks for; what makes no sense gets a sentence."""
        if self._send is _nobody:
            return
        try:
            action = _ACTIONS.get(str(what.get("do")))
            if action is None:
                raise BadInput(f'the page asks for "{what.get("do")}", which it cannot; reload it.')
            await action(self, what)
        except KmcgrowthError as error:
            self._notice(str(error))

    async def close(self) -> None:
        """The tab is gone: stop, and let go of the run once no thread is at it."""
        self._send = _nobody
        await self._pause()
        async with self._turn:
            self.session.close()

    # -- what a tab asks ----------------------------------------------------------------------

    async def _play(self, what: Mapping[str, Any]) -> None:
        if self._task is None and not self.session.over:
            self._notice("")
            self._task = asyncio.create_task(self._go())
        self._state()

    async def _pause(self, what: Mapping[str, Any] | None = None) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self._catch_up()
        self._state()

    async def _step(self, what: Mapping[str, Any]) -> None:
        await self._pause()
        frame = None
        while frame is None and not self.session.over:
            frame = await self._frame()
        self._catch_up()
        if frame is not None:
            self._judge(frame)

    async def _reset(self, what: Mapping[str, Any]) -> None:
        await self._anew(self.session.restart)

    async def _dice(self, what: Mapping[str, Any]) -> None:
        await self._anew(lambda: self.session.restart(_any_seed()))

    async def _tell(self, what: Mapping[str, Any]) -> None:
        name = str(what.get("name"))
        if name not in self._book:
            raise BadInput(f'there is no story "{name}"; there are {", ".join(self._book)}.')
        self.story = self._book[name]
        await self._anew(lambda: self.session.load(self.story.knobs))

    async def _knob(self, what: Mapping[str, Any]) -> None:
        name, value = str(what.get("name")), what.get("value")
        challenge = self.story.challenge
        try:
            if challenge is not None and name not in challenge.free:
                raise BadInput(f"in the challenge only {' and '.join(challenge.free)} can be turned.")
            async with self._turn:
                answer = await self._aside(lambda: self.session.set(name, value))
        except BadInput:
            self._send({"kind": "knobs", "knobs": self.session.knobs})
            raise
        if answer == "new":
            knob = self.session.KNOBS.get(name)
            self._notice(f"{knob.label if knob else 'The cluster'} is changed: a new run has begun.")
            self.begin()
        elif answer == "empty":
            self._notice("The syringe is empty.")
        elif answer == "later":
            self._notice("")
            self._send({"kind": "knobs", "knobs": self.session.knobs})

    async def _pace(self, what: Mapping[str, Any]) -> None:
        if what.get("value") not in SPEEDS:
            raise BadInput(f"speed: {what.get('value')} is not possible; choose one of {SPEEDS}.")
        self.speed = int(what["value"])

    async def _csv(self, what: Mapping[str, Any]) -> None:
        self._catch_up()
        self._send({"kind": "file", "name": "classroom.csv", "type": "text/csv", "text": self.session.table()})

    async def _recipe(self, what: Mapping[str, Any]) -> None:
        self._catch_up()
        self._send({"kind": "file", "name": "classroom.toml", "type": "text/plain", "text": self.session.recipe()})

    # -- frames ---------------------------------------------------------------------------------

    async def _anew(self, begin: Callable[[], None]) -> None:
        going = self.running
        await self._pause()
        async with self._turn:
            await self._aside(begin)
        self._notice("")
        self.begin()
        if going:
            await self._play({})

    async def _aside(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _go(self) -> None:
        clock = asyncio.get_running_loop().time
        due = wanted = clock()
        try:
            while not self.session.over:
                frame = await self._frame()
                if frame is None:
                    continue
                now = clock()
                # a little early will do, or a late one would cost the next
                if now >= wanted - EARLY / SHOWN or self.session.over:
                    wanted = max(wanted, now - EARLY / SHOWN) + 1.0 / SHOWN
                    self._show()
                self._judge(frame)
                due = max(due + 1.0 / self.speed, now - 1.0 / self.speed)
                await asyncio.sleep(max(due - now, 0.0))
            self._tell_rest()
        except KmcgrowthError as error:
            self._notice(str(error))
        self._task = None
        self._state()

    async def _frame(self) -> Frame | LatticeFrame | None:
        """Work on the next frame for a while; None where it is not done yet."""
        async with self._turn:
            work = asyncio.ensure_future(self._aside(lambda: self.session.advance(seconds=SLICE)))
            try:
                return await asyncio.shield(work)
            except asyncio.CancelledError:
                # whoever cancels must not touch the run before the thread has let go of it
                await asyncio.wait([work])
                work.exception()  # nobody is left to be told of one
                raise

    def _catch_up(self) -> None:
        """Show the last frame if the tab has not seen all of it, so that page, table and recipe end alike."""
        if self._seen < self.session.frame:
            self._show()
        self._tell_rest()

    def _tell_rest(self) -> None:
        while rest := self.session.rest():
            self._send({"kind": "rest", "frame": rest})

    def _show(self) -> None:
        self._seen = self.session.frame
        self._send({"kind": "frame", "frame": self.session.tell()})
        knobs = self.session.knobs
        if knobs != self._knobs:  # a story's program has turned one
            self._knobs = knobs
            self._send({"kind": "knobs", "knobs": knobs})

    def _judge(self, frame: Frame | LatticeFrame) -> None:
        challenge = self.story.challenge
        if not isinstance(frame, Frame) or challenge is None or self._won is not None or not challenge.won(frame):
            return
        if self._seen < self.session.frame:
            self._show()
        self._won = frame.time
        before, self._best = self._best, min(self._best, frame.time)
        ever = "" if before == inf else f" Your best was {before / 60.0:.0f} min."
        self._notice(f"Reached after {frame.time / 60.0:.0f} min of the flask's time.{ever} Can you do it faster?")

    def _state(self) -> None:
        self._send({"kind": "state", "running": self.running})

    def _notice(self, text: str) -> None:
        self._send({"kind": "notice", "text": text})


_ACTIONS = {
    "play": Desk._play, "pause": Desk._pause, "step": Desk._step, "reset": Desk._reset, "dice": Desk._dice,
    "story": Desk._tell, "knob": Desk._knob, "speed": Desk._pace, "csv": Desk._csv, "recipe": Desk._recipe,
}


def _nobody(message: dict[str, Any]) -> None:
    pass


def _any_seed() -> int:
    """A seed short enough to be read out in class."""
    return randbelow(10**6)


def script(message: dict[str, Any]) -> str:
    """The line of JavaScript that hands a message to the page."""
    return f"classroom.take({json.dumps(message, separators=(',', ':'), allow_nan=False)})"


__all__ = ["SHOWN", "SPEEDS", "Desk", "script"]
