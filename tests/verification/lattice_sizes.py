"""Crystals of a finite size: the solution that they are in equilibrium with, and the rates that the reactor takes over."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from verification.cases import SIX, Bench, Check, case, near

from kmcgrowth.lattice.rates import Rates, measure_rates
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray, Model
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B
from kmcgrowth.recipe import parse_recipe

TEMPERATURE = 573.15
"""[K]"""

CLOSED = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "300 degC"
contents = {{ monomer = "{dissolved} M" }}
[growth]
solubility = "{solubility} M"
[lattice]
crystal = "{crystal}"
box = "{box} nm"
bond_energy = "{bond:.8g} eV"
ligand_energy = "{ligand:.8g} eV"
attach_rate = "30 nm^3/s"
frames = 0
[[lattice.particle]]
formula_units = {units}
[simulation]
duration = "{duration} s"
"""
"""One crystal beside a stirred pool that is the box itself; about one atom attaches to a place in a second."""

SOLUBILITY = 0.055
"""[mol/L]: a place gets one atom a second at S = 1."""


def closed(
    crystal: str, bond: float, units: int, box: float, dissolved: float, duration: float, ligand: float = 0.0
) -> Model:
    """A crystal in a closed box.

    Parameters
    ----------
    crystal : its name
    bond, ligand : [kT]
    units : formula units at the start
    box : edge [nm]
    dissolved : concentration at the start over the solubility
    duration : [s]
    """
    thermal = K_B * TEMPERATURE / ELEMENTARY_CHARGE
    text = CLOSED.format(
        crystal=crystal, bond=bond * thermal, ligand=ligand * thermal, units=units, box=box,
        dissolved=round(dissolved * SOLUBILITY, 9), solubility=SOLUBILITY, duration=duration,
    )
    return build_model(parse_recipe(text))


def radius(units: Any, model: Model) -> Any:
    """Of the sphere of the same volume [nm]."""
    return np.cbrt(3.0 * np.asarray(units) * model.unit_volume / (4.0 * np.pi)) * 1e9


@cache
def rates(crystal: str, bond: float, fast: bool, seed: int = 3) -> Rates:
    """Measured rates of a crystal of up to some hundreds of formula units."""
    model = closed(crystal, bond, 100, 8.0, 1.5, 1.0)
    largest, events, points = (300, 100_000, 8) if fast else (1500, 2_500_000, 12)
    return measure_rates(model, largest=largest, events=events, points=points, rng=np.random.default_rng(seed))


def fitted(rates: Rates, model: Model, least: int) -> tuple[float, float, float]:
    """l_c and b of ln S = l_c/r + b over sizes from ``least``, and the standard error of b [nm, 1, 1]."""
    large = rates.units >= least
    x, y = 1.0 / radius(rates.units[large], model), np.log(rates.equilibrium[large])
    fit, covariance = np.polyfit(x, y, 1, w=1.0 / rates.error[large], cov="unscaled")
    return float(fit[0]), float(fit[1]), float(np.sqrt(covariance[1, 1]))


CRYSTALS = (("sc", 1.5), ("fcc", 0.8), ("zincblende", 3.0))
"""Crystal and bond [kT]: warm enough for their shapes to come to equilibrium."""


@case("lattice-gibbs-thomson", "crystals in equilibrium with their solution: Gibbs and Thomson's exp(l_c/r), read off two ways",
      engines=("lattice",))
