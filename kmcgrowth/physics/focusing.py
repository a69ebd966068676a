"""Focusing and defocusing of sizes: closed forms for growth without and with a steady feed."""

from __future__ import annotations

import numpy as np

from kmcgrowth.physics.constants import MAX_EXPONENT, Values


def reiss_radius(radius: Values, diffusion: Values, unit_volume: Values, dose: Values) -> Values:
    """Radius after irreversible growth under diffusion control: r^2 = r_0^2 + 2 D v int(c - c_inf) dt.

    Every r^2 gains the same amount, so r_i^2 - r_j^2 is conserved.

    Parameters
    ----------
    radius : r_0, float or array [m]
    diffusion : D [m^2/s]
    unit_volume : v [m^3]
    dose : time integral of the excess concentration [s/m^3]

    Returns
    -------
    float or array [m]

    Source: Reiss, J. Chem. Phys. 19, 482 (1951).
    """
    return np.sqrt(radius**2 + 2.0 * diffusion * unit_volume * dose)


def reiss_width(width: Values, mean_radius: Values, new_mean_radius: Values) -> Values:
    """Standard deviation of the radius under `reiss_radius`, sigma_0 r_0/<r>, for narrow distributions [m]."""
    return width * mean_radius / new_mean_radius


def focusing_number(feed: Values, diffusion: Values, flat_solubility: Values, capillary_length: Values) -> Values:
    """k = 1 + q/(4 pi D c_inf l_c): feed against ripening [dimensionless].

    The relative width shrinks for k > 3/2, the absolute width for k > 2.

    Parameters
    ----------
    feed : q, monomers per second and particle [1/s]
    diffusion : D [m^2/s]
    flat_solubility : c_inf [1/m^3]
    capillary_length : l_c [m]

    Range: diffusion control, linear Gibbs-Thomson, narrow distribution. Source: dr/dt = D v c_inf l_c
    (k/<r> - 1/r)/r with the uptake fixed by the feed; compare Clark, Kumar, Owen, Chan, Nano Lett. 11, 1976
    (2011), 10.1021/nl200286j.
    """
    return 1.0 + feed / (4.0 * np.pi * diffusion * flat_solubility * capillary_length)


def width_exponent(focusing: Values) -> Values:
    """Exponent p of sigma ~ <r>^p under a steady feed, (2 - k)/(k - 1), for k > 1 [dimensionless].

    ``focusing`` is k of `focusing_number`; the limit of large k is -1, the result of Reiss (1951).
    """
    return (2.0 - focusing) / (focusing - 1.0)


def fed_width(width: Values, mean_radius: Values, new_mean_radius: Values, focusing: Values) -> Values:
    """Standard deviation of the radius under a steady feed, sigma_0 (<r>/r_0)^((2-k)/(k-1)) [m].

    Parameters
    ----------
    width, mean_radius : sigma_0 and r_0 at the start [m]
    new_mean_radius : <r> [m]
    focusing : k of `focusing_number`, above 1 [dimensionless]
    """
    return width * (new_mean_radius / mean_radius) ** width_exponent(focusing)


def fed_mean_radius(
    time: Values,
    initial_radius: Values,
    focusing: Values,
    diffusion: Values,
    unit_volume: Values,
    flat_solubility: Values,
    capillary_length: Values,
) -> Values:
    """Mean radius under a steady feed: <r>^3 = r_0^3 + 3 (k - 1) D v c_inf l_c t [m].

    Parameters
    ----------
    time : [s]
    initial_radius : r_0 [m]
    focusing : k of `focusing_number` [dimensionless]
    diffusion, flat_solubility, capillary_length : as in `focusing_number`
    unit_volume : v [m^3]
    """
    slope = 3.0 * (focusing - 1.0) * diffusion * unit_volume * flat_solubility * capillary_length
    return np.cbrt(initial_radius**3 + slope * time)


def reaction_limit_length(
    feed: Values, surface_rate: Values, flat_solubility: Values, capillary_length: Values
) -> Values:
    """B = q/(4 pi k_s c_inf l_c): under reaction control the width grows e-fold when <r> grows by B [m].

    Parameters
    ----------
    feed : q, monomers per second and particle [1/s]
    surface_rate : k_s [m/s]
    flat_solubility : c_inf [1/m^3]
    capillary_length : l_c [m]
    """
    return feed / (4.0 * np.pi * surface_rate * flat_solubility * capillary_length)


