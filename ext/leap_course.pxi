# The expected course of a step: sums over the particles ahead of time, and two paths of the dissolved species.

cdef enum:
    NODES = 600         # most points of a path
    FROZEN = 0          # what ``derivative`` gives: the field of the windows,
    MEAN = 1            # the mean field of a step, which nucleation reads,
    ACTUAL = 2          # or the expectation from the counts at the start of the step, with its extents


cdef double SHARPER = 10.0     # than the field of the windows


cdef class Course(Moments):
    """Expected amounts over a step, with sums over the particles that change as their sizes are expected to.

    Behind the species the vector of the path MEAN holds what birth and sticking add to the capture and the release, the
    number of births and the monomers they took; that of ACTUAL holds the extents of the reactions, of sticking, of births
    from a cluster, and of attachment.
    """

    cdef int64_t kind
    cdef double[::1] y, inflow, hazard, hazard0, hazard1
    # sums over the particles at the borders of the cells
    cdef double[CELLS + 1] capture, release
    cdef double[CELLS + 1] fresh_capture, fresh_release, fresh_units    # by birth and sticking until then
    cdef double[::1] stick_capture, stick_release   # change of both sums by what sticks [m^6/s^2], [m^3/s^2]
    cdef double[CELLS + 1] drain                # monomers taken by births [1/s]
    cdef double[NODES] node_time, node_mean
    cdef int64_t nodes
    cdef double carried
    cdef public double first_step, found_step, turn         # relative change of the concentration by curvature
    cdef int64_t classes
    cdef int32_t[::1] class_size
    cdef int32_t[::1] class_number
    cdef double[::1] mean_end                   # of the mean field
    cdef double[:, ::1] course                  # expected extents at the borders of the cells, where a look may ask for them
    cdef double[::1] rate0, rate1, extent0

    # -- sums ------------------------------------------------------------------------------------

    cdef void sort_classes(self) noexcept nogil:
        """Sizes that occur and how many particles have each; where sizes are many, every particle by itself."""
        cdef int64_t i
        self.classes = 0
        if self.largest < 8 * self.number:
            self.count_sizes()
            for i in range(2, self.largest + 1):
                if self.histogram[i]:
                    self.class_size[self.classes] = <int32_t>i
                    self.class_number[self.classes] = <int32_t>self.histogram[i]
                    self.classes += 1
        else:
            for i in range(self.number):
                self.class_size[i] = self.size[i]
                self.class_number[i] = 1
            self.classes = self.number

    cdef void present_sums(self, double theta, double *attach, double *detach) noexcept nogil:
        """Sums of the rates as they are; a dissolving pair gives two monomers."""
        cdef int64_t j, n
        attach[0] = 0.0
        detach[0] = 0.0
        for j in range(self.classes):
            n = self.class_size[j]
            attach[0] += self.class_number[j] * self.attach_at(n, theta)
            detach[0] += self.class_number[j] * self.detach_at(n, theta) * (2.0 if n == 2 else 1.0)

    cdef void sum_sticking(self, double theta) noexcept nogil:
        """Sums over the particles of the sticking rates, and of the changes of other rates by what sticks."""
        cdef int64_t j, n, m, s
        cdef double rate
        for s in range(self.stickers):
            self.stick_sum[s] = self.stick_capture[s] = self.stick_release[s] = 0.0
            for j in range(self.classes):
                n = self.class_size[j]
                m = min(n + self.sticker_units[s], self.largest)
                rate = self.class_number[j] * (
                    self.stick0[s, n] + theta * (self.stick1[s, n] - self.stick0[s, n])
                )
                self.stick_sum[s] += rate
                self.stick_capture[s] += rate * (self.attach_at(m, theta) - self.attach_at(n, theta))
                self.stick_release[s] += rate * (self.detach_at(m, theta) - self.detach_at(n, theta))

    cdef inline double stick_at(self, int64_t s, double capture) noexcept nogil:
        """Sum of the sticking rates, which goes with the capture of monomers."""
        return self.stick_sum[s] * capture / self.capture[0] if self.capture[0] > 0.0 else self.stick_sum[s]

    cdef double walks(self, double tau) noexcept nogil:
        """Leaps and events that a step of tau takes, per particle."""
        cdef int64_t j, n
        cdef double total = 0.0, each
        cdef double *row
        for j in range(self.classes):
            n = self.class_size[j]
            row = self.row_of(n)
            each = 1.0
            if row[REACH] < tau:
                each = fmin(fmin(tau * row[GROSS], tau / fmax(row[REACH], 1e-300)), 4.0 * n + 20.0)
            total += self.class_number[j] * fmax(each, 1.0)
        return total / self.number

    cdef double curvature(self, double tau, double *b0, double *a1, double *b1, double *a2, double *b2) noexcept nogil:
        """Coefficients of the sums in powers of time, over particles that leap all of tau; returns that of capture."""
        cdef int64_t j
        cdef double a0 = 0.0, w, c = self.held
        cdef double *row
        b0[0] = a1[0] = b1[0] = a2[0] = b2[0] = 0.0
        for j in range(self.classes):
            row = self.row_of(self.class_size[j])
            if row[REACH] < tau:
                continue
            w = self.class_number[j]
            a0 += w * row[CAPTURE]
            a1[0] += w * row[CAPTURE1]
            a2[0] += w * row[CAPTURE2]
            b0[0] += w * row[LOSS]
            b1[0] += w * (c * row[CAPTURE1] - 2.0 * row[NET2])
            b2[0] += w * (c * row[CAPTURE2] - 3.0 * row[NET3])
        return a0

    cdef void foresee_sums(self) noexcept nogil:
        """Capture and release of the particles over the step, as expected under the concentration held."""
        cdef double a0, b0, a1, b1, a2, b2, t, tau = self.step_end - self.step_start, w, x, rest, h, f, a, d
        cdef double[CELLS] small_capture, small_release
        cdef double attach0, detach0, attach1, detach1
        cdef int64_t j, k, n
        a0 = self.curvature(tau, &b0, &a1, &b1, &a2, &b2)
        self.turn = 0.0
        if a0 > 0.0 and self.held > 0.0:
            self.turn = fabs(b2 - self.held * a2) * tau * tau / (a0 * self.held)
        for k in range(CELLS + 1):
            t = self.cell * k
            self.capture[k] = fmax(a0 + t * (a1 + t * a2), 0.0)
            self.release[k] = fmax(b0 + t * (b1 + t * b2), 0.0)
        for k in range(CELLS):
            small_capture[k] = 0.0
            small_release[k] = 0.0
        for j in range(self.classes):
            n = self.class_size[j]
            if self.row_of(n)[REACH] >= tau:
                continue
            w = self.class_number[j] / self.cell
            x = n
            for k in range(CELLS):
                rest = self.cell
                while rest > 0.0:
                    self.between(x, &a, &d)
                    f = a * self.held - d
                    h = rest
                    if fabs(f) * h > 0.15 * x:
                        h = 0.15 * x / fabs(f)
                    if x + f * h < 1.5:
                        # what is left dissolves
                        h = fmin(h, (x - 1.5) / -f) if f < 0.0 else h
                        small_capture[k] += w * h * a
                        small_release[k] += w * (x + h * a * self.held)
                        x = 0.0
                        break
                    # rates of the middle, by when half of the change is over
                    self.between(fmax(x + 0.5 * f * h, 2.0), &a, &d)
                    small_capture[k] += w * h * a
                    small_release[k] += w * h * d
                    x += (a * self.held - d) * h
                    rest -= h
                if x == 0.0:
                    break
        for k in range(CELLS + 1):
            # the mean of both neighbours keeps the integral
            self.capture[k] += 0.5 * (small_capture[max(k - 1, 0)] + small_capture[min(k, CELLS - 1)])
            self.release[k] += 0.5 * (small_release[max(k - 1, 0)] + small_release[min(k, CELLS - 1)])
        if self.ramp:
            # rates were those of the middle of the step
            self.present_sums(self.theta(self.step_start), &attach0, &detach0)
            self.present_sums(self.theta(self.step_end), &attach1, &detach1)
            a = (attach1 - attach0) / fmax(attach1 + attach0, 1e-300)
            d = (detach1 - detach0) / fmax(detach1 + detach0, 1e-300)
            for k in range(CELLS + 1):
                self.capture[k] *= 1.0 + a * (2.0 * k / CELLS - 1.0)
                self.release[k] *= 1.0 + d * (2.0 * k / CELLS - 1.0)

    cdef inline void between(self, double x, double *a, double *d) noexcept nogil:
        """Rates at a size between whole ones."""
        cdef int64_t n = max(min(<int64_t>x, self.largest - 1), 2)
        cdef double f = fmin(fmax(x - n, 0.0), 1.0)
        a[0] = (1.0 - f) * self.attach_at(n, self.place) + f * self.attach_at(n + 1, self.place)
        d[0] = (1.0 - f) * self.detach_at(n, self.place) + f * self.detach_at(n + 1, self.place)

    # -- equations of both paths -----------------------------------------------------------------

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

    cdef double newborn(self, double c, double t, double *attach, double *detach) noexcept nogil:
        """Births per second from the mean field, and the rates of a newborn particle."""
        cdef int64_t units
        cdef double theta = self.theta(t), rate
        rate = self.nucleation_rate(c, theta, self.temperature_at(t), &units) * self.volume_at(t)
        units = min(units, self.largest)
        attach[0] = self.attach_at(units, theta)
        detach[0] = self.detach_at(units, theta)
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
            for i in range(self.change_start[r], self.change_start[r + 1]):
                out[self.change_species[i]] += rate * self.change_amount[i]
            if self.kind == ACTUAL:
                out[n + r] = rate
        if self.kind == MEAN:
            capture += y[n]
            release += y[n + 1]
        for s in range(self.stickers):
            a = fmax(y[self.sticker_species[s]], 0.0) / volume
            rate = self.stick_at(s, capture) * a
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
        cdef double volume, theta, rate, k, c, dc, a, d, a2, d2
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
            rate = self.stick_at(s, k) / volume
            self.jacobian[q, q] += rate
            if self.kind == ACTUAL:
                self.jacobian[n + self.reactions + s, q] -= rate
            else:
                self.jacobian[n, q] -= self.stick_capture[s] / volume
                self.jacobian[n + 1, q] -= self.stick_release[s] / volume
                if self.capture[0] > 0.0:
                    self.jacobian[q, n] += self.stick_sum[s] / self.capture[0] * fmax(y[q], 0.0) / volume
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
                # the size of a newborn jumps by whole units, and its rates enter as they are
                rate = (self.newborn(c + dc, t, &a2, &d2) - rate) / (dc * volume)
                self.jacobian[n, 0] -= rate * a
                self.jacobian[n + 1, 0] -= rate * d
                self.jacobian[n + 2, 0] -= rate
        self.jacobian[0, 0] += k / volume

    cdef void fill_hazard(self, double t, double[::1] out) noexcept nogil:
        """Rate at which one molecule of every species leaves it."""
        cdef double volume = self.volume_at(t), theta = self.theta(t), rate, k
        cdef int64_t s, r, i, j, used
        for s in range(self.species):
            out[s] = 0.0
        for r in range(self.reactions):
            k = self.constant_at(r, theta)
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
            out[self.sticker_species[s]] += self.stick_at(s, self.in_cell(self.capture, t)) / volume
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

    # -- integration -----------------------------------------------------------------------------

    cdef double follow(self, int64_t kind, double allowed) noexcept nogil:
        """Integrate ``y`` over the step, at most until c has moved by ``allowed``; the time reached, before the start
        if it takes too many steps. Keeps the concentration in ``node_mean`` and, for ACTUAL, in ``area``."""
        cdef double t = self.step_start, end = self.step_end, h = self.first_step, error, moved = 0.0, c, from_c
        cdef double smallest = 4e-15 * fmax(t, 1e-3), before, fresh_a = 0.0, fresh_d = 0.0, fresh_u = 0.0
        cdef int64_t s, k = 0, tries = 0
        self.kind = kind
        self.unsteady = True
        self.unknowns = self.species
        if kind == ACTUAL:
            self.unknowns += self.reactions + self.stickers + 2
            self.area[0] = 0.0
            self.carried = 0.0
            for s in range(self.course.shape[1]):
                self.extent0[s] = 0.0
                if self.course.shape[0] > 0:
                    self.course[0, s] = 0.0
            self.fill_hazard(t, self.hazard0)
            for s in range(self.species):
                self.hazard[s] = 0.0
        else:
            self.unknowns += 4
        for s in range(self.species, self.unknowns):
            self.y[s] = 0.0
        from_c = fmax(self.y[0], 0.0) / self.volume_at(t)
        c = from_c
        self.note(kind, 0, t, c)
        if not h > 0.0 or h > end - t:
            h = 0.25 * (end - t)
        while t < end:
            h = fmax(h, smallest)
            if t + h > end - smallest:
                h = end - t
            error = self.field_step(self.y, t, h) * SHARPER
            tries += 1
            if tries >= NODES - 2:
                t = self.step_start - 1.0
                break
            if not error <= 1.0 and h > smallest:
                h *= fmax(0.1, 0.9 * error ** (-1.0 / 3.0)) if error == error else 0.1
                continue
            moved = fabs(fmax(self.trial[0], 0.0) / self.volume_at(t + h) - from_c)
            if moved > allowed:
                if moved <= 1.1 * allowed or h <= smallest:
                    end = t + h
                else:
                    h *= fmax(0.1, 0.9 * allowed / moved) if t == self.step_start else 0.5
                    if t > self.step_start and fabs(c - from_c) > 0.6 * allowed:
                        break
                    continue
            before = c
            if kind == MEAN:
                fresh_a = self.y[self.species]
                fresh_d = self.y[self.species + 1]
                fresh_u = self.y[self.species + 3]
            if kind == ACTUAL and self.course.shape[0] > 0:
                self.derivative(t, self.y, self.rate0)
            for s in range(self.unknowns):
                if self.trial[s] == self.trial[s]:
                    self.y[s] = fmax(self.trial[s], 0.0)
            c = self.y[0] / self.volume_at(t + h)
            if kind == ACTUAL:
                self.fill_hazard(t + h, self.hazard1)
                for s in range(self.species):
                    self.hazard[s] += 0.5 * h * (self.hazard0[s] + self.hazard1[s])
                    self.hazard0[s] = self.hazard1[s]
                if self.course.shape[0] > 0:
                    self.derivative(t + h, self.y, self.rate1)
                    self.lay_course(t, t + h, k)
                k = self.lay_area(t, t + h, before, c, k)
            else:
                self.note(kind, self.nodes, t + h, c)
                k = self.lay_fresh(t, t + h, fresh_a, fresh_d, fresh_u, k)
            if t == self.step_start:
                self.found_step = h
            t += h
            h *= fmin(5.0, fmax(0.3, 0.9 * (error + 1e-10) ** (-1.0 / 3.0)))
        self.kind = FROZEN
        self.unsteady = False
        self.unknowns = self.species
        return t

    cdef inline void note(self, int64_t kind, int64_t k, double t, double c) noexcept nogil:
        """A point of the mean field's concentration."""
        if kind == MEAN:
            self.node_time[k] = t
            self.node_mean[k] = c
            self.nodes = k + 1
            if k == 0:
                self.fresh_capture[0] = self.fresh_release[0] = self.fresh_units[0] = 0.0

    cdef int64_t lay_area(self, double t0, double t1, double c0, double c1, int64_t k) noexcept nogil:
        """Add a straight piece of the concentration to its integral; what is known at the borders of the cells."""
        cdef double border, c, from_t = t0, from_c = c0
        while k < CELLS:
            border = self.step_start + (k + 1) * self.cell
            if border > t1 or k == CELLS - 1:
                if t1 < self.step_end:
                    break
                border = t1
            c = c0 + (c1 - c0) * (border - t0) / (t1 - t0)
            self.carried += 0.5 * (from_c + c) * (border - from_t)
            from_t = border
            from_c = c
            k += 1
            self.area[k] = self.carried
        self.carried += 0.5 * (from_c + c1) * (t1 - from_t)
        return k

    cdef void lay_course(self, double t0, double t1, int64_t k) noexcept nogil:
        """Keep the extents at the borders of the cells on a piece with known rates at both ends: Hermite's cubic."""
        cdef double h = t1 - t0, f, a, b
        cdef int64_t s, n = self.species
        while k < CELLS:
            f = (self.step_start + (k + 1) * self.cell - t0) / h
            if f > 1.0 and t1 < self.step_end:
                break
            f = fmin(f, 1.0)
            k += 1
            for s in range(self.course.shape[1]):
                a = self.extent0[s]
                b = self.y[n + s]
                self.course[k, s] = a + (b - a) * f * f * (3.0 - 2.0 * f) + h * f * (1.0 - f) * (
                    self.rate0[n + s] * (1.0 - f) - self.rate1[n + s] * f
                )
        for s in range(self.course.shape[1]):
            self.extent0[s] = self.y[n + s]

    cdef int64_t lay_fresh(self, double t0, double t1, double a0, double d0, double u0, int64_t k) noexcept nogil:
        """What birth and sticking have added to capture and release, and births taken, at the borders of the cells, on a straight piece."""
        cdef int64_t n = self.species
        cdef double f
        while k < CELLS:
            f = (self.step_start + (k + 1) * self.cell - t0) / (t1 - t0)
            if f > 1.0 and t1 < self.step_end:
                break
            f = fmin(f, 1.0)
            k += 1
            self.fresh_capture[k] = a0 + f * (self.y[n] - a0)
            self.fresh_release[k] = d0 + f * (self.y[n + 1] - d0)
            self.fresh_units[k] = u0 + f * (self.y[n + 3] - u0)
        return k

    cdef void add_fresh(self) noexcept nogil:
        """Count what birth and sticking add to the sums."""
        cdef int64_t k, low, high
        for k in range(CELLS + 1):
            self.capture[k] += self.fresh_capture[k]
            self.release[k] += self.fresh_release[k]
            low = max(k - 1, 0)
            high = min(k + 1, CELLS)
            self.drain[k] = (self.fresh_units[high] - self.fresh_units[low]) / (self.cell * (high - low))
