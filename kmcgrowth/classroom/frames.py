"""What the page shows of a flask at one moment: a few short arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.classroom.colour import BASE, around, colour, exciton, spectrum
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.physics.constants import N_A
from kmcgrowth.physics.nucleation import supersaturation_for_rate

FloatArray = NDArray[np.float64]

BINS, CURVE, RIDERS = 40, 24, 6
"""Bins of the distribution, points of the growth curve, particles of each origin that ride on it."""

RANGES = (4.0, 6.0, 8.0, 12.0, 20.0, 40.0)
"""Diameters at which the axis may end [nm]."""

NOTICED = 0.01
"""Newborn particles that would be noticed, per seed (or per thousand particles) and run [dimensionless]."""


@dataclass(frozen=True)
class Frame:
    """The flask at one moment, in at most 200 numbers.

    Attributes
    ----------
    index : number of the frame
    time : [s]
    temperature : [degC]
    feed : what the pump pushed up to now [mL/hour]
    injected : [mL]
    supersaturation : of the mean field over a flat surface [dimensionless]
    threshold : supersaturation at which newborn particles would be noticed in the course of the run; None where no
        supersaturation does it [dimensionless]
    critical : radius that neither grows nor shrinks; None without supersaturation [nm]
    mean : of the diameters of seeds, nucleated and all particles; None without any [nm]
    width : standard deviation of the diameters over their mean, of the same three; None without any [%]
    number : of seeds and nucleated particles [dimensionless]
    reach : end of the axis of diameters [nm]
    seeds, nucleated : (bins,) particles in equal bins from 0 to ``reach``
    curve : (points,) growth rate of radii equally spaced from ``reach``/2/points to ``reach``/2 [nm/min]
    riders : (particles, 2) radius [nm] and growth rate [nm/min], of seeds first
    nucleated_riders : those of them that are nucleated, the last ones
    spectrum : (wavelengths,) absorbance at ``colour.BASE`` [dimensionless]
    close : (wavelengths,) the same at ``colour.AROUND`` the first exciton [dimensionless]
    exciton : place of the first exciton in ``colour.WAVELENGTHS``
    colour : of the flask, "#rrggbb"
    """

    index: int
    time: float
    temperature: float
    feed: float
    injected: float
    supersaturation: float
    threshold: float | None
    critical: float | None
    mean: tuple[float | None, ...]
    width: tuple[float | None, ...]
    number: tuple[int, int]
    reach: float
    seeds: tuple[int, ...]
    nucleated: tuple[int, ...]
    curve: tuple[float, ...]
    riders: tuple[tuple[float, float], ...]
    nucleated_riders: int
    spectrum: tuple[float, ...]
    close: tuple[float, ...]
    exciton: int
    colour: str

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def numbers(message: Any) -> int:
    """How many numbers a message holds: all that is neither a list nor a table, None and words too."""
    if isinstance(message, dict):
        message = list(message.values())
    return sum(numbers(x) for x in message) if isinstance(message, (list, tuple)) else 1


class Camera:
    """Takes frames of a model's run.

    Parameters
    ----------
    model : Model
        Later models of the same run differ in their schedules only.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._tables: tuple[float, int, FloatArray, FloatArray] | None = None

    def take(self, counts: Counts, *, index: int, feed: float) -> Frame:
        """The flask as it is; ``feed`` [mL/hour] is what the pump pushed up to now."""
        model, T, S = self.model, counts.temperature, counts.supersaturation
        diameter = 2e9 * model.radius(counts.sizes)
        both = (counts.seed.astype(float), counts.nucleated.astype(float))
        largest = float(diameter[-1]) if diameter.size else 0.0
        reach = next((r for r in RANGES if largest < 0.98 * r), RANGES[-1])
        edges = np.linspace(0.0, reach, BINS + 1)
        bars = [np.histogram(diameter, edges, weights=w)[0] for w in both]
        moments = [_moments(diameter, w) for w in (*both, both[0] + both[1])]
        radius = 0.5 * reach * np.arange(1, CURVE + 1) / CURVE
        picked = [_quantiles(diameter, w) / 2.0 for w in both]
        riders = np.concatenate(picked)
        per_mol = counts.volume * 1000.0 * N_A
        dissolved = {name: float(counts.amounts[i]) / per_mol for i, name in enumerate(model.species) if i != MONOMER}
        light = spectrum(model.material, diameter, both[0] + both[1], counts.volume, dissolved)
        length = model.capillary_length(T) * 1e9
        speed = self._speed(riders, T, S)
        # of two populations the one with more matter has the exciton that is seen
        matter = [float(w @ diameter**3) for w in both]
        near = exciton(model.material, moments[int(matter[1] > matter[0])][0])
        return Frame(
            index=index, time=counts.time, temperature=round(T - 273.15, 2), feed=feed,
            injected=round(counts.injected_volume * 1e6, 3), supersaturation=_short(S), threshold=self._threshold(T),
            critical=_short(length / float(np.log(S))) if S > 1.0 else None,
            mean=tuple(m for m, _ in moments), width=tuple(w for _, w in moments),
            number=(int(both[0].sum()), int(both[1].sum())), reach=reach,
            seeds=tuple(int(n) for n in bars[0]), nucleated=tuple(int(n) for n in bars[1]),
            curve=tuple(_short(x) for x in self._speed(radius, T, S)),
            riders=tuple((_short(r), _short(x)) for r, x in zip(riders, speed, strict=True)),
            nucleated_riders=len(picked[1]), spectrum=tuple(_short(a) for a in light[BASE]),
            close=tuple(_short(a) for a in light[around(near)]), exciton=near, colour=colour(light),
        )

    def _speed(self, radius: FloatArray, temperature: float, supersaturation: float) -> FloatArray:
        """Growth rate dr/dt of spheres [nm/min], from the rates with which the engines work; ``radius`` [nm]."""
        if not radius.size:
            return radius
        model = self.model
        units = 4.0 / 3.0 * np.pi * (radius * 1e-9) ** 3 / model.unit_volume
        largest = 1 << int(np.ceil(np.log2(max(float(units.max()) + 2.0, 512.0))))
        if self._tables is None or self._tables[0] != temperature or self._tables[1] < largest:
            self._tables = (temperature, largest, *model.tables(temperature, largest))
        n = np.maximum(units, 2.0)
        attach, detach = (np.interp(n, np.arange(t.size), t) for t in self._tables[2:])
        gain = attach * supersaturation * model.solubility(temperature) - detach
        speed: FloatArray = gain * model.unit_volume / (4.0 * np.pi * (radius * 1e-9) ** 2) * 6e10
        return speed

    def _threshold(self, temperature: float) -> float | None:
        model = self.model
        particles = sum(p.number for p in model.seeds) or 1000
        rate = NOTICED * particles / (model.control_volume * model.duration)
        law = model.nucleation
        found = float(supersaturation_for_rate(
            rate, law.prefactor(temperature), law.surface_energy(temperature), model.unit_volume, temperature
        ))
        return _short(found) if np.isfinite(found) else None


def _moments(diameter: FloatArray, weight: FloatArray) -> tuple[float | None, float | None]:
    total = float(weight.sum())
    if total <= 0.0:
        return None, None
    mean = float(weight @ diameter) / total
    spread = float(np.sqrt(weight @ (diameter - mean) ** 2 / total))
    return round(mean, 4), round(100.0 * spread / mean, 3)


def _quantiles(diameter: FloatArray, weight: FloatArray) -> FloatArray:
    total = float(weight.sum())
    if total <= 0.0:
        return np.empty(0)
    levels = np.cumsum(weight) / total
    return diameter[np.searchsorted(levels, np.linspace(0.02, 0.98, RIDERS) - 1e-12)]


def _short(x: float) -> float:
    return float(f"{float(x):.4g}")


__all__ = ["BINS", "CURVE", "NOTICED", "RANGES", "RIDERS", "Camera", "Frame", "numbers"]
