# Random draws: numpy's bit generator for the trajectory, a keyed stream for candidate times.

cdef extern from "numpy/random/distributions.h":
    double random_standard_exponential(bitgen_t *generator) nogil
    int64_t random_poisson(bitgen_t *generator, double mean) nogil

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static inline uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) { return _umul128(a, b, high); }
    #define fetch_early(place) ((void)(place))
    #else
    #define fetch_early(place) __builtin_prefetch((place), 1)
    static inline uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) {
        unsigned __int128 product = (unsigned __int128)a * b;
        *high = (uint64_t)(product >> 64);
        return (uint64_t)product;
    }
    #endif
    """
    uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) nogil
    void fetch_early(const void *place) nogil

cdef enum:
    BUFFER = 512        # words drawn at once
    EARLY = 16          # candidates ahead of which memory is asked for
    CROWD = 30000       # particles above which their array outgrows the nearer caches
    TYPICAL = 384       # most candidates expected in a segment
    LONGEST = 1024      # more than TYPICAL + 30 standard deviations

cdef double TO_UNIT = 2.0**-53
cdef double WHOLE = 2.0**64


cdef inline uint64_t share_of(double x) noexcept nogil:
    """A number from 0 to 1 as a share of 2^64."""
    if x >= 1.0 - TO_UNIT:
        return <uint64_t>0xFFFFFFFFFFFFFFFF
    return <uint64_t>(x * WHOLE) if x > 0.0 else 0


cdef inline uint64_t product_share(uint64_t a, uint64_t b) noexcept nogil:
    """Product of two shares."""
    cdef uint64_t high
    multiply_wide(a, b, &high)
    return high


cdef inline uint64_t split_mix(uint64_t *state) noexcept nogil:
    """Next word of the SplitMix64 stream (Steele, Lea, Flood, OOPSLA 2014)."""
    cdef uint64_t z
    state[0] += <uint64_t>0x9E3779B97F4A7C15
    z = state[0]
    z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
    return z ^ (z >> 31)


cdef class Draws:
    """The stream of one trajectory, and the order statistics of its candidate times.

    The times of the candidates of a segment are uniform order statistics from a stream keyed by the run
    and the segment. They are made only when one is asked for, always all and in order, so
    asking leaves the trajectory as it was.
    """

    cdef bitgen_t *generator
    cdef object bit_generator
    cdef uint64_t *small
    cdef uint64_t[BUFFER + EARLY] buffer        # the last few are never drawn, only looked at ahead
    cdef double[::1] instant
    cdef public int64_t position
    cdef public int64_t segment
    cdef public uint64_t key
    cdef public bint timed
    cdef public int64_t candidates
    cdef public double segment_start, segment_end

    def __init__(self, bit_generator):
        self.bit_generator = bit_generator
        self.generator = <bitgen_t *>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.instant = np.zeros(LONGEST + 1)
        self.find_small()
        self.position = BUFFER
        self.segment = 0
        self.timed = False
        self.key = self.generator.next_uint64(self.generator.state)

    cdef void refill(self) noexcept nogil:
        """The next words of the generator; numpy's SFC64 (Doty-Humphrey) is run in registers, to the same words."""
        cdef int64_t i
        cdef uint64_t a, b, c, count, word
        if self.small == NULL:
            for i in range(BUFFER):
                self.buffer[i] = self.generator.next_uint64(self.generator.state)
        else:
            a, b, c, count = self.small[0], self.small[1], self.small[2], self.small[3]
            for i in range(BUFFER):
                word = a + b + count
                count += 1
                a = b ^ (b >> 11)
                b = c + (c << 3)
                c = ((c << 24) | (c >> 40)) + word
                self.buffer[i] = word
            self.small[0], self.small[1], self.small[2], self.small[3] = a, b, c, count
        self.position = 0

    def find_small(self):
        """Use SFC64's four words in place, if they are where its public state says they should be."""
        cdef uint64_t *words = <uint64_t *>self.generator.state
        public = self.bit_generator.state
        self.small = NULL
        if public["bit_generator"] == "SFC64":
            if all(words[i] == int(word) for i, word in enumerate(public["state"]["state"])):
                self.small = words

    cdef inline uint64_t word(self) noexcept nogil:
        if self.position == BUFFER:
            self.refill()
        self.position += 1
        return self.buffer[self.position - 1]

    cdef inline double uniform(self) noexcept nogil:
        return (self.word() >> 11) * TO_UNIT

    cdef inline double exponential(self) noexcept nogil:
        return random_standard_exponential(self.generator)

    cdef void draw_times(self) noexcept nogil:
        """Times of all candidates of the open segment, from normalised exponential spacings."""
        cdef uint64_t state = self.key ^ (<uint64_t>self.segment * <uint64_t>0xD1342543DE82EF95)
        cdef double total = 0.0, width = self.segment_end - self.segment_start
        cdef int64_t i
        if self.timed:
            return
        split_mix(&state)
        for i in range(self.candidates + 1):
            total -= log(((split_mix(&state) >> 11) + 1) * TO_UNIT)
            self.instant[i] = total
        for i in range(self.candidates):
            self.instant[i] = self.segment_start + width * (self.instant[i] / total)
        self.timed = True
