"""Particles cut out of crystals, for tests of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal


def ball(cells: int, radius: float, centre: tuple[float, float, float] = (0.5, 0.5, 0.5), **more: Any) -> Atoms:
    """A ball of InAs; its centre in edges of the box, its radius in nm."""
    box = Box(load_crystal("zincblende"), (cells,) * 3, 0.60583e-9)
    apart = box.position(np.arange(box.sites)) * 1e9 / (box.edges * 1e9) - np.array(centre)
    apart = (apart - np.rint(apart)) * box.edges * 1e9
    return Atoms.on(box, np.flatnonzero(np.linalg.norm(apart, axis=1) < radius), ("In", "As"), **more)


def growing() -> list[Atoms]:
    """A ball of InAs at four times."""
    return [ball(7, r, time=t) for r, t in ((0.7, 0.0), (0.9, 70.0), (1.1, 100.0), (1.3, 200.0))]


def seed_and_nucleus() -> Atoms:
    """A seed and a nucleated particle of gold."""
    box = Box(load_crystal("fcc"), (8, 8, 8), 0.4e-9)
    place = box.position(np.arange(box.sites)) * 1e9
    one = np.flatnonzero(np.linalg.norm(place - 0.8, axis=1) < 0.6)
    two = np.flatnonzero(np.linalg.norm(place - 2.4, axis=1) < 0.5)
    seed = np.repeat([True, False], [len(one), len(two)])
    return Atoms.on(box, np.concatenate([one, two]), ("Au",), seed=seed, time=5.0)
