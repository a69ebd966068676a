# The nucleation laws that read a concentration, shared by the kernels.

from libc.math cimport M_PI, exp, fmax, log, sqrt

cdef struct Nuclei:
    double rate         # particles inserted per volume and time [1/(m^3 s)]
    double units        # their size, not rounded, at least 2
    bint capped         # at the encounter rate of two monomers
    bint few            # critical size below 5 units


cdef inline Nuclei nuclei(
    double c, double flat, double ln_a, double gamma, double encounter, double temperature, double unit_volume,
    bint power_law, double exponent,
) noexcept nogil:
    """Particles inserted where the concentration is c, at r* + 1/2 sqrt(k_B T/(pi gamma)) and the rate J/0.92."""
    cdef Nuclei out
    cdef double energy = 1.380649e-23 * temperature, cap = encounter * c * c, ln_s, top, radius
    out.rate, out.units, out.capped, out.few = 0.0, 2.0, False, False
    if c <= flat:
        return out
    ln_s = log(c / flat)
    if power_law:
        # nuclei without bound near S = 1 would hold the concentration there
        out.rate = exp(ln_a + exponent * ln_s)
        ln_s = fmax(ln_s, 1.0)
    else:
        out.rate = exp(ln_a - 16.0 * M_PI * gamma**3 * unit_volume**2 / (3.0 * energy**3 * ln_s**2))
    top = 2.0 * gamma * unit_volume / (energy * ln_s)
    radius = top + 0.5 * sqrt(energy / (M_PI * gamma)) if gamma > 0.0 else top
    out.units = fmax(2.0, 4.0 * M_PI * radius**3 / (3.0 * unit_volume))
    if out.rate >= cap:
        out.rate, out.capped = cap, True
    out.few = 4.0 * M_PI * top**3 < 15.0 * unit_volume
    out.rate /= 0.92
    return out
