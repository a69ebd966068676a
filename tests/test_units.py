"""Quantities from text; expected values from the SI definitions of the units."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmcgrowth.errors import BadInput
from kmcgrowth.units import DIMENSIONS, conversion, describe, quantity, shown

FIXED = settings(derandomize=True, max_examples=200, deadline=None)
N_A, E = 6.02214076e23, 1.602176634e-19


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("6 mL/hour", "m^3/s", 6e-6 / 3600),
        ("0.1 mL/min", "m^3/s", 1e-7 / 60),
        ("7.5mL", "m^3", 7.5e-6),
        ("300 degC", "K", 573.15),
        ("300 °C", "K", 573.15),
        ("300 ℃", "K", 573.15),
        ("−20 ℃", "K", 253.15),
        ("5 cc", "m^3", 5e-6),
        ("6 cc/min", "m^3/s", 1e-7),
        ("-20 degC", "K", 253.15),
        ("212 degF", "K", 373.15),
        ("573.15 K", "K", 573.15),
        ("3.2 mM", "mol/m^3", 3.2),
        ("1 uM", "mol/m^3", 1e-3),
        ("1 µM", "mol/m^3", 1e-3),
        ("1 mol/L", "mol/m^3", 1e3),
        ("6.02214076e17 molecules/cm^3", "mol/m^3", 1.0),
        ("0.15 J/m^2", "J/m^2", 0.15),
        ("150 mN/m", "J/m^2", 0.15),
        ("1e3 nm^2/s", "m^2/s", 1e-15),
        ("1e3 nm²/s", "m^2/s", 1e-15),
        ("1e-6 cm^2 s^-1", "m^2/s", 1e-10),
        ("8.3e-3 / min", "1/s", 8.3e-3 / 60),
        ("1e31 / m^3 / s", "1/m^3/s", 1e31),
        ("1 cm^-3 s^-1", "1/m^3/s", 1e6),
        ("1e3 / M / s", "m^3/mol/s", 1.0),
        ("1e3 / (M s)", "m^3/mol/s", 1.0),
        ("1 / M^0.5 / s", "(mol/m^3)^(-0.5)/s", 1000**-0.5),
        ("1.11 eV", "J/molecule", 1.11 * E),
        ("18.6 kJ/mol", "J/molecule", 18600 / N_A),
        ("1 kcal/mol", "J/molecule", 4184 / N_A),
        ("9e-4 / K", "1/K", 9e-4),
        ("9e-4 / degC", "1/K", 9e-4),
        ("2 hours", "s", 7200.0),
        ("275 min", "s", 16500.0),
        ("25 Å", "m", 2.5e-9),
        ("55.59 angstrom^3", "m^3", 55.59e-30),
        ("100_000 nm", "m", 1e-4),
        ("2.5", "1", 2.5),
        (2, "1", 2.0),
    ],
)
def test_values(text: object, dimension: str, value: float) -> None:
    assert quantity(text, dimension) == pytest.approx(value, rel=1e-12, abs=0.0)


def test_common_units_leave_no_round_off() -> None:
    assert quantity("300 degC", "K") == 573.15
    assert conversion("mL", "m^3") == (1e-6, 0.0)


def test_infinite_only_where_it_makes_sense() -> None:
    assert quantity("inf", "m/s", infinite=True) == math.inf
    assert quantity(math.inf, "m/s", infinite=True) == math.inf
    for text in ("inf", "-inf", "inf m/s", math.inf, math.nan, "1e999 m/s"):
        with pytest.raises(BadInput):
            quantity(text, "m/s", infinite=text in ("-inf", "inf m/s"))


@pytest.mark.parametrize(
    ("text", "dimension", "fragment"),
    [
        ("7.5 minutes", "m^3", '"7.5 minutes" is a time, but a volume is needed, for example "7.5 mL".'),
        ("7.5", "m^3", "has no unit"),
        (7.5, "m^3", "has no unit"),
        (True, "1", "is not a quantity"),
        ([1], "m", "is not a quantity"),
        ("300 C", "K", "is an electric charge"),
        ("5 units", "m", "unknown unit"),
        ("1 nm; import os", "m", "unknown unit"),
        ("1 __import__", "m", "unknown unit"),
        ("1 m**9**9**9", "m", "unknown unit"),
        ("1 dBm", "s", "unknown unit"),
        ("5 mL", "1", "is a volume"),
        ("nan s", "s", "is not a number with a unit"),
        ("2 g", "(mol/m^3)^(-0.5)/s", 'a rate constant of order 1.5 is needed, for example "1 / M^0.5 / s"'),
    ],
)
def test_mistakes(text: object, dimension: str, fragment: str) -> None:
    with pytest.raises(BadInput) as caught:
        quantity(text, dimension, "a.b")
    assert str(caught.value).startswith("a.b: ")
    assert fragment in str(caught.value)


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
def test_every_example_is_right(dimension: str) -> None:
    value = quantity(describe(dimension)[1], dimension)
    assert math.isfinite(value) and value > 0


@given(st.floats(1e-30, 1e30), st.sampled_from([("mL", "m^3"), ("nm^2/s", "m^2/s"), ("eV", "J/molecule")]))
@FIXED
def test_linear_in_the_number(number: float, kind: tuple[str, str]) -> None:
    """The unit is converted once; the number only multiplies it."""
    unit, dimension = kind
    assert quantity(f"{number!r} {unit}", dimension) == pytest.approx(
        number * quantity(f"1 {unit}", dimension), rel=1e-13, abs=0.0
    )


@given(
    st.one_of(st.text(max_size=40), st.from_regex(r"[0-9.e+-]{1,8} ?[A-Za-z/^*()0-9 ·²-]{0,20}", fullmatch=True)),
    st.sampled_from(sorted(DIMENSIONS)),
)
@FIXED
def test_any_text_gives_a_finite_number_or_one_sentence(text: str, dimension: str) -> None:
    try:
        assert math.isfinite(quantity(text, dimension, "key"))
    except BadInput as error:
        assert str(error).startswith("key: ") and "\n" not in str(error) and str(error).endswith(".")


@given(st.text())
@FIXED
def test_shown_is_one_short_line(text: str) -> None:
    assert len(shown(text)) <= 61
    assert shown(text).isprintable()
