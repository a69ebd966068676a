"""What ``kmcgrowth check`` tells of a lattice recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import Model, PiecewiseLinear
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B, N_A

BYTES_PER_SITE = 8.0
BYTES_PER_ATOM = 60.0
"""Lists of the kernel, and arrays while particles are counted [bytes]."""

BYTES_PER_FRAME_ATOM = 5.0 * 3.0
"""Site and origin of an atom that a result keeps, copied while it is written [bytes]."""

SAMPLE = 100_000
"""Events from which the rest of a run is foretold."""

LOOKS = 5
"""Pauses of the kernel after which a forecast makes do with fewer."""


@dataclass(frozen=True)
class LatticeForecast:
    """What a run will roughly cost.

    Attributes
    ----------
    events : float [dimensionless]
    seconds : float, wall time of one replicate [s]
    """

    events: float
    seconds: float


def lattice_forecast(model: Model) -> LatticeForecast:
    """Run the beginning, at the mean of a supersaturation that changes, and go on in a straight line.

    The first events are left out where there are enough: fresh crystals lose their loose atoms in no time.
    """
    lattice = model.lattice
    assert lattice is not None
    held = [np.array([_mean(p, model.duration)]) for p in lattice.supersaturation]
    programs = tuple(PiecewiseLinear(np.zeros(1), value) for value in held)
    model = replace(model, lattice=replace(lattice, supersaturation=programs))
    run = _run_class(lattice.solution)(model, np.random.Generator(np.random.SFC64(0)))
    looks = [(0.0, 0, perf_counter())]

    def seen(time: float, events: int) -> None:
        looks.append((time, events, perf_counter()))

    finished = run.advance(
        model.duration, progress=seen, stop=lambda: run.events >= SAMPLE or len(looks) > LOOKS,
    )
    if finished:
        looks = [looks[0], (model.duration, run.events, perf_counter())]
    begin, end = looks[-2], looks[-1]
    if not end[0] > begin[0]:
        begin = looks[0]
    share = (model.duration - begin[0]) / max(end[0] - begin[0], 1e-300)
    before = perf_counter()
    run.counts()
    told = model.snapshots.size * (perf_counter() - before)
    return LatticeForecast(begin[1] + share * (end[1] - begin[1]),
                           begin[2] - looks[0][2] + share * (end[2] - begin[2]) + told)


def _mean(program: PiecewiseLinear, duration: float) -> float:
    """Mean over time."""
    time = np.unique(np.concatenate([np.linspace(0.0, duration, 2001), np.clip(program.time, 0.0, duration)]))
    return float(np.trapezoid([program(float(t)) for t in time], time) / duration)


def lattice_bytes(model: Model, atoms: float | None = None) -> float:
    """Memory of a lattice run, good to a factor of two [bytes].

    Parameters
    ----------
    model : Model with a ``lattice``
    atoms : atoms in crystals; by default all matter there is
    """
    lattice = model.lattice
    assert lattice is not None
    sites = float(np.prod(lattice.cells)) * lattice.crystal.sites
    if atoms is None:
        feed = sum(n * float(model.formula_units[i]) for s in model.syringes for i, n in s.contents.items())
        units = float(model.initial @ model.formula_units) + feed + start_units(model)
        atoms = min(units * lattice.elements, sites)
    frames = min(lattice.frames, model.snapshots.size)
    return 1.3e8 + BYTES_PER_SITE * sites + atoms * (BYTES_PER_ATOM + BYTES_PER_FRAME_ATOM * frames)


def start_units(model: Model) -> float:
    """Formula units in crystals at the start, about."""
    lattice = model.lattice
    assert lattice is not None
    held = sum(p.number * np.pi * p.diameter**3 / (6.0 * model.unit_volume) for p in model.seeds)
    edges = lattice.edges
    for p in lattice.particles:
        whole = {"slab": p.thickness / edges[2], "box": 1.0}.get(p.shape, 0.0)
        units = whole * float(np.prod(edges)) / lattice.unit_volume
        if p.shape == "file":
            units = p.text.count("\n") / lattice.elements
        held += p.count * (p.units or units)
    return float(held)


def require_lattice_memory(model: Model, at_once: int, present: float) -> None:
    """Refuse a lattice that does not fit into the memory that is ``present`` [bytes].

    Raises
    ------
    BadInput
    """
    needed = at_once * lattice_bytes(model, start_units(model) * 2.0)
    if needed > present:
        raise BadInput(
            f"lattice.box: the run needs about {needed / 1e9:.2g} GB of memory, but this machine has "
            f"{present / 1e9:.2g} GB; make the box smaller, or keep fewer frames."
        )


def lattice_report(model: Model, title: str) -> str:
    """The lattice, its energies and rates at the start, and what the run will roughly cost."""
    lattice = model.lattice
    assert lattice is not None
    run = _run_class(lattice.solution)(model, np.random.Generator(np.random.SFC64(0)))
    temperature = model.temperature(0.0)
    thermal = K_B * temperature
    bond = lattice.bond
    c = lattice.crystal
    edges = " x ".join(f"{e * 1e9:.4g}" for e in lattice.edges)
    cells = " x ".join(str(n) for n in lattice.cells)
    energy = f"{bond / ELEMENTARY_CHARGE:.4g} eV per bond, {bond / thermal:.3g} kT at {temperature - 273.15:.4g} degC"
    surface = bond * c.broken / lattice.constant**2 / 2.0
    counts = run.counts()
    solubility = model.solubility(temperature)
    attach = lattice.attach_rate(temperature)
    lines = [title] if title else []
    lines += [
        _line("material", f"{model.material} as {c.name}, a = {lattice.constant * 1e9:.5g} nm"),
        _line("box", f"{edges} nm, {cells} cells, {run.box.sites} sites"),
        _line("energies", f"{energy}: {surface:.3g} J/m^2 for {c.face}"),
    ]
    if lattice.second_bond:
        lines.append(_line("second shell", f"{lattice.second_bond / ELEMENTARY_CHARGE:.4g} eV per pair"))
    if lattice.ligand:
        lines.append(_line("ligands", f"{lattice.ligand / ELEMENTARY_CHARGE:.4g} eV on a cation that lacks neighbours"))
    lines.append(_line("solution", _solution(model)))
    crystals = int(counts.seed.sum())
    atoms = int(counts.matter["particles"].sum())
    number = "1 crystal" if crystals == 1 else f"{crystals} crystals"
    lines.append(_line("at the start", f"{number}, {atoms} atoms in all"))
    if np.isfinite(attach):
        rates = run.energetics.detach_rates(attach, solubility, temperature)
        groups = run.energetics.groups
        single = rates[(groups[:, 1] == 1)].max()
        kink = f"{attach * solubility:.3g} /s at a kink, {single:.3g} /s with a single bond"
        lines.append(_line("leaving", f"{kink}; flat solubility {solubility / N_A * 1e3:.3g} uM"))
        hop = lattice.hop_prefactor(temperature)
        if hop > 0.0:
            hops = run.energetics.hop_rates(hop, lattice.hop_barrier, temperature)[groups[:, 1] == 1].max()
            lines.append(_line("hopping", f"{hops:.3g} /s with a single bond, all directions together"))
    del run  # or two boxes would be in memory
    cost = lattice_forecast(model)
    events = f"{cost.events:.1e}, if it goes on as it begins" if cost.events >= 1.0 else "fewer than one"
    lines += [
        "", _line("expected events", events),
        _line("engine", "exact, every event"),
        _line("expected time", f"{max(cost.seconds, 0.1):.2g} s (to a factor of some three)"),
        _line("expected memory", f"{lattice_bytes(model) / 1e6:.0f} MB"),
    ]
    return "\n".join(lines)


def _run_class(solution: str) -> Any:
    if solution == "walkers":
        from kmcgrowth.lattice.walk_run import WalkRun

        return WalkRun
    from kmcgrowth.lattice.run import LatticeRun

    return LatticeRun


def _solution(model: Model) -> str:
    lattice = model.lattice
    assert lattice is not None
    s = _supersaturation(lattice.supersaturation)
    if lattice.solution == "fixed":
        return f"fixed, supersaturation {s}"
    volume = model.control_volume * 1e27
    kind = "stirred" if lattice.solution == "pool" else "walkers"
    if s:
        kind += f" in a reservoir of supersaturation {s}"
    held = ", ".join(f"{n} {name}" for name, n in zip(model.species, model.initial, strict=True) if n)
    return f"{kind}, {volume:.4g} nm^3 with {held or 'nothing dissolved'}"


def _supersaturation(programs: tuple[PiecewiseLinear, ...]) -> str:
    """As the recipe says it: the geometric mean of the elements, first to last, and how they differ."""
    if not programs:
        return ""
    values = np.array([p.value for p in programs])
    mean = [f"{v:.4g}" for v in np.prod(values, axis=0) ** (1.0 / len(values))]
    ratio = float(np.median(values[0] / np.where(values[-1] > 0.0, values[-1], np.nan)))
    told = " to ".join(dict.fromkeys((mean[0], mean[-1])))
    return told if not np.isfinite(ratio) or np.isclose(ratio, 1.0) else f"{told}, ratio {ratio:.4g} of cation to anion"


def _line(name: str, text: str) -> str:
    return f"{name:<17}{text}"
