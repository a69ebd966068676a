"""From a recipe to the frozen model: SI arrays for one control volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import Material, load_material
from kmcgrowth.model.lattice import LatticeModel, build_lattice
from kmcgrowth.model.temperature import temperature_program
from kmcgrowth.model.types import (
    MONOMER,
    REFERENCE_TEMPERATURE,
    Coalescence,
    FloatArray,
    IntArray,
    Model,
    Nucleation,
    RateConstant,
    Reaction,
    SeedPopulation,
    Steps,
    Sticking,
    Syringe,
    Withdrawal,
)
from kmcgrowth.physics.capture import diffusion_limit
from kmcgrowth.physics.coalescence import brownian_prefactor
from kmcgrowth.physics.constants import N_A
from kmcgrowth.physics.gibbs_thomson import capillary_length, continued_free_energy
from kmcgrowth.physics.growth import rate_tables
from kmcgrowth.physics.layers import tetrahedron_free_energy
from kmcgrowth.physics.sphere import radius_from_units, units_from_radius
from kmcgrowth.recipe.laws import TemperatureLaw
from kmcgrowth.recipe.programs import LayeredEnergies
from kmcgrowth.recipe.schema import Recipe

LATTICE_PARTICLES = 8
"""Seeds in the control volume of a lattice where nobody says how many."""


def build_model(recipe: Recipe, *, particles: int | None = None) -> Model:
    """Lay out a recipe for the engines.

    Parameters
    ----------
    recipe : Recipe
    particles : int or None
        Seeds in the control volume, in place of the recipe's number.

    Returns
    -------
    Model

    Raises
    ------
    BadInput
        Where the recipe cannot be simulated: no matter at all, or a cluster that sticks or nucleates and is
        not made of whole formula units.
    """
    material = load_material(recipe.material)
    lattice = build_lattice(recipe, material) if recipe.lattice is not None else None
    by_element = lattice is not None and lattice.elements > 1
    solution = _Solution.of(recipe, by_element=by_element)
    scale = _scale(recipe, particles, lattice)
    seeds = tuple(
        SeedPopulation(
            number=round(s.concentration * N_A * recipe.flask.volume * scale),
            shape="sizes" if s.sizes is not None else s.shape,
            diameter=s.diameter or 0.0,
            relative_std=s.relative_std,
            diameters=s.sizes.values if s.sizes is not None else np.empty(0),
        )
        for s in recipe.seeds
    )
    initial = np.zeros(len(solution.names), dtype=np.int64)
    for name, c in recipe.flask.contents.items():
        initial[solution.index(name)] = round(c * N_A * recipe.flask.volume * scale)
    growth = recipe.growth
    return Model(
        material=material.name,
        unit_volume=material.unit_volume if lattice is None else lattice.unit_volume,
        species=solution.names,
        parent=solution.parent,
        formula_units=solution.units,
        elements=solution.elements,
        atoms=solution.atoms,
        unit_atoms=solution.unit_atoms,
        initial=initial,
        seeds=seeds,
        control_volume=recipe.flask.volume * scale,
        flask_volume=recipe.flask.volume,
        expansion=recipe.flask.expansion,
        temperature=temperature_program(recipe),
        solubility=lambda T: float(growth.solubility(T)) * N_A,
        capillary_length=lambda T: float(capillary_length(growth.surface_energy(T), material.unit_volume, T)),
        tables=_Tables(recipe, material),
        nucleation=_nucleation(recipe, material, solution),
        reactions=_reactions(recipe, solution),
        sticking=_sticking(recipe, material, solution),
        syringes=tuple(_syringes(recipe, solution, scale)),
        withdrawals=tuple(Withdrawal(w.time, w.volume * scale) for w in recipe.withdrawal),
        duration=recipe.simulation.duration,
        snapshots=np.linspace(0.0, recipe.simulation.duration, recipe.simulation.snapshots),
        window=recipe.simulation.window,
        tolerance=recipe.simulation.tolerance,
        coalescence=_coalescence(recipe, material),
        lattice=lattice,
    )


@dataclass(frozen=True)
class _Solution:
    """Species as the engines number them, with the intermediates of unit-by-unit release behind the named ones."""

    names: tuple[str, ...]
    parent: IntArray
    units: IntArray
    elements: tuple[str, ...]
    atoms: IntArray
    unit_atoms: IntArray

    @classmethod
    def of(cls, recipe: Recipe, *, by_element: bool = False) -> _Solution:
        names, parent = list(recipe.names), list(range(len(recipe.names)))
        units = [recipe.units_of(n) for n in names]
        makeup = [recipe.atoms_of(n) for n in names]
        for reaction in recipe.reaction:
            if reaction.release == "stepwise":
                (cluster,), count = reaction.reactants, reaction.products["monomer"]
                for left in range(count - 1, 0, -1):
                    if _intermediate(cluster, left) not in names:
                        names.append(_intermediate(cluster, left))
                        parent.append(recipe.names.index(cluster))
                        units.append(left)
                        makeup.append({e: n * left for e, n in recipe.unit_atoms.items()})
        if recipe.has_atoms or by_element:
            elements = tuple(sorted({e for atoms in makeup for e in atoms} | set(recipe.unit_atoms)))
            atoms = np.array([[m.get(e, 0) for e in elements] for m in makeup], dtype=np.int64)
            unit_atoms = np.array([recipe.unit_atoms.get(e, 0) for e in elements], dtype=np.int64)
        else:
            elements, unit_atoms = ("formula_unit",), np.array([1], dtype=np.int64)
            atoms = np.array(units, dtype=np.int64)[:, None]
        return cls(tuple(names), np.array(parent), np.array(units, dtype=np.int64), elements, atoms, unit_atoms)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def foreign(self, name: str) -> bool:
        """Whether a species holds atoms of other elements only, which particles can take up."""
        i = self.index(name)
        return bool(self.atoms[i].any()) and not np.any(self.atoms[i][self.unit_atoms > 0])

    def whole(self, name: str, where: str) -> int:
        """Index of a cluster that becomes part of a crystal."""
        i = self.index(name)
        if self.units[i] < 2 or np.any(self.atoms[i] != self.units[i] * self.unit_atoms):
            raise BadInput(
                f'{where}: "{name}" is not made of two or more whole formula units; what is left over must be set free '
                "by a reaction first."
            )
        return i


def _intermediate(cluster: str, left: int) -> str:
    return f"_{cluster}_{left}"


def _scale(recipe: Recipe, particles: int | None, lattice: LatticeModel | None) -> float:
    """Control volume over flask volume; on a lattice the box, unless its crystals stand for those of a pool."""
    if lattice is not None and (lattice.solution != "pool" or not recipe.seeds):
        return float(np.prod(lattice.edges)) / recipe.flask.volume
    if lattice is not None and particles is None and "particles" not in recipe.simulation.model_fields_set:
        particles = LATTICE_PARTICLES
    seeds = sum(s.concentration for s in recipe.seeds) * N_A * recipe.flask.volume
    if seeds > 0.0:
        return (particles or recipe.simulation.particles) / seeds
    held = sum(c * recipe.units_of(n) for n, c in recipe.flask.contents.items()) * recipe.flask.volume
    held += sum(c * recipe.units_of(n) * s.volume for s in recipe.injection for n, c in s.contents.items())
    if held <= 0.0:  # precursors may hold the elements one by one
        supplied = [(n, c * recipe.flask.volume) for n, c in recipe.flask.contents.items()]
        supplied += [(n, c * s.volume) for s in recipe.injection for n, c in s.contents.items()]
        held = min(
            sum(mol * recipe.atoms_of(n).get(e, 0) for n, mol in supplied) / k for e, k in recipe.unit_atoms.items()
        )
    if held <= 0.0:
        raise BadInput(
            "the flask and the syringes hold no formula unit; add [[seeds]], flask.contents or injection.contents."
        )
    return recipe.simulation.formula_units / (held * N_A)


def _rate(law: TemperatureLaw, order: float) -> RateConstant:
    """A rate constant in numbers instead of moles."""
    return RateConstant(law.value * N_A ** (1.0 - order), law.at or REFERENCE_TEMPERATURE, law.activation_energy)


def _reactions(recipe: Recipe, solution: _Solution) -> tuple[Reaction, ...]:
    made: list[Reaction] = []
    index = solution.index
    for r in recipe.reaction:
        reactants = {index(n): k for n, k in r.reactants.items()}
        products = {index(n): k for n, k in r.products.items()}
        orders = {index(n): o for n, o in r.orders.items()} if r.orders else {s: float(k) for s, k in reactants.items()}
        forward = _rate(r.rate, sum(orders.values()))
        if r.release == "stepwise":
            (cluster,), left = r.reactants, products[MONOMER]
            chain = [index(cluster), *(index(_intermediate(cluster, j)) for j in range(left - 1, 0, -1))]
            for a, b in zip(chain, [*chain[1:], None]):
                out = {MONOMER: 1} | ({b: 1} if b is not None else {})
                made.append(Reaction(r.equation, {a: 1}, out, {a: 1.0}, forward))
            continue
        made.append(Reaction(r.equation, reactants, products, orders, forward))
        if r.reversible and r.equilibrium_constant is not None:
            # with r_forward/r_back = K at equilibrium, whatever the forward orders
            involved = orders | reactants | products
            back = {s: orders.get(s, 0.0) - reactants.get(s, 0) + products.get(s, 0) for s in involved}
            back = {s: o for s, o in back.items() if o != 0.0}
            if any(o < 0.0 for o in back.values()):
                raise BadInput(f'reaction "{r.equation}": the orders leave a negative order for the reverse reaction; '
                               "give each reactant at least the order of the molecules consumed.")
            at = r.rate.at or r.equilibrium_constant.at or REFERENCE_TEMPERATURE
            reverse = TemperatureLaw(
                value=float(r.rate(at)) / float(r.equilibrium_constant(at)), at=at,
                activation_energy=r.rate.activation_energy - r.equilibrium_constant.activation_energy,
            )
            made.append(Reaction(f"{r.equation} (back)", products, reactants, back, _rate(reverse, sum(back.values()))))
    for loss in recipe.loss:
        s = index(loss.species)
        made.append(Reaction(loss.name, {s: 1}, {}, {s: 1.0}, _rate(loss.rate, 1.0), lost=True))
    return tuple(made)


def _syringes(recipe: Recipe, solution: _Solution, scale: float) -> list[Syringe]:
    nothing = Steps(np.zeros(1), np.zeros(1))
    return [
        Syringe(
            start=s.start,
            rate=nothing if s.rate is None else Steps(s.rate.times, s.rate.values * scale),
            volume=s.volume * scale,
            contents={solution.index(n): round(c * N_A * s.volume * scale) for n, c in s.contents.items()},
            shot=s.rate is None,
        )
        for s in recipe.injection
    ]


def _sticking(recipe: Recipe, material: Material, solution: _Solution) -> tuple[Sticking, ...]:
    made = []
    for i, s in enumerate(recipe.sticking):
        alien = solution.foreign(s.species)
        cluster = solution.index(s.species) if alien else solution.whole(s.species, f"sticking.{i}.species")
        units = int(solution.units[cluster])

        def table(
            T: float, n_max: int, law: TemperatureLaw = s.diffusion, p: float = s.probability, u: int = units
        ) -> FloatArray:
            reach = radius_from_units(np.arange(n_max + 1.0), material.unit_volume) + radius_from_units(
                float(u), material.unit_volume
            )
            return np.asarray(p * diffusion_limit(reach, float(law(T))))

        made.append(Sticking(cluster, units, table))
    return tuple(made)


def _coalescence(recipe: Recipe, material: Material) -> Coalescence:
    c = recipe.coalescence
    if c.law == "none":
        return Coalescence()
    largest = Coalescence.largest
    if c.largest_diameter is not None:
        largest = min(largest, int(units_from_radius(c.largest_diameter / 2.0, material.unit_volume)))
    if c.law == "constant":
        assert c.rate is not None
        constant = c.rate
        return Coalescence("constant", lambda T: float(constant(T)) / N_A, largest)
    assert c.viscosity is not None
    viscosity, efficiency = c.viscosity, c.efficiency
    return Coalescence(
        "brownian", lambda T: float(efficiency * brownian_prefactor(T, float(viscosity(T)))), largest
    )


def _nucleation(recipe: Recipe, material: Material, solution: _Solution) -> Nucleation:
    n, growth = recipe.nucleation, recipe.growth
    if n.law == "none":
        return Nucleation()
    if n.law == "explicit":
        return Nucleation(law="explicit")
    if n.law == "cluster":
        assert n.species is not None and n.rate is not None
        cluster = solution.whole(n.species, "nucleation.species")
        return Nucleation(law="cluster", cluster=cluster, rate=_rate(n.rate, 1.0))
    assert n.prefactor is not None
    prefactor, unit_radius = n.prefactor, float(radius_from_units(1.0, material.unit_volume))
    if any(growth.surface_energy(T) <= 0.0 for T in recipe.flask.temperature.values):
        raise BadInput(f'growth.surface_energy: is 0, but the nucleation law "{n.law}" needs it above 0.')
    return Nucleation(
        law=n.law,
        prefactor=lambda T: float(prefactor(T)),
        exponent=n.exponent or 0.0,
        surface_energy=lambda T: float(growth.surface_energy(T)),
        encounter=lambda T: 8.0 * np.pi * float(growth.diffusion(T)) * unit_radius,
    )


class _Tables:
    """Attachment and detachment rates at a temperature; see ``Model.tables``."""

    def __init__(self, recipe: Recipe, material: Material) -> None:
        self._growth = recipe.growth
        self._unit_volume = material.unit_volume

    def __call__(self, temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        g = self._growth
        if g.law == "table" and g.table is not None:
            n = np.arange(n_max + 1)
            attach = np.interp(n, g.table.units, g.table.attach)
            detach = np.interp(n, g.table.units, g.table.detach)
            attach[0] = detach[0] = detach[1] = 0.0
            return attach, detach
        energy = float(g.surface_energy(temperature))
        free = None
        if isinstance(g.free_energy, LayeredEnergies):
            rule = g.free_energy
            known = tetrahedron_free_energy(rule.layers, self._unit_volume, energy, rule.step_energy)
            free = continued_free_energy(known, n_max, self._unit_volume, energy)
        elif g.free_energy is not None:
            known = np.interp(np.arange(int(g.free_energy.units[-1]) + 1), g.free_energy.units, g.free_energy.values)
            free = continued_free_energy(known, n_max, self._unit_volume, energy)
        k = g.surface_rate
        return rate_tables(
            temperature, n_max, unit_volume=self._unit_volume, diffusion=float(g.diffusion(temperature)),
            surface_rate=float(k(temperature)), surface_energy=energy,
            solubility=float(g.solubility(temperature)) * N_A,
            law="talapin" if g.law == "talapin" else "mixed", transfer_coefficient=g.transfer_coefficient,
            exponent=k.exponent, reference_radius=k.reference_diameter / 2.0 if k.reference_diameter else None,
            gibbs_thomson="linear" if g.gibbs_thomson == "linear" else "exponential", free_energy=free,
        )
