"""What is in the flask of the twin, and what every event does to it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, combinations

import numpy as np

from kmcgrowth.model.types import MONOMER, IntArray, Model
from kmcgrowth.reactor.twin_laws import pair_rates

SEED, NUCLEATED = 0, 1


class TwinFlask:
    """Molecules and particles of a control volume, one by one.

    Parameters
    ----------
    model : Model
    rng : numpy Generator
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng
        self.amounts: list[int] = [int(n) for n in model.initial]
        self.sizes: list[int] = [int(n) for n in model.draw_seeds(rng)]
        self.origins: list[int] = [SEED] * len(self.sizes)
        self.lost: IntArray = np.zeros(len(model.elements), dtype=np.int64)
        self.foreign: IntArray = np.zeros(len(model.elements), dtype=np.int64)
        self.tallies = {"born": 0, "dissolved_seed": 0, "dissolved_nucleated": 0, "largest_debt": 0}
        self.tallies |= {f"lost:{r.name}": 0 for r in model.reactions if r.lost}
        self.tallies |= {"coalesced": 0} if model.coalescence.law != "none" else {}
        self.born_in_window = 0

    def _resize(self, i: int, units: int) -> None:
        """Particle ``i`` grows by ``units``; one left alone is a monomer."""
        self.sizes[i] += units
        if self.sizes[i] == 1:
            self.amounts[MONOMER] += 1
            self.sizes.pop(i)
            self.tallies[("dissolved_seed", "dissolved_nucleated")[self.origins.pop(i)]] += 1

    def _coalesce(self) -> None:
        """Two particles become one, which has the origin of the larger."""
        pairs = list(combinations(range(len(self.sizes)), 2))
        cumulative = list(accumulate(pair_rates(self.model, 1.0, self.sizes)))
        i, j = pairs[bisect_right(cumulative, self.rng.random() * cumulative[-1])]
        if (self.sizes[i], -self.origins[i]) < (self.sizes[j], -self.origins[j]):
            i, j = j, i
        self.sizes[i] += self.sizes[j]
        del self.sizes[j], self.origins[j]
        self.tallies["coalesced"] += 1
        self.born_in_window += 1

    def _use_cluster(self, species: int, units: int) -> None:
        """A molecule becomes ``units`` of crystal; atoms that do not fit are booked as lost."""
        self.amounts[species] -= 1
        self.lost += self.model.atoms[species] - units * self.model.unit_atoms

    def _react(self, r: int) -> None:
        reaction = self.model.reactions[r]
        net: IntArray = np.zeros(len(self.amounts), dtype=np.int64)
        for species, number in reaction.products.items():
            net[species] += number
        for species, number in reaction.reactants.items():
            net[species] -= number
        self.amounts = [n + int(k) for n, k in zip(self.amounts, net, strict=True)]
        if reaction.lost:
            self.lost -= net @ self.model.atoms
            self.tallies[f"lost:{reaction.name}"] -= int(net[net < 0].sum())

    def _nucleate(self, newborn: int) -> None:
        """A particle of ``newborn`` units is born; one that finds too few monomers leaves a debt."""
        law = self.model.nucleation
        if law.law == "cluster":
            self._use_cluster(law.cluster, newborn)
        else:
            self.amounts[MONOMER] -= newborn
            self.tallies["largest_debt"] = max(self.tallies["largest_debt"], -self.amounts[MONOMER])
        self.sizes.append(newborn)
        self.origins.append(NUCLEATED)
        self.tallies["born"] += 1
        self.born_in_window += 1


__all__ = ["NUCLEATED", "SEED", "TwinFlask"]
