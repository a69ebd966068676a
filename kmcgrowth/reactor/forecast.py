"""A quick mean-field forecast of a run: a few seed sizes, newborn particles of all sizes, every dissolved species.

It answers what a recipe will roughly do and what it will cost, in a fraction of a second. The distribution of the seeds
is represented by quantiles that grow deterministically; newborn particles, most of which may dissolve again by
chance, by a population balance on a coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.reactor.forecast_field import Field, emptying_time, representative_seeds
from kmcgrowth.reactor.forecast_solver import OutOfSteps, integrate
from kmcgrowth.reactor.forecast_tables import Tables

Array = NDArray[np.float64]

_RTOL = 1e-2
"""Relative tolerance of the integration: far inside the factor of two that is promised [dimensionless]."""

_STEPS = 3000
"""Steps after which the forecast gives up [dimensionless]."""

_FEW = 12
"""Up to so many corners of the schedules are reported [dimensionless]."""

_ALIVE = 4.0
"""Particles below this size are not counted among the living in means [formula units]."""


@dataclass(frozen=True)
class Forecast:
    """The mean-field course of a run at ``k`` times.

    Attributes
    ----------
    time : (k,) [s]
    temperature : (k,) [K]
    volume : (k,) control volume [m^3]
    amounts : (k, species) molecules in the control volume [dimensionless]
    supersaturation : (k,) monomer concentration over the flat solubility [dimensionless]
    mean_diameter : (k,) number mean over seeds and newborn particles that live [m]
    relative_std : (k,) of the diameters of the seeds that live; nan without them [dimensionless]
    seeds, born : (k,) living seeds, and newborn particles [dimensionless]
    supply : (k,) monomer released per second in the control volume [1/s]
    focusing : (k,) the number k = 1 + q / (r^2 (k_a/r) |dc_r/dr|), which is 1 + q/(4 pi D c_inf l_c) for
        diffusion and the linear Gibbs-Thomson law, with exp(l_c/r) in the denominator for the exponential
        one, with the supply q per living particle and the mean r of the living seeds; relative focusing needs
        k > 3/2, absolute focusing k > 2 [dimensionless]
    nucleation : (k,) rate per volume, the cap included [1/(m^3 s)]
    nucleation_limit : (k,) rate that makes 1 % of the seeds within the focusing time, which is the time in which
        the supply doubles the seeds' volume, at most the duration; nan without seeds [1/(m^3 s)]
    capped : (k,) bool, the law asks for more than the encounter rate of two monomers
    nucleus : (k,) formula units of the critical nucleus; nan where the law has none
    events : float, gross events of the whole run [dimensionless]
    births, reactions : float, those of them that are births, and reactions or molecules out of syringes
    largest : float, largest size met [formula units]
    most : float, most particles at one time, dissolved seeds included [dimensionless]
    finished : bool, False where the integration gave up before the end
    """

    time: Array
    temperature: Array
    volume: Array
    amounts: Array
    supersaturation: Array
    mean_diameter: Array
    relative_std: Array
    seeds: Array
    born: Array
    supply: Array
    focusing: Array
    nucleation: Array
    nucleation_limit: Array
    capped: NDArray[np.bool_]
    nucleus: Array
    events: float
    births: float
    reactions: float
    largest: float
    most: float
    finished: bool


def forecast(model: Model, *, times: Array | None = None) -> Forecast:
    """Integrate the mean-field equations of a model.

    Parameters
    ----------
    model : Model
    times : (k,) increasing, within the duration [s]; by default 17, closer together at the start, and
        the corners of the schedules if they are few

    Returns
    -------
    Forecast
        Cut short (``finished`` False) where the equations are too stiff for a quick answer.
    """
    corners = _corners(model)
    if times is None:
        times = model.duration * np.unique(np.r_[0.0, 0.005, 0.01, 0.02, 0.04, np.linspace(0.0, 1.0, 13)])
        if len(corners) <= _FEW:
            times = np.union1d(times, corners)
    sizes, weights = representative_seeds(model)
    field = Field(model, sizes, weights, Tables(model, _size_limit(model, sizes, weights)))
    tolerance = _tolerances(field)
    budget = [_STEPS]
    y = field.jump(0.0, field.initial())
    t, rows = 0.0, [_row(field, 0.0, y)]
    seen = _Extremes(field)
    seen(y)
    step = 1e-6 * model.duration
    try:
        for corner in corners:
            wanted = np.append(times[(times > t) & (times < corner)], corner)
            field.enter(t, corner)
            with np.errstate(all="ignore"):
                states, step = integrate(
                    field, field.jacobian, t, corner, y, tolerance=tolerance, relative=_RTOL, budget=budget,
                    wanted=wanted, first=step, group=field.bins,
                    alone=field.k, watch=seen,
                )
            rows += [_row(field, float(at), state) for at, state in zip(wanted[:-1], states[:-1], strict=True)]
            t, y = corner, field.jump(corner, states[-1])
            if np.any(times == corner):
                rows.append(_row(field, t, y))
        finished = True
    except OutOfSteps:
        finished = False
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    births, reactions, events = (float(total) for total in y[-3:])
    return Forecast(
        **columns, births=births, reactions=reactions, events=events, largest=seen.largest, most=seen.most,
        finished=finished,
    )


def _corners(model: Model) -> list[float]:
    """Times at which the right-hand side or the state jumps, ending with the duration [s]."""
    times = {model.duration, *model.temperature.time.tolist(), *(w.time for w in model.withdrawals)}
    for syringe in model.syringes:
        times |= {syringe.start}
        if not syringe.shot:
            times |= {*syringe.rate.time.tolist()}
            empty = emptying_time(syringe)
            # a syringe that runs dry with the run, up to round-off, has no corner of its own
            if not any(abs(empty - t) < 1e-9 * model.duration for t in times):
                times |= {empty}
    return sorted(t for t in times if 0.0 < t <= model.duration)


def _size_limit(model: Model, sizes: Array, weights: Array) -> int:
    """Largest size worth tabulating: what all the matter would make of the seeds, within bounds."""
    if not sizes.size:
        return 20_000
    feed = sum(number * int(model.formula_units[i]) for s in model.syringes for i, number in s.contents.items())
    matter = float(sizes @ weights + model.initial @ model.formula_units + feed)
    return int(np.clip(max(2.0 * sizes.max(), 2.0 * matter / weights.sum()), 2_000, 100_000))


def _tolerances(field: Field) -> Array:
    """Absolute tolerance of every entry of the state."""
    model = field.model
    volume = model.control_volume
    pool = min(model.solubility(float(T)) for T in model.temperature.value) * volume
    matter = 1.0 + float(model.initial.sum()) + sum(sum(s.contents.values()) for s in model.syringes)
    amounts = np.full(field.species, 1e-6 * matter)
    amounts[MONOMER] = max(0.05 * pool, 1e-12)
    newborn = np.full(field.bins.stop - field.bins.start, max(1e-5 * float(field.weights.sum()), 0.5))
    return np.concatenate([np.full(field.k, 0.5), amounts, newborn, np.full(3, 1e30)])


class _Extremes:
    """The largest size [formula units] and the most particles [dimensionless] of the states that it is shown."""

    def __init__(self, field: Field) -> None:
        self.field, self.largest, self.most = field, 0.0, 0.0

    def __call__(self, y: Array) -> None:
        number = y[self.field.bins]
        grown = self.field.newborn.sizes[number > 1.0] if self.field.newborn else np.empty(0)
        self.largest = float(max(self.largest, y[: self.field.k].max(initial=0.0), grown.max(initial=0.0)))
        self.most = max(self.most, float(self.field.weights.sum() + number.sum()))


def _row(field: Field, t: float, y: Array) -> dict[str, object]:
    """What is reported of the state ``y`` at ``t``."""
    model = field.model
    temperature = model.temperature(t)
    volume = field.volume(t, temperature)
    amounts = field.amounts(y)
    c = amounts[MONOMER] / volume
    sizes, weights = y[: field.k], field.weights
    alive = sizes > _ALIVE
    seeds = float(weights[alive].sum())
    diameters = 2.0 * model.radius(np.maximum(sizes, 0.0))
    mean = std = np.nan
    if seeds > 0.0:
        mean = float(weights[alive] @ diameters[alive]) / seeds
        std = float(np.sqrt(weights[alive] @ (diameters[alive] - mean) ** 2 / seeds)) / mean
    number = y[field.bins]
    born = float(number.sum())
    total = seeds + born
    mean_all = mean
    if born > 0.0 and field.newborn is not None:
        mean_all = (np.nan_to_num(mean) * seeds + float(number @ (2.0 * model.radius(field.newborn.sizes)))) / total
    supply = field.supply(temperature, volume, amounts)
    typical = np.pi * (mean if seeds > 0.0 else mean_all) ** 3 / (6.0 * model.unit_volume)
    q = supply / total if total > 0.0 else np.nan
    rate, capped = field.births.rate(temperature, amounts, volume)
    nucleus, _ = field.births.nucleus(temperature, amounts, volume)
    limit = np.nan
    if seeds > 0.0:
        focusing_time = min(typical / q, model.duration) if q > 0.0 else model.duration
        limit = 0.01 * seeds / volume / focusing_time
    return {
        "time": t, "temperature": temperature, "volume": volume, "amounts": amounts,
        "supersaturation": c / model.solubility(temperature), "mean_diameter": mean_all, "relative_std": std,
        "seeds": seeds, "born": born, "supply": supply, "focusing": _focusing(field, temperature, typical, q),
        "nucleation": rate, "nucleation_limit": limit, "capped": capped, "nucleus": nucleus,
    }


def _focusing(field: Field, temperature: float, units: float, q: float) -> float:
    """1 + q/(r^2 (k_a/r) |dc_r/dr|) for particles of ``units`` that are fed ``q`` monomers a second each."""
    if not np.isfinite(units) or not np.isfinite(q):
        return float("nan")
    near = units * np.array([0.95, 1.0, 1.05])
    r = field.model.radius(near)
    attach, _ = field.tables(temperature, near)
    c_r = field.tables.equilibrium(temperature, near)
    slope = (c_r[2] - c_r[0]) / (r[2] - r[0])
    return 1.0 + q / (attach[1] * r[1] * -slope) if slope < 0.0 else float("inf")
