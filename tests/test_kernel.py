"""The compiled kernel by itself: its random words and its choice of places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from models import VOLUME, box, everything, particles
from scipy import stats

from kmcgrowth.model.types import FloatArray
from kmcgrowth.reactor.exact import ExactRun


class Veiled(np.random.SFC64):
    """SFC64 under a name the kernel does not know, so that it asks numpy for every word."""

    @property
    def state(self) -> dict[str, Any]:
        return dict(super().state) | {"bit_generator": "veiled"}


def test_words_drawn_in_place_are_those_of_numpy() -> None:
    model = everything("explicit")
    known, veiled = (ExactRun(model, np.random.Generator(bits(11))) for bits in (np.random.SFC64, Veiled))
    for time in (0.3, 0.9, 2.0):
        known.advance(time)
        veiled.advance(time)
        a, b = known.counts(), veiled.counts()
        assert a.tallies == b.tallies and a.amounts.tolist() == b.amounts.tolist()
        assert a.sizes.tolist() == b.sizes.tolist() and a.seed.tolist() == b.seed.tolist()


@pytest.mark.parametrize("sizes", [(40, 41, 41, 43) * 50, (40, 41, 100_000)])
def test_particles_are_counted_by_size_and_origin(sizes: tuple[int, ...]) -> None:
    """Close sizes and those far apart, against the particles one by one."""
    run = ExactRun(replace(everything("explicit"), seeds=particles(*sizes)), np.random.default_rng(3))
    run.advance(1.0)
    live = run._kernel.arrays()
    assert len(sizes) == 3 or live["origin"].any()
    one_by_one = Counter(zip(live["size"].tolist(), live["origin"].tolist(), strict=True))
    found = run.counts()
    assert found.sizes.tolist() == sorted({size for size, _ in one_by_one})
    for n, *numbers in zip(found.sizes.tolist(), found.seed.tolist(), found.nucleated.tolist(), strict=True):
        assert numbers == [one_by_one[n, 0], one_by_one[n, 1]]


def test_every_place_in_the_array_is_drawn_alike() -> None:
    """First and last particle of a band attach as often as the others (uniform over places)."""
    number = 64
    hits = np.zeros(number)
    size = 50

    def tables(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        n = np.arange(n_max + 1)
        return np.where(n == size, VOLUME, 0.0), np.zeros(n_max + 1)

    for seed in range(1500):
        run = ExactRun(box(1, (size,) * number, tables=tables), np.random.default_rng([9, seed]))
        run.advance(1e9)
        grown = np.flatnonzero(run._kernel.arrays()["size"] == size + 1)
        assert len(grown) == 1
        hits[grown] += 1
    # the particle that grows may be moved within the array, but only by leaving its band
    assert stats.chisquare(hits).pvalue > 1e-9
