"""What the population balance shows of a front that its cells do not resolve."""

from __future__ import annotations

import numpy as np
import pytest
from models import box, no_rates, power_law, tables

from kmcgrowth.reactor.balance import BalanceRun, _shown


def test_holes_are_filled_without_a_change_of_number_mass_or_width() -> None:
    pivot = np.arange(100, 1100, 10)
    number = 1e4 * np.exp(-0.5 * ((pivot - 600) / 25.0) ** 2) * (1.0 + 1.5 * np.sin(pivot / 9.0))
    assert number.min() < -100.0
    shown = _shown(pivot, number, 1e-6)
    assert shown.min() >= 0.0
    for power in (0, 1, 2):
        assert shown @ (pivot - 600.0) ** power == pytest.approx(number @ (pivot - 600.0) ** power, abs=1e-6 * 1e7)


@pytest.mark.parametrize("size", [300, 3000])
def test_equal_particles_spread_by_their_events_alone(size: int) -> None:
    # attachment at the same rate for all: Poisson, on whatever cells
    model = box(10**9, (size,) * 1000, tables=tables(power_law(1e-9), no_rates))
    run = BalanceRun(model)
    run.advance(float(size))
    counts = run.counts()
    gain = float(np.average(counts.sizes, weights=counts.seed)) - size
    variance = float(np.average((counts.sizes - size - gain) ** 2, weights=counts.seed))
    assert gain == pytest.approx(size, rel=0.01)
    assert variance == pytest.approx(gain, rel=0.01)
