"""The population balance: expected counts of all sizes, without noise, by the compiled kernel."""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar, Literal

import numpy as np

from kmcgrowth.errors import KmcgrowthError, kernels
from kmcgrowth.model.plan import Epoch, warm
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, FloatArray, Model
from kmcgrowth.reactor.arrays import chemistry
from kmcgrowth.reactor.balance_rates import NodeRates
from kmcgrowth.reactor.epochs import EpochRun
from kmcgrowth.reactor.sizes import Grid, expected_seeds, suitable_resolution

with kernels():
    from kmcgrowth.reactor._balance import Balance, Pause

BUDGET = 2_000_000
"""Steps times pivots between two looks at the outside world (some tens of milliseconds)."""

SHOWN = 1e-9
"""Share of a population that each end of its distribution may hold and not be shown [dimensionless]."""

NOTHING = 1e-12
"""A population of fewer particles than this share of the seeds is not shown [dimensionless]."""

INSTANT = 1e-12
"""Length of an epoch over its time below which no step is taken [dimensionless]."""

EDGE = 1e-8
"""Particles at the ends of the pivots in use, over rtol and the number of particles [dimensionless]."""


class BalanceRun(EpochRun):
    """The deterministic limit of a model for many particles.

    Parameters
    ----------
    model : Model
    rng : not used; there is no chance in it
    rtol : relative tolerance of a step: of every amount, and of the share of particles in the wrong place
    resolved : sizes up to this one have a cell each, above are coarser pivots; None resolves all; "auto" takes 300, or
        30 000 where the seeds do not make a smooth distribution on coarse pivots [formula units]

    Notes
    -----
    Becker-Doering equations with mass action and every process of the model, solved by Rosenbrock steps. The readable
    definition of the right-hand side is ``kmcgrowth.reactor.balance_twin``.
    """

    _node: ClassVar[float] = inf

    def __init__(
        self, model: Model, rng: np.random.Generator | None = None, *, rtol: float = 1e-5,
        resolved: int | Literal["auto"] | None = "auto",
    ) -> None:
        sizes, numbers = expected_seeds(model)
        self._resolved = suitable_resolution(sizes, numbers) if resolved == "auto" else resolved
        seeds = float(numbers.sum())
        fed = sum((np.array([s.contents.get(i, 0) for i in range(len(model.species))]) for s in model.syringes),
                  np.zeros(len(model.species)))
        units = float(sizes @ numbers + (model.initial + fed) @ model.formula_units)
        self._matter = units
        reference = seeds or 1e-4 * units or 1.0
        flat = min(model.solubility(float(T)) for T in model.temperature.value) * model.control_volume
        scale = 1e-7 * max(units, 1.0) / np.maximum(model.formula_units, 1.0)
        scale[MONOMER] = max(0.05 * flat, 1e-9 * max(units, 1.0))
        duration = model.duration if model.duration > 0.0 else 1.0
        strict = 1e-4 if model.nucleation.law == "explicit" else 1.0
        kernel = Balance(
            chemistry(model), scale=scale, unit_volume=model.unit_volume, expansion=model.expansion, rtol=rtol,
            reference=reference, patience=duration, edge=EDGE * rtol * strict * reference,
        )
        super().__init__(model, kernel, np.float64)
        self._rates = NodeRates(model)
        self._set_grid(max(1.3 * float(sizes.max(initial=0)) + 64.0, 512.0))
        live = self._kernel.arrays()
        if sizes.size:
            live["number"][0] = self._grid.share(sizes, numbers)
        self._kernel.low, self._kernel.high = 0, self._grid.pivot.size - 1 + self._grid.pivot.size % 2

    @property
    def events(self) -> int:
        """Expected events of an exact run so far."""
        return int(self._kernel.events)

    @property
    def reactions(self) -> float:
        """Reactions, and molecules out of syringes, so far; expected number."""
        small, _, _ = self._kernel.between_ends(self._until)
        species = len(self.model.species)
        left = self._plan.left
        if self._epoch is not None:
            left = self._epoch.left_at(self._until)
        out = sum(sum(s.contents.values()) * (1.0 - float(rest) / s.volume)
                  for s, rest in zip(self.model.syringes, left, strict=True))
        return float(small[species + 3:].sum()) + out

    @property
    def pivots(self) -> int:
        """Pivots of the grid so far."""
        return int(self._grid.pivot.size)

    def _run(self, until: float) -> int:
        # a step goes through all pivots, and where particles coalesce through all pairs of those in use
        used = int(self._kernel.high - self._kernel.low)
        work = self._grid.pivot.size + (used * used if self.model.coalescence.law != "none" else 0)
        return int(self._kernel.run(until, max(BUDGET // work, 1)))

    def _provide(self, why: int) -> None:
        if why == Pause.ROOM:
            self._outgrown()
            self._set_grid(2.0 * float(self._grid.pivot[-1]))
        elif why == Pause.FAILED:
            raise KmcgrowthError(
                f"the population balance finds no step at {self._kernel.now:g} s that meets its tolerance, as rates at "
                'small sizes are too far apart; use method "exact" or "leap".'
            )

    def _outgrown(self) -> None:
        """Refuse to follow sizes for which the matter of the control volume does not suffice."""
        if self._grid.pivot[-1] > max(20.0 * self._matter, 2e5):
            raise KmcgrowthError(
                "the population balance expects less than one particle in the control volume at "
                f"{self._kernel.now:.4g} s, where it has no meaning; shorten the duration or ask for more particles."
            )

    def counts(self) -> Counts:
        """The flask at the time reached."""
        model, t, grid = self.model, self._until, self._grid
        small, number, events = self._kernel.between_ends(t)
        temperature = model.temperature(t)
        if self._epoch is None:
            volume, injected = warm(model, model.control_volume, temperature), 0.0
            left = self._plan.left
        else:
            volume = warm(model, self._epoch.cold_volume_at(t), temperature)
            injected = self._plan.injected(self._epoch, t) * model.flask_volume / model.control_volume
            left = self._epoch.left_at(t)
        amounts, sums = small[: len(model.species)], small[len(model.species):]
        flat = model.solubility(temperature)
        tallies: dict[str, float] = {
            "events": float(events), "born": max(float(sums[0]), 0.0), "dissolved_seed": max(float(sums[1]), 0.0),
            "dissolved_nucleated": max(float(sums[2]), 0.0), "largest_debt": 0.0,
        }
        if model.coalescence.law != "none":
            tallies["coalesced"] = float(self._kernel.coalesced_by(t))
        by_channel, lost = self._lost(sums[3 : 3 + len(model.reactions)])
        tallies |= by_channel
        in_syringes = np.zeros(len(model.elements))
        for rest, s in zip(left, model.syringes, strict=True):
            for i, n in s.contents.items():
                in_syringes = in_syringes + n * rest / s.volume * model.atoms[i]
        held = _units_in(number, grid.pivot) * model.unit_atoms
        if model.foreign.any():  # what is nowhere else
            supplied = model.initial @ model.atoms + sum(
                n * model.atoms[i] for s in model.syringes for i, n in s.contents.items()
            )
            held = np.where(
                model.unit_atoms > 0, held, supplied - amounts @ model.atoms - lost - self._aliquot - in_syringes
            )
        shown = [_shown(grid, n, NOTHING * self._kernel.reference) for n in number]
        some = (shown[0] > 0.0) | (shown[1] > 0.0)
        return Counts(
            time=t, sizes=grid.whole[some], seed=shown[0][some], nucleated=shown[1][some],
            amounts=np.maximum(amounts, 0.0), volume=volume, temperature=temperature, injected_volume=injected,
            supersaturation=max(float(amounts[MONOMER]), 0.0) / volume / flat if flat > 0.0 else float("nan"),
            matter={
                "solution": amounts @ model.atoms, "particles": held,
                "debt": np.zeros(len(model.elements)), "aliquot": self._aliquot.copy(), "lost": lost,
                "syringe": in_syringes,
            },
            tallies=tallies, bounds=grid.bounds[some],
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        return super().state() | {"kernel": self._kernel.dump(), "top": float(self._grid.pivot[-1])}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""
        self._epoch = None
        self._kernel.empty()
        self._set_grid(float(state["top"]))
        super().restore(state)
        self._kernel.load(state["kernel"])

    def _adopt(self, model: Model) -> None:
        self.model = model
        self._rates = NodeRates(model)
        self._kernel.expansion = model.expansion

    # -- epochs -----------------------------------------------------------------------------

    def _begin_epoch(self) -> None:
        """Shots and withdrawals due now, then the flows of the epoch that follows."""
        live, species = self._kernel.arrays(), len(self.model.species)
        self._begun = self._plan.time
        for i in self._plan.shots():
            for s, n in self.model.syringes[i].contents.items():
                live["small"][s] += n
        for share in self._plan.withdrawals():
            self._aliquot += share * live["small"][:species] @ self.model.atoms
            self._aliquot += share * _units_in(live["number"], self._grid.pivot) * self.model.unit_atoms
            live["small"][:species] *= 1.0 - share
            live["number"] *= 1.0 - share
        self._epoch = self._plan.epoch()
        if self._epoch.end - self._epoch.start < INSTANT * self._epoch.end:
            # corners that only round-off tells apart: too short for a step, and nothing happens but the feed
            live["small"][:species] += self._feed(self._epoch) * (self._epoch.end - self._epoch.start)
            self._plan.advance(self._epoch)
            self._begin_epoch()
            return
        self._set_epoch(self._epoch)

    def _set_epoch(self, epoch: Epoch) -> None:
        heating = (epoch.temperature1 - epoch.temperature0) / (epoch.end - epoch.start)
        self._set_tables(epoch)
        self._kernel.set_epoch(epoch.start, epoch.end, epoch.temperature0, heating, epoch.cold_volume,
                               float(epoch.push.sum()), self._feed(epoch))

    def _set_tables(self, epoch: Epoch) -> None:
        self._kernel.set_tables(*self._rates.between(epoch.temperature0, epoch.temperature1, self._grid))

    def _set_grid(self, top: float) -> None:
        """Pivots up to ``top``, with what is known on them."""
        self._grid = Grid.up_to(top, self._resolved)
        self._kernel.set_grid(self._grid, [self._grid.landing(s.units) for s in self.model.sticking])
        if self._epoch is not None:
            self._set_tables(self._epoch)


def _units_in(number: FloatArray, pivot: FloatArray) -> float:
    """Formula units in the particles (origins, pivots)."""
    return float(number.sum(axis=0) @ pivot)


def _shown(grid: Grid, number: FloatArray, nothing: float) -> FloatArray:
    """Counts of whole sizes without the far tails and without negative ones; the first moments are kept.

    Central differences can undershoot beside a front that the grid does not resolve.

    Parameters
    ----------
    grid : Grid
    number : (k,) particles of one origin at its pivots
    nothing : a population of fewer particles is none
    """
    total = float(number.sum())
    if total <= nothing:
        return np.zeros_like(number)
    kept = np.maximum(grid.rounded(number), 0.0)
    level = np.cumsum(kept)
    kept[(level < SHOWN * total) | (level[-1] - level + kept < SHOWN * total)] = 0.0
    some = kept > 0.0
    mean = float(number @ grid.pivot) / total
    off = grid.whole[some] - mean
    scale = float(np.abs(off).max()) or 1.0
    off = off / scale
    moments = np.array([0.0, float(number @ ((grid.pivot - mean) / scale) ** 2) / total])
    for powers in (2, 1, 0):
        # factors exp(polynomial) keep what is there positive; a few sizes may not be able to keep the second moment
        monomials = np.stack([off**k for k in range(1, powers + 1)]) if powers else np.empty((0, off.size))
        tilted = _tilted(kept[some], monomials, moments)
        if tilted is not None:
            kept[some] = tilted * (total / tilted.sum())
            break
    return kept


def _tilted(weight: FloatArray, x: FloatArray, mean: FloatArray) -> FloatArray | None:
    """``weight`` (k,) times exp(a x_0 + b x_1 ...), ``x`` (m, k), so that x has the means ``mean``; or None."""
    m = len(x)
    a, mean = np.zeros(m), mean[:m]
    for _ in range(60 * m + 1):
        factor = np.exp(np.clip(a @ x, -600.0, 600.0)) if m else np.ones(weight.size)
        new = weight * factor / float(weight @ factor)
        wrong = x @ new - mean
        if np.all(np.abs(wrong) < 1e-13):
            return np.asarray(new)
        bend = (x * new) @ x.T - np.outer(x @ new, x @ new)
        try:
            step = np.linalg.solve(bend, wrong)
        except np.linalg.LinAlgError:
            return None
        # the logarithm of the sum is convex in a: Newton's method with bounded steps gets there if there is a there
        a = a - step * min(1.0, 2.0 / (float(np.abs(step).max()) + 1e-300))
    return None


__all__ = ["BalanceRun"]
