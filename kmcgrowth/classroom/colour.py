"""The colour that a flask shows, from its absorption."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.materials import load_material
from kmcgrowth.materials.sizing import sizing_curve
from kmcgrowth.observables.optics import cluster_extinction, cross_section
from kmcgrowth.physics.excitons import HC, Curve

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WAVELENGTHS = 380.0 * 1.01 ** np.arange(146)
"""Where the spectrum can be shown, each a hundredth longer than the one before [nm]."""

BASE = np.array([*range(0, 40, 3), 52, 65, 145])
"""Those of them that are always shown: closely where clusters have their bands."""

AROUND = np.array([*range(-41, -11, 3), *range(-10, 11), 13, 17, 24, 36])
"""Those that are shown around the first exciton: closely there, and less so at the transitions above it."""

VISIBLE = WAVELENGTHS <= 780.0

PATH = 0.01
"""Of the light through the flask, as of a sample diluted a hundredfold in a cell of 1 cm [cm]."""

GRID = np.arange(0.51, 20.0, 0.02)
"""Diameters at which cross sections are tabulated, the middles of bins [nm]."""

_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""From CIE XYZ to linear sRGB: IEC 61966-2-1."""


@lru_cache(maxsize=4)
def _sizing(material: str) -> Curve:
    return sizing_curve(load_material(material))


def exciton(material: str, diameter: float | None) -> int:
    """Place in ``WAVELENGTHS`` of the first exciton of a diameter [nm]."""
    if diameter is None:
        return 0
    wavelength = HC / float(_sizing(material).energy(diameter))
    return int(np.abs(np.log(WAVELENGTHS / wavelength)).argmin())


def around(place: int) -> IntArray:
    """Places around that of an exciton; those that lie outside of ``WAVELENGTHS`` are its ends."""
    return np.clip(place + AROUND, 0, WAVELENGTHS.size - 1)


@lru_cache(maxsize=4)
def _cross_sections(material: str) -> FloatArray:
    return cross_section(material, GRID, WAVELENGTHS)


def spectrum(
    material: str, diameter: FloatArray, number: FloatArray, volume: float, dissolved: dict[str, float],
) -> FloatArray:
    """Decadic absorbance at ``WAVELENGTHS`` over ``PATH`` [dimensionless].

    Parameters
    ----------
    material : name
    diameter : (k,) [nm]
    number : (k,) particles of each
    volume : that holds them [m^3]
    dissolved : species -> concentration [mol/L]; those without bands show nothing
    """
    place = np.clip(np.rint((diameter - GRID[0]) / (GRID[1] - GRID[0])).astype(int), 0, GRID.size - 1)
    per_bin = np.bincount(place, weights=number, minlength=GRID.size) / (volume * 1e6)
    found: FloatArray = per_bin @ _cross_sections(material) * (PATH / np.log(10.0))
    clusters = load_material(material).clusters
    for name, c in dissolved.items():
        if name in clusters and c > 0.0:
            found = found + PATH * c * cluster_extinction(clusters[name], WAVELENGTHS)
    return found


@lru_cache(maxsize=1)
def _observer() -> FloatArray:
    """Colour matching functions of the CIE 1931 observer (3, visible), for light of equal energy.

    Sums of skewed Gaussians: Wyman, Sloan, Shirley, J. Comput. Graph. Tech. 2 (2), 1 (2013), equation 4.
    """
    w = WAVELENGTHS[VISIBLE]

    def lobe(height: float, middle: float, left: float, right: float) -> FloatArray:
        return height * np.exp(-0.5 * ((w - middle) * np.where(w < middle, left, right)) ** 2)

    x = lobe(0.362, 442.0, 0.0624, 0.0374) + lobe(1.056, 599.8, 0.0264, 0.0323) + lobe(-0.065, 501.1, 0.0490, 0.0382)
    y = lobe(0.821, 568.8, 0.0213, 0.0247) + lobe(0.286, 530.9, 0.0613, 0.0322)
    z = lobe(1.217, 437.0, 0.0845, 0.0278) + lobe(0.681, 459.0, 0.0385, 0.0725)
    return np.stack([x, y, z]) * w  # steps are as wide as the wavelength is long


def colour(absorbance: FloatArray) -> str:
    """Colour of white light that has passed, ``#rrggbb``; ``absorbance`` at ``WAVELENGTHS`` [dimensionless].

    Light of equal energy is white here, so that a flask without dots is.
    """
    seen = _observer() @ 10.0 ** -absorbance[VISIBLE]
    white = _TO_SRGB @ _observer().sum(axis=1)
    linear = np.clip(_TO_SRGB @ seen / white, 0.0, 1.0)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255.0 * float(c)):02x}" for c in coded)


__all__ = ["AROUND", "BASE", "GRID", "PATH", "VISIBLE", "WAVELENGTHS", "around", "colour", "exciton", "spectrum"]
