"""A look into a leap: the flask at a time between the start and the end of a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmcgrowth.model.types import MONOMER, IntArray, Model
from kmcgrowth.reactor.arrays import chemistry


def between(
    model: Model, before: dict[str, Any], after: dict[str, Any], step: dict[str, Any], t: float, volumes: list[float],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """State at ``t``, drawn between those at both ends of a step.

    Every particle has had the change that was expected of it by then, and all or nothing of what chance added, the
    former with the share of the variance that it had by then, so that mean and variance of its size are right.
    Particles that took several leaps are known in between, and dissolve at their time. What was counted
    in the step has happened in proportion to what was expected by then, rounded to whole events; births have times of
    their own. The monomer count
    keeps the fluctuation of one of the ends around the mean field, and the particles take what is left over, so that
    atoms are conserved. Of two looks into one step the later one shows everything that the earlier one does.

    Parameters
    ----------
    model : Model
    before, after : arrays and tallies of the kernel at both ends
    step : as ``Leaper.last_step`` tells
    t : float [s]
    volumes : at the start, at ``t`` and at the end [m^3]
    rng : Generator keyed by run and step, always fresh

    Returns
    -------
    dict, as ``after``
    """
    share = (t - step["start"]) / (step["end"] - step["start"])
    particle, rounding = rng.random((2, before["size"].size))
    newborn = rng.random(step["birth_time"].size)
    common, side, offset = rng.random(3)

    def done(number: Any, by_then: Any = share) -> Any:
        return np.floor(by_then * np.asarray(number) + common).astype(np.int64)

    # particles of the start: those that took several leaps are known between, and those that dissolve when they do
    end: IntArray = np.zeros(before["size"].size, dtype=np.int64)
    stays = np.ones(end.size, dtype=bool)
    stays[step["gone"]] = False
    end[stays] = after["size"][: step["kept"]]
    linear, square, cube, capture, second, third = step["drift"]
    cells = step["excess"].size - 1
    k = min(int(share * cells), cells - 1)
    reach = share * cells - k
    excess = step["excess"][k] + reach * (step["excess"][k + 1] - step["excess"][k])
    noise = end - before["size"] - linear - square - cube - capture * step["excess"][-1]
    noisy = particle * (1.0 + second + third) < share * (1.0 + share * (second + share * third))
    noise = np.where(noisy, noise, 0.0)
    moved = capture * excess + share * (linear + share * (square + share * cube))
    size = np.floor(before["size"] + moved + noise + rounding).astype(np.int64)
    np.maximum(size, 2 if step["released"] else before["size"], out=size)
    over = np.full(end.size, np.inf)
    over[step["gone"]] = step["gone_time"]
    walked, trace = step["walked"], step["trace"]
    middle = np.floor(trace[:, k] + reach * (trace[:, k + 1] - trace[:, k]) + particle[walked]).astype(np.int64)
    # in its last cell a particle falls apart the faster the smaller it is
    last, border = over[walked], step["start"] + k * (step["end"] - step["start"]) / cells
    falls = (last > t) & (trace[:, k + 1] == 0)
    left = (last[falls] - t) / (last[falls] - border) * step["fall"][trace[falls, k]]
    middle[falls] = np.searchsorted(step["fall"], left)
    size[walked] = np.where(t < over[walked], np.maximum(middle, 2), 0)
    there = size > 0
    dissolved = before["dissolved"] + np.bincount(before["origin"][~there], minlength=2)
    # and those born by t
    born, lives = step["birth_time"] <= t, np.isinf(step["birth_over"])
    grown = step["birth_units"].copy()
    grown[lives] = after["size"][step["kept"] :]
    with np.errstate(invalid="ignore", divide="ignore"):
        passed = np.where(born, (t - step["birth_time"]) / (step["end"] - step["birth_time"]), 0.0)
    young = np.where(newborn < passed, grown, step["birth_units"])[born & (t < step["birth_over"])]
    dissolved[1] += int(np.count_nonzero(t >= step["birth_over"]))
    sizes = np.concatenate([size[there], young])
    least: IntArray = np.full(sizes.size, 2)
    if not step["released"]:
        least = np.concatenate([before["size"][there], step["birth_units"][born & (t < step["birth_over"])]])
    origin = np.concatenate([before["origin"][there], np.ones(young.size, dtype=before["origin"].dtype)])

    # species
    lists = chemistry(model)
    reactions = lists["reactions"]
    injected = done(before["content"] - after["content"])
    course = step["course"]
    extent = course[k] + reach * (course[k + 1] - course[k])
    by_then = np.full(len(after["tally"]), share)
    np.divide(extent, course[-1], out=by_then[: extent.size], where=course[-1] > 0.0)
    events = done(after["tally"] - before["tally"], np.clip(by_then, 0.0, 1.0))
    count = before["count"] + injected.sum(axis=0)
    nuclei = int(np.count_nonzero(born)) if model.nucleation.law == "cluster" else 0
    inside = int(before["size"].sum(dtype=np.int64)) + nuclei * int(lists["nucleus_units"])
    count[lists["nucleus_species"]] -= nuclei
    for s, (species, units) in enumerate(zip(lists["sticker_species"], lists["sticker_units"], strict=True)):
        count[species] -= events[reactions + s]
        inside += int(units * events[reactions + s])
    spans = [slice(lists["change_start"][r], lists["change_start"][r + 1]) for r in range(reactions)]
    amount = before["amount"] + share * (after["amount"] - before["amount"])
    for r, span in enumerate(spans):
        species, change = lists["change_species"][span], lists["change_amount"][span]
        np.add.at(count, species, change * events[r])
        np.add.at(amount, species, change * (extent[r] - share * course[-1, r]))
    np.maximum(amount, 0.0, out=amount)
    _undo(count, events, spans, lists)

    # the pool, and what it leaves to the particles
    first, mean, last = volumes[0] * step["mean"][0], np.interp(t, step["mean_time"], step["mean"]), step["mean"][-1]
    now, other = (after, last * volumes[2]) if side < share else (before, first)
    free = int(now["count"][MONOMER])
    free = max(round(mean * volumes[1] + free - other), min(free, 0))
    inside += int(count[MONOMER]) - free
    left = spread(sizes, inside - int(sizes.sum()), offset, least)
    count[MONOMER] = free + left
    amount[MONOMER] = mean * volumes[1]
    return {
        "size": sizes, "origin": origin, "count": count, "content": before["content"] - injected,
        "molecules": before["molecules"] - injected.sum(axis=1), "tally": before["tally"] + events,
        "dissolved": dissolved, "amount": amount, "born": before["born"] + int(np.count_nonzero(born)),
        "events": before["events"] + int(done(after["events"] - before["events"])),
        "largest_debt": max(before["largest_debt"], -int(count[MONOMER])), "mean": float(mean),
    }


def _undo(count: IntArray, events: IntArray, spans: list[slice], lists: dict[str, Any]) -> None:
    """Take back reactions that rounding let happen without their reactants."""
    for _ in range(1000):
        short = np.flatnonzero(count[1:] < 0) + 1
        if not short.size:
            return
        for r, span in enumerate(spans):
            species, amount = lists["change_species"][span], lists["change_amount"][span]
            if events[r] > 0 and np.any(amount[np.isin(species, short)] < 0):
                events[r] -= 1
                np.add.at(count, species, -amount)
                break
        else:
            return


def spread(sizes: IntArray, units: int, offset: float, least: IntArray) -> int:
    """Hand ``units`` to the particles in turn, in place (take them if negative, down to ``least``); the rest."""
    sign = 1 if units > 0 else -1
    while units != 0:
        able = np.arange(sizes.size) if sign > 0 else np.flatnonzero(sizes > least)
        if not able.size:
            break
        each, more = divmod(sign * units, able.size)
        if each:
            given = np.full(able.size, each) if sign > 0 else np.minimum(each, (sizes - least)[able])
        else:
            given = np.zeros(able.size, dtype=np.int64)
            given[((np.arange(more) + offset) * (able.size / more)).astype(np.int64)] = 1
        sizes[able] += sign * given
        units -= sign * int(given.sum())
    return units
