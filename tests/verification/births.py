"""V9: classical nucleation, its births and the size and fate of the nuclei."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from models import box, no_rates, tables
from scipy import stats
from scipy.integrate import solve_ivp
from verification import chain
from verification.boxes import FLAT, HOT, UNIT, spheres, surface_energy
from verification.cases import ALL, SIX, Bench, Check, case, certain, likely, near

from kmcgrowth.model.types import FloatArray, Model, Nucleation, PiecewiseLinear, Steps, Syringe
from kmcgrowth.physics import nucleation
from kmcgrowth.physics.constants import K_B

GAMMA = 0.12
"""Surface energy [J/m^2]."""

START = 12.0
"""Supersaturation at the start [dimensionless]."""

DISSOLUTION = 0.3 * 1.602176634e-19
"""Enthalpy by which the solubility rises with temperature [J]."""


def dissolved(temperature: float) -> float:
    """Solubility of a flat surface [1/m^3]."""
    return float(FLAT * np.exp(-DISSOLUTION / K_B * (1.0 / temperature - 1.0 / HOT)))


def nucleating_box(monomers: int, births: float, duration: float) -> Model:
    """Monomers that make nuclei which neither grow nor shrink; about ``births`` of them in ``duration``."""
    volume = monomers / (START * FLAT)
    barrier = nucleation.barrier(START, GAMMA, UNIT, HOT) / (K_B * HOT)
    prefactor = births / (volume * duration) * np.exp(barrier)
    law = Nucleation(
        "classical", prefactor=lambda T: float(prefactor), surface_energy=lambda T: GAMMA, encounter=lambda T: 1.0
    )
    return box(
        monomers,
        unit_volume=UNIT,
        control_volume=volume,
        flask_volume=volume,
        nucleation=law,
        tables=tables(no_rates, no_rates),
        temperature=PiecewiseLinear(np.array([0.0]), np.array([HOT])),
        solubility=dissolved,
    )


def expected_births(model: Model, duration: float) -> tuple[float, float, int, int, FloatArray]:
    """Births, units in them, smallest and largest nucleus, and the births at 2001 times, by integrating V9 with the formulas written out.

    dc/dt = -n J/0.92 - c V'/V, births = int J V/0.92 dt, J = A exp(-B/ln^2 S), n in the mean of a sphere of radius
    r* + (1/2) sqrt(k_B T/pi gamma), in one of the two whole sizes about it.
    """
    syringe = model.syringes[0] if model.syringes else None

    def volume(t: float) -> float:
        flow = syringe.rate(0.0) * min(t, syringe.volume / syringe.rate(0.0)) if syringe else 0.0
        return model.control_volume + flow

    def rate(t: float, monomers: float) -> tuple[float, float]:
        kt = K_B * model.temperature(t)
        log_s = np.log(monomers / volume(t) / dissolved(model.temperature(t)))
        if log_s <= 0.0:
            return 0.0, 2.0
        b = 16.0 * np.pi * GAMMA**3 * UNIT**2 / (3.0 * kt**3)
        radius = 2.0 * GAMMA * UNIT / (kt * log_s) + 0.5 * np.sqrt(kt / (np.pi * GAMMA))
        units = float(4.0 * np.pi * radius**3 / (3.0 * UNIT))
        return float(model.nucleation.prefactor(HOT) * np.exp(-b / log_s**2) * volume(t) / 0.92), units

    def derivative(t: float, y: Any) -> list[float]:
        j, units = rate(t, y[0])
        return [-units * j, j]

    found = solve_ivp(
        derivative,
        (0.0, duration),
        [float(model.initial[0]), 0.0],
        rtol=1e-9,
        max_step=duration / 500,
        dense_output=True,
    )
    times = np.linspace(0.0, duration, 2001)
    sizes = [rate(t, y)[1] for t, y in zip(times, found.sol(times)[0], strict=True)]
    taken = float(model.initial[0] - found.y[0, -1])
    return float(found.y[1, -1]), taken, int(min(sizes)), int(max(sizes)) + 1, found.sol(times)[1]


@case(
    "V9-births",
    "classical nucleation: births at a held concentration, on a temperature ramp and under dilution",
    engines=ALL,
)
def births(bench: Bench) -> list[Check]:
    number, checks = (2000.0 if bench.fast else 40_000.0), []
    courses: dict[str, tuple[FloatArray, FloatArray]] = {}
    held = nucleating_box(10**9, number, 100.0)
    ramp = replace(
        held, temperature=PiecewiseLinear(np.array([0.0, 60.0, 100.0]), np.array([HOT, HOT + 6.0, HOT - 2.0]))
    )
    feed = Syringe(
        0.0, Steps(np.zeros(1), np.array([0.002 * held.control_volume])), 0.1 * held.control_volume, {}, False
    )
    dilution = replace(held, syringes=(feed,))
    for i, (name, model) in enumerate({"held": held, "ramp": ramp, "dilution": dilution}.items()):
        expected, units, low, high, course = expected_births(model, 100.0)
        run, seen = bench.run(model, 90, i), []
        for time in np.linspace(0.0, 100.0, 21):
            run.advance(float(time))
            counts = run.counts()
            seen.append(float(counts.tallies["born"]))
        courses[name] = np.array(seen), course
        born = int(counts.tallies["born"])
        p = 2.0 * min(stats.poisson.cdf(born, expected), stats.poisson.sf(born - 1, expected))
        checks.append(
            likely(
                f"births, {name}",
                min(float(p), 1.0),
                "Poisson with mean int J V/0.92 dt",
                expected=f"{expected:.1f}",
                measured=str(born),
            )
        )
        there = counts.sizes[counts.nucleated >= 0.5]
        inside = bool(there.min() >= low and there.max() <= high)
        checks.append(
            certain(
                f"units in a nucleus, {name}",
                inside,
                "the whole sizes about a sphere of radius r* + (1/2) sqrt(k_B T/pi gamma)",
                expected=f"{low} to {high}",
                measured=f"{there.min()} to {there.max()}",
            )
        )
        taken = float(counts.sizes @ counts.nucleated)
        checks.append(
            near(
                f"units in all nuclei, {name}",
                taken,
                units,
                "as the births: 6.1 standard errors of their number",
                share=SIX / np.sqrt(expected) + 0.002,
            )
        )

    def draw(axes: Any) -> None:
        for name, (seen, course) in courses.items():
            (dots,) = axes.plot(np.linspace(0.0, 100.0, 21), seen, "o", markersize=3, label=name)
            axes.plot(np.linspace(0.0, 100.0, 2001), course, color=dots.get_color())
        axes.plot([], [], "k-", label="∫ J V/0.92 dt")
        axes.set(xlabel="time (s)", ylabel="particles born")
        axes.legend()

    bench.draw("births", draw)
    return checks


@case("V9-survival", "a share 0.92 of the nuclei at kT below the top of the barrier grows", engines=ALL)
def survival(bench: Bench) -> list[Check]:
    number, checks = (4000 if bench.fast else 40_000), []
    curves: list[tuple[str, FloatArray, int, float]] = []
    for i, (gamma, s) in enumerate(((0.12, 8.0), (0.15, 16.0))):
        size = round(float(nucleation.newborn_size(s, gamma, UNIT, HOT)))
        length = 2.0 * gamma * UNIT / (K_B * HOT)
        assert abs(surface_energy(length) - gamma) < 1e-12
        pool = 100_000 * number  # the survivors take 0.5 % of it while the last are undecided
        model = spheres(np.full(number, size), pool, s * FLAT, length, linear=False)
        attach, detach = model.tables(HOT, 40 * size)
        chance = chain.growth_chance(attach, detach, s * FLAT, size, 40 * size)
        run = bench.run(model, 91, i)
        # long enough for the undecided few: until the survivors have passed four times the critical size
        step, time = 10.0 / (attach[size] * s * FLAT), 0.0
        while True:
            time += step
            run.advance(time)
            counts = run.counts()
            if counts.seed[counts.sizes <= 2.5 * size].sum() < 1e-6 * number:
                break
        lost = int(counts.tallies["dissolved_seed"])
        alive = 1.0 - lost / number
        p = stats.binomtest(number - lost, number, chance).pvalue
        ladder = [chain.growth_chance(attach, detach, s * FLAT, n, 40 * size) for n in range(2, 2 * size)]
        curves.append((f"S = {s:g}", np.array(ladder), size, alive))
        checks += [
            likely(
                f"survivors at S = {s:g}, n = {size}",
                float(p),
                "binomial with the exact chance of the chain of single steps to grow (gambler's ruin)",
                expected=f"{chance:.4f}",
                measured=f"{alive:.4f}",
            ),
            near(
                f"survivors at S = {s:g} against (1 + erf 1)/2",
                alive,
                nucleation.NEWBORN_SURVIVAL,
                f"parabolic top of the barrier; whole units and its asymmetry for nuclei of {size} units make the "
                f"chain's own value "
                f"{chance:.3f}",
                within=0.03,
            ),
        ]

    def draw(axes: Any) -> None:
        for name, ladder, size, alive in curves:
            (line,) = axes.plot(np.arange(2, 2 + len(ladder)), ladder, label=f"{name}, single steps")
            axes.plot(size, alive, "o", color=line.get_color(), label=f"{name}, simulated")
        axes.axhline(nucleation.NEWBORN_SURVIVAL, color="0.6", zorder=0, linestyle="--", label="(1 + erf 1)/2")
        axes.set(xlabel="formula units of the nucleus", ylabel="chance to grow")
        axes.legend(loc="lower right")

    bench.draw("survival of nuclei", draw)
    return checks
