# The mean-field concentration that nucleation reads, and the windows it defines.

cdef enum:
    STAGES = 4

# Rodas3 (Sandu et al., Atmos. Environ. 31, 3459 (1997)): four stages, order 3 with an embedded order 2, L-stable.
cdef double RODAS_GAMMA = 0.5
cdef double[6] RODAS_A = [0.0, 2.0, 0.0, 2.0, 0.0, 1.0]
cdef double[6] RODAS_C = [4.0, 1.0, -1.0, 1.0, -1.0, -8.0 / 3.0]
cdef double[4] RODAS_M = [2.0, 0.0, 1.0, 1.0]
cdef double[4] RODAS_ALPHA = [0.0, 0.0, 1.0, 1.0]
cdef double[4] RODAS_T = [0.5, 1.5, 0.0, 0.0]
cdef double LOOSE = 20.0        # windows are this much wider where only the reported supersaturation reads the mean field
cdef double TYPICAL_POOL = 10.0 # molecules below which nobody looks at the mean field's change
cdef double FIELD_RTOL = 1e-4
cdef double FIELD_ATOL = 1e-6   # molecules


cdef class MeanField(Chemistry):
    """Amounts of all dissolved species without fluctuations, with the particles as they are at the window's start."""

    cdef double[::1] amount, first_amount, trial, slope, feed
    cdef double[:, ::1] stage, jacobian
    cdef double[::1] drift
    cdef double[::1] stick_sum
    cdef int64_t unknowns           # the species; more where an engine also follows what they feed
    cdef bint unsteady              # whether an engine lets the sums over the particles change within a step
    cdef public double attach_sum, detach_sum, step, window, length

    cdef void sum_rates(self, double theta) noexcept nogil:
        """Sums over particles from the integer histogram; a dissolving pair gives two monomers."""
        cdef int64_t n, s
        self.attach_sum = 0.0
        self.detach_sum = self.histogram[2] * self.detach_at(2, theta)
        for s in range(self.stickers):
            self.stick_sum[s] = 0.0
        for n in range(2, self.largest + 1):
            if self.histogram[n]:
                self.attach_sum += self.histogram[n] * self.attach_at(n, theta)
                self.detach_sum += self.histogram[n] * self.detach_at(n, theta)
                for s in range(self.stickers):
                    self.stick_sum[s] += self.histogram[n] * (
                        self.stick0[s, n] + theta * (self.stick1[s, n] - self.stick0[s, n])
                    )

    cdef double field_rate(self, int64_t r, double k, double volume, double[::1] y, int64_t skip) noexcept nogil:
        """Mean-field rate of reaction r, or its derivative by the amount of reactant number ``skip``."""
        cdef int64_t i
        cdef double held, rate = k * volume
        for i in range(self.reactants[r]):
            held = fmax(y[self.reactant[r, i]], 0.0) / volume
            if i == skip:
                if self.power[r, i] == 0.0:
                    rate *= 1.0 / self.consumed[r, i] if held * volume < self.consumed[r, i] else 0.0
                    continue
                if self.power[r, i] != 1.0:
                    rate *= self.power[r, i] * pow(fmax(held, 1e-30), self.power[r, i] - 1.0)
                rate /= volume
            elif self.power[r, i] == 1.0:
                rate *= held
            elif self.power[r, i] != 0.0:
                rate *= pow(held, self.power[r, i])
            elif held * volume < self.consumed[r, i]:
                # order zero ends with the last molecules
                rate *= held * volume / self.consumed[r, i]
        return rate

    cdef double birth_drain(self, double c, double t) noexcept nogil:
        """Monomers per second taken by nucleation from the mean field."""
        cdef double rate, units
        if self.nucleation == EXPLICIT:
            return 2.0 * self.attach_at(1, self.theta(t)) * c * c * self.volume_at(t)
        if self.nucleation != MEAN_FIELD:
            return 0.0
        rate = self.nucleation_rate(c, self.theta(t), self.temperature_at(t), &units)
        return rate * units * self.volume_at(t)

    cdef void derivative(self, double t, double[::1] y, double[::1] out) noexcept nogil:
        cdef double volume = self.volume_at(t), theta = self.theta(t), rate
        cdef int64_t s, r, i
        for s in range(self.species):
            out[s] = self.feed[s]
        for r in range(self.reactions):
            rate = self.field_rate(r, self.constant_at(r, theta), volume, y, -1)
            for i in range(self.change_start[r], self.change_start[r + 1]):
                out[self.change_species[i]] += rate * self.change_amount[i]
        for s in range(self.stickers):
            out[self.sticker_species[s]] -= self.stick_sum[s] * y[self.sticker_species[s]] / volume
        if self.nucleation == FROM_CLUSTER:
            out[self.nucleus_species] -= self.nucleus0 * y[self.nucleus_species]
        out[0] += self.detach_sum - self.attach_sum * y[0] / volume
        out[0] -= self.birth_drain(fmax(y[0], 0.0) / volume, t)

    cdef void fill_jacobian(self, double t, double[::1] y, double shift) noexcept nogil:
        """shift I minus the Jacobian of ``derivative``."""
        cdef double volume = self.volume_at(t), theta = self.theta(t), rate, k, c, dc
        cdef int64_t s, r, i, j
        for s in range(self.species):
            for i in range(self.species):
                self.jacobian[s, i] = 0.0
            self.jacobian[s, s] = shift
        for r in range(self.reactions):
            k = self.constant_at(r, theta)
            for j in range(self.reactants[r]):
                rate = self.field_rate(r, k, volume, y, j)
                for i in range(self.change_start[r], self.change_start[r + 1]):
                    self.jacobian[self.change_species[i], self.reactant[r, j]] -= rate * self.change_amount[i]
        for s in range(self.stickers):
            self.jacobian[self.sticker_species[s], self.sticker_species[s]] += self.stick_sum[s] / volume
        if self.nucleation == FROM_CLUSTER:
            self.jacobian[self.nucleus_species, self.nucleus_species] += self.nucleus0
        c = fmax(y[0], 0.0) / volume
        dc = fmax(c * 1e-5, 1.0)
        self.jacobian[0, 0] += self.attach_sum / volume
        self.jacobian[0, 0] += (self.birth_drain(c + dc, t) - self.birth_drain(c, t)) / (dc * volume)

    cdef void factor(self) noexcept nogil:
        """LU without pivoting: the matrix is close to diagonally dominant for the small steps taken."""
        cdef int64_t i, j, k, n = self.unknowns
        cdef double f
        for k in range(n):
            for i in range(k + 1, n):
                if self.jacobian[i, k] != 0.0:
                    f = self.jacobian[i, k] / self.jacobian[k, k]
                    self.jacobian[i, k] = f
                    for j in range(k + 1, n):
                        self.jacobian[i, j] -= f * self.jacobian[k, j]

    cdef void solve(self, double[::1] x) noexcept nogil:
        cdef int64_t i, j, n = self.unknowns
        for i in range(n):
            for j in range(i):
                x[i] -= self.jacobian[i, j] * x[j]
        for i in range(n - 1, -1, -1):
            for j in range(i + 1, n):
                x[i] -= self.jacobian[i, j] * x[j]
            x[i] /= self.jacobian[i, i]

    cdef double field_step(self, double[::1] amount, double t, double h) noexcept nogil:
        """One Rosenbrock step from ``amount`` into ``trial``; returns the scaled error."""
        cdef int64_t i, j, s, n = self.unknowns
        cdef double worst = 0.0, tiny = 0.01 * h, scale
        self.fill_jacobian(t, amount, 1.0 / (h * RODAS_GAMMA))
        self.factor()
        self.derivative(t, amount, self.slope)
        if self.ramp or self.flow != 0.0 or self.unsteady:
            self.derivative(t + tiny, amount, self.drift)
            for s in range(n):
                self.drift[s] = (self.drift[s] - self.slope[s]) / tiny
        else:
            for s in range(n):
                self.drift[s] = 0.0
        for i in range(STAGES):
            if i >= 2:
                for s in range(n):
                    self.trial[s] = amount[s]
                    for j in range(i):
                        self.trial[s] += RODAS_A[i * (i - 1) // 2 + j] * self.stage[j, s]
                self.derivative(t + RODAS_ALPHA[i] * h, self.trial, self.slope)
            for s in range(n):
                self.stage[i, s] = self.slope[s] + h * RODAS_T[i] * self.drift[s]
                for j in range(i):
                    self.stage[i, s] += RODAS_C[i * (i - 1) // 2 + j] / h * self.stage[j, s]
            self.solve(self.stage[i])
        for s in range(n):
            self.trial[s] = amount[s]
            for i in range(STAGES):
                self.trial[s] += RODAS_M[i] * self.stage[i, s]
            scale = FIELD_ATOL + FIELD_RTOL * fmax(fabs(amount[s]), fabs(self.trial[s]))
            worst = fmax(worst, fabs(self.stage[3, s]) / scale)
        return worst

    cdef void leave_window(self, double t) noexcept nogil:
        """Close the window at t: c is where it is between the ends of the window, the rest is integrated anew."""
        cdef double c = self.mean_at(t)
        cdef int64_t s
        for s in range(self.species):
            self.amount[s] = self.first_amount[s]
        self.follow_field(self.window_start, t, True)
        self.amount[0] = c * self.volume_at(t)
        self.in_window = False

    cdef double follow_field(self, double start, double latest, bint throughout) noexcept nogil:
        """Integrate ``amount`` from ``start`` until c has moved by ``window``, at most to ``latest``; the end reached.

        With ``throughout`` it goes on to ``latest`` however far c moves.
        """
        cdef double t = start, h = self.step, moved, error, allowed, from_c
        cdef double smallest = 4e-15 * fmax(start, 1e-3)
        cdef bint follows = self.nucleation == MEAN_FIELD
        cdef int64_t s, tries = 0
        from_c = fmax(self.amount[0], 0.0) / self.volume_at(start)
        allowed = self.window * fmax(from_c, self.flat_at(start))
        if not follows:
            allowed = LOOSE * fmax(allowed, self.window * TYPICAL_POOL / self.volume_at(start))
        if throughout:
            allowed = INFINITY
        if not h > 0.0:
            h = 1e-9
        while t < latest:
            h = fmax(h, smallest)
            if t + h > latest:
                h = latest - t
            error = self.field_step(self.amount, t, h)
            moved = fabs(fmax(self.trial[0], 0.0) / self.volume_at(t + h) - from_c)
            tries += 1
            if not error <= 1.0 and tries < 10000 and h > smallest:
                h *= fmax(0.1, 0.9 * error ** (-1.0 / 3.0)) if error == error else 0.1
                continue
            if moved > allowed and tries < 10000 and h > smallest:
                h *= fmax(0.05, 0.85 * allowed / moved) if t == start else 0.5
                if t > start and moved > 0.0:
                    # near the end of the window: what was reached is enough
                    if fabs(fmax(self.amount[0], 0.0) / self.volume_at(t) - from_c) > 0.5 * allowed:
                        break
                continue
            for s in range(self.species):
                if self.trial[s] == self.trial[s]:
                    self.amount[s] = fmax(self.trial[s], 0.0)
            t += h
            self.step = h
            if tries >= 10000:
                break
            h *= fmin(5.0, fmax(0.3, 0.9 * (error + 1e-10) ** (-1.0 / 3.0)))
            # a long straight line would never come to rest where the field does
            if not throughout and h > 3.0 * (t - start) and moved > 1e-4 * fmax(from_c, self.flat_at(start)):
                break
            if moved > 0.7 * allowed:
                break
        if h > self.step:
            self.step = h
        return t

    cdef inline double flat_at(self, double t) noexcept nogil:
        """Solubility of a flat surface, logarithmic between the ends of the epoch."""
        if self.law0[2] <= 0.0 or self.law1[2] <= 0.0:
            return 0.0
        return self.law0[2] * exp(self.theta(t) * log(self.law1[2] / self.law0[2]))
