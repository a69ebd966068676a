"""What is dissolved around a lattice: the species of a model as the kernel counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, FloatArray, IntArray, Model


class Dissolved:
    """Amounts of a lattice's solution: atoms of each element first, then the species other than monomer.

    Monomer falls apart into one atom of each element of the crystal; where a site holds a whole formula unit, that is
    the monomer itself.

    Parameters
    ----------
    model : Model with a ``lattice``
    """

    def __init__(self, model: Model) -> None:
        assert model.lattice is not None
        self.model = model
        self.elements = model.lattice.elements
        species = len(model.species)
        width = self.elements + species - 1
        self.expand = np.zeros((species, width), dtype=np.int64)
        self.expand[MONOMER, : self.elements] = 1
        for s in range(1, species):
            self.expand[s, self.elements + s - 1] = 1
        self.made_of = np.zeros((width, len(model.elements)), dtype=np.int64)
        if self.elements > 1:
            for k, symbol in enumerate(model.lattice.symbols):
                self.made_of[k, model.elements.index(symbol)] = 1
        else:
            self.made_of[0] = model.unit_atoms
        self.made_of[self.elements :] = model.atoms[1:]

    def arrays(self) -> tuple[IntArray, IntArray, dict[str, Any], IntArray]:
        """Amounts at the start, what each species expands to, the reactions, and what the syringes hold."""
        model = self.model
        reactions, depth = model.reactions, max((len(r.orders | r.reactants) for r in model.reactions), default=1)
        reactant = np.full((len(reactions), max(depth, 1)), -1, dtype=np.int64)
        consumed, order = np.zeros_like(reactant), np.zeros(reactant.shape)
        change = np.zeros((len(reactions), self.expand.shape[1]), dtype=np.int64)
        power = np.zeros(len(reactions))
        for i, r in enumerate(reactions):
            for j, s in enumerate(sorted(r.orders | r.reactants)):
                reactant[i, j] = self._place(s)
                consumed[i, j], order[i, j] = r.reactants.get(s, 0), r.orders.get(s, 0.0)
            for s, n in r.reactants.items():
                change[i] -= n * self.expand[s]
            for s, n in r.products.items():
                change[i] += n * self.expand[s]
            power[i] = 1.0 - sum(r.orders.values())
        content = np.zeros((len(model.syringes), len(model.species)), dtype=np.int64)
        for i, syringe in enumerate(model.syringes):
            for s, n in syringe.contents.items():
                content[i, s] = n
        laws = {"reactant": reactant, "order": order, "consumed": consumed, "change": change, "power": power}
        return model.initial @ self.expand, self.expand, laws, content

    def _place(self, species: int) -> int:
        return 0 if species == MONOMER else self.elements + species - 1

    def constants(self, temperature: float) -> FloatArray:
        """Rate constants of all reactions at a temperature [K] (reactions,)."""
        return np.array([r.rate(temperature) for r in self.model.reactions], dtype=float)

    def species(self, amount: IntArray) -> IntArray:
        """Molecules of each species: as monomer counts what the scarcer element has."""
        return np.concatenate([[amount[: self.elements].min()], amount[self.elements :]])

    def matter(
        self, amount: IntArray, crystal: NDArray[Any], content: IntArray, done: NDArray[Any]
    ) -> tuple[dict[str, IntArray], dict[str, float]]:
        """Atoms of the model's elements in every place, and what the loss channels took."""
        model = self.model
        lost = np.zeros(len(model.elements), dtype=np.int64)
        tallies: dict[str, float] = {}
        for number, r in zip(done.tolist(), model.reactions, strict=True):
            if r.lost:
                name = f"lost:{r.name}"
                tallies[name] = tallies.get(name, 0) + number * sum(r.reactants.values())
                lost += number * sum(n * self.expand[s] @ self.made_of for s, n in r.reactants.items())
        return {
            "solution": amount @ self.made_of, "particles": crystal @ self.made_of[: self.elements],
            "lost": lost, "syringe": content.sum(axis=0) @ self.expand @ self.made_of,
        }, tallies
