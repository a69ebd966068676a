"""The [lattice] table: atoms on a crystal lattice instead of a stirred reactor of spheres."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field, InstanceOf, ValidationInfo

from kmcgrowth.materials.crystals import crystal_names
from kmcgrowth.recipe.columns import Files
from kmcgrowth.recipe.fields import (
    DIAMETER,
    Part,
    Tables,
    Text,
    amount,
    choice,
    number,
    read_amount,
    read_energy,
    read_number,
    under,
    whole,
)
from kmcgrowth.recipe.laws import TemperatureLaw, read_law, temperature_law
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.recipe.programs import Program
from kmcgrowth.units import shown

SHAPES = ("sphere", "tetrahedron", "octahedron", "cube", "truncated_octahedron", "slab", "box")
SOLUTIONS = ("fixed", "pool", "walkers")
MOST_FRAMES = 10_000

_energy = BeforeValidator(read_energy)


def _attach_rate(given: Any) -> TemperatureLaw:
    """A volume per time; examples in sentences are of a size that an atom sees, not a syringe."""
    try:
        return read_law(given, "m^3/s", above=0.0, infinite=True)
    except Wrong as wrong:
        raise Wrong(wrong.sentence.replace('"6 mL/hour"', '"1e3 nm^3/s"'), *wrong.path) from None


class Hop(Part):
    """Hops of atoms on the surface.

    Attributes
    ----------
    prefactor : TemperatureLaw, of an atom in one direction [1/s]
    barrier : float, of an atom with a single bond [J]
    """

    keys: ClassVar = ("prefactor", "barrier")
    needs: ClassVar = {"prefactor": 'give one, for example "1e11 / s".', "barrier": 'give one, for example "0.4 eV".'}
    prefactor: Annotated[InstanceOf[TemperatureLaw], temperature_law("1/s", above=0.0)]
    barrier: Annotated[float, _energy]


class Particle(Part):
    """Crystals that are there at the start.

    Attributes
    ----------
    shape : "sphere", "tetrahedron", "octahedron", "cube", "truncated_octahedron"; or "slab" and "box", crystals
        without end along two and along three directions
    diameter : float or None, of the sphere of the same volume; of a slab its thickness [m]
    formula_units : int or None, in place of a diameter
    count : int, crystals of this kind
    at : (3,) or None, centre of the only one; else they are spread evenly [m]
    file : str or None, structure file in place of a shape
    ends : "any" or "cations": whether all bonds of the anions are taken by cations
    """

    keys: ClassVar = ("shape", "diameter", "formula_units", "count", "at", "file", "ends")
    shape: Annotated[str, choice(*SHAPES)] = "sphere"
    diameter: Annotated[float, amount("m", above=0.0, **DIAMETER)] | None = None
    formula_units: Annotated[int, whole(1, 10**9)] | None = None
    count: Annotated[int, whole(1, 100_000)] = 1
    at: tuple[float, float, float] | None = None
    file: Text | None = None
    ends: Annotated[str, choice("any", "cations")] = "any"

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Either a file or a shape with one measure of its size."""
        if "file" in data:
            for key in ("shape", "diameter", "formula_units", "ends"):
                if key in data:
                    raise Wrong('has no place beside "file", which holds the crystal; leave one of them out.', key)
            files = (info.context or {}).get("files") or Files()
            under("file", lambda given: _structure(given, files), data["file"])
        elif data.get("shape") != "box" and ("diameter" in data) == ("formula_units" in data):
            what = "both are given" if "diameter" in data else "is missing"
            raise Wrong(f'{what}; give diameter = "3 nm" or formula_units = 200, one of them.', "diameter")
        if "at" in data:
            if data.get("count", 1) != 1:
                raise Wrong("is the place of one crystal; leave it or the count out.", "at")
            data["at"] = under("at", lambda given: _triple(given, "a place"), data["at"])
        return data


