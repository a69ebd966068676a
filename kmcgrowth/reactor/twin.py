"""The exact reactor in plain Python: the definition that the compiled engine is held to.

Every event is drawn one at a time by the direct method: all channels (every particle's attachment, detachment and
sticking, every reaction, nucleation) stand in one list. Rates change between events with the
temperature and the volume, so a channel is drawn by its ceiling over the current window and then accepted with
the probability rate/ceiling (thinning), which is exact. Molecules leave a syringe by a clock of their own, whose
dial is the volume delivered. A snapshot only looks at the state between two events.
"""

from __future__ import annotations

import copy
import math
import time as clock
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, FloatArray, IntArray, Model
from kmcgrowth.reactor.twin_flask import NUCLEATED, SEED, TwinFlask
from kmcgrowth.reactor.twin_laws import mass_action, pair_rates, reads_mean_field
from kmcgrowth.reactor.twin_window import Barrel, Rates, Window, follow_mean_field, temperature_nodes


class TwinRun(TwinFlask):
    """One exact trajectory of a model.

    Parameters
    ----------
    model : Model
    rng : numpy Generator, the only source of chance

    Attributes
    ----------
    model : Model
    events : int, accepted events: attachment, detachment, sticking, reaction, nucleation, and every
        molecule that leaves a syringe; what an aliquot takes is none
    time : float [s]
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        super().__init__(model, rng)
        self.time, self.events = 0.0, 0
        self.withdrawn, self.taken = 0.0, 0  # volume and number of the aliquots so far
        self.aliquot: IntArray = np.zeros(len(model.elements), dtype=np.int64)
        self.barrels = [Barrel(syringe, len(self.amounts), rng) for syringe in model.syringes]
        self.length, self.peopled = 0.0, False
        self.mean = self._actual()
        self._adopt()
        self._begin(0.0)  # an empty window: what happens at t = 0 ends it
        self._close(0.0, self.mean)
        self.candidate = math.inf

    # -- the Run protocol ------------------------------------------------------------------------

    def advance(
        self, until: float, *, stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        """Go through all events before ``until`` [s]; False where ``stop`` ended it before."""
        asked = clock.monotonic()
        while True:
            exits = [max(self.time, barrel.exit_time(self.window.start)) for barrel in self.barrels]
            when = min(self.window.end, self.candidate, *exits)
            if when >= until:
                break
            self.time = when
            if when == self.window.end:
                self._turn()
            elif when == self.candidate:
                self._try()
            else:
                self._inject(self.barrels[exits.index(when)])
            if (stop or progress) and clock.monotonic() - asked > 0.1:
                asked = clock.monotonic()
                if progress:
                    progress(self.time, self.events)
                if stop and stop():
                    return False
        self.time = max(self.time, until)
        return True

    def counts(self) -> Counts:
        """The flask now, before a shot or an aliquot of this very moment."""
        model, window = self.model, self.window
        sizes = np.unique(np.array(self.sizes, dtype=np.int64))
        by_origin = np.zeros((2, sizes.size), dtype=np.int64)
        np.add.at(by_origin, (np.array(self.origins, dtype=np.int64), np.searchsorted(sizes, self.sizes)), 1)
        amounts = np.maximum(np.array(self.amounts, dtype=np.int64), 0)
        volume, T = window.volume(self.time), window.temperature(self.time)
        injected = sum(barrel.delivered_by(self.time, window.start) for barrel in self.barrels)
        flat = model.solubility(T)
        return Counts(
            time=self.time, sizes=sizes, seed=by_origin[SEED], nucleated=by_origin[NUCLEATED], amounts=amounts,
            volume=volume, temperature=T, injected_volume=injected * model.flask_volume / model.control_volume,
            supersaturation=window.mean_concentration(self.time) / flat if flat > 0.0 else math.nan,
            matter={
                "solution": amounts @ model.atoms,
                "particles": sum(self.sizes) * model.unit_atoms + self.foreign,
                "debt": min(self.amounts[MONOMER], 0) * model.atoms[MONOMER],
                "aliquot": self.aliquot.copy(),
                "lost": self.lost.copy(),
                "syringe": self._in_syringes().sum(axis=0) @ model.atoms,
            },
            tallies={"events": float(self.events)} | {name: float(n) for name, n in self.tallies.items()},
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "time": self.time, "events": self.events, "withdrawn": self.withdrawn, "taken": self.taken,
            "tallies": dict(self.tallies), "foreign": self.foreign.copy(),
            "amounts": np.array(self.amounts), "sizes": np.array(self.sizes), "origins": np.array(self.origins),
            "delivered": np.array([b.delivered for b in self.barrels]),
            "mark": np.array([b.mark for b in self.barrels]), "left": self._in_syringes(),
            "aliquot": self.aliquot.copy(), "lost": self.lost.copy(),
            "mean": self.window.mean.copy(), "mean_end": self.window.mean_end.copy(),
            "window_start": self.window.start, "window_end": self.window.end, "candidate": self.candidate,
            "length": self.length, "born_in_window": self.born_in_window, "peopled": self.peopled,
            "generator": copy.deepcopy(self.rng.bit_generator.state),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to ``state``."""
        self.time, self.events, self.withdrawn = float(state["time"]), int(state["events"]), float(state["withdrawn"])
        self.tallies, self.taken = {name: int(n) for name, n in state["tallies"].items()}, int(state["taken"])
        self.amounts, self.sizes, self.origins = ([int(n) for n in state[k]] for k in ("amounts", "sizes", "origins"))
        for barrel, delivered, mark, left in zip(
            self.barrels, state["delivered"], state["mark"], state["left"], strict=True
        ):
            barrel.delivered, barrel.mark, barrel.left = float(delivered), float(mark), [int(n) for n in left]
        self.aliquot, self.lost, self.foreign = (
            np.array(state[k], dtype=np.int64) for k in ("aliquot", "lost", "foreign")
        )
        self.mean, mean_end = (np.array(state[k], dtype=float) for k in ("mean", "mean_end"))
        self.length, self.born_in_window = float(state["length"]), int(state["born_in_window"])
        self.peopled = bool(state["peopled"])
        self.rng.bit_generator.state = state["generator"]
        self._adopt()
        self._begin(float(state["window_start"]))
        self._close(float(state["window_end"]), mean_end)
        self.candidate, self._ceilings = float(state["candidate"]), self._all_ceilings()

    def change(self, model: Model) -> None:
        """Follow the schedules of ``model`` from now on; syringes may be added, those there keep what they hold."""
        same = zip(self.model.syringes, model.syringes, strict=False)
        if len(model.syringes) < len(self.barrels) or any(
            (a.volume, a.contents, a.shot) != (b.volume, b.contents, b.shot) for a, b in same
        ):
            raise BadInput("change: the syringes of a run keep their volume and contents; add another syringe instead.")
        self._leave()
        self.model = model
        for barrel, syringe in zip(self.barrels, model.syringes, strict=False):
            barrel.syringe = syringe
        added = model.syringes[len(self.barrels):]
        self.barrels += [Barrel(syringe, len(self.amounts), self.rng) for syringe in added]
        self._adopt()
        self._scheduled(self.time)
        self._open(self.time)

    # -- windows -----------------------------------------------------------------------------------

    def _adopt(self) -> None:
        """Prepare what depends on the model and the sizes only."""
        self._withdrawals = sorted(self.model.withdrawals, key=lambda w: w.time)
        self._nodes = temperature_nodes(self.model.temperature)
        self._capacity = 2 * max([32, *self.sizes])
        self._tabulated: dict[float, Rates] = {}
        self._follows = reads_mean_field(self.model)

    def _open(self, start: float) -> None:
        """Begin a window, find its end and draw the first candidate."""
        if not self.sizes and self.peopled:
            # with the last particle gone there is no field of many to speak of, but only what is there
            self.mean = self._actual()
        self.peopled = bool(self.sizes)
        window = self._begin(start)
        breaks = [*window.breaks(), *(w.time for w in self._withdrawals[self.taken:])]
        end = min([*breaks, *(t for barrel in self.barrels for t in barrel.breaks(start))], default=math.inf)
        feed = np.zeros(len(self.amounts))
        for barrel in self.barrels:
            for species, molecules in barrel.syringe.contents.items():
                feed[species] += molecules * barrel.flow(start) / barrel.syringe.volume
        end = min(end, window.latest_end(self.sizes, self.amounts[MONOMER], self.length))
        end, mean_end = follow_mean_field(window, self.sizes, feed, end)
        self.length, self.born_in_window = end - start, 0
        self._close(end, mean_end)
        self._draw()

    def _begin(self, start: float) -> Window:
        for barrel in self.barrels:
            if barrel.is_empty(start):  # of all but what round-off has left behind
                self._pour(barrel)
        flow = sum(barrel.flow(start) for barrel in self.barrels)
        self.window = Window(self.model, self._nodes, start, self._cold_volume(), flow, self.mean)
        self._tabulate()
        return self.window

    def _close(self, end: float, mean_end: FloatArray) -> None:
        self.window.mean_end = mean_end
        self.window.close(end)
        self._most_births = self.window.most_births() if self._follows else 0.0

    def _tabulate(self) -> None:
        known, ends = self._tabulated, (self.window.T0, self.window.T1)
        self._tabulated = {T: known.get(T) or Rates.at(self.model, T, self._capacity) for T in ends}
        self.window.use(self._tabulated[ends[0]], self._tabulated[ends[1]])

    def _leave(self) -> None:
        """End the window now, with the mean field where it is."""
        self.mean = self.window.mean_amounts(self.time)
        self._settle_syringes(self.time)

    def _turn(self) -> None:
        """End the window and begin the next."""
        end, self.mean = self.window.end, self.window.mean_end
        self._settle_syringes(end)
        self._scheduled(end)
        self._open(end)

    def _scheduled(self, t: float) -> None:
        """Shots that are due at ``t`` [s], then aliquots."""
        for barrel in self.barrels:
            shot = barrel.syringe
            if shot.shot and shot.start <= t and barrel.delivered < shot.volume:
                self._pour(barrel)
                self.mean = self._actual()
        while self.taken < len(self._withdrawals) and self._withdrawals[self.taken].time <= t:
            self._withdraw(self._withdrawals[self.taken].volume)
            self.taken += 1

    def _withdraw(self, volume: float) -> None:
        """Take an aliquot of ``volume`` [m^3] at 25 degC."""
        chance = volume / self._cold_volume()
        taken = np.array([int(self.rng.binomial(max(n, 0), chance)) for n in self.amounts])
        self.amounts = [n - int(k) for n, k in zip(self.amounts, taken, strict=True)]
        self.aliquot += taken @ self.model.atoms
        gone = [self.rng.random() < chance for _ in self.sizes]
        self.aliquot += sum(n for n, g in zip(self.sizes, gone, strict=True) if g) * self.model.unit_atoms
        self.origins = [o for o, g in zip(self.origins, gone, strict=True) if not g]
        self.sizes = [n for n, g in zip(self.sizes, gone, strict=True) if not g]
        self.withdrawn += volume
        self.mean = self.mean * (1.0 - chance)

    def _actual(self) -> FloatArray:
        return np.maximum(np.array(self.amounts, dtype=float), 0.0)

    # -- syringes ----------------------------------------------------------------------------------

    def _settle_syringes(self, t: float) -> None:
        for barrel in self.barrels:
            barrel.delivered = barrel.delivered_by(t, self.window.start)

    def _cold_volume(self) -> float:
        """Control volume at 25 degC at the start of the window [m^3]."""
        return self.model.control_volume + sum(barrel.delivered for barrel in self.barrels) - self.withdrawn

    def _in_syringes(self) -> IntArray:
        """Molecules left, (syringes, species)."""
        return np.array([barrel.left for barrel in self.barrels], dtype=np.int64).reshape(-1, len(self.amounts))

    def _inject(self, barrel: Barrel) -> None:
        self.amounts[barrel.release(self.rng)] += 1
        self.events += 1
        self._draw()

    def _pour(self, barrel: Barrel) -> None:
        """All that is left in a syringe enters at once."""
        self.events += sum(barrel.left)
        self.amounts = [n + k for n, k in zip(self.amounts, barrel.pour(), strict=True)]

    # -- events ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._ceilings = self._all_ceilings()
        total = sum(self._ceilings)
        self.candidate = self.time + float(self.rng.standard_exponential()) / total if total > 0.0 else math.inf

    def _try(self) -> None:
        """Choose the candidate's channel, accept it or not, and draw the next."""
        cumulative = list(accumulate(self._ceilings))
        channel = min(bisect_right(cumulative, self.rng.random() * cumulative[-1]), len(cumulative) - 1)
        if self.rng.random() * self._ceilings[channel] < self._all_rates(self.time)[channel]:
            self._fire(channel, self.time)
            self.events += 1
            if self.born_in_window > 1 + len(self.sizes) // 200:
                # the particles that the mean field knows are no longer those there are
                self._leave()
                self._open(self.time)
                return
        self._draw()

    def _all_ceilings(self) -> list[float]:
        """Bound of the rate of every channel in this window [1/s]."""
        w = self.window
        return self._list(w.ceiling, w.lowest_volume, w.highest_volume, self._most_births)

    def _all_rates(self, t: float) -> list[float]:
        """Rate of every channel at ``t`` [1/s]."""
        volume = self.window.volume(t)
        return self._list(self.window.rates(t), volume, volume, self.window.births(t) if self._follows else 0.0)

    def _list(self, rates: Rates, low: float, high: float, births: float) -> list[float]:
        """The channels, for whichever volume between ``low`` and ``high`` makes each one fastest [1/s].

        The order: attachment of every particle, detachment of every particle, for every sticking process every
        particle, every reaction, nucleation (``births`` where it reads the mean field), coalescence of all pairs.
        """
        amounts, law = self.amounts, self.model.nucleation
        c = max(amounts[MONOMER], 0) / low
        channels = [rates.attach[n] * c for n in self.sizes] + [rates.detach[n] for n in self.sizes]
        for process, table in zip(self.model.sticking, rates.sticking, strict=True):
            c = amounts[process.species] / low
            channels += [table[n] * c for n in self.sizes]
        for reaction, k in zip(self.model.reactions, rates.reactions, strict=True):
            channels.append(k * max(mass_action(reaction, amounts, volume) for volume in (low, high)))
        if law.law == "cluster":
            births = rates.cluster * amounts[law.cluster]
        elif law.law == "explicit":
            births = rates.attach[1] * math.perm(max(amounts[MONOMER], 0), 2) / low
        pairs = 0.0
        if self.model.coalescence.law != "none":
            pairs = sum(pair_rates(self.model, rates.pairs, self.sizes)) / low
        return [*channels, births, pairs]

    def _kind(self, channel: int) -> tuple[str, int]:
        """What a channel is, and its number among its kind."""
        particles = len(self.sizes)
        for kind, number in (
            ("attach", particles), ("detach", particles), ("stick", particles * len(self.model.sticking)),
            ("reaction", len(self.model.reactions)), ("nucleation", 1),
        ):
            if channel < number:
                return kind, channel
            channel -= number
        return "coalescence", 0

    def _fire(self, channel: int, t: float) -> None:
        """Carry out one event."""
        kind, i = self._kind(channel)
        if kind == "attach":
            self.amounts[MONOMER] -= 1
            self._resize(i, 1)
        elif kind == "detach":
            self.amounts[MONOMER] += 1
            self._resize(i, -1)
        elif kind == "stick":
            process = self.model.sticking[i // len(self.sizes)]
            self.amounts[process.species] -= 1
            self.foreign += self.model.foreign[i // len(self.sizes)]
            self._resize(i % len(self.sizes), process.units)
        elif kind == "reaction":
            self._react(i)
        elif kind == "nucleation":
            law = self.model.nucleation
            self._nucleate(
                int(self.model.formula_units[law.cluster]) if law.law == "cluster"
                else 2 if law.law == "explicit" else math.floor(self.window.newborn(t) + self.rng.random())
            )
        else:
            self._coalesce()
        self._make_room()

    def _make_room(self) -> None:
        """Rates for the largest particle there is."""
        n = max(self.sizes, default=0)
        if n >= self._capacity:
            self._capacity, self._tabulated = 2 * n, {}
            self._tabulate()
