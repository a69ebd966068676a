"""The other view: crystals made of atoms on a lattice, fed by clusters that diffuse between them. No web here."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from kmcgrowth.classroom.knobs import Knob, within
from kmcgrowth.classroom.session import checked_seed
from kmcgrowth.classroom.stories import Story
from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.walk_run import WalkRun
from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import parse_recipe
from kmcgrowth.seeding import seeding

FRAMES, DURATION, BOX = 120, 60.0, 14.0
"""Frames of a run, its length [s], edge of the periodic box [nm]."""

LISTED = 8
"""Crystals whose sizes are shown, the largest."""

KNOBS = {
    knob.name: knob
    for knob in (
        Knob("crystals", "Seeds in the box", "", 1.0, 6.0, 3.0, 1.0),
        Knob("clusters", "Clusters (AMC)", "mM", 5.0, 80.0, 40.0, 5.0),
        Knob("attach", "Attachment", "nm^3/s", 1e3, 1e7, 1e6, 0.5, decades=True),
        Knob("hops", "Hops on the surface", "/ s", 1.0, 3e4, 1e4, 0.5, decades=True),
    )
}
"""Name -> knob; each of them begins a new run."""


@lru_cache(maxsize=1)
def stories() -> dict[str, Story]:
    """Name -> story of this view."""
    found = (
        Story(
            "compact", "Compact crystals",
            "Clusters wander between the seeds, fall apart, and their atoms wander on until they meet a crystal. "
            "Atoms hop along the surface until they have found a place with many neighbours. "
            "So the crystals stay compact, and neighbours compete for what is between them.",
            "Which of the crystals grows fastest, and what has its place in the box to do with it?",
            "The one with the largest share of the box to itself: each crystal empties the solution around it.", {},
        ),
        Story(
            "branches", "Branches",
            "Here atoms stay where they arrive: they hardly hop. "
            "Whatever sticks out into the solution meets more of the atoms that come, and sticks out further. "
            "The crystals become rough, as snow does.",
            "From which rate of hops on are the crystals compact, and what does attachment have to do with it?",
            "An atom has to find a better place before the next ones have buried it: hops have to outrun arrivals. "
            "Slow attachment lets atoms try many places in the solution too.", {"hops": 1.0},
        ),
        Story(
            "lonely", "Alone in the box",
            "A single crystal has all of the clusters to itself. "
            "Its mirror images beyond the walls of the box are its only neighbours. "
            "It grows until the solution is empty.",
            "How large must it become if all clusters in the box end in it? Count the clusters at the start.",
            "Its own units and 22 for each cluster that was there.", {"crystals": 1.0},
        ),
    )
    return {story.name: story for story in found}


@dataclass(frozen=True)
class LatticeFrame:
    """One moment of the box, as far as it is kept.

    Attributes
    ----------
    index : number of the frame
    time : [s]
    sizes : of the largest crystals [formula units]
    clusters : that wander [dimensionless]
    atoms : dissolved ones, of both elements [dimensionless]
    crystal : atoms in crystals [dimensionless]
    """

    index: int
    time: float
    sizes: tuple[int, ...]
    clusters: int
    atoms: int
    crystal: int


class LatticeSession:
    """A run of the box from frame to frame; as ``Session``, for a ``Desk``.

    Parameters
    ----------
    given : knob -> value in the unit of the knob
    seed : int, of the random numbers, or None for one that is drawn

    Raises
    ------
    BadInput : a knob cannot stand there.
    """

    def __init__(self, given: Mapping[str, Any] | None = None, *, seed: int | None = None) -> None:
        self.knobs: dict[str, Any] = _values(given or {})
        self.seed = int(seeding().seed or 0) if seed is None else seed
        self.duration = DURATION
        self._run: WalkRun | None = None
        self.restart(self.seed)

    def restart(self, seed: int | None = None) -> None:
        """Begin anew with the knobs as they are."""
        if seed is not None:
            self.seed = checked_seed(seed)
        model = build_model(parse_recipe(self._text(FRAMES)))
        self._run = WalkRun(model, seeding(None, self.seed).generator(0))
        self.frame = 0
        self.history: list[LatticeFrame] = []
        self._told: np.ndarray[Any, Any] = np.empty(0, dtype=np.int64)
        self._seeds: np.ndarray[Any, Any] = np.empty(0, dtype=np.int64)
        self._look()

    def load(self, given: Mapping[str, Any], *, seed: int | None = None) -> None:
        """Take all knobs anew and begin a run."""
        self.knobs = _values(given)
        self.restart(seed)

    def set(self, name: str, value: Any) -> str:
        """Turn a knob: "same" or "new"."""
        wanted = _values(self.knobs | {name: value})
        if wanted == self.knobs:
            return "same"
        self.knobs = wanted
        self.restart()
        return "new"

    @property
    def over(self) -> bool:
        """Whether the run has reached its end."""
        return self.frame >= FRAMES

    def advance(self, *, seconds: float = float("inf")) -> LatticeFrame | None:
        """Go on to the next frame; None where ``seconds`` of wall time did not suffice, or the run is over."""
        if self._run is None:
            raise BadInput("the session is closed; begin a new one.")
        if self.over:
            return None
        stop = perf_counter() + seconds
        if not self._run.advance((self.frame + 1) * DURATION / FRAMES, stop=lambda: perf_counter() > stop):
            return None
        self.frame += 1
        return self._look()

    def _look(self) -> LatticeFrame:
        assert self._run is not None
        self.counts = self._run.counts()
        found = self.counts.lattice
        assert found is not None
        self._site = np.sort(found["site"])
        if self.frame == 0:
            self._seeds = found["site"][found["seed"] != 0]
        sizes = np.repeat(self.counts.sizes, self.counts.seed + self.counts.nucleated)
        frame = LatticeFrame(
            self.frame, self.counts.time, tuple(int(n) for n in sizes[::-1][:LISTED]), int(self.counts.amounts[1]),
            int(found["dissolved_atoms"].sum()), self._site.size,
        )
        self.history.append(frame)
        return frame

    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """The last frame: sites that atoms came to and left since it was told last, and what wanders.

        Numbers of sites are those of ``kmcgrowth.lattice.sites.Box``. A wanderer is one number, kind + 4 (x + 1024 (y +
        1024 z)) with its place in steps of a hundredth of a nanometre from 0 to ``BOX``.
        """
        last, told = self.history[-1], np.empty(0, dtype=np.int64) if anew else self._told
        came, left = (np.setdiff1d(a, b, assume_unique=True) for a, b in ((self._site, told), (told, self._site)))
        self._told = self._site
        message: dict[str, Any] = {
            "index": last.index, "time": last.time, "sizes": last.sizes, "clusters": last.clusters, "atoms": last.atoms,
            "crystal": last.crystal, "came": came.tolist(), "left": left.tolist(), "wander": self._wanderers(),
        }
        if anew:
            message |= {"seeds": self._seeds.tolist(), "box": self._geometry()}
        return message

    def _wanderers(self) -> list[int]:
        assert self.counts.lattice is not None
        if self._run is None or "walker_kind" not in self.counts.lattice:
            return []
        kind = self.counts.lattice["walker_kind"].astype(np.int64)
        point = self.counts.lattice["walker_point"]
        elements = self._run.lattice.elements
        place = self._run.grid.position(np.where(kind < elements, kind, 0), point) % self._run.box.edges
        x, y, z = np.minimum((place / self._run.box.edges * 1024.0).astype(np.int64), 1023).T
        packed = np.where(kind < elements, kind, elements) + 4 * (x + 1024 * (y + 1024 * z))
        return [int(n) for n in packed]

    def _geometry(self) -> dict[str, Any]:
        assert self._run is not None
        box = self._run.box
        return {
            "cells": [int(n) for n in box.cells], "edges": [round(float(e) * 1e9, 4) for e in box.edges],
            "basis": [[round(float(x), 4) for x in b] for b in box.crystal.basis],
            "kind": [int(k) for k in box.crystal.kind],
        }

    def close(self) -> None:
        """Let go of the engine; what has been seen stays."""
        self._run = None

    def recipe(self) -> str:
        """The recipe (TOML) that repeats the run up to the last frame."""
        return self._text(self.frame or FRAMES)

    def _text(self, frames: int) -> str:
        k = self.knobs
        return f"""title = "A box of the classroom"
