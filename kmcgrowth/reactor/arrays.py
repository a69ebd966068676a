"""A model laid out as the arrays that the compiled kernel reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import MONOMER, FloatArray, Model

REACTANTS = 4
NUCLEATION = {"none": 0, "classical": 1, "power": 1, "cluster": 2, "explicit": 3}


def chemistry(model: Model) -> dict[str, Any]:
    """Species, reactions, sticking, syringes and the kind of nucleation.

    Returns
    -------
    dict of arrays and numbers, shapes as in ``ext/chemistry.pxi``

    Raises
    ------
    BadInput
        If a reaction has more than four different reactants.
    """
    r = len(model.reactions)
    reactant = np.zeros((r, REACTANTS), dtype=np.int32)
    consumed = np.zeros((r, REACTANTS), dtype=np.int64)
    power = np.zeros((r, REACTANTS))
    falling = np.zeros((r, REACTANTS), dtype=np.uint8)
    changes: list[list[tuple[int, int]]] = []
    for i, reaction in enumerate(model.reactions):
        involved = sorted(set(reaction.reactants) | {s for s, o in reaction.orders.items() if o != 0.0})
        if len(involved) > REACTANTS:
            raise BadInput(
                f'reaction "{reaction.name}" has {len(involved)} different reactants; at most {REACTANTS} are possible.'
            )
        for j, s in enumerate(involved):
            reactant[i, j], consumed[i, j] = s, reaction.reactants.get(s, 0)
            power[i, j] = reaction.orders.get(s, 0.0)
            falling[i, j] = power[i, j] == int(power[i, j]) and 0 < power[i, j] <= consumed[i, j]
        net = {s: reaction.products.get(s, 0) - reaction.reactants.get(s, 0)
               for s in set(reaction.products) | set(reaction.reactants)}
        changes.append([(s, n) for s, n in sorted(net.items()) if n != 0])
    reactants = np.array([len(set(x.reactants) | {s for s, o in x.orders.items() if o != 0.0})
                          for x in model.reactions], dtype=np.int32)
    total_order = np.array([sum(x.orders.values()) for x in model.reactions], dtype=float)
    thinned = np.array([total_order[i] != 1.0 or MONOMER in x.reactants or MONOMER in x.orders
                        for i, x in enumerate(model.reactions)], dtype=np.uint8)
    simple = np.array(
        [-1 if thinned[i] or len(x.reactants) != 1 or x.reactants != x.orders else next(iter(x.reactants))
         for i, x in enumerate(model.reactions)], dtype=np.int32,
    )
    content = np.zeros((len(model.syringes), len(model.species)), dtype=np.int64)
    for k, syringe in enumerate(model.syringes):
        for s, n in syringe.contents.items():
            content[k, s] = n
    flat = [c for group in changes for c in group]
    nucleation = model.nucleation
    return {
        "species": len(model.species), "reactions": r, "stickers": len(model.sticking),
        "syringes": len(model.syringes), "count": np.array(model.initial, dtype=np.int64),
        "reactant": reactant, "consumed": consumed, "power": power, "falling": falling,
        "simple": simple, "reactants": reactants, "total_order": total_order, "thinned": thinned,
        "change_start": np.cumsum([0] + [len(g) for g in changes], dtype=np.int64).astype(np.int32),
        "change_species": np.array([s for s, _ in flat], dtype=np.int32),
        "change_amount": np.array([n for _, n in flat], dtype=np.int64),
        "sticker_species": np.array([s.species for s in model.sticking], dtype=np.int32),
        "sticker_units": np.array([s.units for s in model.sticking], dtype=np.int64),
        "content": content,
        "nucleation": NUCLEATION[nucleation.law],
        "nucleus_species": max(nucleation.cluster, 0),
        "nucleus_units": int(model.formula_units[nucleation.cluster]) if nucleation.law == "cluster" else 0,
        "coalescing": model.coalescence.law != "none", "brownian": model.coalescence.law == "brownian",
        "coalescence_limit": int(model.coalescence.largest),
        "power_law": nucleation.law == "power", "exponent": float(nucleation.exponent),
    }


def kernel_settings(model: Model) -> dict[str, float]:
    """Numbers that a kernel is made with."""
    return {
        "unit_volume": model.unit_volume, "window": model.window,
        "slack": 2.0 * float(np.sqrt(max(int(model.initial[MONOMER]), 0))) + 8.0,
    }


def nucleation_law(model: Model, temperature: float) -> FloatArray:
    """ln A, surface energy, solubility and encounter constant at a temperature, SI units."""
    n = model.nucleation
    if n.law not in ("classical", "power"):
        return np.array([0.0, 0.0, model.solubility(temperature), 0.0])
    prefactor = n.prefactor(temperature)
    return np.array([
        np.log(prefactor) if prefactor > 0.0 else -1e300, n.surface_energy(temperature),
        model.solubility(temperature), n.encounter(temperature),
    ])


def sticking_tables(model: Model, temperature: float, n_max: int) -> FloatArray:
    """Sticking constants of every sticker, (stickers, n_max + 1) [m^3/s]."""
    if not model.sticking:
        return np.zeros((0, n_max + 1))
    return np.ascontiguousarray([s.table(temperature, n_max) for s in model.sticking])


ROUGH = 0.05
"""Deviation of a rate's square from the product of its neighbours, relative, beyond which a size is not smooth."""


