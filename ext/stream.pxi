# Random draws straight from numpy's bit generator.

cdef extern from "numpy/random/distributions.h":
    double random_standard_exponential(bitgen_t *generator) nogil

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    static inline uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) { return _umul128(a, b, high); }
    #else
    static inline uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) {
        unsigned __int128 product = (unsigned __int128)a * b;
        *high = (uint64_t)(product >> 64);
        return (uint64_t)product;
    }
    #endif
    """
    uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) nogil

cdef double TO_UNIT = 2.0**-53


cdef class Stream:
    """Words, uniform and exponential numbers of one bit generator."""

    cdef bitgen_t *generator
    cdef object bit_generator

    def __init__(self, bit_generator):
        self.bit_generator = bit_generator
        self.generator = <bitgen_t *>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")

    cdef inline uint64_t word(self) noexcept nogil:
        return self.generator.next_uint64(self.generator.state)

    cdef inline double uniform(self) noexcept nogil:
        return (self.word() >> 11) * TO_UNIT

    cdef inline double exponential(self) noexcept nogil:
        return random_standard_exponential(self.generator)
