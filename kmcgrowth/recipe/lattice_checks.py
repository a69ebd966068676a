"""Checks of a recipe with a [lattice] table against its other tables."""

from __future__ import annotations

import math

from kmcgrowth.materials import load_material
from kmcgrowth.materials.crystals import crystal_names, load_crystal
from kmcgrowth.recipe.equations import MONOMER
from kmcgrowth.recipe.problems import bad, nearest
from kmcgrowth.recipe.schema import Recipe
from kmcgrowth.units import shown


def check_lattice(recipe: Recipe) -> None:
    """Refuse what a lattice recipe cannot have.

    Raises
    ------
    BadInput : the first thing found, with its key.
    """
    lattice = recipe.lattice
    if lattice is None:
        return
    structure = lattice.crystal or load_material(recipe.material).structure
    if structure not in crystal_names():
        raise bad(f"is missing; {recipe.material} is {structure}, for which there is no lattice: "
                  f"name one of {', '.join(crystal_names())}.", "lattice", "crystal")
    crystal = load_crystal(structure)
    compound = len(crystal.elements) > 1
    if compound and tuple(recipe.unit_atoms.values()) != crystal.elements:
        formula = " ".join(f"{e}{n if n > 1 else ''}" for e, n in recipe.unit_atoms.items())
        raise bad(f'{shown(structure)} has one atom of each of two elements in a formula unit, but '
                  f'{recipe.material} is {formula}; on "fcc" and "sc" each site holds a whole formula unit.',
                  "lattice", "crystal")
    for key, there in (("withdrawal", recipe.withdrawal), ("sticking", recipe.sticking)):
        if there:
            raise bad("has no place beside [lattice], which has no such process; leave it out.", key, 0)
    if recipe.coalescence.law != "none":
        raise bad("has no place beside [lattice]: crystals that touch are one; leave it out.", "coalescence", "law")
    if recipe.nucleation.law not in ("none", "explicit"):
        raise bad(f'{shown(recipe.nucleation.law)} has no place beside [lattice]; "explicit" lets two dissolved atoms '
                  'make a pair, "none" lets them not.', "nucleation", "law")
    if recipe.nucleation.law == "explicit" and lattice.solution == "walkers":
        raise bad('"explicit" is not possible among walkers, which attach to crystals only; use "none", or a "pool".',
                  "nucleation", "law")
    if recipe.simulation.method not in ("auto", "exact"):
        raise bad(f'{shown(recipe.simulation.method)} is for the stirred reactor; a lattice goes event by event: '
                  '"exact", or leave it out.', "simulation", "method")
    _check_reactions(recipe, compound)
    _check_solution(recipe, structure)


def _check_reactions(recipe: Recipe, compound: bool) -> None:
    assert recipe.lattice is not None
    for i, reaction in enumerate(recipe.reaction):
        uses = set(reaction.reactants) | (set(reaction.products) if reaction.reversible else set())
        if compound and MONOMER in uses:
            raise bad(f"{shown(reaction.equation)} uses up monomer, which on this lattice is dissolved as single "
                      "atoms; only reactions that release monomer are possible.", "reaction", i, "equation")
        if recipe.lattice.solution == "walkers" and (sum(reaction.reactants.values()) > 1 or reaction.reversible):
            raise bad(f"{shown(reaction.equation)} is not a reaction of a single molecule; walkers have no others.",
                      "reaction", i, "equation")
    for i, loss in enumerate(recipe.loss):
        if compound and loss.species == MONOMER:
            raise bad("is monomer, which on this lattice is dissolved as single atoms and cannot be lost; "
                      "name another species.", "loss", i, "species")


def _check_solution(recipe: Recipe, structure: str) -> None:
    lattice = recipe.lattice
    assert lattice is not None
    fixed = lattice.solution == "fixed"
    if math.isinf(lattice.attach_rate.value) and lattice.solution != "walkers":
        raise bad('"inf" needs solution = "walkers", where atoms have a way to go before they attach.',
                  "lattice", "attach_rate")
    if fixed and (recipe.injection or any(recipe.flask.contents.values())):
        where = ("injection", 0) if recipe.injection else ("flask", "contents")
        raise bad('has no place beside a fixed solution; write solution = "pool" in [lattice], or leave it out.',
                  *where)
    if not fixed and lattice.ratio != 1.0 and lattice.supersaturation is None:
        raise bad("is for a fixed solution; the elements of a pool follow from what is dissolved.", "lattice", "ratio")
    if lattice.solution == "walkers" and not load_crystal(structure).walk:
        raise bad(f'"walkers" need a cubic crystal, and {structure} is none.', "lattice", "solution")
    if lattice.solution == "walkers" and lattice.supersaturation is not None:
        for i, particle in enumerate(lattice.particle):
            if particle.file is None and particle.shape in ("slab", "box"):
                raise bad(f"{shown(particle.shape)} reaches through the border of the box, which a supersaturation "
                          'makes a reservoir, where nothing grows; leave out the supersaturation and give '
                          'flask.contents, or take a shape with ends, or solution = "fixed".',
                          "lattice", "particle", i, "shape")
    if lattice.solution != "walkers" and lattice.diffusion:
        raise bad('is for solution = "walkers"; leave it out.', "lattice", "diffusion")
    for name in lattice.diffusion:
        if name not in recipe.names[1:]:
            raise bad(f"there is no species {shown(name)}; {nearest(name, recipe.names[1:])}",
                      "lattice", "diffusion", name)
    if not recipe.seeds and not lattice.particle and recipe.nucleation.law == "none":
        raise bad('is missing; give crystals to start from, [[lattice.particle]] or [[seeds]], or nucleation.law = '
                  '"explicit".', "lattice", "particle")
    _check_energies(recipe, len(load_crystal(structure).elements) > 1)


def _check_energies(recipe: Recipe, compound: bool) -> None:
    lattice = recipe.lattice
    assert lattice is not None
    for key in ("bond_energy", "ligand_energy"):
        value = getattr(lattice, key)
        if value is not None and value < 0.0:
            raise bad("is negative; what is gained is a positive number.", "lattice", key)
    if lattice.bond_energy == 0.0:
        raise bad("is zero, so that nothing holds a crystal together; give more, or leave it out, and it follows from "
                  "the surface energy.", "lattice", "bond_energy")
    if lattice.hop is not None and lattice.hop.barrier < 0.0:
        raise bad('is negative; atoms climb over a barrier, for example "0.4 eV".', "lattice", "hop", "barrier")
    for key, plain in (("ratio", 1.0), ("ligand_energy", 0.0)):
        if not compound and getattr(lattice, key) != plain:
            raise bad("needs cations and anions, but here each site holds a whole formula unit; leave it out, or take "
                      '"zincblende" or "wurtzite".', "lattice", key)
