"""Coalescence against Smoluchowski: the closed form of the constant kernel, and the discrete equations of the Brownian one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from models import VOLUME, box
from scipy.integrate import solve_ivp
from verification.cases import ALL, SIX, Bench, Check, case, near, spread

from kmcgrowth.model.types import Coalescence, FloatArray
from kmcgrowth.physics.coalescence import brownian_shape, smoluchowski_multiples, smoluchowski_number

MONOMER = 30
"""Formula units of every particle at the start."""


def multiples(sizes: FloatArray, number: FloatArray, most: int) -> FloatArray:
    """Particles made of 1, 2, ... ``most`` of those at the start; what a coarse grid puts between two counts for the nearer."""
    k = np.rint(sizes / MONOMER).astype(int)
    return np.bincount(np.minimum(k, most + 1), number, most + 2)[1:-1]


@case("Smoluchowski-constant", "coalescence with one rate for all pairs, from equal particles", engines=ALL)
def constant(bench: Bench) -> list[Check]:
    first, checks = (5000 if bench.fast else 100_000), []
    rate = 2.0 / first  # half of the particles are left after one second
    run = bench.run(box(sizes=(MONOMER,) * first, coalescence=Coalescence("constant", lambda T: rate * VOLUME)), 140)
    for time in (0.5, 1.0, 3.0):
        run.advance(time)
        n, each = spread(run.counts())
        expected = float(smoluchowski_number(time, first, rate))
        checks.append(near(
            f"particles left at x = {time:g}", float(each.sum()), expected,
            "N_0/(1 + x), x = K N_0 t/(2 V); the number scatters by less than its root: 6.1 of that, p < 1e-9",
            within=SIX * float(np.sqrt(expected)),
        ))
    seen, wanted = multiples(n, each, 6), smoluchowski_multiples(np.arange(1, 7), 3.0, first, rate)
    checks += [
        near(
            f"particles made of {k} at x = 3", float(a), float(b),
            "N_0 x^(k-1)/(1 + x)^(k+1); 6.1 roots of that, p < 1e-9", within=SIX * float(np.sqrt(b)) + 2e-3 * float(b),
        )
        for k, a, b in zip(range(1, 7), seen, wanted, strict=True)
    ]
    second = float(each @ n.astype(float) ** 2) / (MONOMER**2 * first)
    checks.append(near(
        "second moment of the sizes over that at the start, x = 3", second, 1.0 + 2.0 * 3.0,
        "grows by K (sum n)^2/V: 1 + 2 x; 6.1 standard errors, each sqrt(8 x^3/N_0) at the most (p < 1e-9)",
        within=SIX * float(np.sqrt(8.0 * 27.0 / first)) if bench.engine != "balance" else 0.01,
    ))
    bench.draw("sizes at x = 3", partial(draw, seen=seen, wanted=wanted))
    return checks


@case("Smoluchowski-Brownian", "coalescence of Brownian spheres, from equal particles", engines=ALL)
def brownian(bench: Bench) -> list[Check]:
    first, top, time = (5000 if bench.fast else 100_000), 300, 1.0
    rate = 0.4 / first
    k = np.arange(1.0, top + 1.0)
    kernel = rate * brownian_shape(np.cbrt(k)[:, None], np.cbrt(k)[None, :])

    def change(t: float, n: FloatArray) -> FloatArray:
        gain = np.zeros(top)
        for i in range(top - 1):
            gain[i + 1:] += 0.5 * kernel[i, : top - 1 - i] * n[i] * n[: top - 1 - i]
        return gain - n * (kernel @ n)

    start = np.zeros(top)
    start[0] = first
    wanted = solve_ivp(change, (0.0, time), start, method="LSODA", rtol=1e-8, atol=1e-6).y[:, -1]
    run = bench.run(box(sizes=(MONOMER,) * first, coalescence=Coalescence("brownian", lambda T: rate * VOLUME)), 141)
    run.advance(time)
    n, each = spread(run.counts())
    seen = multiples(n, each, 6)
    checks = [near(
        "particles left", float(each.sum()), float(wanted.sum()),
        f"Smoluchowski's equations for {top} multiples; 6.1 roots of the number, p < 1e-9",
        within=SIX * float(np.sqrt(wanted.sum())),
    )]
    checks += [
        near(f"particles made of {j}", float(a), float(b), "the same, 6.1 roots", within=SIX * float(np.sqrt(b)) + 2e-3 * b)
        for j, a, b in zip(range(1, 7), seen, wanted, strict=False)
    ]
    bench.draw("sizes at the end", partial(draw, seen=seen, wanted=wanted[:6]))
    return checks


def draw(axes: Any, seen: FloatArray, wanted: FloatArray) -> None:
    """Numbers of the multiples beside the expected ones."""
    k = np.arange(1, len(seen) + 1)
    axes.bar(k, seen, color="0.8", label="simulated")
    axes.plot(k, wanted, "o", label="Smoluchowski")
    axes.set(xlabel="particles of the start in one", ylabel="particles", yscale="log")
    axes.legend(frameon=False)
