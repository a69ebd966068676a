# The particles: a partitioned array of sizes, and attachment and detachment by uniformisation.

cdef enum:
    BANDS = 48          # most bands while edges are chosen


cdef class Ensemble(Draws):
    """Particles grouped into bands of similar rate, contiguous in one array, small sizes first.

    A candidate is a uniformly drawn point on the line of all ceilings: it picks a band, a particle in
    it and a threshold at once. Attachment holds the bottom of the particle's stretch,
    detachment its top, and the rest is null.
    """

    # particles; band b holds sizes edge[b] <= n < edge[b + 1] at places start[b] .. start[b + 1]
    cdef int32_t[::1] size
    cdef uint8_t[::1] origin
    cdef int32_t[::1] scratch_size
    cdef uint8_t[::1] scratch_origin
    cdef public int64_t number
    cdef public int64_t bands
    cdef int64_t[BANDS + 1] edge, start, span
    cdef double[BANDS] attach_top, detach_top, ceiling, inverse, weight
    cdef int64_t[BANDS] order
    cdef public double total_weight, allowed_weight

    # rate tables at the two ends of the epoch, index = formula units
    cdef public int64_t largest
    cdef double[::1] attach0, attach1, detach0, detach1
    # shares of the band's ceiling taken by attachment (per monomer) and detachment, in units of 2^-64; on a ramp
    # at the middle of the window, with bounds of their relative change in it
    cdef uint64_t[::1] share        # at 3n attachment, at 3n + 1 and 3n + 2 detachment at least and at most
    cdef uint8_t[BANDS] shared      # whether the shares of a band are those of its present ceiling
    cdef public double middle, wide_attach, wide_detach
    cdef public uint64_t slots, share_low, share_high
    cdef public bint ramp
    cdef public double attach_swing, detach_swing

    # monomers and other species; count[0] is signed, negative = debt
    cdef int64_t[::1] count
    cdef public int64_t ceiling_monomers
    cdef public double slack

    # the open segment
    cdef public bint in_segment, overflow, table_short
    cdef public int64_t done
    cdef public double volume_low, volume_high, volume_floor, volume_roof

    # the epoch: temperature and volume are known functions of time in it
    cdef public double epoch_start, epoch_end, temperature0, temperature1
    cdef public double cold_volume, flow, expansion

    # tallies
    cdef public int64_t attached, detached
    cdef int64_t[::1] dissolved
    cdef int64_t[::1] histogram
    cdef int32_t[::1] counter
    cdef uint8_t[::1] lookup
    cdef public int64_t since_banding, spent, reach
    cdef public int64_t largest_debt

    cdef inline double theta(self, double t) noexcept nogil:
        return (t - self.epoch_start) / (self.epoch_end - self.epoch_start) if self.ramp else 0.0

    cdef inline double temperature_at(self, double t) noexcept nogil:
        return self.temperature0 + self.theta(t) * (self.temperature1 - self.temperature0)

    cdef inline double cold_volume_at(self, double t) noexcept nogil:
        return self.cold_volume + self.flow * (t - self.epoch_start)

    cdef inline double volume_at(self, double t) noexcept nogil:
        return self.cold_volume_at(t) * (1.0 + self.expansion * (self.temperature_at(t) - 298.15))

    cdef void volume_bounds(self, double t0, double t1, double *low, double *high) noexcept nogil:
        """Bounds of V on [t0, t1]: both factors are monotonic there."""
        cdef double a = self.cold_volume_at(t0), b = self.cold_volume_at(t1), f, g
        if self.expansion == 0.0:
            low[0] = a
            high[0] = b
            return
        f = 1.0 + self.expansion * (self.temperature_at(t0) - 298.15)
        g = 1.0 + self.expansion * (self.temperature_at(t1) - 298.15)
        low[0] = fmin(a, b) * fmin(f, g)
        high[0] = fmax(a, b) * fmax(f, g)

    cdef inline double attach_at(self, int64_t n, double theta) noexcept nogil:
        return self.attach0[n] + theta * (self.attach1[n] - self.attach0[n])

    cdef inline double detach_at(self, int64_t n, double theta) noexcept nogil:
        return self.detach0[n] + theta * (self.detach1[n] - self.detach0[n])

    cdef int64_t band_of(self, int64_t n) noexcept nogil:
        cdef int64_t b = 0
        while b < self.bands - 1 and n >= self.edge[b + 1]:
            b += 1
        return b

    # -- places in the partition ------------------------------------------------------------

    cdef inline void swap(self, int64_t p, int64_t q) noexcept nogil:
        cdef int32_t n = self.size[p]
        cdef uint8_t o = self.origin[p]
        self.size[p] = self.size[q]
        self.origin[p] = self.origin[q]
        self.size[q] = n
        self.origin[q] = o

    cdef void reweigh(self, int64_t b) noexcept nogil:
        """Weight of a band after its number of particles changed; ends the segment if all weigh too much."""
        cdef int64_t c
        self.weight[b] = (self.start[b + 1] - self.start[b]) * self.ceiling[b]
        self.total_weight = 0.0
        for c in range(self.bands):
            self.total_weight += self.weight[c]
        if self.total_weight > self.allowed_weight:
            self.overflow = True
        if not self.shared[b] and self.weight[b] > 0.0:
            self.set_shares(b)

    cdef void set_shares(self, int64_t b) noexcept nogil:
        """Rates of a band as shares of its ceiling, for the largest volume of the window."""
        cdef double attach = 1.0 / (self.ceiling[b] * self.volume_roof) * (1.0 - self.wide_attach)
        cdef double detach = 1.0 / self.ceiling[b], rate
        cdef int64_t n
        for n in range(self.edge[b], self.edge[b + 1]):
            self.share[3 * n] = share_of(self.attach_at(n, self.middle) * attach)
            rate = self.detach_at(n, self.middle) * detach
            self.share[3 * n + 1] = share_of(rate * (1.0 - self.wide_detach))
            self.share[3 * n + 2] = share_of(rate * (1.0 + self.wide_detach))
        self.shared[b] = True

    cdef void set_segment_shares(self) noexcept nogil:
        """Bounds of V over the open segment relative to the volume that the shares are made for."""
        cdef double low = self.volume_low / self.volume_roof, high = self.volume_high / self.volume_roof
        if self.ramp:
            low *= (1.0 - self.wide_attach) / (1.0 + self.wide_attach)
        self.share_high = share_of(high * (1.0 + 1e-15))
        self.share_low = share_of(low * (1.0 - 1e-15)) if low != high else self.share_high

    cdef void settle(self, int64_t p, int64_t b) noexcept nogil:
        """Bring the particle at place p of band b, whose size has left the band, to where it belongs."""
        cdef int64_t n = self.size[p]
        cdef int64_t from_band = b
        if n >= self.largest:
            self.table_short = True
            self.overflow = True
        while b < self.bands - 1 and n >= self.edge[b + 1]:
            self.start[b + 1] -= 1
            self.swap(p, self.start[b + 1])
            p = self.start[b + 1]
            b += 1
        while b > 0 and n < self.edge[b]:
            self.swap(p, self.start[b])
            p = self.start[b]
            self.start[b] += 1
            b -= 1
        if b != from_band:
            self.reweigh(from_band)
            self.reweigh(b)

    cdef void remove(self, int64_t p, int64_t b) noexcept nogil:
        """Take the particle at place p of band b out of the array."""
        cdef int64_t c, hole = self.start[b + 1] - 1
        self.swap(p, hole)
        for c in range(b + 1, self.bands):
            self.swap(hole, self.start[c + 1] - 1)
            hole = self.start[c + 1] - 1
            self.start[c] -= 1
        self.start[self.bands] -= 1
        self.number -= 1
        for c in range(b, self.bands):
            self.reweigh(c)

    cdef void insert(self, int64_t n, uint8_t origin) noexcept nogil:
        """Add a particle; the caller has made sure of room."""
        cdef int64_t c, b = self.band_of(n), hole = self.number
        self.number += 1
        self.start[self.bands] += 1
        for c in range(self.bands - 1, b, -1):
            self.size[hole] = self.size[self.start[c]]
            self.origin[hole] = self.origin[self.start[c]]
            hole = self.start[c]
            self.start[c] += 1
        self.size[hole] = <int32_t>n
        self.origin[hole] = origin
        if n >= self.largest:
            self.table_short = True
        for c in range(b, self.bands):
            self.reweigh(c)

    cdef void left_band(self, int64_t p, int64_t b) noexcept nogil:
        """A particle stepped out of its band: it dissolves, moves, or asks for a longer table."""
        if self.size[p] < 2:
            self.count[0] += 1
            self.dissolved[self.origin[p]] += 1
            self.remove(p, b)
        else:
            self.settle(p, b)

    # -- candidates --------------------------------------------------------------------------

    cdef int resolve(self, int64_t k, int64_t n, uint64_t point, int64_t b, int64_t monomers) noexcept nogil:
        """Step of candidate k when the bounds do not decide it: by its own time."""
        cdef double t, theta, g = point * (1.0 / WHOLE) * self.ceiling[b]
        self.draw_times()
        t = self.instant[k]
        theta = self.theta(t)
        if monomers > 0 and g * self.volume_at(t) < monomers * self.attach_at(n, theta):
            return 1
        return -1 if g >= self.ceiling[b] - self.detach_at(n, theta) else 0

    cdef void run_candidates(self, int64_t stop) noexcept nogil:
        """Process candidates ``done`` .. ``stop`` of the open segment; stops early after one that sets ``overflow``."""
        if self.ramp or self.share_low != self.share_high:
            if self.number > CROWD:
                candidates(self, stop, True, True)
            else:
                candidates(self, stop, True, False)
        elif self.number > CROWD:
            candidates(self, stop, False, True)
        else:
            candidates(self, stop, False, False)


