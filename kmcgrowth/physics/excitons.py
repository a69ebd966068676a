"""Excitons: first transition against size, both ways, and the shapes of lines.

Energies are in eV, wavelengths and diameters in nm, as sizing curves have them; ``brus_energy`` is in SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, N_A, Values

FloatArray = NDArray[np.float64]

H_BAR = 1.054571817646156e-34
"""Planck constant over 2 pi, exact in the SI [J s]."""

ELECTRON_MASS = 9.1093837139e-31
"""CODATA 2022 [kg]."""

COULOMB = 2.3070775523e-28
"""Elementary charge squared over 4 pi epsilon_0, CODATA 2022 [J m]."""

HC = 1239.8419843320026
"""Planck constant times speed of light, exact in the SI [eV nm]."""

FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
"""Full width at half maximum of a Gaussian over its standard deviation [dimensionless]."""

CROSS_SECTION_OF_EXTINCTION = 1e3 * float(np.log(10.0)) / N_A
"""Cross section [cm^2] of a molar decadic extinction coefficient of 1 L/(mol cm)."""

BRUS_COULOMB = 1.786
"""Coulomb term of electron and hole in the lowest states of a sphere [dimensionless]."""


def brus_energy(
    diameter: Values, gap: Values, electron_mass: Values, hole_mass: Values, permittivity: Values
) -> Values:
    """First exciton of a sphere with parabolic bands and infinite walls [J].

    E = E_g + (pi^2 hbar^2/2R^2)(1/m_e + 1/m_h) - 1.786 e^2/(4 pi epsilon epsilon_0 R)

    Parameters
    ----------
    diameter : 2R [m]
    gap : of the bulk, E_g [J]
    electron_mass, hole_mass : in free-electron masses [dimensionless]
    permittivity : static, of the bulk, epsilon [dimensionless]

    Notes
    -----
    Brus, J. Chem. Phys. 80, 4403 (1984), without the polarisation term. Far too high where bands are not parabolic:
    3.0 eV for InAs of 5 nm, against 1.1 eV measured.
    """
    radius = 0.5 * diameter
    kinetic = (np.pi * H_BAR) ** 2 / (2.0 * ELECTRON_MASS * radius**2) * (1.0 / electron_mass + 1.0 / hole_mass)
    return gap + kinetic - BRUS_COULOMB * COULOMB / (permittivity * radius)


def gaussian(x: Values, centre: Values, fwhm: Values) -> Values:
    """Gaussian of height one with a full width at half maximum [dimensionless]."""
    z = (x - centre) * (FWHM / fwhm)
    return np.exp(-0.5 * z * z)


def step(x: Values, centre: Values, fwhm: Values) -> Values:
    """Smooth step from 0 to 1, the integral of a Gaussian with that full width; its inflection is at the centre."""
    from scipy.special import ndtr

    return ndtr((x - centre) * (FWHM / fwhm))


class Curve(Protocol):
    """First exciton [eV] against diameter [nm], falling; ``known`` are the diameters for which it was measured [nm]."""

    known: tuple[float, float]

    def energy(self, diameter: ArrayLike) -> FloatArray:
        """First exciton (...) [eV] of diameters (...) [nm]."""
        ...

    def slope(self, diameter: ArrayLike) -> FloatArray:
        """dE/dd (...) [eV/nm] at diameters (...) [nm]."""
        ...

    def diameter(self, energy: ArrayLike) -> FloatArray:
        """Diameters (...) [nm] of first excitons (...) [eV]; infinite at the gap and below."""
        ...


class PowerCurve:
    """E = gap + factor d^-power, at any size; ``gap`` [eV], ``factor`` [eV nm^power]."""

    def __init__(self, gap: float, factor: float, power: float, known: tuple[float, float] = (0.0, np.inf)) -> None:
        self.gap, self.factor, self.power, self.known = gap, factor, power, known

    def energy(self, diameter: ArrayLike) -> FloatArray:
        return np.asarray(self.gap + self.factor * np.asarray(diameter, dtype=float) ** -self.power)

    def slope(self, diameter: ArrayLike) -> FloatArray:
        return np.asarray(-self.power * self.factor * np.asarray(diameter, dtype=float) ** (-self.power - 1.0))

    def diameter(self, energy: ArrayLike) -> FloatArray:
        above = np.asarray(energy, dtype=float) - self.gap
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(above > 0, (self.factor / above) ** (1.0 / self.power), np.inf)


class PolynomialCurve:
    """d = sum of c_i lambda^i between two wavelengths [nm].

    Outside, E - gap goes with a power of the diameter that meets value and slope at the end, so that the curve falls
    everywhere and ends at the gap.
    """

    def __init__(self, coefficients: Sequence[float], wavelengths: tuple[float, float], gap: float) -> None:
        self._d = np.polynomial.Polynomial(np.asarray(coefficients, dtype=float))
        self._slope = self._d.deriv()
        grid = np.linspace(*wavelengths, 513)
        self._wavelength, self._grid, self.gap = grid, self._d(grid), gap
        if not np.all(np.diff(self._grid) > 0) or not HC / wavelengths[1] > gap:
            raise ValueError("a sizing polynomial must rise with the wavelength and stay above the gap.")
        self.known = (float(self._grid[0]), float(self._grid[-1]))
        self._ends = tuple(self._continued(w) for w in wavelengths)

    def _continued(self, wavelength: float) -> PowerCurve:
        d, energy = float(self._d(wavelength)), HC / wavelength
        slope = -HC / (wavelength**2 * float(self._slope(wavelength)))
        power = -slope * d / (energy - self.gap)
        return PowerCurve(self.gap, (energy - self.gap) * d**power, power)

    def _invert(self, diameter: FloatArray) -> FloatArray:
        """Wavelengths [nm] of diameters within the range, by Newton's steps from the table."""
        w = np.interp(diameter, self._grid, self._wavelength)
        for _ in range(3):
            w = w - (self._d(w) - diameter) / self._slope(w)
        return np.asarray(w)

    def _pieces(self, d: FloatArray, inside: FloatArray, below: FloatArray, above: FloatArray) -> FloatArray:
        return np.where(d < self.known[0], below, np.where(d > self.known[1], above, inside))

    def energy(self, diameter: ArrayLike) -> FloatArray:
        d = np.asarray(diameter, dtype=float)
        low, high = self._ends
        return self._pieces(d, HC / self._invert(np.clip(d, *self.known)), low.energy(d), high.energy(d))

    def slope(self, diameter: ArrayLike) -> FloatArray:
        d = np.asarray(diameter, dtype=float)
        low, high = self._ends
        w = self._invert(np.clip(d, *self.known))
        return self._pieces(d, -HC / (w**2 * self._slope(w)), low.slope(d), high.slope(d))

    def diameter(self, energy: ArrayLike) -> FloatArray:
        e = np.asarray(energy, dtype=float)
        low, high = self._ends
        top, bottom = HC / self._wavelength[0], HC / self._wavelength[-1]
        inside = self._d(HC / np.clip(e, bottom, top))
        return np.where(e > top, low.diameter(e), np.where(e < bottom, high.diameter(e), inside))


