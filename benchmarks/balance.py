"""Time and error of the population balance beside scipy's stiff integrators on the same equations.

``python benchmarks/balance.py``.

The benchmark model of stirred ensembles: 1e5 seeds of mean size n0 with a release of monomer that takes them to n1, all
sizes up to N resolved. Errors are against LSODA at a tolerance of 1e-11: misplaced particles, half the sum of
|p - p_ref| over the particles, and the relative errors of the mean and the width of the sizes. scipy is given the
tolerance at which its error is about that of the engine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import diags, lil_matrix
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).parent))
from peers_model import S0, peers_model, tables

from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray, Model, RateConstant, Reaction, SeedPopulation
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.sizes import expected_seeds
from kmcgrowth.recipe import load_recipe

T = TypeVar("T")
RUNS = Path(__file__).parents[1] / "runs"
PARTICLES = 100_000
RELEASE = 0.05


def fed(first: int, last: int, width: float = 0.1) -> Model:
    """Seeds of mean size ``first`` and clusters of one unit that release as much as takes them to ``last``."""
    share = (np.arange(PARTICLES) + 0.5) / PARTICLES
    units = np.maximum(np.rint(first * (1.0 + width * ndtri(share))), 2).astype(np.int64)
    monomers = round(S0 * float(np.exp(4.0 * (first ** (2 / 3) - (first - 1) ** (2 / 3)))))
    duration = 10.0 / RELEASE
    return replace(
        peers_model(10), initial=np.array([monomers, PARTICLES * (last - first)]),
        seeds=(SeedPopulation(PARTICLES, "units", units=units),), duration=duration, snapshots=np.array([0, duration]),
        reactions=(Reaction("C -> monomer", {1: 1}, {0: 1}, {1: 1.0}, RateConstant(RELEASE)),),
    )


class Equations:
    """The same equations for scipy: sizes 2 to N, then clusters, then monomers."""

    def __init__(self, model: Model, sizes: int) -> None:
        attach, detach = tables(0.0, sizes)
        self.n, self.a, self.d = np.arange(2, sizes + 1), attach[2:].copy(), detach[2:]
        self.a[-1] = 0.0
        self.first = np.zeros(self.n.size + 2)
        found, numbers = expected_seeds(model)
        self.first[found - 2] = numbers
        self.first[-2:] = model.initial[::-1]

    def __call__(self, t: float, y: FloatArray) -> FloatArray:
        p, clusters, monomers = y[:-2], y[-2], y[-1]
        up, down = monomers * self.a * p, self.d * p
        out = np.zeros_like(y)
        out[:-2] = -up - down
        out[1:-2] += up[:-1]
        out[:-3] += down[1:]
        out[-2] = -RELEASE * clusters
        out[-1] = RELEASE * clusters - up.sum() + down.sum() + down[0]
        return out

    def jacobian(self, t: float, y: FloatArray) -> object:
        """The arrowhead: tridiagonal, with a full last row and column."""
        k, p, monomers = self.n.size, y[:-2], y[-1]
        full = lil_matrix((k + 2, k + 2))
        full[:k, :k] = diags([monomers * self.a[:-1], -monomers * self.a - self.d, self.d[1:]], [-1, 0, 1])
        column = -self.a * p
        column[1:] += self.a[:-1] * p[:-1]
        full[:k, k + 1] = column[:, None]
        full[k + 1, :k] = (self.d - monomers * self.a)[None, :]
        full[k + 1, 0] = full[k + 1, 0] + self.d[0]
        full[k, k], full[k + 1, k], full[k + 1, k + 1] = -RELEASE, RELEASE, -float(self.a @ p)
        return full.tocsc()


def timed(function: Callable[[], T], repeat: int) -> tuple[float, T]:
    """Median seconds, and the result."""
    spent = []
    for _ in range(repeat):
        start = perf_counter()
        found = function()
        spent.append(perf_counter() - start)
    return float(np.median(spent)), found


def engine(model: Model, sizes: int, rtol: float) -> FloatArray:
    """Particles of every size 2 to N, amounts reversed."""
    run = BalanceRun(model, rtol=rtol, resolved=None)
    run.advance(model.duration)
    counts = run.counts()
    out = np.zeros(sizes + 1)
    out[counts.sizes - 2] = counts.seed
    out[-2:] = counts.amounts[::-1]
    return out


def scipy_end(equations: Equations, duration: float, method: str, rtol: float) -> FloatArray:
    """The end by one of scipy's integrators."""
    banded = {"lband": 1, "uband": 1} if method == "LSODA" else {"jac": equations.jacobian}
    end = solve_ivp(equations, (0.0, duration), equations.first, method=method, rtol=rtol, atol=rtol * 1e-2, **banded)
    return np.asarray(end.y[:, -1])


