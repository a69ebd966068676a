"""The flask's temperature over time, with the dips that cold shots make."""

from __future__ import annotations

import numpy as np

from kmcgrowth.model.types import PiecewiseLinear
from kmcgrowth.recipe.schema import Recipe

MIXING = 1e-3
"""Time in which a shot mixes with the flask [s]."""

CORNERS = 64
"""Corners of the piecewise linear recovery: off the exponential by 1.3e-4 of the dip at most."""


def temperature_program(recipe: Recipe) -> PiecewiseLinear:
    """The program of the recipe less the dips of its cold shots.

    A shot of volume v at T_s takes the flask to (V T + v T_s)/(V + v) (equal heat capacities per volume); the dip
    then fades as exp(-t/recovery_time).

    Returns
    -------
    PiecewiseLinear [K]
    """
    program, recovery = recipe.flask.temperature, recipe.flask.recovery_time
    times = np.asarray(program.times, dtype=float)
    shots = sorted((s for s in recipe.injection if s.rate is None and s.temperature is not None), key=lambda s: s.start)
    if not shots or recovery is None:
        return PiecewiseLinear(times, np.asarray(program.values, dtype=float))
    dips: list[tuple[float, float]] = []

    def at(t: float) -> float:
        fading = sum(d * np.exp(-(t - t0 - MIXING) / recovery) for t0, d in dips if t >= t0 + MIXING)
        return float(program(t)) - float(fading)

    for s in shots:
        before, volume = at(s.start), liquid(recipe, s.start)
        after = (volume * before + s.volume * float(s.temperature or before)) / (volume + s.volume)
        dips.append((s.start, before - after))
    # corners equally spaced in exp(-x/2) keep the error of the straight lines the same all along
    fade = -2.0 * recovery * np.log(np.linspace(1.0, np.exp(-6.0), CORNERS))
    corners = np.unique(np.concatenate([times, *(t0 + MIXING + fade for t0, _ in dips), [t0 for t0, _ in dips]]))
    values = np.array([at(t) for t in corners])
    return PiecewiseLinear(corners, values)


def liquid(recipe: Recipe, t: float) -> float:
    """Liquid in the flask just before time t, at 25 degC [m^3]."""
    volume = recipe.flask.volume
    for s in recipe.injection:
        if s.rate is None:
            volume += s.volume if s.start < t else 0.0
        else:
            volume += min(s.volume, s.rate.total(t))
    return volume - sum(w.volume for w in recipe.withdrawal if w.time < t)
