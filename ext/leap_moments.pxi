# Leaps of one particle: moments of its size after a time under a known concentration, and draws from them.

cdef extern from "numpy/random/distributions.h":
    ctypedef struct binomial_t:
        int has_binomial
    double random_standard_normal(bitgen_t *generator) nogil
    int64_t random_binomial(bitgen_t *generator, double p, int64_t n, binomial_t *kept) nogil
    int64_t random_hypergeometric(bitgen_t *generator, int64_t good, int64_t bad, int64_t sample) nogil

cdef enum:
    ROW = 13            # numbers kept for a size
    WHOLE_STEP = 4      # and for leaps over the whole step
    TABULATED = 262144  # sizes whose numbers are kept, the larger ones are computed each time
    CELLS = 16          # of a step, in which the concentration is kept

cdef enum:
    NET = 0             # f, gain minus loss [1/s]
    NET2 = 1            # L f/2, L the generator of the size
    NET3 = 2            # L^2 f/6
    GROSS = 3           # g, gain plus loss [1/s]
    GROSS2 = 4          # second-order part of the variance
    SKEW2 = 5           # second-order part of the third cumulant
    CAPTURE = 6         # a [m^3/s]
    REACH = 7           # longest leap [s]
    CAPTURE1 = 8        # L a
    CAPTURE2 = 9        # L^2 a/2
    LOSS = 10           # d [1/s]
    ROUGH = 11          # longest leap that stays where rates are smooth [s]
    GROSS3 = 12         # third-order part of the variance, as far as one size changes the rates little

cdef double FEW = 3.0           # events below which they are drawn one by one
cdef double MANY = 24.0         # variance above which a rounded normal draw is used
cdef double LONGEST_DRIFT = 1.5     # steps in units of the root of the tolerance
cdef double FAR_FROM_ROUGH = 5.0    # standard deviations between a leap and sizes whose rates are not smooth


cdef inline double scale_of(double variance, double skew) noexcept nogil:
    """Factor of z + skew/(6 sigma^3) (z^2 - 1), z a normal draw, that gives the variance: the square adds to it, and so
    does rounding to whole numbers (Sheppard's 1/12)."""
    return sqrt(variance - 1.0 / 12.0 - skew * skew / (18.0 * variance * variance))


