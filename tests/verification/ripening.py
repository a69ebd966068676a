"""V1 and V2: Ostwald ripening against Lifshitz, Slyozov and Wagner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from verification import chain
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
    weighted,
)
from verification.cases import ALL, SIX, Bench, Check, between, case, near

from kmcgrowth.model.types import FloatArray, IntArray, Model
from kmcgrowth.physics import coarsening

POOL = 100_000
"""Monomers in the box: at most 1e-3 of the crystal's, and their fluctuations average out in no time."""

STEEP = 20.0
"""l_c over the first r*: what is exchanged without any net effect costs one event in twenty."""


@dataclass(frozen=True)
class Law:
    """What there is to know of one limit.

    Attributes
    ----------
    name : in ``coarsening``
    control : of growth
    power : <r>^power is linear in time
    slope : of <r>^power [m^power/s] for a capillary length [m]
    share : <r>/r*
    noise_slope, noise_width : standard error of slope/exact slope and of sigma/<r>, times the root of the
        particles at the start, for runs from the stratified distribution until the mean volume has grown by two
        and three; found from 16 seeds each with 5000 particles
    """

    name: Any
    control: str
    power: int
    share: float
    noise_slope: float
    noise_width: float

    def slope(self, length: float) -> float:
        if self.name == "lsw":
            return float(coarsening.lsw_slope(DIFFUSION, UNIT, FLAT, length))
        return float(coarsening.wagner_slope(SURFACE_RATE, UNIT, FLAT, length))


LSW = Law("lsw", "diffusion", 3, 1.0, 0.95, 0.23)
WAGNER = Law("wagner", "reaction", 2, 8.0 / 9.0, 1.2, 0.36)


def on_the_law(law: Law, units: float, number: int) -> IntArray:
    """Sizes on the exact distribution, one from each of ``number`` equally likely intervals; r* holds ``units``."""
    u = coarsening.quantile((np.arange(number) + 0.5) / number, law.name)
    return np.maximum(np.rint(u**3 * units), 2).astype(np.int64)


def ripening_box(law: Law, sizes: IntArray, units: float) -> tuple[Model, float]:
    """A closed box whose r* holds ``units``, and its capillary length [m]."""
    length = STEEP * float(radius(units))
    return spheres(sizes, POOL, FLAT * (1.0 + STEEP), length, control=law.control), length


def reduced_slope(law: Law, first: float, last: float, seconds: float, length: float) -> float:
    """Rate of <r>^power over that of the closed form [dimensionless]; ``first`` and ``last`` are <r> [m]."""
    return (last**law.power - first**law.power) / seconds / law.slope(length)


def chain_moments(model: Model, sizes: IntArray, growth: float, seconds: float, steps: int) -> Moments:
    """Moments after ``seconds`` by the deterministic chain of the same rates."""
    attach, detach = model.tables(HOT, int(2.0 * growth * sizes.max()))
    start: FloatArray = np.bincount(sizes, minlength=len(attach)).astype(float)
    (found,) = chain.ripen(attach, detach, start, [seconds], steps)
    n = np.arange(len(found))
    return weighted(n[2:], np.maximum(found[2:], 0.0))


