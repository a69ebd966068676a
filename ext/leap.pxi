# Leaps: the reversible exchange of monomers in bulk, everything else drawn event by event or by its number.

cdef int64_t REST = 16          # most windows event by event before leaping is considered again


cdef class Leaper(Choice):
    """State and loop of one trajectory in leaps; windows event by event, those of ``Kernel``, where they are cheaper."""

    cdef public int64_t resting, failed, leaps, windows
    cdef public double leapt               # time covered by leaps [s]
    cdef public bint stale

    # -- choosing a step -----------------------------------------------------------------------------

    cdef int stay_exact(self) noexcept nogil:
        cdef int64_t s
        if self.coalescing and self.paired < self.now:
            self.join_pairs(self.now)
            if self.table_short:
                return TABLE
        self.windows += 1
        self.single, self.halfway = True, False
        if self.stale:
            # leaps keep neither the order of the particles nor the clocks of the syringes
            self.since_banding = -1
            for s in range(self.syringes):
                self.schedule_drop(s, self.now)
            self.stale = False
            self.length = 0.25 * self.last
        return EVENTS

    cdef int leap(self, double until) noexcept nogil:
        if self.single:
            self.paired = fmax(self.paired, self.now)
        if self.resting > 0 and not self.always:
            self.resting -= 1
            return self.stay_exact()
        if not self.choose_step(until):
            if self.table_short:
                return TABLE
            # the longer it has not paid the later the next look
            self.failed = min(2 * self.failed + 1, REST)
            self.resting = self.failed
            return self.stay_exact()
        if self.coalescing and not self.halfway:
            self.halfway = True
            self.join_pairs(0.5 * (self.step_start + self.step_end))
            if self.table_short:
                return TABLE
            if not self.choose_step(until):
                return TABLE if self.table_short else self.stay_exact()
        if self.size.shape[0] - self.number < 64 + 4 * <int64_t>self.expected_births():
            return ROOM
        self.take_step()
        return LEAPT

    # -- taking it -----------------------------------------------------------------------------------

    cdef void take_step(self) noexcept nogil:
        cdef int64_t i, k, n, new, place = 0, change = 0, number = self.number, mismatch, kept
        self.single, self.halfway = False, False
        self.since_banding = -1
        self.stale = True
        self.draw_births()
        self.exchange()
        self.stick_some(True)
        # particles keep their order, those that dissolve leave it
        for i in range(number):
            n = self.size[i]
            change -= n
            new = self.particle(n)
            if new < 2:
                self.dissolved[self.origin[i]] += 1
                continue
            change += new
            self.scratch_size[place] = <int32_t>n
            self.size[place] = <int32_t>new
            self.origin[place] = self.origin[i]
            place += 1
        self.number = place
        for k in range(self.births):
            self.born += 1
            self.window_events += 1
            change -= self.birth_units[k]
            new = self.walk(self.birth_units[k], self.birth_time[k], self.step_end)
            if new < 2:
                self.dissolved[1] += 1
                continue
            change += new
            self.scratch_size[self.number] = <int32_t>self.birth_units[k]
            self.size[self.number] = <int32_t>new
            self.origin[self.number] = 1
            self.number += 1
        self.stick_some(False)
        # what the particles drew for themselves, and what the pool has
        mismatch = self.captured - self.released - change
        kept = self.kept_by_pool(mismatch)
        self.captured -= kept
        self.rest[0] += kept + self.spread(mismatch - kept)
        self.attached += self.captured
        self.detached += self.released
        for i in range(self.species):
            self.count[i] = self.rest[i]
            self.amount[i] = self.mean_end[i]
        self.largest_debt = max(self.largest_debt, -self.count[0])
        for i in range(self.number):
            if self.size[i] >= self.largest:
                self.table_short = True
        self.last = self.step_end - self.step_start
        self.leapt += self.last
        self.leaps += 1
        self.failed = 0
        self.first_step = self.found_step
        self.segment += 1
        self.now = self.step_end
        self.length = self.last
        self.spent += 2 * number + 4000

    cdef void stick_some(self, bint before) noexcept nogil:
        """Half of the clusters stick before the particles leap and half after."""
        cdef int64_t s, k, p, n, now
        cdef double top
        for s in range(self.stickers):
            now = self.binomial(self.stuck[s], 0.5) if before else self.stuck[s]
            self.stuck[s] -= now
            top = self.stick_high[s]
            k = 0
            while k < now and self.number > 0 and top > 0.0:
                p = <int64_t>(self.uniform() * self.number)
                n = min(<int64_t>self.size[p], self.largest)
                if self.uniform() * top < self.stick0[s, n] + self.place * (self.stick1[s, n] - self.stick0[s, n]):
                    self.size[p] += <int32_t>self.sticker_units[s]
                    self.tally[self.reactions + s] += 1
                    self.window_events += 1
                    k += 1
            self.rest[self.sticker_species[s]] += now - k

    cdef int64_t kept_by_pool(self, int64_t mismatch) noexcept nogil:
        """What the pool takes of the difference between its own books and what the particles drew.

        A pool that its molecules pass through many times in a step settles what the particles have gained; one that
        they hardly touch is what the particles leave it. In between the share w with which the noise of the linear
        exchange stays what it is solves (1 - w)^2 v + w^2 u = v, v the variance by the books and u that of particles
        by themselves, so that both share what the particles know better: their noise and mean to second order.
        """
        cdef double stays = exp(-self.hazard[0]), books, own, share
        cdef int64_t kept
        own = <double>(self.captured + self.released)
        books = fmax(<double>self.count[0], 0.0) * stays * (1.0 - stays) + self.released * self.late[0]
        if not own > 0.0 or not books > 0.0:
            return 0
        share = fmin(2.0 * books / (books + own), 1.0)
        kept = <int64_t>floor(share * mismatch + self.uniform())
        return min(max(kept, -max(self.rest[0], 0)), self.captured)

    cdef inline bint may_lose(self, int64_t i) noexcept nogil:
        """Whether a unit can be taken off particle i: where nothing detaches only what it gained in the step."""
        return self.size[i] > (2 if self.released > 0 else max(<int64_t>self.scratch_size[i], 2))

    cdef int64_t spread(self, int64_t units) noexcept nogil:
        """Hand ``units`` to the particles (take them if negative) in proportion to their capture; what finds no place."""
        cdef double total, spacing, mark, sum
        cdef int64_t i, tries, sign = 1 if units > 0 else -1
        for tries in range(4):
            if units == 0 or self.number == 0:
                break
            total = 0.0
            for i in range(self.number):
                if sign > 0 or self.may_lose(i):
                    total += self.attach_at(min(<int64_t>self.size[i], self.largest), self.place)
            if not total > 0.0:
                break
            spacing = total / <double>(sign * units)
            mark = self.uniform() * spacing
            sum = 0.0
            for i in range(self.number):
                if sign > 0 or self.may_lose(i):
                    sum += self.attach_at(min(<int64_t>self.size[i], self.largest), self.place)
                while mark < sum and units != 0:
                    mark += spacing
                    if sign > 0 or self.may_lose(i):
                        self.size[i] += <int32_t>sign
                        units -= sign
        return units

    # -- face to Python --------------------------------------------------------------------------------

    def __init__(self, bit_generator, sizes, chemistry, *, unit_volume, window, slack, tolerance):
        super().__init__(bit_generator, sizes, chemistry, unit_volume=unit_volume, window=window, slack=slack)
        n, channels = self.species, self.reactions + self.stickers + 2
        self.tolerance, self.root = tolerance, tolerance**0.5
        size = n + max(4, channels)
        self.y, self.trial, self.slope, self.drift = (np.zeros(size) for _ in range(4))
        self.stage, self.jacobian = np.zeros((STAGES, size)), np.zeros((size, size))
        self.inflow, self.hazard, self.hazard0, self.hazard1, self.expected, self.mean_end, self.late = (
            np.zeros(n) for _ in range(7)
        )
        self.extents = np.zeros(channels)
        self.arrived, self.forced, self.rest, self.back = (np.zeros(n, dtype=np.int64) for _ in range(4))
        self.stick_capture, self.stick_release, self.stick_slope, self.stick_gain = (
            np.zeros(self.stickers) for _ in range(4)
        )
        self.settled, self.stuck = np.zeros(n, dtype=np.uint8), np.zeros(self.stickers, dtype=np.int64)
        self.keeper = np.zeros(self.reactions, dtype=np.int32)
        self.sequence, self.circular = chemistry["order"], chemistry["circular"]
        self.curved, self.delicate, self.rate0 = chemistry["curved"], chemistry["delicate"], np.zeros(self.reactions)
        self.stamp = 0
        self.single = True
        self.kept.has_binomial = 0
        self._make_places()

    def take_particles(self, size, origin):
        super().take_particles(size, origin)
        self._make_places()

    def make_room(self):
        super().make_room()
        self._make_places()

    def _make_places(self):
        room = self.size.shape[0]
        self.birth_time, self.birth_units = np.zeros(room), np.zeros(room, dtype=np.int64)
        self.class_size, self.class_number = (np.zeros(max(room, self.largest + 1), dtype=np.int32) for _ in range(2))

    def set_tables(self, attach0, detach0, attach1, detach1, stick0, stick1, ramp, *, smooth):
        """As for ``Kernel``; ``smooth`` is the distance of every size to the nearest one whose rates are not smooth."""
        grown = len(attach0) - 1 != self.largest
        super().set_tables(attach0, detach0, attach1, detach1, stick0, stick1, ramp)
        if grown:
            rows = min(self.largest + 1, TABULATED)
            self.row, self.whole = np.zeros(ROW * rows), np.zeros(WHOLE_STEP * rows)
            self.row_stamp, self.whole_stamp = (np.full(rows, -1, dtype=np.int64) for _ in range(2))
            self._make_places()
        self.smooth = smooth
        self.stamp += 1

    def interrupt(self, double t):
        super().interrupt(t)
        self.stale = True

    def last_births(self):
        """Times of birth in the last step [s]."""
        return np.asarray(self.birth_time)[: self.births].copy()

    def state(self):
        out = super().state()
        out["leap"] = {name: getattr(self, name) for name in self._own}
        return out

    def restore(self, state):
        super().restore(state)
        for name, value in state["leap"].items():
            setattr(self, name, value)

    _own = ("resting", "failed", "leaps", "windows", "leapt", "last", "stale", "first_step", "paired", "single",
            "halfway")

