"""What an instrument would see of a result."""

from __future__ import annotations

from kmcgrowth.observables.absorption import absorption, species_absorption, trace
from kmcgrowth.observables.distribution import (
    Moments,
    Population,
    moments,
    populations,
    size_distribution,
    weighted_moments,
)
from kmcgrowth.observables.emission import emission, emission_lines
from kmcgrowth.observables.spectrum_features import (
    first_exciton,
    isosbestic_points,
    size_from_spectrum,
    sizes_over_time,
)

__all__ = [
    "Moments", "Population", "absorption", "emission", "emission_lines", "first_exciton", "isosbestic_points",
    "moments", "populations", "size_distribution", "size_from_spectrum", "sizes_over_time", "species_absorption",
    "trace", "weighted_moments",
]
