# What is seen of the walkers from outside: places, tallies, the state, whether all is as it should be.

cdef class WalkKernel(Clockwork):
    """Kinetic Monte Carlo on a lattice in a solution of explicit walkers."""

    def positions(self, double time, bit_generator):
        """Kinds (walkers,) and grid points (walkers, 3) at a time after the last event and before the next.

        Places in cubes are drawn with a generator of their own, so that looking changes nothing.
        """
        cdef Stream stream = Stream(bit_generator)
        cdef int64_t i, n = 0, number = int(np.sum(self.amount))
        cdef int[3] step
        cdef int32_t w
        kind_array, point_array = np.empty(number, dtype=np.uint8), np.empty((number, 3), dtype=np.int32)
        cdef uint8_t[::1] kind = kind_array
        cdef int32_t[:, ::1] point = point_array
        for i in range(self.used):
            w = <int32_t>i
            if self.walker[w].size == GONE:
                continue
            step[0] = step[1] = step[2] = 0
            if self.walker[w].size != HOPPING and self.walker[w].size != STUCK:
                self.inside_cube(stream, w, self.clock(self.walker[w].kind, time), step)
            kind[n] = self.walker[w].kind
            point[n, 0] = (self.walker[w].x + step[0] + self.gx) % self.gx
            point[n, 1] = (self.walker[w].y + step[1] + self.gy) % self.gy
            point[n, 2] = (self.walker[w].z + step[2] + self.gz) % self.gz
            n += 1
        return kind_array, point_array

    def tallies(self):
        """What has been counted so far; ``stepped_in`` and ``stepped_out`` of the region, of each kind."""
        return {
            "moves": self.moves, "blocked": self.blocked_moves, "bursts": self.bursts,
            "stepped_in": np.asarray(self.stepped_in).copy(), "stepped_out": np.asarray(self.stepped_out).copy(),
            "in_cubes": np.array([self.heap[k].number for k in range(self.kinds)]),
            "near": np.array([self.near[k].number for k in range(self.kinds)]),
            "enclosed": np.array([self.stuck[k].number for k in range(self.kinds)]),
        }

    def state(self):
        """What ``restore`` needs to go on to the same bytes."""
        cdef int64_t i
        cdef int k
        walkers = np.zeros((self.used, 6), dtype=np.int32)
        began = np.zeros(self.used)
        for i in range(self.used):
            walkers[i] = (self.walker[i].x, self.walker[i].y, self.walker[i].z, self.walker[i].kind, self.walker[i].size,
                          self.walker[i].waits)
            began[i] = self.walker[i].began if self.walker[i].size not in (HOPPING, STUCK, GONE) else 0.0
        found = Kernel.state(self)
        found["walkers"] = {
            "walkers": walkers, "began": began,
            "vacant": np.array([self.vacant[i] for i in range(self.vacancies)], dtype=np.int32),
            "todo": np.array([self.todo[i] for i in range(self.waiting)], dtype=np.int32),
            "queue": [np.array([self.heap[k].item[i].walker for i in range(self.heap[k].number)], dtype=np.int32)
                      for k in range(self.kinds)],
            "at": [np.array([self.heap[k].item[i].at for i in range(self.heap[k].number)]) for k in range(self.kinds)],
            "near": [row_of(&self.near[k]) for k in range(self.kinds)],
            "stuck": [row_of(&self.stuck[k]) for k in range(self.kinds)],
            "ready": [row_of(&self.ready[k]) for k in range(self.kinds)],
            "stale": [np.flatnonzero((np.asarray(self.distance)[e] == 0) & (np.asarray(self.active)[e] == 0)).astype(np.int32)
                      for e in range(self.elements)],
            "base": np.asarray(self.base).copy(), "pending_walk": self.pending_walk,
            "moved": [self.moves, self.blocked_moves, self.bursts],
            "stepped": np.array([self.stepped_in, self.stepped_out]),
            "reached": self.reached, "dirty": bool(self.dirty), "changed": bool(self.changed_lists),
        }
        return found

    def restore(self, state):
        """Go back to a state, after ``set_window`` of the window it was in."""
        cdef int64_t i
        cdef int32_t w
        cdef int k
        cdef Due d
        cdef int32_t[MOST] near
        of = state["walkers"]
        self.used = self.vacancies = self.waiting = 0
        np.asarray(self.head)[...] = -1
        for k in range(self.kinds):
            self.heap[k].number = self.near[k].number = self.stuck[k].number = self.ready[k].number = 0
        for e in range(self.elements):
            np.asarray(self.distance)[e] = FAR
            np.asarray(self.active)[e] = np.asarray(self.held)[e] = 0
            self.filled[e] = self.stale[e] = 0
        self.amount[:] = 0
        taken = self.occupied()[0]
        for s in taken:
            self.near_to(s, near)
            Sites.unseat(self, s, near)
        Kernel.restore(self, state)
        for e in range(self.elements):
            self.stale[e] = len(of["stale"][e])
            for i, b in enumerate(of["stale"][e]):
                np.asarray(self.distance)[e, b] = 0
                self.visited[i] = b
            self.spread(e, len(of["stale"][e]), False)
        self.used, self.vacancies, self.waiting = 0, 0, 0
        self.reserve(len(of["walkers"]))
        self.used = len(of["walkers"])
        for i in range(self.used):
            w = <int32_t>i
            row = of["walkers"][i]
            self.walker[w].x, self.walker[w].y, self.walker[w].z = row[0], row[1], row[2]
            self.walker[w].kind, self.walker[w].size, self.walker[w].waits = row[3], row[4], row[5]
            self.walker[w].began, self.walker[w].place = of["began"][i], -1
            if self.walker[w].size != GONE:
                self.link(w)
        for i, n in enumerate(of["vacant"]):
            self.vacant[i] = n
        self.vacancies = len(of["vacant"])
        for i, n in enumerate(of["todo"]):
            self.todo[i] = n
        self.waiting = len(of["todo"])
        self.base = np.array(of["base"])
        for k in range(self.kinds):
            for i, n in enumerate(of["queue"][k]):
                d.walker, d.at = n, of["at"][k][i]
                self.heap[k].item[i] = d
                self.walker[d.walker].queue = <int32_t>i
            self.heap[k].number = len(of["queue"][k])
            for n in of["near"][k]:
                self.add(&self.near[k], n)
            for n in of["stuck"][k]:
                self.add(&self.stuck[k], n)
            for n in of["ready"][k]:
                self.make_ready(k, n)
        self.tell_time()
        self.weigh_walkers()
        self.pending_walk = of["pending_walk"]
        self.moves, self.blocked_moves, self.bursts = of["moved"]
        self.stepped_in, self.stepped_out = (np.array(s) for s in of["stepped"])
        self.changed_lists, self.reached = of["changed"], of["reached"]
        self.weigh()
        if of["dirty"]:
            self.dirty = <uint64_t>0xFFFFFFFFFFFFFFFF

    def verify(self):
        """Whether sites, masks, distances, walkers and lists are what they should be; a sentence if not, else ""."""
        cdef int64_t s, i
        cdef int e, x, y, z, k, m, d
        cdef int32_t w
        cdef int[3] p
        found = Kernel.verify(self)
        if found:
            return found
        for s in range(len(self.site)):
            e = self.kind[self.point_of(<int32_t>s, p)]
            if self.site_at(e, p[0], p[1], p[2]) != s:
                return f"site {s} is not found at its grid point"
            k = self.block_of(p[0], p[1], p[2])
            if ((self.active[e, k] & self.bit_of(p[0], p[1], p[2])) != 0) != (
                    self.taken(<int32_t>s) or self.first(<int32_t>s) > 0) or self.blocked(e, p[0], p[1], p[2]) != self.taken(<int32_t>s):
                return f"site {s} is active, or not, against what is around it"
        for e in range(self.elements):
            zero = np.flatnonzero(np.asarray(self.distance)[e] == 0)
            holds = np.flatnonzero(np.asarray(self.active)[e])
            if not np.isin(holds, zero).all() or len(zero) - len(holds) != self.stale[e] or len(holds) != self.filled[e]:
                return f"blocks of element {e} with active sites are not all at distance zero"
            at = np.column_stack(np.unravel_index(zero, (self.bx, self.by, self.bz)))
            wanted = np.full((self.bx, self.by, self.bz), FAR)
            axes = [np.arange(n) for n in (self.bx, self.by, self.bz)]
            for b in at:
                off = [np.minimum(np.abs(a - c), n - np.abs(a - c)) for a, c, n in zip(axes, b, (self.bx, self.by, self.bz))]
                far = np.maximum(np.maximum(off[0][:, None, None], off[1][None, :, None]), off[2][None, None, :])
                wanted = np.minimum(wanted, far)
            if not np.array_equal(wanted.ravel(), np.asarray(self.distance)[e]):
                return f"distances of element {e} are wrong"
        count = np.zeros(self.kinds, dtype=np.int64)
        for i in range(self.used):
            w = <int32_t>i
            if self.walker[w].size == GONE:
                continue
            k = self.walker[w].kind
            e = self.grid[k]
            count[k] += 1
            x, y, z = self.walker[w].x, self.walker[w].y, self.walker[w].z
            if self.outside(x, y, z):
                return f"walker {w} is outside"
            if self.walker[w].size == HOPPING or self.walker[w].size == STUCK:
                held = self.near[k].item[self.walker[w].queue] if self.walker[w].size == HOPPING else self.stuck[k].item[self.walker[w].queue]
                s = self.site_at(e, x, y, z)
                place = k < self.elements and s >= 0 and not self.taken(<int32_t>s) and self.first(<int32_t>s) > 0
                if not self.waiting and (self.walker[w].place >= 0) != (place and not self.sticky[k]):
                    return f"walker {w} can attach, or cannot, against what its list says"
                if not self.waiting and place and self.sticky[k]:
                    return f"walker {w} should have attached"
            else:
                held = self.heap[k].item[self.walker[w].queue].walker
                m = self.laws.size[self.walker[w].size - 1]
                if not self.waiting and m > SMALL and m > self.surely_free(e, x, y, z):
                    return f"the cube of walker {w} reaches blocks at distance zero"
                if not self.waiting and not self.free(&self.active[e, 0] if k < self.elements else &self.held[e, 0], x, y, z, min(m, 8)):
                    return f"the cube of walker {w} reaches active sites"
                if self.walker[w].queue and self.heap[k].item[self.walker[w].queue].at < self.heap[k].item[(self.walker[w].queue - 1) >> 2].at:
                    return f"the heap of kind {k} is out of order"
            if held != w:
                return f"walker {w} is not in its place"
        called = [self.todo[i] for i in range(self.waiting)]
        if sorted(called) != [i for i in range(self.used) if self.walker[i].waits]:
            return "those who wait are not those who were called"
        if not np.array_equal(count, self.amounts()):
            return f"there are {count} walkers, not {self.amounts()}"
        return ""


cdef object row_of(Row *row):
    return np.array([row.item[i] for i in range(row.number)], dtype=np.int32)
