"""Every recipe in tests/wrong is refused in one sentence that names the key and says what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import load_recipe, parse_recipe, reaches_growth

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.toml"))


def expected(path: Path) -> tuple[str, str]:
    """Key and fragment of the sentence, from the first line of a file."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    key, fragment = first.removeprefix("# expect: ").split(" | ")
    return key, fragment


def test_there_are_enough() -> None:
    assert len(WRONG) >= 20


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_one_sentence(path: Path) -> None:
    key, fragment = expected(path)
    with pytest.raises(BadInput) as caught:
        reaches_growth(load_recipe(path))
    sentence = str(caught.value)
    assert sentence.startswith(f"{key}: ")
    assert fragment in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    assert len(sentence) < 300


def test_sentences_of_the_design() -> None:
    """The wording that other parts and the documentation quote."""
    folder = Path(__file__).parent / "wrong"
    for name, sentence in {
        "volume_is_a_time": 'flask.volume: "7.5 minutes" is a time, but a volume is needed, for example "7.5 mL".',
        "unknown_key": 'injection.0.rat: unknown key; did you mean "rate"?',
        "unbalanced": 'reaction.0: "AMC -> 21 monomer" does not balance: '
        "22 formula units on the left, 21 on the right.",
    }.items():
        with pytest.raises(BadInput) as caught:
            load_recipe(folder / f"{name}.toml")
        assert str(caught.value) == sentence


def test_missing_file_suggests_a_name() -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        load_recipe("no_such_recipe.toml")
    with pytest.raises(BadInput, match="no such file"):
        load_recipe("\0")


def test_folder_and_binary(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        load_recipe(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00title")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_recipe(tmp_path / "x.toml")


@pytest.mark.parametrize("text", ["[" * 5000, "x = " + "[" * 5000, "a" + ".a" * 3000 + " = 1", "x = " + "9" * 5000])
def test_absurd_toml(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_recipe(text)
    assert "\n" not in str(caught.value)
