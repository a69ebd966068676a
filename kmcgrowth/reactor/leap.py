"""The engine for stiff runs: leaps over the reversible exchange of monomers, everything else as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmcgrowth.errors import kernels
from kmcgrowth.model.plan import Epoch
from kmcgrowth.model.types import IntArray, Model
from kmcgrowth.reactor.arrays import chemistry, distance_to_rough, flow_of_matter, kernel_settings
from kmcgrowth.reactor.exact import ExactRun

with kernels():
    from kmcgrowth.reactor._exact import Leaper


class LeapRun(ExactRun):
    """One trajectory of a model in leaps.

    Parameters
    ----------
    model : Model
        Its ``tolerance`` controls the error, which is proportional to it.
    rng : numpy Generator; its bit generator is used up by the run

    Notes
    -----
    A step holds many attachments and detachments per particle. Sizes leap independently of each other under the
    expected concentration, with the mean, variance and skewness of their birth-death chain; the pool and all other
    species are drawn in whole molecules; and what the pool's balance leaves over or lacks is handed to the particles
    in proportion to their capture, as the pool's answer to their fluctuations does. Where a step would hold fewer than
    a few events per particle the windows of the exact engine are run. Steps end at the times that ``advance`` is asked
    for, so that the trajectory depends on them. docs/model.md tells of the steps; the readable definition of one is
    ``kmcgrowth.reactor.leap_twin``.
    """

    @staticmethod
    def _make_kernel(bit_generator: np.random.BitGenerator, sizes: IntArray, model: Model) -> Any:
        lists = chemistry(model)
        return Leaper(
            bit_generator, sizes, lists | flow_of_matter(lists), tolerance=model.tolerance, **kernel_settings(model)
        )

    def notes(self) -> list[str]:
        """Warnings about what the run met, and how much of it went in leaps."""
        kernel, notes = self._kernel, super().notes()
        share = float(kernel.leapt) / max(float(kernel.now), 1e-300)
        if kernel.leaps == 0:
            notes.append("leap: every event was drawn by itself, as steps would have held too few to pay")
        else:
            notes.append(f"leap: {int(kernel.leaps)} steps cover {100.0 * min(share, 1.0):.3g} % of the time, "
                         "the rest went event by event")
        return notes

    def _set_tables(self, epoch: Epoch) -> None:
        attach0, detach0, stick0 = self._tables_at(epoch.temperature0)
        attach1, detach1, stick1 = self._tables_at(epoch.temperature1)
        self._kernel.set_tables(
            attach0, detach0, attach1, detach1, stick0, stick1, epoch.ramp, smooth=distance_to_rough(attach0, detach0)
        )

    def _lengthen_tables(self) -> None:
        while self._n_max <= int(self._kernel.wanted):
            self._n_max *= 2
        super()._lengthen_tables()
