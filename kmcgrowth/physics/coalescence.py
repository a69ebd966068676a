"""Particles that meet and become one: the rate at which pairs do, and how fast their number falls."""

from __future__ import annotations

from kmcgrowth.physics.constants import K_B, Values


def brownian_prefactor(temperature: Values, viscosity: Values) -> Values:
    """K_0 = 2 k_B T/(3 eta), the scale of ``brownian_rate``.

    Parameters
    ----------
    temperature : float or array [K]
    viscosity : float or array, of the solvent [Pa s]

    Returns
    -------
    float or array [m^3/s]

    Notes
    -----
    Smoluchowski, Z. Phys. Chem. 92, 129 (1917), with Stokes-Einstein diffusion of spheres much larger than
    the molecules of the solvent, that meet in the diffusion limit and without forces between them.
    """
    return 2.0 * K_B * temperature / (3.0 * viscosity)


def brownian_shape(radius_1: Values, radius_2: Values) -> Values:
    """(r_1 + r_2)^2/(r_1 r_2), 4 for equal radii and more for all others [dimensionless].

    Parameters
    ----------
    radius_1, radius_2 : float or array, above zero, in the same unit
    """
    return (radius_1 + radius_2) ** 2 / (radius_1 * radius_2)


def brownian_rate(
    radius_1: Values, radius_2: Values, temperature: Values, viscosity: Values
) -> Values:
    """Rate constant of two spheres that meet by Brownian motion, K = 4 pi (D_1 + D_2)(r_1 + r_2).

    A pair in the volume V meets at the rate K/V.

    Parameters
    ----------
    radius_1, radius_2 : float or array [m]
    temperature : float or array [K]
    viscosity : float or array [Pa s]

    Returns
    -------
    float or array [m^3/s]
    """
    return brownian_prefactor(temperature, viscosity) * brownian_shape(radius_1, radius_2)


def smoluchowski_number(time: Values, number: Values, constant: Values, volume: Values = 1.0) -> Values:
    """Particles left at ``time`` under a constant kernel, N = N_0/(1 + K N_0 t/(2 V)).

    Parameters
    ----------
    time : float or array [s]
    number : Values, at the start [dimensionless]
    constant : Values, K; a pair coalesces at the rate K/V [m^3/s]
    volume : float [m^3]

    Notes
    -----
    Smoluchowski, Z. Phys. Chem. 92, 129 (1917).
    """
    return number / (1.0 + 0.5 * constant * number * time / volume)


def smoluchowski_multiples(
    multiple: Values, time: Values, number: Values, constant: Values, volume: Values = 1.0
) -> Values:
    """Particles made of ``multiple`` equal ones, N_0 x^(k-1)/(1 + x)^(k+1) with x = K N_0 t/(2 V); all alike at t = 0.

    Parameters
    ----------
    multiple : float or array, k = 1, 2, 3, ...
    time, number, constant, volume : as in ``smoluchowski_number``
    """
    x = 0.5 * constant * number * time / volume
    return number / (1.0 + x) ** 2 * (x / (1.0 + x)) ** (multiple - 1.0)
