"""A small stiff integrator for the forecast: second-order Rosenbrock steps that tolerate a rough Jacobian."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GAMMA = 1.0 - np.sqrt(0.5)
"""Parameter of the method; L-stable [dimensionless]."""


class OutOfSteps(Exception):
    """The integration takes longer than it may, or its step has vanished."""


def integrate(
    field: Callable[[float, Array], Array], jacobian: Callable[[float, Array, Array], Array],
    start: float, end: float, y: Array, *,
    tolerance: Array, relative: float, budget: list[int], wanted: Array, first: float,
    group: slice = slice(0), alone: int = 0,
    watch: Callable[[Array], None] = lambda y: None,
) -> tuple[list[Array], float]:
    """Solve y' = field(t, y) from ``start`` to ``end``.

    Parameters
    ----------
    field : callable (t, (n,) array) -> (n,) array
    jacobian : callable (t, (n,) state, (n,) field there) -> (n, n) array, near enough to keep stiff modes quiet
    start, end : float [s]
    y : (n,) state at ``start``
    tolerance : (n,) absolute tolerance of each entry [its unit]
    relative : relative tolerance [dimensionless]
    budget : one number, the steps that are left; counted down
    wanted : (k,) increasing times after ``start``, not after ``end`` [s]
    first : the first step to try [s]
    group : entries of one kind, whose error is taken relative to their sum
    watch : called with the state after every step
    alone : leading entries that depend on one another through the rest only, which saves work

    Returns
    -------
    states : list of k (n,) arrays, the state at ``wanted``
    step : float, a good next step [s]

    Raises
    ------
    OutOfSteps

    Notes
    -----
    ROS2 of Verwer, Spee, Blom, Hundsdorfer, SIAM J. Sci. Comput. 20, 1456 (1999): second order for any matrix in
    the place of the Jacobian; the error is taken against the first-order solution. Time is carried as one more unknown.
    """
    t, h = start, min(max(first, 1e-9 * (end - start)), end - start)
    out: list[Array] = []
    tick = 1e-5 * (end - start)
    rate = field(t, y)
    matrix, slope = jacobian(t, y, rate), (field(t + tick, y) - rate) / tick
    while len(out) < wanted.size:
        last = h >= wanted[len(out)] - t
        step = float(wanted[len(out)] - t) if last else h
        budget[0] -= 1
        if budget[0] < 0 or (not last and t + 1e-3 * step == t):
            raise OutOfSteps
        try:
            solve = _solver(GAMMA * step * matrix, alone)
        except np.linalg.LinAlgError:
            raise OutOfSteps from None
        drift = GAMMA * step * slope
        k1 = solve(rate + drift)
        k2 = solve(field(t + step, np.maximum(y + step * k1, 0.0)) - 2.0 * k1 - drift)
        new = y + step * (1.5 * k1 + 0.5 * k2)
        scale = tolerance + relative * np.maximum(np.abs(y), np.abs(new))
        scale[group] = tolerance[group] + relative * float(np.sum(new[group]))
        error = float(np.max(np.abs(0.5 * step * (k1 + k2)) / scale))
        if not np.isfinite(error) or error > 1.0:
            h = step * (max(0.2, 0.8 / float(np.sqrt(error))) if np.isfinite(error) else 0.1)
            continue
        grown = step * min(4.0, 0.8 / float(np.sqrt(error + 1e-12)))
        h = max(h, grown) if last else grown
        t, y = float(wanted[len(out)]) if last else t + step, np.maximum(new, 0.0)
        watch(y)
        if last:
            out.append(y)
        if len(out) < wanted.size:
            rate = field(t, y)
            tick = min(1e-5 * (end - start), 0.5 * (end - t))
            matrix, slope = jacobian(t, y, rate), (field(t + tick, y) - rate) / tick
    return out, h


def _solver(matrix: Array, alone: int) -> Callable[[Array], Array]:
    """Solve (1 - matrix) x = b; the leading ``alone`` rows and columns are diagonal among themselves."""
    own = 1.0 - np.diagonal(matrix)[:alone]
    to_rest, rest_to = matrix[alone:, :alone] / own, matrix[:alone, alone:]
    inner = matrix[alone:, alone:] + to_rest @ rest_to
    busy = np.flatnonzero(inner.any(axis=0) | inner.any(axis=1))
    inverse = np.linalg.inv(np.eye(busy.size) - inner[np.ix_(busy, busy)])

    def solve(b: Array) -> Array:
        x = b.copy()
        x[alone:] += to_rest @ b[:alone]
        x[alone:][busy] = inverse @ x[alone:][busy]
        x[:alone] = (b[:alone] + rest_to @ x[alone:]) / own
        return x

    return solve
