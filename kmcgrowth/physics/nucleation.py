"""Nucleation from a supersaturated solution: barrier, critical size, rates, and the size of a newborn."""

from __future__ import annotations

import numpy as np

from kmcgrowth.physics.constants import K_B, MAX_EXPONENT, Values
from kmcgrowth.physics.sphere import radius_from_units, units_from_radius

NEWBORN_SURVIVAL = 0.92
"""Chance that a particle entered at `newborn_radius` grows, (1 + erf 1)/2 [dimensionless]."""


def _log_supersaturation(supersaturation: Values) -> Values:
    """ln S, and zero for S <= 1."""
    return np.log(np.maximum(supersaturation, 1.0))


def barrier_parameter(surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """B = 16 pi gamma^3 v^2 / (3 (k_B T)^3), so that the barrier is k_B T B / ln^2 S [dimensionless].

    Parameters
    ----------
    surface_energy : gamma [J/m^2]
    unit_volume : v [m^3]
    temperature : [K]

    Source: classical nucleation theory, e.g. Kashchiev, Nucleation (2000), ch. 4, for spheres.
    """
    return 16.0 * np.pi / 3.0 * surface_energy**3 * unit_volume**2 / (K_B * temperature) ** 3


def barrier(supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """Height of the nucleation barrier, k_B T B / ln^2 S [J]; inf for S <= 1.

    Parameters as in `barrier_parameter`, with ``supersaturation`` S = c/c_inf [dimensionless].
    """
    with np.errstate(divide="ignore"):
        height = K_B * temperature / _log_supersaturation(supersaturation) ** 2
    return height * barrier_parameter(surface_energy, unit_volume, temperature)


def critical_radius(
    supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values
) -> Values:
    """Radius of the critical nucleus, r* = 2 gamma v / (k_B T ln S) [m]; inf for S <= 1.

    Parameters as in `barrier`. Source: Gibbs; Kashchiev, Nucleation (2000), ch. 4.
    """
    with np.errstate(divide="ignore"):
        length = 2.0 * surface_energy * unit_volume / (K_B * temperature)
        return length / _log_supersaturation(supersaturation)


def critical_size(supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """Formula units in the critical nucleus, n* = 32 pi gamma^3 v^2 / (3 (k_B T ln S)^3); inf for S <= 1.

    Parameters as in `barrier`. Below about five units the picture of a sphere with a surface fails.
    """
    with np.errstate(divide="ignore"):
        log_s = _log_supersaturation(supersaturation)
        return 2.0 * barrier_parameter(surface_energy, unit_volume, temperature) / log_s**3


def zeldovich_factor(
    supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values
) -> Values:
    """Zeldovich factor Z = v / (2 pi r*^2) sqrt(gamma/(k_B T)) [dimensionless]; zero for S <= 1.

    Parameters as in `barrier`. With the capture rate k_a(n*) of the nucleus, A = Z k_a(n*) c^2 is the
    kinetic prefactor of `classical_rate`. Source: Zeldovich, Acta
    Physicochim. URSS 18, 1 (1943).
    """
    radius = critical_radius(supersaturation, surface_energy, unit_volume, temperature)
    return unit_volume / (2.0 * np.pi * radius**2) * np.sqrt(surface_energy / (K_B * temperature))


def self_consistency_factor(
    supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values
) -> Values:
    """Girshick and Chiu's factor exp[4 pi gamma r_1^2/(k_B T)]/S on the classical rate [dimensionless].

    A chain of monomer steps in detailed balance with F_s(n) = 4 pi gamma r_n^2 starts from a monomer, whose
    own surface counts, and so nucleates faster than `classical_rate` with A = Z k_a(n*) c^2 by this factor
    (10^4 and more where gamma r_1^2 is many k_B T). Parameters as in `barrier`; S above zero.

    Source: Girshick and Chiu, J. Chem. Phys. 93, 1273 (1990).
    """
    step = 4.0 * np.pi * surface_energy * radius_from_units(1.0, unit_volume) ** 2 / (K_B * temperature)
    return np.exp(np.minimum(step, MAX_EXPONENT)) / supersaturation


def classical_rate(
    supersaturation: Values, prefactor: Values, surface_energy: Values, unit_volume: Values, temperature: Values
) -> Values:
    """Classical rate of nucleation, J = A exp(-B/ln^2 S); zero for S <= 1.

    Parameters
    ----------
    supersaturation : S = c/c_inf [dimensionless]
    prefactor : A [1/(m^3 s)]
    surface_energy : gamma [J/m^2]
    unit_volume : v [m^3]
    temperature : [K]

    Returns
    -------
    float or array [1/(m^3 s)]

    Range: nuclei of at least about five units and J below `encounter_cap`. Source: Volmer and Weber, Z.
    Phys. Chem. 119, 277 (1926); Becker and Doering, Ann. Phys. 416, 719 (1935).
    """
    b = barrier_parameter(surface_energy, unit_volume, temperature)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(supersaturation > 1.0, -b / _log_supersaturation(supersaturation) ** 2, -np.inf)
    return prefactor * np.exp(exponent)


def power_rate(supersaturation: Values, prefactor: Values, exponent: float) -> Values:
    """Empirical rate of nucleation, J = A S^p, with ``prefactor`` A [1/(m^3 s)]; zero for S < 0.

    Source: power law of crystallisation practice, e.g. Nyvlt, J. Cryst. Growth 3-4, 377 (1968).
    """
    return prefactor * np.maximum(supersaturation, 0.0) ** exponent


def supersaturation_for_rate(
    rate: Values, prefactor: Values, surface_energy: Values, unit_volume: Values, temperature: Values
) -> Values:
    """Supersaturation at which `classical_rate` reaches ``rate``, S = exp sqrt(B / ln(A/J)).

    Parameters
    ----------
    rate : J, above zero [1/(m^3 s)]
    prefactor : A [1/(m^3 s)]
    surface_energy, unit_volume, temperature : as in `barrier_parameter`

    Returns
    -------
    float or array [dimensionless]; inf where J >= A, which no S reaches.
    """
    b = barrier_parameter(surface_energy, unit_volume, temperature)
    with np.errstate(divide="ignore", over="ignore"):
        return np.exp(np.sqrt(b / np.maximum(np.log(prefactor / rate), 0.0)))


def supersaturation_for_power_rate(rate: Values, prefactor: Values, exponent: float) -> Values:
    """Supersaturation at which `power_rate` reaches ``rate``, S = (J/A)^(1/p) [dimensionless]."""
    return (rate / prefactor) ** (1.0 / exponent)


def newborn_radius(supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """Radius at which a nucleus enters, r* + (1/2) sqrt(k_B T/(pi gamma)) [m]; inf for S <= 1.

    There the free energy is k_B T below its top (to second order in r - r*), so that a share
    `NEWBORN_SURVIVAL` of the nuclei grows; at r* half would dissolve. Parameters as in `barrier`.

    Source: width of the critical region, Zeldovich, Acta Physicochim. URSS 18, 1 (1943).
    """
    radius = critical_radius(supersaturation, surface_energy, unit_volume, temperature)
    return radius + 0.5 * np.sqrt(K_B * temperature / (np.pi * surface_energy))


def newborn_size(supersaturation: Values, surface_energy: Values, unit_volume: Values, temperature: Values) -> Values:
    """Formula units, not rounded, at `newborn_radius`; not below 2, the smallest particle [dimensionless]."""
    radius = newborn_radius(supersaturation, surface_energy, unit_volume, temperature)
    return np.maximum(units_from_radius(radius, unit_volume), 2.0)


def insertion_rate(rate: Values) -> Values:
    """Rate at which newborns are entered so that nuclei grow at rate J: J/0.92, in the unit of ``rate``."""
    return rate / NEWBORN_SURVIVAL


def encounter_cap(concentration: Values, diffusion: Values, unit_volume: Values) -> Values:
    """Rate at which monomers meet, 8 pi D r_1 c^2: no nucleation is faster.

    Relative diffusion 2D, contact at 2 r_1 and the half for equal partners, 4 pi (2D)(2 r_1) c^2 / 2.

    Parameters
    ----------
    concentration : c of the monomer [1/m^3]
    diffusion : D of the monomer [m^2/s]
    unit_volume : v [m^3], gives r_1

    Returns
    -------
    float or array [1/(m^3 s)]

    Source: Smoluchowski, Z. Phys. Chem. 92, 129 (1917).
    """
    return 8.0 * np.pi * diffusion * radius_from_units(1.0, unit_volume) * concentration**2


def particles_from_supply(supply_rate: Values, unit_volume: Values, volume_growth: Values) -> Values:
    """Particles born while monomer is supplied steadily, N = Q_0 v / v_dot [dimensionless].

    Parameters
    ----------
    supply_rate : Q_0, monomer supplied while nuclei form [1/s]
    unit_volume : v [m^3]
    volume_growth : v_dot, volume growth rate of a fresh nucleus [m^3/s]

    Source: Sugimoto, J. Colloid Interface Sci. (2007), balance of supply and uptake at the end of nucleation.
    """
    return supply_rate * unit_volume / volume_growth
