"""Exact runs tend to the population balance as their box grows, in the order that is to be expected."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import curve_fit
from verification.boxes import FLAT, radius, spheres
from verification.cases import SIX, STOCHASTIC, Bench, Check, case, near, start
from verification.ripening import LSW, STEEP, on_the_law

from kmcgrowth.model.types import FloatArray, Model

UNITS = 30.0
"""Formula units in a particle of the critical radius at the start."""

DISTINCT = 10
"""Particles in the smallest box; the larger ones hold each of them several times."""

POOL = 2
"""Monomers per particle."""

WHAT = ("particles left", "⟨n²⟩ over all particles at the start")


def ripening_box(particles: int) -> tuple[Model, float]:
    """A box of a given size at always the same concentrations, and the time in which four of five particles go [s]."""
    length = STEEP * float(radius(UNITS))
    sizes = np.repeat(on_the_law(LSW, UNITS, DISTINCT), particles // DISTINCT)
    model = spheres(sizes, POOL * particles, FLAT * (1.0 + STEEP), length)
    return model, 3.0 * float(radius(UNITS)) ** 3 / LSW.slope(length)


def ripened(engine: str, particles: int, *seed: int) -> FloatArray:
    """The numbers of ``WHAT``, both sums over the box, so that their mean has no bias of its own."""
    model, time = ripening_box(particles)
    run = start(engine, model, *seed)
    run.advance(time)
    counts = run.counts()
    number = np.asarray(counts.seed, dtype=float)
    return np.array([number.sum(), (counts.sizes / UNITS) ** 2 @ number]) / particles


@case("system-size", "the mean of many runs differs from the population balance by one over the size of the box",
      engines=STOCHASTIC)
def system_size(bench: Bench) -> list[Check]:
    plan = {10: 400, 100: 150} if bench.fast else {10: 6000, 30: 5000, 100: 4000, 300: 2500, 1000: 1200}
    expected = ripened("balance", 100 * DISTINCT)
    samples = [
        np.array([ripened(bench.engine, size, 210, size, k) for k in range(times)]) / expected - 1.0
        for size, times in plan.items()
    ]
    sizes = np.array(list(plan), dtype=float)
    off = np.array([x.mean(axis=0) for x in samples])
    error = np.array([x.std(axis=0, ddof=1) / np.sqrt(len(x)) for x in samples])
    checks, fits = [], []
    for j, what in enumerate(WHAT):
        fit, covariance = curve_fit(
            lambda n, a, p: a * n**-p, sizes, off[:, j], p0=(float(off[0, j] * sizes[0]), 1.0), sigma=error[:, j],
            absolute_sigma=True,
        )
        fits.append(fit)
        standard = float(np.sqrt(covariance[1, 1]))
        checks += [
            near(
                f"order p of the difference ~ N^(-p), {what}", float(fit[1]), 1.0,
                "rates are products of amounts, so that the correction to a mean falls as 1/N; 6.1 standard errors of "
                f"{standard:.2g} from {', '.join(f'{n} runs of {size}' for size, n in plan.items())}, and 0.1 for 1/N² in "
                "the smallest",
                within=SIX * standard + 0.1,
            ),
            near(
                f"{what}, {plan[int(sizes[-1])]} boxes of {sizes[-1]:g} over the balance", 1.0 + float(off[-1, j]), 1.0,
                "what is left of the correction, 2/N, and 6.1 standard errors",
                within=2.0 / float(sizes[-1]) + SIX * float(error[-1, j]),
            ),
        ]

    def draw(axes: Any) -> None:
        x = np.geomspace(sizes[0], sizes[-1], 50)
        for j, what in enumerate(WHAT):
            above, below = error[:, j], np.minimum(error[:, j], 0.9 * np.abs(off[:, j]))
            sign = "less" if fits[j][0] < 0.0 else "more"
            dots = axes.errorbar(sizes, np.abs(off[:, j]), [below, above], fmt="o", markersize=4, capsize=2,
                                 label=f"{what} ({sign})")
            axes.plot(x, np.abs(fits[j][0]) * x ** -fits[j][1], "-", color=dots[0].get_color(), linewidth=0.8)
        axes.plot([], [], "k-", linewidth=0.8, label="fits of $N^{-p}$, p = " + ", ".join(f"{f[1]:.2f}" for f in fits))
        axes.set(xscale="log", yscale="log", xlabel="particles in the box at the start, N", ylabel="mean off the balance, relative")
        axes.set_ylim(1e-4, 1.0)
        axes.legend(loc="upper right")

    bench.draw("mean of many runs and population balance", draw)
    return checks
