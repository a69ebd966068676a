"""Values that are possible, but seldom meant: warnings of ``kmcgrowth check``."""

from __future__ import annotations

from collections.abc import Iterator

from kmcgrowth.recipe.checks import laws, temperature_range
from kmcgrowth.recipe.problems import key_text
from kmcgrowth.recipe.schema import Recipe
from kmcgrowth.units import quantity

_LIMITS = {  # dimension -> (what, least, most) of what a laboratory usually has
    "K": ("a temperature", "-20 degC", "400 degC"),
    "m^3": ("a volume", "10 uL", "10 L"),
    "m": ("a mean diameter", "0.8 nm", "20 nm"),
    "mol/m^3": ("a concentration of particles", "1 pM", "1 mM"),
    "J/molecule": ("an activation energy", "-5 eV", "5 eV"),
}
MOST_SYRINGE = 100.0
"""A syringe larger than so many flasks is worth a question [dimensionless]."""


def unusual(recipe: Recipe) -> list[str]:
    """Sentences about values that hint at a slip in a unit, one each."""
    found = []
    for key, dimension, value in _values(recipe):
        what, least, most = _LIMITS[dimension]
        for limit, word, beyond in ((least, "below", value.__lt__), (most, "above", value.__gt__)):
            if beyond(quantity(limit, dimension)):
                found.append(f"{key}: {what} {word} {limit} is unusual; check the unit.")
    for i, syringe in enumerate(recipe.injection):
        ratio = syringe.volume / recipe.flask.volume
        if ratio > MOST_SYRINGE:
            found.append(f"injection.{i}.volume: the syringe holds {ratio:.3g} times the liquid in the flask; "
                         "check the units of both volumes.")
    return found


def _values(recipe: Recipe) -> Iterator[tuple[str, str, float]]:
    """Key, dimension and value of what is looked at."""
    yield "flask.volume", "m^3", recipe.flask.volume
    for temperature in dict.fromkeys(temperature_range(recipe)):
        yield "flask.temperature", "K", temperature
    for i, seeds in enumerate(recipe.seeds):
        if seeds.diameter is not None:
            yield f"seeds.{i}.diameter", "m", seeds.diameter
        yield f"seeds.{i}.concentration", "mol/m^3", seeds.concentration
    for path, law in laws(recipe):
        yield f"{key_text(path)}, activation energy", "J/molecule", law.activation_energy
