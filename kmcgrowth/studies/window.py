"""The analytic window: where a steady feed focuses the seeds and makes no new particles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.reactor.forecast import focusing_of
from kmcgrowth.reactor.forecast_nucleation import nuclei
from kmcgrowth.studies.points import Points
from kmcgrowth.studies.regimes import SHARE

FOCUS = 1.5
"""Focusing number above which the relative width shrinks [dimensionless]."""


def steady(model: Model) -> tuple[float, float]:
    """How a steady feed stands to both ends of the window.

    Parameters
    ----------
    model : Model with seeds and a feed

    Returns
    -------
    births : rate of nucleation over the one that makes 1 % of the seeds in the focusing time, in which the feed
        doubles the volume of the seeds, at most the duration [dimensionless]
    focusing : focusing number over 3/2 [dimensionless]; both NaN without seeds or feed

    Notes
    -----
    Everything that is fed is taken as monomer at once, seeds as equal spheres of their mean volume: then S = c_r/c_inf
    + q/(k_a c_inf), which is exp(l_c/r) + q/(4 pi D r c_inf) under diffusion control. The window opens as the seeds
    grow, so that its ends at the start of the feed are the strict ones.
    """
    sizes = model.draw_seeds(np.random.default_rng(0))
    time, feed = _feed(model)
    if not sizes.size or feed <= 0.0:
        return float("nan"), float("nan")
    units = max(round(float(sizes.mean())), 3)
    q, temperature = feed / sizes.size, model.temperature(time)
    volume = model.control_volume * (1.0 + model.expansion * (temperature - 298.15))
    attach, detach = model.tables(temperature, units + 1)
    amounts = np.zeros(len(model.species))
    amounts[MONOMER] = (detach[units] / attach[units - 1] + q / attach[units]) * volume
    rate, _ = nuclei(model, temperature, amounts, volume)
    limit = SHARE * sizes.size / volume / min(units / q, model.duration)
    return rate / limit, focusing_of(model, temperature, units, q) / FOCUS


def _feed(model: Model) -> tuple[float, float]:
    """When the first syringe begins to push, and formula units per second then into the control volume."""
    pushes = [(s.start, s) for s in model.syringes if not s.shot]
    if not pushes:
        return 0.0, 0.0
    start = min(time for time, _ in pushes)
    total = 0.0
    for time, s in pushes:
        if time == start:
            units = sum(n * float(model.formula_units[i]) for i, n in s.contents.items())
            total += units / s.volume * s.rate(start)
    return start, total


def window(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``steady`` of all points, in the shape of the study; NaN where a recipe is refused."""
    births, focusing = np.full(len(points), np.nan), np.full(len(points), np.nan)
    for point in points:
        try:
            # the law needs the sizes of the seeds, for which few will do
            model = build_model(points.recipe(point), particles=1000)
        except BadInput:
            continue
        births[point.number], focusing[point.number] = steady(model)
    return births.reshape(points.shape), focusing.reshape(points.shape)


__all__ = ["FOCUS", "steady", "window"]
