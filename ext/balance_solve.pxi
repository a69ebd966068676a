# The linear solver: one matrix of jumps for both origins, and a small dense matrix of what it leaves of the species.


cdef class Solver(Jacobian):
    cdef double shift
    cdef double[::1] toward, inverse, back      # elimination towards the middle, pivots' inverses, substitution
    cdef double[:, ::1] lower                   # (pivots, band): the same upwards where whole clusters stick
    cdef double[:, ::1] adjoint                 # (rows, pivots)
    cdef double[:, ::1] dense
    cdef int32_t[::1] swap
    cdef public bint singular

    cdef void factor(self, double shift) noexcept nogil:
        """Factor shift I minus the Jacobian.

        What it leaves of the species after the elimination of all particles is a small dense matrix.
        """
        cdef int64_t i, j, k
        cdef double p
        self.shift = shift
        if self.stickers:
            self.factor_band()
        else:
            self.factor_tridiagonal()
        for k in range(self.rows):
            if self.stickers:
                self.transposed_band(&self.row[k, 0], &self.adjoint[k, 0])
            else:
                self.transposed(&self.row[k, 0], &self.adjoint[k, 0])
        for i in range(self.species):
            for j in range(self.species):
                self.dense[i, j] = -self.species_slope[i, j]
            self.dense[i, i] += shift
        for k in range(self.rows):
            for j in range(self.links):
                p = self.dot(&self.adjoint[k, 0], &self.column[j, 0, 0])
                if self.births_on:
                    p += self.dot(&self.adjoint[k, 0], &self.column[j, 1, 0])
                self.dense[self.link_species[k], self.link_species[j]] -= p
        self.factor_dense()

    cdef void factor_tridiagonal(self) noexcept nogil:
        """Eliminate the particles from both ends to the middle.

        Pivots are built up from the shift and the jumps without differences, so that round-off neither makes nor loses
        particles however fast they jump.
        """
        cdef int64_t i, j, low = self.low, high = self.high, middle = (self.low + self.high) // 2
        cdef double shift = self.shift, a = self.shift, b = self.shift, p, q
        cdef double *up = &self.jump_up[0]
        cdef double *down = &self.jump_down[0]
        cdef double *toward = &self.toward[0]
        cdef double *inverse = &self.inverse[0]
        cdef double *back = &self.back[0]
        if low == 0:
            a += down[low]
        j = high - 1
        for i in range(low, middle):
            p = 1.0 / (a + up[i])
            q = 1.0 / (b + down[j])
            inverse[i], inverse[j] = p, q
            toward[i], toward[j] = up[i] * p, down[j] * q
            back[i], back[j] = down[i + 1] * p, up[j - 1] * q
            a = shift + down[i + 1] * a * p
            b = shift + up[j - 1] * b * q
            j -= 1
        inverse[middle] = 1.0 / (a + b - shift)

    cdef void factor_band(self) noexcept nogil:
        """The same from the smallest size to the largest, where particles also leap upwards."""
        cdef int64_t i, b, band = self.band
        cdef double a = self.shift, total, w, p
        cdef double *l
        cdef double *above
        cdef double *leap
        if self.low == 0:
            a += self.jump_down[0]
        for i in range(self.low, self.high):
            l, leap = &self.lower[i, 0], &self.leap[i, 0]
            if i > self.low:
                w, above = self.jump_down[i], &self.lower[i - 1, 0]
                for b in range(band - 1):
                    l[b] = leap[b] + w * above[b + 1]
                l[band - 1] = leap[band - 1]
            else:
                for b in range(band):
                    l[b] = leap[b]
            l[0] += self.jump_up[i]
            total = a
            for b in range(band):
                total += l[b]
            p = 1.0 / total
            for b in range(band):
                l[b] *= p
            self.inverse[i] = p
            if i + 1 < self.high:
                self.back[i] = self.jump_down[i + 1] * p
                a = self.shift + self.jump_down[i + 1] * a * p

    cdef void transposed_band(self, double *r, double *z) noexcept nogil:
        """z with z T = r for the banded matrix."""
        cdef int64_t i, b
        cdef double a = 0.0
        for i in range(self.low, self.high):
            a = (r[i] + self.jump_down[i] * a) * self.inverse[i]
            z[i] = a
        for i in range(self.high - 1, self.low - 1, -1):
            a = z[i]
            for b in range(min(self.band, self.high - 1 - i)):
                a += self.lower[i, b] * z[i + 1 + b]
            z[i] = a

    cdef void solve_band(self, double *x) noexcept nogil:
        """The banded matrix for one origin, in place."""
        cdef int64_t i, b, reach
        cdef double a
        cdef double *l
        cdef double *y
        for i in range(self.low, self.high):
            a, l, y = x[i], &self.lower[i, 0], x + i + 1
            reach = min(self.band, self.high - 1 - i)
            for b in range(reach):
                y[b] += a * l[b]
        a = 0.0
        for i in range(self.high - 1, self.low - 1, -1):
            a = x[i] * self.inverse[i] + (self.back[i] * a if i + 1 < self.high else 0.0)
            x[i] = a

    cdef double dot(self, double *x, double *y) noexcept nogil:
        cdef int64_t i, last = self.high - 3
        cdef double a = 0.0, b = 0.0, c = 0.0, d = 0.0
        i = self.low
        while i < last:
            a += x[i] * y[i]
            b += x[i + 1] * y[i + 1]
            c += x[i + 2] * y[i + 2]
            d += x[i + 3] * y[i + 3]
            i += 4
        while i < self.high:
            a += x[i] * y[i]
            i += 1
        return (a + b) + (c + d)

    cdef void transposed(self, double *r, double *z) noexcept nogil:
        """z with z T = r for the tridiagonal matrix T."""
        cdef int64_t i, j, low = self.low, high = self.high, middle = (self.low + self.high) // 2
        cdef double *up = &self.jump_up[0]
        cdef double *down = &self.jump_down[0]
        cdef double a = 0.0, b = 0.0
        j = high - 1
        for i in range(low, middle):
            a = (r[i] + down[i] * a) * self.inverse[i]
            b = (r[j] + up[j] * b) * self.inverse[j]
            z[i], z[j] = a, b
            j -= 1
        z[middle] = (r[middle] + down[middle] * a + up[middle] * b) * self.inverse[middle]
        a = b = z[middle]
        j = middle + 1
        for i in range(middle - 1, low - 1, -1):
            a = z[i] + self.toward[i] * a
            b = z[j] + self.toward[j] * b
            z[i], z[j] = a, b
            j += 1

    cdef void solve_one(self, double *x) noexcept nogil:
        """The tridiagonal matrix for one origin, in place."""
        cdef int64_t i, j, low = self.low, middle = (self.low + self.high) // 2
        cdef double *toward = &self.toward[0]
        cdef double *inverse = &self.inverse[0]
        cdef double *back = &self.back[0]
        cdef double a = x[low], b
        j = self.high - 1
        b = x[j]
        for i in range(low, middle - 1):
            a = x[i + 1] + toward[i] * a
            b = x[j - 1] + toward[j] * b
            x[i + 1], x[j - 1] = a, b
            j -= 1
        a = (x[middle] + toward[middle - 1] * a + toward[middle + 1] * b) * inverse[middle]
        x[middle] = b = a
        j = middle + 1
        for i in range(middle - 1, low - 1, -1):
            a = x[i] * inverse[i] + back[i] * a
            b = x[j] * inverse[j] + back[j] * b
            x[i], x[j] = a, b
            j += 1

    cdef void solve_two(self, double *x, double *y) noexcept nogil:
        """The same for both origins at once, which hides the latency of the recurrences."""
        cdef int64_t i, j, low = self.low, middle = (self.low + self.high) // 2
        cdef double *toward = &self.toward[0]
        cdef double *inverse = &self.inverse[0]
        cdef double *back = &self.back[0]
        cdef double a = x[low], b, c = y[low], d
        j = self.high - 1
        b, d = x[j], y[j]
        for i in range(low, middle - 1):
            a = x[i + 1] + toward[i] * a
            b = x[j - 1] + toward[j] * b
            c = y[i + 1] + toward[i] * c
            d = y[j - 1] + toward[j] * d
            x[i + 1], x[j - 1] = a, b
            y[i + 1], y[j - 1] = c, d
            j -= 1
        a = (x[middle] + toward[middle - 1] * a + toward[middle + 1] * b) * inverse[middle]
        c = (y[middle] + toward[middle - 1] * c + toward[middle + 1] * d) * inverse[middle]
        x[middle] = b = a
        y[middle] = d = c
        j = middle + 1
        for i in range(middle - 1, low - 1, -1):
            a = x[i] * inverse[i] + back[i] * a
            b = x[j] * inverse[j] + back[j] * b
            c = y[i] * inverse[i] + back[i] * c
            d = y[j] * inverse[j] + back[j] * d
            x[i], x[j] = a, b
            y[i], y[j] = c, d
            j += 1

    cdef void factor_dense(self) noexcept nogil:
        """LU with row exchanges."""
        cdef int64_t i, j, k, best, n = self.species
        cdef double f, size
        self.singular = False
        for k in range(n):
            best, size = k, fabs(self.dense[k, k])
            for i in range(k + 1, n):
                if fabs(self.dense[i, k]) > size:
                    best, size = i, fabs(self.dense[i, k])
            self.swap[k] = <int32_t>best
            if not size > 0.0:
                self.singular = True
                return
            if best != k:
                for j in range(n):
                    f = self.dense[k, j]
                    self.dense[k, j] = self.dense[best, j]
                    self.dense[best, j] = f
            for i in range(k + 1, n):
                if self.dense[i, k] != 0.0:
                    f = self.dense[i, k] / self.dense[k, k]
                    self.dense[i, k] = f
                    for j in range(k + 1, n):
                        self.dense[i, j] -= f * self.dense[k, j]

    cdef void solve_dense(self, double *x) noexcept nogil:
        cdef int64_t i, j, n = self.species
        cdef double f
        for i in range(n):
            j = self.swap[i]
            f = x[i]
            x[i] = x[j]
            x[j] = f
        for i in range(n):
            for j in range(i):
                x[i] -= self.dense[i, j] * x[j]
        for i in range(n - 1, -1, -1):
            for j in range(i + 1, n):
                x[i] -= self.dense[i, j] * x[j]
            x[i] /= self.dense[i, i]

    cdef void solve(self, double *small, double *p0, double *p1) noexcept nogil:
        """Solve in place for amounts, sums and the particles of both origins."""
        cdef int64_t k, s, i, r, j
        cdef double x
        cdef double *column
        for k in range(self.rows):
            s = self.link_species[k]
            small[s] += self.dot(&self.adjoint[k, 0], p0)
            if self.births_on:
                small[s] += self.dot(&self.adjoint[k, 0], p1)
        self.solve_dense(small)
        for k in range(self.links):
            x = small[self.link_species[k]]
            column = &self.column[k, 0, 0]
            for i in range(self.low, self.high):
                p0[i] += x * column[i]
            if self.births_on:
                column = &self.column[k, 1, 0]
                for i in range(self.low, self.high):
                    p1[i] += x * column[i]
        if self.stickers:
            self.solve_band(p0)
            if self.births_on:
                self.solve_band(p1)
        elif self.births_on:
            self.solve_two(p0, p1)
        else:
            self.solve_one(p0)
        s = self.species
        if self.nucleation == FROM_CLUSTER:
            small[s + BORN] += self.birth_slope * small[self.nucleus_species]
        else:
            small[s + BORN] += self.birth_slope * small[0]
        if self.low == 0:
            # pairs jump down from the first pivot at a rate that no sticking changes
            small[s + DISSOLVED] += self.jump_down[0] * p0[0] + self.pair_slope0 * small[0]
            if self.births_on:
                small[s + DISSOLVED + 1] += self.jump_down[0] * p1[0] + self.pair_slope1 * small[0]
        for r in range(self.reactions):
            for j in range(self.reactants[r]):
                small[s + FIXED_SUMS + r] += self.reaction_slope[r, j] * small[self.reactant[r, j]]
        x = 1.0 / self.shift
        for i in range(s, self.size):
            small[i] *= x
