"""Families of clusters made by a rule: [[family]] becomes species and the reactions between them."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Annotated, Any, ClassVar

from pydantic import InstanceOf, ValidationInfo

from kmcgrowth.physics.layers import tetrahedral_number
from kmcgrowth.recipe.chemistry import Reaction, Species, rate_dimension, read_orders
from kmcgrowth.recipe.equations import MONOMER, NAME
from kmcgrowth.recipe.fields import Part, Text, choice, under, whole
from kmcgrowth.recipe.laws import TemperatureLaw, merged_law, read_law
from kmcgrowth.recipe.problems import Wrong, nearest
from kmcgrowth.units import shown

RULES = ("tetrahedra", "exchange")

VALENCE = {"In": 3, "Ga": 3, "Al": 3, "Cd": 2, "Zn": 2, "Mn": 2, "Co": 2, "Hg": 2, "Cu": 1, "Ag": 1, "Au": 1}
"""Charges of the cations that a family may hold."""

_READS = {
    "tetrahedra": ("rule", "first", "last", "source", "rate", "at", "activation_energy", "orders"),
    "exchange": ("rule", "cluster", "source", "leaves", "surface", "rate", "at", "activation_energy", "core_rate",
                 "most", "release"),
}


class Family(Part):
    """One family.

    Attributes
    ----------
    rule : "tetrahedra" (each has one layer more on one facet) or "exchange" (each has one cation more exchanged)
    rate : TemperatureLaw, of a layer [SI unit of its order], or of one surface site [m^3/(mol s)]
    source : the species that brings the cations: of a layer beyond those of monomer, or those that come in
    first, last : layers of the smallest and the largest tetrahedron (tetrahedra)
    orders : of monomer and source in the rate of a layer, or None for one each (tetrahedra)
    cluster : the species that exchanges (exchange)
    leaves : the species that takes a cation away (exchange)
    surface : sites of the cluster that exchange at ``rate``, before the others (exchange)
    core_rate : TemperatureLaw of one of the other sites, zero if not given (exchange) [m^3/(mol s)]
    most : largest number exchanged, all if not given (exchange)
    release : TemperatureLaw or None: every member falls apart into monomer, source and leaves (exchange) [1/s]
    """

    keys: ClassVar = tuple(dict.fromkeys(k for keys in _READS.values() for k in keys))
    needs: ClassVar = {
        "rule": 'name one, "tetrahedra" or "exchange".',
        "rate": 'give one, for example "1 / M / s".',
        "source": "name the species that brings the cations.",
    }
    rule: Annotated[str, choice(*RULES)]
    rate: InstanceOf[TemperatureLaw]
    source: Text
    first: Annotated[int, whole(2, 30)] = 4
    last: Annotated[int, whole(2, 30)] = 7
    orders: dict[str, float] | None = None
    cluster: Text = ""
    leaves: Text = ""
    surface: Annotated[int, whole(1, 10_000)] = 1
    core_rate: InstanceOf[TemperatureLaw] | None = None
    most: Annotated[int, whole(1, 10_000)] | None = None
    release: InstanceOf[TemperatureLaw] | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Read the rates, whose order follows from the rule."""
        rule = data.get("rule")
        if rule not in RULES:
            return data
        for key in data:
            if key not in _READS[rule]:
                read = ", ".join(_READS[rule][1:])
                raise Wrong(f'is not read by the rule "{rule}", which reads {read}; leave it out.', key)
        order = 2.0
        if rule == "tetrahedra":
            if data.get("last", 7) <= data.get("first", 4):
                raise Wrong("is not above first; a family has at least two members.", "last")
            if "orders" in data:
                data["orders"] = read_orders(data["orders"], {MONOMER: 1, data["source"]: 1})
            order = 1.0 + sum((data.get("orders") or {MONOMER: 1.0, "source": 1.0}).values())
        else:
            for key, example in (("cluster", "In37P20"), ("leaves", "In(OPA)3"), ("surface", "16")):
                if key not in data:
                    raise Wrong(f'is missing; the rule "exchange" needs it, for example {example}.', key)
        data["rate"] = merged_law(data, rate_dimension(order), low=0.0)
        for key, dimension in (("core_rate", rate_dimension(2.0)), ("release", "1/s")):
            if key in data:
                data[key] = under(key, partial(read_law, dimension=dimension, low=0.0), data[key])
        return data


def expand(
    families: list[Family], species: dict[str, Species], unit_atoms: dict[str, int]
) -> tuple[dict[str, Species], list[Reaction]]:
    """Species and reactions of all families.

    Parameters
    ----------
    families : as read
    species : those of the recipe, among them what the families name
    unit_atoms : element -> atoms in one formula unit, the cation first

    Returns
    -------
    species : name -> Species, the given ones and the members
    reactions : from each member to the next

    Raises
    ------
    Wrong : with the key, where a named species is missing or does not fit the rule.
    """
    known, reactions = dict(species), list[Reaction]()
    for i, family in enumerate(families):
        make = _tetrahedra if family.rule == "tetrahedra" else _exchange
        try:
            members, steps = make(family, known, unit_atoms)
        except Wrong as wrong:
            raise Wrong(wrong.sentence, "family", i, *wrong.path) from None
        for name, member in members.items():
            if name in known and known[name].atoms != member.atoms:
                raise Wrong(f"makes the species {shown(name)}, which is there already with other atoms.", "family", i)
            known.setdefault(name, member)
        reactions += steps
    return known, reactions


