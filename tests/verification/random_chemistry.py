"""Random chemistry of precursors: what is supplied, and the reactions that make monomer of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

SIZES = (1, 2, 4, 8, 22, 22, 22, 36, 60)
"""Formula units of a cluster; 22 is that of the InAs clusters."""


class Dice:
    """Draws from a stream by its ``random()`` alone, which no version of Python changes."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def between(self, low: float, high: float) -> float:
        """Uniform."""
        return low + (high - low) * self._random.random()

    def log(self, low: float, high: float) -> float:
        """Uniform in the logarithm."""
        return exp(self.between(log(low), log(high)))

    def pick(self, choices: Sequence[T]) -> T:
        """One of them, all alike."""
        return choices[min(int(self._random.random() * len(choices)), len(choices) - 1)]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability


def text(value: float, unit: str) -> str:
    """A quantity as it stands in a recipe, with four digits."""
    return f"{value:.4g} {unit}"


@dataclass
class Chemistry:
    """Species and reactions of one recipe.

    Attributes
    ----------
    species, reactions : tables of the recipe
    supplied : name -> formula units per molecule, of what is put into the flask or the syringes; shares are alike
    contents : name -> concentration in the flask at the start, of what holds no formula unit [M]
    tau : time in which a molecule supplied becomes monomer; 0 for monomer itself [s]
    cluster : name of a cluster of whole formula units and how many, or None
    """

    species: dict[str, dict[str, Any]] = field(default_factory=dict)
    reactions: list[dict[str, Any]] = field(default_factory=list)
    supplied: dict[str, int] = field(default_factory=dict)
    contents: dict[str, float] = field(default_factory=dict)
    tau: float = 0.0
    cluster: tuple[str, int] | None = None


def random_chemistry(
    dice: Dice, matter: float, tau: float, kelvin: float, atoms: dict[str, int], *, clusters: bool = False
) -> Chemistry:
    """Between none and three species, and what they do.

    Parameters
    ----------
    dice : Dice
    matter : formula units supplied per volume of the flask [M]
    tau : about the time that conversion takes [s]
    kelvin : temperature at which constants are given [K]
    atoms : of the formula unit
    clusters : whether a cluster of whole formula units is wanted
    """
    made, celsius = Chemistry(tau=tau), text(kelvin - 273.15, "degC")
    schemes = ("release", "release", "stepwise", "chain", "equilibrium", "ligand", "order", "dimer", "left-over", "pair",
               "three")
    scheme = dice.pick(schemes if clusters else ("monomer", "monomer", *schemes))
    if scheme == "monomer":
        made.supplied["monomer"], made.tau = 1, 0.0
        return made
    units = max(dice.pick(SIZES), 8) if clusters else dice.pick(SIZES)
    if scheme == "stepwise":
        units = min(max(units, 2), 22)
    held, species, supplied = matter / units, made.species, made.supplied
    species["A"], supplied["A"] = {"formula_units": units}, units
    if units >= 2:
        made.cluster = ("A", units)

    def react(equation: str, rate: float, order: float = 1.0, **more: Any) -> None:
        power = order - 1.0
        volume = "" if power == 0.0 else f"/ M^{power:.4g} " if power > 0.0 else f"M^{-power:.4g} "
        reaction = {"equation": equation, "rate": text(rate, f"{volume}/ s")}
        if dice.chance(0.6):
            reaction |= {"at": celsius, "activation_energy": text(dice.between(0.2, 1.3), "eV")}
        made.reactions.append(reaction | more)

    release = f"{units} monomer" if units > 1 else "monomer"
    if scheme == "release":
        react(f"A -> {release}", 1.0 / tau)
    elif scheme == "stepwise":
        react(f"A -> {release}", units / tau, release="stepwise")
    elif scheme == "chain":
        species["B"] = {"formula_units": units}
        react("A -> B", 1.0 / tau)
        react(f"B -> {release}", 1.0 / (tau * dice.log(0.1, 1.0)))
    elif scheme == "equilibrium":
        species["B"], k = {"formula_units": units}, 1.0 / (tau * dice.log(0.03, 1.0))
        constant: dict[str, Any] = {"equilibrium_constant": float(f"{dice.log(0.2, 10.0):.3g}")}
        if dice.chance(0.5):
            constant |= {"equilibrium_at": celsius, "reaction_enthalpy": text(dice.between(-0.4, 0.4), "eV")}
        react("A <=> B", k, **constant)
        react(f"B -> {release}", 1.0 / tau)
    elif scheme == "ligand":
        made.contents["L"] = held * dice.log(0.7, 5.0)
        species["L"], species["W"] = {"formula_units": 0}, {"formula_units": 0}
        react(f"A + L -> {release} + W", 1.0 / (tau * made.contents["L"]), 2.0)
    elif scheme == "three":
        made.contents["L"] = held * dice.log(2.5, 10.0)
        species["L"], species["W"] = {"formula_units": 0}, {"formula_units": 0}
        react(f"A + 2 L -> {release} + W", 1.0 / (tau * made.contents["L"]), 2.0, orders={"A": 1, "L": 1})
    elif scheme == "order":
        order = dice.pick((0.5, 0.8, 1.5, 2.0))
        react(f"A -> {release}", held ** (1.0 - order) / tau, order, orders={"A": order})
    elif scheme == "dimer":
        species["D"] = {"formula_units": 2 * units}
        react("2 A <=> D", 1.0 / (tau * dice.log(0.1, 3.0) * held), 2.0,
              equilibrium_constant=text(dice.log(0.1, 10.0) / held, "/ M"))
        react(f"A -> {release}", 1.0 / tau)
    elif scheme == "left-over":
        metal = next(iter(atoms))
        whole = {name: n * units for name, n in atoms.items()}
        species["A"] = {"atoms": whole | {metal: whole[metal] + 7}}
        species["rest"] = {"atoms": {metal: 1}}
        made.cluster = None
        if clusters or dice.chance(0.5):
            species["B"] = {"atoms": whole}
            react("A -> B + 7 rest", 1.0 / tau)
            react(f"B -> {release}", 1.0 / (tau * dice.log(0.1, 1.0)))
            made.cluster = ("B", units) if units >= 2 else None
        else:
            react(f"A -> {release} + 7 rest", 1.0 / tau)
    else:
        other = dice.pick(SIZES)
        species["B"], supplied["B"] = {"formula_units": other}, other
        react(f"A + B -> {units + other} monomer", 2.0 * max(units, other) / (tau * matter), 2.0)
        react(f"A -> {release}", 0.3 / tau)
        react(f"B -> {other} monomer", 0.3 / tau)
    return made