cdef inline int64_t another_band(Ensemble e, uint64_t beyond, uint64_t *point, int64_t *place) noexcept nogil:
    """Band, place and share of a point that lies ``beyond`` the slots of the heaviest band; -1 for none."""
    cdef double x = (beyond + point[0] * (1.0 / WHOLE)) * e.ceiling[e.order[0]]
    cdef int64_t i, j, b
    for j in range(1, e.bands):
        b = e.order[j]
        if x < e.weight[b]:
            i = <int64_t>(x * e.inverse[b])
            place[0] = e.start[b] + i
            point[0] = share_of((x - i * e.ceiling[b]) * e.inverse[b])
            return b
        x -= e.weight[b]
    return -1


cdef inline void candidates(Ensemble e, int64_t stop, bint drift, bint crowd) noexcept nogil:
    """The innermost loop; ``drift`` (rates that change) and ``crowd`` (many particles) are constants where it is called.

    One word times the number of slots gives a particle (the high half) and a threshold (the low half). All
    is integer arithmetic: rates are shares of their band's ceiling in units of 2^-64, attachment per monomer.
    Where rates change, bounds that hold for the whole segment decide, and only between the bounds is the
    candidate's own time asked for.
    """
    cdef int64_t k = e.done, p, n, b, chunk, up, down, step, accepted = 0
    cdef int64_t first = e.order[0], roof = e.ceiling_monomers, monomers = e.count[0], at_start = e.count[0]
    cdef int64_t position = e.position, dissolved = 0
    cdef uint64_t slot, point, mark, slots = e.slots, heavy = e.start[first + 1] - e.start[first]
    cdef uint64_t low = e.share_low, high = e.share_high
    cdef bint unsure
    # bare pointers save a load each; the sanitizer build watches over them
    cdef int32_t *size = &e.size[0]
    cdef uint64_t *share = &e.share[0]
    cdef uint64_t *word
    cdef int64_t base = e.start[first]
    while k < stop and not e.overflow:
        if position == BUFFER:
            e.refill()
            position = 0
        chunk = min(stop - k, BUFFER - position)
        k += chunk
        position += chunk
        word = &e.buffer[position]
        while chunk > 0:
            if crowd:
                multiply_wide(word[EARLY - chunk], slots, &slot)
                fetch_early(size + base + <int64_t>slot)
            point = multiply_wide(word[-chunk], slots, &slot)
            chunk -= 1
            b = first
            p = base + <int64_t>slot
            if slot >= heavy:
                b = another_band(e, slot - heavy, &point, &p)
                if b < 0:
                    continue
            n = size[p]
            # attachment holds the bottom of the particle's stretch, detachment its top
            mark = <uint64_t>(monomers if monomers > 0 else 0) * share[3 * n]
            down = ~point < share[3 * n + 1]
            if drift:
                up = product_share(point, high) < mark
                unsure = up != <int64_t>(product_share(point, low) < mark)
                unsure = unsure | (down != <int64_t>(~point < share[3 * n + 2]))
                if unsure:
                    step = e.resolve(k - chunk - 1, n, point, b, monomers)
                    up = step == 1
                    down = step == -1
            else:
                up = point < mark
            step = up - down
            n += step
            size[p] = <int32_t>n
            monomers -= step
            accepted += up + down
            if <uint64_t>(n - e.edge[b]) >= <uint64_t>e.span[b]:
                dissolved += n < 2
                e.count[0] = monomers
                e.left_band(p, b)
                monomers = e.count[0]
                base = e.start[first]
                heavy = e.start[first + 1] - base
                if e.overflow:
                    break
            if monomers > roof:
                e.overflow = True
                break
        # words of a chunk that was broken off stay for what comes next
        k -= chunk
        position -= chunk
    e.position = position
    e.count[0] = monomers
    e.done = k
    # every step changes the monomer count by one, and the last unit of a dissolved pair adds one more
    step = monomers - at_start - dissolved
    e.detached += (accepted + step) // 2
    e.attached += (accepted - step) // 2
