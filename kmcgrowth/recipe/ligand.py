"""The [ligand] table: what the ligands in the flask do to diffusion, surface, clusters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ValidationInfo

from kmcgrowth.materials.ligands import Ligand, ligand_names, load_ligand
from kmcgrowth.physics.constants import K_B
from kmcgrowth.recipe.fields import Part, Text, number, read_choice, read_energy
from kmcgrowth.recipe.laws import TemperatureLaw
from kmcgrowth.recipe.problems import Wrong

if TYPE_CHECKING:
    from kmcgrowth.recipe.chemistry import Reaction
    from kmcgrowth.recipe.schema import Recipe

ROOM = 298.15
"""A rate that was given without a temperature is taken to hold here [K]."""

_positive = number(lambda x: 0 < x < 1e6, "a number above 0")


class LigandTable(Part):
    """Ligands other than those for which the material's values hold.

    Attributes
    ----------
    name : str, of the ligand
    reference : str, the ligand for which the recipe's values hold
    diffusion : float, of everything that diffuses, over that with the reference; None takes Stokes and Einstein's
        [dimensionless]
    surface_rate, surface_energy : float, over those with the reference [dimensionless]
    reactivity : float or None, of a cluster towards a reagent, beside that of its diffusion; None takes the data's
        [dimensionless]
    stability : float or None, added to the activation energy of what a cluster does alone; None takes the data's [J]
    """

    keys: ClassVar = ("name", "reference", "diffusion", "surface_rate", "surface_energy", "reactivity", "stability")
    needs: ClassVar = {"name": 'name one, for example "phenylacetate".'}
    name: Text
    reference: Text = "oleate"
    diffusion: Annotated[float, _positive] | None = None
    surface_rate: Annotated[float, _positive] = 1.0
    surface_energy: Annotated[float, _positive] = 1.0
    reactivity: Annotated[float, _positive] | None = None
    stability: float | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Known names; an energy with its unit."""
        for key in ("name", "reference"):
            if key in data:
                try:
                    read_choice(data[key], ligand_names())
                except Wrong as wrong:
                    raise Wrong(wrong.sentence, key) from None
        if "stability" in data:
            try:
                data["stability"] = read_energy(data["stability"])
            except Wrong as wrong:
                raise Wrong(wrong.sentence, "stability") from None
        return data


def diffusion_factor(ligand: Ligand, reference: Ligand) -> float:
    """Diffusion coefficient with one ligand over that with another.

    Stokes and Einstein's, for solutes whose volume is mostly that of their ligands, all of one density: the radius
    goes with the cube root of the ligand's mass.
    """
    return float((reference.molar_mass / ligand.molar_mass) ** (1.0 / 3.0))


def apply_ligand(recipe: Recipe) -> Recipe:
    """The recipe as it is with its ligand: laws of growth, reactions and sticking scaled."""
    table = recipe.ligand
    if table is None:
        return recipe
    ligand, reference = load_ligand(table.name), load_ligand(table.reference)
    moves = table.diffusion if table.diffusion is not None else diffusion_factor(ligand, reference)
    reacts = table.reactivity if table.reactivity is not None else ligand.reactivity / reference.reactivity
    holds = table.stability if table.stability is not None else ligand.stability - reference.stability
    growth = recipe.growth.model_copy(update={
        "diffusion": scaled(recipe.growth.diffusion, moves),
        "surface_rate": scaled(recipe.growth.surface_rate, table.surface_rate),
        "surface_energy": scaled(recipe.growth.surface_energy, table.surface_energy),
    })
    return recipe.model_copy(update={
        "growth": growth,
        "reaction": [_reaction(r, recipe, moves * reacts, holds) for r in recipe.reaction],
        "sticking": [s.model_copy(update={"diffusion": scaled(s.diffusion, moves)}) for s in recipe.sticking],
    })


def scaled(law: TemperatureLaw, factor: float, barrier: float = 0.0) -> Any:
    """A law times a factor, with a higher barrier [J] from which its value at every temperature follows."""
    if barrier == 0.0:
        return law.model_copy(update={"value": law.value * factor}) if factor != 1.0 else law
    at = law.at or ROOM
    return law.model_copy(update={
        "value": law.value * factor * math.exp(-barrier / (K_B * at)), "at": at,
        "activation_energy": law.activation_energy + barrier,
    })


def _reaction(reaction: Reaction, recipe: Recipe, attack: float, barrier: float) -> Reaction:
    """A cluster alone holds longer by the barrier; one that meets a reagent reacts by the factor."""
    parts: Mapping[str, int] = reaction.reactants
    clusters = [n for n in parts if recipe.units_of(n) >= 2]
    if not clusters:
        return reaction
    alone = sum(parts.values()) == 1
    return reaction.model_copy(update={
        "rate": scaled(reaction.rate, 1.0, barrier) if alone else scaled(reaction.rate, attack)
    })
