# Leaps: the reversible exchange of monomers in bulk, everything else drawn event by event or by its number.

cdef double LEAST = 8.0         # events per particle for which a step pays
cdef double OVERHEAD = 8000.0   # and besides
cdef double CROWDED = 2.0       # leaps per particle in a step
cdef int64_t REST = 16          # most windows event by event before leaping is considered again


cdef class Leaper(Exchange):
    """State and loop of one trajectory in leaps; windows event by event, those of ``Kernel``, where they are cheaper."""

    cdef public int64_t resting, failed, leaps, windows
    cdef public double leapt, last         # time covered by leaps; length of the last one [s]
    cdef public bint go, always, stale, stepped
    cdef public double fixed                # length of every step, for tests [s]
    cdef public int64_t wanted              # size that the tables must hold
    cdef int64_t[::1] gone                  # places of the particles that dissolved in the step, and when
    cdef double[::1] gone_time
    cdef public int64_t vanished, kept_number
    cdef double[::1] start_amount

    # -- choosing a step -----------------------------------------------------------------------------

    cdef int stay_exact(self) noexcept nogil:
        cdef int64_t s
        self.windows += 1
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
        if self.coalescing:
            return self.stay_exact()    # pairs of particles know nothing of leaps
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
        if self.size.shape[0] - self.number < 64 + 4 * <int64_t>self.expected_births():
            return ROOM
        if self.step_end > until and not self.go:
            return AHEAD
        self.go = False
        self.take_step()
        return LEAPT

    cdef double expected_births(self) noexcept nogil:
        """In the step, by all laws."""
        if self.nucleation == FROM_CLUSTER:
            return self.extents[self.reactions + self.stickers]
        return self.mean_births

    cdef double longest_step(self, double attach, double detach) noexcept nogil:
        """A step that the particles, the volume, the births and the one before allow."""
        cdef double tau = self.epoch_end - self.now, volume = self.volume_at(self.now), rate = 0.0, c, top = 0.0, low, middle
        cdef double *row
        cdef int64_t j, units
        if self.fixed > 0.0:
            return fmin(self.fixed, tau)
        if self.last > 0.0:
            tau = fmin(tau, 2.0 * self.last)
        if self.flow > 0.0:
            tau = fmin(tau, 0.1 * self.root * self.cold_volume_at(self.now) / self.flow)
        c = fmax(self.amount[0], 0.0) / volume
        if self.nucleation == MEAN_FIELD:
            rate = self.nucleation_rate(c, self.theta(self.now), self.temperature_at(self.now), &units) * volume
        elif self.nucleation == EXPLICIT:
            rate = self.attach_at(1, self.theta(self.now)) * c * c * volume
        elif self.nucleation == FROM_CLUSTER:
            rate = self.nucleus0 * self.count[self.nucleus_species]
        if rate > 0.0:
            tau = fmin(tau, (1.0 + 0.5 * self.tolerance * self.number) / rate)
        for j in range(self.classes):
            row = self.row_of(self.class_size[j])
            if row[GROSS] > 0.0:
                top = fmax(top, fmax(row[REACH], FEW / row[GROSS]))
        if top > 0.0:
            tau = fmin(tau, top)
        if self.walks(tau) <= CROWDED:
            return tau
        low = 0.0
        for j in range(40):
            # the longest step that is not crowded, to five per cent
            middle = 0.5 * (low + tau) if low > 0.0 else 0.5 * tau
            if self.walks(middle) > CROWDED:
                tau = middle
            else:
                low = middle
            if low > 0.95 * tau:
                break
        return low

    cdef bint choose_step(self) noexcept nogil:
        """Fix the step and its expected course; False if it does not pay. Draws nothing, and changes nothing else."""
        cdef double attach, detach, c, tau, reached, gross, volume, least, mean
        cdef int64_t s, tries, again = 0
        if self.number == 0 or self.largest < 8:
            return False
        self.sort_classes()
        self.present_sums(self.theta(self.now), &attach, &detach)
        volume = self.volume_at(self.now)
        c = fmax(self.amount[0], 0.0) / volume
        gross = attach * fmax(c, self.count[0] / volume) + detach
        # windows look at all sizes of the tables, whether they occur or not
        least = (LEAST * self.number + OVERHEAD) / (1.0 + 0.3 * self.largest / fmax(4.0 * self.number, 64.0))
        if self.always:
            least = 0.0
        tau = self.epoch_end - self.now
        if gross <= 0.0 or gross * tau < least:
            return False
        self.sum_sticking(self.theta(self.now))
        self.hold(c, self.theta(self.now))
        tau = self.longest_step(attach, detach)
        for tries in range(12):
            if tau < 1e-13 * self.now or gross * tau < least:
                return False
            self.step_start = self.now
            self.step_end = self.now + tau
            if self.epoch_end - self.step_end < 0.5 * tau and self.fixed == 0.0:
                # two equal steps rather than a long and a short one
                self.step_end = self.now + 0.5 * (self.epoch_end - self.now)
            if self.epoch_end - self.step_end < 1e-9 * tau:
                self.step_end = self.epoch_end
            if self.now + tau >= self.epoch_end * (1.0 - 1e-15):
                self.step_end = self.epoch_end
            tau = self.step_end - self.step_start
            self.cell = tau / CELLS
            self.hold(self.held, self.theta(self.now + 0.5 * tau))
            self.foresee_sums()
            if self.turn > self.tolerance and self.fixed == 0.0:
                tau *= fmax(0.9 * sqrt(self.tolerance / self.turn), 0.2)
                continue
            reached = self.follow_mean()
            if reached < self.step_start:
                return False
            if reached < self.step_end and self.fixed == 0.0:
                tau = 0.95 * (reached - self.step_start)
                continue
            if self.mean_births > 2.0 * (1.0 + 0.5 * self.tolerance * self.number) and self.fixed == 0.0:
                tau *= 0.5
                continue
            if not self.follow_actual():
                return False
            mean = self.area[CELLS] / tau
            if fabs(mean - self.held) > 1e-5 * mean and again < 2:
                again += 1
                # the rates of the particles are to be those of the concentration they meet
                self.hold(mean, self.place)
                continue
            reached = self.turnover()
            if reached > 0.25 and self.fixed == 0.0:
                tau *= fmax(0.2 / reached, 0.1)
                continue
            return gross * tau >= least and self.tables_reach(tau)
        return False

    cdef bint tables_reach(self, double tau) noexcept nogil:
        """Whether the tables hold all sizes that the step can make; else asks for longer ones."""
        cdef int64_t j, n, top = 0
        cdef double *row
        cdef double units = 0.0
        for j in range(self.classes):
            n = self.class_size[j]
            row = self.row_of(n)
            top = max(top, n + <int64_t>(tau * fmax(row[NET], 0.0) + 9.0 * sqrt(tau * row[GROSS])))
        for j in range(self.stickers):
            units = fmax(units, self.sticker_units[j] * (4.0 + 8.0 * self.extents[self.reactions + j] / self.number))
        top += <int64_t>units + 32
        if top < self.largest:
            return True
        self.wanted = top
        self.table_short = True
        return False

    cdef double follow_mean(self) noexcept nogil:
        """The mean field over the step; the time at which it has moved as much as a step may."""
        cdef double reached, allowed = INFINITY
        cdef int64_t s
        for s in range(self.species):
            self.y[s] = self.amount[s]
            self.inflow[s] = self.feed[s]
        if self.fixed == 0.0:
            allowed = self.root * fmax(
                fmax(self.amount[0], 0.0) / self.volume_at(self.step_start), self.flat_at(self.step_start)
            )
        reached = self.follow(MEAN, allowed)
        self.mean_births = self.y[self.species + 2]
        if reached >= self.step_end:
            self.add_fresh()
        for s in range(self.species):
            self.mean_end[s] = self.y[s]
        return reached

    cdef bint follow_actual(self) noexcept nogil:
        """The expectation from the counts, with the extents of all channels."""
        cdef double tau = self.step_end - self.step_start, share, reached
        cdef int64_t s, j, r, i, n = self.species
        for s in range(n):
            self.y[s] = fmax(<double>self.count[s], 0.0)
            self.inflow[s] = 0.0
        for j in range(self.syringes):
            share = self.share_leaving(j)
            for s in range(n):
                self.inflow[s] += share * self.content[j, s] / tau
        reached = self.follow(ACTUAL, INFINITY)
        if reached < self.step_start:
            return False
        for s in range(n):
            self.expected[s] = self.inflow[s] * tau
        for r in range(self.reactions):
            for i in range(self.change_start[r], self.change_start[r + 1]):
                if self.change_amount[i] > 0:
                    self.expected[self.change_species[i]] += self.change_amount[i] * self.y[n + r]
        for i in range(self.reactions + self.stickers + 2):
            self.extents[i] = self.y[n + i]
        self.highest = 0.0
        for i in range(CELLS):
            self.highest = fmax(self.highest, (self.area[i + 1] - self.area[i]) / self.cell)
        return True

    cdef double turnover(self) noexcept nogil:
        """Largest share of a reactant that a step takes in a reaction which may give it back."""
        cdef int64_t r, i, s
        cdef double most = 0.0, there, share, release = 0.0
        for i in range(CELLS):
            release += 0.5 * self.cell * (self.release[i] + self.release[i + 1])
        for r in range(self.reactions):
            if not self.circular[r]:
                continue
            share = 0.0
            for i in range(self.change_start[r], self.change_start[r + 1]):
                if self.change_amount[i] < 0:
                    s = self.change_species[i]
                    there = fmax(<double>self.count[s], 0.0) + self.expected[s] + (release if s == 0 else 0.0)
                    share = fmax(share, -self.change_amount[i] * self.extents[r] / fmax(there, 1.0))
            most = fmax(most, share)
        return most

    # -- taking it -----------------------------------------------------------------------------------

    cdef void take_step(self) noexcept nogil:
        cdef int64_t i, k, n, new, place = 0, change = 0, number = self.number, mismatch, shape
        self.stepped = True
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
        self.inflow, self.hazard, self.hazard0, self.hazard1, self.expected, self.mean_end = (np.zeros(n) for _ in range(6))
        self.extents = np.zeros(channels)
        self.arrived, self.forced, self.rest = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self.stick_capture, self.stick_release = np.zeros(self.stickers), np.zeros(self.stickers)
        self.settled, self.stuck = np.zeros(n, dtype=np.uint8), np.zeros(self.stickers, dtype=np.int64)
        self.keeper = np.zeros(self.reactions, dtype=np.int32)
        self.sequence, self.circular = chemistry["order"], chemistry["circular"]
        self.stamp = 0
        self.traced = -1
        self.trace = np.zeros((0, CELLS + 1), dtype=np.int32)
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
        """Keep (or no longer keep) the sizes within the next step of particles that take several leaps in it."""
        self.trace = np.zeros((self.number if on else 0, CELLS + 1), dtype=np.int32)

    def drifts(self, size):
        """Of particles of these sizes that leap all of the last step: coefficients of the expected change in the share
        of the step that is over, its square and its cube, and the linear part of the variance; else zeros and a one."""
        cdef int64_t i, n
        cdef double h = self.step_end - self.step_start, c = self.area[CELLS] / h - self.held
        cdef double *row
        out = np.zeros((4, len(size)))
        cdef double[:, ::1] part = out
        for i in range(len(size)):
            n = size[i]
            part[3, i] = 1.0
            if n < self.whole_stamp.shape[0] and self.whole_of(n)[1] > 0.0:
                row = self.row_of(n)
                part[0, i] = h * (row[NET] + row[CAPTURE] * c)
                part[1, i] = h * h * row[NET2]
                part[2, i] = h * h * h * row[NET3]
                part[3, i] = 1.0 / (1.0 + h * row[GROSS2] / (row[GROSS] + row[CAPTURE] * c))
        return out

    def last_step(self):
        """What happened in the last step, for a look into it: see ``kmcgrowth.reactor.leap_between``."""
        trace = np.asarray(self.trace)
        walked = np.flatnonzero(trace[:, 0])
        return {
            "capture": np.array([self.capture[i] for i in range(CELLS + 1)]),
            "release": np.array([self.release[i] for i in range(CELLS + 1)]),
            "walked": walked, "trace": trace[walked],
            "start": self.step_start, "end": self.step_end, "kept": self.kept_number,
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

    _own = ("resting", "failed", "leaps", "windows", "leapt", "last", "stale", "first_step")

