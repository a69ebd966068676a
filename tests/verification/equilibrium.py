"""V7: one particle in a closed box against the canonical distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from models import box, particles
from scipy import stats
from scipy.special import gammaln
from verification.boxes import DIFFUSION, FLAT, HOT, UNIT, radius, surface_energy
from verification.cases import STOCHASTIC, Bench, Check, case, likely, near

from kmcgrowth.model.types import FloatArray, Model, PiecewiseLinear
from kmcgrowth.physics.constants import K_B
from kmcgrowth.physics.gibbs_thomson import sphere_free_energy
from kmcgrowth.physics.growth import rate_tables

TOTAL = 100
"""Formula units in the box."""

DISSOLVED = 14.0
"""Monomers in the box in equilibrium with a flat surface."""

LENGTH = 3.0 * float(radius(1.0))
"""Capillary length [m]."""


def free_energies(n_max: int, magic: bool) -> FloatArray:
    """F_s(n) of spheres, with deep and shallow sizes on top if ``magic`` [J]."""
    n = np.arange(n_max + 1.0)
    energy: FloatArray = sphere_free_energy(n, UNIT, surface_energy(LENGTH))
    if magic:
        energy = energy - K_B * HOT * (1.5 * (n == 68) + 1.0 * (n == 74) + 0.7 * np.cos(0.9 * n))
    return energy


def model_of(magic: bool) -> Model:
    """The box; rates in detailed balance with the free energies."""
    volume = DISSOLVED / FLAT

    def tables(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        return rate_tables(
            temperature,
            n_max,
            unit_volume=UNIT,
            diffusion=DIFFUSION,
            surface_rate=np.inf,
            solubility=FLAT,
            surface_energy=surface_energy(LENGTH),
            free_energy=free_energies(n_max, magic) if magic else None,
        )

    return box(
        TOTAL - 60,
        seeds=particles(60),
        unit_volume=UNIT,
        control_volume=volume,
        flask_volume=volume,
        tables=tables,
        temperature=PiecewiseLinear(np.array([0.0]), np.array([HOT])),
        solubility=lambda T: FLAT,
        capillary_length=lambda T: LENGTH,
    )


def canonical(magic: bool) -> FloatArray:
    """P(n) of a particle of n units with TOTAL - n free monomers, n = 0..TOTAL.

    P(n) ~ exp[-F_s(n)/k_B T] (V c_inf)^m/m! with m = TOTAL - n: the monomers are an ideal gas whose chemical
    potential is that of the bulk crystal at c_inf. Only free energies enter, no rates.
    """
    n = np.arange(2, TOTAL + 1)
    free = TOTAL - n
    log_p = -free_energies(TOTAL, magic)[2:] / (K_B * HOT) + free * np.log(DISSOLVED) - gammaln(free + 1.0)
    p = np.zeros(TOTAL + 1)
    p[2:] = np.exp(log_p - log_p.max())
    return p / p.sum()


def hold(bench: Bench, magic: bool) -> list[Check]:
    """Repeat the box many times and compare the size of the particle at a late time."""
    model, p, times = model_of(magic), canonical(magic), 500 if bench.fast else 6000
    n = np.arange(TOTAL + 1)
    least = int(np.argmin(p[10:60])) + 10  # top of the barrier to dissolution
    stable = np.where(n > least, p, 0.0)
    lost = float(p[: least + 1].sum() / p.sum())
    stable /= stable.sum()
    attach, _ = model.tables(HOT, TOTAL)
    # the particle forgets its start within Var(n)/rate of steps; twenty times that
    mean = float(stable @ n)
    spread = float(stable @ (n - mean) ** 2)
    duration = 20.0 * spread / (attach[60] * (TOTAL - mean) / model.control_volume)
    sizes, free = [], []
    for k in range(times):
        run = bench.run(model, 70 + magic, k)
        run.advance(duration)
        counts = run.counts()
        if counts.sizes.size == 1:
            sizes.append(int(counts.sizes[0]))
            free.append(int(counts.amounts[0]))
    seen = np.bincount(sizes, minlength=TOTAL + 1)
    chi = chi_square(seen, stable)
    supersaturation = float(np.mean(free)) / DISSOLVED
    name = "table F_s(n) with magic sizes" if magic else "sphere"

    def draw(axes: Any) -> None:
        axes.bar(n, seen / seen.sum(), color="0.8", label="simulated")
        axes.plot(n, stable, "o-", markersize=3, label="canonical")
        axes.set(xlabel="formula units", ylabel="probability", xlim=(45, 95))
        axes.legend()

    bench.draw("one particle in a closed box" + (", magic sizes" if magic else ""), draw)
    checks = [
        likely(
            f"P(n), {name}",
            chi,
            f"chi-square against the enumerated canonical distribution, {times} boxes; sizes below the "
            f"barrier hold {lost:.1g} of it and are left out",
            expected=f"mean {mean:.3f}, std {np.sqrt(spread):.3f}",
            measured=f"mean {np.mean(sizes):.3f}, std {np.std(sizes):.3f}",
        ),
        near(
            f"boxes whose particle is still there, {name}",
            float(len(sizes)) / times,
            1.0,
            "the barrier to dissolution is high; 1 % may cross it",
            within=0.01,
        ),
    ]
    if not magic:
        gibbs = float(np.exp(LENGTH / radius(mean)))
        checks.append(
            near(
                "mean S",
                supersaturation,
                gibbs,
                "Gibbs-Thomson exp(l_c/r) at the mean size; a finite box and steps of "
                "one unit move it by a few per cent",
                share=0.05,
            )
        )
    return checks


def chi_square(seen: Any, chance: FloatArray) -> float:
    """p-value; cells in order of size are merged until each expects at least ten."""
    total, cells, now = seen.sum(), [], np.zeros(2)
    for s, c in zip(seen, chance, strict=True):
        now += (s, c * total)
        if now[1] >= 10.0:
            cells.append(now)
            now = np.zeros(2)
    cells[-1] = cells[-1] + now
    found, wanted = np.array(cells).T
    return float(stats.chisquare(found, wanted * found.sum() / wanted.sum()).pvalue)


@case("V7-sphere", "a sphere in a closed box: canonical distribution of its size, Gibbs-Thomson supersaturation",
      engines=STOCHASTIC)
def sphere(bench: Bench) -> list[Check]:
    return hold(bench, False)


@case("V7-table", "a particle with magic sizes in a closed box: canonical distribution of its size", engines=STOCHASTIC)
def table(bench: Bench) -> list[Check]:
    return hold(bench, True)
