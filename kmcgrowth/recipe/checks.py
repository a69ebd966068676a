"""Checks that need more than one table of a recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from kmcgrowth.materials import load_material
from kmcgrowth.recipe.equations import MONOMER
from kmcgrowth.recipe.laws import TemperatureLaw
from kmcgrowth.recipe.problems import Path, bad, nearest
from kmcgrowth.recipe.schema import Recipe
from kmcgrowth.units import shown


def check_recipe(recipe: Recipe) -> None:
    """Refuse a recipe whose tables do not fit together.

    Raises
    ------
    BadInput : the first thing found, with its key.
    """
    _check_names(recipe)
    _check_bands(recipe)
    _check_balance(recipe)
    _check_clusters(recipe)
    _check_shots(recipe)
    _check_withdrawals(recipe)
    _check_temperatures(recipe)


def _named(recipe: Recipe) -> Iterator[tuple[Path, str]]:
    """Every place where a species is named."""
    for name in recipe.flask.contents:
        yield ("flask", "contents", name), name
    for i, syringe in enumerate(recipe.injection):
        for name in syringe.contents:
            yield ("injection", i, "contents", name), name
    for i, reaction in enumerate(recipe.reaction):
        for name in (*reaction.reactants, *reaction.products):
            yield ("reaction", i, "equation"), name
        for name in reaction.orders or ():
            yield ("reaction", i, "orders", name), name
    for i, loss in enumerate(recipe.loss):
        yield ("loss", i, "species"), loss.species
    for i, sticking in enumerate(recipe.sticking):
        yield ("sticking", i, "species"), sticking.species
    if recipe.nucleation.species is not None:
        yield ("nucleation", "species"), recipe.nucleation.species


def _check_names(recipe: Recipe) -> None:
    for path, name in _named(recipe):
        if name not in recipe.names:
            raise bad(f"there is no species {shown(name)}; {nearest(name, recipe.names)}", *path)
    seen: set[str] = set()
    for i, loss in enumerate(recipe.loss):
        if loss.name in seen:
            raise bad(f"two losses are named {shown(loss.name)}; give each its own name.", "loss", i, "name")
        seen.add(loss.name)


def _check_bands(recipe: Recipe) -> None:
    known = load_material(recipe.material).clusters
    for name, species in recipe.species.items():
        if species.cluster is not None and species.cluster not in known:
            raise bad(f"{shown(species.cluster)} is no cluster of {recipe.material}; {nearest(species.cluster, known)}",
                      "species", name, "cluster")


def _check_balance(recipe: Recipe) -> None:
    for i, reaction in enumerate(recipe.reaction):
        sides = (reaction.reactants, reaction.products)
        by_atoms = any(name != MONOMER and recipe.species[name].atoms is not None for side in sides for name in side)
        left, right = ({}, {})  # type: dict[str, int], dict[str, int]
        for side, total in zip(sides, (left, right), strict=True):
            for name, count in side.items():
                parts = recipe.atoms_of(name) if by_atoms else {"formula units": recipe.units_of(name)}
                for part, n in parts.items():
                    total[part] = total.get(part, 0) + n * count
        for part in {**left, **right}:
            a, b = left.get(part, 0), right.get(part, 0)
            if a != b:
                hint = "; name what is left over as a species of its own." if by_atoms else "."
                counts = f"{a} {part} on the left, {b} on the right{hint}"
                raise bad(f"{shown(reaction.equation)} does not balance: {counts}", "reaction", i)


def _check_clusters(recipe: Recipe) -> None:
    """Species that become part of a particle as a whole."""
    places: list[tuple[Path, str, int]] = [
        (("sticking", i, "species"), s.species, 2) for i, s in enumerate(recipe.sticking)
    ]
    if recipe.nucleation.law == "cluster" and recipe.nucleation.species is not None:
        places.append((("nucleation", "species"), recipe.nucleation.species, 2))
    for path, name, least in places:
        if name == MONOMER:
            raise bad('"monomer" attaches as [growth] says; name a cluster.', *path)
        units = recipe.units_of(name)
        if path[0] == "sticking" and recipe.is_foreign(name):
            if recipe.withdrawal:
                raise bad(f"{shown(name)} is taken up by particles, of which an aliquot cannot be told; "
                          "leave out the withdrawals.", *path)
            continue
        if units < least:
            raise bad(f"{shown(name)} holds {units} formula units; at least {least} are needed.", *path)
        atoms = recipe.species[name].atoms or {}
        over = {e: n - units * recipe.unit_atoms.get(e, 0) for e, n in atoms.items()}
        if any(over.values()):
            rest = " ".join(f"{n} {e}" for e, n in over.items() if n)
            raise bad(f"{shown(name)} is not a whole number of formula units: {rest} would be left over; "
                      "let a reaction turn it into a cluster without them first.", *path)


def _check_shots(recipe: Recipe) -> None:
    cold = [i for i, syringe in enumerate(recipe.injection) if syringe.temperature is not None]
    if cold and recipe.flask.recovery_time is None:
        raise bad('is missing; a shot with a temperature needs the time in which the flask recovers, '
                  'for example "20 s".', "flask", "recovery_time")
    if not cold and recipe.flask.recovery_time is not None:
        raise bad("has no effect without a shot that has a temperature; give injection.N.temperature or leave it out.",
                  "flask", "recovery_time")


def _check_withdrawals(recipe: Recipe) -> None:
    taken = 0.0
    for i, aliquot in sorted(enumerate(recipe.withdrawal), key=lambda pair: pair[1].time):
        liquid = recipe.flask.volume - taken
        for syringe in recipe.injection:
            if syringe.rate is None:
                liquid += syringe.volume if syringe.start <= aliquot.time else 0.0
            else:
                liquid += min(syringe.volume, syringe.rate.total(aliquot.time))
        if aliquot.volume >= liquid:
            held = f"the flask holds {liquid * 1e6:.6g} mL then"
            raise bad(f"takes {aliquot.volume * 1e6:.6g} mL, but {held}; take less.", "withdrawal", i, "volume")
        taken += aliquot.volume


def temperature_range(recipe: Recipe) -> tuple[float, float]:
    """Lowest and highest temperature that the flask can have, cold shots included [K]."""
    values = [*recipe.flask.temperature.values]
    values += [syringe.temperature for syringe in recipe.injection if syringe.temperature is not None]
    return float(min(values)), float(max(values))


def laws(recipe: Recipe) -> Iterator[tuple[Path, TemperatureLaw]]:
    """Every law of a recipe, with its key."""
    growth, nucleation = recipe.growth, recipe.nucleation
    for key in ("diffusion", "surface_rate", "solubility", "surface_energy"):
        yield ("growth", key), getattr(growth, key)
    for key in ("prefactor", "rate"):
        if getattr(nucleation, key) is not None:
            yield ("nucleation", key), getattr(nucleation, key)
    for i, reaction in enumerate(recipe.reaction):
        yield ("reaction", i, "rate"), reaction.rate
        if reaction.equilibrium_constant is not None:
            yield ("reaction", i, "equilibrium_constant"), reaction.equilibrium_constant
    for i, loss in enumerate(recipe.loss):
        yield ("loss", i, "rate"), loss.rate
    for i, sticking in enumerate(recipe.sticking):
        yield ("sticking", i, "diffusion"), sticking.diffusion
    for key in ("rate", "viscosity"):
        if getattr(recipe.coalescence, key) is not None:
            yield ("coalescence", key), getattr(recipe.coalescence, key)


def _check_temperatures(recipe: Recipe) -> None:
    for temperature in temperature_range(recipe):
        stretch = 1.0 + recipe.flask.expansion * (temperature - 298.15)
        if not 0.0 < stretch < 100.0:
            raise bad(f"gives a volume of {stretch:.3g} times that at 25 degC at {temperature:.6g} K; "
                      'a solvent has about "9e-4 / K".', "flask", "expansion")
        for path, law in laws(recipe):
            with np.errstate(over="ignore"):
                value = float(law(temperature))
            if not math.isfinite(value) and math.isfinite(law.value):
                raise bad(f"is too large for a number at {temperature:.6g} K; check its activation energy.", *path)


def reaches_growth(recipe: Recipe) -> bool:
    """Whether what is supplied can become monomer or part of a particle; refused if not.

    A recipe without seeds and without nucleation only follows the chemistry of the solution and is let
    through, and so is one that supplies nothing (seeds that ripen).

    Returns
    -------
    True

    Raises
    ------
    BadInput : with the key of the contents that lead nowhere.
    """
    if not (recipe.seeds or (recipe.lattice and recipe.lattice.particle)) and recipe.nucleation.law == "none":
        return True
    if recipe.lattice is not None and recipe.lattice.solution == "fixed":
        return True
    supplied: dict[str, Path] = {n: ("flask", "contents") for n, c in recipe.flask.contents.items() if c > 0.0}
    for i, syringe in enumerate(recipe.injection):
        for name, concentration in syringe.contents.items():
            if concentration > 0.0:
                supplied.setdefault(name, ("injection", i, "contents"))
    if not supplied:
        if not recipe.seeds and not (recipe.lattice and recipe.lattice.particle):
            raise bad("there is neither a seed nor any matter; give flask.contents, [[seeds]] or [[injection]].",
                      "flask", "contents")
        return True
    steps = _possible_steps(recipe, set(supplied))
    useful = {MONOMER, *(s.species for s in recipe.sticking)}
    if recipe.nucleation.law == "cluster" and recipe.nucleation.species is not None:
        useful.add(recipe.nucleation.species)
    while True:
        more = {name for left, right in steps if right & useful for name in left} - useful
        if not more:
            break
        useful |= more
    if useful & set(supplied):
        stuck = [name for name in supplied if name not in useful and recipe.units_of(name) > 0]
    else:
        stuck = list(supplied)
    if stuck:
        units = recipe.units_of(stuck[0])
        example = f'"{stuck[0]} -> {units} monomer"' if units else f'"{stuck[0]} + ... -> monomer"'
        raise bad(f"{shown(stuck[0])} cannot become monomer or part of a particle; add a reaction such as {example}.",
                  *supplied[stuck[0]])
    return True


def _possible_steps(recipe: Recipe, available: set[str]) -> list[tuple[set[str], set[str]]]:
    """Reactions (each direction by itself) whose reactants can all come to be, from the species at hand."""
    available = available | ({MONOMER} if recipe.seeds or recipe.lattice else set())  # seeds shed monomer
    steps: list[tuple[set[str], set[str]]] = []
    for reaction in recipe.reaction:
        if reaction.rate.value == 0.0:
            continue
        steps.append((set(reaction.reactants), set(reaction.products)))
        if reaction.reversible:
            steps.append((set(reaction.products), set(reaction.reactants)))
    while True:
        more = {name for left, right in steps if left <= available for name in right} - available
        if not more:
            return [step for step in steps if step[0] <= available]
        available |= more


def temperature_law_warnings(recipe: Recipe, *, swept: bool = False) -> list[str]:
    """Growth parameters that stay constant although the temperature does not.

    Parameters
    ----------
    recipe : Recipe
    swept : bool, whether a study varies the temperature from run to run

    Returns
    -------
    list of str, one sentence or none. A stated activation energy of zero counts as a law. The surface
    energy is not asked for one: it hardly changes, and is commonly given as one number.
    """
    low, high = temperature_range(recipe)
    if low == high and not swept:
        return []
    names = ["solubility"] if recipe.growth.law == "table" else [
        "diffusion", "surface_rate", "solubility"]
    constant = [f"growth.{name}" for name in names
                if not (law := getattr(recipe.growth, name)).has_temperature and math.isfinite(law.value)]
    if recipe.growth.law == "table":
        constant.append("growth.table")
    if not constant:
        return []
    verb = "carries" if len(constant) == 1 else "carry"
    return [f"The temperature varies, but {', '.join(constant)} {verb} no temperature law."]
