"""Ostwald ripening at late times: the size distributions and rate laws of Lifshitz-Slyozov and Wagner.

Both hold for a closed system, vanishing volume fraction and the linear Gibbs-Thomson equation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics.constants import Values

LSW_CUTOFF = 1.5
"""Largest r/<r> under diffusion control [dimensionless]."""
WAGNER_CUTOFF = 2.0
"""Largest r/r* under reaction control [dimensionless]."""
WAGNER_MEAN = 8.0 / 9.0
"""<r>/r* under reaction control [dimensionless]."""

Law = Literal["lsw", "wagner"]


def lsw_density(u: Values) -> Values:
    """Size distribution under diffusion control, in u = r/<r>, normalised [dimensionless].

    h(u) = (4/9) u^2 (3/(3+u))^(7/3) (3/(3-2u))^(11/3) exp(-2u/(3-2u)) for 0 < u < 3/2, zero elsewhere.
    Here <r> = r*. Source: Lifshitz and Slyozov, J. Phys. Chem. Solids 19, 35 (1961).
    """
    inside = (u > 0.0) & (u < LSW_CUTOFF)
    x = np.where(inside, u, 1.0)
    gap = 3.0 / (3.0 - 2.0 * x)
    h = 4.0 / 9.0 * x**2 * (3.0 / (3.0 + x)) ** (7.0 / 3.0) * np.exp(11.0 / 3.0 * np.log(gap) - 2.0 * x * gap / 3.0)
    return np.where(inside, h, 0.0)


def wagner_density(u: Values) -> Values:
    """Size distribution under reaction control, in u = r/r*, normalised [dimensionless].

    h(u) = 24 u (2-u)^(-5) exp(-3u/(2-u)) for 0 < u < 2, zero elsewhere; <u> = 8/9.
    Source: Wagner, Z. Elektrochem. 65, 581 (1961).
    """
    inside = (u > 0.0) & (u < WAGNER_CUTOFF)
    x = np.where(inside, u, 1.0)
    h = 24.0 * x * np.exp(-5.0 * np.log(2.0 - x) - 3.0 * x / (2.0 - x))
    return np.where(inside, h, 0.0)


def _log_survival(u: NDArray[np.float64], law: Law) -> NDArray[np.float64]:
    """ln of the share of particles above u. Self-similarity makes it h(u) times the speed of u."""
    if law == "lsw":
        gap = 3.0 / (3.0 - 2.0 * u)
        return 4.0 / 3.0 * np.log(3.0 / (3.0 + u)) + 5.0 / 3.0 * np.log(gap) - 2.0 * u * gap / 3.0
    return 3.0 * np.log(2.0 / (2.0 - u)) - 3.0 * u / (2.0 - u)


def cumulative(u: Values, law: Law) -> Values:
    """Share of particles below u, in the variable of `lsw_density` or `wagner_density` [dimensionless].

    LSW: 1 - (3/(3+u))^(4/3) (3/(3-2u))^(5/3) exp(-2u/(3-2u)); Wagner: 1 - (2/(2-u))^3 exp(-3u/(2-u)).
    """
    cutoff = LSW_CUTOFF if law == "lsw" else WAGNER_CUTOFF
    x = np.clip(u, 0.0, cutoff * (1.0 - 1e-12))
    return np.where(np.asarray(u) >= cutoff, 1.0, -np.expm1(_log_survival(x, law)))


@lru_cache(maxsize=2)
def _inverse_table(law: Law) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cutoff = LSW_CUTOFF if law == "lsw" else WAGNER_CUTOFF
    u = np.linspace(0.0, 0.99 * cutoff, 16385)
    # the cube root of -ln(survival) is nearly linear in u at both ends, where the CDF itself is flat
    return np.cbrt(np.maximum(-_log_survival(u, law), 0.0)), u


def quantile(q: Values, law: Law) -> NDArray[np.float64]:
    """Inverse of `cumulative`, accurate to 1e-6 in u.

    Parameters
    ----------
    q : float or array, 0 <= q < 1 [dimensionless]
    law : "lsw" (result r/<r>) or "wagner" (result r/r*)

    Raises
    ------
    ValueError : a quantile outside 0 <= q < 1.
    """
    share = np.asarray(q, dtype=float)
    if np.any((share < 0.0) | (share >= 1.0) | np.isnan(share)):
        raise ValueError("quantiles must lie in 0 <= q < 1.")
    key, u = _inverse_table(law)
    return np.asarray(np.interp(np.cbrt(-np.log1p(-share)), key, u))


def sample(rng: np.random.Generator, size: int, law: Law) -> NDArray[np.float64]:
    """Draw ``size`` values of r/<r> ("lsw") or r/r* ("wagner") by inverting the distribution [dimensionless]."""
    return quantile(rng.random(size), law)


class Moments(NamedTuple):
    """Moments of a distribution of sizes [dimensionless].

    Attributes
    ----------
    mean : <u>
    relative_std : standard deviation over the mean
    skewness : third central moment over the cube of the standard deviation
    kurtosis : fourth central moment over its fourth power (3 for a Gaussian)
    mode : the most frequent u
    """

    mean: float
    relative_std: float
    skewness: float
    kurtosis: float
    mode: float


def moments(law: Law) -> Moments:
    """Moments of `lsw_density` or `wagner_density` by quadrature, and their mode.

    LSW: 1, 0.2151, -0.920, 3.675, 1.1346; Wagner: 8/9, 1/sqrt(8), -0.291, 2.480, 1.
    """
    from scipy.integrate import quad
    from scipy.optimize import minimize_scalar

    density = lsw_density if law == "lsw" else wagner_density
    cutoff = LSW_CUTOFF if law == "lsw" else WAGNER_CUTOFF

    def integral(power: int, about: float) -> float:
        return float(quad(lambda u: float(density(u)) * (u - about) ** power, 0.0, cutoff, epsabs=1e-13, limit=200)[0])

    mean = integral(1, 0.0)
    std = np.sqrt(integral(2, mean))
    mode = minimize_scalar(lambda u: -float(density(u)), bounds=(0.5, 0.95 * cutoff), method="bounded").x
    return Moments(
        mean, float(std / mean), float(integral(3, mean) / std**3), float(integral(4, mean) / std**4), float(mode)
    )


def lsw_slope(diffusion: Values, unit_volume: Values, flat_solubility: Values, capillary_length: Values) -> Values:
    """d<r>^3/dt of ripening under diffusion control, (4/9) D v c_inf l_c [m^3/s].

    Parameters
    ----------
    diffusion : D [m^2/s]
    unit_volume : v [m^3]
    flat_solubility : c_inf [1/m^3]
    capillary_length : l_c [m]

    Source: Lifshitz and Slyozov (1961); Wagner (1961), with l_c = 2 gamma v/(k_B T).
    """
    return 4.0 / 9.0 * diffusion * unit_volume * flat_solubility * capillary_length


def wagner_slope(
    surface_rate: Values, unit_volume: Values, flat_solubility: Values, capillary_length: Values
) -> Values:
    """d<r>^2/dt of ripening under reaction control, (32/81) k_s v c_inf l_c [m^2/s].

    Parameters
    ----------
    surface_rate : k_s [m/s]
    unit_volume, flat_solubility, capillary_length : as in `lsw_slope`

    Source: Wagner, Z. Elektrochem. 65, 581 (1961): r*^2 grows at (1/2) k_s v c_inf l_c and <r> = (8/9) r*.
    """
    return 32.0 / 81.0 * surface_rate * unit_volume * flat_solubility * capillary_length


def lsw_mean_radius(time: Values, initial_radius: Values, slope: Values) -> Values:
    """<r>(t) = (r_0^3 + slope t)^(1/3) [m], with ``slope`` of `lsw_slope` and time in s."""
    return np.cbrt(initial_radius**3 + slope * time)


def wagner_mean_radius(time: Values, initial_radius: Values, slope: Values) -> Values:
    """<r>(t) = (r_0^2 + slope t)^(1/2) [m], with ``slope`` of `wagner_slope` and time in s."""
    return np.sqrt(initial_radius**2 + slope * time)


def surviving_share(mean_radius: Values, initial_radius: Values) -> Values:
    """N/N_0 = (r_0/<r>)^3 on either self-similar distribution, where the crystal volume stays [dimensionless]."""
    return (initial_radius / mean_radius) ** 3
