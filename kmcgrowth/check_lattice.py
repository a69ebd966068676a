"""What ``kmcgrowth check`` tells of a lattice recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import Model
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B, N_A

BYTES_PER_SITE = 8.0
BYTES_PER_ATOM = 60.0
"""Lists of the kernel, and arrays while particles are counted [bytes]."""

BYTES_PER_FRAME_ATOM = 5.0 * 3.0
"""Site and origin of an atom that a result keeps, copied while it is written [bytes]."""

EVENTS_PER_SECOND = 4e6
"""Of wall time, on one core."""


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
    per_second = run.rate_now()
    events = per_second * model.duration
    seconds = events / EVENTS_PER_SECOND
    lines += [
        "", _line("expected events", f"{events:.1e}, if it goes on as it begins"),
        _line("engine", "exact, every event"),
        _line("expected time", f"{seconds:.2g} s"),
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
    s = [f"{v:.4g}" for p in lattice.supersaturation[:1] for v in p.value]
    if lattice.solution == "fixed":
        return f"fixed, supersaturation {' to '.join(dict.fromkeys((s[0], s[-1])))}"
    volume = model.control_volume * 1e27
    kind = "stirred" if lattice.solution == "pool" else "walkers"
    if s:
        kind += f" in a reservoir of supersaturation {' to '.join(dict.fromkeys((s[0], s[-1])))}"
    held = ", ".join(f"{n} {name}" for name, n in zip(model.species, model.initial, strict=True) if n)
    return f"{kind}, {volume:.4g} nm^3 with {held or 'nothing dissolved'}"


def _line(name: str, text: str) -> str:
    return f"{name:<17}{text}"
