"""V6: the spread that single events alone give to particles of equal size."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from models import VOLUME, box, no_rates, power_law, species, tables
from scipy import stats
from verification.cases import ALL, SIX, Bench, Check, case, likely, mean_and_variance, near, spread

from kmcgrowth.model.run import Run
from kmcgrowth.model.types import FloatArray, IntArray, Sticking
from kmcgrowth.physics.focusing import shot_noise_variance

PACKET = 22
"""Formula units of a cluster that sticks."""


def linear_noise_error(number: int, size: int, packet: int) -> float:
    """Tolerance on a variance, relative: 6.1 standard errors, and the order left out of the linear noise, b/n_0."""
    return float(SIX * np.sqrt(2.0 / number) + 2.0 * packet / size)


@case("V6-monomers", "shot noise of growth by single monomers, attach rate ∝ nᵖ", engines=ALL)
def monomers(bench: Bench) -> list[Check]:
    number, first = (3000, 200) if bench.fast else (60_000, 300)
    last, checks, curves = 8 * first, [], {}
    for i, p in enumerate((0.0, 1.0 / 3.0, 2.0 / 3.0)):
        free = 3 * number * last
        # the variance at a given mean does not depend on the course of the concentration, as all particles share it
        model = box(free, (first,) * number, tables=tables(power_law(1.0 / free, p), no_rates))
        run = bench.run(model, 60, i)
        duration = 1.2 * (last ** (1.0 - p) - first ** (1.0 - p)) / (1.0 - p)
        curves[p] = followed(run, duration)
        n, each = spread(run.counts())
        mean, variance = mean_and_variance(n, each)
        expected = float(shot_noise_variance(mean, first, p))
        checks.append(
            near(
                f"Var(n) at p = {p:.2g}, n from {first} to {mean:.0f}",
                variance,
                expected,
                f"b n [1 - (n_0/n)^(1-2p)]/(1 - 2p) with b = 1; 6.1 standard errors of {number} particles (p < "
                f"1e-9), and the "
                "order left out of the linear noise, 2/n_0",
                share=linear_noise_error(number, first, 1),
            )
        )
        if i == 2:
            bench.draw("variance of n by single monomers", partial(draw_variances, curves=curves, first=first, packet=1))
        if p == 0.0 and bench.engine != "balance":  # which does not resolve the shape of what single events alone spread
            checks.append(
                likely(
                    "gains of all particles, p = 0",
                    poisson_p(n - first, each),
                    "chi-square against Poisson of the mean gain",
                    expected="Poisson",
                    measured=f"variance over mean {variance / (mean - first):.4f}",
                )
            )
            bench.draw("gain of particles at p = 0", partial(draw_poisson, gains=n - first, each=each))
    return checks


def followed(run: Run, duration: float) -> list[tuple[float, float]]:
    """Mean and variance of n at eight times up to ``duration`` [s]."""
    found = []
    for time in np.linspace(0.0, duration, 9)[1:]:
        run.advance(float(time))
        found.append(mean_and_variance(*spread(run.counts())))
    return found


def draw_variances(axes: Any, curves: dict[float, list[tuple[float, float]]], first: int, packet: int) -> None:
    """Var(n) against the mean, and the closed form."""
    for (p, curve), name in zip(curves.items(), ("0", "1/3", "2/3"), strict=True):
        mean, variance = np.array(curve).T
        (dots,) = axes.plot(mean / first, variance / first, "o", markersize=3.5, label=f"p = {name}")
        x = np.linspace(1.001, mean[-1] / first, 100)
        axes.plot(x, shot_noise_variance(x * first, first, p, packet) / first, color=dots.get_color())
    axes.plot([], [], "k-", label="closed forms")
    axes.set(xlabel="⟨n⟩/n₀", ylabel="Var(n)/n₀")
    axes.legend()


def poisson_p(gains: IntArray, each: FloatArray) -> float:
    """p-value of the chi-square test of ``each`` particles with these gains against Poisson with their own mean."""
    mean, number = float(np.average(gains, weights=each)), float(each.sum())
    edges = np.unique(stats.poisson.ppf(np.linspace(0.0, 1.0, 41)[1:-1], mean))
    chance = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]]))
    seen = np.bincount(np.searchsorted(edges, gains, side="left"), each, minlength=len(edges) + 1)
    return float(stats.chisquare(seen, chance * number, ddof=1).pvalue)


def draw_poisson(axes: Any, gains: IntArray, each: FloatArray) -> None:
    """Histogram of gains beside the Poisson law."""
    k = np.arange(gains.min(), gains.max() + 1)
    axes.hist(gains, bins=60, weights=each, density=True, color="0.8", label="simulated")
    axes.plot(k, stats.poisson.pmf(k, np.average(gains, weights=each)), label="Poisson")
    axes.set(xlabel="monomers gained", ylabel="share")
    axes.legend()


@case("V6-clusters", "shot noise of growth by whole clusters of 22 units, rate ∝ nᵖ", engines=ALL)
def clusters(bench: Bench) -> list[Check]:
    number, first = (1000, 2200) if bench.fast else (10_000, 4400)
    last, checks, curves = 3 * first, [], {}
    for i, p in enumerate((0.0, 1.0 / 3.0, 2.0 / 3.0)):
        free = 3 * number * last // PACKET

        def table(_: float, n_max: int, p: float = p, free: int = free) -> FloatArray:
            return VOLUME / free * np.arange(n_max + 1.0) ** p

        model = box(
            sizes=(first,) * number,
            **species({"cluster": free}, {"cluster": PACKET}),
            sticking=(Sticking(1, PACKET, table),),
        )
        run = bench.run(model, 61, i)
        curves[p] = followed(run, (last ** (1.0 - p) - first ** (1.0 - p)) / (1.0 - p) / PACKET)
        mean, variance = curves[p][-1]
        checks.append(
            near(
                f"Var(n) at p = {p:.2g}, n from {first} to {mean:.0f} by {PACKET}",
                variance,
                float(shot_noise_variance(mean, first, p, PACKET)),
                f"as V6 with b = {PACKET}; 6.1 standard errors of {number} particles (p < 1e-9), and 2 b/n_0 for the "
                f"order left out",
                share=linear_noise_error(number, first, PACKET),
            )
        )
    bench.draw("variance of n by whole clusters", partial(draw_variances, curves=curves, first=first, packet=PACKET))
    return checks
