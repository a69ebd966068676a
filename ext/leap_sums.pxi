# Sums of the rates over the particles, over a step, as their sizes are expected to change.

cdef class Sums(Moments):
    """Capture and release of all particles at the borders of the cells of a step."""

    cdef double[CELLS + 1] capture, release
    cdef double[::1] stick_capture, stick_release   # change of both sums by what sticks [m^6/s^2], [m^3/s^2]
    cdef double[::1] stick_slope                    # relative change of the sum of the sticking rates [1/s]
    cdef double[::1] stick_gain                     # relative growth of a particle for each molecule that sticks to any
    cdef public double turn                         # relative change of the concentration by curvature
    cdef int64_t classes
    cdef int32_t[::1] class_size
    cdef int32_t[::1] class_number

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

    cdef inline double sticking_of(self, int64_t s, int64_t n, double theta) noexcept nogil:
        return self.stick0[s, n] + theta * (self.stick1[s, n] - self.stick0[s, n])

    cdef void sum_sticking(self) noexcept nogil:
        """Sums over the particles of the sticking rates, their slope over the step, and the changes of other rates by
        what sticks."""
        cdef int64_t j, n, m, s, r, w
        cdef double rate, end, slope, theta0 = self.theta(self.step_start), theta1 = self.theta(self.step_end), volume
        volume = self.volume_at(self.step_start)
        for s in range(self.stickers):
            end = slope = 0.0
            self.stick_sum[s] = self.stick_capture[s] = self.stick_release[s] = self.stick_gain[s] = 0.0
            for j in range(self.classes):
                n = self.class_size[j]
                w = self.class_number[j]
                m = min(n + self.sticker_units[s], self.largest)
                rate = w * self.sticking_of(s, n, theta0)
                self.stick_sum[s] += rate
                end += w * self.sticking_of(s, n, theta1)
                slope += 0.5 * w * self.row_of(n)[NET] * (
                    self.sticking_of(s, min(n + 1, self.largest), theta0) - self.sticking_of(s, n - 1, theta0)
                )
                for r in range(self.stickers):
                    slope += self.sticking_of(r, n, theta0) * fmax(self.count[self.sticker_species[r]], 0) / volume * w * (
                        self.sticking_of(s, min(n + self.sticker_units[r], self.largest), theta0)
                        - self.sticking_of(s, n, theta0)
                    )
                self.stick_capture[s] += rate * (self.attach_at(m, theta0) - self.attach_at(n, theta0))
                self.stick_release[s] += rate * (self.detach_at(m, theta0) - self.detach_at(n, theta0))
                self.stick_gain[s] += rate * self.sticker_units[s] / n
            if self.stick_sum[s] > 0.0:
                slope += (end - self.stick_sum[s]) / (self.step_end - self.step_start)
                self.stick_slope[s] = slope / self.stick_sum[s]
                self.stick_gain[s] /= self.stick_sum[s] * self.number
            else:
                self.stick_slope[s] = 0.0

    cdef inline double stick_at(self, int64_t s, double t) noexcept nogil:
        """Sum of the sticking rates at t of the step."""
        return self.stick_sum[s] * fmax(1.0 + self.stick_slope[s] * (t - self.step_start), 0.0)

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
