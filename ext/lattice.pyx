"""Kinetic Monte Carlo of atoms on a crystal lattice, event by event.

The kernel knows arrays and a bit generator; what it does is defined, readably, in ``kmcgrowth.lattice.twin``.
Sites with the same rates are kept in one list, so that an event is chosen in a time that does not depend on how many
sites there are; after an event only the sites around it change their lists.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, floor, pow
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from numpy.random cimport bitgen_t

import numpy as np

include "pause.pxi"
include "stream.pxi"
include "lattice_sites.pxi"
include "lattice_pool.pxi"
include "lattice_kernel.pxi"
