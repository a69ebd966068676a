"""The frozen model that every engine reads: plain arrays in SI units, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kmcgrowth.model.lattice import LatticeModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MONOMER = 0
"""Index of the monomer among the species."""

REFERENCE_TEMPERATURE = 298.15
"""Temperature at which recipe concentrations and volumes are meant, in K."""


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous function of time given by its corners; constant outside them.

    Attributes
    ----------
    time : (k,) array, strictly increasing [s]
    value : (k,) array [unit of the quantity]
    """

    time: FloatArray
    value: FloatArray

    def __call__(self, t: float) -> float:
        return float(np.interp(t, self.time, self.value))


@dataclass(frozen=True)
class Steps:
    """A piecewise constant function of time: ``value[i]`` holds from ``time[i]`` on, zero before."""

    time: FloatArray
    value: FloatArray

    def __call__(self, t: float) -> float:
        i = int(np.searchsorted(self.time, t, side="right")) - 1
        return float(self.value[i]) if i >= 0 else 0.0


@dataclass(frozen=True)
class RateConstant:
    """Arrhenius law k(T) = value exp[-activation_energy/k_B (1/T - 1/reference)].

    Attributes
    ----------
    value : float [per second, in numbers and m^3: m^(3(order-1))/s]
    reference : float, temperature at which ``value`` holds [K]
    activation_energy : float [J per molecule]
    """

    value: float
    reference: float = REFERENCE_TEMPERATURE
    activation_energy: float = 0.0

    def __call__(self, temperature: float) -> float:
        from kmcgrowth.physics.arrhenius import rate

        return float(rate(temperature, self.value, self.reference, self.activation_energy))


@dataclass(frozen=True)
class Reaction:
    """One direction of a mass-action reaction among dissolved species.

    The propensity in a volume V is ``k V prod_i (N_i/V)^order_i``; where an order is a whole number
    not above the molecules consumed its power is the falling factorial, ``k V N(N-1).../V^order``.

    Attributes
    ----------
    name : str, as in the recipe
    reactants : species index -> molecules consumed
    products : species index -> molecules made (``MONOMER`` included)
    orders : species index -> order of the rate law [dimensionless]
    rate : RateConstant
    lost : bool
        True for a loss channel: what is consumed and not made again is booked as lost under ``name``.
    """

    name: str
    reactants: dict[int, int]
    products: dict[int, int]
    orders: dict[int, float]
    rate: RateConstant
    lost: bool = False


@dataclass(frozen=True)
class Sticking:
    """Whole clusters that attach to particles with all their units, or foreign atoms that particles take up.

    Rate per particle of n units = ``table(T, n_max)[n] * N/V``.

    Attributes
    ----------
    species : int
    units : int, formula units by which the particle grows; 0 for foreign atoms, which stay in the particles
    table : callable (temperature [K], n_max) -> (n_max + 1,) array [m^3/s]
    """

    species: int
    units: int
    table: Callable[[float, int], FloatArray]


@dataclass(frozen=True)
class Syringe:
    """One syringe, already scaled to the control volume.

    Attributes
    ----------
    start : float [s]
    rate : Steps, volume flow into the control volume [m^3/s]; all zero for a shot
    volume : float, what the syringe holds, scaled to the control volume [m^3]
    contents : species index -> molecules in the syringe (integers)
    shot : bool, everything enters at ``start``
    """

    start: float
    rate: Steps
    volume: float
    contents: dict[int, int]
    shot: bool


@dataclass(frozen=True)
class Withdrawal:
    """An aliquot: at ``time`` every molecule and particle leaves with probability volume/V(time).

    Attributes
    ----------
    time : float [s]
    volume : float, scaled to the control volume [m^3]
    """

    time: float
    volume: float


@dataclass(frozen=True)
class SeedPopulation:
    """Particles present at the start.

    Attributes
    ----------
    number : int, particles in the control volume
    shape : "normal" or "lognormal" of the diameters, "sizes" (resampled from ``diameters``) or "units"
        (exactly ``units``)
    diameter, relative_std : float [m], [dimensionless]
    diameters : (k,) array [m]
    units : (number,) array of formula units
    """

    number: int
    shape: str
    diameter: float = 0.0
    relative_std: float = 0.0
    diameters: FloatArray = field(default_factory=lambda: np.empty(0))
    units: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True)
class Nucleation:
    """How new particles appear.

    Attributes
    ----------
    law : "none", "classical", "power", "cluster" or "explicit"
        ``explicit``: two monomers meet and make a particle of two, with rate ``table(1) c^2 V``.
    prefactor : callable T -> A [1/(m^3 s)] (classical and power)
    exponent : float, J = A S^exponent (power)
    surface_energy : callable T -> gamma [J/m^2]
    encounter : callable T -> 8 pi D r_1 [m^3/s], the cap J <= encounter c^2 (classical and power)
    cluster : int, species index (cluster)
    rate : RateConstant of the first-order law (cluster)
    """

    law: str = "none"
    prefactor: Callable[[float], float] = lambda T: 0.0
    exponent: float = 0.0
    surface_energy: Callable[[float], float] = lambda T: 0.0
    encounter: Callable[[float], float] = lambda T: 0.0
    cluster: int = -1
    rate: RateConstant = RateConstant(0.0)