class TableCurve:
    """Monotonic interpolation of E - gap over the diameter, both logarithmic; straight on beyond the ends."""

    def __init__(self, diameter: ArrayLike, energy: ArrayLike, gap: float) -> None:
        from scipy.interpolate import PchipInterpolator

        d, e = np.asarray(diameter, dtype=float), np.asarray(energy, dtype=float)
        if d.ndim != 1 or d.shape != e.shape or d.size < 2 or not d[0] > 0:
            raise ValueError("a sizing table needs two or more diameters and as many energies.")
        if np.any(np.diff(d) <= 0) or np.any(np.diff(e) >= 0) or not e[-1] > gap:
            raise ValueError("in a sizing table diameters rise, and energies fall and stay above the gap.")
        self.gap, self.known = gap, (float(d[0]), float(d[-1]))
        x, y = np.log(d), np.log(e - gap)
        self._log = PchipInterpolator(x, y)
        self._ends = tuple(
            PowerCurve(gap, float(np.exp(y[i] + p * x[i])), p)
            for i, p in ((0, -float((y[1] - y[0]) / (x[1] - x[0]))), (-1, -float((y[-1] - y[-2]) / (x[-1] - x[-2]))))
        )
        fine = np.linspace(x[0], x[-1], 4097)
        self._x, self._y = fine, self._log(fine)

    def energy(self, diameter: ArrayLike) -> FloatArray:
        d = np.asarray(diameter, dtype=float)
        inside = self.gap + np.exp(self._log(np.log(np.clip(d, *self.known))))
        low, high = self._ends
        return np.where(d < self.known[0], low.energy(d), np.where(d > self.known[1], high.energy(d), inside))

    def slope(self, diameter: ArrayLike) -> FloatArray:
        d = np.asarray(diameter, dtype=float)
        x = np.log(np.clip(d, *self.known))
        inside = np.exp(self._log(x)) * self._log.derivative()(x) / np.exp(x)
        low, high = self._ends
        return np.where(d < self.known[0], low.slope(d), np.where(d > self.known[1], high.slope(d), inside))

    def diameter(self, energy: ArrayLike) -> FloatArray:
        e = np.asarray(energy, dtype=float)
        low, high = self._ends
        top, bottom = (float(end.energy(d)) for end, d in zip(self._ends, self.known, strict=True))
        y = np.log(np.clip(e, bottom, top) - self.gap)
        inside = np.exp(np.interp(y, self._y[::-1], self._x[::-1]))
        return np.where(e > top, low.diameter(e), np.where(e < bottom, high.diameter(e), inside))


class BrusCurve:
    """``brus_energy`` as a sizing curve; ``gap`` [eV], masses and permittivity [dimensionless].

    Where the Coulomb term outweighs the confinement the equation has a minimum; the curve ends there.
    """

    def __init__(self, gap: float, electron_mass: float, hole_mass: float, permittivity: float) -> None:
        one = 1e-9
        self.gap = gap
        self._attraction = 2.0 * BRUS_COULOMB * COULOMB / (permittivity * one * ELEMENTARY_CHARGE)
        whole = float(brus_energy(one, 0.0, electron_mass, hole_mass, permittivity)) / ELEMENTARY_CHARGE
        self._kinetic = whole + self._attraction
        self.known = (0.0, 2.0 * self._kinetic / self._attraction)

    def energy(self, diameter: ArrayLike) -> FloatArray:
        d = np.minimum(np.asarray(diameter, dtype=float), self.known[1])
        return np.asarray(self.gap + self._kinetic / d**2 - self._attraction / d)

    def slope(self, diameter: ArrayLike) -> FloatArray:
        d = np.minimum(np.asarray(diameter, dtype=float), self.known[1])
        return np.asarray(-2.0 * self._kinetic / d**3 + self._attraction / d**2)

    def diameter(self, energy: ArrayLike) -> FloatArray:
        above = np.asarray(energy, dtype=float) - self.gap
        root = self._attraction**2 + 4.0 * self._kinetic * above
        with np.errstate(invalid="ignore", divide="ignore"):
            # 1/d is the larger root of kinetic x^2 - attraction x - (E - gap) = 0
            inverse = (self._attraction + np.sqrt(np.maximum(root, 0.0))) / (2.0 * self._kinetic)
            return np.where(root > 0, 1.0 / inverse, np.inf)
