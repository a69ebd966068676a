"""Random walks on a line of lattice points between two absorbing ends: exit times, and where a walker is before it.

A walker starts at 0 and steps to either neighbour at a rate r; the ends are at +m and -m. Time is counted in 1/r, so
that all functions take r t [dimensionless]. Source of the use for walkers in protective cubes: Opplestrup et al.,
Phys. Rev. Lett. 97, 230602 (2006). The spectrum is that of the discrete sines (Feller, An Introduction to Probability
Theory and Its Applications I, XIV.5), the sums over images are reflections of the free walk,
P(x, t) = exp(-2t) I_x(2t) (ibid. II, II.7), I the modified Bessel functions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

FloatArray = NDArray[np.float64]

TERMS = 120
"""Places counted beyond one that is hardly ever reached; the sums have converged long before."""

SURE = 1e-4
"""Chance of having left above which the sum of modes is used, below it that of images."""


def modes(half_size: int) -> tuple[FloatArray, FloatArray]:
    """Rates at which the symmetric modes decay, and what each has of the chance to be inside.

    lambda_k = 2 (1 - cos(pi k/2m)) and (-1)^((k-1)/2) cot(pi k/4m)/m for k = 1, 3, ..., 2m - 1.

    Parameters
    ----------
    half_size : m, above zero

    Returns
    -------
    tuple of (m,) arrays [dimensionless]
    """
    k = np.arange(1, 2 * half_size, 2)
    sign = 1.0 - 2.0 * (k // 2 % 2)
    decay = 4.0 * np.sin(np.pi * k / (4.0 * half_size)) ** 2
    return decay, sign / (np.tan(np.pi * k / (4.0 * half_size)) * half_size)


def survival(half_size: int, time: FloatArray) -> FloatArray:
    """Chance that the walker has not reached an end, from the modes.

    Parameters
    ----------
    half_size : m
    time : r t (...) [dimensionless]

    Returns
    -------
    (...) [dimensionless]
    """
    decay, weight = modes(half_size)
    return np.asarray(np.exp(-np.asarray(time, dtype=float)[..., None] * decay) @ weight)


def exit_density(half_size: int, time: FloatArray) -> FloatArray:
    """Density of the exit time, from the modes where it is likely and from the nearest image where it is not.

    An end is reached first at t with the density (m/t) exp(-2t) I_m(2t) by a free walk.

    Parameters
    ----------
    half_size : m
    time : r t, above zero (...) [dimensionless]

    Returns
    -------
    (...) [dimensionless]
    """
    t = np.asarray(time, dtype=float)
    decay, weight = modes(half_size)
    by_modes = np.exp(-t[..., None] * decay) @ (weight * decay)
    image = 2.0 * half_size / t * ive(half_size, 2.0 * t)
    return np.where(exit_chance(half_size, t) > SURE, by_modes, image)


def exit_chance(half_size: int, time: FloatArray) -> FloatArray:
    """Chance that the walker has reached an end; its relative error stays small where the chance does.

    Up to ``SURE`` it is twice that of a free walk to have reached m, P(x >= m) + P(x > m); walks that have reached
    both ends, the next images, are then below the round-off.

    Parameters
    ----------
    half_size : m
    time : r t (...) [dimensionless]

    Returns
    -------
    (...) [dimensionless]
    """
    t = np.asarray(time, dtype=float)
    by_modes = 1.0 - survival(half_size, t)
    return np.where(by_modes > SURE, by_modes, 2.0 * beyond(half_size, np.minimum(t, half_size**2)))


def beyond(place: int, time: FloatArray) -> FloatArray:
    """Chance that a free walk has reached ``place``, above zero, by ``time``: P(x >= place) + P(x > place).

    Parameters
    ----------
    place : [dimensionless]
    time : r t, at most about place^2/4, so that ``TERMS`` places are enough (...) [dimensionless]

    Returns
    -------
    (...) [dimensionless]
    """
    t = np.maximum(np.asarray(time, dtype=float), 1e-300)
    # I_(j+1)/I_j by its continued fraction, and with it the sum over all places above, from the far end
    ratio = np.zeros_like(t)
    above = np.zeros_like(t)
    for j in range(place + TERMS, place, -1):
        ratio = 1.0 / (j / t + ratio)
        above = ratio * (1.0 + above)
    return np.asarray(ive(place, 2.0 * t) * (1.0 + 2.0 * above))


def inside(half_size: int, time: FloatArray) -> FloatArray:
    """Chance to be at each point and not to have reached an end: sum of cos(pi k x/2m) exp(-lambda_k t)/m over odd k.

    Parameters
    ----------
    half_size : m
    time : r t (...) [dimensionless]

    Returns
    -------
    (..., m) at x = 0, 1, ..., m - 1; -x has the chance of x [dimensionless]
    """
    decay, _ = modes(half_size)
    k = np.arange(1, 2 * half_size, 2)
    shape = np.cos(np.pi * np.outer(k, np.arange(half_size)) / (2.0 * half_size)) / half_size
    return np.asarray(np.maximum(np.exp(-np.asarray(time, dtype=float)[..., None] * decay) @ shape, 0.0))


def no_passage(half_size: int, time: FloatArray) -> FloatArray:
    """Where the walker is at ``time`` if it has not reached an end, x = 0, 1, ..., m - 1 as in ``inside``.

    Parameters
    ----------
    half_size : m
    time : r t, may be inf: the slowest mode (...) [dimensionless]

    Returns
    -------
    (..., m) [dimensionless]
    """
    t = np.asarray(time, dtype=float)
    decay, weight = modes(half_size)
    # relative to the slowest mode, so that late times do not underflow
    k = np.arange(1, 2 * half_size, 2)
    shape = np.cos(np.pi * np.outer(k, np.arange(half_size)) / (2.0 * half_size)) / half_size
    with np.errstate(invalid="ignore"):
        over = np.exp(-np.where(decay == decay[0], 0.0, t[..., None] * (decay - decay[0])))
    return np.asarray(np.maximum(over @ shape, 0.0) / (over @ weight)[..., None])


def hazard(half_size: int, time: FloatArray) -> FloatArray:
    """Minus the logarithm of the chance to be inside, also where that chance underflows.

    Parameters
    ----------
    half_size : m
    time : r t (...) [dimensionless]

    Returns
    -------
    (...) [dimensionless]
    """
    t = np.asarray(time, dtype=float)
    decay, weight = modes(half_size)
    late = decay[0] * t - np.log(np.exp(-t[..., None] * (decay - decay[0])) @ weight)
    return np.where(late > SURE, late, -np.log1p(-np.minimum(exit_chance(half_size, t), 0.5)))
