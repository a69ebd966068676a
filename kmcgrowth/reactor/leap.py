"""The engine for stiff runs: leaps over the reversible exchange of monomers, everything else as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kmcgrowth.errors import kernels
from kmcgrowth.model.plan import Epoch
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, IntArray, Model
from kmcgrowth.reactor.arrays import chemistry, distance_to_rough, flow_of_matter, kernel_settings
from kmcgrowth.reactor.exact import BUDGET, ExactRun
from kmcgrowth.reactor.leap_between import between

with kernels():
    from kmcgrowth.reactor._exact import Leaper, Pause

KEPT = ("size", "origin", "count", "content", "molecules", "tally", "dissolved", "amount")
"""Arrays of the kernel that a look into a step needs from its start."""


class LeapRun(ExactRun):
    """One trajectory of a model in leaps.

    Parameters
    ----------
    model : Model
        Its ``tolerance`` controls the error, which is proportional to it.
    rng : numpy Generator; its bit generator is used up by the run

    Notes
    -----
    A step holds many attachments and detachments per particle. Sizes leap independently of each other under the
    expected concentration, with the mean, variance and skewness of their birth-death chain; the pool and all other
    species are drawn in whole molecules; and what the pool's balance leaves over or lacks is handed to the particles
    in proportion to their capture, as the pool's answer to their fluctuations does. Where a step would hold fewer than
    a few events per particle the windows of the exact engine are run. docs/model.md tells of the steps;
    the readable definition of one is ``kmcgrowth.reactor.leap_twin``.
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        super().__init__(model, rng)
        self._before: dict[str, Any] | None = None
        self._step: dict[str, Any] = {}

    @staticmethod
    def _make_kernel(bit_generator: np.random.BitGenerator, sizes: IntArray, model: Model) -> Any:
        lists = chemistry(model)
        return Leaper(
            bit_generator, sizes, lists | flow_of_matter(lists), tolerance=model.tolerance, **kernel_settings(model)
        )

    def advance(
        self, until: float, *, stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        """Move on to ``until`` [s]; False if ``stop`` asked to end before."""
        if self._inside() and self._until < until < self._kernel.now:
            self._until = until
            return True
        return super().advance(until, stop=stop, progress=progress)

    def _run(self, until: float) -> int:
        why = int(self._kernel.run(until, BUDGET))
        if why != Pause.AHEAD:
            return why
        # the next step ends later: keep where it begins, for the look into it
        live = self._kernel.arrays()
        self._before = {name: live[name].copy() for name in KEPT}
        self._before |= {
            "born": int(self._kernel.born), "events": self.events, "largest_debt": int(self._kernel.largest_debt)
        }
        self._kernel.go = True
        self._kernel.follow_particles(True)
        why = int(self._kernel.run(until, BUDGET))
        self._step = self._kernel.last_step()
        self._step["drift"] = self._kernel.drifts(self._before["size"])
        self._step["fall"] = self._time_to_fall(int(self._step["trace"].max(initial=2)))
        self._kernel.follow_particles(False)
        return why

    def _time_to_fall(self, largest: int) -> FloatArray:
        """Time from every size down to dissolution in the last step, in the mean [s]."""
        assert self._epoch is not None
        ends = [self._tables_at(t) for t in (self._epoch.temperature0, self._epoch.temperature1)]
        attach, detach = (sum(end[i][2 : largest + 1] for end in ends) for i in (0, 1))
        loss = np.maximum(detach - attach * self._kernel.concentration, 0.05 * detach)
        with np.errstate(divide="ignore"):
            return np.concatenate([np.zeros(2), np.cumsum(np.where(loss > 0.0, 2.0 / loss, 0.0))])

    def _inside(self) -> bool:
        """Whether the time reached lies inside the last step."""
        return self._before is not None and self._step["start"] <= self._until < self._step["end"]

    def counts(self) -> Counts:
        """The flask at the time reached."""
        return self._show(self._look() if self._inside() else self._live())

    def _look(self) -> dict[str, Any]:
        assert self._before is not None
        kernel = self._kernel
        volumes = [float(kernel.volume(t)) for t in (self._step["start"], self._until, self._step["end"])]
        rng = np.random.Generator(np.random.Philox(key=[int(kernel.key), int(kernel.segment)]))
        return between(self.model, self._before, self._live(), self._step, self._until, volumes, rng)

    def notes(self) -> list[str]:
        """Warnings about what the run met, and how much of it went in leaps."""
        kernel, notes = self._kernel, super().notes()
        share = float(kernel.leapt) / max(float(kernel.now), 1e-300)
        if kernel.leaps == 0:
            notes.append("leap: every event was drawn by itself, as steps would have held too few to pay")
        else:
            notes.append(f"leap: {int(kernel.leaps)} steps cover {100.0 * min(share, 1.0):.3g} % of the time, "
                         "the rest went event by event")
        return notes

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        look = {"before": self._before, "step": self._step} if self._inside() else None
        return super().state() | {"look": look}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""
        super().restore(state)
        look = state["look"]
        self._before, self._step = (None, {}) if look is None else (look["before"], look["step"])

    def change(self, model: Model) -> None:
        """From now on the temperature and the flows of ``model`` hold; species and syringes must be the same."""
        if self._inside():
            shown, kernel = self._look(), self._kernel
            kernel.take_particles(shown["size"], shown["origin"])
            live = kernel.arrays()
            for name in ("count", "content", "molecules", "tally", "dissolved", "amount"):
                live[name][...] = shown[name]
            kernel.born, kernel.largest_debt = shown["born"], shown["largest_debt"]
            kernel.window_events += shown["events"] - self.events
        self._before = None
        super().change(model)

    def _set_tables(self, epoch: Epoch) -> None:
        attach0, detach0, stick0 = self._tables_at(epoch.temperature0)
        attach1, detach1, stick1 = self._tables_at(epoch.temperature1)
        self._kernel.set_tables(
            attach0, detach0, attach1, detach1, stick0, stick1, epoch.ramp, smooth=distance_to_rough(attach0, detach0)
        )

    def _lengthen_tables(self) -> None:
        while self._n_max <= int(self._kernel.wanted):
            self._n_max *= 2
        super()._lengthen_tables()
