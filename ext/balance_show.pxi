# The state between the ends of a step, and what a run needs to go on.


cdef class Balance(Stepper):
    def bend(self):
        """Work out the continuous extension of the last step, which the next one would overwrite."""
        cdef int64_t j, o
        if self.bends_done:
            return
        self.bend_small[...] = 0.0
        self.bend_number[...] = 0.0
        for j in range(STAGES - 1):
            self.add(&self.bend_small[0, 0], DENSE2[j], &self.stage_small[j, 0], 0, self.size)
            self.add(&self.bend_small[1, 0], DENSE3[j], &self.stage_small[j, 0], 0, self.size)
            for o in range(1 + self.births_on):
                self.add(&self.bend_number[0, o, 0], DENSE2[j], &self.stage_number[j, o, 0], self.step_low,
                         self.step_high)
                self.add(&self.bend_number[1, o, 0], DENSE3[j], &self.stage_number[j, o, 0], self.step_low,
                         self.step_high)
        self.bends_done = True

    def between_ends(self, double t):
        """Amounts and sums, particles, and events at t within the last step."""
        y1, p1 = np.array(self.small), np.array(self.number)
        if t >= self.now or not self.now > self.before:
            return y1, p1, self.events
        self.bend()
        x = (t - self.before) / (self.now - self.before)
        y0, p0 = np.asarray(self.small_before), np.asarray(self.number_before)
        b, q = np.asarray(self.bend_small), np.asarray(self.bend_number)
        small = (1.0 - x) * y0 + x * (y1 + (1.0 - x) * (b[0] + x * b[1]))
        number = (1.0 - x) * p0 + x * (p1 + (1.0 - x) * (q[0] + x * q[1]))
        return small, number, self.events_before + x * (self.events - self.events_before)

    def coalesced_by(self, double t):
        """Pairs that have coalesced at t, within the last step."""
        if t >= self.now or not self.now > self.before:
            return self.coalesced
        x = (t - self.before) / (self.now - self.before)
        return self.coalesced_before + x * (self.coalesced - self.coalesced_before)

    def interrupt(self, double t):
        """Make the state at t, within the last step, the live one."""
        if t < self.now:
            self.coalesced = self.coalesced_by(t)
            small, number, self.events = self.between_ends(t)
            np.asarray(self.small)[...] = small
            np.asarray(self.number)[...] = number
            self.now = t
        self.before = self.now
        self.fresh = True

    def slopes(self, double t, small, number):
        """The right-hand side on the whole grid, for tests: derivatives of amounts and sums, and of the particles."""
        cdef double[::1] y = np.ascontiguousarray(small)
        cdef double[:, ::1] p = np.ascontiguousarray(number)
        cdef double[::1] dy = np.zeros(self.size)
        cdef double[:, ::1] dp = np.zeros((ORIGINS, self.pivots))
        kept = self.low, self.high, self.births_on
        self.low, self.high, self.births_on = 0, self.pivots - 1 + self.pivots % 2, True
        self.at, self.tables_done = NAN, False
        self.derivative(t, &y[0], &p[0, 0], &p[1, 0], &dy[0], &dp[0, 0], &dp[1, 0])
        self.low, self.high, self.births_on = kept
        self.at, self.tables_done = NAN, False
        return np.asarray(dy), np.asarray(dp)

    def pair_slopes(self, double t, number):
        """Change of the particles by coalescence per second and pairs per second, for tests."""
        cdef double[:, ::1] p = np.ascontiguousarray(number)
        cdef double[:, ::1] dp = np.zeros((ORIGINS, self.pivots))
        kept = self.low, self.high
        self.low, self.high, self.at, self.tables_done = 0, self.pivots, NAN, False
        self.set_conditions(t)
        pairs = self.pair_change(p, dp)
        self.low, self.high = kept
        self.at, self.tables_done = NAN, False
        return np.asarray(dp), pairs

    # -- state --------------------------------------------------------------------------------------

    def dump(self):
        """Everything that ``load`` needs to go on to the same bytes."""
        self.bend()
        held = {name: getattr(self, name) for name in SCALARS}
        held["arrays"] = {
            "small": np.array(self.small), "small_before": np.array(self.small_before),
            "number": np.array(self.number), "number_before": np.array(self.number_before),
            "bend_small": np.array(self.bend_small), "bend_number": np.array(self.bend_number),
        }
        return held

    def load(self, held):
        """Take a state of a kernel with as many pivots."""
        for name in SCALARS:
            setattr(self, name, held[name])
        arrays = held["arrays"]
        for name, target in (("small", self.small), ("small_before", self.small_before), ("number", self.number),
                             ("number_before", self.number_before), ("bend_small", self.bend_small),
                             ("bend_number", self.bend_number)):
            np.asarray(target)[...] = arrays[name]
        self.bends_done, self.at = True, NAN


SCALARS = ("coalesced", "coalesced_before", "now", "before", "step", "last_error", "last_step", "events",
           "events_before", "events_rate", "low", "high",
           "step_low", "step_high", "margin", "steps", "rejected", "births_on", "fresh", "capped", "tiny")
