"""Small lattices that several tests share: kernels made by hand, and recipes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln

from kmcgrowth.lattice.energetics import Energetics
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B

HOT = 573.0
"""[K]"""

EV = ELEMENTARY_CHARGE
THERMAL = K_B * HOT

NO_REACTION: dict[str, Any] = {
    "reactant": np.full((0, 1), -1), "order": np.zeros((0, 1)), "consumed": np.zeros((0, 1)), "power": np.zeros(0),
}


def energetics(crystal: str, **energies: float) -> Energetics:
    """Energies given in units of kT at ``HOT``."""
    return Energetics(load_crystal(crystal), **{k: v * THERMAL for k, v in energies.items()})


def make_kernel(
    cls: Any, seed: int, e: Energetics, cells: tuple[int, int, int], *, attach: float = 1.0, solubility: float = 1.0,
    concentration: float = 1.0, amount: list[int] | None = None, volume: float = 1.0, hop: float = 0.0,
    barrier: float = 0.0, pair: float = 0.0, end: float = 1e15, bits: Any = None,
) -> Any:
    """A kernel with constant rates; with ``amount`` the solution is a pool of so many atoms of each element.

    ``concentration`` is that of a fixed solution, ``pair`` a factor on the rate of pairs in detailed balance, ``hop``
    the prefactor of hops and ``barrier`` theirs in kT. ``bits`` is a generator to use instead of a new one.
    """
    c = e.crystal
    kernel = cls(
        bits or np.random.SFC64(seed), cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), e.second_bond != 0.0,
        e.ligand != 0.0,
    )
    n = len(c.elements)
    kernel.set_solution(
        n, amount is None, amount or [0] * n, np.eye(n, dtype=int), NO_REACTION | {"change": np.zeros((0, n))},
        np.zeros((0, n)),
    )
    hops = e.hop_rates(hop, barrier * THERMAL, HOT)
    rates = e.detach_rates(attach, solubility, HOT) + hops
    rates[:n] = attach
    pairs = pair * e.pair_rate(attach, solubility, HOT)
    if amount is not None:
        pairs /= volume  # the box stands for all the volume
    none = np.zeros(0)
    kernel.set_window(
        0.0, end, (volume, volume), (rates, rates), (hops, hops), (pairs, pairs), (none, none), [], [],
        concentration=(np.full(n, concentration),) * 2, second=(e.second_factors(HOT),) * 2,
    )
    return kernel


def ball(box: Box, atoms: int) -> np.ndarray:
    """The sites nearest to the middle of a box, all with a neighbour among them."""
    place = box.position(np.arange(box.sites))
    order = np.argsort(np.linalg.norm(place - box.edges / 2.0, axis=1), kind="stable")[:atoms]
    return np.unique(order[np.unique(box.bonds(order).ravel())]).astype(np.int32)


def box_of(crystal: str, cells: tuple[int, int, int]) -> Box:
    """A box with a lattice constant of 0.6 nm."""
    return Box(load_crystal(crystal), cells, 0.6e-9)


def without_lone_atoms(box: Box, most: int) -> dict[frozenset[int], None]:
    """All sets of up to ``most`` occupied sites of which each has a neighbour."""
    near = [frozenset(n) for n in box.neighbours(np.arange(box.sites)).tolist()]
    bonds = {frozenset((s, t)) for s in range(box.sites) for t in near[s]}
    found: dict[frozenset[int], None] = {frozenset(): None}
    fresh = set(found)
    while fresh:
        grown = set()
        for sites in fresh:
            room = most - len(sites)
            if room >= 1:
                grown |= {sites | {t} for s in sites for t in near[s] if t not in sites}
            if room >= 2:
                grown |= {sites | b for b in bonds if not b & sites}
        fresh = {s for s in grown if s not in found}
        found |= dict.fromkeys(fresh)
    return found


def enumerated(box: Box, e: Energetics, amount: list[int], room: float) -> dict[tuple[int, int], float]:
    """Chance of so many atoms in crystals with so many bonds, in a closed box with ``amount`` atoms of each element.

    P(state) ~ exp(-E/kT) prod_e room^m_e/m_e!, m_e dissolved atoms, room = V c_ref.
    """
    weights: dict[tuple[int, int], float] = {}
    for sites in without_lone_atoms(box, sum(amount)):
        where = np.array(sorted(sites), dtype=np.int64)
        left = np.array(amount) - np.bincount(box.element(where), minlength=len(amount))
        if np.any(left < 0):
            continue
        log_w = -e.energy(box, where) / THERMAL + float(np.sum(left * np.log(room) - gammaln(left + 1.0)))
        key = (len(where), len(box.bonds(where)))
        weights[key] = weights.get(key, 0.0) + float(np.exp(log_w))
    total = sum(weights.values())
    return {key: w / total for key, w in weights.items()}


def visited(kernel: Any, box: Box, samples: int, events: int = 200) -> dict[tuple[int, int], int]:
    """How often states with so many atoms and bonds are met, at times that some ``events`` lie between."""
    kernel.run(1e12, 20_000)
    gap = events * kernel.now / 20_000
    seen: dict[tuple[int, int], int] = {}
    begin = kernel.now
    for i in range(1, samples + 1):
        while kernel.run(begin + i * gap, 10**7):
            pass
        where = kernel.occupied()[0]
        key = (len(where), len(box.bonds(where)))
        seen[key] = seen.get(key, 0) + 1
    return seen


def chi_square(seen: dict[tuple[int, int], int], chance: dict[tuple[int, int], float]) -> tuple[float, int]:
    """p-value, and cells; states that are expected less than eight times are put together."""
    samples = sum(seen.values())
    often = [k for k in chance if chance[k] * samples > 8.0]
    expected = np.array([chance[k] for k in often])
    count = np.array([seen.get(k, 0) for k in often])
    rest = 1.0 - expected.sum()
    if rest * samples > 8.0:
        expected, count = np.append(expected, rest), np.append(count, samples - count.sum())
    return float(stats.chisquare(count, expected / expected.sum() * count.sum()).pvalue), len(count)


RECIPE = """
title = "a lattice"
material = "InAs"
[flask]
volume = "1 mL"
temperature = "300 degC"
{flask}
{tables}
[lattice]
box = "6 nm"
attach_rate = "1e6 nm^3/s"
{lattice}
[[lattice.particle]]
diameter = "2.5 nm"
[simulation]
duration = "{duration}"
snapshots = {snapshots}
seed = {seed}
"""


def recipe_text(
    lattice: str = "supersaturation = 3.0", flask: str = "", tables: str = "", duration: str = "2 s",
    snapshots: int = 5, seed: int = 1,
) -> str:
    """A recipe of one InAs crystal of 2.5 nm."""
    return RECIPE.format(lattice=lattice, flask=flask, tables=tables, duration=duration, snapshots=snapshots, seed=seed)