def reaction_limit_width(width: Values, mean_radius: Values, new_mean_radius: Values, length: Values) -> Values:
    """Standard deviation under a steady feed and reaction control, sigma_0 exp[(<r> - r_0)/B]; it never shrinks [m].

    ``length`` is B of `reaction_limit_length` [m]. Range: linear Gibbs-Thomson, narrow distribution.
    """
    return width * np.exp(np.minimum((new_mean_radius - mean_radius) / length, MAX_EXPONENT))


def shot_noise_variance(units: Values, initial_units: Values, power: float, packet: float = 1.0) -> Values:
    """Variance of n when every particle starts at n_0 and gains packets of b units at a rate ~ n^p.

    Var(n) = b n [1 - (n_0/n)^(1-2p)]/(1 - 2p), and b n ln(n/n_0) for p = 1/2; p = 0 and b = 1 is Poisson.

    Parameters
    ----------
    units : n, the mean, float or array [formula units]
    initial_units : n_0 [formula units]
    power : p; 1/3 for diffusion control, 2/3 for reaction control [dimensionless]
    packet : b [formula units]

    Returns
    -------
    float or array [formula units squared]

    Source: linear-noise approximation, van Kampen, Stochastic Processes in Physics and Chemistry, ch. X;
    exact for p = 0.
    """
    gap = 1.0 - 2.0 * power
    log_ratio = np.log(initial_units / units)
    if abs(gap) < 1e-12:
        return -packet * units * log_ratio
    return -packet * units * np.expm1(gap * log_ratio) / gap


def steady_supersaturation(
    feed: Values, radius: Values, diffusion: Values, flat_solubility: Values, capillary_length: Values
) -> Values:
    """Supersaturation that a steady feed holds up, S = exp(l_c/r) + q/(4 pi D r c_inf) [dimensionless].

    Parameters
    ----------
    feed : q, monomers per second and particle [1/s]
    radius : of the particles [m]
    diffusion, flat_solubility, capillary_length : as in `focusing_number`

    Range: diffusion control, steady state, equal particles.
    """
    supply = feed / (4.0 * np.pi * diffusion * radius * flat_solubility)
    return np.exp(np.minimum(capillary_length / radius, MAX_EXPONENT)) + supply


def minimum_feed(
    radius: Values, diffusion: Values, flat_solubility: Values, capillary_length: Values, *, relative: bool = False
) -> Values:
    """Smallest feed that focuses under the exponential Gibbs-Thomson law, 4 pi D c_inf l_c exp(l_c/r) [1/s].

    Parameters
    ----------
    radius : [m]
    diffusion, flat_solubility, capillary_length : as in `focusing_number`
    relative : True for the feed above which the relative width shrinks, half of that for the absolute width

    Source: sign of d(dr/dt)/dr, or of d(d ln r/dt)/dr, with dr/dt = D v c_inf [S - exp(l_c/r)]/r.
    """
    factor = 2.0 if relative else 4.0
    ratio = np.minimum(capillary_length / radius, MAX_EXPONENT)
    return factor * np.pi * diffusion * flat_solubility * capillary_length * np.exp(ratio)


def maximum_feed(
    critical_supersaturation: Values,
    radius: Values,
    diffusion: Values,
    flat_solubility: Values,
    capillary_length: Values,
) -> Values:
    """Feed at which S reaches the onset of nucleation, 4 pi D r c_inf [S_crit - exp(l_c/r)] [1/s]; zero if none.

    Parameters
    ----------
    critical_supersaturation : S_crit [dimensionless], e.g. from `nucleation.supersaturation_for_rate`
    radius, diffusion, flat_solubility, capillary_length : as in `minimum_feed`
    """
    headroom = critical_supersaturation - np.exp(np.minimum(capillary_length / radius, MAX_EXPONENT))
    return 4.0 * np.pi * diffusion * radius * flat_solubility * np.maximum(headroom, 0.0)


def window_ratio(critical_supersaturation: Values, radius: Values, capillary_length: Values) -> Values:
    """Q_max/Q_min of focusing without new nuclei, [S_crit - exp(l_c/r)] (r/l_c) exp(-l_c/r) [dimensionless].

    The ratio of `maximum_feed` and `minimum_feed` (absolute width); below one there is no window.
    """
    ratio = np.minimum(capillary_length / radius, MAX_EXPONENT)
    headroom = np.maximum(critical_supersaturation - np.exp(ratio), 0.0)
    return headroom / ratio * np.exp(-ratio)
