# Coalescence beside leaps: for half a step before it and half a step after, event by event.

cdef class Pairs(Exchange):
    """Particles that become one while all else stands still."""

    cdef public bint single, halfway        # the last window went event by event; the coming step has had its first half

    cdef double pairs_per_second(self) noexcept nogil:
        """Expected rate at which pairs coalesce at the start of a step."""
        cdef double rate, each, x, number = 0.0, up = 0.0, down = 0.0
        cdef int64_t j
        if not self.coalescing:
            return 0.0
        for j in range(self.classes):
            if self.class_size[j] <= self.coalescence_limit:
                x = cbrt(<double>self.class_size[j])
                each = self.class_number[j]
                number += each
                up += each * x
                down += each / x
        rate = self.coalescence0 + self.theta(self.now) * (self.coalescence1 - self.coalescence0)
        return rate / self.volume_at(self.now) * (number * number + up * down if self.brownian else 0.5 * number * number)

    cdef void join_pairs(self, double until) noexcept nogil:
        """Carry coalescence on to ``until``."""
        cdef double t = self.paired, at, low, high, top = self.pair_top()
        cdef int64_t p, q
        at = fmin(fmax(t, self.epoch_start), self.epoch_end)
        self.volume_bounds(at, fmax(at, until), &low, &high)
        while self.number > 1 and top > 0.0:
            t += self.exponential() / (0.5 * self.number * (self.number - 1) * top / low)
            if not t < until:
                break
            p = <int64_t>(self.uniform() * self.number)
            q = <int64_t>(self.uniform() * (self.number - 1))
            if q >= p:
                q += 1
            if not self.pair_joins(p, q, fmax(t, at), low):
                continue
            self.origin[p] = self.origin_of_pair(p, q)
            self.size[p] += self.size[q]
            if self.size[p] >= self.largest:
                self.table_short = True
            self.number -= 1
            self.size[q] = self.size[self.number]
            self.origin[q] = self.origin[self.number]
            self.tally[self.reactions + self.stickers + 1] += 1
            self.window_events += 1
            self.since_banding = -1
        self.paired = until
