"""What an instrument would see of a result."""

from __future__ import annotations

from kmcgrowth.observables.distribution import (
    Moments,
    Population,
    moments,
    populations,
    size_distribution,
    weighted_moments,
)

__all__ = ["Moments", "Population", "moments", "populations", "size_distribution", "weighted_moments"]
