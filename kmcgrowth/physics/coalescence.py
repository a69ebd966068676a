"""Particles that meet and become one: the rate at which pairs do, and how fast their number falls."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.physics.constants import K_B


def brownian_prefactor(temperature: ArrayLike, viscosity: ArrayLike) -> NDArray[np.float64]:
    """K_0 = 2 k_B T/(3 eta), the scale of ``brownian_rate``.

    Parameters
    ----------
    temperature : array_like [K]
    viscosity : array_like, of the solvent [Pa s]

    Returns
    -------
    array [m^3/s]

    Notes
    -----
    Smoluchowski, Z. Phys. Chem. 92, 129 (1917), with Stokes-Einstein diffusion of spheres much larger than
    the molecules of the solvent, that meet in the diffusion limit and without forces between them.
    """
    return np.asarray(2.0 * K_B * np.asarray(temperature, dtype=float) / (3.0 * np.asarray(viscosity, dtype=float)))


def brownian_shape(radius_1: ArrayLike, radius_2: ArrayLike) -> NDArray[np.float64]:
    """(r_1 + r_2)^2/(r_1 r_2), 4 for equal radii and more for all others [dimensionless].

    Parameters
    ----------
    radius_1, radius_2 : array_like, above zero, in the same unit
    """
    a, b = np.asarray(radius_1, dtype=float), np.asarray(radius_2, dtype=float)
    return np.asarray((a + b) ** 2 / (a * b))


def brownian_rate(
    radius_1: ArrayLike, radius_2: ArrayLike, temperature: ArrayLike, viscosity: ArrayLike
) -> NDArray[np.float64]:
    """Rate constant of two spheres that meet by Brownian motion, K = 4 pi (D_1 + D_2)(r_1 + r_2).

    A pair in the volume V meets at the rate K/V.

    Parameters
    ----------
    radius_1, radius_2 : array_like [m]
    temperature : array_like [K]
    viscosity : array_like [Pa s]

    Returns
    -------
    array [m^3/s]
    """
    return np.asarray(brownian_prefactor(temperature, viscosity) * brownian_shape(radius_1, radius_2))


def smoluchowski_number(time: ArrayLike, number: float, constant: float, volume: float = 1.0) -> NDArray[np.float64]:
    """Particles left at ``time`` under a constant kernel, N = N_0/(1 + K N_0 t/(2 V)).

    Parameters
    ----------
    time : array_like [s]
    number : float, at the start [dimensionless]
    constant : float, K; a pair coalesces at the rate K/V [m^3/s]
    volume : float [m^3]

    Notes
    -----
    Smoluchowski, Z. Phys. Chem. 92, 129 (1917).
    """
    return np.asarray(number / (1.0 + 0.5 * constant * number * np.asarray(time, dtype=float) / volume))


def smoluchowski_multiples(
    multiple: ArrayLike, time: float, number: float, constant: float, volume: float = 1.0
) -> NDArray[np.float64]:
    """Particles made of ``multiple`` equal ones, N_0 x^(k-1)/(1 + x)^(k+1) with x = K N_0 t/(2 V); all alike at t = 0.

    Parameters
    ----------
    multiple : array_like, k = 1, 2, 3, ...
    time, number, constant, volume : as in ``smoluchowski_number``
    """
    k = np.asarray(multiple, dtype=float)
    x = 0.5 * constant * number * time / volume
    return np.asarray(number / (1.0 + x) ** 2 * (x / (1.0 + x)) ** (k - 1.0))
