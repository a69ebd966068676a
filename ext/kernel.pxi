# The kernel's face to Python.

cdef class Kernel(Loop):
    """One trajectory. ``kmcgrowth.reactor.exact`` drives it from epoch to epoch."""

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

    def count_particles(self, int64_t low, int64_t[:, ::1] both):
        """Count the particles, none of them smaller than ``low`` or too large, into ``both`` (size - low, origin)."""
        with nogil:
            self.count_by_origin(low, both)

    cdef void count_by_origin(self, int64_t low, int64_t[:, ::1] both) noexcept nogil:
        cdef int64_t i
        for i in range(self.number):
            both[self.size[i] - low, self.origin[i]] += 1

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
        "now", "in_window", "peopled",
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
