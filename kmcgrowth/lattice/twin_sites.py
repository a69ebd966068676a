"""Occupation of a lattice in plain Python: what ``ext/lattice_sites.pxi`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.lattice.energetics import NONE


class TwinSites:
    """Occupation of a lattice, and lists of the sites of each group."""

    def __init__(
        self, cells: tuple[int, int, int], kind: Any, near: Any, second: Any, hop: Any, lookup: Any, groups: int,
        follow_second: bool, follow_saturated: bool,
    ) -> None:
        self.cells = cells
        self.kind = [int(k) for k in kind]
        self.tables = {"near": near, "second": second, "hop": hop}
        self.lookup = [int(g) for g in lookup]
        self.groups = groups
        self.follow_saturated, self.follow_second = follow_saturated, follow_second
        self.size = int(np.prod(cells)) * len(self.kind)
        self.taken = [False] * self.size
        self.seed = [False] * self.size
        self.group = [NONE] * self.size
        self.lists: list[list[int]] = [[] for _ in range(groups)]
        self.place: dict[int, int] = {}
        self._known: dict[tuple[str, int], list[int]] = {}

    def around(self, site: int, table: str = "near") -> list[int]:
        """Neighbours of a site, in the order of the crystal's description."""
        if (table, site) not in self._known:
            nx, ny, nz = self.cells
            rest, b = divmod(site, len(self.kind))
            rest, z = divmod(rest, nz)
            x, y = divmod(rest, ny)
            self._known[table, site] = [
                int((((x + u) % nx * ny + (y + v) % ny) * nz + (z + w) % nz) * len(self.kind) + c)
                for u, v, w, c in self.tables[table][b]
            ]
        return self._known[table, site]

    def element(self, site: int) -> int:
        """Element of a site."""
        return self.kind[site % len(self.kind)]

    def first(self, site: int) -> int:
        """Occupied nearest neighbours."""
        return sum(self.taken[s] for s in self.around(site))

    def beyond(self, site: int) -> int:
        """Occupied neighbours in the second shell, where they are followed."""
        return sum(self.taken[s] for s in self.around(site, "second")) if self.follow_second else 0

    def saturated(self, site: int) -> bool:
        """Whether a site holds a cation with all its neighbours."""
        return self.taken[site] and self.element(site) == 0 and all(self.taken[s] for s in self.around(site))

    def regroup(self, site: int) -> None:
        """Put a site into the list of the group that it belongs to."""
        near = sum(self.saturated(s) for s in self.around(site)) if self.follow_saturated else 0
        counts = near << 8 | self.beyond(site) << 4 | self.first(site)
        word = self.element(site) << 13 | int(self.taken[site]) << 12 | counts
        old, new = self.group[site], self.lookup[word]
        if old == new:
            return
        if old != NONE:
            last = self.lists[old].pop()
            if last != site:
                self.lists[old][self.place[site]] = last
                self.place[last] = self.place[site]
        self.group[site] = new
        if new != NONE:
            self.place[site] = len(self.lists[new])
            self.lists[new].append(site)

    def _after(self, site: int) -> None:
        """Regroup the sites around one that has changed."""
        self.regroup(site)
        for s in self.around(site):
            self.regroup(s)
        if self.follow_second:
            for s in self.around(site, "second"):
                if self.taken[s]:
                    self.regroup(s)
        if self.follow_saturated:
            for s in self.around(site):
                for t in self.around(s):
                    if self.taken[t]:
                        self.regroup(t)

    def occupy(self, site: int, seed: bool) -> None:
        """Put an atom on a site."""
        self.taken[site], self.seed[site] = True, seed
        self._after(site)

    def vacate(self, site: int) -> None:
        """Take an atom off its site."""
        self.taken[site] = self.seed[site] = False
        self._after(site)

    def fill(self, sites: Any, seed: Any) -> None:
        """Occupy empty sites, one after the other."""
        for s, of_seed in zip(sites, seed, strict=True):
            self.occupy(int(s), bool(of_seed))

    def occupied(self) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Sites that are occupied, and which of them belong to a particle that was there at the start."""
        where = np.flatnonzero(self.taken).astype(np.int32)
        return where, np.array(self.seed, dtype=bool)[where]
