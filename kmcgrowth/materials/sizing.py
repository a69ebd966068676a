"""Sizing curves of a material: the empirical ones of its file, the Brus equation, or a table."""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import ArrayLike

from kmcgrowth.errors import BadInput
from kmcgrowth.materials.loader import Material, load_material
from kmcgrowth.physics.excitons import BrusCurve, Curve, PolynomialCurve, PowerCurve, TableCurve

BRUS = "Brus"
EV = 1.602176634e-19

Sizing: TypeAlias = "str | tuple[ArrayLike, ArrayLike] | None"
"""Name of a curve, a table of diameters [nm] and first excitons [eV], or None for the first curve of the material."""


def sizing_names(material: Material) -> tuple[str, ...]:
    """Curves that a material knows, its default first."""
    return (*(str(c["name"]) for c in material.sizing), BRUS)


def sizing_curve(material: Material | str, *, sizing: Sizing = None) -> Curve:
    """First exciton in absorption against diameter.

    Parameters
    ----------
    material : or its name
    sizing : name of a curve in the material's file, "Brus", or (diameters [nm], energies [eV]); None for the first
        of the file. A curve measured in emission is shifted by the Stokes shift.

    Returns
    -------
    Curve, monotonic at every size; its ``known`` is the range that was measured

    Raises
    ------
    BadInput : no such curve, or a table that does not fall.
    """
    m = load_material(material) if isinstance(material, str) else material
    if sizing is None or isinstance(sizing, str):
        names = sizing_names(m)
        name = names[0] if sizing is None else sizing
        if name not in names:
            raise BadInput(f'sizing: "{name}" is not a curve of {m.name}; it is one of '
                           + ", ".join(f'"{n}"' for n in names) + ", or a table of diameters and energies.")
        if name == BRUS:
            e = m.electronic
            return BrusCurve(e["gap"] / EV, e["electron_mass"], e["heavy_hole_mass"], e["static_permittivity"])
        return _empirical(m, next(c for c in m.sizing if c["name"] == name))
    try:
        diameter, energy = sizing
        return TableCurve(diameter, energy, m.electronic["gap"] / EV)
    except (TypeError, ValueError) as error:
        raise BadInput(f"sizing: this table cannot be used: {error}") from None


def _empirical(m: Material, curve: dict[str, Any]) -> Curve:
    shift = m.optics.stokes_shift if curve.get("of") == "emission" and m.optics is not None else 0.0
    if "coefficients" in curve:
        low, high = curve["wavelength_nm"]
        return PolynomialCurve(curve["coefficients"], (low, high), m.electronic["gap"] / EV)
    power = float(curve.get("power", 1.0))
    # a diameter in angstrom, where the form has it so
    scale = 10.0**-power if "angstrom" in curve["form"] else 1.0
    low, high = curve.get("diameter_nm", (0.0, float("inf")))
    return PowerCurve(curve["gap"] + shift, curve["slope"] * scale, power, (low, high))