def started_on_the_law(bench: Bench, law: Law, units: float, number: int, growth: float, steps: int) -> list[Check]:
    """Ripen from the exact distribution until r*^3 has grown ``growth`` times, and hold the result to the law."""
    sizes = on_the_law(law, units, number)
    model, length = ripening_box(law, sizes, units)
    first = float(radius(sizes).mean())
    # <r>^power = first^power + slope t
    seconds = (law.share * float(radius(units))) ** law.power * (growth ** (law.power / 3.0) - 1.0) / law.slope(length)
    run = bench.run(model, 1 if law is LSW else 2)
    seen, ratios = [], []
    for time in np.linspace(0.0, seconds, 9):
        run.advance(float(time))
        counts = run.counts()
        seen.append((float(time), moments(counts)))
        if time > 0.0:
            excess = counts.amounts[0] / counts.volume / FLAT - 1.0
            ratios.append(seen[-1][1].mean * excess / length)
    last = seen[-1][1]
    slope = reduced_slope(law, first, last.mean, seconds, length)
    expected, exact = chain_moments(model, sizes, growth, seconds, steps), coarsening.moments(law.name)
    chain_slope = reduced_slope(law, first, expected.mean, seconds, length)
    slope_error, width_error = (x / np.sqrt(number) for x in (law.noise_slope, law.noise_width))
    coarse = (
        f"{number} particles, {last.number} left; standard error {slope_error:.2g} of the slope and "
        f"{width_error:.2g} of the "
        f"width; steps of one unit at n* = {units:g} move them by {chain_slope - 1.0:+.2g} and "
        f"{expected.relative - exact.relative_std:+.2g}"
    )
    own = "the same chain of rates solved without noise (chain.py): 6.1 standard errors, p < 1e-9"
    draw_distribution(bench, law, moments_sizes=counts.sizes, number=counts.seed + counts.nucleated)
    checks = [
        near(
            f"d<r>^{law.power}/dt over that of the chain's own equation",
            slope,
            chain_slope,
            own,
            within=SIX * slope_error,
        ),
        near(
            "sigma/<r> against the chain's own equation",
            last.relative,
            expected.relative,
            own,
            within=SIX * width_error,
        ),
    ]
    widen = 8.0 if bench.fast else 1.0
    short = "; short variant: small particles, eight times the tolerance" if bench.fast else ""
    checks += [
        near(
            f"d<r>^{law.power}/dt over the closed form",
            slope,
            1.0,
            f"PHYSICS {law.name}: within 1 %. {coarse}{short}",
            within=0.01 * widen,
        ),
        near(
            "sigma/<r>",
            last.relative,
            exact.relative_std,
            f"within 0.003 on the exact distribution; as above{short}",
            within=0.003 * widen,
        ),
    ]
    if bench.fast:
        return checks
    top = float(coarsening.quantile(0.999, law.name)) / exact.mean
    r = np.repeat(radius(counts.sizes), np.asarray(counts.seed, dtype=int)) / last.mean
    volumes = sum(m.number * m.mean**3 for _, m in seen[1:]) / (len(seen) - 1) / (number * first**3)
    return [
        *checks,
        near(
            "skewness",
            last.skewness,
            exact.skewness,
            "the chain's own equation moves it by "
            f"{expected.skewness - exact.skewness:+.2g}; standard error {3.0 / np.sqrt(number):.2g}",
            within=0.05,
        ),
        near(
            "kurtosis",
            last.kurtosis,
            exact.kurtosis,
            "the chain's own equation moves it by "
            f"{expected.kurtosis - exact.kurtosis:+.2g}; standard error about {10.0 / np.sqrt(number):.1g}",
            within=0.12,
        ),
        near(
            "radius below which 99.9 % of the particles lie, over <r>",
            float(np.quantile(r, 0.999)),
            top,
            "the cutoff smeared by steps of one unit over (0.2/n*)^(1/3) of r*, which moves this quantile by 1 %",
            share=0.02,
        ),
        between(
            "largest radius over <r>",
            float(r.max()),
            top,
            (1.5 if law is LSW else 2.25),
            "cutoff 1.5 <r> under diffusion control, 2 r* = 2.25 <r> under reaction control",
        ),
        near(
            "N <r>^3 over that at the start, mean of eight times",
            volumes,
            1.0,
            "N falls as 1/<r>^3 (1/t under diffusion control); the chain's own equation gives "
            f"{expected.number * expected.mean**3 / (number * first**3):.4f}",
            within=0.01,
        ),
        near(
            "<r>/r*, r* from the supersaturation at eight times",
            float(np.mean(ratios)),
            law.share,
            "8/9 (reaction) or 1 (diffusion); the monomer count adds 0.1 %",
            share=0.005,
        ),
    ]


