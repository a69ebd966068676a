# The loop over windows, segments and events, and the kernel's face to Python.

cdef class Kernel(MeanField):
    """State and loop of one trajectory. ``kmcgrowth.reactor.exact`` drives it from epoch to epoch."""

    cdef public double now

    # -- windows -----------------------------------------------------------------------------

    cdef void open_window(self) noexcept nogil:
        cdef double latest = self.epoch_end, rate, volume = self.volume_at(self.now), c, births
        cdef int64_t units, s
        self.window_start = self.now
        self.born_in_window = 0
        self.spent += self.number + self.largest
        for s in range(self.species):
            self.first_amount[s] = self.amount[s]
        self.volume_floor = volume
        self.count_sizes()
        self.sum_rates(self.theta(self.now))
        c = fmax(fmax(self.amount[0], <double>self.count[0]), 0.0) / volume
        rate = self.attach_sum * c + self.detach_sum
        if rate > 0.0:
            latest = fmin(latest, self.now + fmax(4.0 * self.number, 64.0) / rate)
        if self.flow > 0.0:
            latest = fmin(latest, self.now + 0.005 * self.cold_volume_at(self.now) / self.flow)
        if self.nucleation == MEAN_FIELD and rate > 0.0:
            # while particles are born the sums change fast, and births follow c steeply
            c = fmax(self.amount[0], 0.0) / volume
            births = self.nucleation_rate(c, self.theta(self.now), self.temperature_at(self.now), &units) * volume
            if births * (latest - self.now) > 0.002 * self.number:
                latest = fmin(latest, self.now + fmax(0.25 * self.number, 16.0) / rate)
        # straight lines that lengthen slowly come to rest where the field does
        latest = fmin(latest, self.now + fmax(3.0 * self.length, 1e-6))
        # at extreme rates at least a time that the clock can tell
        latest = fmin(fmax(latest, self.now * (1.0 + 1e-15)), self.epoch_end)
        self.mean0 = fmax(self.amount[0], 0.0) / volume
        self.window_end = self.follow_field(self.now, latest, False)
        self.length = self.window_end - self.now
        if self.epoch_end - self.window_end < 1e-9 * (self.window_end - self.window_start):
            self.window_end = self.epoch_end
        self.mean1 = fmax(self.amount[0], 0.0) / self.volume_at(self.window_end)
        self.volume_bounds(self.window_start, self.window_end, &self.volume_floor, &self.volume_roof)
        if self.nucleation == MEAN_FIELD:
            self.nucleation_top = 1.02 * self.volume_roof * fmax(
                self.nucleation_rate(self.mean0, self.theta(self.window_start), self.temperature_at(self.window_start), &units),
                self.nucleation_rate(self.mean1, self.theta(self.window_end), self.temperature_at(self.window_end), &units),
            )
        if self.since_banding < 0 or self.since_banding > max(16 * self.number, 40000):
            self.lay_out_bands()
        self.place_in_ramp(self.window_start, self.window_end)
        self.refresh()
        self.in_window = True

    cdef void refresh(self) noexcept nogil:
        """New ceilings and majorants, and by the lack of memory new candidate times of the channels."""
        self.set_ceilings()
        self.set_majorants()
        self.schedule_reaction(self.now)

    # -- segments ----------------------------------------------------------------------------

    cdef void open_segment(self) noexcept nogil:
        cdef double end = fmin(self.window_end, self.next_reaction), mean
        cdef int64_t s
        if not self.ceilings_fit():
            self.widen(1.1)
            self.refresh()
            end = fmin(self.window_end, self.next_reaction)
        for s in range(self.syringes):
            end = fmin(end, self.next_drop[s])
        mean = self.allowed_weight * (end - self.now) if self.allowed_weight > 0.0 else 0.0
        if mean > TYPICAL:
            end = self.now + TYPICAL / self.allowed_weight
            mean = TYPICAL
        self.segment_start = self.now
        self.segment_end = end
        self.candidates = random_poisson(self.generator, mean) if mean > 0.0 else 0
        self.segment += 1
        self.timed = False
        self.overflow = False
        self.done = 0
        if self.flow != 0.0 or (self.ramp and self.expansion != 0.0):
            self.volume_bounds(self.segment_start, self.segment_end, &self.volume_low, &self.volume_high)
        else:
            self.volume_low = self.volume_at(self.now)
            self.volume_high = self.volume_low
        self.set_segment_shares()
        self.in_segment = True

    cdef void close_segment(self, double t) noexcept nogil:
        self.since_banding += self.done
        self.spent += self.done + 16
        self.in_segment = False
        self.now = t

    cdef void fire(self) noexcept nogil:
        """What is due at the end of a segment."""
        cdef int64_t s
        for s in range(self.syringes):
            if self.next_drop[s] <= self.now:
                self.drop(s)
                self.window_events += 1
                self.schedule_drop(s, self.now)
                if self.ceilings_fit():
                    self.set_majorants()
                    self.schedule_reaction(self.now)
                else:
                    self.widen(1.1)
                    self.refresh()
                return
        if self.next_reaction <= self.now:
            if self.react(self.now):
                self.window_events += 1
                if self.born_in_window > 1 + self.number // 200:
                    # the particles that the mean field knows are no longer those there are
                    self.leave_window(self.now)
                    return
                if not self.ceilings_fit():
                    self.widen(1.1)
                    self.refresh()
                    return
                self.set_majorants()
            self.schedule_reaction(self.now)
            return
        if self.now >= self.window_end:
            self.in_window = False

    cdef int leap(self, double until) noexcept nogil:
        """Take a step in bulk instead of a window: LEAPT, EVENTS for a window, or why to pause."""
        return EVENTS

    cdef int proceed(self, double until, int64_t budget) noexcept nogil:
        cdef int64_t stop
        self.spent = 0
        while True:
            if self.table_short:
                return TABLE
            if not self.in_segment and self.now >= until:
                return REACHED
            if not self.in_window:
                if self.now >= self.epoch_end:
                    return EPOCH
                if self.size.shape[0] - self.number < 64:
                    return ROOM
                stop = self.leap(until)
                if stop == LEAPT:
                    if self.spent > budget and self.now < until:
                        return BUDGET
                    continue
                if stop != EVENTS:
                    return stop
                self.open_window()
            if not self.in_segment:
                if self.spent > budget:
                    return BUDGET
                if self.size.shape[0] - self.number < 2:
                    return ROOM
                self.open_segment()
            stop = self.candidates
            if until <= self.segment_end:
                self.draw_times()
                stop = self.done
                while stop < self.candidates and self.instant[stop] <= until:
                    stop += 1
            if stop > self.done:
                self.run_candidates(stop)
            if self.overflow:
                self.draw_times()
                if self.ceiling_monomers > 0:
                    self.widen(1.3)
                self.close_segment(self.instant[self.done - 1])
                if not self.table_short:
                    self.refresh()
                continue
            if until <= self.segment_end:
                return REACHED
            self.slack = fmax(self.slack * 0.9998, 4.0)
            self.close_segment(self.segment_end)
            self.fire()

    # -- face to Python ------------------------------------------------------------------------

    def __init__(self, bit_generator, sizes, chemistry, *, unit_volume, window, slack):
        """``chemistry`` is the dict of arrays made by ``kmcgrowth.reactor.exact``."""
        super().__init__(bit_generator)
        self.take_particles(np.asarray(sizes, dtype=np.int32), np.zeros(len(sizes), dtype=np.uint8))
        self.dissolved = np.zeros(2, dtype=np.int64)
        for name in ("species", "reactions", "stickers", "syringes", "nucleation", "nucleus_species", "nucleus_units",
                     "coalescing", "brownian", "coalescence_limit"):
            setattr(self, name, chemistry[name])
        self.count = chemistry["count"]
        self.reactant, self.consumed = chemistry["reactant"], chemistry["consumed"]
        self.power, self.falling = chemistry["power"], chemistry["falling"]
        self.reactants, self.total_order = chemistry["reactants"], chemistry["total_order"]
        self.change_start, self.change_species = chemistry["change_start"], chemistry["change_species"]
        self.change_amount, self.thinned = chemistry["change_amount"], chemistry["thinned"]
        self.sticker_species, self.sticker_units = chemistry["sticker_species"], chemistry["sticker_units"]
        self.content, self.molecules = chemistry["content"], np.sum(chemistry["content"], axis=1)
        self.power_law, self.exponent = chemistry["power_law"], chemistry["exponent"]
        channels, n = self.reactions + self.stickers + 2, self.species
        self.majorant, self.tally = np.zeros(channels), np.zeros(channels, dtype=np.int64)
        self.unknowns = n
        self.push, self.left, self.next_drop = (np.zeros(self.syringes) for _ in range(3))
        self.amount = np.maximum(chemistry["count"], 0).astype(float)
        self.trial, self.slope, self.drift, self.feed, self.first_amount = (np.zeros(n) for _ in range(5))
        self.stage, self.jacobian = np.zeros((STAGES, n)), np.zeros((n, n))
        self.stick_sum = np.zeros(self.stickers)
        self.volume_floor = 1.0
        self.constant0 = self.constant1 = self.constant_top = self.constant_slope = np.zeros(self.reactions)
        self.simple = chemistry["simple"]
        self.unit_volume, self.window, self.slack = unit_volume, window, slack
        self.since_banding = -1
        self.largest = 0

    def take_particles(self, size, origin):
        """Replace all particles (any order); bands are laid out anew at the next window."""
        room = max(1024, int(1.25 * len(size)) + 128)
        self.number = len(size)
        self.size, self.scratch_size = np.zeros(room, dtype=np.int32), np.zeros(room, dtype=np.int32)
        self.origin, self.scratch_origin = np.zeros(room, dtype=np.uint8), np.zeros(room, dtype=np.uint8)
        np.asarray(self.size)[: len(size)] = size
        np.asarray(self.origin)[: len(size)] = origin
        self.since_banding = -1

    def make_room(self):
        """Twice the places, with the partition as it is."""
        for name in ("size", "scratch_size", "origin", "scratch_origin"):
            self._grow(name)

    def _grow(self, name):
        old = {"size": self.size, "scratch_size": self.scratch_size,
               "origin": self.origin, "scratch_origin": self.scratch_origin}[name]
        new = np.zeros(2 * old.shape[0], dtype=np.asarray(old).dtype)
        new[: old.shape[0]] = old
        if name == "size":
            self.size = new
        elif name == "scratch_size":
            self.scratch_size = new
        elif name == "origin":
            self.origin = new
        else:
            self.scratch_origin = new

    def set_tables(self, attach0, detach0, attach1, detach1, stick0, stick1, ramp):
        """Rate tables at the ends of the epoch; also in mid-window when a particle outgrew the old ones."""
        cdef int64_t n = len(attach0) - 1
        grown = n != self.largest
        self.largest, self.ramp, self.table_short = n, ramp, False
        self.attach0, self.attach1, self.detach0, self.detach1 = attach0, attach1, detach0, detach1
        self.stick0, self.stick1 = stick0, stick1
        self.stick_high = np.maximum(stick0, stick1).max(axis=1, initial=0.0)
        self.attach_swing = _swing(attach0, attach1)
        self.detach_swing = _swing(detach0, detach1)
        if grown:
            self.share = np.zeros(3 * n + 3, dtype=np.uint64)
            self.counter = np.zeros(4 * (n + 1), dtype=np.int32)
            self.histogram, self.lookup = np.zeros(n + 1, dtype=np.int64), np.zeros(n + 1, dtype=np.uint8)
            self.edge[self.bands] = n
            self.measure_bands()
        if self.since_banding >= 0:
            self.read_tops()
        if self.in_window:
            self.place_in_ramp(self.window_start, self.window_end)
            self.refresh()

    def set_epoch(self, start, end, temperature0, temperature1, cold_volume, flow, expansion, constants, law,
                  nucleus, push, left, feed, coalescence):
        """What is known of the coming epoch; call after ``set_tables``."""
        cdef int64_t s
        self.epoch_start, self.epoch_end = start, end
        self.temperature0, self.temperature1 = temperature0, temperature1
        self.cold_volume, self.flow, self.expansion = cold_volume, flow, expansion
        self.constant0, self.constant1 = constants
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(constants[0] == constants[1], 0.0, np.log(constants[1] / constants[0]))
        self.constant_slope = np.where(np.isfinite(slope), slope, 0.0)
        self.constant_top = np.maximum(*constants) * (1.0 + (1e-12 if self.ramp else 0.0))
        self.law0, self.law1 = law
        self.nucleus0, self.nucleus1 = nucleus
        self.push, self.left, self.feed = push, left, feed
        self.coalescence0, self.coalescence1 = coalescence
        self.now = start
        for s in range(self.syringes):
            self.schedule_drop(s, start)

    def reset_mean_field(self):
        """Mean-field amounts equal to the counts, as at the start and after a shot."""
        np.asarray(self.amount)[:] = np.maximum(np.asarray(self.count), 0)

    def run(self, double until, int64_t budget):
        """Go on until ``until``, the end of the epoch, or about ``budget`` candidates; says which (``Pause``)."""
        cdef int why
        with nogil:
            why = self.proceed(until, budget)
        return why

    def interrupt(self, double t):
        """Drop the open window and segment at time t; by the lack of memory nothing is lost."""
        if self.in_window:
            self.leave_window(t)
        self.in_segment = False
        self.now = t

    def mean_concentration(self, double t):
        """Mean-field concentration at t [1/m^3]."""
        if self.in_window and self.window_end > self.window_start:
            return self.mean_at(t)
        return self.amount[0] / self.volume_at(t)

    def particle_bytes(self):
        """Bytes held by the particle arrays."""
        return 10 * self.size.shape[0]

    def volume(self, double t):
        return self.volume_at(t)

    def arrays(self):
        """Live views: sizes, origins, counts, syringe contents, tallies, dissolved, mean-field amounts."""
        return {
            "size": np.asarray(self.size)[: self.number], "origin": np.asarray(self.origin)[: self.number],
            "count": np.asarray(self.count), "content": np.asarray(self.content), "tally": np.asarray(self.tally),
            "dissolved": np.asarray(self.dissolved), "amount": np.asarray(self.amount),
            "molecules": np.asarray(self.molecules),
        }

    @property
    def events(self):
        """Accepted events since the start."""
        return self.attached + self.detached + self.window_events

    _scalars = (
        "position", "segment", "key", "candidates", "segment_start", "segment_end", "number", "bands",
        "total_weight", "allowed_weight", "ceiling_monomers", "slack", "in_segment", "overflow", "table_short", "done",
        "volume_low", "volume_high", "slots", "share_low", "share_high", "volume_floor", "volume_roof", "attached", "detached",
        "since_banding", "largest_debt", "total_majorant", "next_reaction", "listed", "born", "window_events", "capped",
        "born_in_window", "tiny", "window_start", "window_end", "mean0", "mean1", "nucleation_top", "attach_sum",
        "detach_sum", "step", "length",
        "now", "in_window",
    )
    _vectors = (
        "size", "origin", "count", "dissolved", "majorant", "tally", "next_drop", "content", "molecules", "amount", "first_amount",
        "stick_sum",
    )

    def _vector(self, name):
        return np.asarray({
            "size": self.size, "origin": self.origin, "count": self.count,
            "dissolved": self.dissolved, "majorant": self.majorant, "tally": self.tally, "next_drop": self.next_drop,
            "content": self.content, "molecules": self.molecules, "amount": self.amount, "first_amount": self.first_amount,
            "stick_sum": self.stick_sum,
        }[name])

    def state(self):
        """Everything that is not given by the epoch: plain numbers and copies of arrays."""
        cdef int64_t i, b
        out = {name: getattr(self, name) for name in self._scalars}
        out.update({name: self._vector(name).copy() for name in self._vectors})
        out["buffer"] = np.array([self.buffer[i] for i in range(BUFFER)], dtype=np.uint64)
        out["edge"] = np.array([self.edge[b] for b in range(BANDS + 1)])
        out["start"] = np.array([self.start[b] for b in range(BANDS + 1)])
        out["order"] = np.array([self.order[b] for b in range(BANDS)])
        out["tops"] = np.array([
            (self.attach_top[b], self.detach_top[b], self.ceiling[b], self.inverse[b], self.weight[b])
            for b in range(BANDS)
        ])
        return out

    def restore(self, state):
        """Take back a ``state``; the tables and the epoch must have been set before."""
        cdef int64_t i
        for name in self._scalars:
            setattr(self, name, state[name])
        while self.size.shape[0] < len(state["size"]):
            self.make_room()
        for name in self._vectors:
            given = np.asarray(state[name])
            self._vector(name)[: len(given)] = given
        for i in range(BUFFER):
            self.buffer[i] = state["buffer"][i]
        for i in range(BANDS + 1):
            self.edge[i], self.start[i] = state["edge"][i], state["start"][i]
        for i in range(BANDS):
            self.order[i] = state["order"][i]
            (self.attach_top[i], self.detach_top[i], self.ceiling[i], self.inverse[i],
             self.weight[i]) = state["tops"][i]
        self.timed = False
        self.measure_bands()
        self.place_in_ramp(self.window_start, self.window_end)
        for i in range(self.bands):
            self.shared[i] = False
            if self.weight[i] > 0.0:
                self.set_shares(i)

    def verify(self):
        """Check the partition against its definition; raises AssertionError. For tests and debugging."""
        cdef int64_t b
        size = self._vector("size")
        assert self.start[0] == 0 and self.start[self.bands] == self.number
        for b in range(self.bands):
            held = size[self.start[b]: self.start[b + 1]]
            assert np.all((held >= self.edge[b]) & (held < self.edge[b + 1])), f"band {b} holds a size that is not its own"
            assert self.weight[b] == (self.start[b + 1] - self.start[b]) * self.ceiling[b]
        assert self.number == 0 or size[: self.number].min() >= 2
        assert np.all(self._vector("content") >= 0) and np.all(self._vector("count")[1:] >= 0)


def _swing(a, b):
    """Largest change between two tables relative to the smaller entry."""
    least = np.minimum(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        swing = np.where(a == b, 0.0, np.abs(a - b) / least)
    return float(swing.max(initial=0.0))
