"""Deterministic companions of the simulations: the chain of sizes in the mean, its noise, and its flux."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_banded

from kmcgrowth.model.types import FloatArray


def ripen(
    attach: FloatArray, detach: FloatArray, start: FloatArray, times: Sequence[float], steps: int
) -> list[FloatArray]:
    """Mean numbers of particles of every size while they exchange matter through a small pool.

    dp_n/dt = c [a_{n-1} p_{n-1} - a_n p_n] + d_{n+1} p_{n+1} - d_n p_n with c such that the pool stands still.
    It is what a simulation tends to with many particles, steps of one unit included: the closed forms of ripening
    want large particles as well.

    Parameters
    ----------
    attach, detach : (n_max + 1,) tables [m^3/s], [1/s]
    start : (n_max + 1,) numbers of particles at time zero
    times : increasing [s], the first above zero
    steps : equal steps of ln(t + first time)

    Returns
    -------
    list of (n_max + 1,) arrays, one per time

    Implicit Euler and the mid-point rule in turn (weight 0.55 on the new values); c is solved for by iteration.
    """
    up_rate = attach.copy()
    up_rate[:2] = 0.0
    up_rate[-1] = 0.0
    p, now, found = start.astype(float), 0.0, []
    c = _standstill(p, attach, detach)
    theta, first = 0.55, times[0]
    for until in times:
        count = max(int(np.ceil(steps * np.log((until + first) / (now + first)) / np.log(2.0))), 1)
        grid = (now + first) * ((until + first) / (now + first)) ** (np.arange(count + 1) / count) - first
        for dt in np.diff(grid):
            old = p + (1.0 - theta) * dt * _change(p, up_rate * c, detach)
            for _ in range(2):
                up = up_rate * c
                bands = np.zeros((3, len(p)))
                bands[0, 3:] = -theta * dt * detach[3:]
                bands[1] = 1.0 + theta * dt * (up + detach)
                bands[2, :-1] = -theta * dt * up[:-1]
                new = solve_banded((1, 1), bands, old, check_finite=False)
                c = _standstill(new, attach, detach)
            p = new
        now = until
        found.append(p.copy())
    return found


def _standstill(p: FloatArray, attach: FloatArray, detach: FloatArray) -> float:
    """Concentration at which the particles give as much as they take; a dissolving pair gives two."""
    return float((p @ detach + p[2] * detach[2]) / (p @ attach))


def _change(p: FloatArray, up: FloatArray, detach: FloatArray) -> FloatArray:
    out = -(up + detach) * p
    out[1:] += up[:-1] * p[:-1]
    out[2:-1] += detach[3:] * p[3:]
    return out


def fed_noise(units: float, initial: float, focusing: float) -> float:
    """Variance of n that single events add under a steady feed, diffusion control, linear Gibbs-Thomson.

    Linear-noise approximation of attachment at w k and detachment at w (l_c >> r): with a = 2k/(3(k - 1)),
    dVar/dn = a Var/n + (k + 1)/(k - 1), so Var = s n [1 - (n_0/n)^(1-a)]/(1 - a).
    """
    a, s = 2.0 * focusing / (3.0 * (focusing - 1.0)), (focusing + 1.0) / (focusing - 1.0)
    if abs(a - 1.0) < 1e-9:
        return float(s * units * np.log(units / initial))
    return float(s * units * (1.0 - (initial / units) ** (1.0 - a)) / (1.0 - a))


def flux(attach: FloatArray, detach: FloatArray, concentration: float, last: int) -> float:
    """Steady rate of Becker and Doering at which particles reach ``last`` units [1/(m^3 s)].

    J = 1/sum_n 1/(a_n c N_n), N_1 = c and N_{n+1} = N_n a_n c/d_{n+1}. Source: Becker and Doering, Ann. Phys. 416,
    719 (1935).
    """
    equilibrium, resistance = concentration, 0.0
    for n in range(1, last):
        resistance += 1.0 / (attach[n] * concentration * equilibrium)
        if n + 1 < last:
            equilibrium *= attach[n] * concentration / detach[n + 1]
    return 1.0 / resistance


def growth_chance(attach: FloatArray, detach: FloatArray, concentration: float, size: int, last: int) -> float:
    """Chance that a particle of ``size`` units reaches ``last`` before it dissolves, at a held concentration.

    Gambler's ruin: sum_{k<size} g_k / sum_{k<last} g_k with g_1 = 1 and g_k = prod_{i=2..k} d_i/(a_i c).
    """
    weight, total, below = 1.0, 0.0, 0.0
    for n in range(1, last):
        if n >= 2:
            weight *= detach[n] / (attach[n] * concentration)
        total += weight
        if n < size:
            below += weight
    return below / total
