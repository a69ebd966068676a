"""V10 and V11: growth laws between the limits, supply that decides how many are born, and superfocusing."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from models import VOLUME, box, no_rates, power_law, species, tables
from scipy.integrate import solve_ivp
from verification.boxes import (
    DIFFUSION,
    FLAT,
    HOT,
    SURFACE_RATE,
    UNIT,
    Moments,
    moments,
    radius,
    spheres,
    stratified_normal,
    surface_energy,
    weighted,
    zeroth_order,
)
from verification.cases import ALL, SIX, Bench, Check, between, case, near
from verification.figures import plain_ticks

from kmcgrowth.model.types import FloatArray, IntArray, Model, Nucleation, PiecewiseLinear
from kmcgrowth.physics import nucleation
from kmcgrowth.physics.focusing import shot_noise_variance
from kmcgrowth.physics.growth import rate_tables

TALAPIN = {1e-3: (0.196, 0.202), 0.1: (0.207, 0.215), 1.0: (0.265, 0.27), 10.0: (0.34, 0.346), 100.0: (0.36, 0.366)}
"""K -> sigma/<r> when <r> = 2 l_c, as PHYSICS V11 has it."""


def talapin_tables(
    temperature: float, n_max: int, *, control: float, length: float
) -> tuple[FloatArray, FloatArray]:
    return rate_tables(
        temperature, n_max, unit_volume=UNIT, diffusion=DIFFUSION, surface_rate=DIFFUSION / (control * length),
        solubility=FLAT, surface_energy=surface_energy(length), law="talapin", transfer_coefficient=0.5,
    )


def width_at(
    bench: Bench, model: Model, mean: float, control: float, length: float, *seed: int
) -> tuple[float, int]:
    """sigma/<r> when <r> reaches ``mean`` [m], and the particles that are left then."""
    run = bench.run(model, 110, *seed)
    # the time in which a sphere of l_c changes by its own radius
    step = 1e-3 * length**2 / (DIFFUSION * UNIT * FLAT) * (1.0 + control)
    time, last = 0.0, moments(run.counts())
    while last.mean < mean:
        time += step
        run.advance(time)
        before, last = last, moments(run.counts())
        step *= float(np.clip(0.02 / max(abs(last.mean / before.mean - 1.0), 1e-4), 0.5, 1.5))
    share = (mean - before.mean) / (last.mean - before.mean)
    return before.relative + share * (last.relative - before.relative), last.number


@case("V11", "ripening under Talapin's law, from diffusion to reaction control", engines=ALL)
def talapin(bench: Bench) -> list[Check]:
    number, units = (20_000, 60.0) if bench.fast else (200_000, 150.0)
    wanted = {0.1: TALAPIN[0.1], 10.0: TALAPIN[10.0]} if bench.fast else TALAPIN
    length, checks = float(radius(units)) / 0.55, []
    widths: dict[float, float] = {}
    for i, (control, (low, high)) in enumerate(wanted.items()):
        sizes = stratified_normal(units, 0.15, number)
        model = spheres(
            sizes, int(3e-3 * units * number), 5.0 * FLAT, length, linear=False,
            tables=partial(talapin_tables, control=control, length=length),
        )
        # leaps are cheap: the mean of four runs scatters half as much
        repeats = 4 if bench.engine == "leap" and not bench.fast else 1
        found = [width_at(bench, model, 2.0 * length, control, length, i, k) for k in range(repeats)]
        width, left = float(np.mean([w for w, _ in found])), min(n for _, n in found)
        # a width found from n particles of a distribution with kurtosis near that of LSW is off by about 1/sqrt(2 n)
        error = width * 0.8 / np.sqrt(left * repeats)
        allowed = 0.01 + (SIX * error if bench.fast else 0.0)
        checks.append(between(
            f"sigma/<r> at <r> = 2 l_c, K = {control:g}", width, low - allowed, high + allowed,
            f"PHYSICS V11: {low:g} to {high:g}, +-0.01; {number} particles from a Gaussian of 15 % at 0.55 l_c, "
            f"{left} left, standard error {error:.2g}"
            + ("; short variant: 6.1 standard errors more" if bench.fast else ""),
        ))
        widths[control] = width
        if not bench.fast:
            checks.append(between("particles left", left, 3000, number, "PHYSICS V11: at least 3000"))

    def draw(axes: Any) -> None:
        middle, half = (np.array([f(TALAPIN[k]) for k in widths]) for f in (np.mean, np.ptp))
        axes.errorbar(list(widths), middle, 0.5 * half + 0.01, fmt="_", color="0.5", capsize=3, label="expected, ±0.01")
        axes.plot(list(widths), list(widths.values()), "o", label="simulated")
        axes.set(xscale="log", xlabel="K", ylabel="σ/⟨r⟩ where ⟨r⟩ = 2 l_c".replace("l_c", "$l_c$"))
        axes.legend()

    bench.draw("widths under Talapin's law", draw)
    return checks


CAPTURE = 3.3e-21
"""Capture rate of every particle, whatever its size [m^3/s]."""

SUPPLY = 1e6
"""Monomers made per second in a box of a cubic micrometre [1/s]."""


def supplied(rate: float) -> Model:
    """An empty box in which ``rate`` monomers are made per second; nuclei capture them all alike and keep them."""
    flat, volume = 1e22, 1e-18
    law = Nucleation(
        "classical", prefactor=lambda T: 7e37, surface_energy=lambda T: 0.1, encounter=lambda T: 1e-8
    )
    return box(
        **species({"source": 10**9}, {"source": 1}), unit_volume=UNIT, control_volume=volume, flask_volume=volume,
        nucleation=law, reactions=(zeroth_order(1, 1, rate, volume),), solubility=lambda T: flat,
        temperature=PiecewiseLinear(np.array([0.0]), np.array([HOT])),
        tables=tables(power_law(CAPTURE / VOLUME), no_rates),
    )


def born_in_the_mean(model: Model, rate: float, duration: float) -> float:
    """Particles born, from two equations.

    dN/dt = J V/0.92, dM/dt = Q_0 - N k_a c - n J V/0.92, with a nucleus of n units in the mean.
    """
    volume, flat, gamma = model.control_volume, model.solubility(HOT), 0.1
    prefactor = model.nucleation.prefactor(HOT)

    def change(t: float, y: FloatArray) -> list[float]:
        c = y[1] / volume
        births, units = 0.0, 0.0
        if c > flat:
            births = float(nucleation.classical_rate(c / flat, prefactor, gamma, UNIT, HOT)) * volume / 0.92
            units = float(nucleation.newborn_size(c / flat, gamma, UNIT, HOT))
        return [births, rate - y[0] * CAPTURE * c - units * births]

    end = solve_ivp(change, (0.0, duration), [0.0, 0.0], method="LSODA", rtol=1e-8, atol=1e-6).y[:, -1]
    return float(end[0])


@case("V10", "particles born while monomer is supplied steadily: Sugimoto's number", engines=ALL)
def sugimoto(bench: Bench) -> list[Check]:
    rates = SUPPLY * np.array([0.3, 1.0] if bench.fast else [0.5, 1.0, 2.0, 4.0, 8.0])
    duration, born, checks = 1.0, [], []
    balances: list[float] = []
    for i, rate in enumerate(rates):
        model = supplied(rate)
        run = bench.run(model, 100, i)
        run.advance(duration)
        counts = run.counts()
        born.append(counts.tallies["born"])
        expected = born_in_the_mean(model, rate, duration)
        balances.append(expected)
        checks.append(near(
            f"born at Q_0 = {rate:.2g} /s", born[-1], expected,
            "the balance of particles and monomer written out and integrated; more births leave less monomer for others, "
            "so that their number scatters by less than its root: 6.1 of that (p < 1e-9), and 0.5 % for what moves "
            "within a window",
            within=SIX * float(np.sqrt(expected)) + 0.005 * expected,
        ))
        growth = CAPTURE * counts.supersaturation * model.solubility(HOT) * UNIT
        checks.append(near(
            f"N over Q_0 v/v_dot at Q_0 = {rate:.2g} /s", born[-1] / nucleation.particles_from_supply(rate, UNIT, growth),
            1.0, "Sugimoto: at the end of nucleation the particles born take up what is supplied; v_dot at the "
            "concentration then. 12 % for births that go on at an ever smaller rate and take 5 to 10 % of the supply",
            share=0.12,
        ))
    power = float(np.polyfit(np.log(rates), np.log(born), 1)[0])
    checks.append(between(
        "d ln N/d ln Q_0", power, 0.85, 1.15,
        "N is proportional to the supply rate as far as v_dot is the same: the concentration at which nucleation ends moves "
        "with the logarithm of the rate only",
    ))

    def draw(axes: Any) -> None:
        axes.loglog(rates, born, "o", label="simulated")
        axes.loglog(rates, balances, "-", label="balance of particles and monomer")
        axes.loglog(rates, balances[0] * rates / rates[0], "--", color="0.6", zorder=0, label="N ∝ Q₀")
        axes.set(xlabel="supply Q₀ (1/s)", ylabel="particles born")
        axes.xaxis.set_minor_formatter("")
        axes.legend()

    bench.draw("particles born under a steady supply", draw)
    return checks


@case("superfocusing", "width under a surface rate that falls with size, dr/dt ∝ r⁻ᵐ", engines=ALL)
def superfocusing(bench: Bench) -> list[Check]:
    number, units = (4000, 100) if bench.fast else (30_000, 300)
    sizes, checks = stratified_normal(units, 0.08, number), []
    ratios: dict[float, tuple[float, float]] = {}
    for i, m in enumerate((1.0, 2.0) if bench.fast else (0.0, 1.0, 2.0, 3.0)):
        power = (2.0 - m) / 3.0

        def surface(temperature: float, n_max: int, m: float = m) -> tuple[FloatArray, FloatArray]:
            attach, detach = rate_tables(
                temperature, n_max, unit_volume=UNIT, diffusion=np.inf, surface_rate=SURFACE_RATE, solubility=0.0,
                surface_energy=0.0, exponent=m, reference_radius=float(radius(units)),
            )
            return attach, detach

        model = spheres(sizes, 7 * units * number, 10.0 * FLAT, 1e-9, flat=0.0, tables=surface)
        run = bench.run(model, 120, i)
        run.advance(60.0 * float(radius(units)) * 2.0**m / (SURFACE_RATE * UNIT * 10.0 * FLAT))
        end, start = moments(run.counts()), moments_of(sizes)
        n = end.mean_cube / float(radius(1.0)) ** 3
        noise = float(shot_noise_variance(n, units, power)) / (9.0 * n**2) * end.mean**2
        width = float(np.sqrt(max(end.std**2 - noise, 0.0)))
        expected = start.std * (end.mean / start.mean) ** -m
        ratios[m] = end.mean / start.mean, width / start.std
        error = noise / (2.0 * expected**2) * np.sqrt(2.0 / number) + np.sqrt(noise / number) / expected
        checks.append(near(
            f"sigma over its start as <r> grows {end.mean / start.mean:.3g} times, m = {m:g}, shot noise of V6 taken off",
            width / start.std, expected / start.std,
            f"sigma ~ <r>^-m; 6.1 standard errors of what shot noise ({100.0 * noise / end.std**2:.0f} % of the variance) "
            "leaves (p < 1e-9), and 2 % for a width of 8 % at the start",
            within=(SIX * float(error) + 0.02) * expected / start.std,
        ))

    def draw(axes: Any) -> None:
        power = np.linspace(min(ratios), max(ratios), 50)
        grown = float(np.mean([g for g, _ in ratios.values()]))
        axes.semilogy(list(ratios), [w for _, w in ratios.values()], "o", label="simulated, noise of events taken off")
        axes.semilogy(power, grown**-power, "k-", zorder=0, label=f"⟨r⟩ grown {grown:.2g} times, σ ~ ⟨r⟩^(−m)")
        plain_ticks(axes.yaxis, (0.1, 0.2, 0.5, 1.0))
        axes.set(xlabel="m of the surface rate ~ r^(−m)", ylabel="σ over that at the start")
        axes.legend()

    bench.draw("superfocusing", draw)
    return checks


def moments_of(sizes: IntArray) -> Moments:
    """Moments of the radii of particles of ``sizes``."""
    return weighted(sizes, np.ones(len(sizes)))
