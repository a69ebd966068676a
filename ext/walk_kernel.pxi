# What happens next: on the lattice, to a walker near it, to the first that leaves its cube, at a syringe.

cdef class Clockwork(Matter):
    """The events of the lattice and the hops near it have constant rates between events, one sum each."""

    cdef public double pending_walk
    cdef double walk_total
    cdef double[::1] weight_hop, weight_stick, weight_in
    cdef bint steady_walk

    def set_walkers(self, parts, point, tables, *, spread=None, margin=None, bint sink=False, int largest=128):
        """Grids and lists, before the first crystal; after ``set_solution``.

        ``parts`` and ``point`` as in ``set_grid``, ``tables`` of ``cube_laws``; ``spread`` (kinds,): grid points from a
        molecule up to which what it reacts to appears; ``margin``: grid points at the border of the box that are a
        reservoir, None for a periodic box; ``sink``: places stay empty, for checks; ``largest``: half-size of cubes, 0
        lets every walker hop from point to point.
        """
        cdef int m, i
        self.set_grid(parts, point)
        if max(self.gx, self.gy, self.gz) > 32767:
            raise BadInput("lattice.box: walkers need one of at most 32767 grid points along each edge; make it smaller.")
        kinds = len(self.amount)
        self.laws = Laws(tables)
        sizes = np.asarray(self.laws.size)
        self.set_lists(kinds, sizes)
        made = np.asarray(self.change)
        self.spare = 64 + 2 * int(max(
            np.maximum(made, 0).sum(axis=1).max(initial=0), np.asarray(self.expand).sum(axis=1).max(initial=0)
        ))
        self.reserve(0)
        self.spread_of = np.zeros(kinds, dtype=np.int32) if spread is None else np.array(spread, dtype=np.int32)
        edges = (self.gx, self.gy, self.gz)
        self.opened, self.reached = margin is not None, INFINITY
        for i in range(3):
            self.low[i], self.high[i] = margin or 0, edges[i] - (margin or 0)
        if self.opened and (margin < 1 or min(edges) - 2 * margin < 1):
            raise BadInput(f"reservoir: a margin of {margin} grid points leaves no region inside of {min(edges)} points.")
        self.largest = min(largest, (min(edges) - 1) // 2, int(sizes.max()))
        self.size_for = np.array([np.searchsorted(sizes, m, side="right") for m in range(max(self.largest, 0) + 1)], dtype=np.uint8)
        if self.largest < sizes[0]:
            self.largest = 0
        self.sink = sink
        self.pace0, self.pace1, self.pace, self.base, self.far0, self.far1, self.far = (np.zeros(kinds) for _ in range(7))
        self.top, self.due = np.full(kinds, INFINITY), np.full(kinds, INFINITY)
        self.stick0, self.stick1, self.stick = (np.zeros(self.elements) for _ in range(3))
        self.sticky = np.zeros(self.elements, dtype=np.uint8)
        self.weight_hop, self.weight_stick, self.weight_in = np.zeros(kinds), np.zeros(self.elements), np.zeros(kinds)
        self.stepped_in, self.stepped_out = np.zeros(kinds, dtype=np.int64), np.zeros(kinds, dtype=np.int64)
        self.pending_walk = -1.0

    def fill(self, sites, seed):
        """Occupy empty sites, one after the other; none in the reservoir, where walkers could never replace an atom."""
        for s in sites if self.opened else ():
            if self.lies_outside(s):
                raise ValueError(f"site {s} lies in the reservoir")
        Kernel.fill(self, sites, seed)

    def set_window(self, double start, double end, volume, rates, hops, pair, reactions, push, left, *, walk, stick,
                   far=None):
        """As in the kernel with a stirred solution, whose rates of attachment and ``pair`` are not used; and for
        walkers, each at both ends of the window and linear in between:

        ``walk`` (kinds,) D/h^2, steps to one of the six grid points around [1/s]; ``stick`` (elements,) rate at which
        an atom at a place attaches: attach rate over the volume of a grid point, or inf [1/s]; ``far`` (kinds,) walkers
        per grid point outside of the region.
        """
        cdef int k
        rates = [np.array(r, dtype=float) for r in rates]
        for r in rates:
            r[: self.elements] = 0.0
        walk = [np.array(w, dtype=float) for w in walk]
        stick = [np.array(s, dtype=float) for s in stick]
        far = [np.array(f, dtype=float) for f in (far if far is not None else (np.zeros(self.kinds),) * 2)]
        endless = np.isinf(stick[0])
        if np.any(endless != np.isinf(stick[1])):
            raise BadInput('attach rate: "inf" holds for all times or for none.')
        hopping = np.maximum(np.asarray(hops[0]), np.asarray(hops[1]))
        if np.any(endless) and max(np.max(r - h) for r, h in zip(rates, hops)) > 0.0:
            raise BadInput(
                'attach rate = "inf": atoms that attach at once can never detach; give no rate of detachment, or a finite '
                'attach rate.'
            )
        if not all(np.all(np.isfinite(w)) and np.all(w >= 0.0) for w in (*walk, *far, stick[0][~endless], stick[1][~endless])):
            raise BadInput("walkers: rates and concentrations must be finite and not negative.")
        if np.any([f > 0.0 for f in far]) and not self.opened:
            raise BadInput("reservoir: a concentration outside needs a margin.")
        for k in range(self.kinds):
            self.base[k] = self.clock(k, start)
        Kernel.set_window(self, start, end, volume, rates, hops, (0.0, 0.0), reactions, push, left)
        self.pace0, self.pace1 = walk
        self.far0, self.far1 = far
        self.pace, self.far = np.maximum(*walk), np.maximum(*far)
        self.sticky = endless.astype(np.uint8)
        self.stick0, self.stick1 = (np.where(endless, 0.0, s) for s in stick)
        self.stick = np.maximum(self.stick0, self.stick1)
        self.steady_walk = all(np.array_equal(*pair) for pair in (walk, stick, far))
        self.tell_time()

    def tell_time(self):
        """Times of the first exits, and what happens near the crystals, under new rates."""
        cdef int k
        for k in range(self.kinds):
            self.top[k] = INFINITY
            self.due[k] = INFINITY
            self.refresh(k)
        self.pending_walk = -1.0
        self.changed_lists = True

    cdef void weigh_walkers(self) noexcept nogil:
        cdef int k
        self.walk_total = 0.0
        for k in range(self.kinds):
            self.weight_hop[k] = 6.0 * self.near[k].number * self.pace[k]
            self.walk_total += self.weight_hop[k]
        for k in range(self.elements):
            self.weight_stick[k] = self.ready[k].number * self.stick[k]
            self.walk_total += self.weight_stick[k]
        if self.opened:
            for k in range(self.kinds):
                self.weight_in[k] = self.links() * self.far[k] * self.pace[k]
                self.walk_total += self.weight_in[k]
        self.changed_lists = False

    cdef int loop(self, double until, int64_t budget) noexcept nogil:
        cdef double next
        cdef int i, which, exit
        while True:
            if self.full or self.tight:
                return ROOM
            if self.waiting:
                self.settle()
                continue
            if budget <= 0:
                return BUDGET
            if self.pending < 0.0 or self.dirty:
                if self.dirty:
                    self.weigh()
                self.pending = self.now + self.stream.exponential() / self.total if self.total > 0.0 else INFINITY
            if self.pending_walk < 0.0 or self.changed_lists:
                if self.changed_lists:
                    self.weigh_walkers()
                self.pending_walk = INFINITY
                if self.walk_total > 0.0:
                    self.pending_walk = self.now + self.stream.exponential() / self.walk_total
            next, which, exit = min(self.pending, self.pending_walk), -1, -1
            for i in range(self.kinds):
                if self.due[i] < next:
                    next, exit = self.due[i], i
            for i in range(self.entry.shape[0]):
                if self.entry[i] < next:
                    next, which = self.entry[i], i
            if next > until and self.end_time > until:
                return REACHED
            if next >= self.end_time:
                for i in range(self.elements):
                    self.exposed[i] += (self.amount[i] - self.stuck[i].number) * (self.end_time - self.now)
                self.now, self.pending, self.pending_walk = self.end_time, -1.0, -1.0
                return EPOCH
            budget -= 1
            for i in range(self.elements):
                self.exposed[i] += (self.amount[i] - self.stuck[i].number) * (next - self.now)
            # round-off in a time found from a clock never turns it back
            self.now = max(next, self.now)
            if which >= 0:
                self.enter(which, self.stream.word())
                self.entered += 1
                self.draw_entry(which)
            elif exit >= 0:
                self.leave_cube(exit)
            elif self.pending <= self.pending_walk:
                self.pending = -1.0
                self.choose()
            else:
                self.pending_walk = -1.0
                self.choose_walker()

    def run_on(self, double until, int64_t budget):
        """``run``, with memory for more walkers and sites when it is needed."""
        while True:
            why = self.run(until, budget)
            if why != ROOM:
                return why
            self.make_room()

    cdef void choose_walker(self) noexcept nogil:
        """One candidate near the crystals, or at the border of the region."""
        cdef double x = self.stream.uniform() * self.walk_total
        cdef int k
        for k in range(self.kinds):
            if x < self.weight_hop[k]:
                self.candidate_hop(k)
                return
            x -= self.weight_hop[k]
        for k in range(self.elements):
            if x < self.weight_stick[k]:
                self.candidate_stick(k)
                return
            x -= self.weight_stick[k]
        if self.opened:
            for k in range(self.kinds):
                if x < self.weight_in[k]:
                    if self.steady_walk or self.stream.uniform() * self.far[k] * self.pace[k] < self.at_now(
                            self.far0[k], self.far1[k]) * self.at_now(self.pace0[k], self.pace1[k]):
                        self.step_in(k)
                    return
                x -= self.weight_in[k]

    cdef void candidate_hop(self, int k) noexcept nogil:
        cdef uint64_t word = self.stream.word()
        cdef int32_t w = self.near[k].item[self.part(&word, self.near[k].number)]
        if self.steady_walk or self.stream.uniform() * self.pace[k] < self.at_now(self.pace0[k], self.pace1[k]):
            self.hop_walker(w, <int>self.part(&word, 6))

    cdef void candidate_stick(self, int k) noexcept nogil:
        """An atom attaches where it is; not if it shares its grid point with another walker, so that no walker is
        left on a taken site and the way back is open."""
        cdef uint64_t word = self.stream.word()
        cdef int32_t w = self.ready[k].item[self.part(&word, self.ready[k].number)]
        cdef Walker *of = &self.walker[w]
        if not self.steady_walk and self.stream.uniform() * self.stick[k] >= self.at_now(self.stick0[k], self.stick1[k]):
            self.idle += 1
            return
        if self.shared(k, of.x, of.y, of.z, w):
            self.idle += 1
            return
        self.attach(w, self.site_at(k, of.x, of.y, of.z))
