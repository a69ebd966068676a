# How walkers move: hop by hop beside crystals, cube by cube far from them; and how they become part of a crystal.

cdef class Moves(Lists):
    """The clock of a kind counts the time in 1/rate of its steps to one grid point, so that cubes outlive a change of
    the rate; within a window the rate is linear in time.
    """

    cdef Laws laws
    cdef int largest                        # half-size of cubes; none if 0
    cdef uint8_t[::1] size_for              # half-size that there is room for -> of the cube, counted from 1
    cdef bint sink, opened                  # places stay empty; the walkers' region ends before the box
    cdef int[3] low, high                   # of that region
    cdef public double reached              # when a crystal first had a place outside of it [s]; inf
    cdef double[::1] pace0, pace1, pace     # steps to one grid point at both ends of the window, majorant [1/s]
    cdef double[::1] base, top, due         # clocks at the start; clock and time of the next exit
    cdef double[::1] stick0, stick1, stick  # of an atom at a place [1/s]
    cdef uint8_t[::1] sticky                # whether that is without limit
    cdef public int64_t moves, bursts, blocked_moves
    cdef int64_t[::1] stepped_in, stepped_out

    cdef inline double clock(self, int k, double t) noexcept nogil:
        cdef double x = t - self.start_time
        if self.pace0[k] == self.pace1[k]:
            return self.base[k] + x * self.pace0[k]
        return self.base[k] + x * (self.pace0[k] + 0.5 * (self.pace1[k] - self.pace0[k]) * x / (self.end_time - self.start_time))

    cdef double time_of(self, int k, double clock) noexcept nogil:
        """When a kind's clock shows a value, if its rate goes on as in this window."""
        cdef double x = clock - self.base[k], first = self.pace0[k], slope, square
        if x <= 0.0:
            return self.start_time
        if self.pace1[k] == first:
            return self.start_time + x / first if first > 0.0 else INFINITY
        slope = (self.pace1[k] - first) / (self.end_time - self.start_time)
        square = first * first + 2.0 * slope * x
        if square < 0.0 or first + sqrt(square) <= 0.0:
            return INFINITY
        return self.start_time + 2.0 * x / (first + sqrt(square))

    cdef inline void refresh(self, int k) noexcept nogil:
        """Note when the first cube of a kind is left, if that has changed."""
        cdef double top = self.heap[k].item[0].at if self.heap[k].number else INFINITY
        if top != self.top[k]:
            self.top[k] = top
            self.due[k] = self.time_of(k, top) if top < INFINITY else INFINITY

    cdef inline bint outside(self, int x, int y, int z) noexcept nogil:
        return self.opened and not (
            self.low[0] <= x < self.high[0] and self.low[1] <= y < self.high[1] and self.low[2] <= z < self.high[2]
        )

    cdef inline bint lies_outside(self, int32_t s) noexcept nogil:
        cdef int[3] p
        self.point_of(s, p)
        return self.outside(p[0], p[1], p[2])

    cdef bint at_border(self, int32_t s, int32_t *near) noexcept nogil:
        """Whether a nearest neighbour of a site lies outside."""
        cdef int[3] p
        cdef int i
        self.point_of(s, p)
        # neighbours are in adjacent cells
        if not (self.outside(p[0] - (2 << self.sx), p[1] - (2 << self.sy), p[2] - (2 << self.sz))
                or self.outside(p[0] + (2 << self.sx), p[1] + (2 << self.sy), p[2] + (2 << self.sz))):
            return False
        for i in range(self.near_number):
            if self.lies_outside(near[i]):
                return True
        return False

    cdef inline int cube_at(self, int e, bint atom, int x, int y, int z) noexcept nogil:
        """Half-size, counted from 1, of the cube that fits around a point; HOPPING for none."""
        cdef int m
        if self.largest == 0:
            return HOPPING
        m = min(self.room_at(e, atom, x, y, z), self.largest)
        if self.opened:
            m = min(m, min(x - self.low[0], self.high[0] - 1 - x) + 1)
            m = min(m, min(y - self.low[1], self.high[1] - 1 - y) + 1)
            m = min(m, min(z - self.low[2], self.high[2] - 1 - z) + 1)
        return self.size_for[m] if m > 0 else HOPPING

    # -- birth and death --------------------------------------------------------------------

    cdef int32_t create(self, int k, int x, int y, int z) noexcept nogil:
        cdef int32_t w
        if self.vacancies:
            self.vacancies -= 1
            w = self.vacant[self.vacancies]
        else:
            w = <int32_t>self.used
            self.used += 1
            self.walker[w].waits = 0
        self.walker[w].x, self.walker[w].y, self.walker[w].z = <int16_t>x, <int16_t>y, <int16_t>z
        self.walker[w].kind, self.walker[w].size, self.walker[w].place = <uint8_t>k, HOPPING, -1
        self.add(&self.near[k], w)
        self.link(w)
        self.call(w)
        self.amount[k] += 1
        if self.power.shape[0]:
            self.dirty |= 1
        if self.walkers - self.used + self.vacancies < self.spare or self.amount[k] + self.spare > self.heap[k].room:
            self.tight = True
        return w

    cdef void remove(self, int32_t w) noexcept nogil:
        cdef int k = self.walker[w].kind
        self.unlink(w)
        self.not_ready(k, w)
        if self.walker[w].size == HOPPING:
            self.drop(&self.near[k], w)
        elif self.walker[w].size == STUCK:
            self.drop(&self.stuck[k], w)
        else:
            self.dequeue(&self.heap[k], w)
            self.refresh(k)
        self.walker[w].size = GONE
        self.vacant[self.vacancies] = w
        self.vacancies += 1
        self.amount[k] -= 1
        if self.power.shape[0]:
            self.dirty |= 1

    cdef void step_out(self, int32_t w) noexcept nogil:
        self.stepped_out[self.walker[w].kind] += 1
        self.remove(w)

    # -- moves ------------------------------------------------------------------------------

    cdef inline void begin_cube(self, int32_t w, int size, double clock, bint queued) noexcept nogil:
        """Give a walker, in no bin, a cube around its point."""
        cdef int k = self.walker[w].kind
        cdef Due d
        self.walker[w].size = <uint8_t>size
        self.walker[w].began = clock
        self.link(w)
        d.at = clock + self.laws.exit_time(size - 1, self.stream.exponential() * (1.0 / 3.0))
        d.walker = w
        if queued:
            self.requeue(&self.heap[k], self.walker[w].queue, d)
        else:
            self.enqueue(&self.heap[k], d)
        self.refresh(k)

    cdef void land(self, int32_t w, int *step, double clock) noexcept nogil:
        """A walker has left its cube, or the cube is given up, that many points from the centre."""
        cdef Walker *of = &self.walker[w]
        cdef int k = of.kind, e = self.grid[k], size, x = of.x + step[0], y = of.y + step[1], z = of.z + step[2]
        self.unlink(w)
        x = x + self.gx if x < 0 else (x - self.gx if x >= self.gx else x)
        y = y + self.gy if y < 0 else (y - self.gy if y >= self.gy else y)
        z = z + self.gz if z < 0 else (z - self.gz if z >= self.gz else z)
        of.x, of.y, of.z = <int16_t>x, <int16_t>y, <int16_t>z
        if self.outside(x, y, z):
            self.link(w)
            self.step_out(w)
            return
        size = self.cube_at(e, k < self.elements, x, y, z)
        if size != HOPPING:
            self.begin_cube(w, size, clock, True)
            return
        self.dequeue(&self.heap[k], w)
        self.refresh(k)
        of.size = HOPPING
        self.add(&self.near[k], w)
        self.link(w)
        if k < self.elements and self.is_place(e, x, y, z):
            self.look(w)

    cdef void leave_cube(self, int k) noexcept nogil:
        """The first walker of a kind leaves its cube: through any of the six faces with the same chance."""
        cdef Due first = self.heap[k].item[0]
        cdef Walker *of = &self.walker[first.walker]
        cdef uint64_t face
        cdef int i, axis, size = of.size - 1
        cdef int[3] step
        self.moves += 1
        multiply_wide(self.stream.word(), 6, &face)
        axis = <int>(face >> 1)
        for i in range(3):
            if i == axis:
                step[i] = self.laws.size[size] if face & 1 else -self.laws.size[size]
            else:
                step[i] = self.laws.inside(self.stream, size, first.at - of.began)
        self.land(first.walker, step, first.at)

    cdef inline void inside_cube(self, Stream stream, int32_t w, double clock, int *step) noexcept nogil:
        """Where a walker is that has not left its cube, from the centre."""
        cdef double t = max(0.0, clock - self.walker[w].began)
        cdef int i
        for i in range(3):
            step[i] = self.laws.inside(stream, self.walker[w].size - 1, t)

    cdef void burst(self, int32_t w) noexcept nogil:
        """Give up a cube, as something comes close."""
        cdef int[3] step
        cdef double clock = self.clock(self.walker[w].kind, self.now)
        self.bursts += 1
        self.inside_cube(self.stream, w, clock, step)
        self.land(w, step, clock)

    cdef void hop_walker(self, int32_t w, int direction) noexcept nogil:
        """A step to one of the six grid points around; onto a taken site there is none."""
        cdef Walker *of = &self.walker[w]
        cdef int e = self.grid[of.kind]
        cdef int[3] p
        self.moves += 1
        p[0], p[1], p[2] = of.x, of.y, of.z
        self.step_from(p, direction)
        if self.outside(p[0], p[1], p[2]):
            self.step_out(w)
            return
        if self.blocked(e, p[0], p[1], p[2]):
            self.blocked_moves += 1
            p[0], p[1], p[2] = of.x, of.y, of.z
            if self.enclosed(e, p):
                self.drop(&self.near[of.kind], w)
                of.size = STUCK
                self.add(&self.stuck[of.kind], w)
            return
        if ((p[0] ^ of.x) | (p[1] ^ of.y) | (p[2] ^ of.z)) & ~3:
            self.unlink(w)
            of.x, of.y, of.z = <int16_t>p[0], <int16_t>p[1], <int16_t>p[2]
            self.link(w)
        else:
            of.x, of.y, of.z = <int16_t>p[0], <int16_t>p[1], <int16_t>p[2]
        self.look(w)

    cdef inline void step_from(self, int *p, int direction) noexcept nogil:
        """One of the six points around."""
        if direction == 0:
            p[0] = p[0] - 1 if p[0] else self.gx - 1
        elif direction == 1:
            p[0] = p[0] + 1 if p[0] + 1 < self.gx else 0
        elif direction == 2:
            p[1] = p[1] - 1 if p[1] else self.gy - 1
        elif direction == 3:
            p[1] = p[1] + 1 if p[1] + 1 < self.gy else 0
        elif direction == 4:
            p[2] = p[2] - 1 if p[2] else self.gz - 1
        else:
            p[2] = p[2] + 1 if p[2] + 1 < self.gz else 0

    cdef bint enclosed(self, int e, int *p) noexcept nogil:
        """Whether all points around are taken."""
        cdef int[3] q
        cdef int d
        for d in range(6):
            q[0], q[1], q[2] = p[0], p[1], p[2]
            self.step_from(q, d)
            if not self.blocked(e, q[0], q[1], q[2]):
                return False
        return True

    cdef void look(self, int32_t w) noexcept nogil:
        """A walker in no cube: it may attach, at once or at a rate; it gets a cube where there is room for one."""
        cdef Walker *of = &self.walker[w]
        cdef int k = of.kind, e = self.grid[k], size
        if of.size == STUCK:
            self.drop(&self.stuck[k], w)
            of.size = HOPPING
            self.add(&self.near[k], w)
        if k < self.elements and self.is_place(e, of.x, of.y, of.z):
            if self.sticky[k]:
                self.attach(w, self.site_at(e, of.x, of.y, of.z))
            else:
                self.make_ready(k, w)
            return
        self.not_ready(k, w)
        size = self.cube_at(e, k < self.elements, of.x, of.y, of.z)
        if size != HOPPING:
            self.unlink(w)
            self.drop(&self.near[k], w)
            self.begin_cube(w, size, self.clock(k, self.now), False)

    cdef void attach(self, int32_t w, int32_t s) noexcept nogil:
        self.attached += 1
        self.remove(w)
        if not self.sink:
            self.occupy(s, self.seed_around(s))

    cdef void settle(self) noexcept nogil:
        """Look at the walkers around what has changed, until nothing changes any more."""
        cdef int64_t i = 0
        cdef int32_t w
        while i < self.waiting and not self.full:
            if i == self.walkers:
                self.forget(i)
                i = 0
            w = self.todo[i]
            i += 1
            self.walker[w].waits = 0
            if self.walker[w].size == GONE:
                continue
            if self.walker[w].size == HOPPING or self.walker[w].size == STUCK:
                self.look(w)
            else:
                self.burst(w)
        # some are left if the lists of sites need room first
        self.forget(i)

    # -- what the lattice tells -------------------------------------------------------------

    cdef void seat(self, int32_t s, int32_t *near, bint seed) noexcept nogil:
        cdef int64_t called = self.waiting
        Grids.seat(self, s, near, seed)
        if self.on_grid:
            if self.opened and self.reached == INFINITY and self.at_border(s, near):
                self.reached = self.now
            self.wake(s, near)
            self.stir(s, True)
            self.in_order(called)

    cdef void unseat(self, int32_t s, int32_t *near) noexcept nogil:
        cdef int64_t called = self.waiting
        Grids.unseat(self, s, near)
        if self.on_grid:
            self.rest_around(s, near)
            self.stir(s, False)
            self.in_order(called)

    cdef void stir(self, int32_t s, bint taken) noexcept nogil:
        """Call the walkers around a site that has changed, and if it was taken those whose small cubes reach there."""
        cdef int[3] p
        cdef int[3] low
        cdef int[3] high
        cdef int f, i, b = self.point_of(s, p)
        for f in range(self.elements):
            for i in range(3):
                low[i], high[i] = p[i] + self.reach[b, f, 0, i], p[i] + self.reach[b, f, 1, i]
            self.call_around(f, low, high, False)
            if taken and self.largest:
                self.call_around(f, low, high, True)
