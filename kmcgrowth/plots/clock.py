"""Times as figures tell them: in a unit that fits, never as powers of ten."""

from __future__ import annotations

UNITS = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
"""Units of time and their seconds."""


def unit_of(span: float) -> tuple[str, float]:
    """Unit in which a span of time is told, and its seconds; hours and minutes from three of them on."""
    if not span > 0.0:
        return "s", 1.0
    slack = 1.0 - 1e-9  # 1e-6 s is a microsecond, whatever its last bit
    return next((u for u in UNITS if span >= (3.0 if u[1] > 1.0 else slack) * u[1]), UNITS[-1])


def told(time: float, unit: str, seconds: float) -> str:
    """A time [s] with its unit, as "1.67 min" or "1000 s"; in a smaller unit below half of that."""
    value = time / seconds
    if 0.0 < value < 0.5:
        return clock(time)
    return f"{value:.0f} {unit}" if abs(value) >= 99.95 else f"{value:.3g} {unit}"


def clock(time: float) -> str:
    """A time by itself [s], in the unit that fits it."""
    return told(time, *unit_of(time))
