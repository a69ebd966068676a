"""Where random streams come from: one seed per run, one child per replicate, independent of order."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmcgrowth.errors import BadInput

LARGEST_SEED = 2**63
"""A seed that nobody chose is drawn below this, so that every file format can hold it [dimensionless]."""


@dataclass(frozen=True)
class Seeding:
    """What all streams of a run derive from.

    Attributes
    ----------
    entropy : int or tuple of int, the seed
    spawn_key : tuple of int, the run's place among the runs that share the seed
    pool_size : int, as in numpy's SeedSequence
    """

    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...] = ()
    pool_size: int = 4

    @property
    def seed(self) -> int | None:
        """The seed as one number; None where it is a sequence."""
        return self.entropy if isinstance(self.entropy, int) else None

    def generator(self, replicate: int) -> np.random.Generator:
        """The generator of one replicate; the same whichever other replicates run."""
        sequence = np.random.SeedSequence(
            self.entropy, spawn_key=(*self.spawn_key, replicate), pool_size=self.pool_size
        )
        return np.random.Generator(np.random.SFC64(sequence))

    def plain(self) -> dict[str, Any]:
        """The fields, for a checkpoint."""
        return {"entropy": self.entropy, "spawn_key": self.spawn_key, "pool_size": self.pool_size}


def seeding(rng: Any = None, recipe_seed: int | None = None) -> Seeding:
    """Take a seed from what the caller gave (Scientific Python's SPEC 7), else from the recipe, else draw one.

    Parameters
    ----------
    rng : None, int >= 0, sequence of int, SeedSequence, BitGenerator or Generator
        A bit generator or generator moves on by one draw, which becomes the seed.
    recipe_seed : int or None

    Raises
    ------
    BadInput
        For anything else.
    """
    if rng is None:
        return Seeding(secrets.randbelow(LARGEST_SEED) if recipe_seed is None else int(recipe_seed))
    if isinstance(rng, np.random.BitGenerator):
        rng = np.random.Generator(rng)
    if isinstance(rng, np.random.Generator):
        return Seeding(int(rng.integers(LARGEST_SEED, dtype=np.uint64)))
    if isinstance(rng, np.random.SeedSequence):
        return Seeding(_entropy(rng.entropy), tuple(int(k) for k in rng.spawn_key), rng.pool_size)
    return Seeding(_entropy(rng))


def _entropy(given: Any) -> int | tuple[int, ...]:
    message = f"rng: {given!r} is not a seed; give a whole number of at least 0, or a numpy SeedSequence or Generator."
    if isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, (str, bytes)) and len(given):
        return tuple(_whole(word, message) for word in given)
    return _whole(given, message)


def _whole(given: Any, message: str) -> int:
    if isinstance(given, (bool, np.bool_)):
        raise BadInput(message)
    try:
        number = operator.index(given)
    except TypeError:
        raise BadInput(message) from None
    if number < 0:
        raise BadInput(message)
    return number
