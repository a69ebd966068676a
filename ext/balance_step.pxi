# Steps and their error.

# RODAS of Hairer and Wanner, Solving Ordinary Differential Equations II (1996), sect. IV.7 and its code: six stages,
# order 4 with an embedded order 3, L-stable, stiffly accurate, with a continuous extension of order 3.
cdef double GAMMA = 0.25
cdef double[6] ALPHA = [0.0, 0.386, 0.21, 0.63, 1.0, 1.0]
cdef double[6] DRIFT = [0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0]
cdef double[5][5] A = [
    [1.544000000000000, 0.0, 0.0, 0.0, 0.0],
    [0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0.0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0],
]
cdef double[5][5] C = [
    [-5.668800000000000, 0.0, 0.0, 0.0, 0.0],
    [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
]
cdef double[5] DENSE2 = [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823,
                         1.025137723295662]
cdef double[5] DENSE3 = [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386,
                         -6.594389125716872]


cdef class Stepper(Pairs):
    cdef double[:, ::1] stage_small
    cdef double[:, :, ::1] stage_number         # (stage, origin, pivot)
    cdef double[::1] trial_small, sum_small, old_small
    cdef double[:, ::1] trial, sum_number
    cdef double[:, ::1] bend_small              # what the continuous extension adds to a straight line
    cdef double[:, :, ::1] bend_number
    cdef double[::1] scale
    cdef public bint bends_done
    cdef public double tick, events_before

    def __init__(self, dict chemistry, *, scale, **settings):
        Field.__init__(self, chemistry, **settings)
        self.coalescing, self.brownian = chemistry["coalescing"], chemistry["brownian"]
        self.pair_limit = chemistry["coalescence_limit"]
        n = self.species
        linked = [0]
        for s in chemistry["sticker_species"]:
            if s not in linked:
                linked.append(int(s))
        self.rows = len(linked)
        if self.nucleation == FROM_CLUSTER and self.nucleus_species not in linked:
            linked.append(self.nucleus_species)
        self.links = len(linked)
        self.link_species = np.array(linked, dtype=np.int32)
        self.sticker_link = np.array([linked.index(s) for s in chemistry["sticker_species"]], dtype=np.int32)
        self.species_slope, self.dense = np.zeros((n, n)), np.zeros((n, n))
        self.swap = np.zeros(n, dtype=np.int32)
        self.reaction_slope = np.zeros((self.reactions, REACTANTS))
        self.start_small, self.drift_small = np.zeros(self.size), np.zeros(self.size)
        self.trial_small, self.sum_small = np.zeros(self.size), np.zeros(self.size)
        self.stage_small = np.zeros((STAGES, self.size))
        self.bend_small = np.zeros((2, self.size))
        self.scale = np.array(scale, dtype=float)

    def set_grid(self, grid, list landings):
        """Take a grid that begins with the present one."""
        State.set_grid(self, grid, landings)
        k = self.pivots
        self.root = np.cbrt(np.asarray(self.pivot, dtype=float))
        self.gain, self.halfway = np.zeros((ORIGINS, k)), np.zeros((ORIGINS, k))
        self.up, self.down, self.flux = np.zeros(k), np.zeros(k), np.zeros(k)
        self.row, self.adjoint = np.zeros((self.rows, k)), np.zeros((self.rows, k))
        self.column = np.zeros((self.links, ORIGINS, k))
        self.jump_up, self.jump_down = np.zeros(k), np.zeros(k)
        self.band = 0
        for first, _ in landings:
            self.band = max(self.band, int((first + 2 - np.arange(k)).max()))
        self.leap, self.lower = np.zeros((k, self.band)), np.zeros((k, self.band))
        self.toward, self.inverse, self.back = np.zeros(k), np.zeros(k), np.zeros(k)
        self.start_number, self.drift_number = np.zeros((ORIGINS, k)), np.zeros((ORIGINS, k))
        self.trial, self.sum_number = np.zeros((ORIGINS, k)), np.zeros((ORIGINS, k))
        self.stage_number = np.zeros((STAGES, ORIGINS, k))
        if self.bends_done:
            bends = np.zeros((2, ORIGINS, k))
            bends[:, :, :self.bend_number.shape[2]] = self.bend_number
            self.bend_number = bends
        else:
            self.bend_number = np.zeros((2, ORIGINS, k))

    # -- one step ---------------------------------------------------------------------------------

    cdef void combine(self, int64_t stage, double h, double *y, double *out, double *total, int64_t o, int64_t first,
                      int64_t last) noexcept nogil:
        """The stage's argument, and what earlier stages add to its right-hand side; o < 0 means the amounts."""
        cdef int64_t i, j
        cdef double a, c, a2, c2
        cdef double *u
        cdef double *v
        for j in range(0, stage, 2):
            a, c = A[stage - 1][j], C[stage - 1][j] / h
            u = &self.stage_small[j, 0] if o < 0 else &self.stage_number[j, o, 0]
            if j + 1 < stage:
                a2, c2 = A[stage - 1][j + 1], C[stage - 1][j + 1] / h
                v = &self.stage_small[j + 1, 0] if o < 0 else &self.stage_number[j + 1, o, 0]
                if j == 0:
                    for i in range(first, last):
                        out[i] = y[i] + (a * u[i] + a2 * v[i])
                        total[i] = c * u[i] + c2 * v[i]
                else:
                    for i in range(first, last):
                        out[i] += a * u[i] + a2 * v[i]
                        total[i] += c * u[i] + c2 * v[i]
            elif j == 0:
                for i in range(first, last):
                    out[i] = y[i] + a * u[i]
                    total[i] = c * u[i]
            else:
                for i in range(first, last):
                    out[i] += a * u[i]
                    total[i] += c * u[i]

    cdef void add(self, double *x, double factor, double *y, int64_t first, int64_t last) noexcept nogil:
        cdef int64_t i
        for i in range(first, last):
            x[i] += factor * y[i]

    cdef double try_step(self, double h) noexcept nogil:
        """A step of length h into ``trial``; returns its error over the tolerance."""
        cdef int64_t k, o, i, origins = 1 + self.births_on
        cdef bint moving = self.heating != 0.0 or self.flow != 0.0
        cdef double *d0
        cdef double *d1
        cdef double *dy
        self.factor(1.0 / (GAMMA * h))
        if self.singular:
            return INFINITY
        for k in range(STAGES):
            dy, d0, d1 = &self.stage_small[k, 0], &self.stage_number[k, 0, 0], &self.stage_number[k, 1, 0]
            if k == 0:
                for i in range(self.size):
                    dy[i] = self.start_small[i]
                for i in range(self.low, self.high):
                    d0[i] = self.start_number[0, i]
                if origins == 2:
                    for i in range(self.low, self.high):
                        d1[i] = self.start_number[1, i]
            else:
                self.combine(k, h, &self.small[0], &self.trial_small[0], &self.sum_small[0], -1, 0, self.size)
                for o in range(origins):
                    self.combine(k, h, &self.number[o, 0], &self.trial[o, 0], &self.sum_number[o, 0], o, self.low,
                                 self.high)
                self.derivative(self.now + ALPHA[k] * h, &self.trial_small[0], &self.trial[0, 0], &self.trial[1, 0],
                                dy, d0, d1)
                self.add(dy, 1.0, &self.sum_small[0], 0, self.size)
                self.add(d0, 1.0, &self.sum_number[0, 0], self.low, self.high)
                if origins == 2:
                    self.add(d1, 1.0, &self.sum_number[1, 0], self.low, self.high)
            if moving and DRIFT[k] != 0.0:
                self.add(dy, h * DRIFT[k], &self.drift_small[0], 0, self.size)
                self.add(d0, h * DRIFT[k], &self.drift_number[0, 0], self.low, self.high)
                if origins == 2:
                    self.add(d1, h * DRIFT[k], &self.drift_number[1, 0], self.low, self.high)
            self.solve(dy, d0, d1)
        # the last stage is the difference from the embedded solution
        self.add(&self.trial_small[0], 1.0, &self.stage_small[STAGES - 1, 0], 0, self.size)
        for o in range(origins):
            self.add(&self.trial[o, 0], 1.0, &self.stage_number[STAGES - 1, o, 0], self.low, self.high)
        return self.error_of()

    cdef double error_of(self) noexcept nogil:
        """Largest of: error of any amount, and misplaced particles of either origin, each over what is tolerated."""
        cdef int64_t s, i, o
        cdef double worst = 0.0, wrong, total, x
        for s in range(self.species):
            x = self.rtol * fmax(fabs(self.small[s]), fabs(self.trial_small[s])) + self.rtol * self.scale[s]
            x = fabs(self.stage_small[STAGES - 1, s]) / x
            if x != x:
                return INFINITY
            worst = fmax(worst, x)
        for o in range(1 + self.births_on):
            wrong = total = 0.0
            for i in range(self.low, self.high):
                wrong += fabs(self.stage_number[STAGES - 1, o, i])
                total += fabs(self.trial[o, i])
            x = wrong / (self.rtol * fmax(total, 1e-4 * self.reference))
            if x != x:
                return INFINITY
            worst = fmax(worst, x)
        return worst

    cdef bint spills(self) noexcept nogil:
        """Whether the trial reaches an end of the window."""
        cdef int64_t i, reach = self.reach()
        cdef double worst = 0.0
        if self.low > 0:
            worst = fabs(self.trial[0, self.low]) + fabs(self.trial[1, self.low])
        for i in range(self.high - 1, max(self.high - 1 - reach, self.low - 1), -1):
            worst = fmax(worst, fabs(self.trial[0, i]) + fabs(self.trial[1, i]))
        return worst > self.edge

    cdef bint births_begin(self, double *small) noexcept nogil:
        """Whether particles are born at a rate that could ever matter."""
        cdef double units, rate
        if self.nucleation == NO_NUCLEATION:
            return False
        rate = self.births(small[0] / self.volume, small[self.nucleus_species], &units)
        self.birth_units = units if rate * self.patience > 1e-16 * self.reference else 0.0
        return rate * self.patience > 1e-10 * self.reference

    cdef double gross(self) noexcept nogil:
        """Events per second at the live state."""
        cdef int64_t i, s, r, o
        cdef double c, total, units, k
        self.set_conditions(self.now)
        c = self.small[0] / self.volume
        total = self.fed_molecules
        for o in range(1 + self.births_on):
            for i in range(self.low, self.high):
                total += (self.attach[i] * c + self.detach[i]) * self.number[o, i]
            for s in range(self.stickers):
                k = self.small[self.sticker_species[s]] / self.volume
                for i in range(self.low, self.high):
                    total += k * self.stick[s, i] * self.number[o, i]
        for r in range(self.reactions):
            total += self.reaction_rate(r, &self.small[0], -1)
        if self.births_on:
            total += self.births(c, self.small[self.nucleus_species], &units)
        return total

    cdef double first_step(self) noexcept nogil:
        """A step that changes nothing by more than a hundredth of the tolerance's square root."""
        cdef int64_t s, i, o
        cdef double fastest = 0.0, x, moved, total
        for s in range(self.species):
            x = fabs(self.start_small[s]) / (fabs(self.small[s]) + self.scale[s])
            fastest = fmax(fastest, x)
        for o in range(1 + self.births_on):
            moved = total = 0.0
            for i in range(self.low, self.high):
                moved += fabs(self.start_number[o, i])
                total += fabs(self.number[o, i])
            fastest = fmax(fastest, moved / fmax(total, 1e-4 * self.reference))
        return 0.3 * pow(self.rtol, 0.25) / fastest if fastest > 0.0 else INFINITY

    cdef void accept(self, double h) noexcept nogil:
        """Make the trial the live state; the one before stays for what is between."""
        cdef int64_t i, o
        cdef double rate
        for i in range(self.size):
            self.small_before[i] = self.small[i]
            self.small[i] = self.trial_small[i]
        for o in range(ORIGINS):
            for i in range(self.low, self.high):
                self.number_before[o, i] = self.number[o, i]
                self.number[o, i] = self.trial[o, i] if o == 0 or self.births_on else 0.0
        self.before = self.now
        self.now += h
        self.step_low, self.step_high = self.low, self.high
        self.bends_done = False
        self.steps += 1
        rate = self.gross()
        self.events_before = self.events
        self.events += fmax(0.5 * h * (self.events_rate + rate), 0.0)
        self.events_rate = rate
        self.capped = self.capped or (self.births_on and self.seen_capped)
        self.tiny = self.tiny or (self.births_on and self.seen_tiny)

    cpdef int run(self, double until, int64_t budget):
        """Step on; returns why it stopped."""
        cdef unsigned int mode
        cdef int why
        with nogil:
            mode = kg_flush_subnormals()
            why = self.go(until, budget)
            kg_keep_subnormals(mode)
        return why

    cdef int go(self, double until, int64_t budget) noexcept nogil:
        cdef double h, error, factor, end, smallest, until_pairs
        cdef int64_t done = 0, tries
        cdef bint last, linear
        while True:
            if self.now >= until:
                return REACHED
            if self.now >= self.epoch_end:
                return EPOCH
            if done >= budget:
                return BUDGET
            done += 1
            self.set_conditions(self.now)
            if self.births_begin(&self.small[0]):
                self.births_on = True
            if not self.fit_window():
                return ROOM
            if self.coalescing and not self.reach_products():
                return ROOM
            self.step_low, self.step_high = self.low, self.high
            self.set_conditions(self.now)
            until_pairs = self.pair_step() if self.coalescing else INFINITY
            end = self.epoch_end
            smallest = 4e-16 * fmax(fabs(self.now), 1e-9)
            h = self.step
            self.tick = 1e-4 * fmin(h, end - self.now) if h > 0.0 else 1e-9 * fmin(end - self.now, self.patience)
            self.tick = fmax(self.tick, 1e-10 * fmax(self.now, 1e-6))
            self.linearise(self.tick)
            if self.fresh:
                self.events_rate = self.gross()
                factor = self.first_step()
                h = fmin(h, factor) if h > 0.0 else factor
                self.fresh = False
            h = fmax(h, 2.0 * smallest)
            self.after_failure, tries = False, 0
            while True:
                tries += 1
                h = fmin(h, until_pairs)
                last = h >= (end - self.now) * (1.0 - 1e-10)
                if last:
                    h = end - self.now
                elif h > 0.5 * (end - self.now):
                    h = 0.5 * (end - self.now)
                if h <= smallest and not last or tries > 100:
                    return FAILED
                error = self.try_step(h)
                if error <= 1.0:
                    if not self.births_on:
                        self.set_conditions(self.now + h)
                        if self.births_begin(&self.trial_small[0]):
                            # the step has to be done again with newborns
                            self.births_on = True
                            if not self.fit_window():
                                self.births_on = False
                                return ROOM
                            self.step_low, self.step_high = self.low, self.high
                            self.linearise(self.tick)
                            continue
                    if self.spills():
                        if not self.widen():
                            return ROOM
                        self.step_low, self.step_high = self.low, self.high
                        self.linearise(self.tick)
                        continue
                    break
                self.rejected += 1
                factor = 0.9 * pow(error, -0.25) if error == error and error < INFINITY else 0.1
                h *= fmin(fmax(factor, 0.1), 0.9)
                self.after_failure = True
            self.accept(h)
            if self.coalescing:
                self.coalesce(h)
            if last:
                self.now = end
            factor = 0.9 * pow(fmax(error, 1e-8), -0.25)
            if last and h < 0.5 * self.step:
                # a step cut short by the epoch says little about the next
                if factor < 1.0:
                    self.step = h * factor
                continue
            if self.last_step > 0.0:
                # Gustafsson's predictive control
                factor = fmin(factor, factor * (h / self.last_step) * pow(self.last_error / fmax(error, 1e-8), 0.25))
            factor = fmin(fmax(factor, 0.2), 6.0)
            if self.after_failure:
                factor = fmin(factor, 1.0)
            self.last_error, self.last_step = fmax(error, 1e-2), h
            self.step = h * factor

    cdef bint widen(self) noexcept nogil:
        """More room at both ends."""
        cdef int64_t margin = self.margin + self.margin % 2
        if self.high + margin + 1 >= self.pivots:
            return False
        self.high += margin
        self.low = max(self.low - margin, 0)
        if (self.high - self.low) % 2 == 0:
            self.high += 1
        self.at, self.tables_done = NAN, False
        return True
