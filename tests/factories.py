"""Synthetic models and histories: what an engine would hand over, without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kmcgrowth.dataset import build
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model, Nucleation, PiecewiseLinear, RateConstant, Reaction, SeedPopulation

UNIT_VOLUME = 0.05559e-27
"""InAs [m^3]."""

FLASK = 7.5e-6
HOURS = 3600.0


def model(seeds: int = 20000, snapshots: Sequence[float] = (0.0,), flask: float = FLASK, **changes: Any) -> Model:
    """InAs with two clusters, an intermediate hidden under the second, and a loss channel."""
    density = 0.1 * 6.02214076e23  # 0.1 mM of seeds [1/m^3]
    control = (seeds or 20000) / density
    made = Model(
        material="InAs", unit_volume=UNIT_VOLUME,
        species=("monomer", "AMC", "MSC", "_MSC_open"), parent=np.array([0, 1, 2, 2]),
        formula_units=np.array([1, 22, 22, 10]), elements=("In", "As"),
        atoms=np.array([[1, 1], [22, 22], [22, 22], [10, 10]]),
        unit_atoms=np.array([1, 1]), initial=np.zeros(4, dtype=np.int64),
        seeds=(SeedPopulation(seeds, "normal", 2.5e-9, 0.12),) if seeds else (),
        control_volume=control, flask_volume=flask,
        expansion=0.0, temperature=PiecewiseLinear(np.array([0.0]), np.array([573.15])), solubility=lambda T: 6e20,
        capillary_length=lambda T: 2.1e-9, tables=lambda T, n: (np.ones(n + 1), np.ones(n + 1)),
        nucleation=Nucleation(),
        reactions=(Reaction("decay", {1: 1}, {}, {1: 1.0}, RateConstant(0.0), lost=True),), sticking=(), syringes=(),
        withdrawals=(), duration=2 * HOURS, snapshots=np.asarray(snapshots, dtype=float),
    )
    return replace(made, **changes)


def units(diameter_nm: Any) -> Any:
    """Formula units, at least two, of spheres of these diameters [nm]."""
    return np.maximum(np.rint(np.pi * (np.asarray(diameter_nm) * 1e-9) ** 3 / (6 * UNIT_VOLUME)), 2).astype(np.int64)


def counts(m: Model, time: float, seed: Any, nucleated: Any = (), **changes: Any) -> Counts:
    """A snapshot with these particles [formula units of each]."""
    seed, nucleated = np.asarray(seed, dtype=np.int64), np.asarray(nucleated, dtype=np.int64)
    sizes = np.unique(np.concatenate([seed, nucleated]))
    tally = [np.bincount(np.searchsorted(sizes, n), minlength=sizes.size).astype(np.int64) for n in (seed, nucleated)]
    amounts = changes.pop("amounts", np.array([130, 4000, 900, 100]))
    inside = int(seed.sum() + nucleated.sum())
    places = {"solution": amounts @ m.atoms, "particles": inside * m.unit_atoms, "debt": 0 * m.unit_atoms,
              "aliquot": 0 * m.unit_atoms, "lost": 0 * m.unit_atoms, "syringe": 10**6 * m.unit_atoms}
    made = Counts(
        time=float(time), sizes=sizes, seed=tally[0], nucleated=tally[1], amounts=amounts, volume=m.control_volume,
        temperature=573.15, injected_volume=0.0, supersaturation=12.0, matter=places,
        tallies={"events": 10 * int(time) + inside, "born": nucleated.size, "dissolved_seed": 0,
                 "dissolved_nucleated": 0, "largest_debt": 0, "lost:decay": 0},
    )
    return replace(made, **changes)


def focusing(
    seed: int = 0, *, particles: int = 20000, snapshots: int = 41, nucleates: bool = False
) -> tuple[Model, list[Counts]]:
    """Seeds that grow from 2.5 nm +- 12 % to 4.8 nm +- 4.5 % in 2 h while fed; a second population on request."""
    rng = np.random.default_rng(seed)
    times = np.linspace(0.0, 2 * HOURS, snapshots)
    m = model(particles, times)
    z = rng.standard_normal(particles)
    birth = rng.uniform(0.05, 0.6, particles // 2)
    w = rng.standard_normal(birth.size)
    history = []
    for t in times:
        f = t / times[-1]
        mean = (2.5**3 + (4.8**3 - 2.5**3) * f) ** (1 / 3)
        d = mean * (1 + (0.12 * (2.5 / mean) ** 1.5) * z)
        alive = birth < f
        young = (1.4**3 + 50.0 * np.maximum(f - birth[alive], 0)) ** (1 / 3) * (1 + 0.03 * w[alive])
        fed = min(1.2 * f, 1.0)
        amounts = np.array([130 if t else 0, int(3e5 * fed * (1 - 0.7 * f)), int(4e4 * f), int(3e3 * f)])
        born = units(young) if nucleates else ()
        history.append(counts(
            m, t, units(d), born, amounts=amounts, injected_volume=9e-6 * fed,
            volume=m.control_volume * (1 + 1.2 * fed), temperature=573.15 - 12 * np.exp(-f * 30) * (f > 0),
            supersaturation=1.0 + 14.0 * np.exp(-f) * min(1.0, 20 * f),
        ))
    return m, history


def dataset(m: Model, history: Any, **changes: Any) -> Any:
    """The dataset of a history with plain provenance."""
    given: dict[str, Any] = {
        "recipe_text": 'material = "InAs"\n', "files": {"log.csv": "time_s,temperature_C\n0,300\n"}, "seed": 1,
        "bit_generator": {"bit_generator": "PCG64", "state": {"state": 2**100, "inc": 3}}, "method": "exact",
        "wall_seconds": 2.5, "complete": True, "notes": ("a note",), "changes": {"flask.volume": "7.5 mL"},
        "title": "InAs seeds fed with amorphous clusters, 6 mL/h at 300 °C",
        "source": "10.1021/jacsau.3c00809, Fig. 4A",
    }
    return build(m, history, **(given | changes))