@dataclass(frozen=True)
class Coalescence:
    """Particles that meet and become one; it has the origin of the larger, a seed's if they are alike.

    Attributes
    ----------
    law : "none", "constant" or "brownian"
        A pair of n and m formula units coalesces at the rate ``rate(T)/V``, or for ``brownian`` at
        ``rate(T) (r_n + r_m)^2/(r_n r_m)/V``.
    rate : callable T -> [m^3/s]
    largest : int, particles of more formula units do not coalesce
    """

    law: str = "none"
    rate: Callable[[float], float] = lambda T: 0.0
    largest: int = 2**31 - 1


@dataclass(frozen=True)
class Model:
    """Everything an engine needs, in SI units, for one control volume.

    Attributes
    ----------
    material : str
    unit_volume : float, volume v of one formula unit [m^3]
    species : names; index 0 is ``monomer``; names starting with ``_`` are intermediates of a
        unit-by-unit release and are reported summed under their parent (see ``parent``)
    parent : (species,) index of the species under which each one is reported
    formula_units : (species,) formula units held by one molecule
    elements : names; ("formula_unit",) where the recipe gives no atoms
    atoms : (species, elements) atoms in one molecule
    unit_atoms : (elements,) atoms in one formula unit of the crystal
    initial : (species,) molecules in the control volume at t = 0
    seeds : populations present at t = 0
    control_volume : float, at t = 0 and 25 degC [m^3]
    flask_volume : float, at t = 0 and 25 degC [m^3]; scale = control_volume/flask_volume
    expansion : float, V(T) = V25 (1 + expansion (T - 298.15)) [1/K]
    temperature : PiecewiseLinear [K]
    solubility : callable T -> c_infinity [1/m^3], of a flat surface
    capillary_length : callable T -> l_c [m] (0 where a table replaces the surface energy)
    tables : callable (T, n_max) -> (attach, detach), each (n_max + 1,)
        ``attach[n]`` [m^3/s]: n -> n + 1 happens at ``attach[n] c``; ``detach[n]`` [1/s]: n -> n - 1,
        with detach[2] making two monomers out of a particle of two. Entries 0 and 1 of detach are zero.
    nucleation : Nucleation
    reactions, sticking, syringes, withdrawals : as above
    duration : float [s]
    snapshots : (k,) times [s], the first 0
    window : float, relative change of the mean-field concentration that ends a window [dimensionless]
    coalescence : Coalescence
    tolerance : float, error control of ``leap``: the square of the relative change that a step allows [dimensionless]
    lattice : LatticeModel or None, where atoms on a lattice take the place of spheres
    """

    material: str
    unit_volume: float
    species: tuple[str, ...]
    parent: IntArray
    formula_units: IntArray
    elements: tuple[str, ...]
    atoms: IntArray
    unit_atoms: IntArray
    initial: IntArray
    seeds: tuple[SeedPopulation, ...]
    control_volume: float
    flask_volume: float
    expansion: float
    temperature: PiecewiseLinear
    solubility: Callable[[float], float]
    capillary_length: Callable[[float], float]
    tables: Callable[[float, int], tuple[FloatArray, FloatArray]]
    nucleation: Nucleation
    reactions: tuple[Reaction, ...]
    sticking: tuple[Sticking, ...]
    syringes: tuple[Syringe, ...]
    withdrawals: tuple[Withdrawal, ...]
    duration: float
    snapshots: FloatArray
    window: float = 0.005
    coalescence: Coalescence = Coalescence()
    tolerance: float = 0.01
    lattice: LatticeModel | None = None

    @property
    def foreign(self) -> IntArray:
        """Atoms beyond whole formula units that one sticking event brings into a particle (stickers, elements)."""
        rows = [self.atoms[s.species] - s.units * self.unit_atoms for s in self.sticking]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(self.elements))

    def radius(self, units: FloatArray | IntArray) -> FloatArray:
        """Radius of the sphere that holds ``units`` formula units [m]."""
        return np.cbrt(3.0 * np.asarray(units, dtype=float) * self.unit_volume / (4.0 * np.pi))

    def draw_seeds(self, rng: np.random.Generator) -> IntArray:
        """Formula units of every seed at t = 0, drawn from the populations; at least 2 each.

        A Gaussian is cut at zero diameter; the volume of each sphere is rounded to whole units.
        """
        drawn: list[IntArray] = []
        for p in self.seeds:
            if p.shape == "units":
                drawn.append(np.asarray(p.units, dtype=np.int64))
                continue
            if p.shape == "normal":
                d = p.diameter * (1.0 + p.relative_std * rng.standard_normal(p.number))
                while np.any(bad := d <= 0.0):
                    d[bad] = p.diameter * (1.0 + p.relative_std * rng.standard_normal(int(bad.sum())))
            elif p.shape == "lognormal":
                s = np.sqrt(np.log1p(p.relative_std**2))
                d = p.diameter * np.exp(s * rng.standard_normal(p.number) - 0.5 * s * s)
            else:
                d = rng.choice(p.diameters, p.number)
            n = np.rint(np.pi * d**3 / (6.0 * self.unit_volume)).astype(np.int64)
            drawn.append(np.maximum(n, 2))
        return np.concatenate(drawn) if drawn else np.empty(0, dtype=np.int64)
