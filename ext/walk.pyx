"""Dissolved atoms and clusters that walk between growing crystals, one by one.

The kernel of the lattice with a solution of random walkers in place of a stirred one. Far from the crystals a walker
leaves a protective cube in one move, drawn from the exact law; near them it hops from one grid point to the next. What
it does is defined, hop by hop, in ``kmcgrowth.lattice.walk_twin``.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, cos, exp, floor, pow, sqrt
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

import numpy as np

from kmcgrowth.errors import BadInput

include "pause.pxi"
include "stream.pxi"
include "lattice_sites.pxi"
include "lattice_pool.pxi"
include "lattice_kernel.pxi"
include "walk_law.pxi"
include "walk_grid.pxi"
include "walk_lists.pxi"
include "walk_moves.pxi"
include "walk_matter.pxi"
include "walk_kernel.pxi"
include "walk_state.pxi"
