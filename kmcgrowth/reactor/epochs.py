"""What the compiled engines share: they go from epoch to epoch of a plan, and tell what they met."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import kernels
from kmcgrowth.model.plan import NODE, Epoch, Plan
from kmcgrowth.model.types import FloatArray, Model

with kernels():
    from kmcgrowth.reactor._exact import Pause


class EpochRun(ABC):
    """A run of a model whose kernel knows one epoch at a time.

    Parameters
    ----------
    model : Model
    kernel : knows ``now`` [s], ``capped``, ``tiny`` and ``interrupt(time)``
    aliquot : dtype of the atoms taken out
    """

    _node: ClassVar[float] = NODE

    def __init__(self, model: Model, kernel: Any, aliquot: type[np.generic]) -> None:
        self.model = model
        self._kernel = kernel
        self._plan = Plan(model, node=self._node)
        self._aliquot: NDArray[Any] = np.zeros(len(model.elements), dtype=aliquot)
        self._until = 0.0
        # what happens at the very start belongs to the first step, so that counts() at 0 shows the flask before it
        self._epoch: Epoch | None = None
        self._begun = -1.0

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self._until

    @property
    @abstractmethod
    def events(self) -> int:
        """Events so far."""

    def advance(
        self,
        until: float,
        *,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        """Move on to ``until`` [s]; False if ``stop`` asked to end before."""
        if until <= self._until:
            return True
        if self._epoch is None:
            self._begin_epoch()
        while True:
            why = self._run(until)
            if why == Pause.REACHED:
                self._until = until
                return True
            if why == Pause.EPOCH:
                assert self._epoch is not None
                self._plan.advance(self._epoch)
                self._begin_epoch()
            else:
                self._provide(why)
            if progress is not None:
                progress(float(self._kernel.now), self.events)
            if stop is not None and stop():
                self._until = max(self._until, min(float(self._kernel.now), until))
                return False

    def change(self, model: Model) -> None:
        """From now on the temperature and the flows of ``model`` hold; species and syringes must be the same."""
        t, epoch = self._until, self._epoch
        if epoch is None:
            self._plan = Plan(model, node=self._node)
        else:
            self._plan = Plan(
                model, time=t, cold_volume=epoch.cold_volume_at(t), left=epoch.left_at(t), node=self._node
            )
            self._kernel.interrupt(t)
        self._adopt(model)
        if epoch is not None and self._begun == t:
            self._epoch = self._plan.epoch()
            self._set_epoch(self._epoch)
        elif epoch is not None:
            self._begin_epoch()

    def notes(self) -> list[str]:
        """Warnings about what the run met."""
        notes = []
        if self._kernel.capped:
            notes.append("nucleation reached the encounter rate of two monomers, 8 pi D r1 c^2, and was capped there")
        if self._kernel.tiny:
            notes.append("nuclei with a critical size below 5 formula units were born")
        return notes

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        return {
            "until": self._until, "aliquot": self._aliquot.copy(), "begun": self._epoch is not None,
            "begun_at": self._begun,
            "plan": {"time": self._plan.time, "cold_volume": self._plan.cold_volume, "left": self._plan.left.copy()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model. The kernel's own is for the engine to take back."""
        self._until, self._begun = float(state["until"]), float(state["begun_at"])
        self._aliquot = np.array(state["aliquot"], dtype=self._aliquot.dtype)
        self._plan = Plan(self.model, **state["plan"], node=self._node)
        self._epoch = None
        if state["begun"]:
            self._epoch = self._plan.epoch()
            self._set_epoch(self._epoch)

    def _lost(self, done: NDArray[Any]) -> tuple[dict[str, float], NDArray[Any]]:
        """Tallies of the loss channels, and atoms lost, after so many of each reaction."""
        tallies: dict[str, float] = {}
        atoms = np.zeros(len(self.model.elements), dtype=done.dtype)
        for number, r in zip(done.tolist(), self.model.reactions, strict=True):
            if r.lost:
                net = {s: r.reactants.get(s, 0) - r.products.get(s, 0) for s in r.reactants | r.products}
                name = f"lost:{r.name}"
                tallies[name] = tallies.get(name, 0) + number * sum(net.values())
                atoms += number * sum(n * self.model.atoms[s] for s, n in net.items())
        return tallies, atoms

    def _feed(self, epoch: Epoch) -> FloatArray:
        """Molecules that enter per second (species,) [1/s]."""
        feed = np.zeros(len(self.model.species))
        for i, syringe in enumerate(self.model.syringes):
            for s, n in syringe.contents.items():
                feed[s] += n * epoch.push[i] / syringe.volume
        return feed

    @abstractmethod
    def _run(self, until: float) -> int:
        """Let the kernel go on; why it paused."""

    @abstractmethod
    def _provide(self, why: int) -> None:
        """Give the kernel what it paused for."""

    @abstractmethod
    def _begin_epoch(self) -> None:
        """Shots and withdrawals due now, then the epoch that follows."""

    @abstractmethod
    def _set_epoch(self, epoch: Epoch) -> None:
        """Tell the kernel of an epoch."""

    @abstractmethod
    def _adopt(self, model: Model) -> None:
        """Take rates from another model."""


__all__ = ["EpochRun"]