def _given(name: str, key: str, species: dict[str, Species]) -> dict[str, int]:
    """The atoms of a species that a family names."""
    if name not in species:
        hint = nearest(name, tuple(species), "declare it under [species].")
        raise Wrong(f"there is no species {shown(name)}; {hint}", key)
    atoms = species[name].atoms
    if atoms is None:
        raise Wrong(f"{shown(name)} is given by formula units; a family needs its atoms, "
                    "for example { Cd = 1, OBz = 2 }.", key)
    return dict(atoms)


def _member(atoms: dict[str, int]) -> Species:
    return Species(atoms={e: n for e, n in atoms.items() if n})


def _step(
    reactants: dict[str, int], products: dict[str, int], orders: dict[str, float], rate: TemperatureLaw
) -> Reaction:
    def side(parts: dict[str, int]) -> str:
        return " + ".join(f"{n} {name}" if n > 1 else name for name, n in parts.items())

    return Reaction.model_construct(
        equation=f"{side(reactants)} -> {side(products)}", reactants=reactants, products=products, reversible=False,
        rate=rate, orders=orders, equilibrium_constant=None, release="burst",
    )


def _tetrahedra(family: Family, species: dict[str, Species], unit_atoms: dict[str, int]) -> tuple[
    dict[str, Species], list[Reaction]
]:
    """Cd_Te(n+1) Se_Te(n) with as many singly charged ligands as cations want for."""
    if len(unit_atoms) != 2 or set(unit_atoms.values()) != {1}:
        raise Wrong("tetrahedra are for materials of two elements, one to one, such as CdSe.", "rule")
    cation, anion = unit_atoms
    brought = _given(family.source, "source", species)
    charge = VALENCE.get(cation, 0)
    ligand = next((e for e in brought if e != cation), "")
    if set(brought) != {cation, ligand} or brought[cation] != 1 or brought[ligand] != charge:
        raise Wrong(f"{shown(family.source)} is not {cation} with {charge} ligands; its atoms would be, for example, "
                    f"{{ {cation} = 1, OBz = {charge} }}.", "source")
    members, names = {}, []
    for layers in range(family.first, family.last + 1):
        anions, cations = tetrahedral_number(layers), tetrahedral_number(layers + 1)
        names.append(f"{cation}{cations}{anion}{anions}")
        members[names[-1]] = _member({cation: cations, anion: anions, ligand: charge * (cations - anions)})
    steps = []
    for layers, (name, larger) in enumerate(pairwise(names), start=family.first):
        units = tetrahedral_number(layers + 1) - tetrahedral_number(layers)
        given = family.orders or {MONOMER: 1.0, family.source: 1.0}
        steps.append(_step(
            {name: 1, MONOMER: units, family.source: layers + 2}, {larger: 1}, {name: 1.0, **given}, family.rate,
        ))
    return members, steps


def _exchange(family: Family, species: dict[str, Species], unit_atoms: dict[str, int]) -> tuple[
    dict[str, Species], list[Reaction]
]:
    """The cluster with one cation after the other exchanged, surface sites first, each site as likely as the next."""
    whole_cluster = _given(family.cluster, "cluster", species)
    comes, goes = _given(family.source, "source", species), _given(family.leaves, "leaves", species)
    ligand = next((e for e in comes if e in goes), "")
    (new, *more), (old, *others) = [e for e in comes if e != ligand] or [""], [e for e in goes if e != ligand] or [""]
    if more or others or comes.get(new) != 1 or goes.get(old) != 1 or old not in whole_cluster:
        raise Wrong(f"{shown(family.source)} and {shown(family.leaves)} must each hold one cation and the same ligand, "
                    "the second one a cation of the cluster.", "leaves")
    sites = whole_cluster[old]
    units = min(whole_cluster.get(e, 0) // n for e, n in unit_atoms.items())
    if family.surface > sites:
        raise Wrong(f"{family.surface} is more than the {sites} {old} of {shown(family.cluster)}.", "surface")
    short = goes.get(ligand, 0) - comes.get(ligand, 0)
    names = [family.cluster]
    members: dict[str, Species] = {}
    reached = sites if family.core_rate is not None else family.surface
    for j in range(1, min(family.most or reached, reached) + 1):
        atoms = {old: sites - j, new: whole_cluster.get(new, 0) + j}
        atoms |= {e: n for e, n in whole_cluster.items() if e not in atoms}
        if ligand:
            atoms[ligand] = whole_cluster.get(ligand, 0) - short * j
            if atoms[ligand] < 0:
                raise Wrong(f"{shown(family.cluster)} has too few {ligand} for {j} exchanged; set most below.", "most")
        names.append("".join(f"{e}{n}" for e, n in atoms.items() if n and e != ligand))
        members[names[-1]] = _member(atoms)
        if not NAME.fullmatch(names[-1]):
            raise Wrong(f"makes the name {shown(names[-1])}, which is none for a species.", "cluster")
    steps = []
    for j, (name, further) in enumerate(pairwise(names)):
        at_surface = max(family.surface - j, 0)
        law, number = (family.rate, at_surface) if at_surface else (family.core_rate, sites - j)
        assert law is not None  # there are members beyond the surface only with it
        steps.append(_step(
            {name: 1, family.source: 1}, {further: 1, family.leaves: 1}, {name: 1.0, family.source: 1.0},
            law.model_copy(update={"value": law.value * number}),
        ))
    if family.release is not None:
        for j, name in enumerate(names[: sites - units + 1]):
            parts = {MONOMER: units, family.leaves: sites - units - j, family.source: j}
            steps.append(_step({name: 1}, {n: k for n, k in parts.items() if k}, {name: 1.0}, family.release))
    return members, steps
