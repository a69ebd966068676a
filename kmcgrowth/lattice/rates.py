"""From the lattice to the reactor: rates of attachment and detachment per size, read off one crystal in equilibrium.

Most atoms that attach to a face leave it soon; they are in equilibrium with the solution at any time and make nothing
grow. The rates that a chain of sizes needs are therefore not those of all attachments and detachments, but lower, at
the same ratio: those with which the size of the crystal wanders over times in which the faces have settled. A chain of
sizes beside a pool of m monomers has fluctuations of its size that decay as Var exp(-t attach c/Var), so that attach c
is the product of the variance and the rate of the decay (Onsager's regression of fluctuations).

A compound is in equilibrium with a product of concentrations: what one element lacks the other makes up for. The
supersaturation is the root of that product, as everywhere, and rates are per root.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.run import LatticeRun, Pause
from kmcgrowth.materials.crystals import FloatArray, IntArray
from kmcgrowth.model.lattice import LatticeModel, StartParticle
from kmcgrowth.model.types import Model, Nucleation
from kmcgrowth.physics.constants import K_B

LEAST_EVENTS = 1000
"""Fewer events for a class of sizes than this leave it with an error beyond use."""

STRONG = 5.5
"""Crystals with stronger bonds have facets on which layers must nucleate [kT]."""

SMALLEST = 8
"""Formula units of the smallest crystal that is held in equilibrium; below, the rates are continued."""

STABLE = 0.25
"""Free atoms of the box, as a share of the number at which a crystal would no longer be stable in it."""

MOST_FREE = 0.15
"""Free atoms of the box, as a share of those in the crystal, at most."""

NEAR = 0.15
"""Relative difference of sizes that are taken together [dimensionless]."""

DEGREE = 3
"""Of the polynomials through the rates [dimensionless]."""

PER_UNIT = 1000
"""Events per formula unit for each class of sizes, at least: so many let a crystal find its size and shape."""

ROOM = 2.0
"""Edge of the box, in diameters of the crystal [dimensionless]."""

PARTS = 10
"""Parts of a run whose scatter tells the standard error."""

DECAY = (0.75, 0.25)
"""Shares of their variance between which fluctuations of the size are followed, once the fast ones are gone."""

SAMPLED = 0.05
"""Time between two looks at the size, in units of the time in which it would wander through its spread at most."""

LEAST_PARTS = 3
"""Parts that a crystal must have lived through; small ones may dissolve."""

TRIES = 12
"""Supersaturations, each higher than the one before by a quarter of its logarithm, in which a crystal is tried."""


@dataclass(frozen=True)
class Rates:
    """Rates of one crystal, by its size.

    Attributes
    ----------
    units : (k,) formula units, rising
    attach : (k,) formula units gained per second and concentration of monomer, as far as they stay [m^3/s]
    detach : (k,) formula units lost per second in equilibrium with them [1/s]
    touch : (k,) formula units that attach per second and concentration, whether they stay or not [m^3/s]; as in
        ``attach``, of a compound the concentration is the geometric mean of its elements'
    error : (k,) relative standard error of detachment over attachment, from the scatter of parts of a run, so that the
        slow wandering of the shape is in it [dimensionless]
    temperature : [K]
    solubility : of the flat surface [1/m^3]
    """

    units: IntArray
    attach: FloatArray
    detach: FloatArray
    touch: FloatArray
    error: FloatArray
    temperature: float
    solubility: float

    @property
    def equilibrium(self) -> FloatArray:
        """Supersaturation at which a crystal neither grows nor shrinks (k,) [dimensionless]."""
        return self.detach / (self.attach * self.solubility)

    def capillary_length(self, unit_volume: float) -> tuple[float, float]:
        """Capillary length l_c of ln S = l_c/r + b, fitted to the larger half of the sizes, and b [m, dimensionless].

        ``unit_volume`` is that of a formula unit [m^3].
        """
        large = self.units >= np.median(self.units)
        r = np.cbrt(3.0 * self.units[large] * unit_volume / (4.0 * np.pi))
        slope, offset = np.polyfit(1.0 / r, np.log(self.equilibrium[large]), 1, w=1.0 / self.error[large])
        return float(slope), float(offset)

    def table(self, rows: int = 200) -> tuple[IntArray, FloatArray, FloatArray]:
        """Sizes from 2 to the largest, with rates of attachment and detachment on smooth curves through the measured.

        The curves are polynomials in n^(-1/3): a parabola of attach/n^(2/3), and one of degree ``DEGREE`` of ln S.
        Below the smallest size measured they go on with its attach/n^(2/3) and with ln S in proportion to n^(-1/3).

        Returns
        -------
        units (k,), attach (k,) [m^3/s], detach (k,) [1/s]
        """
        x = 1.0 / np.cbrt(self.units)
        degree = min(DEGREE, len(x) - 1)
        weight = 1.0 / self.error
        # every rate of exchange is as uncertain as the others, by some per cent
        places = np.polynomial.Polynomial.fit(x, self.attach * x**2, min(2, degree), w=1.0 / (self.attach * x**2))
        log_s = np.polynomial.Polynomial.fit(x, np.log(self.equilibrium), degree, w=weight)
        units = np.unique(np.rint(np.linspace(np.cbrt(2.0), np.cbrt(self.units[-1]), rows) ** 3).astype(np.int64))
        y = 1.0 / np.cbrt(units)
        inside = np.minimum(y, x[0])
        attach = places(inside) / y**2
        s = np.exp(log_s(inside) * y / inside)
        return units, np.asarray(attach), np.asarray(attach * s * self.solubility)


def measure_rates(
    model: Model, *, largest: int, events: int = 1_000_000, rng: np.random.Generator | None = None, points: int = 24,
    progress: Callable[[float], None] | None = None,
) -> Rates:
    """Rates at the temperature of the start, from one crystal that exchanges atoms with a small closed pool.

    The pool is so small that the crystal is stable at any size; sizes are passed through from ``SMALLEST`` to
    ``largest`` by adding matter. At every size the places and the atoms that leave are counted and time is taken; the
    curve between is what the sizes of one class say together.

    Parameters
    ----------
    model : Model with a ``lattice``; its crystal, energies and rates are used, its box and solution are not
    largest : formula units
    events : for each class of sizes
    rng : numpy Generator
    points : classes of sizes, evenly spaced in the cube root of the size

    Raises
    ------
    BadInput : too few formula units or events, or bonds too weak for a crystal.
    """
    lattice = model.lattice
    assert lattice is not None
    if largest < 2 * SMALLEST:
        raise BadInput(f"--largest: {largest} formula units are too few; give at least {2 * SMALLEST}.")
    if events < LEAST_EVENTS:
        raise BadInput(f"--events: {events} events say nothing of a rate; give at least {LEAST_EVENTS}.")
    edges = np.linspace(np.cbrt(SMALLEST), np.cbrt(largest), points + 1) ** 3
    found = []
    random = rng or np.random.default_rng()
    temperature = model.temperature(0.0)
    solubility, rate, elements = model.solubility(temperature), lattice.attach_rate(temperature), lattice.elements
    surface = lattice.bond * lattice.crystal.broken / lattice.constant**2 / 2.0
    radius = np.cbrt(3.0 * lattice.unit_volume / (4.0 * np.pi))
    # ln S = strength/n^(1/3): that of a sphere to begin with, then what the size before had
    strength = 2.0 * surface * lattice.unit_volume / (K_B * temperature * radius)
    for i, (low, high) in enumerate(pairwise(edges)):
        units = float((0.5 * (np.cbrt(low) + np.cbrt(high))) ** 3)
        for attempt in range(TRIES):
            held = _held(model, units, strength * 1.25**attempt, max(events, int(PER_UNIT * units)), random)
            spent = held.spent.sum(axis=0)
            if spent.any():
                break
        if not spent.any():
            raise BadInput("lattice: the crystal fell apart; give stronger bonds or a lower temperature.")
        atoms = np.arange(len(spent)) / elements
        middle = float(spent @ atoms) / float(spent.sum())
        here = np.abs(atoms - middle) <= max(NEAR * middle, 1.0)
        time = float(spent[here].sum())
        n = float(spent[here] @ atoms[here]) / time
        offered, gone = held.offered[:, :, here].sum(axis=2), held.gone[:, :, here].sum(axis=2)
        s, error = _balance(offered, gone, held.pool)
        if s == 0.0:
            raise BadInput(f"--events: {events} are too few for a crystal of {n:.0f} formula units; give more.")
        s /= rate * solubility
        touch = float(gone.sum()) / (time * elements * s * solubility)
        if s < 1.0 - 5.0 * error:
            raise BadInput(_not_held(lattice, temperature, s))
        found.append((n, elements * held.exchange() / (s * solubility), s, touch, error))
        strength = max(float(np.log(s)), 0.05) * np.cbrt(n)
        if progress is not None:
            progress((i + 1) / points)
    n, attach, balance, touch, error = np.array(found).T
    whole, first = np.unique(np.rint(n).astype(np.int64), return_index=True)
    attach, touch = np.minimum(attach, touch)[first], touch[first]
    return Rates(whole, attach, attach * balance[first] * solubility, touch, error[first], temperature, solubility)


def rates_warning(model: Model) -> str:
    """What is to be said against a table of this model, or nothing."""
    lattice = model.lattice
    assert lattice is not None
    bond = lattice.bond / (K_B * model.temperature(0.0))
    if bond <= STRONG:
        return ""
    return (f"bonds of {bond:.3g} kT: above {STRONG:g} kT a layer must nucleate, rates of neighbouring sizes scatter "
            "by factors, and a reactor with this table may not grow as the lattice does.")


def rates_csv(rates: Rates) -> str:
    """The table of a recipe's ``growth.table``, as CSV text."""
    rows = [f"{n},{a * 1e27:.8g},{d:.8g}" for n, a, d in zip(*rates.table(), strict=True)]
    return "\n".join(["formula_units,attach_nm3_per_s,detach_per_s", *rows]) + "\n"


