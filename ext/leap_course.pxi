# The equations of two paths of the dissolved species over a step.

cdef enum:
    NODES = 600         # most points of a path
    FROZEN = 0          # what ``derivative`` gives: the field of the windows,
    MEAN = 1            # the mean field of a step, which nucleation reads,
    ACTUAL = 2          # or the expectation from the counts at the start of the step, with its extents


cdef class Course(Sums):
    """Expected amounts over a step, with sums over the particles that change as their sizes are expected to.

    Behind the species the vector of the path MEAN holds what birth and sticking add to the capture and the release, the
    number of births and the monomers they took; that of ACTUAL holds the extents of the reactions, of sticking, of births
    from a cluster, and of attachment.
    """

    cdef int64_t kind
    cdef double[::1] y, inflow
    cdef double[CELLS + 1] drain                # monomers taken by births [1/s]
    cdef double[::1] hazard                     # of a molecule that is there at the start to leave its species until now
    cdef uint8_t[::1] curved                    # whether the rate of a reaction is anything but proportional to one species

    cdef inline double in_cell(self, double *values, double t) noexcept nogil:
        """Straight lines between the borders of the cells."""
        cdef double x = fmax((t - self.step_start) / self.cell, 0.0)
        cdef int64_t k = <int64_t>x
        if k >= CELLS:
            return values[CELLS]
        return values[k] + (x - k) * (values[k + 1] - values[k])

    cdef inline double cluster_rate(self, double theta) noexcept nogil:
        if not self.ramp or self.nucleus0 <= 0.0 or self.nucleus1 <= 0.0:
            return self.nucleus0
        return self.nucleus0 * exp(theta * log(self.nucleus1 / self.nucleus0))

    cdef inline bint reads_concentration(self) noexcept nogil:
        """Whether births follow a concentration."""
        return self.nucleation == MEAN_FIELD or self.nucleation == EXPLICIT

    cdef double distinct(self, int64_t r, double[::1] y) noexcept nogil:
        """What is left of a rate as a molecule does not meet itself: of those there at the start, of which exp(-hazard)
        are left, the number is known, while those that came since are Poisson."""
        cdef double factor = 1.0, m, stays
        cdef int64_t i, s
        if not self.curved[r]:
            return 1.0
        for i in range(self.reactants[r]):
            m = self.power[r, i]
            if m >= 2.0 and self.falling[r, i]:
                s = self.reactant[r, i]
                stays = exp(-self.hazard[s])
                factor *= fmax(1.0 - 0.5 * m * (m - 1.0) * fmax(self.count[s], 0) * stays * stays
                               / fmax(y[s] * y[s], 1e-300), 0.0)
        return factor

    cdef double newborn(self, double c, double t, double *attach, double *detach) noexcept nogil:
        """Births per second from the mean field, and the rates of a newborn particle."""
        cdef double theta = self.theta(t), rate, units, over
        cdef int64_t n
        rate = self.nucleation_rate(c, theta, self.temperature_at(t), &units) * self.volume_at(t)
        units = fmin(units, self.largest)
        n = min(<int64_t>units, self.largest - 1)
        over = units - n
        attach[0] = (1.0 - over) * self.attach_at(n, theta) + over * self.attach_at(n + 1, theta)
        detach[0] = (1.0 - over) * self.detach_at(n, theta) + over * self.detach_at(n + 1, theta)
        return rate

    cdef void derivative(self, double t, double[::1] y, double[::1] out) noexcept nogil:
        cdef double volume, theta, rate, c, capture, release, a, d
        cdef int64_t s, r, i, n = self.species
        if self.kind == FROZEN:
            MeanField.derivative(self, t, y, out)
            return
        volume = self.volume_at(t)
        theta = self.theta(t)
        c = fmax(y[0], 0.0) / volume
        capture = self.in_cell(self.capture, t)
        release = self.in_cell(self.release, t)
        for s in range(self.unknowns):
            out[s] = self.inflow[s] if s < n else 0.0
        for r in range(self.reactions):
            rate = self.field_rate(r, self.constant_at(r, theta), volume, y, -1)
            if self.kind == ACTUAL:
                rate *= self.distinct(r, y)
                out[n + r] = rate
            for i in range(self.change_start[r], self.change_start[r + 1]):
                out[self.change_species[i]] += rate * self.change_amount[i]
        if self.kind == MEAN:
            capture += y[n]
            release += y[n + 1]
        for s in range(self.stickers):
            a = fmax(y[self.sticker_species[s]], 0.0) / volume
            rate = self.stick_at(s, t) * a
            out[self.sticker_species[s]] -= rate
            if self.kind == ACTUAL:
                out[n + self.reactions + s] = rate
            else:
                out[n] += self.stick_capture[s] * a
                out[n + 1] += self.stick_release[s] * a
        if self.nucleation == FROM_CLUSTER:
            rate = self.cluster_rate(theta) * fmax(y[self.nucleus_species], 0.0)
            out[self.nucleus_species] -= rate
            if self.kind == ACTUAL:
                out[n + self.reactions + self.stickers] = rate
            else:
                out[n] += rate * self.attach_at(min(self.nucleus_units, self.largest), theta)
                out[n + 1] += rate * self.detach_at(min(self.nucleus_units, self.largest), theta)
        if self.kind == ACTUAL:
            out[self.unknowns - 1] = capture * c
            out[0] -= self.in_cell(self.drain, t)
        elif self.reads_concentration():
            out[n + 3] = self.birth_drain(c, t)
            out[n + 2] = 0.5 * out[n + 3]
            if self.nucleation == MEAN_FIELD:
                rate = self.newborn(c, t, &a, &d)
                out[n] += rate * a
                out[n + 1] += rate * d
                out[n + 2] = rate
            out[0] -= out[n + 3]
        out[0] += release - capture * c

    cdef void fill_jacobian(self, double t, double[::1] y, double shift) noexcept nogil:
        cdef double volume, theta, rate, more, k, c, dc, a, d, a2, d2
        cdef int64_t s, r, i, j, n = self.species, q
        if self.kind == FROZEN:
            MeanField.fill_jacobian(self, t, y, shift)
            return
        volume = self.volume_at(t)
        theta = self.theta(t)
        for s in range(self.unknowns):
            for i in range(self.unknowns):
                self.jacobian[s, i] = 0.0
            self.jacobian[s, s] = shift
        for r in range(self.reactions):
            k = self.constant_at(r, theta)
            for j in range(self.reactants[r]):
                rate = self.field_rate(r, k, volume, y, j)
                for i in range(self.change_start[r], self.change_start[r + 1]):
                    self.jacobian[self.change_species[i], self.reactant[r, j]] -= rate * self.change_amount[i]
                if self.kind == ACTUAL:
                    self.jacobian[n + r, self.reactant[r, j]] -= rate
        k = self.in_cell(self.capture, t)
        c = fmax(y[0], 0.0) / volume
        if self.kind == MEAN:
            k += y[n]
            self.jacobian[0, n] += c
            self.jacobian[0, n + 1] -= 1.0
        for s in range(self.stickers):
            q = self.sticker_species[s]
            rate = self.stick_at(s, t) / volume
            self.jacobian[q, q] += rate
            if self.kind == ACTUAL:
                self.jacobian[n + self.reactions + s, q] -= rate
            else:
                self.jacobian[n, q] -= self.stick_capture[s] / volume
                self.jacobian[n + 1, q] -= self.stick_release[s] / volume
        if self.nucleation == FROM_CLUSTER:
            q = self.nucleus_species
            rate = self.cluster_rate(theta)
            self.jacobian[q, q] += rate
            if self.kind == ACTUAL:
                self.jacobian[n + self.reactions + self.stickers, q] -= rate
            else:
                self.jacobian[n, q] -= rate * self.attach_at(min(self.nucleus_units, self.largest), theta)
                self.jacobian[n + 1, q] -= rate * self.detach_at(min(self.nucleus_units, self.largest), theta)
        if self.kind == ACTUAL:
            self.jacobian[self.unknowns - 1, 0] -= k / volume
        elif self.reads_concentration():
            dc = fmax(c * 1e-5, 1.0)
            rate = (self.birth_drain(c + dc, t) - self.birth_drain(c, t)) / (dc * volume)
            self.jacobian[0, 0] += rate
            self.jacobian[n + 3, 0] -= rate
            if self.nucleation == EXPLICIT:
                self.jacobian[n + 2, 0] -= 0.5 * rate
            else:
                rate = self.newborn(c, t, &a, &d)
                more = self.newborn(c + dc, t, &a2, &d2)
                self.jacobian[n, 0] -= (more * a2 - rate * a) / (dc * volume)
                self.jacobian[n + 1, 0] -= (more * d2 - rate * d) / (dc * volume)
                self.jacobian[n + 2, 0] -= (more - rate) / (dc * volume)
        self.jacobian[0, 0] += k / volume

    cdef void fill_hazard(self, double t, double[::1] out) noexcept nogil:
        """Rate at which one molecule of every species leaves it."""
        cdef double volume = self.volume_at(t), theta = self.theta(t), rate, k
        cdef int64_t s, r, i, j, used
        for s in range(self.species):
            out[s] = 0.0
        for r in range(self.reactions):
            k = self.constant_at(r, theta) * self.distinct(r, self.y)
            for j in range(self.reactants[r]):
                s = self.reactant[r, j]
                used = self.net_use(r, s)
                if used <= 0:
                    continue
                if self.power[r, j] > 0.0:
                    rate = self.field_rate(r, k, volume, self.y, j) / self.power[r, j]
                else:
                    rate = self.field_rate(r, k, volume, self.y, -1) / fmax(self.y[s], 1.0)
                out[s] += used * rate
        for s in range(self.stickers):
            out[self.sticker_species[s]] += self.stick_at(s, t) / volume
        if self.nucleation == FROM_CLUSTER:
            out[self.nucleus_species] += self.cluster_rate(theta)
        out[0] += self.in_cell(self.capture, t) / volume

    cdef inline int64_t net_use(self, int64_t r, int64_t s) noexcept nogil:
        """Molecules of s that reaction r takes for good."""
        cdef int64_t i
        for i in range(self.change_start[r], self.change_start[r + 1]):
            if self.change_species[i] == s:
                return -self.change_amount[i]
        return 0
