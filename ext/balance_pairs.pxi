# Coalescence: what pairs of particles do to the numbers, between the steps of everything else.

cdef double PAIR_SHARE = 0.3    # most particles that coalesce between two steps, over all and over the root of rtol
cdef double RARE = 1e-15        # pivots with less than this share of the particles meet nobody


cdef class Pairs(Solver):
    """Every pair of pivots, its product shared between the two pivots next to it so that number and mass are kept."""

    cdef public bint coalescing, brownian
    cdef public int64_t pair_limit
    cdef double[::1] root               # cube roots of the pivots
    cdef double[:, ::1] gain, halfway
    cdef public double coalesced, coalesced_before      # pairs so far, and at the start of the step

    cdef double pair_change(self, double[:, ::1] p, double[:, ::1] out) noexcept nogil:
        """Set the change of the numbers per second; returns pairs per second."""
        cdef double k = self.rates[self.reactions + 6] / self.volume, total = 0.0, pairs = 0.0, n, m, f, x, both, over
        cdef double a, b
        cdef int64_t i, j, o, t, units
        for o in range(ORIGINS):
            for i in range(self.low, self.high):
                out[o, i] = 0.0
                total += fmax(p[o, i], 0.0)
        for i in range(self.low, self.high):
            if self.pivot[i] > self.pair_limit:
                break
            a, b = fmax(p[0, i], 0.0), fmax(p[1, i], 0.0)
            n = a + b
            if n <= RARE * total:
                continue
            t = self.cell_of(2.0 * self.pivot[i])
            for j in range(i, self.high):
                if self.pivot[j] > self.pair_limit:
                    break
                m = fmax(p[0, j], 0.0) + fmax(p[1, j], 0.0)
                if m <= RARE * total:
                    continue
                f = k
                if self.brownian:
                    x = self.root[i] / self.root[j]
                    f *= 2.0 + x + 1.0 / x
                units = self.pivot[i] + self.pivot[j]
                while t < self.pivots - 2 and self.pivot[t + 1] <= units:
                    t += 1
                over = (units - self.pivot[t]) / self.gap[t]
                if i == j:
                    # the product is a seed unless both are nucleated
                    pairs += 0.5 * f * n * n
                    both = 0.5 * f * b * b
                    out[0, i] -= f * n * a
                    out[1, i] -= f * n * b
                    x = 0.5 * f * n * n - both
                    out[0, t] += (1.0 - over) * x
                    out[0, t + 1] += over * x
                    out[1, t] += (1.0 - over) * both
                    out[1, t + 1] += over * both
                    continue
                pairs += f * n * m
                out[0, i] -= f * m * a
                out[1, i] -= f * m * b
                for o in range(ORIGINS):
                    x = f * n * fmax(p[o, j], 0.0)
                    out[o, j] -= x
                    out[o, t] += (1.0 - over) * x
                    out[o, t + 1] += over * x
        return pairs

    cdef bint reach_products(self) noexcept nogil:
        """Widen the window to hold the largest product; False without room."""
        cdef int64_t top = self.high - 1, i
        cdef double total = 0.0
        for i in range(self.low, self.high):
            total += self.weight_at(i)
        while top > self.low and (self.pivot[top] > self.pair_limit or self.weight_at(top) <= RARE * total):
            top -= 1
        if 2.0 * self.pivot[top] >= self.pivot[self.pivots - 3]:
            return False
        i = self.cell_of(2.0 * self.pivot[top]) + 2
        if i >= self.high:
            self.high = i + 1 + (i - self.low) % 2
            self.at, self.tables_done = NAN, False
        return True

    cdef double pair_step(self) noexcept nogil:
        """The longest time until the next look at the pairs; also makes the window wide enough."""
        cdef double total = 0.0, pairs
        cdef int64_t o, i
        pairs = self.pair_change(self.number, self.gain)
        for o in range(ORIGINS):
            for i in range(self.low, self.high):
                total += fmax(self.number[o, i], 0.0)
        return PAIR_SHARE * sqrt(self.rtol) * total / pairs if pairs > 0.0 else INFINITY

    cdef void coalesce(self, double h) noexcept nogil:
        """Let pairs coalesce for a time h by the midpoint rule."""
        cdef int64_t o, i
        cdef double pairs
        self.pair_change(self.number, self.gain)
        for o in range(ORIGINS):
            for i in range(self.low, self.high):
                self.halfway[o, i] = self.number[o, i] + 0.5 * h * self.gain[o, i]
        pairs = self.pair_change(self.halfway, self.gain)
        for o in range(ORIGINS):
            for i in range(self.low, self.high):
                self.number[o, i] += h * self.gain[o, i]
        self.coalesced_before = self.coalesced
        self.coalesced += h * pairs
        self.events += h * pairs