def distance_to_rough(attach: FloatArray, detach: FloatArray) -> NDArray[np.int32]:
    """Distance of every size to the nearest one at which a rate is no smooth function of the size.

    Parameters
    ----------
    attach, detach : (n_max + 1,) rate tables

    Returns
    -------
    (n_max + 1,) int32 [formula units]
    """
    n = np.arange(len(attach))
    rough = n < 3
    for rate in (attach, detach):
        middle, product = rate[1:-1] ** 2, rate[2:] * rate[:-2]
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = np.where((middle == 0.0) & (product == 0.0), 0.0, np.abs(product / middle - 1.0))
        rough[1:-1] |= ~(bend <= ROUGH)
    below = np.maximum.accumulate(np.where(rough, n, -len(n)))
    above = np.minimum.accumulate(np.where(rough, n, 3 * len(n))[::-1])[::-1]
    return np.minimum(n - below, above - n).astype(np.int32)


def flow_of_matter(lists: dict[str, Any]) -> dict[str, Any]:
    """Which species feed which others.

    Parameters
    ----------
    lists : as from ``chemistry``

    Returns
    -------
    order : (species,) int32, each species before what it becomes, as far as there is such an order
    circular : (reactions,) uint8, whether what a reaction makes may become again what it takes
    curved : (reactions,) uint8, whether its rate is anything but proportional to the amount of one species
    delicate : (reactions,) uint8, whether its rate goes with a power of an amount that is no falling factorial
    """
    used, power = lists["reactants"], lists["power"]
    some = np.arange(REACTANTS) < np.reshape(used, (-1, 1))
    plain = (power == 0.0) | (power == 1.0) | (lists["falling"] > 0)
    start, changed, amount = lists["change_start"], lists["change_species"], lists["change_amount"]
    groups = [range(start[r], start[r + 1]) for r in range(lists["reactions"])]
    steps = [[(changed[i], changed[j]) for i in g for j in g if amount[i] < 0 < amount[j]] for g in groups]
    leads = np.eye(lists["species"], dtype=bool)
    for group in steps:
        for one, other in group:
            leads[one, other] = True
    for k in range(lists["species"]):
        leads |= leads[:, [k]] & leads[[k], :]
    return {
        "order": np.lexsort((np.arange(lists["species"]) == MONOMER, -leads.sum(axis=1))).astype(np.int32),
        "circular": np.array([any(leads[j, i] for i, j in group) for group in steps], dtype=np.uint8),
        "curved": ((used != 1) | (power[:, 0] != 1.0)).astype(np.uint8),
        "delicate": np.any(some & ~plain, axis=1).astype(np.uint8),
    }
