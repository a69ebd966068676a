"""Deterministic population balance of the stirred reactor: dissolved species and two chains of sizes.

The right-hand side is defined, readably, in ``kmcgrowth.reactor.balance_twin``; the pivots are those of
``kmcgrowth.reactor.sizes``. Rosenbrock steps with a linear solver whose work is proportional to the number of pivots:
both origins share one tridiagonal matrix, and only the dissolved species couple it to anything else.
"""

from libc.math cimport INFINITY, NAN, exp, fabs, floor, fmax, fmin, log, pow, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from nucleation cimport Nuclei, nuclei

import numpy as np

cdef extern from *:
    """
    #if defined(__SSE2__) || defined(_M_X64)
    #include <xmmintrin.h>
    static unsigned int kg_flush_subnormals(void) { unsigned int old = _mm_getcsr(); _mm_setcsr(old | 0x8040u); return old; }
    static void kg_keep_subnormals(unsigned int old) { _mm_setcsr(old); }
    #else
    static unsigned int kg_flush_subnormals(void) { return 0; }
    static void kg_keep_subnormals(unsigned int old) { (void)old; }
    #endif
    """
    unsigned int kg_flush_subnormals() nogil
    void kg_keep_subnormals(unsigned int old) nogil

include "pause.pxi"
include "balance_state.pxi"
include "balance_field.pxi"
include "balance_jacobian.pxi"
include "balance_solve.pxi"
include "balance_pairs.pxi"
include "balance_step.pxi"
include "balance_show.pxi"
