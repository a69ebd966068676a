"""A lattice recipe whose dissolved atoms and clusters walk: the same run with the kernel of the walkers."""

from __future__ import annotations

from math import isinf
from typing import Any

import numpy as np

from kmcgrowth.errors import kernels
from kmcgrowth.lattice.run import LatticeRun
from kmcgrowth.lattice.walk_grid import MARGIN, walk_grid
from kmcgrowth.lattice.walk_tables import cube_laws
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, Model

with kernels():
    from kmcgrowth.lattice._walk import WalkKernel


class WalkRun(LatticeRun):
    """One trajectory of a model whose solution is "walkers".

    With a supersaturation the border of the box is a reservoir of that concentration, and the box is filled with it at
    the start. Crystals end there: nothing attaches or hops to sites in the reservoir.
    """

    def __init__(self, model: Model, rng: np.random.Generator) -> None:
        # what is seen at a snapshot inside of a cube comes from a stream of its own
        self._look = int(rng.bit_generator.random_raw())
        super().__init__(model, rng)

    def _kernel_class(self) -> Any:
        return WalkKernel

    def _make_kernel(self) -> Any:
        crystal, e = self.lattice.crystal, self.energetics
        self.grid = walk_grid(self.box)
        kernel = WalkKernel(
            self._rng.bit_generator, self.lattice.cells, crystal.kind, *crystal.shells, crystal.hops, e.lookup,
            len(e.groups), e.second_bond != 0.0, e.ligand != 0.0,
        )
        amount, *rest = self._dissolved.arrays()
        kernel.set_solution(self.lattice.elements, False, np.zeros_like(amount), *rest)
        kernel.set_walkers(
            self.grid.parts, self.grid.point, cube_laws(), spread=self._spread(),
            margin=MARGIN * self.grid.parts[0] if self.lattice.supersaturation else None,
        )
        return kernel

    def _spread(self) -> list[int]:
        """How far from a molecule its parts appear: where each has a grid point of its own."""
        elements = self.lattice.elements
        units = np.concatenate([np.ones(elements), self.model.formula_units[1:]])
        return [int(np.ceil((np.cbrt(2.0 * n) - 1.0) / 2.0)) if n > 1 else 0 for n in units]

    def _fill_solution(self) -> None:
        amount = self._dissolved.arrays()[0]
        if self.lattice.supersaturation:
            inside = np.prod(self.grid.points - 2 * MARGIN * np.array(self.grid.parts))
            far = self._far(0.0, self.model.temperature(0.0))[: self.lattice.elements]
            amount = amount + np.concatenate([
                self._rng.poisson(far * inside), np.zeros(len(amount) - len(far), dtype=np.int64)
            ])
        self._kernel.dissolve(amount)

    def _rates(self, temperature: float) -> tuple[FloatArray, FloatArray, float]:
        lattice = self.lattice
        if not isinf(lattice.attach_rate(temperature)):
            rates, hops, _ = super()._rates(temperature)
            return rates, hops, 0.0
        hops = self.energetics.hop_rates(lattice.hop_prefactor(temperature), lattice.hop_barrier, temperature)
        return hops.copy(), hops, 0.0

    def _far(self, t: float, temperature: float) -> FloatArray:
        """Walkers of each kind per grid point of the reservoir."""
        kinds = self._dissolved.expand.shape[1]
        far = np.zeros(kinds)
        for e, program in enumerate(self.lattice.supersaturation):
            far[e] = self.grid.per_point(program(t) * self.model.solubility(temperature))
        return far

    def _window_more(self, times: tuple[float, float], temperature: list[float]) -> dict[str, Any]:
        lattice, elements = self.lattice, self.lattice.elements
        names = [self.model.species[0]] * elements + list(self.model.species[1:])
        parents = [names[0]] * elements + [self.model.species[int(p)] for p in self.model.parent[1:]]
        walk = [
            np.array([self.grid.hop_rate(lattice.diffusion[name](T)) for name in parents]) for T in temperature
        ]
        stick = [np.full(elements, self.grid.stick_rate(lattice.attach_rate(T))) for T in temperature]
        more: dict[str, Any] = {"walk": walk, "stick": stick}
        if lattice.supersaturation:
            more["far"] = [self._far(t, T) for t, T in zip(times, temperature, strict=True)]
        return more

    def counts(self) -> Counts:
        """The box at the time reached."""
        found, kernel = super().counts(), self._kernel
        assert found.lattice is not None
        # an atom that is enclosed meets no place
        free = (kernel.amounts() - kernel.tallies()["enclosed"])[: self.lattice.elements]
        found.lattice["exposure"] = kernel.exposure + free * (found.time - kernel.now)
        return found

    def notes(self) -> list[str]:
        """Warnings about what the run met."""
        if isinf(self._kernel.reached):
            return []
        return [
            f"lattice.box: at {self._kernel.reached:.4g} s a crystal reached the reservoir at the border of the box, "
            "where nothing grows; what comes later is shaped by the box, and needs a larger one."
        ]

    def _frame(self, t: float) -> dict[str, Any]:
        place = int(np.float64(t).view(np.uint64))
        kind, point = self._kernel.positions(t, np.random.SFC64(np.random.SeedSequence([self._look, place])))
        return {"walker_kind": kind, "walker_point": point.astype(np.int16)}

    def state(self) -> dict[str, Any]:
        """Everything needed to go on to the same bytes."""
        return super().state() | {"look": self._look}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a ``state`` of a run of the same model."""
        super().restore(state)
        self._look = int(state["look"])
