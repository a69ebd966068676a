"""Growth of spheres: attach and detach rates for every size, and the continuous laws they tend to."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics import capture
from kmcgrowth.physics import gibbs_thomson as curvature
from kmcgrowth.physics.constants import K_B, MAX_EXPONENT, Values
from kmcgrowth.physics.sphere import cube_roots, radius_from_units


def rate_tables(
    temperature: float,
    n_max: int,
    *,
    unit_volume: float,
    diffusion: float,
    surface_rate: float,
    solubility: float,
    surface_energy: float,
    law: Literal["mixed", "talapin"] = "mixed",
    transfer_coefficient: float = 0.5,
    exponent: float = 0.0,
    reference_radius: float | None = None,
    gibbs_thomson: Literal["exponential", "linear"] = "exponential",
    free_energy: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Attachment and detachment rates of particles of 0..n_max formula units.

    ``attach[n]`` is the Collins-Kimball capture rate of a sphere of n units; detachment follows from
    detailed balance, ``detach[n] = attach[n-1] c_inf exp{[F_s(n) - F_s(n-1)]/(k_B T)}``. For the sphere
    the discrete difference of F_s = 4 pi gamma r_n^2 is used; for large n the exponential tends to
    exp(l_c/r), the Gibbs-Thomson equation.

    Parameters
    ----------
    temperature : [K]
    n_max : largest size, at least 2 [formula units]
    unit_volume : v [m^3]
    diffusion : D of the monomer [m^2/s]
    surface_rate : k_s, or k_0 at ``reference_radius`` where ``exponent`` is not zero [m/s]; inf for
        diffusion control
    solubility : c_inf of a flat surface, a number density [1/m^3]
    surface_energy : gamma [J/m^2]
    law : "mixed", or "talapin": the surface rate times exp(-alpha l_c/r)
    transfer_coefficient : alpha [dimensionless]
    exponent : of the surface rate, k_s = k_0 (r/r_0)^(-exponent) [dimensionless]
    reference_radius : r_0 [m]
    gibbs_thomson : "exponential", or "linear", which replaces exp(x) by 1 + x
    free_energy : (n_max + 1,) array F_s(n) instead of the sphere's; entry 0 is not used [J]

    Returns
    -------
    attach : (n_max + 1,) array [m^3/s], entry 0 zero
    detach : (n_max + 1,) array [1/s], entries 0 and 1 zero

    Raises
    ------
    ValueError : n_max below 2, unknown law, a size law without its reference radius, or a table of
        another length.

    Source: Collins and Kimball, J. Colloid Sci. 4, 425 (1949); Talapin, Rogach, Haase, Weller, J. Phys.
    Chem. B 105, 12278 (2001).
    """
    if n_max < 2:
        raise ValueError(f"n_max is {n_max}, but a table of rates needs at least 2.")
    if law not in ("mixed", "talapin"):
        raise ValueError(f'growth law "{law}" is not one of "mixed", "talapin".')
    if gibbs_thomson not in ("exponential", "linear"):
        raise ValueError(f'gibbs_thomson "{gibbs_thomson}" is not one of "exponential", "linear".')
    roots = cube_roots(n_max)
    unit_radius = float(radius_from_units(1.0, unit_volume))
    attach = np.zeros(n_max + 1)
    attach[1:] = _capture(
        roots[1:] * unit_radius, temperature, unit_volume, diffusion, surface_rate, surface_energy,
        law, transfer_coefficient, exponent, reference_radius,
    )
    linear = gibbs_thomson == "linear"
    if free_energy is not None:
        return attach, curvature.detachment(attach, solubility, np.asarray(free_energy), temperature, linear=linear)
    scale = 4.0 * np.pi * surface_energy * unit_radius**2 / (K_B * temperature)
    area = roots * roots
    step = scale * (area[2:] - area[1:-1])
    return attach, curvature.detachment_from_steps(attach, solubility, step, linear=linear)


def _capture(
    radius: NDArray[np.float64],
    temperature: float,
    unit_volume: float,
    diffusion: float,
    surface_rate: float,
    surface_energy: float,
    law: str,
    transfer_coefficient: float,
    exponent: float,
    reference_radius: float | None,
) -> NDArray[np.float64]:
    """Capture rates of spheres of the given radii [m^3/s]."""
    if exponent != 0.0 and reference_radius is None:
        raise ValueError("a surface rate that depends on size needs its reference radius.")
    captured: NDArray[np.float64]
    if surface_rate == np.inf:
        captured = capture.diffusion_limit(radius, diffusion)
        return captured
    rate: Values = surface_rate
    if exponent != 0.0:
        rate = capture.size_dependent_surface_rate(radius, rate, exponent, reference_radius)
    if law == "talapin":
        length = curvature.capillary_length(surface_energy, unit_volume, temperature)
        rate = capture.talapin_surface_rate(radius, rate, length, transfer_coefficient)
    captured = capture.mixed(radius, diffusion, rate)
    return captured


def radius_rate(
    radius: Values,
    concentration: Values,
    *,
    unit_volume: Values,
    diffusion: Values,
    surface_rate: Values,
    flat_solubility: Values,
    capillary_length: Values,
    linear: bool = False,
) -> Values:
    """Deterministic growth, dr/dt = D v (c - c_r)/(r + D/k_s) [m/s].

    Parameters
    ----------
    radius : float or array, above zero [m]
    concentration : c of the monomer [1/m^3]
    unit_volume : v [m^3]
    diffusion : D [m^2/s]
    surface_rate : k_s [m/s], may be inf
    flat_solubility : c_inf [1/m^3]
    capillary_length : l_c [m]
    linear : True for c_r = c_inf (1 + l_c/r) instead of the exponential

    Source: Sugimoto, Adv. Colloid Interface Sci. 28, 65 (1987); Mantzaris, Chem. Eng. Sci. 60, 4749 (2005).
    """
    excess = concentration - curvature.solubility(radius, flat_solubility, capillary_length, linear=linear)
    return diffusion * unit_volume * excess / (radius + diffusion / surface_rate)


def talapin_rate(radius: Values, supersaturation: Values, control: Values, transfer_coefficient: float = 0.5) -> Values:
    """Talapin's reduced growth law, dr/dtau = [S - exp(1/r)]/[r + K exp(alpha/r)] [dimensionless].

    Parameters
    ----------
    radius : r/l_c, above zero [dimensionless]
    supersaturation : S [dimensionless]
    control : K = D/(k_s l_c), small for diffusion control [dimensionless]
    transfer_coefficient : alpha [dimensionless]

    Time is tau = D v c_inf t/l_c^2. Source: Talapin, Rogach, Haase, Weller, J. Phys. Chem. B 105, 12278 (2001).
    """
    inverse = np.minimum(1.0 / radius, MAX_EXPONENT)
    return (supersaturation - np.exp(inverse)) / (radius + control * np.exp(transfer_coefficient * inverse))
