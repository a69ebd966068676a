"""What the solution is made of and how it reacts: [species.X], [[reaction]], [[loss]], [[sticking]]."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import InstanceOf, ValidationInfo

from kmcgrowth.recipe.equations import MONOMER, parse_equation
from kmcgrowth.recipe.fields import Part, Text, choice, number, read_number, read_whole, under, whole
from kmcgrowth.recipe.laws import TemperatureLaw, merged_law
from kmcgrowth.recipe.problems import Wrong
from kmcgrowth.units import shown

_ELEMENT = re.compile(r"[A-Z][A-Za-z0-9]{0,15}")

class Species(Part):
    """A dissolved species; one of formula_units and atoms is given.

    Attributes
    ----------
    formula_units : int or None, of the material in one molecule
    atoms : element -> number in one molecule, or None
    cluster : str or None, cluster of the material whose bands it shows; None for the one of its own name, if any
    """

    keys: ClassVar = ("formula_units", "atoms", "cluster")
    formula_units: Annotated[int, whole(0, 10**9)] | None = None
    atoms: dict[str, int] | None = None
    cluster: Text | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Exactly one of formula_units and atoms."""
        if ("formula_units" in data) == ("atoms" in data):
            raise Wrong("needs either formula_units, for example 22, or atoms, for example { In = 39, As = 22 }.")
        atoms = data.get("atoms")
        if "atoms" not in data:
            return data
        if not isinstance(atoms, dict) or not atoms:
            raise Wrong(f"{shown(atoms)} is not a table of elements, for example {{ In = 39, As = 22 }}.", "atoms")
        for element, count in atoms.items():
            if not _ELEMENT.fullmatch(element):
                raise Wrong("is no name for an element; it starts with a capital and has letters and digits.", "atoms",
                            element)
            under(element, lambda given: read_whole(given, 1, 10**9), count, "atoms")
        return data | {"atoms": {e: int(n) for e, n in atoms.items()}}


class Reaction(Part):
    """A mass-action reaction among dissolved species.

    Attributes
    ----------
    equation : str, as written
    reactants, products : species -> molecules
    reversible : bool, written with "<=>"
    rate : TemperatureLaw, forward [(mol/m^3)^(1 - order)/s]
    orders : species -> order of the forward rate law, or None: the molecules consumed
    equilibrium_constant : TemperatureLaw or None, products over reactants [(mol/m^3)^(change in molecules)]
    release : "burst" or "stepwise" (one monomer after the other, each step at ``rate``)
    """

    keys: ClassVar = ("equation", "rate", "at", "activation_energy", "orders", "equilibrium_constant",
                      "equilibrium_at", "reaction_enthalpy", "release")
    needs: ClassVar = {
        "equation": 'write one, for example "AMC -> 22 monomer".',
        "rate": 'give a rate constant, for example "0.05 / s".',
    }
    equation: Text
    reactants: dict[str, int]
    products: dict[str, int]
    reversible: bool
    rate: InstanceOf[TemperatureLaw]
    orders: dict[str, float] | None = None
    equilibrium_constant: InstanceOf[TemperatureLaw] | None = None
    release: Annotated[str, choice("burst", "stepwise")] = "burst"

    @property
    def order(self) -> float:
        """Total order of the forward rate law [dimensionless]."""
        return float(sum((self.orders or self.reactants).values()))

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Take the equation apart and give every constant its unit."""
        read = under("equation", parse_equation, data["equation"])
        data |= {"reactants": read.reactants, "products": read.products, "reversible": read.reversible}
        sides = (read.reactants, read.products) if read.reversible else (read.reactants,)
        if "orders" in data:
            data["orders"] = read_orders(data["orders"], read.reactants)
            if read.reversible:
                _check_reverse(data["orders"], read.reactants, read.products)
        elif (most := max(sum(side.values()) for side in sides)) > 2:
            raise Wrong(f"is missing; {shown(data['equation'])} brings {most} molecules together, from which no "
                        "rate law follows: give the orders of the forward reaction, for example { A = 1 }.", "orders")
        order = float(sum((data.get("orders") or read.reactants).values()))
        data["rate"] = merged_law(data, rate_dimension(order), low=0.0)
        change = sum(read.products.values()) - sum(read.reactants.values())
        constant = ("equilibrium_constant", "equilibrium_at", "reaction_enthalpy")
        if read.reversible:
            if constant[0] not in data:
                raise Wrong(f'is missing; "<=>" needs one, for example {_constant_example(change)}.', constant[0])
            data[constant[0]] = merged_law(data, _constant_dimension(change), *constant, above=0.0)
        else:
            for key in constant:
                if key in data:
                    raise Wrong('is for reversible reactions; write the equation with "<=>" or leave this out.', key)
        if data.get("release") == "stepwise":
            _check_stepwise(read.reactants, read.products, read.reversible, data.get("orders"))
        return data


class Loss(Part):
    """A first-order channel through which a species leaves for good.

    Attributes
    ----------
    name : str, under which the lost matter is booked; by default the species
    species : str
    rate : TemperatureLaw [1/s]
    """

    keys: ClassVar = ("name", "species", "rate", "at", "activation_energy")
    needs: ClassVar = {"species": 'name one, for example "monomer".', "rate": 'give one, for example "1e-4 / s".'}
    name: Text
    species: Text
    rate: InstanceOf[TemperatureLaw]

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Merge the rate law."""
        data["rate"] = merged_law(data, "1/s", low=0.0)
        name = data.setdefault("name", data["species"])
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 60:
            raise Wrong(f"{shown(name)} is no name; write up to 60 characters in one line.", "name")
        return data


