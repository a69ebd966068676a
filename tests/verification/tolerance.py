"""Leaps tend to every event as their tolerance falls, in proportion to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from models import VOLUME, box, no_rates, particles, power_law, sphere_tables, syringe, tables
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import curve_fit
from scipy.stats import t as student
from verification.cases import SIX, Bench, Check, case, mean_and_variance, near, spread, start

from kmcgrowth.model.types import FloatArray, Model

TOLERANCES = (0.1, 0.03, 0.01, 0.003)

PARTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""When particles are looked at, over the duration: at the ends of steps and inside them."""


def diverging(number: int, first: int = 300, growth: float = 8.0) -> tuple[Model, float]:
    """Equal particles that grow irreversibly at n^(2/3), and how long: their spread is made and widened by the growth."""
    last = growth * first
    free = int(3 * number * last)
    model = box(free, (first,) * number, tables=tables(power_law(1.0 / free, 2.0 / 3.0), no_rates))
    return model, 1.2 * 3.0 * (last ** (1 / 3) - first ** (1 / 3))


def ripening(number: int) -> tuple[Model, float]:
    """Spheres of 60 to 180 units that are fed and exchange hundreds of monomers for each that they keep."""
    rng = np.random.default_rng(5)
    model = box(
        14 * number, control_volume=number * VOLUME, flask_volume=1e6 * number * VOLUME,
        tables=sphere_tables(5.0, 10.0, 2.0), seeds=particles(*rng.integers(60, 180, number).tolist()),
        syringes=(syringe({0: 60 * number}, 1e-3, (0.0, 1e-4)),),
    )
    return model, 6.0


def scaled_variance(first: int, last: int) -> CubicSpline:
    """Variance of the sizes over the mean to the power 4/3, by the mean, from the master equation of one particle.

    A pool that all particles share sets the pace of every one alike, and the mean tells how far they are.
    """
    n = np.arange(first, last + 40.0 * np.sqrt(last))
    rate = n ** (2.0 / 3.0)
    rate[-1] = 0.0

    def change(pace: float, p: FloatArray) -> FloatArray:
        gone = rate * p
        return np.concatenate([-gone[:1], gone[:-1] - gone[1:]])

    end = 3.0 * (1.1 * last ** (1 / 3) - first ** (1 / 3))
    solved = solve_ivp(change, (0.0, end), np.eye(n.size)[0], method="DOP853", rtol=1e-9, atol=1e-14,
                       t_eval=np.linspace(0.0, end, 400))
    mean = n @ solved.y
    variance = np.array([(n - m) ** 2 @ p for m, p in zip(mean, solved.y.T, strict=True)])
    within = mean < last
    return CubicSpline(mean[within], (variance / mean ** (4.0 / 3.0))[within])


def variances_off(engine: str, model: Model, time: float, runs: int, expected: CubicSpline) -> FloatArray:
    """Relative error of the variance of the sizes, by run and moment, (runs, 8)."""
    found = []
    for k in range(runs):
        run = start(engine, model, 230, k)
        row = []
        for part in PARTS:
            run.advance(part * time)
            mean, variance = mean_and_variance(*spread(run.counts()))
            row.append(variance / mean ** (4.0 / 3.0) / float(expected(mean)) - 1.0)
        found.append(row)
    return np.array(found)


def look(engine: str, model: Model, time: float, *seed: int) -> FloatArray:
    """Particles of more than 20 units, their mean size and its standard deviation, and the supersaturation."""
    run = start(engine, model, *seed)
    run.advance(time)
    counts = run.counts()
    n, number = spread(counts)
    large = n > 20
    mean, variance = mean_and_variance(n[large], number[large])
    return np.array([number[large].sum(), mean, np.sqrt(variance), counts.supersaturation])


@case("tolerance", "leaps tend to every event as their tolerance falls", engines=("leap",))
def tolerance(bench: Bench) -> list[Check]:
    number, runs = (20_000, 4) if bench.fast else (400_000, 24)
    model, time = diverging(number)
    expected = scaled_variance(300, 3000)
    off, error, checks = [], [], []
    for t in TOLERANCES:
        found = variances_off(bench.engine, replace(model, tolerance=t), time, runs, expected)
        off.append(float(found.mean()))
        # looks at one run are not independent: the standard error is that of one look
        error.append(float(np.sqrt(2.0 / (number * runs))))
        checks.append(near(
            f"width of particles that growth drives apart, over that of the master equation, tolerance {t:g}",
            float(np.sqrt(1.0 + off[-1])), 1.0,
            f"the tolerance, and 6.1 standard errors of {runs} runs of {number} particles",
            within=t + SIX * 0.5 * error[-1],
        ))
    if not bench.fast:  # whose noise hides the order
        (_, order), covariance = curve_fit(
            lambda t, a, p: a * t**p, TOLERANCES, np.abs(off), p0=(abs(off[0]) / TOLERANCES[0], 1.0), sigma=error,
            absolute_sigma=True,
        )
        standard = float(np.sqrt(covariance[1, 1]))
        checks.append(near(
            "order p of the error of the variance ~ tolerance^p", float(order), 1.0,
            "steps go with the root of the tolerance and leaps are of second order in the step; errors "
            + ", ".join(f"{100.0 * o:+.2f} %" for o in off) + f", known to {100.0 * error[-1]:.2f} %; 6.1 standard errors "
            f"of {standard:.2g}, and 0.25 as at 0.1 a leap is half as long as the rates take to change",
            within=SIX * standard + 0.25,
        ))
    model, time = ripening(2000 if bench.fast else 20_000)
    balance = look("balance", model, time, 0)
    looks = 8 if bench.fast else 16
    names = ("particles left", "mean size", "standard deviation of the size", "supersaturation - 1")
    for t in TOLERANCES:
        seen = np.array([look(bench.engine, replace(model, tolerance=t), time, 231, k) for k in range(looks)])
        seen[:, 3] -= 1.0
        for name, a, b, noise in zip(
            names, seen.mean(axis=0), [*balance[:3], balance[3] - 1.0], seen.std(axis=0, ddof=1), strict=True
        ):
            checks.append(near(
                f"{name} of a fed population that exchanges fast, over the balance, tolerance {t:g}", float(a / b), 1.0,
                f"the tolerance, and what Student's t allows the mean of {looks} runs once in 10^9 choices",
                within=t + float(student.isf(5e-10, looks - 1)) * float(noise / b) / np.sqrt(looks),
            ))

    def draw(axes: Any) -> None:
        axes.errorbar(TOLERANCES, 100.0 * np.abs(off), 100.0 * np.array(error), fmt="o", capsize=2, label="leaps")
        line = np.array([0.7 * TOLERANCES[-1], 1.4 * TOLERANCES[0]])
        axes.plot(line, 100.0 * abs(off[0]) * line / TOLERANCES[0], "k-", linewidth=0.8, label="in proportion")
        axes.set(xscale="log", yscale="log", xlabel="tolerance", ylabel="error of the variance of sizes (%)")
        axes.legend()

    bench.draw("error of leaps and their tolerance", draw)
    return checks
