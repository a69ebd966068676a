# How long a leap may be, and whether it pays.

cdef double LEAST = 8.0         # events per particle for which a step pays
cdef double OVERHEAD = 8000.0   # and besides
cdef double FEWEST = 800.0      # events in a step; with fewer the whole units handed to particles would widen their sizes
cdef double RARE = 0.1          # events of a reaction in a step that may be judged carelessly
cdef double CROWDED = 2.0       # leaps per particle in a step
cdef double NOTICED = 0.1       # variance that a catalyst's fluctuations add to the events it makes, over their own
cdef double SHARED = 0.05       # of the molecules that leave a species, by a reaction that goes with a power of it
cdef double TURNED = 2.5        # share of a reactant, in units of the root of the tolerance
cdef double STUCK = 0.7         # relative growth by what sticks, in the same units


cdef class Choice(Pairs):
    """Chooses the next step: its length, and with it the expected course."""

    cdef public bint always
    cdef public double last                 # length of the last step [s]
    cdef public double fixed                # length of every step, for tests [s]
    cdef public int64_t wanted              # size that the tables must hold
    cdef uint8_t[::1] delicate              # whether it goes with a power of an amount that is no falling factorial
    cdef double[::1] rate0                  # of the curved ones at the start of the step

    cdef double expected_births(self) noexcept nogil:
        """In the step, by all laws."""
        if self.nucleation == FROM_CLUSTER:
            return self.extents[self.reactions + self.stickers]
        return self.mean_births

    cdef double longest_step(self, double latest) noexcept nogil:
        """A step that the particles, the volume, births, coalescence and the step before allow."""
        cdef double tau = latest - self.now, volume = self.volume_at(self.now), rate = 0.0, c, top = 0.0, low, middle, units
        cdef double *row
        cdef int64_t j
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
        rate = fmax(rate, self.pairs_per_second())
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

    cdef bint choose_step(self, double until) noexcept nogil:
        """Fix the step and its expected course; False if it does not pay. Draws nothing, and changes nothing else.

        A step ends at ``until``: what happens within it is not known.
        """
        cdef double attach, detach, c, tau, reached, gross, volume, least, mean, latest = fmin(self.epoch_end, until)
        cdef int64_t tries, again = 0
        if self.number == 0 or self.largest < 8:
            return False
        self.sort_classes()
        self.present_sums(self.theta(self.now), &attach, &detach)
        volume = self.volume_at(self.now)
        c = fmax(self.amount[0], 0.0) / volume
        gross = attach * fmax(c, self.count[0] / volume) + detach
        # windows look at all sizes of the tables, whether they occur or not
        least = (LEAST * self.number + OVERHEAD) / (1.0 + 0.3 * self.largest / fmax(4.0 * self.number, 64.0))
        least = fmax(least, FEWEST)
        if self.always:
            least = 0.0
        tau = latest - self.now
        if gross <= 0.0 or gross * tau < least:
            return False
        self.hold(c, self.theta(self.now))
        tau = self.longest_step(latest)
        for tries in range(12):
            if tau < fmax(1e-13 * self.now, 1e-200) or gross * tau < least:
                return False
            self.step_start = self.now
            self.step_end = self.now + tau
            if latest - self.step_end < 0.5 * tau and self.fixed == 0.0:
                # two equal steps rather than a long and a short one
                self.step_end = self.now + 0.5 * (latest - self.now)
            if latest - self.step_end < 1e-9 * tau:
                self.step_end = latest
            if self.now + tau >= latest * (1.0 - 1e-15):
                self.step_end = latest
            tau = self.step_end - self.step_start
            self.cell = tau / CELLS
            self.hold(self.held, self.theta(self.now + 0.5 * tau))
            self.foresee_sums()
            self.sum_sticking()
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
            if self.delicate_few():
                return False
            reached = fmax(self.turnover(), self.arrivals_share())
            if reached > 1.0 and self.fixed == 0.0:
                tau *= fmax(0.8 / reached, 0.1)
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
        for r in range(self.reactions):
            self.rate0[r] = self.field_rate(
                r, self.constant_at(r, self.theta(self.step_start)), self.volume_at(self.step_start), self.y, -1
            ) if self.curved[r] else 0.0
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

    cdef bint delicate_few(self) noexcept nogil:
        """Whether there are so few molecules of a species that the mean of a power of their number is not the power of
        the mean, in a reaction that goes with it; of falling factorials only where that reaction is among those that
        set their number, as else it is Poisson."""
        cdef int64_t r, j, s
        cdef double used
        for r in range(self.reactions):
            if not self.curved[r] or self.extents[r] < RARE:
                continue
            for j in range(self.reactants[r]):
                s = self.reactant[r, j]
                if self.power[r, j] == 1.0 or fmin(fmax(self.count[s], 0), self.y[s]) * self.tolerance >= 1.0:
                    continue
                used = self.net_use(r, s) * self.extents[r]
                if self.delicate[r] or used > SHARED * self.hazard[s] * fmax(0.5 * (self.count[s] + self.y[s]), 1.0):
                    return True
        return False

    cdef double arrivals_share(self) noexcept nogil:
        """Births from clusters, and relative growth of the particles by what sticks, over what is allowed."""
        cdef double total = self.extents[self.reactions + self.stickers] / (
            2.0 * (1.0 + 0.5 * self.tolerance * self.number)
        ) if self.nucleation == FROM_CLUSTER else 0.0
        cdef double gain = 0.0
        cdef int64_t s
        for s in range(self.stickers):
            gain += self.stick_gain[s] * self.extents[self.reactions + s]
        return fmax(total, gain / (STUCK * self.root))

    cdef double turnover(self) noexcept nogil:
        """Largest share of a reactant that a step takes in a reaction which may give it back or does not go with its amount,
        largest relative change of the rate of the latter, and turnover of its catalysts whose fluctuations are seen, over
        what is allowed."""
        cdef int64_t r, i, s
        cdef double most = 0.0, there, share, rate, release = 0.0, allowed = TURNED * self.root
        for i in range(CELLS):
            release += 0.5 * self.cell * (self.release[i] + self.release[i + 1])
        for r in range(self.reactions):
            if not self.circular[r] and not (self.curved[r] and self.extents[r] > RARE):
                continue
            share = 0.0
            for i in range(self.change_start[r], self.change_start[r + 1]):
                if self.change_amount[i] < 0:
                    s = self.change_species[i]
                    there = fmax(<double>self.count[s], 0.0) + self.expected[s] + (release if s == 0 else 0.0)
                    share = fmax(share, -self.change_amount[i] * self.extents[r] / fmax(there, 1.0))
            if self.curved[r]:
                rate = self.field_rate(
                    r, self.constant_at(r, self.theta(self.step_end)), self.volume_at(self.step_end), self.y, -1
                )
                share = fmax(share, fmin(self.extents[r], 1.0) * fabs(rate - self.rate0[r]) / fmax(
                    fmax(rate, self.rate0[r]), 1e-300))
                for i in range(self.reactants[r]):
                    s = self.reactant[r, i]
                    if self.net_use(r, s) <= 0 and 2.0 * self.extents[r] > NOTICED * fmax(self.count[s], 1) * fmax(
                        self.hazard[s], 1.0
                    ):
                        share = fmax(share, self.hazard[s])
            most = fmax(most, share / allowed)
        return most
