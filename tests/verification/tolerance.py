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
COARSE = (0.3, 0.1, 0.03, 0.01)
"""Tolerances at which growth in proportion to the size shows errors above the noise of some ten million particles."""

FIRST, GROWTH = 300, 8.0



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


def multiplying(number: int) -> tuple[Model, float]:
    """Equal particles that grow irreversibly in proportion to their size, and how long: Yule's process."""
    free = int(100.0 * number * GROWTH * FIRST)
    model = box(free, (FIRST,) * number, tables=tables(power_law(1.0 / free, 1.0), no_rates))
    return model, float(np.log(GROWTH))


def moments_off(engine: str, model: Model, time: float, runs: int) -> tuple[FloatArray, FloatArray, int]:
    """Relative errors of variance and third cumulant of the sizes of Yule's process, in the mean of runs, the standard errors
    of those of so many nearly Gaussian draws, and the steps of a run.

    A particle of m units has become m x in the mean with variance m x (x - 1) and third cumulant m x (x - 1) (2x - 1)
    (negative binomial; Feller, An Introduction to Probability Theory I, XVII.3). The pool sets the pace of all alike, and
    the mean tells x.
    """
    found = []
    for k in range(runs):
        run = start(engine, model, 232, k)
        run.advance(time)
        n, number = spread(run.counts())
        mean, variance = mean_and_variance(n, number)
        x = mean / FIRST
        third = float((n - mean) ** 3 @ number / number.sum())
        found.append((variance / (mean * (x - 1.0)) - 1.0, third / (mean * (x - 1.0) * (2.0 * x - 1.0)) - 1.0))
    skew, draws = (2.0 * x - 1.0) / np.sqrt(mean * (x - 1.0)), runs * number.sum()
    noise = np.array([np.sqrt(2.0 / draws), np.sqrt(6.0 / draws) / skew])
    return np.mean(found, axis=0), noise, int(run._kernel.leaps)


def variance_off(engine: str, model: Model, time: float, runs: int, expected: CubicSpline) -> tuple[float, int]:
    """Relative error of the variance of the sizes at the end, in the mean of runs, and how many steps there were."""
    found = []
    for k in range(runs):
        run = start(engine, model, 230, k)
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
    few, many = (variance_off(bench.engine, replace(model, tolerance=t), time, 1, expected)[1] for t in (1e-2, 1e-4))
    checks.append(near(
        "steps at a tolerance of 1e-4 over those at 1e-2", many / few, 10.0,
        f"steps go with the root of the tolerance, and the first is shorter than it need be; {few} and {many}", share=0.25,
    ))
    yule, while_growing = multiplying(number)
    found = [moments_off(bench.engine, replace(yule, tolerance=t), while_growing, runs) for t in COARSE]
    for t, (off, noise, steps) in zip(COARSE, found, strict=True):
        for name, k, times in (("variance", 0, 0.3), ("third cumulant", 1, 3.0)):
            checks.append(near(
                f"{name} of particles that grow in proportion to their size, over Yule's, tolerance {t:g}",
                float(1.0 + off[k]), 1.0, f"{times:g} times the tolerance, and 6.1 standard errors of {runs} runs; {steps} steps",
                within=times * t + SIX * float(noise[k]),
            ))
    (first, noise0, _), (last, noise1, _) = found[0], found[2]
    order = np.log(first[0] / last[0]) / np.log(COARSE[0] / COARSE[2])
    blur = np.hypot(noise0[0] / first[0], noise1[0] / last[0]) / np.log(COARSE[0] / COARSE[2])
    checks.append(near(
        "power of the tolerance with which the error of this variance falls from 0.3 to 0.03", float(order), 1.25,
        "1 to 1.5: steps go with the root of the tolerance and are of second order or third; and 6.1 standard errors",
        within=0.25 + SIX * float(blur),
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
        for k, name in enumerate(("variance", "third cumulant")):
            off, noise = (np.array([100.0 * abs(each[part][k]) for each in found]) for part in (0, 1))
            axes.errorbar(COARSE, off, noise, fmt="os"[k], capsize=2, label=name)
        axes.plot(COARSE, 30.0 * np.array(COARSE), "k:", label="∝ tolerance")
        axes.set(xscale="log", yscale="log", xlabel="tolerance", ylabel="error of growth ∝ n (%)")
        axes.set_xticks(COARSE, [f"{t:g}" for t in COARSE])
        axes.set_xticks([], minor=True)
        axes.legend()

    bench.draw("order of leaps", draw)
    return checks
