"""Which of the three regimes a run ended in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REGIMES = ("focuses", "nucleates", "ripens")

SHARE = 0.01
"""Newborn or dissolved particles per seed from which a population is no longer that of the seeds [dimensionless]."""


def regime(
    nucleated_share: Any, ripened_share: Any, relative_std: Any, initial_relative_std: Any
) -> NDArray[np.int64]:
    """Number of the regime in ``REGIMES``; -1 where it is not known.

    Parameters
    ----------
    nucleated_share : array, particles born per initial seed [dimensionless]
    ripened_share : array, particles dissolved, of all that there were [dimensionless]
    relative_std, initial_relative_std : arrays, width of all particles at the end and at the start [dimensionless]

    Notes
    -----
    A run nucleates if at least one particle is born per hundred seeds, the share that also defines the critical
    supersaturation of the analytic window; else it ripens if at least one in a hundred has dissolved or the relative
    width has grown; else it focuses.
    """
    born, gone, width, start = np.broadcast_arrays(nucleated_share, ripened_share, relative_std, initial_relative_std)
    with np.errstate(invalid="ignore"):
        found = np.where(born >= SHARE, 1, np.where((gone >= SHARE) | (width >= start), 2, 0))
        known = np.isfinite(born) & np.isfinite(width) & np.isfinite(start)
    return np.where(known, found, -1)


__all__ = ["REGIMES", "SHARE", "regime"]
