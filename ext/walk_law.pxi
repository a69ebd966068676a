# When a walker leaves its protective cube, and where it is before; the tables are those of lattice/walk_tables.py.

cdef enum:
    TIME_BITS = 3       # STEPS = 8 intervals of the time per factor of two
    HAZARD_BITS = 6     # PARTS = 64 of the hazard
    LEAST = -32         # exponents of the smallest and the largest hazard of the table
    MOST_HAZARD = 3

cdef double PI = 3.141592653589793


cdef inline uint64_t bits_of(double x) noexcept nogil:
    cdef uint64_t bits
    memcpy(&bits, &x, sizeof(double))
    return bits


cdef class Laws:
    """Exit times, and places inside, of cubes of a few half-sizes; times are counted in 1/rate of a step."""

    cdef public int number
    cdef int32_t[::1] size
    cdef double[:, :, ::1] time
    cdef double[:, ::1] late
    cdef int64_t[::1] intervals, first_common, first_rest, first_mode
    cdef uint64_t[::1] common, rest
    cdef double[:, ::1] bounds
    cdef double[::1] decay, part

    def __init__(self, tables):
        self.size = tables.size
        self.number = len(self.size)
        self.time, self.late, self.intervals = tables.time, tables.late, tables.intervals
        self.first_common, self.first_rest, self.first_mode = tables.first_common, tables.first_rest, tables.first_mode
        self.common, self.rest, self.bounds = tables.common, tables.rest, tables.bounds
        self.decay, self.part = tables.decay, tables.weight
        if self.time.shape[1] != (MOST_HAZARD - LEAST) << HAZARD_BITS:
            raise ValueError("the tables of exit times have another number of intervals")

    cdef double exit_time(self, int i, double hazard) noexcept nogil:
        """Time at which one coordinate's hazard to have left reaches a value."""
        cdef uint64_t bits = bits_of(hazard)
        cdef int64_t k = <int64_t>(bits >> (52 - HAZARD_BITS)) - ((1023 + LEAST) << HAZARD_BITS)
        cdef double u
        if k < 0:
            return self.time[i, 0, 0] * pow(hazard * 4294967296.0, 1.0 / self.size[i])
        if k >= self.time.shape[1]:
            return self.late[i, 0] + self.late[i, 1] * hazard
        u = (bits & ((<uint64_t>1 << (52 - HAZARD_BITS)) - 1)) * (1.0 / (<uint64_t>1 << (52 - HAZARD_BITS)))
        return self.time[i, k, 0] + u * (self.time[i, k, 1] + u * (self.time[i, k, 2] + u * self.time[i, k, 3]))

    cdef int inside(self, Stream stream, int i, double t) noexcept nogil:
        """Coordinate at time t of a walker that has not left."""
        cdef uint64_t word, low, high, entry, low2
        cdef int64_t k, at
        cdef int m = self.size[i], x
        cdef double wanted
        if t < 1.0:
            return self.steps(stream, m, t)
        k = <int64_t>(bits_of(t) >> (52 - TIME_BITS)) - (1023 << TIME_BITS)
        if k >= self.intervals[i]:
            k = self.intervals[i] - 1
        word = stream.word()
        low = multiply_wide(word, <uint64_t>(m + 1), &high)
        entry = self.common[self.first_common[i] + k * (m + 1) + <int64_t>high]
        x = <int>high if (low >> 16) < (entry >> 16) else <int>(entry & 0xFFFF)
        if x == m:
            at = self.first_rest[i] + k * m
            while True:
                low2 = multiply_wide(stream.word(), <uint64_t>m, &high)
                entry = self.rest[at + <int64_t>high]
                x = <int>high if (low2 >> 16) < (entry >> 16) else <int>(entry & 0xFFFF)
                wanted = self.chance(i, x, t) - self.bounds[at + x, 0]
                if stream.uniform() * self.bounds[at + x, 1] < wanted:
                    break
        return x if word & 1 else -x

    cdef double chance(self, int i, int x, double t) noexcept nogil:
        """Chance of coordinate x among walkers that have not left, from the modes."""
        cdef double over, here = 0.0, all = 0.0, slowest = self.decay[self.first_mode[i]]
        cdef int m = self.size[i], k
        cdef int64_t at = self.first_mode[i]
        for k in range(m):
            over = (self.decay[at + k] - slowest) * t
            if over > 46.0:
                break
            over = exp(-over)
            all += over * self.part[at + k]
            here += over * cos(PI * (((2 * k + 1) * x) % (4 * m)) / (2.0 * m))
        return here / (m * all)

    cdef int steps(self, Stream stream, int m, double t) noexcept nogil:
        """The few steps up to an early time, drawn again if they lead out."""
        cdef uint64_t word = 0
        cdef int x, left = 0
        cdef double rest
        while True:
            x, rest = 0, 2.0 * t
            while -m < x < m:
                rest -= stream.exponential()
                if rest < 0.0:
                    return x
                if left == 0:
                    word, left = stream.word(), 64
                x += 1 if word & 1 else -1
                word >>= 1
                left -= 1

    def draw_exits(self, bit_generator, int half_size, int64_t number):
        """Exit times of one coordinate (number,)."""
        cdef Stream stream = Stream(bit_generator)
        cdef int64_t n
        cdef int i = list(self.size).index(half_size)
        cdef double[::1] out = np.empty(number)
        for n in range(number):
            out[n] = self.exit_time(i, stream.exponential())
        return np.asarray(out)

    def draw_inside(self, bit_generator, int half_size, double time, int64_t number):
        """Coordinates at a time of walkers that have not left (number,)."""
        cdef Stream stream = Stream(bit_generator)
        cdef int64_t n
        cdef int i = list(self.size).index(half_size)
        cdef int32_t[::1] out = np.empty(number, dtype=np.int32)
        for n in range(number):
            out[n] = self.inside(stream, i, time)
        return np.asarray(out)

    def times_of(self, int half_size, hazards):
        """Exit times of one coordinate with given hazards."""
        cdef int i = list(self.size).index(half_size)
        return np.array([self.exit_time(i, h) for h in hazards])