def draw_distribution(bench: Bench, law: Law, moments_sizes: Any, number: Any) -> None:
    """Offer the distribution at the end beside the law."""
    r = radius(moments_sizes)
    mean, star = float(np.average(r, weights=number)), law.share

    def draw(axes: Any) -> None:
        u = np.linspace(0.0, 2.4, 400)
        density = coarsening.lsw_density if law is LSW else coarsening.wagner_density
        axes.hist(r / mean, bins=60, weights=number, density=True, color="0.8", label="simulated")
        name = "Lifshitz, Slyozov" if law is LSW else "Wagner"
        axes.plot(u, star * density(u * star), color="C0", label=name)
        axes.set(xlabel="r/⟨r⟩", ylabel="density", xlim=(0.0, 2.4 if law is WAGNER else 1.8))
        axes.legend(loc="upper left")

    bench.draw("distribution of radii", draw)


@case("V1-on-LSW", "ripening under diffusion control, started on the distribution of Lifshitz and Slyozov", engines=ALL)
def on_lsw(bench: Bench) -> list[Check]:
    if bench.fast:
        return started_on_the_law(bench, LSW, 150.0, 15_000, 2.0, 300)
    return started_on_the_law(bench, LSW, 1000.0, 200_000, 2.0, 500)


@case("V2-on-Wagner", "ripening under reaction control, started on the distribution of Wagner", engines=ALL)
def on_wagner(bench: Bench) -> list[Check]:
    if bench.fast:
        return started_on_the_law(bench, WAGNER, 150.0, 15_000, 3.0, 200)
    return started_on_the_law(bench, WAGNER, 1500.0, 120_000, 3.0, 400)


@case(
    "V1-from-Gaussian",
    "ripening under diffusion control from a Gaussian of 15 % until 99.5 % of the particles are gone",
    engines=ALL,
)
def from_gaussian(bench: Bench) -> list[Check]:
    number, gone, units = (30_000, 0.97, 40.0) if bench.fast else (600_000, 0.995, 60.0)
    sizes = stratified_normal(units, 0.15, number)
    model, length = ripening_box(LSW, sizes, units)
    scale = float(radius(units)) ** 3 / LSW.slope(length)
    run, time = bench.run(model, 3), 0.3 * scale
    times: list[float] = []
    cubes: list[float] = []
    left: list[int] = []
    while not left or left[-1] > (1.0 - gone) * number:
        run.advance(time)
        m = moments(run.counts())
        times.append(time / scale)
        cubes.append(m.mean**3 / float(radius(units)) ** 3)
        left.append(m.number)
        time *= 1.05
    late = np.array(left) <= 6.0 * (1.0 - gone) * number
    slope = 4.0 / 9.0 * float(np.polyfit(np.array(times)[late], np.array(cubes)[late], 1)[0])

    def draw(axes: Any) -> None:
        t, y = 9.0 / 4.0 * np.array(times), np.array(cubes)
        axes.plot(t, y, "o", markersize=3, label="simulated")
        axes.plot(t, y[-1] + 4.0 / 9.0 * (t - t[-1]), "-", label="slope 4/9")
        axes.set(xlabel="time × D v c∞ l_c/⟨r⟩³ at the start".replace("l_c", "$l_c$"), ylabel="⟨r⟩³ over that at the start")
        axes.legend()

    bench.draw("mean volume while ripening from a Gaussian", draw)
    count = f"{number} particles, {m.number} left"
    if bench.fast:
        return [
            between(
                "d<r>^3/dt over D v c_inf l_c while 83 to 97 % are gone",
                slope,
                0.44,
                0.62,
                f"falls towards 4/9 from above, logarithmically slowly; {count}: standard error 0.02",
            ),
            between(
                "sigma/<r> after 97 %",
                m.relative,
                0.205,
                0.265,
                f"{count}: standard error {0.18 / np.sqrt(m.number):.2g}",
            ),
        ]
    return [
        between(
            "d<r>^3/dt over D v c_inf l_c while 97 to 99.5 % are gone",
            slope,
            0.44,
            0.50,
            f"PHYSICS V1, logarithmically slow towards 4/9; {count}: standard error about 0.007",
        ),
        between(
            "sigma/<r> after 99.5 %",
            m.relative,
            0.205,
            0.235,
            f"PHYSICS V1; {count}: standard error {0.18 / np.sqrt(m.number):.2g}",
        ),
    ]
