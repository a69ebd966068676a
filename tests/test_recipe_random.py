"""Whatever stands in a recipe, it is read or refused in one sentence."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import Recipe, parse_recipe, reaches_growth, temperature_law_warnings
from kmcgrowth.recipe.loading import read_tree

FIXED = settings(derandomize=True, max_examples=60, deadline=None)

VALID = """
material = "InAs"
[flask]
volume = "7.5 mL"
temperature = [["0 min", "25 degC"], ["10 min", "300 degC"]]
contents = { MSC = "1 mM" }
recovery_time = "20 s"
[[seeds]]
diameter = "2.5 nm"
relative_std = 0.12
concentration = "0.1 mM"
[[injection]]
rate = [["1 min", "1 mL/min"], ["2 min", "0 mL/min"]]
volume = "9 mL"
contents = { AMC = "3.2 mM" }
[[injection]]
start = "3 min"
volume = "1 mL"
temperature = "20 degC"
[[withdrawal]]
time = "5 min"
volume = "0.1 mL"
[species.AMC]
atoms = { In = 23, As = 22 }
[species.In]
atoms = { In = 1 }
[species.MSC]
formula_units = 22
[[reaction]]
equation = "AMC -> MSC + In"
rate = "8.3e-3 / min"
at = "70 degC"
activation_energy = "1.11 eV"
[[reaction]]
equation = "MSC -> 22 monomer"
rate = "1 / s"
release = "stepwise"
[[reaction]]
equation = "MSC + In <=> AMC"
rate = "1 / M / s"
equilibrium_constant = "1 / M"
orders = { MSC = 1, In = 1 }
[[loss]]
species = "monomer"
rate = "1e-6 / s"
[[sticking]]
species = "MSC"
diffusion = "500 nm^2/s"
probability = 0.5
[growth]
law = "talapin"
surface_rate = { value = "1 nm/s", exponent = 1.5, reference_diameter = "3 nm" }
solubility = { value = "1 uM", at = "300 degC", activation_energy = "0.8 eV" }
[nucleation]
law = "cluster"
species = "MSC"
rate = "1e-5 / s"
[simulation]
duration = "2 hours"
seed = 1
"""

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "300 degC",
            "-1 mL",
            "0 s",
            "1 s",
            "1e999 s",
            "inf",
            "5",
            "2 nm",
            "1 mM",
            "monomer",
            "MSC",
            "x.csv",
            "A -> B",
            "MSC -> 22 monomer",
            "22 monomer <=> MSC",
            "1 M^21",
            "exact",
            "normal",
            "stepwise",
            "1 / s",
            "1e300 eV",
            "\n",
            "1\u2028mL",
            "-> ->",
            "1 /",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 3), st.just(10**400), st.floats(), TEXTS, st.datetimes()
)
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "title",
            "material",
            "flask",
            "volume",
            "temperature",
            "contents",
            "rate",
            "species",
            "atoms",
            "value",
            "at",
            "activation_energy",
            "law",
            "reaction",
            "seeds",
            "simulation",
            "duration",
            "growth",
            "monomer",
            "MSC",
        ]
    ),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=8,
)


def read(tree: dict[str, Any]) -> None:
    """Read a tree as if it had been parsed from TOML; anything but a recipe or one sentence fails."""
    try:
        recipe = read_tree(copy.deepcopy(tree), text="")
        assert isinstance(recipe, Recipe)
        temperature_law_warnings(recipe)
        reaches_growth(recipe)
    except BadInput as error:
        sentence = str(error)
        assert sentence.isprintable(), repr(sentence)
        assert sentence.endswith((".", "?")) and len(sentence) < 500


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of every value in a tree."""
    found = [path] if path else []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


def change(tree: dict[str, Any], path: tuple[Any, ...], how: str, value: Any) -> None:
    node: Any = tree
    for key in path[:-1]:
        node = node[key]
    if how == "drop":
        del node[path[-1]]
    elif how == "rename" and isinstance(node, dict):
        node[str(value)] = node.pop(path[-1])
    elif how == "repeat" and isinstance(node, list):
        node.append(copy.deepcopy(node[path[-1]]))
    else:
        node[path[-1]] = value


BASE = tomllib.loads(VALID)
PLACES = places(BASE)


def test_the_base_is_valid() -> None:
    assert reaches_growth(parse_recipe(VALID))


@given(st.dictionaries(KEYS, TREES, max_size=8))
@FIXED
def test_random_trees(tree: dict[str, Any]) -> None:
    read(tree)


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "drop", "rename", "repeat"]), TREES),
        min_size=1,
        max_size=2,
    )
)
@settings(FIXED, max_examples=200)
def test_random_mutations(mutations: list[tuple[tuple[Any, ...], str, Any]]) -> None:
    tree = copy.deepcopy(BASE)
    for path, how, value in mutations:
        try:
            change(tree, path, how, value)
        except (KeyError, IndexError, TypeError):  # the first mutation took the place away
            return
    read(tree)


@given(st.integers(0, len(VALID) - 1), st.text(max_size=4))
@FIXED
def test_random_typing(place: int, text: str) -> None:
    try:
        assert isinstance(parse_recipe(VALID[:place] + text + VALID[place + 1 :]), Recipe)
    except BadInput as error:
        assert str(error).isprintable()


@given(st.text(max_size=30) | st.sampled_from([".".join(map(str, p)) for p in PLACES]), st.one_of(SCALARS, TREES))
@FIXED
def test_random_changes(key: str, value: Any) -> None:
    try:
        parse_recipe(VALID, changes={key: value})
    except BadInput as error:
        assert str(error).isprintable()


@given(
    st.text(max_size=60)
    | st.from_regex(r"(time_s,temperature_C\n)?([0-9.,na-]{0,6},[0-9.]{0,4}\n){0,4}", fullmatch=True)
)
@FIXED
def test_random_csv(text: str) -> None:
    recipe = 'material = "InAs"\n[flask]\nvolume = "1 mL"\ntemperature = "x.csv"\n[simulation]\nduration = "1 s"\n'
    try:
        parse_recipe(recipe, files={"x.csv": text})
    except BadInput as error:
        assert str(error).isprintable() and str(error).startswith("flask.temperature: ")


def test_no_other_error_type_escapes() -> None:
    """pydantic's errors never reach the caller."""
    assert not issubclass(BadInput, ValidationError)
