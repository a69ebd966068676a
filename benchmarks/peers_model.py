"""The benchmark model of stirred ensembles: attachment, detachment and release, sizes to 3000."""

from __future__ import annotations

import numpy as np

from kmcgrowth.model.types import (
    FloatArray,
    Model,
    Nucleation,
    PiecewiseLinear,
    RateConstant,
    Reaction,
    SeedPopulation,
)

S0 = 1e4


def tables(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
    """a_n = n^(1/3)/S0 per monomer, d_n = (n-1)^(1/3) exp(4[n^(2/3) - (n-1)^(2/3)]), in a volume of 1."""
    n = np.arange(n_max + 1, dtype=float)
    attach = np.cbrt(n) / S0
    detach = np.zeros(n_max + 1)
    detach[2:] = np.cbrt(n[1:-1]) * np.exp(4.0 * (n[2:] ** (2 / 3) - n[1:-1] ** (2 / 3)))
    return attach, detach


def peers_model(particles: int, sizes: int = 3000, release: float = 0.01, seed: int = 7) -> Model:
    """The bare benchmark model in a volume of 1 m^3, as a Model built by hand."""
    mean = 0.4 * sizes
    units = np.maximum(np.rint(np.random.default_rng(seed).normal(mean, 0.1 * mean, particles)), 2).astype(np.int64)
    attach, detach = tables(0.0, sizes)
    monomers = round(particles * detach[int(mean)] / (particles * attach[int(mean)]))
    exchange = 2.0 * particles * detach[int(mean)]
    clusters = 50 * particles
    return Model(
        material="benchmark", unit_volume=1.0, species=("monomer", "C"), parent=np.array([0, 1]),
        formula_units=np.array([1, 1]), elements=("formula_unit",), atoms=np.array([[1], [1]]),
        unit_atoms=np.array([1]), initial=np.array([monomers, clusters]),
        seeds=(SeedPopulation(particles, "units", units=units),), control_volume=1.0, flask_volume=1.0, expansion=0.0,
        temperature=PiecewiseLinear(np.array([0.0]), np.array([300.0])), solubility=lambda T: S0,
        capillary_length=lambda T: 0.0, tables=tables, nucleation=Nucleation(),
        reactions=(
            Reaction("C -> monomer", {1: 1}, {0: 1}, {1: 1.0}, RateConstant(release * exchange / clusters)),
        ),
        sticking=(), syringes=(), withdrawals=(), duration=100.0, snapshots=np.array([0.0, 100.0]),
    )
