"""V3 to V5: growth without detachment, and growth under a steady feed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from models import species
from verification import chain
from verification.boxes import (
    DIFFUSION,
    FLAT,
    SURFACE_RATE,
    UNIT,
    Moments,
    moments,
    radius,
    spheres,
    stratified_normal,
    zeroth_order,
)
from verification.cases import ALL, SIX, Bench, Check, case, near, spread
from verification.figures import plain_ticks

from kmcgrowth.model.types import FloatArray, IntArray, Model
from kmcgrowth.physics import focusing

WIDTH = 0.04
"""Relative width at the start: the closed forms are for narrow distributions, and off by its square."""

PACKET = 50
"""Monomers per molecule of the source: small against the pool, which all particles share."""

STEEP = 1000.0
"""l_c over the first radius."""

COARSE_SEEDS = "; 1 % for the cells of the balance, which do not resolve seeds of exactly one size"


# -- V3 ----------------------------------------------------------------------------------------------


def irreversible(sizes: IntArray, monomers: int) -> Model:
    """Particles that take all monomers in the box, under diffusion control."""
    return spheres(sizes, monomers, FLAT, 0.0, flat=0.0)


@case(
    "V3",
    "irreversible growth under diffusion control: differences of r² stay, the width falls as 1/⟨r⟩",
    engines=ALL,
)
def reiss(bench: Bench) -> list[Check]:
    each, scale = (500, 100) if bench.fast else (5000, 300)
    first: IntArray = np.repeat(np.array([1, 3, 9]) * scale, each)
    run = bench.run(irreversible(first, 3 * each * 10 * scale), 30)
    run.advance(5.0 * float(radius(9.0 * scale)) ** 2 / (DIFFUSION * UNIT * FLAT))
    groups = thirds(*spread(run.counts()))
    gain = [
        float(np.average(radius(g) ** 2, weights=w) - radius(float((3**i) * scale)) ** 2)
        for i, (g, w) in enumerate(groups)
    ]
    # r^2 of one particle scatters by (2/3) r^2 sqrt(Var n)/n with the shot noise of V6
    errors = [
        2.0
        / 3.0
        * float(radius(mean)) ** 2
        * np.sqrt(focusing.shot_noise_variance(mean, float((3**i) * scale), 1.0 / 3.0) / each)
        / mean
        for i, mean in enumerate(float(np.average(g, weights=w)) for g, w in groups)
    ]
    checks = [
        near(
            f"gain of r^2 of the {name} particles over that of the smallest",
            gain[i] / gain[0],
            1.0,
            f"Reiss: r_i^2 - r_j^2 is conserved; 6.1 standard errors of {each} particles with shot noise (p < 1e-9), "
            f"and the "
            "curvature of r^2 in n, Var n/(9 n^2) of it" + (COARSE_SEEDS if bench.engine == "balance" else ""),
            within=SIX * float(np.hypot(errors[0], errors[i])) / gain[0] + (1e-2 if bench.engine == "balance" else 2e-4),
        )
        for i, name in ((1, "middle"), (2, "largest"))
    ]
    number, units = (4000, 100) if bench.fast else (30_000, 300)
    sizes = stratified_normal(units, WIDTH, number)
    run, course = bench.run(irreversible(sizes, 7 * units * number), 31), []
    for time in np.append(0.0, np.geomspace(0.01, 1.0, 9)):
        run.advance(time * 5.0 * float(radius(8.0 * units)) ** 2 / (DIFFUSION * UNIT * FLAT))
        course.append(moments(run.counts()))
    bench.draw("irreversible growth: the width falls as the mean rises", partial(draw_reiss, course=course, units=units))
    start, end = float(np.std(radius(sizes))), course[-1]
    noise = (
        float(focusing.shot_noise_variance(8.0 * units, units, 1.0 / 3.0)) / (9.0 * (8.0 * units) ** 2) * end.mean**2
    )
    expected = float(focusing.reiss_width(start, radius(sizes).mean(), end.mean))
    return [
        *checks,
        near(
            "sigma <r> over that at the start, shot noise of V6 taken off",
            float(np.sqrt(end.std**2 - noise)) / expected,
            1.0,
            f"sigma ~ 1/<r>; 6.1 standard errors of what shot noise ({100.0 * noise / end.std**2:.0f} % of the "
            f"variance) leaves "
            "(p < 1e-9), and 0.5 % for a width of 4 % and sizes rounded to units",
            within=SIX * width_error(noise, end.std, number) + 0.005,
        ),
        near(
            "<r> over that at the start",
            end.mean / float(radius(sizes).mean()),
            2.0,
            "all monomers are taken: n grows eight times; 0.25 % by the width",
            share=0.005,
        ),
    ]


def draw_reiss(axes: Any, course: list[Moments], units: int) -> None:
    """Width against mean, beside 1/<r> and with the noise of single events."""
    first, x = course[0], np.geomspace(1.0, 2.0, 50)
    n = units * x[1:] ** 3
    noise = np.append(0.0, focusing.shot_noise_variance(n, units, 1.0 / 3.0) / (9.0 * n**2)) * (x * first.mean) ** 2
    axes.loglog([m.mean / first.mean for m in course], [m.std / first.std for m in course], "o", label="simulated")
    axes.loglog(x, 1.0 / x, "-", label="Reiss, 1/⟨r⟩")
    axes.loglog(x, np.sqrt(x**-2 + noise / first.std**2), "--", label="and noise of single events")
    plain_ticks(axes.xaxis, (1.0, 1.2, 1.5, 2.0))
    plain_ticks(axes.yaxis, (0.5, 0.6, 0.8, 1.0))
    axes.set(xlabel="⟨r⟩ over that at the start", ylabel="σ over that at the start")
    axes.legend()


def thirds(sizes: IntArray, number: FloatArray) -> list[tuple[IntArray, FloatArray]]:
    """The smallest, middle and largest third of the particles, as sizes and how many have each."""
    up_to, third = np.cumsum(number), float(number.sum()) / 3.0
    return [
        (sizes, np.maximum(np.minimum(up_to, (i + 1) * third) - np.maximum(up_to - number, i * third), 0.0))
        for i in range(3)
    ]


def width_error(noise: float, std: float, number: int) -> float:
    """Relative standard error of sigma where only a part ``noise`` of the variance is random.

    The rest is carried along from a start without scatter; the error comes from the product of both and from the
    square of the noise.
    """
    share = noise / std**2
    return float(np.sqrt((share + 0.5 * share**2) / number))


# -- V4 and V5 ---------------------------------------------------------------------------------------


def fed(sizes: IntArray, control: str, feed: float, excess: float, gain: int) -> Model:
    """Particles fed by a reaction of order zero that gives each of them ``feed`` monomers per second.

    Parameters
    ----------
    sizes : formula units of the particles
    control : "diffusion" or "reaction"
    feed : q [1/s]
    excess : c/(c_inf l_c/r) at the start [dimensionless]
    gain : formula units that every particle is to gain
    """
    number, first = len(sizes), float(radius(sizes).mean())
    pool = 40 * PACKET
    model = spheres(sizes, pool, FLAT * (1.0 + STEEP * excess), STEEP * first, control=control)
    molecules = 2 * number * gain // PACKET
    with_source = species({"monomer": pool, "source": molecules}, {"source": PACKET})
    source = zeroth_order(1, PACKET, number * feed / PACKET, model.control_volume)
    return replace(model, **with_source, reactions=(source,))


def grow(bench: Bench, model: Model, duration: float, seed: int) -> list[tuple[float, Moments]]:
    """Moments at nine times up to ``duration``."""
    run, found = bench.run(model, 40, seed), []
    for time in np.linspace(0.0, duration, 9):
        run.advance(float(time))
        found.append((float(time), moments(run.counts())))
    return found


@case("V4", "steady feed under diffusion control: the width goes as a power of the mean radius", engines=ALL)
def steady_feed(bench: Bench) -> list[Check]:
    number, units = (3000, 500) if bench.fast else (12_000, 3000)
    sizes = stratified_normal(units, WIDTH, number)
    first = float(radius(sizes).mean())
    unit_feed = 4.0 * np.pi * DIFFUSION * FLAT * STEEP * first
    gain = round(2.375 * units)  # <r> grows by half
    checks, curves = [], {}
    for i, k in enumerate((1.5, 2.0, 3.0, 5.0)):
        q = (k - 1.0) * unit_feed
        found = grow(bench, fed(sizes, "diffusion", q, k, gain), gain / q, i)
        start, end = found[0][1], found[-1][1]
        n = end.mean_cube * 4.0 * np.pi / (3.0 * UNIT)
        noise = chain.fed_noise(n, units, k) / (9.0 * n * n) * end.mean**2
        exponent = float(np.log(np.sqrt(end.std**2 - noise) / start.std) / np.log(end.mean / start.mean))
        error = width_error(noise, end.std, number) / np.log(1.5)
        law = float(focusing.width_exponent(k))
        finite = finite_width_exponent(sizes, k, gain)
        curves[k] = found
        note = (
            f"noise of single events ({100.0 * noise / end.std**2:.0f} % of the variance) taken off; 6.1 standard "
            f"errors "
            f"of {error:.2g} (p < 1e-9)"
        )
        checks += [
            near(
                f"exponent p of sigma ~ <r>^p at k = {k:g}",
                exponent,
                law,
                f"(2 - k)/(k - 1) for a narrow distribution, a width of 4 % changes it by {finite - law:+.3f}; {note}",
                within=SIX * error + abs(finite - law),
            ),
            near(
                f"the same against the continuous law for the width at the start, k = {k:g}",
                exponent,
                finite,
                f"dr/dt of every particle integrated; {note}",
                within=SIX * error + 0.005,
            ),
        ]
        # <r^3> is what the feed sets; <r>^3 differs by three times the square of the relative width, known at both ends
        slope = end.mean**3 * (1.0 + 3.0 * end.relative**2) - start.mean**3 * (1.0 + 3.0 * start.relative**2)
        target = float(focusing.fed_mean_radius(found[-1][0], 0.0, k, DIFFUSION, UNIT, FLAT, STEEP * first)) ** 3
        packets = number * gain // PACKET
        checks.append(
            near(
                f"gain of <r>^3 (1 + 3 sigma^2/<r>^2) over 3 (k - 1) D v c_inf l_c t at k = {k:g}",
                slope / target,
                1.0,
                f"{packets} packets of {PACKET} monomers: 6.1 standard errors (p < 1e-9), and 0.3 % for the monomers "
                f"that wait in "
                "the box and for third moments",
                within=SIX / np.sqrt(packets) + 0.003,
            )
        )

    def draw(axes: Any) -> None:
        for k, found in curves.items():
            r = np.array([m.mean for _, m in found]) / found[0][1].mean
            n = units * np.array([m.mean_cube for _, m in found]) / found[0][1].mean_cube
            own = [chain.fed_noise(x, units, k) / (9.0 * x * x) * m.mean**2 for x, (_, m) in zip(n, found, strict=True)]
            width = np.sqrt(np.maximum(np.array([m.std for _, m in found]) ** 2 - own, 0.0))
            axes.loglog(r, width / found[0][1].std, "o", markersize=3, label=f"k = {k:g}")
            axes.loglog(r, r ** focusing.width_exponent(k), color="0.6", zorder=0)
        axes.plot([], [], color="0.6", label="closed forms")
        plain_ticks(axes.xaxis, (1.0, 1.2, 1.5))
        plain_ticks(axes.yaxis, (0.7, 1.0, 1.5))
        axes.set(xlabel="⟨r⟩ over that at the start", ylabel="σ, noise of events taken off, over its start")
        axes.legend()

    bench.draw("width under a steady feed", draw)
    return checks


@case("V5", "steady feed under reaction control: the width never shrinks", engines=ALL)
def reaction_limit(bench: Bench) -> list[Check]:
    number, units = (3000, 500) if bench.fast else (12_000, 2000)
    sizes = stratified_normal(units, 0.75 * WIDTH, number)
    first, gain, checks = float(radius(sizes).mean()), round(2.375 * units), []
    curves: dict[float, list[tuple[float, float]]] = {}
    for i, length in enumerate((0.7 * first, 2.0 * first)):
        q = length * 4.0 * np.pi * SURFACE_RATE * FLAT * STEEP * first
        found = grow(bench, fed(sizes, "reaction", q, 1.0 + length / first, gain), gain / q, 10 + i)
        start, end = found[0][1], found[-1][1]
        b = float(focusing.reaction_limit_length(q, SURFACE_RATE, FLAT, STEEP * first))
        noise = reaction_noise(3.375 * units, units, b / first) / (9.0 * (3.375 * units) ** 2) * end.mean**2
        measured = float(np.log(np.sqrt(end.std**2 - noise) / start.std))
        curves[length / first] = []
        for _, m in found[1:]:
            grown = m.mean_cube / start.mean_cube
            own = reaction_noise(grown * units, units, b / first) / (9.0 * (grown * units) ** 2) * m.mean**2
            curves[length / first].append(((m.mean - start.mean) / b, np.sqrt(m.std**2 - own) / start.std))
        error = width_error(noise, end.std, number)
        checks.append(
            near(
                f"ln of the growth of sigma at B = {length / first:g} r_0",
                measured,
                (end.mean - start.mean) / b,
                f"sigma = sigma_0 exp[(<r> - r_0)/B]; noise of single events ({100.0 * noise / end.std**2:.1f} % of "
                f"the variance) taken "
                f"off; 6.1 standard errors (p < 1e-9), and 0.01 for a final width of up to 6 %",
                within=SIX * error + 0.01,
            )
        )

    def draw(axes: Any) -> None:
        for ratio, curve in curves.items():
            x, y = np.array(curve).T
            axes.semilogy(x, y, "o", label=f"B = {ratio:g} r₀")
        x = np.linspace(0.0, 0.75, 50)
        axes.semilogy(x, np.exp(x), "k-", zorder=0, label="exp[(⟨r⟩ − r₀)/B]")
        plain_ticks(axes.yaxis, (1.0, 1.2, 1.5, 2.0))
        axes.set(xlabel="(⟨r⟩ − r₀)/B", ylabel="σ, noise of events taken off, over its start")
        axes.legend()

    bench.draw("steady feed under reaction control", draw)
    return checks


def finite_width_exponent(sizes: IntArray, k: float, gain: int) -> float:
    """Exponent of the width when dn/dt = k r/<r> - 1 is integrated for every particle, without noise."""
    from scipy.integrate import solve_ivp

    start = np.quantile(sizes, (np.arange(2000) + 0.5) / 2000)

    def growth(_: float, n: Any) -> Any:
        r = np.cbrt(n)
        return k * r / r.mean() - 1.0

    end = solve_ivp(growth, (0.0, gain / (k - 1.0)), start, rtol=1e-8, atol=1e-6).y[:, -1]
    r0, r1 = np.cbrt(start), np.cbrt(end)
    return float(np.log(r1.std() / r0.std()) / np.log(r1.mean() / r0.mean()))


def reaction_noise(units: float, initial: float, length: float) -> float:
    """Variance of n that single events add under a steady feed and reaction control, l_c >> r, by quadrature.

    With x = (n/n_0)^(1/3) attachment is q (1 + x/B), detachment q x/B (B in units of r_0) and a difference of sizes
    grows as dn ~ x^2 exp(x/B), so Var = x^4 e^(2x/B) int (1 + 2 x'/B) x'^(-4) e^(-2x'/B) dn'.
    """
    from scipy.integrate import quad

    top = float(np.cbrt(units / initial))
    integral = quad(lambda x: (1.0 + 2.0 * x / length) * np.exp(2.0 * (top - x) / length) * 3.0 * x**-2, 1.0, top)[0]
    return float(initial * top**4 * integral)
