"""The other view: crystals made of atoms on a lattice, fed by clusters that diffuse between them. No web here."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.classroom.lattice_course import KNOBS, LatticeCourse
from kmcgrowth.classroom.live import LiveRun
from kmcgrowth.lattice.walk_run import WalkRun
from kmcgrowth.model.types import Model

IntArray = NDArray[np.int64]

LISTED = 8
"""Crystals whose sizes are shown, the largest."""

ROW = 32
"""Sites that one number tells: a row of them, by their numbers in the box."""

ROWS = 120
"""Rows that a frame tells; the others wait for the next."""

WANDERERS = 120
"""Clusters and dissolved atoms that a frame shows, two in a number."""

FINE = 128
"""Places along an edge of the box at which a wanderer is shown."""

CLUSTER, NOBODY = 2, 3
"""Kinds of wanderers beside the two elements."""


@dataclass(frozen=True)
class LatticeFrame:
    """One moment of the box, as far as it is kept.

    Attributes
    ----------
    index : number of the frame
    time : [s]
    temperature : [degC]
    feed : of clusters up to now [mM/min]
    sizes : of the largest crystals [formula units]
    crystals : how many there are [dimensionless]
    clusters : that wander [dimensionless]
    atoms : dissolved ones, of both elements [dimensionless]
    crystal : atoms in crystals [dimensionless]
    """

    index: int
    time: float
    temperature: float
    feed: float
    sizes: tuple[int, ...]
    crystals: int
    clusters: int
    atoms: int
    crystal: int


class LatticeSession(LiveRun[LatticeFrame]):
    """The run of a box; ``given`` takes knobs."""

    KNOBS = KNOBS

    def _course_of(self, given: Mapping[str, Any]) -> LatticeCourse:
        return LatticeCourse(given, self.seed)

    def _engine(self, model: Model) -> WalkRun:
        return WalkRun(model, self._generator())

    def _mark(self) -> int:
        # at a mark the engine has already drawn what comes first after it
        if self._run is None:
            return super()._mark()
        return int(self._run.time / self.course.mark_time) + 1

    def _look(self) -> LatticeFrame:
        found = self.counts.lattice
        assert found is not None
        self._rows = pack_rows(found["site"], self._run.box.sites)
        if self.frame == 0:
            self._seeds, self._told, self._turn = self._rows, np.zeros_like(self._rows), 0
        number = self.counts.seed + self.counts.nucleated
        sizes = np.repeat(self.counts.sizes, number)
        return LatticeFrame(
            self.frame, self.counts.time, round(self.counts.temperature - 273.15, 2),
            self.course.flow(max(self.frame - 1, 0)), tuple(int(n) for n in sizes[::-1][:LISTED]), int(number.sum()),
            int(self.counts.amounts[1]), int(found["dissolved_atoms"].sum()), int(found["site"].size),
        )

    def tell(self, *, anew: bool = False) -> dict[str, Any]:
        """The last frame: rows of sites that are not as they were told last, and what wanders.

        A row is the number of its first site over 32 times 2^32, and a bit for each of its 32 sites that holds an atom;
        sites are numbered as in ``kmcgrowth.lattice.sites.Box``. Of wanderers see ``pack_wanderers``.
        """
        if anew:
            self._told, self._turn = np.zeros_like(self._rows), 0
        message = asdict(self.history[-1]) | {"wander": self._wanderers()}
        if anew and self.frame:
            # what is not a seed has grown on; a page that sees the start knows, one that comes later is told no more
            seeds = _numbered(self._seeds, np.flatnonzero(self._seeds)[:ROWS])
            return message | {"rows": [], "seeds": seeds}
        return message | {"rows": self._untold()}

    def rest(self) -> dict[str, Any] | None:
        """Rows for which the last frame had no room."""
        return {"rows": untold} if (untold := self._untold()) else None

    def _untold(self) -> list[int]:
        place = np.flatnonzero(self._rows != self._told)
        # in turns, so that none waits for ever where much changes
        place = np.roll(place, -int(np.searchsorted(place, self._turn)))[:ROWS]
        self._turn = int(place[-1]) + 1 if place.size else 0
        self._told[place] = self._rows[place]
        return _numbered(self._rows, place)

    def _wanderers(self) -> list[int]:
        found = self.counts.lattice
        assert found is not None
        if self._run is None or "walker_kind" not in found:
            return []
        kind = found["walker_kind"].astype(np.int64)
        shown = np.linspace(0, kind.size - 1, min(kind.size, WANDERERS)).round().astype(int)
        kind, point = kind[shown], found["walker_point"][shown]
        elements, edges = self._run.lattice.elements, self._run.box.edges
        place = self._run.grid.position(np.where(kind < elements, kind, 0), point) % edges / edges
        return pack_wanderers(np.where(kind < elements, kind, CLUSTER), place)

    def table(self) -> str:
        """The history as CSV, a row a frame."""
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["time_s", "temperature_C", "feed_mM_per_min", "clusters", "dissolved_atoms", "crystal_atoms",
                       "crystals", *(f"units_{i + 1}" for i in range(LISTED))])
        for f in self.history:
            rows.writerow([f.time, f.temperature, f.feed, f.clusters, f.atoms, f.crystal, f.crystals, *f.sizes,
                           *[""] * (LISTED - len(f.sizes))])
        return out.getvalue()


def pack_rows(site: IntArray, sites: int) -> IntArray:
    """The bits of all rows of a box: bit k of row r is set where site ``ROW r + k`` is taken."""
    held = np.zeros(-(-sites // ROW) * ROW, dtype=np.int64)
    held[site] = 1
    return np.asarray(held.reshape(-1, ROW) @ (1 << np.arange(ROW, dtype=np.int64)))


def _numbered(rows: IntArray, place: IntArray) -> list[int]:
    packed: list[int] = ((place << ROW) + rows[place]).tolist()
    return packed


def pack_wanderers(kind: IntArray, place: NDArray[np.float64]) -> list[int]:
    """Two wanderers in a number: 23 bits each, kind + 4 (x + 128 (y + 128 z)), of places in shares of the edges."""
    x, y, z = np.minimum((place * FINE).astype(np.int64), FINE - 1).T
    one = kind + 4 * (x + FINE * (y + FINE * z))
    if one.size % 2:
        one = np.append(one, NOBODY)
    packed: list[int] = (one[::2] + (one[1::2] << 23)).tolist()
    return packed


__all__ = ["KNOBS", "LatticeFrame", "LatticeSession", "pack_rows", "pack_wanderers"]
