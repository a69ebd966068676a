# Choosing the bands, their ceilings and the cap on the monomer count.

cdef double FINE = 1.12         # ratio of rates within a band before bands are merged
cdef double STRAY = 6.0         # cost of leaving the first band, in candidates
cdef double PASSING = 1e-5      # dissolutions per event that bands are made for
cdef double IDLE = 3.0          # ratio of allowed to present weight beyond which ceilings are made anew


cdef inline double greater(double a, double b) noexcept nogil:
    return a if a > b else b


cdef class Banding(Ensemble):
    """Keeps the ceilings above every rate that can occur, and as low as is worth the effort."""

    cdef void count_sizes(self) noexcept nogil:
        """Integer histogram of sizes, by four counters a size: neighbours in the array are often of one size."""
        cdef int64_t i, n = self.largest + 1, whole = self.number - self.number % 4
        for i in range(4 * n):
            self.counter[i] = 0
        for i in range(0, whole, 4):
            self.counter[4 * self.size[i]] += 1
            self.counter[4 * self.size[i + 1] + 1] += 1
            self.counter[4 * self.size[i + 2] + 2] += 1
            self.counter[4 * self.size[i + 3] + 3] += 1
        for i in range(whole, self.number):
            self.counter[4 * self.size[i]] += 1
        for i in range(n):
            self.histogram[i] = (
                <int64_t>self.counter[4 * i] + self.counter[4 * i + 1] + self.counter[4 * i + 2] + self.counter[4 * i + 3]
            )

    cdef void read_tops(self) noexcept nogil:
        """Largest rates of every band over the epoch."""
        cdef int64_t b, n
        for b in range(self.bands):
            self.attach_top[b] = 0.0
            self.detach_top[b] = 0.0
            for n in range(self.edge[b], self.edge[b + 1]):
                self.attach_top[b] = fmax(self.attach_top[b], fmax(self.attach0[n], self.attach1[n]))
                self.detach_top[b] = fmax(self.detach_top[b], fmax(self.detach0[n], self.detach1[n]))

    cdef double highest_rate(self, int64_t b, double c) noexcept nogil:
        """Largest rate of a particle of band b at a concentration c, over the epoch."""
        cdef double top = 0.0
        cdef int64_t n
        for n in range(self.edge[b], self.edge[b + 1]):
            top = greater(top, c * greater(self.attach0[n], self.attach1[n]) + greater(self.detach0[n], self.detach1[n]))
        return top

    cdef double expected_concentration(self) noexcept nogil:
        """Concentration for which bands are laid out: the present one, or that at rest with the particles."""
        cdef double attach = 0.0, detach = 0.0, now
        cdef int64_t n
        for n in range(2, self.largest + 1):
            if self.histogram[n]:
                attach += self.histogram[n] * self.attach0[n]
                detach += self.histogram[n] * self.detach0[n]
        now = (self.count[0] if self.count[0] > 0 else 0) / self.volume_floor
        return fmax(now, detach / attach) if attach > 0.0 else now

    cdef double choose_edges(self, double c) noexcept nogil:
        """Fine edges by ratio of rates; returns the ratio that fitted."""
        cdef double ratio = FINE, low, high, rate
        cdef int64_t n
        while True:
            self.bands = 0
            low = INFINITY
            high = 0.0
            for n in range(2, self.largest):
                rate = self.attach0[n] * c + self.detach0[n]
                if n == self.reach:
                    high = INFINITY
                low = fmin(low, rate)
                high = fmax(high, rate)
                if n == 2 or high > ratio * low:
                    if self.bands == BANDS:
                        break
                    self.edge[self.bands] = n
                    self.bands += 1
                    low = rate
                    high = rate
            else:
                self.edge[self.bands] = self.largest
                return ratio
            ratio *= 1.3

    cdef void merge_bands(self, double c) noexcept nogil:
        """Join neighbours as long as the expected cost falls: sum of weights, and strays from the heaviest band."""
        cdef int64_t b, n, best, heaviest
        cdef double total = 0.0, top, merged, cost, least, flux, each
        cdef double[BANDS] held
        cdef double[BANDS] rate
        for b in range(self.bands):
            rate[b] = self.highest_rate(b, c)
            held[b] = 0
            for n in range(self.edge[b], self.edge[b + 1]):
                held[b] += self.histogram[n]
            total += held[b] * rate[b]
        if self.bands > 0:
            held[self.bands - 1] += self.histogram[self.largest]
        # what dissolves passes through sizes at which there is nobody now, and stays there the shorter the faster it goes
        flux = PASSING * total
        for b in range(self.bands):
            if self.edge[b] >= self.reach:
                break
            for n in range(self.edge[b], self.edge[b + 1]):
                each = c * self.attach0[n] + self.detach0[n]
                if each > 0.0:
                    held[b] += flux / each
        while self.bands > 1:
            total = 0.0
            heaviest = 0
            for b in range(self.bands):
                self.weight[b] = held[b] * rate[b]
                total += self.weight[b]
                if self.weight[b] > self.weight[heaviest]:
                    heaviest = b
            top = self.weight[heaviest]
            least = (1.0 + STRAY) * total - STRAY * top
            best = -1
            for b in range(self.bands - 1):
                if self.edge[b + 1] == self.reach:
                    continue
                merged = (held[b] + held[b + 1]) * greater(rate[b], rate[b + 1])
                cost = (1.0 + STRAY) * (total - self.weight[b] - self.weight[b + 1] + merged)
                cost -= STRAY * fmax(merged, top)
                if cost <= least:
                    least = cost
                    best = b
            if best < 0:
                break
            held[best] += held[best + 1]
            rate[best] = greater(rate[best], rate[best + 1])
            for b in range(best + 1, self.bands - 1):
                held[b] = held[b + 1]
                rate[b] = rate[b + 1]
            for b in range(best + 1, self.bands):
                self.edge[b] = self.edge[b + 1]
            self.bands -= 1

    cdef void partition(self) noexcept nogil:
        """Sort the particles into the bands, in order of their present places (a stable counting sort)."""
        cdef int64_t i, b, n
        cdef int64_t[BANDS + 1] place
        for b in range(self.bands + 1):
            self.start[b] = 0
        for n in range(self.largest + 1):
            self.lookup[n] = <uint8_t>self.band_of(n)
        for i in range(self.number):
            self.start[self.lookup[self.size[i]] + 1] += 1
        for b in range(self.bands):
            self.start[b + 1] += self.start[b]
            place[b] = self.start[b]
        for i in range(self.number):
            n = self.size[i]
            b = self.lookup[n]
            self.scratch_size[place[b]] = <int32_t>n
            self.scratch_origin[place[b]] = self.origin[i]
            place[b] += 1
        for i in range(self.number):
            self.size[i] = self.scratch_size[i]
            self.origin[i] = self.scratch_origin[i]

    cdef void lay_out_bands(self) noexcept nogil:
        """New bands for the present sizes, which ``histogram`` holds."""
        cdef double c = self.expected_concentration()
        cdef int64_t n
        # sizes far above the largest particle make bands of their own, whose rates nobody needs yet
        self.reach = 2
        for n in range(2, self.largest + 1):
            if self.histogram[n]:
                self.reach = n
        self.reach += self.reach // 4 + 64
        self.choose_edges(c)
        self.merge_bands(c)
        self.partition()
        self.read_tops()
        self.measure_bands()
        self.since_banding = 0

    cdef void measure_bands(self) noexcept nogil:
        cdef int64_t b
        for b in range(self.bands):
            self.span[b] = self.edge[b + 1] - self.edge[b]

    cdef void set_ceilings(self) noexcept nogil:
        """Ceilings for the present monomer count plus its slack; heaviest band first.

        The pool wanders by a few times the root of its count; that much slack makes new ceilings rare.
        """
        cdef int64_t b, k, monomers = self.count[0] if self.count[0] > 0 else 0
        cdef double widest, idle
        self.slack = fmax(self.slack, 2.0 * sqrt(<double>monomers) + 6.0)
        self.ceiling_monomers = monomers + <int64_t>self.slack
        self.weigh()
        self.spent += self.reach // 4
        if monomers == 0:
            # no slack where hardly anything refills an empty pool: all candidates would be null
            idle = self.total_weight
            self.ceiling_monomers = 0
            self.weigh()
            if self.total_weight * 50.0 > idle:
                self.ceiling_monomers = <int64_t>self.slack
                self.weigh()
        for b in range(self.bands):
            k = b
            while k > 0 and self.weight[self.order[k - 1]] < self.weight[b]:
                self.order[k] = self.order[k - 1]
                k -= 1
            self.order[k] = b
        # the line of all ceilings is measured in slots of the heaviest band's
        widest = self.ceiling[self.order[0]] if self.bands > 0 else 0.0
        self.slots = 0
        if widest > 0.0:
            self.slots = <uint64_t>ceil((1.0 + 0.01 / (1.0 + 1e-4 * self.number)) * self.total_weight / widest)
        self.allowed_weight = self.slots * widest
        for b in range(self.bands):
            if self.weight[b] > 0.0:
                self.set_shares(b)

    cdef void weigh(self) noexcept nogil:
        """Ceilings and weights of all bands for the cap on the monomer count."""
        cdef int64_t b
        self.total_weight = 0.0
        for b in range(self.bands):
            # bands without particles get a bound that is cheap
            if self.start[b + 1] > self.start[b]:
                self.ceiling[b] = self.highest_rate(b, self.ceiling_monomers / self.volume_floor)
            else:
                self.ceiling[b] = self.ceiling_monomers / self.volume_floor * self.attach_top[b] + self.detach_top[b]
            self.ceiling[b] *= 1.0 + 1e-12
            self.inverse[b] = (1.0 - 1e-15) / self.ceiling[b] if self.ceiling[b] > 0.0 else 0.0
            self.weight[b] = (self.start[b + 1] - self.start[b]) * self.ceiling[b]
            self.total_weight += self.weight[b]
            self.shared[b] = False

    cdef void place_in_ramp(self, double t0, double t1) noexcept nogil:
        """Where in the epoch the window lies, and how far rates go from those at its middle."""
        cdef double reach = 0.5 * (self.theta(t1) - self.theta(t0)) * (1.0 + 1e-9)
        self.middle = self.theta(0.5 * (t0 + t1))
        self.wide_attach = fmin(self.attach_swing * reach, 0.999999)
        self.wide_detach = self.detach_swing * reach

    cdef bint ceilings_fit(self) noexcept nogil:
        """Whether the monomer count lies well inside what the ceilings were made for."""
        cdef int64_t m = self.count[0] if self.count[0] > 0 else 0
        if self.ceiling_monomers == 0:
            return m == 0 and self.total_weight <= self.allowed_weight
        return (
            self.total_weight <= self.allowed_weight <= IDLE * self.total_weight
            and m <= self.ceiling_monomers - 0.4 * self.slack
            and m >= self.ceiling_monomers - 2.5 * self.slack
        )

    cdef void widen(self, double factor) noexcept nogil:
        """More slack if it is the monomer count that does not fit: what newborn particles weigh asks for no slack."""
        cdef int64_t m = self.count[0] if self.count[0] > 0 else 0
        if m > self.ceiling_monomers - 0.4 * self.slack or m < self.ceiling_monomers - 2.5 * self.slack:
            self.slack = fmin(self.slack * factor + 1.0, 1e15)
