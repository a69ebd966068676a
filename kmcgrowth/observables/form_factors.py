"""Atomic form factors for X-rays far from absorption edges, f(Q), in electrons."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.observables.form_factor_table import COEFFICIENTS

FloatArray = NDArray[np.float64]

LARGEST_Q = 8 * np.pi
"""Scattering vector up to which the coefficients hold, sin(theta)/lambda = 2 / angstrom [1/angstrom]."""


def atomic_number(symbol: str) -> int:
    """Atomic number of an element [dimensionless].

    Raises
    ------
    BadInput : there is no form factor of such an element; the sentence suggests the nearest symbol.
    """
    if symbol not in COEFFICIENTS:
        close = get_close_matches(symbol.capitalize(), COEFFICIENTS, n=1, cutoff=0.5)
        hint = f'; did you mean "{close[0]}"?' if close else "."
        raise BadInput(f'element: "{symbol}" has no form factor; those of H to Cf are known{hint}')
    return list(COEFFICIENTS).index(symbol) + 1


def form_factor(symbol: str, *, q: ArrayLike) -> FloatArray:
    """Form factor of a neutral atom, without anomalous dispersion.

    Parameters
    ----------
    symbol : of the element, H to Cf
    q : (...), scattering vector 4 pi sin(theta)/lambda, 0 to 8 pi [1/angstrom]

    Returns
    -------
    (...) f(Q) [electrons]; f(0) is the atomic number within 0.06, the error of the fit

    Raises
    ------
    BadInput : an unknown element, or a scattering vector outside the range of the coefficients.

    Notes
    -----
    International Tables for Crystallography C (2004), section 6.1.1: four Gaussians and a constant, table 6.1.1.4.
    Near an absorption edge (As K 11.87 keV, Se K 12.66 keV, In K 27.94 keV) f' and f'' would have to be added.
    """
    atomic_number(symbol)
    at = np.asarray(q, dtype=float)
    if at.size and not (at.min() >= 0 and at.max() <= LARGEST_Q * (1 + 1e-12)):
        raise BadInput(
            f"q: {at.min():g} to {at.max():g} is outside the range of the form factors, 0 to {LARGEST_Q:.2f}/angstrom."
        )
    *gaussians, constant = COEFFICIENTS[symbol]
    square = (at / (4 * np.pi)) ** 2
    found = np.full(at.shape, constant)
    for a, b in zip(gaussians[::2], gaussians[1::2], strict=True):
        found += a * np.exp(-b * square)
    return found
