"""An event loop that never waits, and processors whose work takes as long as a test says."""

from __future__ import annotations

import asyncio
import selectors
from concurrent.futures import Executor, Future


class _Jump(selectors.SelectSelector):
    """In place of waiting the clock jumps."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("all wait, and nothing will ever happen")
        if not ready:
            self.now += max(timeout, 0.0)
        return ready


class Hurried(asyncio.SelectorEventLoop):
    """An event loop in which a second takes no time."""

    def __init__(self):
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self):
        return self._jump.now


class Processors(Executor):
    """As many processors, on each of which a piece of work takes ``cost`` seconds of the loop's clock.

    Attributes
    ----------
    done : pieces of work so far
    """

    def __init__(self, number=1, cost=0.0):
        self._free, self._cost, self._waiting, self.done = number, cost, [], 0

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        self._next()
        return future

    def _next(self):
        while self._free and self._waiting:
            future, work = self._waiting.pop(0)
            if not future.set_running_or_notify_cancel():
                continue
            self._free -= 1
            asyncio.get_running_loop().call_later(self._cost, self._work, future, work)

    def _work(self, future, work):
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        self._free += 1
        self.done += 1
        self._next()


def run(main):
    """The result of a coroutine in such a loop."""
    with asyncio.Runner(loop_factory=Hurried) as runner:
        return runner.run(main)
