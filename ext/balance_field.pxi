# The right-hand side.

cdef double SOFT = 0.01     # S - 1 over which the power law, which jumps at S = 1, is switched on


cdef inline double smooth_step(double x) noexcept nogil:
    x = fmin(fmax(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


cdef class Field(State):
    cdef double[::1] up, down, flux

    cdef void set_conditions(self, double t) noexcept nogil:
        """Volume, temperature and rates at t."""
        cdef double inverse, x
        cdef int64_t node = 0, i, s, first = self.low, last = self.high
        if t == self.at:
            return
        self.at = t
        self.temperature = self.temperature0 + self.heating * (t - self.epoch_start)
        self.volume = self.cold_volume + self.flow * (t - self.epoch_start)
        self.volume *= 1.0 + self.expansion * (self.temperature - 298.15)
        if self.tables_done:
            return
        if self.heating == 0.0:
            self.tables_done = True
            first, last = 0, self.pivots
        if self.nodes == 1:
            for i in range(first, last):
                self.attach[i], self.detach[i] = self.node_attach[0, i], self.node_detach[0, i]
            for s in range(self.stickers):
                for i in range(first, last):
                    self.stick[s, i] = self.node_stick[0, s, i]
            for i in range(self.rates.shape[0]):
                self.rates[i] = self.node_rates[0, i]
            return
        x = (1.0 / self.temperature - self.first_inverse) / self.inverse_step
        node = max(min(<int64_t>floor(x), self.nodes - 2), 0)
        x -= node
        self.between(&self.node_attach[node, 0], &self.node_attach[node + 1, 0], x, first, last, &self.attach[0])
        self.between(&self.node_detach[node, 0], &self.node_detach[node + 1, 0], x, first, last, &self.detach[0])
        for s in range(self.stickers):
            self.between(&self.node_stick[node, s, 0], &self.node_stick[node + 1, s, 0], x, first, last,
                         &self.stick[s, 0])
        self.between(&self.node_rates[node, 0], &self.node_rates[node + 1, 0], x, 0, self.rates.shape[0],
                     &self.rates[0])

    cdef void between(self, double *a, double *b, double x, int64_t first, int64_t last, double *out) noexcept nogil:
        cdef int64_t i
        for i in range(first, last):
            out[i] = exp(a[i] + x * (b[i] - a[i]))

    cdef void set_jumps(self, double c) noexcept nogil:
        """Rates of the jumps between pivots; no jump leaves the window but the dissolution of pairs."""
        cdef int64_t i
        cdef double *up = &self.up[0]
        cdef double *down = &self.down[0]
        cdef double *a = &self.attach[0]
        cdef double *d = &self.detach[0]
        cdef double *ua = &self.up_attach[0]
        cdef double *ud = &self.up_detach[0]
        cdef double *wa = &self.down_attach[0]
        cdef double *wd = &self.down_detach[0]
        for i in range(self.low, self.high):
            up[i] = c * a[i] * ua[i] + d[i] * ud[i]
        for i in range(self.low, self.high):
            down[i] = c * a[i] * wa[i] + d[i] * wd[i]
        up[self.high - 1] = 0.0
        if self.low > 0:
            down[self.low] = 0.0

    cdef double transport(self, double *p, double *dp) noexcept nogil:
        """Set dp/dt of one origin by the jumps; returns the monomers set free per second."""
        cdef int64_t i, low = self.low, high = self.high
        cdef double *up = &self.up[0]
        cdef double *down = &self.down[0]
        cdef double *flux = &self.flux[0]
        cdef double *gap = &self.gap[0]
        cdef double a = 0.0, b = 0.0, lost = down[low] * p[low]
        for i in range(low, high - 1):
            flux[i] = up[i] * p[i] - down[i + 1] * p[i + 1]
        flux[high - 1] = 0.0
        dp[low] = -lost - flux[low]
        for i in range(low + 1, high):
            dp[i] = flux[i - 1] - flux[i]
        for i in range(low, high - 1, 2):   # an even number of gaps
            a += gap[i] * flux[i]
            b += gap[i + 1] * flux[i + 1]
        return 2.0 * lost - (a + b)

    cdef double cluster_gain(self, int64_t s, double factor, double *p, double *dp) noexcept nogil:
        """Add what sticking process s does, at ``factor`` times its constants; returns the clusters used per second."""
        cdef int64_t i, j
        cdef double rate, total = 0.0
        for i in range(self.low, self.high):
            j = self.land[s, i]
            if j < 0 or j + 2 >= self.high:
                break
            if j < self.low:
                continue
            rate = factor * self.stick[s, i] * p[i]
            total += rate
            dp[i] -= rate
            dp[j] += rate * self.land_weight[s, i, 0]
            dp[j + 1] += rate * self.land_weight[s, i, 1]
            dp[j + 2] += rate * self.land_weight[s, i, 2]
        return total

    cdef double births(self, double c, double held, double *units) noexcept nogil:
        """Particles born per second, and their size."""
        cdef double *law = &self.rates[self.reactions]
        cdef double rate = 0.0
        cdef Nuclei n
        units[0] = 2.0
        if self.nucleation == FROM_CLUSTER:
            units[0] = <double>self.nucleus_units
            rate = law[1] * fmax(held, 0.0)
        elif self.nucleation == EXPLICIT:
            return law[0] * fmax(c, 0.0) * c * self.volume
        elif self.nucleation == MEAN_FIELD:
            n = nuclei(c, law[2], log(law[3]), law[4], law[5], self.temperature, self.unit_volume, self.power_law,
                       self.exponent)
            rate = n.rate * self.volume
            if self.power_law and c > law[2]:
                rate *= smooth_step((c / law[2] - 1.0) / SOFT)
            units[0] = n.units
            self.seen_capped, self.seen_tiny = n.capped, n.few
        return rate

    cdef double within(self, double units) noexcept nogil:
        """The size, or the end of the window that it is beyond."""
        return fmin(fmax(units, self.pivot[self.low]), self.pivot[self.high - 1])

    cdef void give_birth(self, double rate, double units, double *dp) noexcept nogil:
        """Add newborns to the two pivots next to their size."""
        cdef int64_t i = min(self.cell_of(units), self.high - 2)
        cdef double over = (units - self.pivot[i]) / self.gap[i]
        dp[i] += rate * (1.0 - over)
        dp[i + 1] += rate * over

    cdef double reaction_rate(self, int64_t r, double *y, int64_t by) noexcept nogil:
        """Rate of reaction r per second, or its derivative by the amount of reactant number ``by``."""
        cdef int64_t i
        cdef double held, rate = self.rates[r] * self.volume, power, floor_at
        for i in range(self.reactants[r]):
            power = self.power[r, i]
            held = y[self.reactant[r, i]]
            if power == 1.0 and self.reactants[r] == 1:
                return self.rates[r] * (held if by < 0 else 1.0)
            held = fmax(held, 0.0)
            if power == 0.0:
                # order zero ends with the last molecules
                floor_at = <double>self.consumed[r, i]
                if i == by:
                    rate *= 1.0 / floor_at if floor_at > 0.0 and held < floor_at else 0.0
                elif held < floor_at:
                    rate *= held / floor_at
                continue
            held /= self.volume
            if i == by:
                rate *= (power * pow(fmax(held, 1e-30), power - 1.0) if power != 1.0 else 1.0) / self.volume
            else:
                rate *= held if power == 1.0 else pow(held, power)
        return rate

    cdef void derivative(self, double t, double *y, double *p0, double *p1, double *dy, double *d0,
                         double *d1) noexcept nogil:
        """Derivatives of amounts and sums, seeds, and nucleated particles (those only once there are any)."""
        cdef int64_t s, r, i
        cdef double c, rate, units, used
        self.set_conditions(t)
        c = y[0] / self.volume
        for s in range(self.species):
            dy[s] = self.feed[s]
        for s in range(self.species, self.size):
            dy[s] = 0.0
        for r in range(self.reactions):
            rate = self.reaction_rate(r, y, -1)
            dy[self.species + FIXED_SUMS + r] = rate
            for i in range(self.change_start[r], self.change_start[r + 1]):
                dy[self.change_species[i]] += rate * self.change_amount[i]
        self.set_jumps(c)
        dy[0] += self.transport(p0, d0)
        if self.births_on:
            dy[0] += self.transport(p1, d1)
        if self.low == 0:
            dy[self.species + DISSOLVED] = self.down[0] * p0[0]
            if self.births_on:
                dy[self.species + DISSOLVED + 1] = self.down[0] * p1[0]
        for s in range(self.stickers):
            rate = y[self.sticker_species[s]] / self.volume
            used = self.cluster_gain(s, rate, p0, d0)
            if self.births_on:
                used += self.cluster_gain(s, rate, p1, d1)
            dy[self.sticker_species[s]] -= used
        if self.births_on:
            rate = self.births(c, y[self.nucleus_species], &units)
            units = self.within(units)
            dy[self.species + BORN] = rate
            if self.nucleation == FROM_CLUSTER:
                dy[self.nucleus_species] -= rate
            else:
                dy[0] -= rate * units
            if rate > 0.0:
                self.give_birth(rate, units, d1)

    cdef bint seen_capped, seen_tiny
