"""The [growth], [nucleation] and [coalescence] tables."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import InstanceOf, ValidationInfo

from kmcgrowth.recipe.fields import Part, Text, amount, choice, number, read_choice
from kmcgrowth.recipe.laws import SurfaceRateLaw, TemperatureLaw, merged_law, temperature_law
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.recipe.programs import FreeEnergies, LayeredEnergies, RateTable, read_free_energies, read_rate_table

GROWTH_LAWS = ("mixed", "talapin", "table")
COALESCENCE_LAWS = ("none", "constant", "brownian")
NUCLEATION_LAWS = ("none", "classical", "power", "cluster", "explicit")
_NO_DEFAULT = "the material has no default for it; give a value, for example"


class Growth(Part):
    """Attachment and detachment of monomer; what is left out comes from the material.

    Attributes
    ----------
    law : "mixed", "talapin" or "table"
    diffusion : TemperatureLaw, of the monomer [m^2/s]
    surface_rate : SurfaceRateLaw [m/s; may be inf]
    solubility : TemperatureLaw, of a flat surface [mol/m^3]
    surface_energy : TemperatureLaw [J/m^2]
    transfer_coefficient : float, of Talapin's law, 0 to 1 [dimensionless]
    gibbs_thomson : "exponential" or "linear"
    free_energy : FreeEnergies, LayeredEnergies or None, in place of the sphere's
    table : RateTable or None, of the law "table"
    """

    keys: ClassVar = ("law", "diffusion", "surface_rate", "solubility", "surface_energy", "transfer_coefficient",
                      "gibbs_thomson", "free_energy", "table")
    needs: ClassVar = {
        "diffusion": f'{_NO_DEFAULT} "1e3 nm^2/s".',
        "surface_rate": f'{_NO_DEFAULT} "inf".',
        "solubility": f'{_NO_DEFAULT} "1 uM".',
        "surface_energy": f'{_NO_DEFAULT} "0.15 J/m^2".',
    }
    law: Annotated[str, choice(*GROWTH_LAWS)] = "mixed"
    diffusion: Annotated[InstanceOf[TemperatureLaw], temperature_law("m^2/s", above=0.0)]
    surface_rate: Annotated[InstanceOf[SurfaceRateLaw], temperature_law("m/s", above=0.0, infinite=True, size=True)]
    solubility: Annotated[InstanceOf[TemperatureLaw], temperature_law("mol/m^3", above=0.0, most="100 M")]
    surface_energy: Annotated[InstanceOf[TemperatureLaw], temperature_law("J/m^2", low=0.0, most="10 J/m^2")]
    transfer_coefficient: Annotated[float, number(lambda x: 0 <= x <= 1, "a number from 0 to 1")] = 0.5
    gibbs_thomson: Annotated[str, choice("exponential", "linear")] = "exponential"
    free_energy: InstanceOf[FreeEnergies] | InstanceOf[LayeredEnergies] | None = None
    table: InstanceOf[RateTable] | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read the tables that come from files."""
        for key, read in (("free_energy", read_free_energies), ("table", read_rate_table)):
            if key in data:
                try:
                    data[key] = read(data[key], info)
                except Wrong as wrong:
                    raise Wrong(wrong.sentence, key, *wrong.path) from None
        if data.get("law") == "table" and "table" not in data:
            raise Wrong('is missing; the law "table" needs the name of a CSV file, for example "rates.csv".', "table")
        if "table" in data and data.get("law") != "table":
            raise Wrong('is only read by law = "table"; set that law or leave the table out.', "table")
        return data


class Nucleation(Part):
    """How new particles appear; keys that the law does not read are kept and have no effect.

    Attributes
    ----------
    law : "none", "classical", "power", "cluster" or "explicit"
    prefactor : TemperatureLaw or None (classical, power) [1/(m^3 s)]
    exponent : float or None, of the supersaturation (power) [dimensionless]
    species : str or None, the cluster (cluster)
    rate : TemperatureLaw or None, first order (cluster) [1/s]
    """

    keys: ClassVar = ("law", "prefactor", "exponent", "species", "rate", "at", "activation_energy")
    law: Annotated[str, choice(*NUCLEATION_LAWS)] = "none"
    prefactor: Annotated[InstanceOf[TemperatureLaw], temperature_law("1/m^3/s", low=0.0)] | None = None
    exponent: Annotated[float, number(lambda x: 0 <= x <= 1000, "a number from 0 to 1000")] | None = None
    species: Text | None = None
    rate: InstanceOf[TemperatureLaw] | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Merge the rate law; ask for what the law needs."""
        if "rate" in data:
            data["rate"] = merged_law(data, "1/s", low=0.0)
        elif key := next((k for k in ("at", "activation_energy") if k in data), ""):
            raise Wrong('belongs to "rate", which is missing.', key)
        try:
            chosen = read_choice(data.get("law", "none"), NUCLEATION_LAWS)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, "law") from None
        examples = {"prefactor": '"1e31 / m^3 / s"', "exponent": "4", "species": '"MSC"', "rate": '"1e-4 / s"'}
        reads = {"classical": ("prefactor",), "power": ("prefactor", "exponent"), "cluster": ("species", "rate")}
        for key in reads.get(chosen, ()):
            if key not in data:
                raise Wrong(f'is missing; the law "{chosen}" needs it, for example {examples[key]}.', key)
        return data


class Coalescence(Part):
    """Particles that meet and become one; keys that the law does not read are kept and have no effect.

    Attributes
    ----------
    law : "none", "constant" or "brownian"
    rate : TemperatureLaw or None, of a pair (constant) [m^3/(mol s)]
    viscosity : TemperatureLaw or None, of the solvent (brownian) [Pa s]
    efficiency : float, share of the encounters that coalesce (brownian) [dimensionless]
    largest_diameter : float or None; larger particles do not coalesce [m]
    """

    keys: ClassVar = ("law", "rate", "at", "activation_energy", "viscosity", "efficiency", "largest_diameter")
    law: Annotated[str, choice(*COALESCENCE_LAWS)] = "none"
    rate: InstanceOf[TemperatureLaw] | None = None
    viscosity: Annotated[InstanceOf[TemperatureLaw], temperature_law("Pa*s", above=0.0)] | None = None
    efficiency: Annotated[float, number(lambda x: 0 <= x <= 1, "a number from 0 to 1")] = 1.0
    largest_diameter: Annotated[float, amount("m", above=0.0)] | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Merge the rate law; ask for what the law needs."""
        if "rate" in data:
            data["rate"] = merged_law(data, "m^3/mol/s", low=0.0)
        elif key := next((k for k in ("at", "activation_energy") if k in data), ""):
            raise Wrong('belongs to "rate", which is missing.', key)
        needed = {"constant": ("rate", '"1e3 / M / s"'), "brownian": ("viscosity", '"0.5 mPa s"')}
        key, example = needed.get(str(data.get("law", "none")), ("", ""))
        if key and key not in data:
            raise Wrong(f'is missing; the law "{data["law"]}" needs it, for example {example}.', key)
        return data