def rates_text(rates: Rates, unit_volume: float) -> str:
    """What was measured, for a reader; ``unit_volume`` is that of a formula unit [m^3]."""
    r = np.cbrt(3.0 * rates.units * unit_volume / (4.0 * np.pi))
    surface, stay = rates.attach / (4.0 * np.pi * r**2), rates.attach / rates.touch
    length, offset = rates.capillary_length(unit_volume)
    energy = length * K_B * rates.temperature / (2.0 * unit_volume)
    lines = ["  units  diameter    attach      detach      S at        stay of  surface rate",
             "             nm      nm^3/s         1/s   equilibrium  all, %        nm/s"]
    for row in zip(rates.units, r, rates.attach, rates.detach, rates.equilibrium, stay, surface, strict=True):
        n, radius, a, d, s, share, k = row
        lines.append(
            f"{n:7d}  {radius * 2e9:8.3f}  {a * 1e27:9.4g}  {d:10.4g}  {s:12.4f}  {100.0 * share:6.1f}  {k * 1e9:10.4g}"
        )
    lines += [
        "", f"capillary length {length * 1e9:.3g} nm, from ln S = l_c/r {offset:+.2g} over the larger sizes",
        f"surface energy   {energy:.3g} J/m^2 that stands for it",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Held:
    """What was noted of a crystal held at about one size.

    Attributes
    ----------
    spent : time per number of atoms (parts, atoms) [s]
    offered, gone : places times time [s] and departures of each element (parts, elements, atoms)
    pool : time, and times time [s] dissolved atoms of each element and their product (parts, elements + 2)
    units : (samples,) formula units at times that ``step`` lies between
    step : [s]
    """

    spent: FloatArray
    offered: FloatArray
    gone: FloatArray
    pool: FloatArray
    units: FloatArray
    step: float

    def exchange(self) -> float:
        """Variance of the size times the rate at which its fluctuations decay, the fast ones left out [1/s]."""
        apart = self.units - self.units.mean()
        size = 1 << (2 * len(apart) - 1).bit_length()
        power = np.abs(np.fft.rfft(apart, size)) ** 2
        covariance = np.fft.irfft(power, size)[: len(apart)] / np.arange(len(apart), 0, -1)
        low = np.flatnonzero(covariance < DECAY[1] * covariance[0])
        last = int(low[0]) if len(low) else len(apart) // 4
        first = int(np.flatnonzero(covariance < DECAY[0] * covariance[0])[0]) if len(low) else last // 4
        if last < first + 3:
            first, last = 0, max(last, 3)
        slope, start = np.polyfit(np.arange(first, last) * self.step, np.log(covariance[first:last]), 1)
        return float(-slope * np.exp(start))


def _held(model: Model, units: float, strength: float, events: int, rng: np.random.Generator) -> _Held:
    """A crystal of about ``units``, with ln S = strength/n^(1/3), for so many events."""
    lattice = model.lattice
    assert lattice is not None
    log_s, elements = strength / np.cbrt(units), lattice.elements
    temperature = model.temperature(0.0)
    free = max(3.0, min(STABLE * 3.0 / max(log_s, 0.05), MOST_FREE) * units)
    edge = ROOM * np.cbrt(6.0 * units * lattice.unit_volume / np.pi) + 4.0 * lattice.constant
    cells = np.ceil(edge / (lattice.crystal.cell * lattice.constant)).astype(int)
    volume = free / (model.solubility(temperature) * np.exp(log_s))
    alone = replace(
        model, seeds=(), reactions=(), syringes=(), withdrawals=(), nucleation=Nucleation(), control_volume=volume,
        flask_volume=volume, initial=np.array([round(free)] + [0] * (len(model.species) - 1)), expansion=0.0,
        lattice=replace(
            lattice, cells=(int(cells[0]), int(cells[1]), int(cells[2])), solution="pool", supersaturation=(),
            pairs=False, frames=0, particles=(StartParticle("sphere", max(2, round(units))),),
        ),
    )
    run = LatticeRun(alone, rng)
    run.rate_now()
    kernel = run._kernel
    _for_events(kernel, events // 3)
    # the size wanders through its spread by about so many steps
    spread = 1.0 / (elements * (1.0 / free + max(log_s, 0.05) / (3.0 * units)))
    places = max(float(kernel.numbers()[:elements].sum()), 1.0) / elements  # none if the crystal is gone
    touch = lattice.attach_rate(temperature) * model.solubility(temperature) * np.exp(log_s) * places
    step = SAMPLED * spread / touch
    record = kernel.record(int(4 * units * elements) + 64)
    sums, series, until = [[np.zeros_like(part) for part in record]], [], float(kernel.now)
    for _ in range(PARTS):
        goal, part = _moves(kernel) + events // PARTS, []
        while kernel.atoms and _moves(kernel) < goal:
            until += step
            while (why := kernel.run(until, 100_000)) != Pause.REACHED and kernel.atoms:
                if why == Pause.ROOM:
                    kernel.make_room()
            part.append(kernel.atoms)
        if not kernel.atoms:  # what came before it dissolved still counts
            break
        series += part
        sums.append([part.copy() for part in record])
    if len(sums) <= LEAST_PARTS:
        sums = [sums[0], sums[0]]
    spent, offered, gone, pool = (np.diff(np.array(part), axis=0) for part in zip(*sums, strict=True))
    return _Held(spent, offered, gone, pool, np.array(series) / elements, step)


def _balance(offered: FloatArray, gone: FloatArray, pool: FloatArray) -> tuple[float, float]:
    """Departures over places, the geometric mean over elements [1/s], and its relative standard error.

    That is the root of a product of mean concentrations; what fixes equilibrium is their mean product, and in a small
    pool the two differ. All are given per part of a run, ``offered`` and ``gone`` per element (parts, elements),
    ``pool`` as in ``_Held``; the error follows from the scatter of the parts and is at least that of independent
    events.
    """
    there = offered.sum(axis=1) > 0.0
    places, left, seen = (np.maximum(x.sum(axis=0), 1e-300) for x in (offered, gone, pool))
    number, elements = int(there.sum()), len(left)
    least = float(np.sqrt(np.sum(1.0 / np.maximum(left, 1.0)))) / elements
    if min(gone.sum(axis=0).min(), pool.sum(axis=0).min()) == 0.0:
        return 0.0, least
    logs = np.log(left / places).sum() + np.log(seen[-1] / seen[0]) - np.log(seen[1:-1] / seen[0]).sum()
    mean = float(np.exp(logs / elements))
    if number < 2:
        return mean, least
    of = (gone[there] / left - offered[there] / places).sum(axis=1)
    share = pool[there] / seen
    of += share[:, -1] - share[:, 1:-1].sum(axis=1) + (elements - 1) * share[:, 0]
    return mean, max(float(np.sqrt(np.sum((of / elements) ** 2) * number / (number - 1.0))), least)


def _not_held(lattice: LatticeModel, temperature: float, s: float) -> str:
    """Why there is no table for a crystal that is in equilibrium below the solubility."""
    bond, ligand = (energy / (K_B * temperature) for energy in (lattice.bond, lattice.ligand))
    if lattice.ligand == 0.0:
        return (f"lattice.bond_energy: at {bond:.3g} kT a crystal is not held together, it is in equilibrium with "
                f"S = {s:.2g}; give stronger bonds or a lower temperature.")
    return (f"lattice.ligand_energy: with {ligand:.3g} kT and bonds of {bond:.3g} kT a small crystal is more stable "
            f"than a large one, it is in equilibrium with S = {s:.2g}; give weaker ligands or stronger bonds.")


def _moves(kernel: Any) -> int:
    return int(kernel.attached + kernel.detached + kernel.hopped)


def _for_events(kernel: Any, events: int) -> None:
    goal = _moves(kernel) + events
    while kernel.atoms and _moves(kernel) < goal:
        if kernel.run(1e12, min(goal - _moves(kernel), 100_000)) == Pause.ROOM:
            kernel.make_room()


__all__ = ["Rates", "measure_rates", "rates_csv", "rates_text", "rates_warning"]
