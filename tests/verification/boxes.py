"""Closed boxes of spheres with physical rates, and the moments of their radii."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from models import box, particles

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, IntArray, Model, PiecewiseLinear, RateConstant, Reaction
from kmcgrowth.physics.constants import K_B
from kmcgrowth.physics.growth import rate_tables
from kmcgrowth.physics.sphere import radius_from_units

UNIT = 5.559e-29
"""Volume v of one formula unit, that of InAs [m^3]."""

HOT = 573.15
"""Temperature [K]."""

DIFFUSION = 1e-15
"""D of the monomer [m^2/s]; it only sets the scale of time."""

SURFACE_RATE = 1e-7
"""k_s [m/s]; it only sets the scale of time."""

FLAT = 1e21
"""Solubility c_inf of a flat surface [1/m^3]."""


def radius(units: Any) -> Any:
    """Radius of a sphere of ``units`` formula units [m]."""
    return radius_from_units(units, UNIT)


def surface_energy(capillary_length: float) -> float:
    """gamma that gives a capillary length at ``HOT`` [J/m^2]."""
    return capillary_length * K_B * HOT / (2.0 * UNIT)


def spheres(
    sizes: IntArray,
    monomers: int,
    concentration: float,
    capillary_length: float,
    *,
    control: str = "diffusion",
    flat: float = FLAT,
    linear: bool = True,
    **changes: Any,
) -> Model:
    """Particles and monomers in a closed box.

    Parameters
    ----------
    sizes : (k,) formula units of the particles
    monomers : free in the box
    concentration : that they are to have, which sets the volume [1/m^3]
    capillary_length : l_c [m]; with the linear Gibbs-Thomson law any value is allowed, and a large l_c/r
        costs the fewest events, as what is exchanged at the flat solubility moves nothing
    control : "diffusion" or "reaction"
    flat : c_inf [1/m^3]; zero for irreversible growth
    linear : False for the exponential law
    changes : fields of the model
    """
    gamma = surface_energy(capillary_length)
    diffusion, rate = (DIFFUSION, np.inf) if control == "diffusion" else (np.inf, SURFACE_RATE)

    def tables(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        return rate_tables(
            temperature,
            n_max,
            unit_volume=UNIT,
            diffusion=diffusion,
            surface_rate=rate,
            solubility=flat,
            surface_energy=gamma,
            gibbs_thomson="linear" if linear else "exponential",
        )

    volume = monomers / concentration
    settings: dict[str, Any] = {
        "seeds": particles(*sizes.tolist()),
        "control_volume": volume,
        "flask_volume": volume,
        "unit_volume": UNIT,
        "temperature": PiecewiseLinear(np.array([0.0]), np.array([HOT])),
        "tables": tables,
        "solubility": lambda T: flat,
        "capillary_length": lambda T: capillary_length,
    }
    return box(monomers, **(settings | changes))


class Moments(NamedTuple):
    """Moments of the radii of all particles.

    Attributes
    ----------
    number : particles
    mean : [m]
    std : [m]
    skewness, kurtosis : [dimensionless]
    largest : [m]
    mean_square, mean_cube : <r^2> [m^2], <r^3> [m^3]
    """

    number: int
    mean: float
    std: float
    skewness: float
    kurtosis: float
    largest: float
    mean_square: float
    mean_cube: float

    @property
    def relative(self) -> float:
        """sigma/<r> [dimensionless]."""
        return self.std / self.mean


def moments(counts: Counts) -> Moments:
    """Moments of the radii of the particles of all origins."""
    return weighted(counts.sizes, np.asarray(counts.seed + counts.nucleated, dtype=float))


def weighted(sizes: Any, number: Any) -> Moments:
    """Moments of the radii of ``number`` particles of each of ``sizes``."""
    r, total = radius(np.asarray(sizes, dtype=float)), float(np.sum(number))
    w = np.asarray(number, dtype=float) / total
    mean = float(w @ r)
    std = float(np.sqrt(w @ (r - mean) ** 2))
    z = (r - mean) / std if std > 0.0 else np.zeros_like(r)
    return Moments(
        round(total),
        mean,
        std,
        float(w @ z**3),
        float(w @ z**4),
        float(r[w > 0.0].max()),
        float(w @ r**2),
        float(w @ r**3),
    )


def stratified_normal(mean: float, relative: float, number: int) -> IntArray:
    """Formula units of spheres with Gaussian radii, one from each of ``number`` equally likely intervals.

    ``mean`` is the size of the sphere of mean radius [formula units].
    """
    from scipy.special import ndtri

    u = 1.0 + relative * ndtri((np.arange(number) + 0.5) / number)
    return np.maximum(np.rint(mean * u**3), 2).astype(np.int64)


def zeroth_order(species: int, monomers: int, rate: float, volume: float) -> Reaction:
    """A source: ``rate`` molecules of ``species`` per second fall apart into ``monomers`` each, whatever is left."""
    return Reaction("source", {species: 1}, {0: monomers}, {}, RateConstant(rate / volume, HOT))
