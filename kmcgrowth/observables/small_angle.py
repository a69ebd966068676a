"""Small-angle X-ray scattering of the ensemble as dilute homogeneous spheres, and what a Guinier or Porod fit reads.

Scattering vectors are in 1/nm here, as small-angle instruments have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.loader import load_material
from kmcgrowth.observables.distribution import ORIGINS
from kmcgrowth.observables.ensemble import add_in_blocks, ensemble, rising
from kmcgrowth.observables.form_factors import atomic_number
from kmcgrowth.observables.kinetics import Estimate, StraightLine, straight_line

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

ELECTRON_RADIUS = 2.8179403205e-6
"""Classical electron radius, CODATA 2022 [nm]."""

OCTADECENE = 267.0
"""Electrons of 1-octadecene at 25 degC: 142 in 252.5 g/mol at 0.789 g/cm^3 [1/nm^3]."""


@dataclass(frozen=True)
class GuinierFit:
    """ln I = ln I(0) - (Rg q)^2/3.

    Attributes
    ----------
    radius : radius of gyration Rg [nm]
    diameter : of the sphere that has it, 2 sqrt(5/3) Rg [nm]
    forward : I(0) [unit of the intensity]
    largest : q Rg of the last point used [dimensionless]
    line : of ln I over q^2
    """

    radius: Estimate
    diameter: Estimate
    forward: Estimate
    largest: float
    line: StraightLine


def sphere_amplitude(x: ArrayLike) -> FloatArray:
    """Amplitude of a homogeneous sphere, 3 (sin x - x cos x)/x^3, of x = q R (...), one at zero [dimensionless].

    Rayleigh, Proc. R. Soc. A 84, 25 (1910). Below x = 0.05 the series 1 - x^2/10 + x^4/280 errs by 1e-12 at most.
    """
    at = np.asarray(x, dtype=float)
    small = np.abs(at) < 0.05
    safe = np.where(small, 1.0, at)
    series = 1.0 - at**2 / 10.0 + at**4 / 280.0
    return np.where(small, series, 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3)


def contrast(material: str, *, solvent: float = OCTADECENE) -> float:
    """Difference of the scattering length densities of bulk and solvent, far from absorption edges.

    Parameters
    ----------
    material : name of a material
    solvent : electrons per volume of the solvent [1/nm^3]

    Returns
    -------
    float [1/nm^2]; 1 /nm^2 is 1e14 /cm^2
    """
    m = load_material(material)
    electrons = sum(atomic_number(e) * n for e, n in m.atoms.items())
    return ELECTRON_RADIUS * (electrons / (m.unit_volume * 1e27) - solvent)


_of_bulk = contrast


def small_angle(
    result: xr.Dataset,
    *,
    q: ArrayLike | None = None,
    time: float | None = None,
    absolute: bool = False,
    contrast: float | None = None,
    replicate: int | None = None,
) -> xr.DataArray:
    """Small-angle scattering of the particles of a snapshot.

    Parameters
    ----------
    result : dataset of a run of any engine
    q : (k,) rising scattering vectors from 0, or None for 400, evenly spaced in ln q, from 0.05/R of the largest
        particle to 20/R of the mean one [1/nm]
    time : the nearest snapshot is taken; None for the last [s]
    absolute : True for the cross section per volume of liquid, False for the intensity over its value at q = 0
    contrast : difference of scattering length densities; None takes that of the bulk in 1-octadecene [1/nm^2]
    replicate : label of one replicate, or None for all of them together

    Returns
    -------
    (origin, q) array [1/cm, or dimensionless]; the origins add up to the whole

    Raises
    ------
    BadInput : an argument that makes no sense.

    Notes
    -----
    I = sum over particles of (contrast V)^2 P(q R)/V_liquid: dilute, without shell, structure factor, background.
    """
    import xarray as xr

    given = ensemble(result, time=time, replicate=replicate)
    found = given.grouped()
    radius = 0.5 * found.diameter
    axis = _axis(radius, found.count) if q is None else rising("q", q, "1/nm", from_zero=True)
    volume = found.units * found.unit_volume
    if absolute:
        rho = _of_bulk(found.material) if contrast is None else float(contrast)
        if not np.isfinite(rho):
            raise BadInput(f"contrast: {contrast} cannot be used; give a number of 1/nm^2.")
        # Particles per nm^3 of liquid, and from 1/nm to 1/cm.
        weights = found.count * (rho * volume) ** 2 / (found.liquid * 1e21) * 1e7
        attrs = {"units": "cm-1", "long_name": "scattering cross section per volume", "contrast_per_nm2": rho}
    else:
        if contrast is not None:
            raise BadInput("contrast: it matters to absolute intensities alone; leave it out or ask for absolute.")
        whole = float((found.count * volume**2).sum())
        weights = found.count * volume**2 / whole if whole > 0 else found.count
        attrs = {"units": "1", "long_name": "scattered intensity over that at q = 0"}
    intensity = add_in_blocks(axis, (radius,), weights, lambda at, r: sphere_amplitude(at * r) ** 2)
    return xr.DataArray(
        intensity, dims=("origin", "q"), name="small_angle", attrs=attrs,
        coords={
            "origin": ("origin", list(ORIGINS)),
            "q": ("q", axis, {"units": "nm-1", "long_name": "scattering vector"}),
            "time": ((), given.time, {"units": "s", "long_name": "time since the start"}),
        },
    )


def guinier_radius(result: xr.Dataset, *, time: float | None = None, replicate: int | None = None) -> float:
    """Radius of gyration that the ensemble shows at small q [nm]; NaN without particles.

    Guinier, Ann. Phys. (Paris) 11, 161 (1939): Rg^2 = (3/5) <R^8>/<R^6>.
    """
    found = ensemble(result, time=time, replicate=replicate)
    if not found.units.size:
        return float("nan")
    number, r = found.count.sum(axis=0), 0.5 * found.diameter
    return float((0.6 * (number @ r**8) / (number @ r**6)) ** 0.5)


def guinier_fit(
    q: ArrayLike, intensity: ArrayLike, *, limit: float = 1.0, error: ArrayLike | None = None
) -> GuinierFit:
    """Radius of gyration from the smallest scattering vectors.

    Parameters
    ----------
    q : (k,) rising [1/nm]
    intensity : (k,) positive [any unit]
    limit : points up to q Rg of this are used, with the Rg found [dimensionless]
    error : (k,) or one standard error of the intensities; None takes them alike in ln I [unit of the intensity]

    Returns
    -------
    GuinierFit

    Raises
    ------
    BadInput : fewer than four points within the limit, which itself must be positive, or an intensity that is not
        positive or does not fall.

    Notes
    -----
    For a sphere ln P = -x^2/5 - x^4/350 - ..., with (q Rg)^2 = 3 x^2/5: a fit up to q Rg = 1 reads Rg 1 % too large.
    """
    at, y = rising("q", q, "1/nm", from_zero=True), np.asarray(intensity, dtype=float)
    if y.shape != at.shape or not (np.isfinite(y).all() and (y > 0).all()):
        raise BadInput("intensity: give one positive number for each q.")
    if not (np.isfinite(limit) and limit > 0):
        raise BadInput(f"limit: {limit} cannot be used; give a positive number, about 1.")
    spread = None if error is None else np.broadcast_to(np.asarray(error, dtype=float), at.shape) / y
    for use in range(4, len(at) + 1):
        line = straight_line(at[:use] ** 2, np.log(y[:use]), error=None if spread is None else spread[:use])
        radius = max(-3.0 * line.slope.value, 0.0) ** 0.5
        if use == len(at) or at[use] * radius > limit:
            break
    else:
        raise BadInput("q: a Guinier fit needs at least four points.")
    if not radius > 0:
        raise BadInput("intensity: it does not fall with q at the smallest q; leave out what is not of the particles.")
    if at[use - 1] * radius > limit * (1.0 + 1e-9):
        raise BadInput(f"q: fewer than four points lie below q Rg = {limit:g}; measure to smaller q.")
    s, b = line.slope, line.intercept
    half = 1.5 * s.error / radius
    ends = [max(-3.0 * v, 0.0) ** 0.5 for v in (s.upper, s.lower)]
    rg = Estimate(radius, half, *ends)
    factor = 2.0 * (5.0 / 3.0) ** 0.5
    forward = np.exp([b.value, b.lower, b.upper])
    return GuinierFit(
        rg, Estimate(factor * radius, factor * half, factor * ends[0], factor * ends[1]),
        Estimate(float(forward[0]), float(forward[0] * b.error), float(forward[1]), float(forward[2])),
        float(at[use - 1] * radius), line,
    )


def porod_fit(q: ArrayLike, intensity: ArrayLike, *, lowest: float) -> StraightLine:
    """Porod's constant from the largest scattering vectors: q^4 I = constant + background q^4.

    Parameters
    ----------
    q : (k,) [1/nm]
    intensity : (k,) [any unit]
    lowest : points from this q on are used; over whole waves of spheres alike, or with a spread of sizes [1/nm]

    Returns
    -------
    StraightLine of q^4 I over q^4: the intercept is the constant, 2 pi contrast^2 surface/volume [unit/nm^4], the
    slope a constant background.

    Notes
    -----
    Porod, Kolloid-Z. 124, 83 (1951).
    """
    at, y = np.asarray(q, dtype=float), np.asarray(intensity, dtype=float)
    if at.shape != y.shape:
        raise BadInput("intensity: give one number for each q.")
    use = at >= lowest
    if use.sum() < 3:
        raise BadInput(f"lowest: only {use.sum()} points lie from {lowest:g} /nm on; a fit needs at least three.")
    return straight_line(at[use] ** 4, at[use] ** 4 * y[use])


def _axis(radius: FloatArray, count: FloatArray) -> FloatArray:
    if not radius.size:
        return np.geomspace(0.01, 10.0, 400)
    number = count.sum(axis=0)
    return np.geomspace(0.05 / float(radius.max()), 20.0 * float(number.sum() / (number @ radius)), 400)


__all__ = [
    "GuinierFit", "contrast", "guinier_fit", "guinier_radius", "porod_fit", "small_angle", "sphere_amplitude",
]
