"""The whole recipe, parsed: every number a float in SI units."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo

from kmcgrowth.recipe.chemistry import Loss, Reaction, Species, Sticking
from kmcgrowth.recipe.equations import MONOMER, NAME
from kmcgrowth.recipe.families import Family
from kmcgrowth.recipe.fields import Part, Tables, Text, amount, choice, number, whole
from kmcgrowth.recipe.flask import Flask, Injection, Seeds, Withdrawal
from kmcgrowth.recipe.growth import Coalescence, Growth, Nucleation
from kmcgrowth.recipe.lattice import Lattice
from kmcgrowth.recipe.ligand import LigandTable
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.units import shown

METHODS = ("auto", "exact", "leap", "balance")


class Simulation(Part):
    """How to simulate.

    Attributes
    ----------
    method : "auto", "exact", "leap" or "balance"
    particles : int, seeds in the control volume
    formula_units : int, matter in the control volume where there are no seeds
    duration : float [s]
    snapshots : int, evenly spaced, the first at the start and the last at the end
    seed : int or None, of the random numbers
    window : float, relative change of the mean-field concentration that ends a window [dimensionless]
    tolerance : float, error control of ``leap``, to which its error is proportional [dimensionless]
    """

    keys: ClassVar = ("method", "particles", "formula_units", "duration", "snapshots", "seed", "window", "tolerance")
    needs: ClassVar = {"duration": 'give one, for example "2 hours".'}
    method: Annotated[str, choice(*METHODS)] = "auto"
    particles: Annotated[int, whole(1, 10**9)] = 100_000
    formula_units: Annotated[int, whole(1, 10**15)] = 10_000_000
    duration: Annotated[float, amount("s", above=0.0)]
    snapshots: Annotated[int, whole(2, 10**6)] = 121
    seed: Annotated[int, whole(0, 2**63 - 1)] | None = None
    window: Annotated[float, number(lambda x: 0 < x <= 0.05, "a number above 0 and up to 0.05")] = 0.005
    tolerance: Annotated[float, number(lambda x: 0 < x <= 0.3, "a number above 0 and up to 0.3")] = 0.01


class Recipe(Part):
    """A recipe, complete and checked.

    Attributes
    ----------
    title, material : str
    source : str or None, DOI or text
    flask : Flask
    seeds, injection, withdrawal, reaction, loss, sticking : lists of Seeds, Injection, ...
    species : name -> Species (``monomer`` is always there and not listed), with the members of families
    family : list of Family, whose members and reactions are among species and reaction
    ligand : LigandTable or None; the laws of growth, reaction and sticking are those with it
    growth : Growth
    nucleation : Nucleation
    coalescence : Coalescence
    lattice : Lattice or None, where atoms take the place of spheres
    simulation : Simulation
    unit_atoms : element -> atoms in one formula unit of the material
    text : str, the TOML text as it was written
    changes : dotted key -> value that was set on top of ``text``
    files : name -> contents of the CSV files that were read
    """

    keys: ClassVar = ("title", "source", "material", "flask", "seeds", "injection", "withdrawal", "species",
                      "family", "reaction", "loss", "sticking", "ligand", "growth", "nucleation", "coalescence",
                      "lattice", "simulation")
    needs: ClassVar = {
        "material": 'name one, for example "InAs".',
        "flask": 'write a [flask] table with volume = "7.5 mL" and temperature = "300 degC".',
        "simulation": 'write a [simulation] table with duration = "2 hours".',
    }
    title: Text = ""
    source: Text | None = None
    material: Text
    flask: Flask
    seeds: Annotated[list[Seeds], Tables] = Field(default_factory=list)
    injection: Annotated[list[Injection], Tables] = Field(default_factory=list)
    withdrawal: Annotated[list[Withdrawal], Tables] = Field(default_factory=list)
    species: dict[str, Species] = Field(default_factory=dict)
    family: Annotated[list[Family], Tables] = Field(default_factory=list)
    reaction: Annotated[list[Reaction], Tables] = Field(default_factory=list)
    loss: Annotated[list[Loss], Tables] = Field(default_factory=list)
    sticking: Annotated[list[Sticking], Tables] = Field(default_factory=list)
    ligand: LigandTable | None = None
    growth: Growth
    nucleation: Nucleation
    coalescence: Coalescence = Field(default_factory=Coalescence)
    lattice: Lattice | None = None
    simulation: Simulation
    unit_atoms: dict[str, int] = Field(default_factory=dict)
    text: str = Field(default="", repr=False)
    changes: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict, repr=False)

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Names of species; tables that may be left out."""
        species = data.get("species", {})
        if not isinstance(species, dict):
            raise Wrong(f"{shown(species)} is not a table; write [species.AMC] with formula_units = 22.", "species")
        for name in species:
            if name == MONOMER:
                raise Wrong("is always there and holds one formula unit; leave this table out.", "species", name)
            if not NAME.fullmatch(name) or len(name) > 60:
                raise Wrong("is no name for a species; it starts with a letter and has letters, digits, _ ( ) [ ] ' -.",
                            "species", name)
        return {"growth": {}, "nucleation": {}} | data

    @property
    def names(self) -> tuple[str, ...]:
        """Every dissolved species, ``monomer`` first."""
        return (MONOMER, *self.species)

    def units_of(self, name: str) -> int:
        """Whole formula units of the material in one molecule of a species."""
        if name == MONOMER:
            return 1
        species = self.species[name]
        if species.atoms is None:
            return species.formula_units or 0
        if not self.unit_atoms:
            return 0
        return min(species.atoms.get(e, 0) // n for e, n in self.unit_atoms.items())

    def atoms_of(self, name: str) -> dict[str, int]:
        """Atoms in one molecule of a species; formula units count as those of the material."""
        atoms = None if name == MONOMER else self.species[name].atoms
        return dict(atoms) if atoms is not None else {e: n * self.units_of(name) for e, n in self.unit_atoms.items()}

    def is_foreign(self, name: str) -> bool:
        """Whether a species is given by atoms none of which the material has."""
        atoms = None if name == MONOMER else self.species[name].atoms
        return atoms is not None and not any(e in self.unit_atoms for e in atoms)

    @property
    def has_atoms(self) -> bool:
        """Whether any species is given by its atoms, so that matter is counted element by element."""
        return any(s.atoms is not None for s in self.species.values())
