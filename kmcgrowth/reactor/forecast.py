"""A quick forecast of a run by the population balance: what a recipe will do and what it will cost.

The equations are those of ``kmcgrowth.reactor.balance``, solved less accurately; it takes some hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import KmcgrowthError
from kmcgrowth.model.plan import Plan
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.balance_twin import mass_action
from kmcgrowth.reactor.forecast_nucleation import critical_nucleus, nuclei

Array = NDArray[np.float64]

_RTOL = 2e-4
"""Relative tolerance of a step of the balance: far inside the factor of two that is promised [dimensionless]."""

_PATIENCE = 100
"""Looks at the outside world, each after some tens of milliseconds of steps, after which the forecast gives up."""

_FEW = 12
"""Up to so many corners of the schedules are reported [dimensionless]."""

_BETWEEN = 4
"""Times between two rows, at which the most particles and the largest are looked for [dimensionless]."""

_SOON = 1e-12
"""What comes in at a corner is in the flask after this share of the duration [dimensionless]."""


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
    relative_std : (k,) of the diameters of all particles; nan without them [dimensionless]
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
    most : float, most particles at one time [dimensionless]
    window_work : float, particles and sizes of the tables that the windows of an exact run go through [dimensionless]
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
    window_work: float
    finished: bool


def forecast(model: Model, *, times: Array | None = None) -> Forecast:
    """Solve the mean-field equations of a model.

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
    if times is None:
        times = model.duration * np.unique(np.r_[0.0, 0.005, 0.01, 0.02, 0.04, np.linspace(0.0, 1.0, 13)])
        corners = _corners(model)
        if len(corners) <= _FEW:
            times = np.union1d(times, corners)
    run, looks = BalanceRun(model, rtol=_RTOL), [0]

    def tired() -> bool:
        looks[0] += 1
        return looks[0] > _PATIENCE

    counts = run.counts()
    rows, largest, most, finished, last, work, events = [], 0.0, 0.0, True, 0.0, 0.0, 0.0
    try:
        for time in times:
            for at in np.linspace(last, time, _BETWEEN + 1)[1:] if time > last else [time]:
                finished = finished and run.advance(float(at) + _SOON * model.duration, stop=tired)
                counts = run.counts()
                number = counts.seed + counts.nucleated
                there, since = float(number.sum()), counts.tallies["events"] - events
                most = max(most, there)
                if there >= 0.5:
                    # half a particle lies above it, on however many pivots
                    largest = max(largest, float(counts.sizes[::-1][np.searchsorted(np.cumsum(number[::-1]), 0.5)]))
                work += since / max(4.0 * there, 64.0) * (there + 2.0 * largest)
                events = counts.tallies["events"]
            if not finished:
                break
            last = float(time)
            rows.append(_row(model, last, counts))
    except (RuntimeError, KmcgrowthError):  # no step meets the tolerance, or hardly a particle is left
        finished = False
    if not rows:
        rows.append(_row(model, 0.0, counts))
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Forecast(
        **columns, births=counts.tallies["born"], reactions=run.reactions, events=counts.tallies["events"],
        largest=largest, most=most, window_work=work, finished=finished,
    )


def _corners(model: Model) -> list[float]:
    """Times at which the right-hand side or the state jumps, ending with the duration [s]."""
    plan, found = Plan(model, node=np.inf), [model.duration]
    while plan.time < model.duration:
        plan.shots()
        plan.withdrawals()
        epoch = plan.epoch()
        found.append(epoch.end)
        plan.advance(epoch)
    # a syringe that runs dry with the run, up to round-off, has no corner of its own
    return sorted(t for t in found if t == model.duration or 0.0 < t < model.duration * (1.0 - 1e-9))


def _row(model: Model, t: float, counts: Counts) -> dict[str, object]:
    """What is reported of the flask at ``t``."""
    temperature, volume, amounts = counts.temperature, counts.volume, counts.amounts
    diameters, seeds, born = 2.0 * model.radius(counts.sizes), counts.seed, counts.nucleated
    mean, _ = _mean_and_std(diameters, seeds)
    every = seeds + born
    mean_all, std = _mean_and_std(diameters, every)
    living, total = float(seeds.sum()), float(every.sum())
    supply = _supply(model, t, counts)
    typical = np.pi * (mean if living > 0.0 else mean_all) ** 3 / (6.0 * model.unit_volume)
    q = supply / total if total > 0.0 else np.nan
    rate, capped = nuclei(model, temperature, amounts, volume)
    limit = np.nan
    if living > 0.0:
        focusing_time = min(typical / q, model.duration) if q > 0.0 else model.duration
        limit = 0.01 * living / volume / focusing_time
    return {
        "time": t, "temperature": temperature, "volume": volume, "amounts": amounts,
        "supersaturation": counts.supersaturation, "mean_diameter": mean_all, "relative_std": std,
        "seeds": living, "born": float(born.sum()), "supply": supply,
        "focusing": focusing_of(model, temperature, typical, q), "nucleation": rate, "nucleation_limit": limit,
        "capped": capped, "nucleus": critical_nucleus(model, temperature, amounts, volume),
    }


def _mean_and_std(diameters: Array, number: Array) -> tuple[float, float]:
    """Mean [m] and relative standard deviation of the diameters; nan without particles."""
    total = float(number.sum())
    if total <= 0.0:
        return np.nan, np.nan
    mean = float(number @ diameters) / total
    return mean, float(np.sqrt(max(float(number @ (diameters - mean) ** 2) / total, 0.0))) / mean


def _supply(model: Model, t: float, counts: Counts) -> float:
    """Monomer released and fed in the control volume [1/s]."""
    total = 0.0
    for r in model.reactions:
        net = r.products.get(MONOMER, 0) - r.reactants.get(MONOMER, 0)
        if net:
            total += net * r.rate(counts.temperature) * mass_action(r, counts.amounts, counts.volume)
    for s in model.syringes:
        if not s.shot and s.start <= t and MONOMER in s.contents:
            total += s.contents[MONOMER] / s.volume * s.rate(t)
    return max(total, 0.0)


def focusing_of(model: Model, temperature: float, units: float, q: float) -> float:
    """1 + q/(r^2 (k_a/r) |dc_r/dr|) for particles of ``units`` that are fed ``q`` monomers a second each."""
    if not np.isfinite(units) or not np.isfinite(q):
        return float("nan")
    near = np.unique(np.maximum(np.rint(units * np.array([0.95, 1.0, 1.05])), [2, 3, 4]).astype(int))
    if near.size < 3:
        return float("nan")
    attach, detach = model.tables(temperature, int(near[-1]))
    r = model.radius(near)
    c_r = detach[near] / attach[near - 1]
    slope = (c_r[2] - c_r[0]) / (r[2] - r[0])
    return 1.0 + q / (attach[near[1]] * r[1] * -slope) if slope < 0.0 else float("inf")
