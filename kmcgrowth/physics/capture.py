"""Rate at which one particle captures dissolved monomer, per unit of monomer concentration."""

from __future__ import annotations

import numpy as np

from kmcgrowth.physics.constants import MAX_EXPONENT, Values


def diffusion_limit(radius: Values, diffusion: Values) -> Values:
    """Capture by a perfectly absorbing sphere, k_a = 4 pi D r.

    Parameters
    ----------
    radius : float or array [m]
    diffusion : D of the monomer [m^2/s]; the particle does not move

    Returns
    -------
    float or array [m^3/s]

    Range: steady state, particles far apart compared with r. Source: Smoluchowski, Z. Phys. Chem. 92, 129 (1917).
    """
    return 4.0 * np.pi * diffusion * radius


def reaction_limit(radius: Values, surface_rate: Values) -> Values:
    """Capture limited by the surface, k_a = 4 pi r^2 k_s.

    Parameters
    ----------
    radius : float or array [m]
    surface_rate : k_s [m/s]

    Returns
    -------
    float or array [m^3/s]

    Range: k_s r << D, no gradient in the solution. Source: Collins and Kimball, J. Colloid Sci. 4, 425 (1949).
    """
    return 4.0 * np.pi * surface_rate * radius**2


def mixed(radius: Values, diffusion: Values, surface_rate: Values) -> Values:
    """Diffusion and surface in series, k_a = 4 pi D r / (1 + D/(k_s r)).

    Parameters
    ----------
    radius : float or array, above zero [m]
    diffusion : D [m^2/s], may be inf
    surface_rate : k_s [m/s], may be inf (diffusion limit) or zero (no capture)

    Returns
    -------
    float or array [m^3/s]

    Range: steady state, D and k_s not both infinite. Source: Collins and Kimball, J. Colloid Sci. 4, 425 (1949).
    """
    with np.errstate(divide="ignore", over="ignore"):
        resistance = np.divide(1.0, diffusion) + np.divide(1.0, surface_rate * radius)
    return 4.0 * np.pi * radius / resistance


def size_dependent_surface_rate(
    radius: Values, surface_rate: Values, exponent: float, reference_radius: Values
) -> Values:
    """Surface rate that falls with size, k_s(r) = k_0 (r/r_0)^(-exponent): the option for superfocusing.

    Parameters
    ----------
    radius : float or array, above zero [m]
    surface_rate : k_0, the rate at ``reference_radius`` [m/s], may be inf
    exponent : [dimensionless]; zero gives k_0 at every size
    reference_radius : r_0 [m]

    Returns
    -------
    float or array [m/s]

    A power law is the simplest description of the falling reactivity reported by Prins, Montanarella et
    al., Nano Lett. (2021); the exponent is empirical.
    """
    return surface_rate * (radius / reference_radius) ** (-exponent)


def talapin_surface_rate(
    radius: Values, surface_rate: Values, capillary_length: Values, transfer_coefficient: float = 0.5
) -> Values:
    """Surface rate behind a size-dependent barrier, k_s exp(-alpha l_c / r).

    Parameters
    ----------
    radius : float or array, above zero [m]
    surface_rate : k_s of a flat surface [m/s], may be inf
    capillary_length : l_c = 2 gamma v / (k_B T) [m]
    transfer_coefficient : alpha, 0 to 1, usually 0.5 [dimensionless]

    Returns
    -------
    float or array [m/s]. The exponent is cut at 700.

    Source: Talapin, Rogach, Haase, Weller, J. Phys. Chem. B 105, 12278 (2001): the growth barrier is raised
    by alpha times the Gibbs-Thomson energy, the dissolution barrier lowered by (1 - alpha) times it.
    """
    return surface_rate * np.exp(-np.minimum(transfer_coefficient * capillary_length / radius, MAX_EXPONENT))
