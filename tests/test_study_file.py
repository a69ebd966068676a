"""Study files: what they may say, what they mean, and the sentence for what they may not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from studies import RECIPE, study_file

from kmcgrowth.errors import BadInput
from kmcgrowth.studies import load_study, parse_study
from kmcgrowth.studies.axes import Range
from kmcgrowth.studies.points import Points


def points(text: str, seed: int = 1) -> Points:
    return Points(parse_study(text, recipe=RECIPE), seed)


def test_axes_are_crossed_in_order(tmp_path: Path) -> None:
    study = load_study(study_file(tmp_path))
    found = Points(study, 5)
    assert found.shape == (3, 2) and len(found) == 6
    assert found[3].changes == {"injection.0.rate": "6 mL/hour", "flask.temperature": "300 degC"}
    assert len({p.key for p in found}) == 6 and all(len(p.key) == 32 for p in found)
    assert found.recipe(found[3]).changes == found[3].changes


def test_ranges_keep_their_unit_and_scale() -> None:
    assert Range(1.0, 100.0, "nm", log=True).written(0.5) == "10 nm"
    assert Range(180.0, 320.0, "degC").written(0.25) == "215 degC"
    assert Range(1, 10, whole=True).written(0.5) == 6 and Range(0.1, 0.3).written(1.0) == 0.3


def test_zipped_axes_move_together() -> None:
    found = points('''
recipe = "x"
mode = "zip"
[axes]
"injection.0.rate" = ["1 mL/hour", "2 mL/hour"]
"simulation.duration" = ["2 min", "1 min"]
''')
    assert [p.changes["simulation.duration"] for p in found] == ["2 min", "1 min"]


def test_companions_go_along_with_an_axis() -> None:
    found = points('''
recipe = "x"
[axes]
"flask.temperature" = ["250 degC", "300 degC"]
[axes."injection.0.rate"]
from = "1 mL/hour"
to = "4 mL/hour"
number = 3
scale = "log"
with = { "simulation.duration" = { from = "4 min", to = "1 min", scale = "log" } }
''')
    pairs = {(p.changes["injection.0.rate"], p.changes["simulation.duration"]) for p in found}
    assert pairs == {("1 mL/hour", "4 min"), ("2 mL/hour", "2 min"), ("4 mL/hour", "1 min")}


@pytest.mark.parametrize(("design", "number"), [("sobol", 16), ("latin-hypercube", 16), ("sensitivity", 16 * 4)])
def test_samples_fill_the_ranges_evenly(design: str, number: int) -> None:
    found = points(f'''
recipe = "x"
[axes]
"injection.0.rate" = {{ from = "1 mL/hour", to = "10 mL/hour", scale = "log" }}
"flask.temperature" = {{ from = "200 degC", to = "300 degC" }}
[sampling]
design = "{design}"
number = 16
''')
    assert len(found) == number
    first = np.array([float(str(p.changes["flask.temperature"]).split()[0]) for p in found])[:16]
    # one in each sixteenth, for the nets of Sobol and the squares of McKay alike
    assert sorted(np.floor((first - 200.0) / 100.0 * 16).astype(int)) == list(range(16))
    assert [p.key for p in found] == [p.key for p in points(found.study.text)]
    assert [p.key for p in found] != [p.key for p in points(found.study.text, seed=2)]


def test_points_are_named_by_what_they_are() -> None:
    plain = '''
recipe = "x"
[axes]
"injection.0.rate" = ["6 mL/hour", "2 mL/hour"]
'''
    one = {str(p.changes["injection.0.rate"]): p.key for p in points(plain)}
    # one more axis that holds the recipe's own value, and another order
    more = points(plain.replace('["6 mL/hour", "2 mL/hour"]', '["2 mL/hour", "6 mL/hour", "9 mL/hour"]')
                  + '"flask.temperature" = ["250 degC", "300 degC"]\n')
    same = {str(p.changes["injection.0.rate"]): p.key for p in more if p.changes["flask.temperature"] == "300 degC"}
    assert same.items() >= one.items()
    assert not {p.key for p in more if p.changes["flask.temperature"] == "250 degC"} & set(one.values())
    # whatever changes the result changes the name: the engine, other keys, the recipe
    for text in (plain.replace('recipe = "x"', 'recipe = "x"\nmethod = "balance"'),
                 plain + '[changes]\n"seeds.0.diameter" = "2.1 nm"\n'):
        assert not {p.key for p in points(text)} & set(one.values())
    # and what does not, does not
    titled = parse_study(plain, recipe=RECIPE.replace("[flask]", 'title = "another"\n[flask]', 1))
    assert {p.key for p in Points(titled, 1)} == set(one.values())


def test_names_add_up_or_are_made_one_by_one() -> None:
    """A law that turns a plain value into a table changes two keys at once."""
    text = '''
recipe = "x"
[axes]
"growth.diffusion.value" = ["1e3 nm^2/s", "2e3 nm^2/s"]
"growth.diffusion.activation_energy" = ["0.2 eV", "0.3 eV"]
'''
    recipe = RECIPE + '[growth]\ndiffusion = "1e3 nm^2/s"\n'
    found = Points(parse_study(text + '[changes]\n"growth.diffusion.at" = "300 degC"\n', recipe=recipe), 1)
    assert len({p.key for p in found}) == 4
    assert found[1].key == Points(parse_study(text + '[changes]\n"growth.diffusion.at" = "300 degC"\n',
                                              recipe=recipe), 1)._key(1, found.changes(1))


WRONG = {
    "axes is missing": 'recipe = "x"',
    "recipe is missing": "[axes]\n",
    "not a study": RECIPE,
    "axes: write": 'recipe = "x"\n[axes]\n',
    "did you mean": 'recipe = "x"\nreplicate = 2\n[axes]\n"a" = [1]',
    "stands there twice": 'recipe = "x"\n[axes]\n"a" = [1, 1]',
    "number: is missing": 'recipe = "x"\n[axes]\n"a" = { from = 1, to = 2 }',
    "another unit": 'recipe = "x"\n[axes]\n"a" = { from = "1 s", to = "2 min", number = 3 }',
    "above zero": 'recipe = "x"\n[axes]\n"a" = { from = 0, to = 2, number = 3, scale = "log" }',
    "changes too": 'recipe = "x"\n[axes]\n"seeds.0" = [1]\n"seeds.0.diameter" = ["2 nm"]',
    "own seed": 'recipe = "x"\n[axes]\n"simulation.seed" = [1, 2]',
    "as many values": 'recipe = "x"\nmode = "zip"\n[axes]\n"a" = [1]\n"b" = [1, 2]',
    "amount of memory": 'recipe = "x"\n[axes]\n"a" = [1]\n[limits]\nmemory = "2 nm"',
    "needed to go along": 'recipe = "x"\n[axes]\n"a" = { values = [1, 2], with = { "b" = [1] } }',
}


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_study_is_refused_in_one_sentence(said: str) -> None:
    with pytest.raises(BadInput) as error:
        parse_study(WRONG[said], recipe=RECIPE)
    sentence = str(error.value)
    words = said.split(" is missing")[0] if said.endswith("is missing") else said
    assert words in sentence and "\n" not in sentence and sentence.endswith((".", "?")), sentence


def test_a_value_that_the_recipe_refuses_is_found_before_anything_runs() -> None:
    found = points('recipe = "x"\n[axes]\n"injection.0.rate" = ["2 mL/hour", "3 nm"]\n')
    with pytest.raises(BadInput, match=r'with injection.0.rate = "3 nm": .*volume per time'):
        found.check()
