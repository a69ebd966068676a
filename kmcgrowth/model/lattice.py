"""What a recipe says about its lattice, for the engine: a part of the frozen model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material
from kmcgrowth.materials.crystals import Crystal, load_crystal
from kmcgrowth.model.types import FloatArray, PiecewiseLinear
from kmcgrowth.physics.bonds import effective_bond_energy
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE
from kmcgrowth.recipe.equations import MONOMER
from kmcgrowth.recipe.lattice import Particle
from kmcgrowth.recipe.schema import Recipe

LEAST_CELLS = 4
"""Cells along an edge of the box, at least."""

MOST_SITES = 2**31 - 1
"""Sites in a box, at most."""


@dataclass(frozen=True)
class StartParticle:
    """Crystals of one kind that are there at the start.

    Attributes
    ----------
    shape : as in a recipe, or "file"
    units : int, formula units of each (0: as ``file`` or the box has it)
    thickness : float, of a slab [m]
    count : int
    at : (3,) or None [m]
    file, text : name and contents of the structure file
    ends : "any" or "cations"
    """

    shape: str
    units: int = 0
    thickness: float = 0.0
    count: int = 1
    at: tuple[float, float, float] | None = None
    file: str = ""
    text: str = ""
    ends: str = "any"


@dataclass(frozen=True)
class LatticeModel:
    """A crystal lattice in a periodic box, and the solution around it.

    Attributes
    ----------
    crystal : Crystal
    symbols : what sits on the sites, one per element of the crystal; "X" is a whole formula unit
    cells : (nx, ny, nz) of the box
    constant : lattice constant [m]
    bond, second_bond, ligand : energies [J]
    attach_rate : callable T -> [m^3/s], per place and concentration of the element
    hop_prefactor : callable T -> [1/s], of an atom in one direction; zero without hops
    hop_barrier : float, of an atom with one bond [J]
    solution : "fixed", "pool" or "walkers"
    supersaturation : (elements,) PiecewiseLinear, concentration of each element over the solubility in a fixed
        solution or a reservoir [dimensionless]; empty without
    pairs : whether two dissolved atoms can make a pair
    particles : crystals at the start, besides ``Model.seeds``
    frames : int, moments of which all atoms are kept
    diffusion : species -> callable T -> [m^2/s], the monomer's under its name
    """

    crystal: Crystal
    symbols: tuple[str, ...]
    cells: tuple[int, int, int]
    constant: float
    bond: float
    second_bond: float
    ligand: float
    attach_rate: Callable[[float], float]
    hop_prefactor: Callable[[float], float]
    hop_barrier: float
    solution: str
    supersaturation: tuple[PiecewiseLinear, ...]
    pairs: bool
    particles: tuple[StartParticle, ...]
    frames: int
    diffusion: dict[str, Callable[[float], float]] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """Elements that sit on sites of their own; with one, a site holds a whole formula unit."""
        return len(self.crystal.elements)

    @property
    def edges(self) -> FloatArray:
        """Edges of the box (3,) [m]."""
        return np.array(self.cells) * self.crystal.cell * self.constant

    @property
    def unit_volume(self) -> float:
        """Volume of one formula unit in the crystal [m^3]."""
        return self.crystal.volume * self.constant**3


def build_lattice(recipe: Recipe, material: Material) -> LatticeModel:
    """Lay out the [lattice] table of a recipe.

    Raises
    ------
    BadInput
        Where the box is too small or too large, or crystals at the start are larger than it.
    """
    lattice = recipe.lattice
    assert lattice is not None
    crystal = load_crystal(lattice.crystal or material.structure)
    constant = lattice.lattice_constant or _constant(crystal, material)
    cells = _cells(lattice.box, crystal, constant)
    first = float(recipe.flask.temperature.values[0])
    bond = lattice.bond_energy
    if bond is None:
        bond = float(effective_bond_energy(recipe.growth.surface_energy(first), crystal.broken / constant**2))
    z = crystal.coordination
    if not z[0] * bond + z[1] * lattice.second_bond_energy > 0.0:
        raise BadInput("lattice.second_bond_energy: second neighbours repel each other more than the nearest attract, "
                       f"so that nothing crystallizes; with {z[0]} and {z[1]} of them it must be above "
                       f"{-z[0] * bond / z[1] / ELEMENTARY_CHARGE:.3g} eV.")
    root = float(np.sqrt(lattice.ratio))
    program = lattice.supersaturation
    factors = (root, 1.0 / root) if len(crystal.elements) > 1 else (1.0,)
    hop = lattice.hop
    growth = recipe.growth
    diffusion: dict[str, Callable[[float], float]] = {MONOMER: lambda T: float(growth.diffusion(T))}
    for name in recipe.names[1:]:
        law = lattice.diffusion.get(name, growth.diffusion)
        diffusion[name] = lambda T, law=law: float(law(T))  # type: ignore[misc]
    unit_volume = crystal.volume * constant**3
    attach = lattice.attach_rate
    return LatticeModel(
        crystal=crystal, symbols=tuple(recipe.unit_atoms) if len(crystal.elements) > 1 else ("X",), cells=cells,
        constant=constant, bond=bond, second_bond=lattice.second_bond_energy, ligand=lattice.ligand_energy,
        attach_rate=lambda T: float(attach(T)),
        hop_prefactor=(lambda T: float(hop.prefactor(T))) if hop is not None else (lambda T: 0.0),
        hop_barrier=hop.barrier if hop is not None else 0.0, solution=lattice.solution,
        supersaturation=tuple(PiecewiseLinear(program.times, program.values * f) for f in factors)
        if program is not None else (),
        pairs=recipe.nucleation.law == "explicit",
        particles=tuple(_particle(p, unit_volume, recipe.files) for p in lattice.particle),
        frames=lattice.frames, diffusion=diffusion,
    )


def _constant(crystal: Crystal, material: Material) -> float:
    """The lattice constant of the material in this crystal; else the one that gives its volume [m]."""
    if crystal.name == material.structure and "lattice_a" in material.lattice:
        return material.lattice["lattice_a"]
    return material.lattice.get(f"{crystal.name}_a", float(np.cbrt(material.unit_volume / crystal.volume)))


def _cells(edges: tuple[float, float, float], crystal: Crystal, constant: float) -> tuple[int, int, int]:
    cells = np.rint(np.array(edges) / (crystal.cell * constant)).astype(int)
    if np.any(cells < LEAST_CELLS):
        least = LEAST_CELLS * float(crystal.cell.max()) * constant * 1e9
        raise BadInput(f"lattice.box: is too small for {LEAST_CELLS} cells along each edge; {least:.3g} nm are enough.")
    if np.prod(cells.astype(float)) * crystal.sites > MOST_SITES:
        raise BadInput(f"lattice.box: holds more than {MOST_SITES:.2g} sites; make it smaller.")
    return int(cells[0]), int(cells[1]), int(cells[2])


def _particle(particle: Particle, unit_volume: float, files: dict[str, str]) -> StartParticle:
    if particle.file is not None:
        return StartParticle("file", count=particle.count, at=particle.at, file=particle.file,
                             text=files[particle.file])
    units, thickness = particle.formula_units or 0, 0.0
    if particle.diameter is not None and particle.shape == "slab":
        thickness = particle.diameter
    elif particle.diameter is not None:
        units = max(1, round(np.pi * particle.diameter**3 / (6.0 * unit_volume)))
    return StartParticle(particle.shape, units, thickness, particle.count, particle.at, ends=particle.ends)
