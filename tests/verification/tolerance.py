"""Leaps tend to every event as their tolerance falls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from models import VOLUME, box, no_rates, particles, power_law, sphere_tables, syringe, tables
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.stats import t as student
from verification.cases import SIX, Bench, Check, case, mean_and_variance, near, spread, start

from kmcgrowth.model.types import FloatArray, Model

TOLERANCES = (0.1, 0.03, 0.01, 0.003)
STEPS = (2, 3, 4, 6)

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


def variance_off(
    engine: str, model: Model, time: float, runs: int, expected: CubicSpline, steps: int = 0
) -> tuple[float, int]:
    """Relative error of the variance of the sizes at the end, in the mean of runs, and how many steps there were.

    With ``steps`` so many equal ones are taken whatever the tolerance.
    """
    found = []
    for k in range(runs):
        run = start(engine, model, 230, k)
        if steps:
            run._kernel.fixed, run._kernel.always = time / steps, True
        run.advance(time)
        mean, variance = mean_and_variance(*spread(run.counts()))
        found.append(variance / mean ** (4.0 / 3.0) / float(expected(mean)) - 1.0)
    return float(np.mean(found)), int(run._kernel.leaps)


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
    number, runs = (20_000, 4) if bench.fast else (400_000, 60)
    model, time = diverging(number)
    expected = scaled_variance(300, 3000)
    error = float(np.sqrt(2.0 / (number * runs)))
    checks = []
    for t in TOLERANCES:
        off, _ = variance_off(bench.engine, replace(model, tolerance=t), time, runs // 3, expected)
        checks.append(near(
            f"width of particles that growth drives apart, over that of the master equation, tolerance {t:g}",
            float(np.sqrt(1.0 + off)), 1.0,
            f"a twentieth of the tolerance, and 6.1 standard errors of {runs // 3} runs of {number} particles",
            within=0.05 * t + SIX * 0.5 * error * np.sqrt(3.0),
        ))
    # errors are so small that only steps far longer than any tolerance asks for show how they fall
    free = replace(model, tolerance=10.0)
    found = [variance_off(bench.engine, free, time, runs, expected, n)[0] for n in STEPS]
    few, many = (variance_off(bench.engine, replace(model, tolerance=t), time, 1, expected)[1] for t in (1e-2, 1e-4))
    checks.append(near(
        "steps at a tolerance of 1e-4 over those at 1e-2", many / few, 10.0,
        f"steps go with the root of the tolerance, and the first is shorter than it need be; {few} and {many}", share=0.25,
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
        length = 1.0 / np.array(STEPS)
        axes.errorbar(length, 100.0 * np.abs(found), 100.0 * error, fmt="o", capsize=2)
        axes.set(xscale="log", yscale="log", xlabel="step / duration", ylabel="error of the variance of sizes (%)")
        axes.set_xticks(length, [f"1/{n}" for n in STEPS], minor=False)
        axes.set_xticks([], minor=True)

    bench.draw("error of leaps of given length", draw)
    return checks