def errors(found: FloatArray, reference: FloatArray, model: Model) -> list[float]:
    """Misplaced share, relative errors of mean and width, and of the matter."""
    n = np.arange(2, found.size)
    p, q = found[:-2], reference[:-2]
    mean, exact = float(n @ p / p.sum()), float(n @ q / q.sum())
    width, right = (float(np.sqrt(w @ (n - m) ** 2 / w.sum())) for w, m in ((p, mean), (q, exact)))
    matter = float(model.initial.sum() + model.seeds[0].units.sum())
    return [0.5 * float(np.abs(p - q).sum() / q.sum()), abs(mean / exact - 1.0), abs(width / right - 1.0),
            abs((n @ p + found[-2:].sum()) / matter - 1.0)]


def compare(name: str, sizes: int, model: Model, solvers: dict[str, tuple[float, ...]]) -> None:
    """Print a row for every solver and tolerance."""
    equations = Equations(model, sizes)
    reference = scipy_end(equations, model.duration, "LSODA", 1e-11)
    for solver, tolerances in solvers.items():
        for rtol in tolerances:
            if solver == "balance, all sizes":
                seconds, found = timed(partial(engine, model, sizes, rtol), 5)
            else:
                method = solver.split(",")[0].removeprefix("scipy ")
                seconds, found = timed(partial(scipy_end, equations, model.duration, method, rtol), 1)
            figures = " | ".join(f"{x:.1e}" for x in errors(found, reference, model))
            print(f"| {name} | {solver} | {rtol:.0e} | {seconds:.3g} | {figures} |", flush=True)


def whole_run(model: Model, resolved: int | None) -> BalanceRun:
    """A run to its end."""
    run = BalanceRun(model, resolved=resolved)
    run.advance(model.duration)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out what takes many seconds")
    options = parser.parse_args()
    solvers = {"balance, all sizes": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7), "scipy LSODA, banded": (1e-4, 1e-5, 1e-6, 1e-7)}
    slow = {} if options.quick else {"scipy BDF, sparse": (1e-5, 1e-6)}
    print("| case | solver | rtol | seconds | misplaced | mean | width | matter |")
    print("|---|---|---|---|---|---|---|---|")
    compare("n = 75 to 1193, N = 3000", 3000, fed(75, 1193), solvers | slow)
    compare("n = 1000 to 6000, N = 10000", 10_000, fed(1000, 6000), solvers)
    print("\n| recipe | pivots | seconds | mean diameter, nm | relative width, % |")
    print("|---|---|---|---|---|")
    recipe = build_model(load_recipe(str(RUNS / "inas_continuous_injection.toml")))
    for name, resolved in (("coarse above 300", 300), ("all sizes", None)):
        seconds, run = timed(partial(whole_run, recipe, resolved), 5)
        counts = run.counts()
        d = recipe.radius(counts.sizes) * 2e9
        mean = counts.seed @ d / counts.seed.sum()
        width = np.sqrt(counts.seed @ (d - mean) ** 2 / counts.seed.sum()) / mean
        print(f"| inas_continuous_injection, {name} | {run.pivots} | {seconds:.3g} | {mean:.5f} | {100 * width:.4f} |")


if __name__ == "__main__":
    main()
