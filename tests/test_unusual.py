"""What is possible but seldom meant is a warning that names the key."""

from __future__ import annotations

import pytest

import kmcgrowth as kg
from kmcgrowth.recipe import shipped_recipes, unusual

NAME = "inas_continuous_injection"


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_what_ships_is_usual(name: str) -> None:
    assert unusual(kg.load_recipe(name)) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("flask.temperature", "573 degC", "a temperature above 400 degC"),
        ("flask.temperature", "57 K", "a temperature below -20 degC"),
        ("flask.volume", "75 L", "a volume above 10 L"),
        ("injection.0.volume", "900 mL", "120 times the liquid in the flask"),
        ("seeds.0.diameter", "25 nm", "above 20 nm"),
        ("seeds.0.concentration", "2 mM", "above 1 mM"),
        ("reaction.0.activation_energy", "6 eV", "above 5 eV"),
    ],
)
def test_one_warning_names_the_key(key: str, value: str, said: str) -> None:
    (sentence,) = unusual(kg.load_recipe(NAME, changes={key: value}))
    assert sentence.startswith(key.removesuffix(".activation_energy")) and said in sentence