cdef class Moments(Kernel):
    """Weak Taylor leaps of single particles.

    Under a concentration c a size n is a birth-death chain with generator
    (L u)(n) = a(n) c [u(n+1) - u(n)] + d(n) [u(n-1) - u(n)]. After a time h its mean is
    n + h f + h^2 L f/2 + h^3 L^2 f/6, its variance h g + h^2 W/2 and a third term where rates are smooth, its third cumulant h f + h^2 K, with f = a c - d and g = a c + d.
    """

    cdef public double tolerance, root          # what the user asks for, and its square root
    cdef double held                            # concentration for which the rows are made [1/m^3]
    cdef double place                           # where in the ramp
    cdef int64_t stamp
    cdef double[::1] row, whole
    cdef int64_t[::1] row_stamp, whole_stamp
    cdef double[ROW] spare
    cdef int32_t[::1] smooth                    # distance to the nearest size whose rates are not smooth
    # the open step
    cdef public double step_start, step_end, cell
    cdef double[CELLS + 1] area                 # concentration integrated from the start of the step
    cdef double highest                         # concentration
    cdef binomial_t kept
    cdef inline int64_t binomial(self, int64_t n, double p) noexcept nogil:
        if n <= 0 or not p > 0.0:
            return 0
        if p >= 1.0:
            return n
        return random_binomial(self.generator, p, n, &self.kept)

    cdef inline int64_t poisson(self, double mean) noexcept nogil:
        return random_poisson(self.generator, mean) if mean > 0.0 else 0

    # -- rates of a size -------------------------------------------------------------------------

    cdef void fill_row(self, int64_t n, double *out) noexcept nogil:
        """Derivatives of the moments at size n."""
        cdef double[5] a, d
        cdef double[5] f, g
        cdef double[3] lf, la
        cdef double c = self.held, root = self.root, up, down, bend, steep, limit, most, x
        cdef int64_t j, k
        for j in range(5):
            k = n + j - 2
            if k < 2:
                a[j] = 0.0
                d[j] = 0.0
            else:
                k = min(k, self.largest)
                a[j] = self.attach_at(k, self.place)
                d[j] = self.detach_at(k, self.place)
            f[j] = a[j] * c - d[j]
            g[j] = a[j] * c + d[j]
        for j in range(3):
            up = a[j + 1] * c
            down = d[j + 1]
            lf[j] = up * (f[j + 2] - f[j + 1]) + down * (f[j] - f[j + 1])
            la[j] = up * (a[j + 2] - a[j + 1]) + down * (a[j] - a[j + 1])
        up = a[2] * c
        down = d[2]
        out[NET] = f[2]
        out[NET2] = 0.5 * lf[1]
        out[NET3] = (up * (lf[2] - lf[1]) + down * (lf[0] - lf[1])) / 6.0
        out[GROSS] = g[2]
        out[GROSS2] = 0.5 * (up * (2.0 * f[3] + g[3] - g[2]) + down * (g[1] - g[2] - 2.0 * f[1]) - 2.0 * f[2] * f[2])
        # where rates are smooth V' = 2 f'(n) V + g(n) along n' = f(n), three times over
        bend, steep = 0.5 * (f[3] - f[1]), 0.5 * (g[3] - g[1])
        out[GROSS3] = (
            4.0 * g[2] * (bend * bend + f[2] * (f[3] - 2.0 * f[2] + f[1])) + 3.0 * bend * steep * f[2]
            + (g[3] - 2.0 * g[2] + g[1]) * f[2] * f[2]
        ) / 6.0
        out[SKEW2] = 0.75 * g[2] * (g[3] - g[1]) + f[2] * (f[3] - f[1])
        out[CAPTURE] = a[2]
        out[LOSS] = d[2]
        out[CAPTURE1] = la[1]
        out[CAPTURE2] = 0.5 * (up * (la[2] - la[1]) + down * (la[0] - la[1]))
        # the longest leap: neither drift nor noise may change the rates much, nor reach sizes that are not smooth
        if g[2] <= 0.0:
            out[REACH] = out[ROUGH] = INFINITY
            return
        bend = 0.5 * fabs(f[3] - f[1])
        steep = 0.0
        if a[2] > 0.0:
            steep += 0.5 * fabs(a[3] - a[1]) / a[2]
        if d[2] > 0.0:
            steep += 0.5 * fabs(d[3] - d[1]) / d[2]
        x = fabs(f[2])
        limit = LONGEST_DRIFT * root / fmax(fmax(bend, x * steep), 1e-300)
        limit = fmin(limit, 2.0 * self.tolerance / fmax(g[2] * steep * steep, 1e-300))
        most = self.smooth[min(n, self.largest)]
        if most <= 0.0:
            out[REACH] = out[ROUGH] = 0.0
            return
        up = FAR_FROM_ROUGH * sqrt(g[2])
        down = 2.0 * most / (up + sqrt(up * up + 4.0 * x * most))
        out[ROUGH] = down * down
        out[REACH] = fmin(limit, out[ROUGH])

    cdef inline double *row_of(self, int64_t n) noexcept nogil:
        """The row of size n for the concentration held; good until the next call where n is large."""
        if n < self.row_stamp.shape[0]:
            if self.row_stamp[n] != self.stamp:
                self.fill_row(n, &self.row[ROW * n])
                self.row_stamp[n] = self.stamp
            return &self.row[ROW * n]
        self.fill_row(n, self.spare)
        return self.spare

    cdef void hold(self, double c, double place) noexcept nogil:
        """Rows are for this concentration [1/m^3] and place in the ramp from now on."""
        self.held = c
        self.place = place
        self.stamp += 1

    # -- concentration over the step -------------------------------------------------------------

    cdef inline double area_to(self, double t) noexcept nogil:
        """Concentration integrated from the start of the step to t."""
        cdef double x = (t - self.step_start) / self.cell
        cdef int64_t k = <int64_t>x
        if k >= CELLS:
            return self.area[CELLS]
        return self.area[k] + (x - k) * (self.area[k + 1] - self.area[k])

    cdef inline double concentration_at(self, double t) noexcept nogil:
        """Mean concentration of the cell that holds t."""
        cdef int64_t k = min(<int64_t>((t - self.step_start) / self.cell), CELLS - 1)
        return (self.area[k + 1] - self.area[k]) / self.cell

    # -- draws -----------------------------------------------------------------------------------

    cdef inline int64_t draw_change(self, double mean, double variance, double skew) noexcept nogil:
        """A whole number with this mean, variance and third cumulant."""
        cdef double up, down, z
        if variance < MANY:
            # attachments minus detachments, as far as they are independent
            up = 0.5 * (variance + mean)
            down = 0.5 * (variance - mean)
            if down < 0.0:
                return self.poisson(mean)
            if up < 0.0:
                return -self.poisson(-mean)
            return self.poisson(up) - self.poisson(down)
        z = random_standard_normal(self.generator)
        z += skew / (6.0 * variance * sqrt(variance)) * (z * z - 1.0)
        return <int64_t>floor(mean + scale_of(variance, skew) * z + 0.5)

    cdef int64_t walk(self, int64_t n, double t, double end) noexcept nogil:
        """Size of a particle at ``end`` that has n at t, in leaps as long as it allows; 0 if it dissolves."""
        cdef double *row
        cdef double h, c, up, top, mean, variance, x, chance = self.uniform()
        cdef int64_t change
        while t < end:
            row = self.row_of(n)
            h = end - t
            if row[REACH] < h and row[REACH] * row[GROSS] >= 0.5 * FEW:
                # by chance, as else sizes of one and of two leaps would be told apart by the error of a leap
                x = ceil(h / row[REACH] - chance)
                h /= fmax(fmax(x, 1.0), ceil(h / row[ROUGH]))
            if fmin(h, row[REACH]) * row[GROSS] < FEW:
                # event by event, thinned under the highest concentration of the step
                up = row[CAPTURE] * self.highest
                x = row[LOSS]
                top = up + x
                h = self.exponential() / top if top > 0.0 else INFINITY
                t += h
                if t >= end:
                    return n
                up = self.uniform() * top
                if up < x:
                    n -= 1
                    if n < 2:
                        return 0
                elif up < x + row[CAPTURE] * self.concentration_at(t):
                    n += 1
                continue
            c = (self.area_to(t + h) - self.area_to(t)) / h - self.held
            mean = h * (row[NET] + row[CAPTURE] * c + h * (row[NET2] + h * row[NET3]))
            variance = h * (row[GROSS] + row[CAPTURE] * c + h * (row[GROSS2] + h * row[GROSS3]))
            change = self.draw_change(mean, variance, h * (row[NET] + h * row[SKEW2]))
            n += max(change, 2 - n)
            t += h
            if end - t < 1e-12 * (end - self.step_start):
                return n
        return n

    cdef inline double *whole_of(self, int64_t n) noexcept nogil:
        """Mean, standard deviation and skewness/6 of a leap over the whole step; the deviation is negative where
        the particle has to walk."""
        cdef double *out = &self.whole[WHOLE_STEP * n]
        cdef double *row
        cdef double h, c, variance, skew
        if self.whole_stamp[n] != self.stamp:
            self.whole_stamp[n] = self.stamp
            row = self.row_of(n)
            h = self.step_end - self.step_start
            c = self.area[CELLS] / h - self.held
            variance = h * (row[GROSS] + row[CAPTURE] * c + h * (row[GROSS2] + h * row[GROSS3]))
            out[1] = -1.0
            if row[REACH] >= h and variance >= MANY:
                out[0] = n + 0.5 + h * (row[NET] + row[CAPTURE] * c + h * (row[NET2] + h * row[NET3]))
                skew = h * (row[NET] + h * row[SKEW2])
                out[1] = scale_of(variance, skew)
                out[2] = skew / (6.0 * variance * sqrt(variance))
            elif row[GROSS] == 0.0 and row[CAPTURE] == 0.0:
                out[0] = n + 0.5
                out[1] = 0.0
                out[2] = 0.0
        return out

    cdef int64_t particle(self, int64_t n) noexcept nogil:
        """Size at the end of the step of a particle that has n at its start; 0 if it dissolves."""
        cdef double *whole
        cdef double z
        if n < self.whole_stamp.shape[0]:
            whole = self.whole_of(n)
            if whole[1] >= 0.0:
                z = random_standard_normal(self.generator)
                return max(<int64_t>floor(whole[0] + whole[1] * (z + whole[2] * (z * z - 1.0))), 2)
        return self.walk(n, self.step_start, self.step_end)
