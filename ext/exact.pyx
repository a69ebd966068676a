"""Exact kinetic Monte Carlo of the stirred reactor: every event, by uniformisation.

The kernel knows arrays and a bit generator; the model it simulates is defined, readably, in
``kmcgrowth.reactor.twin``. An epoch is an interval in which the flow and the temperature's slope are
constant; a window is a part of it over which the mean field moves little; a segment is a part of that
with a fixed majorant and a Poisson number of candidates.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, cbrt, ceil, exp, expm1, fabs, floor, fmax, fmin, log, pow, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from numpy.random cimport bitgen_t

from nucleation cimport Nuclei, nuclei

import numpy as np

include "pause.pxi"

cdef enum:
    EVENTS = 100    # the next window goes event by event
    LEAPT = 101     # a leap was taken

include "draws.pxi"
include "ensemble.pxi"
include "banding.pxi"
include "chemistry.pxi"
include "meanfield.pxi"
include "loop.pxi"
include "kernel.pxi"
include "leap_moments.pxi"
include "leap_sums.pxi"
include "leap_course.pxi"
include "leap_follow.pxi"
include "leap_exchange.pxi"
include "leap_pairs.pxi"
include "leap_choice.pxi"
include "leap.pxi"
