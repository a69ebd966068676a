"""The exact engine: every event of the stirred reactor, by the compiled kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import kernels
from kmcgrowth.model.plan import Epoch
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, FloatArray, IntArray, Model
from kmcgrowth.reactor.arrays import chemistry, kernel_settings, nucleation_law, sticking_tables
from kmcgrowth.reactor.epochs import EpochRun

with kernels():
    from kmcgrowth.reactor._exact import Kernel, Pause

BUDGET = 4_000_000
"""Candidates between two looks at the outside world (some tens of milliseconds)."""

SPREAD = 8
"""Sizes per particle up to which every size has a counter; beyond, sorting the particles is faster."""


class ExactRun(EpochRun):
    """One exact trajectory of a model.

    Parameters
    ----------
    model : Model
    rng : numpy Generator; its bit generator is used up by the run

    Notes
    -----
    The algorithm is uniformisation on a particle array: candidates come as a Poisson process under a
    constant majorant, each picks a particle and a threshold at once. It is exact for the rates as tabulated.
    The readable definition of the model is ``kmcgrowth.reactor.twin``.
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        sizes = model.draw_seeds(rng)
        super().__init__(model, self._make_kernel(rng.bit_generator, sizes, model), np.int64)
        self._rng = rng
        self._n_max = 1 << int(np.ceil(np.log2(max(1.3 * float(sizes.max(initial=0)), 512.0))))
        self._tables: dict[tuple[float, int], tuple[FloatArray, FloatArray, FloatArray]] = {}

    @staticmethod
    def _make_kernel(bit_generator: np.random.BitGenerator, sizes: IntArray, model: Model) -> Any:
        return Kernel(bit_generator, sizes, chemistry(model), **kernel_settings(model))

    @property
    def events(self) -> int:
        """Accepted events so far."""
        return int(self._kernel.events)

    def _run(self, until: float) -> int:
        return int(self._kernel.run(until, BUDGET))

    def _provide(self, why: int) -> None:
        if why == Pause.TABLE:
            self._lengthen_tables()
        elif why == Pause.ROOM:
            self._kernel.make_room()

    def counts(self) -> Counts:
        """The flask at the time reached."""
        return self._show(self._live())

    def _live(self) -> dict[str, Any]:
        """Arrays and tallies at the time reached."""
        kernel, epoch, t = self._kernel, self._epoch, self._until
        return kernel.arrays() | {
            "born": int(kernel.born), "events": self.events, "largest_debt": int(kernel.largest_debt),
            "mean": kernel.mean_concentration(t) if epoch is not None else None,
        }

    def _show(self, live: dict[str, Any]) -> Counts:
        model, t, epoch = self.model, self._until, self._epoch
        temperature = model.temperature(t)
        if epoch is None:
            volume = model.control_volume * (1.0 + model.expansion * (temperature - 298.15))
            injected, mean = 0.0, max(int(model.initial[MONOMER]), 0) / volume
        else:
            volume, mean = self._kernel.volume(t), live["mean"]
            injected = self._plan.injected(epoch, t) * model.flask_volume / model.control_volume
        sizes, seed, nucleated = self._histogram(live["size"], live["origin"])
        flat = model.solubility(temperature)
        amounts = live["count"].copy()
        debt = min(int(amounts[MONOMER]), 0)
        amounts[MONOMER] = max(int(amounts[MONOMER]), 0)
        tallies: dict[str, float] = {
            "events": live["events"], "born": live["born"],
            "dissolved_seed": int(live["dissolved"][0]), "dissolved_nucleated": int(live["dissolved"][1]),
            "largest_debt": live["largest_debt"],
        }
        if model.coalescence.law != "none":
            tallies["coalesced"] = int(live["tally"][-1])
        by_channel, lost = self._lost(live["tally"][: len(model.reactions)])
        tallies |= by_channel
        return Counts(
            time=t, sizes=sizes, seed=seed, nucleated=nucleated, amounts=amounts,
            volume=float(volume), temperature=temperature, injected_volume=injected,
            supersaturation=mean / flat if flat > 0.0 else float("nan"),
            matter={
                "solution": amounts @ model.atoms,
                "particles": int(live["size"].sum(dtype=np.int64)) * model.unit_atoms
                + live["tally"][len(model.reactions) :][: len(model.sticking)] @ model.foreign,
                "debt": debt * model.unit_atoms, "aliquot": self._aliquot.copy(), "lost": lost,
                "syringe": live["content"].sum(axis=0) @ model.atoms,
            },
            tallies=tallies,
        )

    def _histogram(self, size: NDArray[Any], origin: NDArray[Any]) -> tuple[IntArray, IntArray, IntArray]:
        """Sizes that occur, and how many seeds and nucleated particles have each."""
        low, high = (int(size.min()), int(size.max())) if len(size) else (0, 0)
        span = high - low + 1
        if span <= SPREAD * len(size):
            both = np.zeros((span, 2), dtype=np.int64)
            self._kernel.count_particles(low, both)
            some = np.flatnonzero(both.any(axis=1))
            return some + low, both[some, 0], both[some, 1]
        sizes, where = np.unique(size, return_inverse=True)
        nucleated = np.bincount(where, weights=origin, minlength=len(sizes)).astype(np.int64)
        return sizes.astype(np.int64), np.bincount(where, minlength=len(sizes)) - nucleated, nucleated

    def particle_bytes(self) -> int:
        """Memory of the particle arrays, spare places and scratch included [bytes]."""
        return int(self._kernel.particle_bytes())

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        return super().state() | {
            "kernel": self._kernel.state(), "generator": self._rng.bit_generator.state, "n_max": self._n_max
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""
        self._n_max = int(state["n_max"])
        self._kernel.in_window = False
        self._kernel.since_banding = -1
        super().restore(state)
        self._kernel.restore(state["kernel"])
        self._rng.bit_generator.state = state["generator"]

    def _adopt(self, model: Model) -> None:
        self.model = model
        self._tables.clear()

    # -- epochs -----------------------------------------------------------------------------

    def _begin_epoch(self) -> None:
        """Shots and withdrawals due now, then the rates of the epoch that follows."""
        live = self._kernel.arrays()
        self._begun = self._plan.time
        shots = self._plan.shots()
        for i, syringe in enumerate(self.model.syringes):
            # round-off can leave a molecule in a syringe that has just been emptied
            if self._plan.left[i] == 0.0 and live["molecules"][i] and self._plan.time >= syringe.start:
                live["count"] += live["content"][i]
                self._kernel.window_events += int(live["molecules"][i])
                live["content"][i] = 0
                live["molecules"][i] = 0
        if shots or self._plan.time == 0.0:
            self._kernel.reset_mean_field()
        for share in self._plan.withdrawals():
            self._withdraw(share)
        self._epoch = self._plan.epoch()
        self._set_epoch(self._epoch)

    def _withdraw(self, share: float) -> None:
        live = self._kernel.arrays()
        taken = self._rng.binomial(np.maximum(live["count"], 0), share)
        kept = self._rng.random(len(live["size"])) >= share
        self._aliquot += taken @ self.model.atoms
        self._aliquot += int(live["size"][~kept].sum(dtype=np.int64)) * self.model.unit_atoms
        live["count"] -= taken
        live["amount"] *= 1.0 - share
        self._kernel.take_particles(live["size"][kept], live["origin"][kept])

    def _tables_at(self, temperature: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        key = (temperature, self._n_max)
        if key not in self._tables:
            if len(self._tables) > 1:
                self._tables.pop(next(iter(self._tables)))
            attach, detach = self.model.tables(temperature, self._n_max)
            self._tables[key] = (attach, detach, sticking_tables(self.model, temperature, self._n_max))
        return self._tables[key]

    def _set_tables(self, epoch: Epoch) -> None:
        attach0, detach0, stick0 = self._tables_at(epoch.temperature0)
        attach1, detach1, stick1 = self._tables_at(epoch.temperature1)
        self._kernel.set_tables(attach0, detach0, attach1, detach1, stick0, stick1, epoch.ramp)

    def _set_epoch(self, epoch: Epoch) -> None:
        model, ends = self.model, (epoch.temperature0, epoch.temperature1)
        self._set_tables(epoch)
        rates = [np.array([r.rate(t) for r in model.reactions]) for t in ends]
        self._kernel.set_epoch(
            epoch.start, epoch.end, *ends, epoch.cold_volume, float(epoch.push.sum()), model.expansion, rates,
            [nucleation_law(model, t) for t in ends], [model.nucleation.rate(t) for t in ends],
            epoch.push.copy(), epoch.left.copy(), self._feed(epoch), [model.coalescence.rate(t) for t in ends],
        )

    def _lengthen_tables(self) -> None:
        largest = int(self._kernel.arrays()["size"].max())
        while self._n_max <= largest + 64:
            self._n_max *= 2
        assert self._epoch is not None
        self._set_tables(self._epoch)
