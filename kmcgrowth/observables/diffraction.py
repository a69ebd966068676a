"""Powder diffraction of the ensemble: reflections of the bulk crystal, each as broad as spheres of these sizes make it.

Scattering vectors are in 1/angstrom, as in ``scattering``, whose Debye patterns of atoms these ones approach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.crystals import load_crystal
from kmcgrowth.materials.loader import load_material
from kmcgrowth.observables.distribution import ORIGINS
from kmcgrowth.observables.ensemble import add_in_blocks, ensemble, positive, rising
from kmcgrowth.observables.form_factors import LARGEST_Q, form_factor
from kmcgrowth.observables.scattering import ANGSTROM, peaks, two_theta_from_q, wavelength

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

CU_K_ALPHA = 8.0478
"""Energy of the photons of Cu K alpha 1, 1.5406 angstrom [keV]."""

SPHERE = 1.1067
"""Scherrer's constant of a sphere: full width at half maximum in Q times diameter over 2 pi, from the root of
j0(x)^2 + j1(x)^2 = 1/2 at x = 1.7383. Over the cube root of the volume it is 0.892 [dimensionless]."""

SAME = 1e-6
"""Relative difference up to which two scattering vectors are the same reflection [dimensionless]."""


@dataclass(frozen=True, eq=False)
class Reflection:
    """All reflections of a crystal that lie at one scattering vector.

    Attributes
    ----------
    indices : (h, k, l) of one of them, hexagonal for wurtzite
    q : scattering vector [1/angstrom]
    multiplicity : reflections that are not extinct
    products : (elements, elements), sum over them of S_a S_b*, S_a = sum over atoms of a in the cell of exp(i G r)
        [dimensionless]
    """

    indices: tuple[int, int, int]
    q: float
    multiplicity: int
    products: FloatArray


def reflections(material: str, *, q_max: float = 8.0, structure: str | None = None) -> list[Reflection]:
    """Reflections of a material, by rising scattering vector.

    Parameters
    ----------
    material : name of a material
    q_max : up to this scattering vector [1/angstrom]
    structure : "zincblende" or "wurtzite"; None takes the material's own

    Returns
    -------
    list of Reflection

    Raises
    ------
    BadInput : an unknown material, a structure whose atomic positions are not at hand, or a bad ``q_max``.

    Notes
    -----
    The wurtzite cell of a zincblende material is the ideal one of the same bonds, a/sqrt(2), where its file has none.
    """
    if not 0 < q_max <= LARGEST_Q:
        raise BadInput(f"q_max: {q_max} cannot be used; give up to {LARGEST_Q:.2f} / angstrom.")
    edges, kind, basis, hexagonal = _cell(material, structure)
    top = [int(q_max * e / (2.0 * np.pi)) for e in edges]
    hkl = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in top), indexing="ij"), axis=-1).reshape(-1, 3)
    q = 2.0 * np.pi * np.linalg.norm(hkl / edges, axis=1)
    inside = (q > 0) & (q <= q_max)
    hkl, q = hkl[inside], q[inside]
    waves = np.exp(2j * np.pi * hkl @ basis.T)
    sums = np.stack([waves[:, kind == e].sum(axis=1) for e in range(int(kind.max()) + 1)], axis=1)
    seen = (np.abs(sums) ** 2).sum(axis=1) > 1e-9
    hkl, q, sums = hkl[seen], q[seen], sums[seen]
    order = np.argsort(q, kind="stable")
    hkl, q, sums = hkl[order], q[order], sums[order]
    start = np.flatnonzero(np.diff(q, prepend=0.0) > SAME * q)
    found = []
    for here in np.split(np.arange(len(q)), start[1:]):
        products = np.real(sums[here].T @ sums[here].conj())
        shown = [_indices(row, hexagonal) for row in hkl[here]]
        # The one to name: without minus signs where there is such a one.
        name = max(shown, key=lambda row: (min(row) >= 0, row))
        found.append(Reflection(name, float(q[here].mean()), len(here), products))
    return found


def powder_pattern(
    result: xr.Dataset,
    *,
    q: ArrayLike | None = None,
    time: float | None = None,
    energy: float = CU_K_ALPHA,
    b: float = 0.0,
    structure: str | None = None,
    replicate: int | None = None,
) -> xr.DataArray:
    """Powder diffraction of the particles of a snapshot, each a sphere cut from the bulk crystal.

    Parameters
    ----------
    result : dataset of a run of any engine
    q : (k,) rising scattering vectors, or None for 1200 from 1 / angstrom to the lesser of 7 / angstrom and what the
        photons reach [1/angstrom]
    time : the nearest snapshot is taken; None for the last [s]
    energy : of the photons, for the coordinate ``two_theta`` [keV]
    b : B of the Debye-Waller factor exp(-B Q^2/2) of the intensity, as in ``scattering.debye`` [angstrom^2]
    structure : as in ``reflections``
    replicate : label of one replicate, or None for all of them together

    Returns
    -------
    (origin, q) array, mean per formula unit of all particles; the origins add up to the whole [electrons^2]. The
    coordinate ``two_theta`` is in degrees.

    Raises
    ------
    BadInput : an argument that makes no sense, or a material whose atomic positions are not at hand.

    Notes
    -----
    The sum over reflections G of |F|^2/v_cell^2 |Sigma(Q - G)|^2, Sigma the transform of the sphere, averaged over all
    orientations: with u = |Q - G| the mean of |Sigma|^2 is the integral of |Sigma(u)|^2 u du from |Q - G| to Q + G over
    2 Q G, and that of a sphere of radius R is closed, (9/4) V^2/R^2 (j0^2 + j1^2)(u R). Interference between different
    reflections, strain, faults and ligands are left out, and so are polarisation and absorption. Debye's sum over
    the atoms of balls of 2 to 6 nm differs by 1 % at the peaks and by 1 to 3 % overall; below Q = 1.3 / angstrom it has
    the tail of the small-angle scattering, which is left out here.
    """
    import xarray as xr

    positive("energy", energy, "keV")
    if not (np.isfinite(b) and b >= 0):
        raise BadInput(f"b: {b} cannot be used; give a number of angstrom^2 from 0.")
    reach = 4.0 * np.pi / wavelength(energy)
    at = np.linspace(1.0, min(7.0, reach), 1200) if q is None else rising("q", q, "1/angstrom")
    angle = two_theta_from_q(at, energy=energy)
    given = ensemble(result, time=time, replicate=replicate)
    found = given.grouped(1e-2)
    edges, _, _, _ = _cell(given.material, structure)
    # Reflections beyond the axis reach into it by some widths of the smallest particle.
    radius = 0.5 * found.diameter * ANGSTROM
    beyond = 6.0 / float(radius.min()) if radius.size else 0.0
    factors = np.stack([form_factor(e, q=at) for e in load_material(given.material).atoms])
    profile: FloatArray = np.zeros((len(ORIGINS), at.size))
    volume = found.units * found.unit_volume * ANGSTROM**3
    weights = found.count * (2.25 * volume**2 / radius**2)
    for r in reflections(given.material, q_max=min(float(at[-1]) + beyond, LARGEST_Q), structure=structure):
        strength = np.einsum("aq,ab,bq->q", factors, r.products, factors) / float(np.prod(edges)) ** 2

        def shape(axis: FloatArray, size: FloatArray, centre: float = r.q) -> FloatArray:
            return _bessel(np.abs(axis - centre) * size) - _bessel((axis + centre) * size)

        profile += add_in_blocks(at, (radius,), weights, shape) * (strength / (2.0 * at * r.q))
    total = float((found.count * found.units).sum())
    intensity = profile * np.exp(-0.5 * b * at**2) / (total if total > 0 else 1.0)
    return xr.DataArray(
        intensity, dims=("origin", "q"), name="powder_pattern",
        coords={
            "origin": ("origin", list(ORIGINS)),
            "q": ("q", at, {"units": "angstrom-1", "long_name": "scattering vector"}),
            "two_theta": ("q", angle, {"units": "degree", "long_name": "scattering angle"}),
            "time": ((), given.time, {"units": "s", "long_name": "time since the start"}),
        },
        attrs={"units": "1", "long_name": "intensity per formula unit, electrons squared", "energy_keV": energy},
    )


def scherrer_size(q: ArrayLike, intensity: ArrayLike, *, near: float, constant: float = 0.9) -> float:
    """Size from the width of a peak, D = K 2 pi / (full width at half maximum in Q).

    Parameters
    ----------
    q : (k,) evenly spaced, rising [1/angstrom]
    intensity : (k,) [any unit]
    near : the peak nearest to this scattering vector is taken [1/angstrom]
    constant : K; 0.9 as experimenters mostly do, ``SPHERE`` for the diameter of spheres [dimensionless]

    Returns
    -------
    float [nm]; of a spread of sizes a mean in which large particles count most

    Raises
    ------
    BadInput : no peak within a tenth of ``near``, or bad points.

    Notes
    -----
    Scherrer, Nachr. Ges. Wiss. Goettingen 26, 98 (1918); in angles D = K lambda/(width(2 theta) cos(theta)). Neighbours
    that overlap widen a peak.
    """
    found = peaks(q, intensity)
    if not len(found.position) or abs(found.position - near).min() > 0.1 * near:
        raise BadInput(f"near: there is no peak within a tenth of {near:g} / angstrom.")
    width = float(found.width[int(np.argmin(abs(found.position - near)))])
    return positive("constant", constant, "") * 2.0 * np.pi / width / ANGSTROM


def _cell(material: str, structure: str | None) -> tuple[FloatArray, NDArray[np.int64], FloatArray, bool]:
    """Edges [angstrom], elements and places of the atoms in a rectangular cell; whether indices are hexagonal."""
    m = load_material(material)
    wanted = m.structure if structure is None else structure
    if wanted not in ("zincblende", "wurtzite") or len(m.atoms) != 2 or set(m.atoms.values()) != {1}:
        raise BadInput(
            f'structure: the atomic positions of {material} as "{wanted}" are not at hand, so it has no pattern here; '
            "zincblende and wurtzite crystals of two elements have one."
        )
    crystal = load_crystal(wanted)
    a = m.lattice["lattice_a"] * 1e10
    edges = crystal.cell * a
    if wanted == "wurtzite":
        side = m.lattice["wurtzite_a"] * 1e10 if "wurtzite_a" in m.lattice else a / 2.0**0.5
        height = m.lattice["wurtzite_c"] * 1e10 if "wurtzite_c" in m.lattice else side * float(crystal.cell[2])
        edges = np.array([side, 3.0**0.5 * side, height])
    return edges, crystal.kind, crystal.basis, wanted == "wurtzite"


def _indices(hkl: NDArray[np.int64], hexagonal: bool) -> tuple[int, int, int]:
    h, k, m = (int(i) for i in hkl)
    # The second edge of the rectangular cell is a + 2 b of the hexagonal one.
    return (h, (k - h) // 2, m) if hexagonal else (h, k, m)


def _bessel(x: FloatArray) -> FloatArray:
    """j0(x)^2 + j1(x)^2 of spherical Bessel functions, 1 at zero; its slope is -4 j1^2/x [dimensionless]."""
    small = x < 0.02
    y = np.where(small, 1.0, x)
    sine, cosine = np.sin(y), np.cos(y)
    wave = (sine / y) ** 2 + ((sine - y * cosine) / y**2) ** 2
    return np.where(small, 1.0 - 2.0 / 9.0 * x**2 + x**4 / 45.0, wave)


__all__ = ["CU_K_ALPHA", "SPHERE", "Reflection", "powder_pattern", "reflections", "scherrer_size"]
