"""Curvature: capillary length, solubility of small particles, and detachment by detailed balance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.physics.constants import K_B, MAX_EXPONENT, Values
from kmcgrowth.physics.sphere import radius_from_units


def capillary_length(surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """Capillary length l_c = 2 gamma v / (k_B T) [m].

    Parameters
    ----------
    surface_energy : gamma [J/m^2]
    unit_volume : v [m^3]
    temperature : [K]

    Source: Talapin et al., J. Phys. Chem. B 105, 12278 (2001). For nanocrystals l_c is comparable to r.
    """
    return 2.0 * surface_energy * unit_volume / (K_B * temperature)


def solubility(radius: Values, flat_solubility: Values, length: Values, *, linear: bool = False) -> Values:
    """Concentration in equilibrium with a sphere, c_inf exp(l_c/r), or c_inf (1 + l_c/r).

    Parameters
    ----------
    radius : float or array, above zero [m]
    flat_solubility : c_inf [1/m^3]
    length : capillary length l_c [m]
    linear : True for the form of Lifshitz, Slyozov and Wagner; valid for l_c << r only

    Returns
    -------
    float or array, in the unit of ``flat_solubility``. The exponent is cut at 700.

    Source: Gibbs-Thomson (Ostwald-Freundlich) equation, e.g. Mantzaris, Chem. Eng. Sci. 60, 4749 (2005).
    """
    ratio = length / radius
    if linear:
        return flat_solubility * (1.0 + ratio)
    return flat_solubility * np.exp(np.minimum(ratio, MAX_EXPONENT))


def sphere_free_energy(units: Values, unit_volume: Values, surface_energy: Values) -> Values:
    """Excess free energy of a sphere over the bulk, F_s(n) = 4 pi gamma r_n^2 [J].

    Parameters
    ----------
    units : n, float or array [formula units]
    unit_volume : v [m^3]
    surface_energy : gamma [J/m^2]

    Source: capillarity approximation, Volmer and Weber, Z. Phys. Chem. 119, 277 (1926).
    """
    return 4.0 * np.pi * surface_energy * radius_from_units(units, unit_volume) ** 2


def excess_step(units: Values, unit_volume: Values, surface_energy: Values) -> Values:
    """Excess free energy of the n-sphere over the (n-1)-sphere, 4 pi gamma (r_n^2 - r_(n-1)^2) [J].

    Tends to 2 gamma v / r for large n: divided by k_B T it is the l_c/r of Gibbs-Thomson.

    Parameters
    ----------
    units : n >= 1, float or array [formula units]
    unit_volume : v [m^3]
    surface_energy : gamma [J/m^2]
    """
    lower = sphere_free_energy(units - 1, unit_volume, surface_energy)
    return sphere_free_energy(units, unit_volume, surface_energy) - lower


def detachment(
    attach: NDArray[np.float64],
    flat_solubility: float,
    free_energy: NDArray[np.float64],
    temperature: float,
    *,
    linear: bool = False,
) -> NDArray[np.float64]:
    """Detachment rates that balance attachment in detail, for any table of free energies.

    detach[n+1] = attach[n] c_inf exp{[F_s(n+1) - F_s(n)]/(k_B T)}, so that at concentration c the
    numbers of n-particles in equilibrium follow (c/c_inf)^n exp[-F_s(n)/(k_B T)].

    Parameters
    ----------
    attach : (n_max + 1,) array; ``attach[n] c`` is the rate of n -> n + 1 [m^3/s]
    flat_solubility : c_inf, a number density [1/m^3]
    free_energy : (n_max + 1,) array, F_s(n), excess over the bulk crystal; entry 0 is not used [J]
    temperature : [K]
    linear : True replaces exp(x) by 1 + x (not below zero), the form in which Lifshitz, Slyozov and
        Wagner solved ripening

    Returns
    -------
    (n_max + 1,) array [1/s]; ``detach[n]`` is the rate of n -> n - 1, entries 0 and 1 are zero. Exponents
    are cut at 700, results at 1e300.

    Raises
    ------
    ValueError : the two tables differ in length.
    """
    if len(attach) != len(free_energy):
        raise ValueError(f"the free-energy table has {len(free_energy)} entries, but attachment has {len(attach)}.")
    step = (free_energy[2:] - free_energy[1:-1]) / (K_B * temperature)
    return detachment_from_steps(attach, flat_solubility, step, linear=linear)


def detachment_from_steps(
    attach: NDArray[np.float64], flat_solubility: float, step: NDArray[np.float64], *, linear: bool = False
) -> NDArray[np.float64]:
    """Same as `detachment`, from the steps of the free energy.

    Parameters
    ----------
    attach, flat_solubility, linear : as in `detachment`
    step : (n_max - 1,) array, [F_s(n) - F_s(n-1)]/(k_B T) for n = 2..n_max [dimensionless]

    Returns
    -------
    (n_max + 1,) array [1/s]
    """
    factor = np.maximum(1.0 + step, 0.0) if linear else np.exp(np.minimum(step, MAX_EXPONENT))
    detach = np.zeros(len(attach))
    with np.errstate(over="ignore"):
        np.minimum(factor * (attach[1:-1] * flat_solubility), 1e300, out=detach[2:])
    return detach


def continued_free_energy(
    free_energy: NDArray[np.float64], n_max: int, unit_volume: float, surface_energy: float
) -> NDArray[np.float64]:
    """A table F_s(n) brought to length n_max + 1: cut, or continued with the steps of a sphere.

    Parameters
    ----------
    free_energy : (m + 1,) array, F_s(0..m) [J]
    n_max : last size wanted [formula units]
    unit_volume : v [m^3]
    surface_energy : gamma of the sphere that continues the table [J/m^2]

    Returns
    -------
    (n_max + 1,) array [J], without a jump at the end of the given table.
    """
    given = np.asarray(free_energy, dtype=float)
    if len(given) > n_max:
        return given[: n_max + 1].copy()
    last = len(given) - 1
    sizes = np.arange(last + 1, n_max + 1, dtype=float)
    sphere = sphere_free_energy(sizes, unit_volume, surface_energy)
    shift = given[last] - sphere_free_energy(float(last), unit_volume, surface_energy)
    return np.concatenate([given, sphere + shift])
