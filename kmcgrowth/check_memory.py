"""Whether a run fits into the memory of this machine."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

from scipy.special import ndtri

from kmcgrowth.errors import BadInput
from kmcgrowth.model.types import Model, SeedPopulation
from kmcgrowth.reactor.choice import choose
from kmcgrowth.reactor.forecast import Forecast, forecast

BASE_BYTES = 1.27e8
"""The interpreter with numpy, xarray and HDF5 while a result is written [bytes]."""

RUNNING_BYTES = 9e7
"""The interpreter while the engine runs [bytes]."""

BYTES_PER_PARTICLE = 35.0
BYTES_PER_TABLE_ROW = 200.0
"""One size in the tables of the engine, which reach to the largest [bytes]."""

BYTES_PER_SIZE = 48.0
"""One distinct size in one snapshot, kept and copied once for the dataset [bytes]."""

BALANCE_SIZES = 1500
"""Sizes that a population balance shows [dimensionless]."""

_LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def expected_memory(
    model: Model, course: Forecast, *, method: str = "exact", replicates: int = 1, at_once: int = 1
) -> float:
    """Memory of a run that takes the course of a forecast; good to a factor of two [bytes].

    Parameters
    ----------
    model : Model
    course : Forecast of the model
    method : engine; the population balance holds sizes in the place of particles
    replicates : how many histories are kept
    at_once : how many of them run side by side
    """
    if method == "balance":
        return BASE_BYTES + BYTES_PER_SIZE * BALANCE_SIZES * model.snapshots.size * replicates
    largest = max(course.largest, _largest_seed(model))
    return _bytes(model, course.most, largest, min(course.most, largest), replicates, at_once)


def too_large(needed: float) -> str:
    """A sentence if this machine has less memory than ``needed`` [bytes]; else nothing."""
    present = physical_memory()
    if needed <= present:
        return ""
    return (
        f"The run needs about {_shown(needed)} of memory, but this machine has {_shown(present)}; "
        "ask for fewer particles, fewer snapshots or smaller seeds."
    )


def require_memory(model: Model, *, method: str = "exact", replicates: int = 1, at_once: int = 1) -> None:
    """Refuse a run that does not fit into the memory.

    The forecast is only asked where all the matter, made into as many and as large particles as it can be,
    would not fit; for most runs the answer takes no time.

    Raises
    ------
    BadInput
    """
    if model.lattice is not None:
        from kmcgrowth.check_lattice import require_lattice_memory

        require_lattice_memory(model, at_once, physical_memory())
        return
    if method == "balance" or _most_memory(model, replicates, at_once) <= physical_memory():
        return
    course = forecast(model)
    name = choose(model, course).method if method == "auto" else method
    needed = expected_memory(model, course, method=name, replicates=replicates, at_once=at_once)
    sentence = too_large(needed)
    if sentence:
        raise BadInput(f"simulation: {sentence[0].lower()}{sentence[1:]}")


def physical_memory() -> float:
    """Memory of this machine, or of the container that the process lives in; inf where nobody says [bytes]."""
    found = [math.inf]
    with suppress(AttributeError, ValueError, OSError):
        found.append(float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    with suppress(OSError, ValueError):  # the file may say "max"
        found.append(float(_LIMIT_OF_CONTAINER.read_text()))
    return min(found)


def _bytes(
    model: Model, particles: float, largest: float, distinct: float, replicates: int, at_once: int
) -> float:
    running = at_once * (BYTES_PER_PARTICLE * particles + BYTES_PER_TABLE_ROW * largest)
    return max(BASE_BYTES, RUNNING_BYTES + running) + replicates * model.snapshots.size * BYTES_PER_SIZE * distinct


def _most_memory(model: Model, replicates: int, at_once: int) -> float:
    """What no course of the run exceeds, short of a few particles that eat most others [bytes]."""
    seeds = sum(p.number for p in model.seeds)
    feed = sum(n * float(model.formula_units[i]) for s in model.syringes for i, n in s.contents.items())
    held = sum(p.number * _seed_sizes(model, p)[0] for p in model.seeds)
    matter = 1.0 + held + float(model.initial @ model.formula_units) + feed
    largest = max(4.0 * matter / max(seeds, 1), 2.0 * _largest_seed(model))
    particles = seeds + 0.5 * matter
    # n different sizes hold at least n (n + 1)/2 formula units
    return _bytes(model, particles, largest, min(particles, math.sqrt(2.0 * matter)), replicates, at_once)


def _largest_seed(model: Model) -> float:
    return max((_seed_sizes(model, p)[1] for p in model.seeds if p.number), default=0.0)


def _seed_sizes(model: Model, p: SeedPopulation) -> tuple[float, float]:
    """Mean size of the seeds of a population, and the size that about one of them exceeds [formula units]."""
    if p.shape == "units":
        return float(p.units.mean()), float(p.units.max())
    per_cube = math.pi / (6.0 * model.unit_volume)
    if p.shape == "sizes":
        return per_cube * float((p.diameters**3).mean()), per_cube * float(p.diameters.max()) ** 3
    square = 1.0 + p.relative_std**2
    z = float(ndtri(1.0 - 1.0 / (p.number + 1.0)))
    if p.shape == "lognormal":
        width = math.log(square)
        extreme, cube = math.exp(math.sqrt(width) * z - 0.5 * width), square**3
    else:
        extreme, cube = 1.0 + p.relative_std * z, 3.0 * square - 2.0
    return per_cube * p.diameter**3 * cube, per_cube * (p.diameter * extreme) ** 3


def _shown(amount: float) -> str:
    return f"{amount / 1e9:.2g} GB"