def gibbs_thomson(bench: Bench) -> list[Check]:
    checks = []
    seen: dict[str, tuple[FloatArray, FloatArray, float, float]] = {}
    pools: dict[str, list[tuple[float, float]]] = {}
    for crystal, bond in CRYSTALS[:1] if bench.fast else CRYSTALS:
        model = closed(crystal, bond, 100, 8.0, 1.5, 1.0)
        found = rates(crystal, bond, bench.fast)
        length, offset, offset_error = fitted(found, model, 60)
        seen[crystal] = radius(found.units, model), np.log(found.equilibrium), length, offset
        what = f"{crystal}, bond {bond:g} kT"
        checks.append(near(
            f"ln S of a crystal without end, {what}", offset, 0.0,
            f"what is left as 1/r goes to zero, crystals of 60 to {found.units[-1]} units, is the flat surface, which is "
            f"in equilibrium at S = 1; {SIX:g} standard errors and 0.02, since shapes of a finite size have edges and "
            "corners of their own",
            within=0.02 + SIX * offset_error,
        ))
        pools[crystal] = []
        for j, units in enumerate((120,) if bench.fast else (120, 400, 1000)):
            guess = float(np.exp(length / radius(units, model) + offset))
            box = 2.2 * float(2.0 * radius(units, model))
            duration = 500.0 if bench.fast else 6000.0
            held = closed(crystal, bond, units, round(box, 3), guess, duration)
            mean, error, size = concentration(bench, held, duration, 200 if bench.fast else 2000, 900 + j)
            expected = float(np.exp(length / radius(size, model) + offset))
            pools[crystal].append((float(radius(size, model)), float(np.log(mean))))
            checks.append(near(
                f"mean S beside a crystal of {size:.0f} units in a closed box, {what}", mean, expected,
                f"exp(l_c/r + b) with l_c = {length:.4g} nm and b = {offset:.2g} from the rates; the concentration of the "
                f"pool averaged over time, {SIX:g} standard errors, 2 % for the fit and for a box of "
                f"{size / units:.2g} of the atoms that wander", within=SIX * error + 0.02 * expected,
            ))

    def draw(axes: Any) -> None:
        for name, (r, log_s, length, offset) in seen.items():
            points = axes.plot(1.0 / r, log_s, "o", label=f"{name}, rates")[0]
            fine = np.linspace(0.0, (1.0 / r).max(), 50)
            axes.plot(fine, length * fine + offset, "-", color=points.get_color())
            if pools[name]:
                at, pool = np.array(pools[name]).T
                axes.plot(1.0 / at, pool, "x", markersize=9, color=points.get_color(), label=f"{name}, closed box")
        axes.set(xlabel="1/r / nm⁻¹", ylabel="ln S at equilibrium")
        axes.legend()

    bench.draw("Gibbs-Thomson on three lattices", draw)
    return checks


@case("lattice-ligands", "compounds with ligands on their cations: the rates' supersaturation is that of a closed box",
      engines=("lattice",))
def ligands(bench: Bench) -> list[Check]:
    checks = []
    for ligand in (1.5,) if bench.fast else (0.5, 1.0, 1.5):
        model = closed("zincblende", 3.0, 100, 8.0, 1.5, 1.0, ligand)
        largest, events, points = (140, 200_000, 3) if bench.fast else (180, 2_000_000, 6)
        found = measure_rates(model, largest=largest, events=events, points=points, rng=np.random.default_rng(4))
        duration = 1500.0 if bench.fast else 12_000.0
        held = closed("zincblende", 3.0, 100, 7.0, 1.3, duration, ligand)
        mean, error, size = concentration(bench, held, duration, 1500 if bench.fast else 12_000, 950)
        x = np.cbrt(1.0 / found.units)[::-1]
        expected = float(np.exp(np.interp(np.cbrt(1.0 / size), x, np.log(found.equilibrium)[::-1])))
        error = float(np.hypot(error, expected * found.error.max()))
        checks.append(near(
            f"mean S beside a crystal of {size:.0f} units in a closed box, bonds 3 kT, ligands {ligand:g} kT", mean, expected,
            "rates at the sizes around, whose S is the root of the product of both elements' departures over places; in "
            f"the box it is that of the mean of N_In N_As. {SIX:g} standard errors of both, 1 % for a line between sizes",
            within=SIX * error + 0.01 * expected,
        ))
    return checks


def concentration(
    bench: Bench, model: Model, duration: float, samples: int, seed: int
) -> tuple[float, float, float]:
    """Mean S over the later three quarters of a run, its standard error, and the mean size of the crystal.

    Of a compound it is the root of the mean product of the two concentrations, which is what equilibrium fixes.
    """
    run = bench.run(model, 81, seed)
    s, sizes = [], []
    for t in np.linspace(0.25 * duration, duration, samples):
        run.advance(float(t))
        counts = run.counts()
        s.append(counts.supersaturation)
        sizes.append(float(counts.sizes.max()))
    power = model.lattice.elements if model.lattice is not None else 1
    parts = np.array([np.mean(part**power) ** (1.0 / power) for part in np.array_split(np.array(s), 15)])
    return float(parts.mean()), float(parts.std(ddof=1) / np.sqrt(15)), float(np.mean(sizes))
