"""A recipe and its forecast in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.model.types import REFERENCE_TEMPERATURE, Coalescence, Model, RateConstant, SeedPopulation, Syringe
from kmcgrowth.physics.constants import N_A
from kmcgrowth.reactor.forecast import Forecast

if TYPE_CHECKING:
    from kmcgrowth.recipe import Recipe

_WIDTH = 17


def description(recipe: Recipe, model: Model, method: str) -> str:
    """What will be simulated, one line each."""
    lines = [recipe.title] if recipe.title else []
    low, high = _temperatures(model)
    scale = model.flask_volume / model.control_volume
    where = f"{low - 273.15:.4g} degC" if low == high else f"{low - 273.15:.4g} to {high - 273.15:.4g} degC"
    lines.append(_line("material", f"{model.material}, {model.unit_volume * 1e27:.4g} nm^3 a formula unit"))
    lines.append(_line("flask", f"{model.flask_volume * 1e6:.4g} mL, {where}{_contents(model)}"))
    lines += [_line("seeds", _seeds(model, p)) for p in model.seeds]
    lines += [_line("injection", _injection(model, s, scale)) for s in model.syringes]
    lines += [_line("withdrawal", f"{w.volume * scale * 1e6:.4g} mL at {_minutes(w.time)}") for w in model.withdrawals]
    for reaction in model.reactions:
        if not any(model.species[i].startswith("_") for i in reaction.reactants):
            pace = _pace(sum(reaction.orders.values()), reaction.rate, low, high)
            lines.append(_line("loss" if reaction.lost else "reaction", f"{reaction.name}: {pace}"))
    lines += [_line("sticking", f"{model.species[s.species]}, {s.units} formula units at once") for s in model.sticking]
    lines += [_line("growth", text) for text in _growth(recipe, model, low, high)]
    lines.append(_line("nucleation", _nucleation(model, low, high)))
    if model.coalescence.law != "none":
        lines.append(_line("coalescence", _coalescence(model, low, high)))
    particles = sum(p.number for p in model.seeds)
    lines.append(_line(
        "control volume",
        f"{model.control_volume * 1e18:.4g} um^3 with {particles} seeds and {int(model.initial.sum())} molecules, "
        f"{sum(sum(s.contents.values()) for s in model.syringes)} molecules in the syringes",
    ))
    simulation = f"{_minutes(model.duration)}, {model.snapshots.size} snapshots, method {method}"
    lines.append(_line("simulation", simulation))
    return "\n".join(lines)


def course_table(model: Model, course: Forecast) -> str:
    """The forecast as a table: S, focusing number, nucleation over its limit, sizes."""
    head = ["time", "T", "S", "k", "J/J_1%", "diameter", "width", "seeds", "nucleated"]
    unit = ["min", "degC", "1", "1", "1", "nm", "%", "%", "% of seeds" if course.seeds[0] else "particles"]
    first = float(course.seeds[0])
    share = 100.0 / first if first else 1.0
    rows = []
    for i in range(course.time.size):
        limit = course.nucleation_limit[i]
        rows.append([
            f"{course.time[i] / 60.0:.4g}", f"{course.temperature[i] - 273.15:.4g}", f"{course.supersaturation[i]:.3g}",
            _number(course.focusing[i], ".3g"), _number(course.nucleation[i] / limit, ".1e"),
            _number(course.mean_diameter[i] * 1e9, ".3f"), _number(100.0 * course.relative_std[i], ".1f"),
            _number(share * course.seeds[i] if first else np.nan, ".4g"), f"{share * course.born[i]:.2g}",
        ])
    width = [max(len(row[c]) for row in [head, unit, *rows]) for c in range(len(head))]
    text = ["  ".join(cell.rjust(w) for cell, w in zip(row, width, strict=True)) for row in [head, unit, *rows]]
    explained = (
        "S: monomer over solubility. k: focusing number; above 1.5 the relative width shrinks, above 2 the absolute.\n"
        "J/J_1%: nucleation over the rate that makes 1 % of the seeds within the focusing time.\n"
        "diameter, width: mean and relative standard deviation of all particles. seeds, nucleated: those alive."
    )
    return "\n".join(["forecast", *text, explained])


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}}{text}"


def _number(value: float, style: str) -> str:
    return format(value, style) if np.isfinite(value) else "-"


def _minutes(seconds: float) -> str:
    return f"{seconds:.4g} s" if seconds < 120.0 else f"{seconds / 60.0:.4g} min"


def _temperatures(model: Model) -> tuple[float, float]:
    return float(np.min(model.temperature.value)), float(np.max(model.temperature.value))


def _contents(model: Model) -> str:
    amounts = zip(model.species, model.initial / N_A / model.control_volume, strict=True)
    held = [f"{name} {c:.3g} mM" for name, c in amounts if c > 0.0]
    return ", with " + ", ".join(held) if held else ""


def _seeds(model: Model, population: SeedPopulation) -> str:
    number = f"{population.number} simulated, {population.number / N_A / model.control_volume:.3g} mM"
    if population.shape in ("normal", "lognormal"):
        width = f"{100.0 * population.relative_std:.3g} % ({population.shape})"
        return f"{population.diameter * 1e9:.4g} nm, {width}; {number}"
    if population.shape == "sizes":
        mean = population.diameters.mean() * 1e9
        return f"{population.diameters.size} measured diameters, mean {mean:.4g} nm; {number}"
    return f"{population.units.mean():.4g} formula units; {number}"


def _injection(model: Model, syringe: Syringe, scale: float) -> str:
    inside = ", ".join(
        f"{model.species[i]} {n / N_A / syringe.volume:.3g} mM" for i, n in syringe.contents.items() if n
    ) or "solvent"
    volume = f"{syringe.volume * scale * 1e6:.4g} mL of {inside}"
    if syringe.shot:
        return f"{volume}, at once at {_minutes(syringe.start)}"
    flows = sorted({v for v in syringe.rate.value.tolist() if v > 0.0})
    rate = " to ".join(f"{v * scale * 6e7:.3g}" for v in ([flows[0], flows[-1]] if len(flows) > 1 else flows))
    return f"{volume}, {rate} mL/min from {_minutes(syringe.start)} on"


def _pace(order: float, rate: RateConstant, low: float, high: float) -> str:
    """Lifetime of a first-order reaction, or the rate constant of another, at the temperatures met."""
    texts = []
    for T in dict.fromkeys((low, high)):
        k = rate(T)
        if order == 1.0:
            value = f"lifetime {_duration(1.0 / k)}" if k > 0.0 else "never"
        else:
            value = f"k = {k * (N_A * 1e3) ** (order - 1.0):.3g} M^{1.0 - order:g}/s"
        texts.append(f"{value} at {T - 273.15:.4g} degC")
    return ", ".join(texts)


def _duration(seconds: float) -> str:
    for unit, scale in (("years", 3.156e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= 2.0 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _growth(recipe: Recipe, model: Model, low: float, high: float) -> list[str]:
    growth, texts = recipe.growth, []
    for T in dict.fromkeys((low, high)):
        at = f"at {T - 273.15:.4g} degC"
        solubility = f"solubility {model.solubility(T) / N_A * 1e3:.3g} uM"
        if growth.law == "table":
            texts.append(f"rates from a table, {solubility} {at}")
            continue
        rate = growth.surface_rate(T)
        surface = f"surface rate {rate * 1e9:.3g} nm/s" if np.isfinite(rate) else "surface rate inf (diffusion limit)"
        texts.append(
            f"{growth.law}: D {growth.diffusion(T) * 1e18:.3g} nm^2/s, {surface}, {solubility}, "
            f"surface energy {growth.surface_energy(T):.3g} J/m^2, "
            f"capillary length {model.capillary_length(T) * 1e9:.3g} nm {at}"
        )
    if model.expansion:
        percent = 100.0 * model.expansion * (high - REFERENCE_TEMPERATURE)
        texts.append(f"the liquid expands by {percent:.3g} % from 25 degC")
    return texts


def _coalescence(model: Model, low: float, high: float) -> str:
    law = model.coalescence
    slow, fast = law.rate(low), law.rate(high)
    pace = f"{slow:.3g}" if slow == fast else f"{slow:.3g} to {fast:.3g}"
    limit = "" if law.largest == Coalescence.largest else f", up to {law.largest} formula units"
    return f"{law.law}, {pace} m^3/s a pair{' times (r1 + r2)^2/(r1 r2)' if law.law == 'brownian' else ''}{limit}"


def _nucleation(model: Model, low: float, high: float) -> str:
    law = model.nucleation
    if law.law == "cluster":
        return f"cluster: {model.species[law.cluster]} becomes a particle, {_pace(1.0, law.rate, low, high)}"
    if law.law in ("classical", "power"):
        exponent = f", exponent {law.exponent:g}" if law.law == "power" else ""
        return f"{law.law}, prefactor {law.prefactor(high):.3g} /m^3/s{exponent}"
    return law.law