material = "InAs"

[flask]
volume = "1 mL"
temperature = "300 degC"
contents = {{ AMC = "{k["clusters"]:.10g} mM" }}

[species.AMC]
formula_units = 22

[[reaction]]
equation = "AMC -> 22 monomer"
rate = "0.06 / s"

[lattice]
box = "{BOX:g} nm"
solution = "walkers"
attach_rate = "{k["attach"]:.10g} nm^3/s"
hop = {{ prefactor = "{k["hops"]:.10g} / s", barrier = "0.1 eV" }}
diffusion = {{ AMC = "500 nm^2/s" }}
frames = {frames + 1}

[[lattice.particle]]
diameter = "2 nm"
count = {k["crystals"]:.0f}

[simulation]
duration = "{frames * DURATION / FRAMES!r} s"
snapshots = {frames + 1}
seed = {self.seed}
"""

    def table(self) -> str:
        """The history as CSV, a row a frame."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["time_s", "clusters", "dissolved_atoms", "crystal_atoms",
                       *(f"units_{i + 1}" for i in range(LISTED))])
        for f in self.history:
            rows.writerow([f.time, f.clusters, f.atoms, f.crystal, *f.sizes, *[""] * (LISTED - len(f.sizes))])
        return out.getvalue()


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in KNOBS:
            raise BadInput(f'"{name}" is not a knob; there are {", ".join(KNOBS)}.')
    found = {n: within(k.label, given.get(n, k.value), k.low, k.high, k.unit) for n, k in KNOBS.items()}
    if found["crystals"] % 1.0:
        raise BadInput(f"{KNOBS['crystals'].label}: {found['crystals']:g} is no whole number; give one.")
    return found


__all__ = ["KNOBS", "LatticeFrame", "LatticeSession", "stories"]
