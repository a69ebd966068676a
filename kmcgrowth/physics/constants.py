"""Physical constants, exact in the SI since 2019 (BIPM, The International System of Units, 9th edition, table 1)."""

from __future__ import annotations

from typing import Any, TypeAlias

Values: TypeAlias = Any
"""What a formula takes and gives: a float, an array of floats, or a quantity that behaves like either."""

K_B = 1.380649e-23
"""Boltzmann constant [J/K]."""

N_A = 6.02214076e23
"""Avogadro constant [1/mol]."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge [C]; also the size of one electronvolt in J."""

R = K_B * N_A
"""Molar gas constant [J/(mol K)]."""

MAX_EXPONENT = 700.0
"""Exponents are cut here: exp(710) overflows a double [dimensionless]."""
