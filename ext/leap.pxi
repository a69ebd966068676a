# Leaps: the reversible exchange of monomers in bulk, everything else drawn event by event or by its number.

cdef int64_t REST = 16          # most windows event by event before leaping is considered again


cdef class Leaper(Choice):
    """State and loop of one trajectory in leaps; windows event by event, those of ``Kernel``, where they are cheaper."""

    cdef public int64_t resting, failed, leaps, windows
    cdef public double leapt               # time covered by leaps [s]
    cdef public bint go, stale, stepped
    cdef int64_t[::1] gone                  # places of the particles that dissolved in the step, and when
    cdef double[::1] gone_time
    cdef public int64_t vanished, kept_number
    cdef double[::1] start_amount

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
        self.stepped = False
        if self.single:
            self.paired = fmax(self.paired, self.now)
        if self.resting > 0 and not self.always:
            self.resting -= 1
            return self.stay_exact()
        if not self.choose_step():
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
            if not self.choose_step():
                return TABLE if self.table_short else self.stay_exact()
        if self.size.shape[0] - self.number < 64 + 4 * <int64_t>self.expected_births():
            return ROOM
        if self.step_end > until and not self.go:
            return AHEAD
        self.go = False
        self.take_step()
        return LEAPT

    # -- taking it -----------------------------------------------------------------------------------

    cdef void take_step(self) noexcept nogil:
        cdef int64_t i, k, n, new, place = 0, change = 0, number = self.number, mismatch, shape
        self.stepped = True
        self.single, self.halfway = False, False
        self.since_banding = -1
        self.stale = True
        self.draw_births()
        self.exchange()
        self.stick_some(True)
        # particles keep their order, those that dissolve leave it
        self.vanished = 0
        for i in range(number):
            n = self.size[i]
            change -= n
            new = self.particle(n, i)
            if new < 2:
                self.dissolved[self.origin[i]] += 1
                self.gone[self.vanished] = i
                self.gone_time[self.vanished] = self.over
                self.vanished += 1
                continue
            change += new
            self.size[place] = <int32_t>new
            self.origin[place] = self.origin[i]
            place += 1
        self.number = place
        self.kept_number = place
        for k in range(self.births):
            self.born += 1
            self.window_events += 1
            change -= self.birth_units[k]
            new = self.walk(self.birth_units[k], self.birth_time[k], self.step_end)
            if new < 2:
                self.dissolved[1] += 1
                self.birth_over[k] = self.over
                continue
            change += new
            self.size[self.number] = <int32_t>new
            self.origin[self.number] = 1
            self.number += 1
        self.stick_some(False)
        # what the particles drew for themselves, and what the pool has
        mismatch = self.captured - self.released - change
        self.rest[0] += self.spread(mismatch)
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

    cdef int64_t spread(self, int64_t units) noexcept nogil:
        """Hand ``units`` to the particles (take them if negative) in proportion to their capture; what finds no place."""
        cdef double total, spacing, mark, sum
        cdef int64_t i, tries, sign = 1 if units > 0 else -1
        for tries in range(4):
            if units == 0 or self.number == 0:
                break
            total = 0.0
            for i in range(self.number):
                if sign > 0 or self.size[i] > 2:
                    total += self.attach_at(min(<int64_t>self.size[i], self.largest), self.place)
            if not total > 0.0:
                break
            spacing = total / <double>(sign * units)
            mark = self.uniform() * spacing
            sum = 0.0
            for i in range(self.number):
                if sign > 0 or self.size[i] > 2:
                    sum += self.attach_at(min(<int64_t>self.size[i], self.largest), self.place)
                while mark < sum and units != 0:
                    mark += spacing
                    if sign > 0 or self.size[i] > 2:
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
        self.stick_capture, self.stick_release = np.zeros(self.stickers), np.zeros(self.stickers)
        self.settled, self.stuck = np.zeros(n, dtype=np.uint8), np.zeros(self.stickers, dtype=np.int64)
        self.keeper = np.zeros(self.reactions, dtype=np.int32)
        self.sequence, self.circular = chemistry["order"], chemistry["circular"]
        self.stamp = 0
        self.single = True
        self.traced = -1
        self.trace = np.zeros((0, CELLS + 1), dtype=np.int32)
        self.course = np.zeros((0, self.reactions + self.stickers))
        self.rate0, self.rate1, self.extent0 = np.zeros(size), np.zeros(size), np.zeros(channels)
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
        self.birth_time, self.birth_over, self.gone_time = (np.zeros(room) for _ in range(3))
        self.birth_units = np.zeros(room, dtype=np.int64)
        self.gone = np.zeros(room, dtype=np.int64)
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

    @property
    def concentration(self):
        """Mean concentration in the last step [1/m^3]."""
        return self.area[CELLS] / (self.step_end - self.step_start)

    def follow_particles(self, bint on):
        """Keep (or no longer keep) what happens within the next step: sizes of particles that take several leaps, extents."""
        self.trace = np.zeros((self.number if on else 0, CELLS + 1), dtype=np.int32)
        self.course = np.zeros((CELLS + 1 if on else 0, self.reactions + self.stickers))

    def drifts(self, size):
        """Of particles of these sizes that leap all of the last step at once: coefficients of the expected change in the share
        of the step that is over, its square and its cube, and in the excess of the concentration; the square and cubic
        parts of the variance over the linear one. Else zeros."""
        cdef int64_t i, n
        cdef double h = self.step_end - self.step_start, c = self.area[CELLS] / h - self.held
        cdef double *row
        out = np.zeros((6, len(size)))
        cdef double[:, ::1] part = out
        for i in range(len(size)):
            n = size[i]
            row = self.row_of(n)
            if row[ROUGH] >= h and h * row[GROSS] >= FEW:
                part[0, i] = h * row[NET]
                part[1, i] = h * h * row[NET2]
                part[2, i] = h * h * h * row[NET3]
                part[3, i] = row[CAPTURE]
                part[4, i] = h * row[GROSS2] / (row[GROSS] + row[CAPTURE] * c)
                part[5, i] = h * h * row[GROSS3] / (row[GROSS] + row[CAPTURE] * c)
        return out

    def last_step(self):
        """What happened in the last step, for a look into it: see ``kmcgrowth.reactor.leap_between``."""
        trace = np.asarray(self.trace)
        walked = np.flatnonzero(trace[:, 0])
        return {
            "capture": np.array([self.capture[i] for i in range(CELLS + 1)]),
            "release": np.array([self.release[i] for i in range(CELLS + 1)]),
            "excess": np.array([self.area[i] - self.held * self.cell * i for i in range(CELLS + 1)]),
            "course": np.asarray(self.course).copy(), "walked": walked, "trace": trace[walked],
            "start": self.step_start, "end": self.step_end, "kept": self.kept_number,
            "released": self.released,
            "gone": np.asarray(self.gone)[: self.vanished].copy(),
            "gone_time": np.asarray(self.gone_time)[: self.vanished].copy(),
            "birth_over": np.asarray(self.birth_over)[: self.births].copy(),
            "birth_time": np.asarray(self.birth_time)[: self.births].copy(),
            "birth_units": np.asarray(self.birth_units)[: self.births].copy(),
            "mean_time": np.array([self.node_time[i] for i in range(self.nodes)]),
            "mean": np.array([self.node_mean[i] for i in range(self.nodes)]),
        }

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

