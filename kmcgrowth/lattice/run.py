"""A lattice recipe as a run: the kernel is taken through the known course of temperature, feed and supersaturation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kmcgrowth.errors import kernels
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.energetics import Energetics
from kmcgrowth.lattice.particles import find_particles
from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.solution import Dissolved
from kmcgrowth.lattice.start import start_sites
from kmcgrowth.model.plan import Epoch, Plan, warm
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, IntArray, Model

with kernels():
    from kmcgrowth.lattice._lattice import Kernel, Pause

BUDGET = 200_000
"""Candidates between two looks at the outside world (some tens of milliseconds)."""


class LatticeRun:
    """One trajectory of a model with a lattice.

    Parameters
    ----------
    model : Model with a ``lattice``
    rng : numpy Generator; its bit generator is used up by the run
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        lattice = model.lattice
        assert lattice is not None
        self.model, self.lattice = model, lattice
        self._rng = rng
        self.box = Box(lattice.crystal, lattice.cells, lattice.constant)
        self.energetics = Energetics(lattice.crystal, lattice.bond, lattice.second_bond, lattice.ligand)
        self._dissolved = Dissolved(model)
        self._kernel = self._make_kernel()
        sites = start_sites(model, self.box, rng)
        self._kernel.fill(sites.astype(np.int32), np.ones(len(sites), dtype=bool))
        begun = Atoms.on(self.box, np.sort(sites), lattice.symbols)
        self._seeds = find_particles(begun, formula=lattice.crystal.elements).number
        self._fill_solution()
        self._plan = Plan(model)
        self._epoch: Epoch | None = None
        self._window = (0.0, 0.0)
        self._until = 0.0
        times = model.snapshots
        chosen = np.linspace(0, len(times) - 1, min(lattice.frames, len(times))).round().astype(int)
        self._frames = {float(t) for t in times[chosen]}

    def _make_kernel(self) -> Any:
        crystal, e = self.lattice.crystal, self.energetics
        kernel = self._kernel_class()(
            self._rng.bit_generator, self.lattice.cells, crystal.kind, *crystal.shells, crystal.hops, e.lookup,
            len(e.groups), e.second_bond != 0.0, e.ligand != 0.0,
        )
        fixed = self.lattice.solution == "fixed"
        kernel.set_solution(self.lattice.elements, fixed, *self._dissolved.arrays())
        return kernel

    def _kernel_class(self) -> Any:
        return Kernel

    def _fill_solution(self) -> None:
        """Dissolve what is dissolved at the start, if the kernel does not have it yet."""

    def _frame(self, t: float) -> dict[str, Any]:
        """What is kept of a moment besides the atoms of the crystals."""
        return {}

    def _window_more(self, times: tuple[float, float], temperature: list[float]) -> dict[str, Any]:
        """What else the kernel wants to know of a window."""
        more: dict[str, Any] = {"second": [self.energetics.second_factors(T) for T in temperature]}
        if self.lattice.solution == "fixed":
            # apart from the rates, which are products with one of these lines, or with two for pairs
            more["concentration"] = [np.array([p(t) for p in self.lattice.supersaturation]) for t in times]
        return more

    # -- the seam of all engines ------------------------------------------------------------

    @property
    def time(self) -> float:
        """Time reached [s]."""
        return self._until

    @property
    def events(self) -> int:
        """Events so far; candidates that came to nothing are left out."""
        return int(self._kernel.events)

    def advance(
        self, until: float, *, stop: Callable[[], bool] | None = None,
        progress: Callable[[float, int], None] | None = None,
    ) -> bool:
        """Move on to ``until`` [s]; False if ``stop`` asked to end before."""
        if until <= self._until:
            return True
        if self._epoch is None:
            self._begin_epoch()
        while True:
            why = self._kernel.run(until, BUDGET)
            if why == Pause.REACHED:
                self._until = until
                return True
            if why == Pause.EPOCH:
                assert self._epoch is not None
                if self._window[1] >= self._epoch.end:
                    self._plan.advance(self._epoch)
                    self._begin_epoch()
                else:
                    self._begin_window(self._window[1])
            elif why == Pause.ROOM:
                self._kernel.make_room()
            if progress is not None:
                progress(float(self._kernel.now), self.events)
            if stop is not None and stop():
                self._until = max(self._until, min(float(self._kernel.now), until))
                return False

    def counts(self) -> Counts:
        """The box at the time reached."""
        model, t = self.model, self._until
        temperature = model.temperature(t)
        volume, injected = self._volume(t)
        site, seed = self._kernel.occupied()
        atoms = Atoms.on(self.box, site, self.lattice.symbols, seed=seed, time=t)
        found = find_particles(atoms, formula=self.lattice.crystal.elements)
        sizes, place = np.unique(found.units, return_inverse=True)
        of_seed = np.bincount(place, weights=found.seed, minlength=len(sizes)).astype(np.int64)
        seeds = int(found.seed.sum())
        amount = self._kernel.amounts()
        kernel = self._kernel
        crystal = np.bincount(atoms.element, minlength=self.lattice.elements)
        matter, tallies = self._dissolved.matter(amount, crystal, kernel.contents(), kernel.done)
        if self.lattice.solution == "fixed":  # which has no end
            matter = {"particles": matter["particles"]}
        tallies |= {
            "events": self.events, "born": int(kernel.pairs_formed),
            # a fragment that a crystal sheds is no crystal that dissolves: what is left is counted, not the fragments
            "dissolved_seed": max(self._seeds - seeds, 0),
            "dissolved_nucleated": max(int(kernel.pairs_formed) - (found.number - seeds), 0),
        }
        frame = {"site": site, "seed": seed} | self._frame(t) if t in self._frames else {}
        return Counts(
            time=t, sizes=sizes.astype(np.int64), seed=of_seed,
            nucleated=np.bincount(place, minlength=len(sizes)).astype(np.int64) - of_seed,
            amounts=self._dissolved.species(amount), volume=volume, temperature=temperature,
            injected_volume=injected, supersaturation=self._supersaturation(amount, volume, t), matter=matter,
            tallies=tallies,
            lattice={
                "attached": int(kernel.attached), "detached": int(kernel.detached), "hopped": int(kernel.hopped),
                "solubility": model.solubility(temperature), "dissolved_atoms": amount[: self.lattice.elements],
                "exposure": kernel.exposure + amount[: self.lattice.elements] * (t - kernel.now),
                "energy": self.energetics.energy(self.box, site),
            } | frame,
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        return {
            "until": self._until, "begun": self._epoch is not None, "window": list(self._window),
            "plan": {"time": self._plan.time, "cold_volume": self._plan.cold_volume, "left": self._plan.left.copy()},
            "kernel": self._kernel.state(), "generator": self._rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""
        self._until = float(state["until"])
        self._plan = Plan(self.model, **state["plan"])
        self._epoch = None
        if state["begun"]:
            self._epoch = self._plan.epoch()
            self._begin_window(float(state["window"][0]), float(state["window"][1]))
        self._kernel.restore(state["kernel"])
        self._rng.bit_generator.state = state["generator"]

    def change(self, model: Model) -> None:
        """From now on the temperature and the flows of ``model`` hold; all else must be the same."""
        t, epoch = self._until, self._epoch
        self.model = model
        if epoch is None:
            self._plan = Plan(model)
            return
        self._plan = Plan(model, time=t, cold_volume=epoch.cold_volume_at(t), left=epoch.left_at(t))
        self._begin_epoch()

    def rate_now(self) -> float:
        """Rate of all that can happen now [1/s]."""
        if self._epoch is None:
            self._begin_epoch()
        return float(self._kernel.rate_now())

    def notes(self) -> list[str]:
        """Warnings about what the run met."""
        return []

    # -- the known course -------------------------------------------------------------------

    def _begin_epoch(self) -> None:
        """Shots due now, then the rates of the epoch that follows."""
        self._plan.shots()
        for i, syringe in enumerate(self.model.syringes):
            # round-off can leave a molecule in a syringe that has just been emptied
            if self._plan.left[i] == 0.0 and self._plan.time >= syringe.start:
                self._kernel.entered += self._kernel.empty_syringe(i)
        self._epoch = self._plan.epoch()
        self._begin_window(self._epoch.start)

    def _begin_window(self, start: float, end: float | None = None) -> None:
        """Hand over the rates up to the end of the epoch, or to the next corner of the supersaturation."""
        epoch = self._epoch
        assert epoch is not None
        if end is None:
            corners = [float(t) for p in self.lattice.supersaturation for t in p.time if t > start]
            end = min([epoch.end, *corners])
        self._window = (start, end)
        ends = (start, end)
        span = epoch.end - epoch.start
        temperature = [
            epoch.temperature0 + (epoch.temperature1 - epoch.temperature0) * (t - epoch.start) / span for t in ends
        ]
        volume = [warm(self.model, epoch.cold_volume_at(t), T) for t, T in zip(ends, temperature, strict=True)]
        both = [self._rates(T) for T in temperature]
        self._kernel.set_window(
            start, end, volume, [r for r, _, _ in both], [h for _, h, _ in both], [p for _, _, p in both],
            [self._dissolved.constants(T) for T in temperature], epoch.push, epoch.left_at(start),
            **self._window_more(ends, temperature),
        )

    def _rates(self, temperature: float) -> tuple[FloatArray, FloatArray, float]:
        """Rates of the groups, the part of them that is hops, and the rate of pairs, as the kernel wants them."""
        lattice, e = self.lattice, self.energetics
        attach = lattice.attach_rate(temperature)
        solubility = self.model.solubility(temperature)
        hops = e.hop_rates(lattice.hop_prefactor(temperature), lattice.hop_barrier, temperature)
        rates = e.detach_rates(attach, solubility, temperature) + hops
        n = lattice.elements
        rates[:n] = attach
        pair = 0.0
        if lattice.pairs:
            pair = e.pair_rate(attach, solubility, temperature)
        if lattice.solution == "fixed":  # whose concentrations are given in units of the solubility
            rates[:n] *= solubility
            return rates, hops, pair * solubility**2
        # one place for a pair in the box stands for all those in the volume of solution
        return rates, hops, pair / self.box.volume

    def _volume(self, t: float) -> tuple[float, float]:
        """Control volume, and what the syringes have given on the scale of the flask [m^3]."""
        model, epoch = self.model, self._epoch
        if epoch is None:
            return warm(model, model.control_volume, model.temperature(t)), 0.0
        scale = model.flask_volume / model.control_volume
        return warm(model, epoch.cold_volume_at(t), model.temperature(t)), self._plan.injected(epoch, t) * scale

    def _supersaturation(self, amount: IntArray, volume: float, t: float) -> float:
        """Geometric mean of the elements' concentrations over the solubility."""
        if self.lattice.solution == "fixed":
            s = np.array([p(t) for p in self.lattice.supersaturation])
        else:
            flat = self.model.solubility(self.model.temperature(t)) * volume
            s = amount[: self.lattice.elements] / flat if flat > 0.0 else np.full(1, np.nan)
        return float(np.prod(s) ** (1.0 / len(s)))


class LatticeTwinRun(LatticeRun):
    """The same with the plain-Python kernel; for small boxes."""

    def _kernel_class(self) -> Any:
        from kmcgrowth.lattice.twin import TwinKernel

        return TwinKernel