class Sticking(Part):
    """Whole clusters that stick to particles.

    Attributes
    ----------
    species : str
    diffusion : TemperatureLaw [m^2/s]
    probability : float, that an encounter sticks, 0 to 1 [dimensionless]
    """

    keys: ClassVar = ("species", "diffusion", "at", "activation_energy", "probability")
    needs: ClassVar = {
        "species": "name the cluster.",
        "diffusion": 'give that of the cluster, for example "500 nm^2/s".',
    }
    species: Text
    diffusion: InstanceOf[TemperatureLaw]
    probability: Annotated[float, number(lambda x: 0 <= x <= 1, "a number from 0 to 1")] = 1.0

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read the diffusion law."""
        data["diffusion"] = merged_law(data, "m^2/s", "diffusion", above=0.0)
        return data


def rate_dimension(order: float) -> str:
    """Dimension of a rate constant of a total order, as ``kmcgrowth.units`` reads it."""
    known = {0.0: "mol/m^3/s", 1.0: "1/s", 2.0: "m^3/mol/s"}
    return known.get(order, f"(mol/m^3)^({1.0 - order:g})/s")


def _constant_dimension(change: int) -> str:
    return {0: "1", 1: "mol/m^3", -1: "m^3/mol"}.get(change, f"(mol/m^3)^({change})")


def _constant_example(change: int) -> str:
    return "2.5" if change == 0 else f'"1e-3 M^{change}"' if change != 1 else '"1e-3 M"'


def read_orders(given: Any, reactants: dict[str, int]) -> dict[str, float]:
    """Orders of a rate law, at least those of what is consumed."""
    if not isinstance(given, dict) or not given:
        raise Wrong(f"{shown(given)} is not a table of species and orders, for example {{ A = 1 }}.", "orders")
    for name in reactants:
        if name not in given:
            raise Wrong(f"gives no order for {shown(name)}, which is consumed; add it, for example {shown(name)} = 1.",
                        "orders")
    orders: dict[str, float] = {}
    for name, value in given.items():
        def fits(x: float, consumed: bool = name in reactants) -> bool:
            return (0 < x if consumed else 0 <= x) and x <= 20

        try:
            orders[name] = read_number(value, fits, "an order up to 20, above 0 for what is consumed")
        except Wrong as wrong:
            raise Wrong(wrong.sentence, "orders", name) from None
    return orders


def _check_reverse(orders: dict[str, float], reactants: dict[str, int], products: dict[str, int]) -> None:
    """The reverse law follows from the equilibrium; its orders must not be negative."""
    for name, count in reactants.items():
        least = count - products.get(name, 0)
        if orders[name] < least:
            raise Wrong(f"is {orders[name]:g}, which leaves a negative order for the reverse reaction; "
                        f'with "<=>" it must be at least {least}.', "orders", name)


def _check_stepwise(
    reactants: dict[str, int], products: dict[str, int], reversible: bool, orders: dict[str, float] | None
) -> None:
    (name, count), *others = reactants.items()
    single = not others and count == 1 and name != MONOMER
    if not single or set(products) != {MONOMER} or reversible or (orders is not None and orders != {name: 1.0}):
        raise Wrong('"stepwise" is for one cluster that falls apart in first order, as in "AMC -> 22 monomer".',
                    "release")
