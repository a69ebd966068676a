"""Models built by hand for tests: small boxes whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kmcgrowth.model.types import (
    FloatArray,
    IntArray,
    Model,
    Nucleation,
    PiecewiseLinear,
    RateConstant,
    Reaction,
    SeedPopulation,
    Steps,
    Sticking,
    Syringe,
    Withdrawal,
)

VOLUME = 1e-21
"""Control volume of the models [m^3]."""

UNIT_VOLUME = 5.559e-29
"""Volume of a formula unit, that of InAs [m^3]."""

ROOM = 298.15
"""Temperature of the models without a program [K]."""

Table = Callable[[FloatArray], FloatArray]
Tables = Callable[[float, int], tuple[FloatArray, FloatArray]]


def tables(attach: Table, detach: Table, factor: Callable[[float], float] = lambda T: 1.0) -> Tables:
    """Rate tables from functions of the size: attach per second and monomer in ``VOLUME``, detach per second.

    Both are multiplied by ``factor(T)``.
    """
    def at(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        n = np.arange(n_max + 1.0)
        up, down = np.zeros(n_max + 1), np.zeros(n_max + 1)
        up[1:], down[2:] = attach(n[1:]), detach(n[2:])
        return up * VOLUME * factor(temperature), down * factor(temperature)

    return at


def power_law(constant: float, exponent: float = 0.0) -> Table:
    """constant n^exponent."""
    return lambda n: constant * n**exponent


def no_rates(n: FloatArray) -> FloatArray:
    """Zero at every size."""
    return np.zeros_like(n)


def sphere_tables(capture: float, solubility: float, length: float) -> Tables:
    """Diffusion-limited spheres: attach capture n^(1/3), detach in detailed balance with Gibbs-Thomson.

    Parameters
    ----------
    capture : attachments per second and monomer in ``VOLUME`` at n = 1 [1/s]
    solubility : monomers in ``VOLUME`` in equilibrium with a flat surface [dimensionless]
    length : capillary length over the radius of one formula unit [dimensionless]
    """
    def detach(n: FloatArray) -> FloatArray:
        excess = 1.5 * length * (n ** (2 / 3) - (n - 1) ** (2 / 3))
        return capture * (n - 1) ** (1 / 3) * solubility * np.exp(excess)

    return tables(power_law(capture, 1 / 3), detach)


def particles(*units: int) -> tuple[SeedPopulation, ...]:
    """Seeds of exactly these formula units."""
    return (SeedPopulation(len(units), "units", units=np.array(units, dtype=np.int64)),) if units else ()


def program(*corners: tuple[float, float]) -> PiecewiseLinear:
    """A temperature program from pairs of time [s] and temperature [K]."""
    time, value = np.array(corners, dtype=float).T
    return PiecewiseLinear(time, value)


def box(monomers: int = 0, sizes: Sequence[int] = (), **changes: Any) -> Model:
    """Monomers and particles in a closed box at room temperature where nothing happens unless ``changes`` say so."""
    model = Model(
        material="InAs", unit_volume=UNIT_VOLUME, species=("monomer",), parent=np.array([0]),
        formula_units=np.array([1]), elements=("formula_unit",), atoms=np.array([[1]]), unit_atoms=np.array([1]),
        initial=np.array([monomers]), seeds=particles(*sizes), control_volume=VOLUME, flask_volume=1e6 * VOLUME,
        expansion=0.0, temperature=program((0.0, ROOM)), solubility=lambda T: 10.0 / VOLUME,
        capillary_length=lambda T: 1e-9, tables=tables(no_rates, no_rates), nucleation=Nucleation(),
        reactions=(), sticking=(), syringes=(), withdrawals=(), duration=1.0, snapshots=np.array([0.0, 1.0]),
    )
    return replace(model, **changes)


def species(amounts: dict[str, int], units: dict[str, int]) -> dict[str, Any]:
    """Changes to ``box`` that add species: molecules at the start, and formula units (0 where not given)."""
    names = ("monomer", *(name for name in amounts if name != "monomer"))
    held: IntArray = np.array([1, *(units.get(name, 0) for name in names[1:])])
    return {
        "species": names, "parent": np.arange(len(names)), "formula_units": held, "atoms": held[:, None],
        "initial": np.array([amounts.get(name, 0) for name in names]),
    }


def reaction(
    reactants: dict[int, int], products: dict[int, int], constant: float, *, name: str = "reaction",
    energy: float = 0.0, reference: float = ROOM, orders: dict[int, float] | None = None, lost: bool = False,
) -> Reaction:
    """Mass action with ``constant`` [1/s, for molecules counted in ``VOLUME``] at ``reference`` [K]."""
    orders = orders if orders is not None else {i: float(n) for i, n in reactants.items()}
    value = constant * VOLUME ** (sum(orders.values()) - 1.0)
    return Reaction(name, reactants, products, orders, RateConstant(value, reference, energy), lost)


def syringe(contents: dict[int, int], volume: float, *steps: tuple[float, float]) -> Syringe:
    """A syringe of ``volume`` [units of VOLUME] with pairs of time [s] and rate [VOLUME/s]; one time alone: a shot."""
    if len(steps) == 1 and steps[0][1] == 0.0:
        return Syringe(steps[0][0], Steps(np.array([0.0]), np.array([0.0])), volume * VOLUME, contents, True)
    time, rate = np.array(steps, dtype=float).T
    return Syringe(float(time[0]), Steps(time, rate * VOLUME), volume * VOLUME, contents, False)


def shot(time: float, contents: dict[int, int], volume: float) -> Syringe:
    """A syringe that is emptied at once at ``time`` [s]."""
    return syringe(contents, volume, (time, 0.0))


def classical(prefactor: float, surface_energy: float = 0.02, encounter: float = 1e30) -> Nucleation:
    """The classical law with ``prefactor`` particles per second in ``VOLUME``."""
    return Nucleation(
        "classical", prefactor=lambda T: prefactor / VOLUME, surface_energy=lambda T: surface_energy,
        encounter=lambda T: encounter * VOLUME,
    )


def everything(law: str = "classical", seed: int = 0) -> Model:
    """A crowded model for tests of conservation and reproducibility: every process, a ramp, feeds, shots, aliquots.

    The cluster AMC holds In39As22 and becomes 17 In and the cluster MSC, which releases 22 InAs and sticks.
    """
    rng = np.random.default_rng([77, seed])
    atoms = np.array([[1, 1], [39, 22], [22, 22], [1, 0]])
    laws = {
        "none": Nucleation(), "classical": classical(2e4), "explicit": Nucleation("explicit"),
        "power": replace(classical(0.3), law="power", exponent=1.5),
        "cluster": Nucleation("cluster", cluster=2, rate=RateConstant(0.2, ROOM, 5e-20)),
    }
    sphere = sphere_tables(0.02, 10.0, 2.0)
    return box(
        species=("monomer", "AMC", "MSC", "In"), parent=np.arange(4), formula_units=np.array([1, 22, 22, 0]),
        elements=("In", "As"), atoms=atoms, unit_atoms=np.array([1, 1]), initial=np.array([40, 10, 0, 0]),
        seeds=particles(*rng.integers(2, 60, 12).tolist()), expansion=1e-3, nucleation=laws[law],
        temperature=program((0.0, ROOM), (0.5, ROOM), (1.5, ROOM + 3.0), (2.5, ROOM + 1.0)), tables=sphere,
        reactions=(
            reaction({1: 1}, {2: 1, 3: 17}, 0.8, energy=1e-19), reaction({2: 1}, {0: 22}, 0.5),
            reaction({0: 1}, {}, 0.05, name="monomer decay", lost=True),
            reaction({1: 1}, {}, 0.1, name="AMC decay", lost=True),
            reaction({0: 2, 3: 1}, {0: 2}, 0.001, name="pairs take In", lost=True),
        ),
        sticking=(Sticking(2, 22, lambda T, n: 0.002 * VOLUME * (T / ROOM) * np.arange(n + 1.0) ** (1 / 3)),),
        syringes=(
            syringe({1: 30}, 0.5, (0.2, 0.4), (0.7, 0.0), (1.1, 0.9)), syringe({1: 5, 0: 60}, 0.3, (0.0, 0.2)),
            shot(0.9, {0: 80}, 0.2), shot(0.0, {3: 4}, 0.1),
        ),
        withdrawals=(Withdrawal(0.6, 0.3 * VOLUME), Withdrawal(1.4, 0.2 * VOLUME)), duration=2.5,
    )