class Lattice(Part):
    """Atoms on a crystal lattice.

    Attributes
    ----------
    crystal : name of a crystal, by default that of the material
    lattice_constant : float or None, by default the material's [m]
    box : (3,), edges of the periodic box, to be rounded to whole cells [m]
    bond_energy : float or None, by default from the surface energy [J]
    second_bond_energy : float, of neighbours in the second shell [J]
    ligand_energy : float, of the ligand on a cation that lacks neighbours [J]
    attach_rate : TemperatureLaw, per place and concentration of the element [m^3/s; may be inf with walkers]
    hop : Hop or None
    solution : "fixed" chemical potential, "pool" (stirred) or "walkers" (diffusing)
    supersaturation : Program or None, of a fixed solution, or of the reservoir around walkers [dimensionless]
    ratio : float, concentration of the cation over that of the anion in a fixed solution [dimensionless]
    diffusion : species -> TemperatureLaw, of walkers that are no monomers [m^2/s]
    frames : int, moments of which all atoms are kept
    particle : list of Particle
    """

    keys: ClassVar = ("crystal", "lattice_constant", "box", "bond_energy", "second_bond_energy", "ligand_energy",
                      "attach_rate", "hop", "solution", "supersaturation", "ratio", "diffusion", "frames", "particle")
    needs: ClassVar = {
        "box": 'give the edge of the periodic box, for example "12 nm", or three of them.',
        "attach_rate": 'give the volume from which a place takes an atom in a second, for example "1e3 nm^3/s".',
    }
    crystal: Annotated[str, choice(*crystal_names())] | None = None
    lattice_constant: Annotated[float, amount("m", above=0.0, least="0.1 nm", most="2 nm")] | None = None
    box: tuple[float, float, float]
    bond_energy: Annotated[float, _energy] | None = None
    second_bond_energy: Annotated[float, _energy] = 0.0
    ligand_energy: Annotated[float, _energy] = 0.0
    attach_rate: Annotated[InstanceOf[TemperatureLaw], BeforeValidator(_attach_rate)]
    hop: Hop | None = None
    solution: Annotated[str, choice(*SOLUTIONS)] = "pool"
    supersaturation: InstanceOf[Program] | None = None
    ratio: Annotated[float, number(lambda x: 0 < x < 1e6, "a number above 0")] = 1.0
    diffusion: dict[str, InstanceOf[TemperatureLaw]] = Field(default_factory=dict)
    frames: Annotated[int, whole(0, MOST_FRAMES)] = 25
    particle: Annotated[list[Particle], Tables] = Field(default_factory=list)

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Edges of the box, the program of the supersaturation, diffusion of clusters."""
        limits: dict[str, Any] = {"least": "1 nm", "most": "1 um"}
        if isinstance(data["box"], list):
            data["box"] = under("box", lambda given: _triple(given, "a box", **limits), data["box"])
        else:
            data["box"] = (under("box", lambda given: read_amount(given, "m", **limits), data["box"]),) * 3
        if "supersaturation" in data:
            data["supersaturation"] = under("supersaturation", _program, data["supersaturation"])
            data.setdefault("solution", "fixed")
        if data.get("solution") == "fixed" and "supersaturation" not in data:
            raise Wrong("is missing; a fixed solution needs one, for example 3.0, or a program "
                        '[["0 s", 1.5], ["10 s", 6.0]].', "supersaturation")
        if data.get("solution") == "pool" and "supersaturation" in data:
            raise Wrong("has no place beside a pool, whose concentration follows from flask and injection; "
                        "leave it out.", "supersaturation")
        if "diffusion" in data:
            given = data["diffusion"]
            if not isinstance(given, Mapping):
                raise Wrong(f'{shown(given)} is not a table; write {{ AMC = "1e3 nm^2/s" }}.', "diffusion")
            data["diffusion"] = {
                str(k): under(str(k), lambda law: read_law(law, "m^2/s", above=0.0), v, "diffusion")
                for k, v in given.items()
            }
        return data


def _structure(given: Any, files: Files) -> str:
    """The text of a structure file beside the recipe, or of one that ships."""
    if not isinstance(given, str):
        raise Wrong(f"{shown(given)} is not the name of a structure file; write it in quotation marks.")
    shipped = resources.files("kmcgrowth.materials").joinpath("structures", given)
    beside = files.directory is not None and (files.directory / given).is_file()
    if given not in files.given and not beside and Path(given).name == given and shipped.is_file():
        files.given[given] = shipped.read_text(encoding="utf-8")
    try:
        return files.text(given)
    except Wrong as wrong:
        if "not UTF-8" in wrong.sentence:
            raise Wrong(f"{shown(given)} is no text; give a .extxyz, .xyz or .cif file.") from None
        raise


def _triple(given: Any, what: str, **limits: Any) -> tuple[float, float, float]:
    if not isinstance(given, list) or len(given) != 3:
        raise Wrong(f'{shown(given)} is not {what}; write three lengths, ["10 nm", "10 nm", "10 nm"].')
    values = []
    for i, edge in enumerate(given):
        try:
            values.append(read_amount(edge, "m", **limits))
        except Wrong as wrong:
            raise Wrong(wrong.sentence, i) from None
    return values[0], values[1], values[2]


def _program(given: Any) -> Program:
    """A number, or a list of [time, number]."""
    def value(x: Any) -> float:
        return read_number(x, lambda v: 0 <= v < 1e9, "a number of 0 or more")

    if not isinstance(given, list):
        return Program(np.zeros(1), np.array([value(given)]))
    times, values = [], []
    for i, point in enumerate(given):
        if not isinstance(point, list) or len(point) != 2:
            raise Wrong(f'{shown(point)} is not a pair of a time and a number; write [["0 s", 1.5], ["10 s", 6.0]].', i)
        times.append(under("0", lambda t: read_amount(t, "s", low=0.0), point[0], str(i)))
        values.append(under("1", value, point[1], str(i)))
        if i and times[i] <= times[i - 1]:
            raise Wrong(f"the time {shown(point[0])} goes back; each time must be later than the one before it.", i, 0)
    if not times:
        raise Wrong('is empty; write a number, or [["0 s", 1.5], ["10 s", 6.0]].')
    return Program(np.array(times), np.array(values))


__all__ = ["Hop", "Lattice", "Particle"]
