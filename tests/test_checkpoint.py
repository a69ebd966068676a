"""Checkpoints: nested values go to disk and back bit for bit, without pickle."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmcgrowth import checkpoint
from kmcgrowth.errors import BadInput

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10)
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4)
    | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    | st.dictionaries(st.just("__kind__"), inner, max_size=1),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(trees)
def test_any_nested_value_comes_back(value: Any) -> None:
    back = checkpoint.decode(*checkpoint.encode(value))
    assert back == value
    assert repr(back) == repr(value)  # True is not 1, a tuple is no list


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u8", "i4", "u1", "?", "U5"])
def test_arrays_keep_type_shape_and_bits(dtype: str, tmp_path: Path) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
    path = tmp_path / "x.ckpt"
    checkpoint.write(path, {"a": array, "empty": array[:0], "scalar": array.dtype.type(1), "point": np.array(7.5)})
    back = checkpoint.read(path)
    for found, given_ in ((back["a"], array), (back["empty"], array[:0])):
        assert found.dtype == given_.dtype and found.shape == given_.shape
        assert found.tobytes() == given_.tobytes()
    assert type(back["scalar"]) is array.dtype.type
    assert back["point"].shape == ()


def test_numbers_that_text_often_loses(tmp_path: Path) -> None:
    values = {"big": 2**200 + 1, "tiny": 5e-324, "third": 1 / 3, "minus zero": -0.0, "inf": math.inf, "nan": math.nan}
    checkpoint.write(tmp_path / "x", values)
    back = checkpoint.read(tmp_path / "x")
    assert back["big"] == 2**200 + 1
    assert back["tiny"] == 5e-324 and back["third"] == 1 / 3 and back["inf"] == math.inf
    assert math.copysign(1.0, back["minus zero"]) == -1.0
    assert math.isnan(back["nan"])


@pytest.mark.parametrize("name", ["SFC64", "PCG64", "PCG64DXSM", "MT19937", "Philox"])
def test_generators_go_on_where_they_were(name: str, tmp_path: Path) -> None:
    one = np.random.Generator(getattr(np.random, name)(3))
    one.random(7, dtype=np.float32)  # leaves half a word behind
    checkpoint.write(tmp_path / "x", one.bit_generator.state)
    other = np.random.Generator(getattr(np.random, name)(4))
    other.bit_generator.state = checkpoint.read(tmp_path / "x")
    assert other.random(5, dtype=np.float32).tolist() == one.random(5, dtype=np.float32).tolist()
    assert other.integers(2**63, size=20).tolist() == one.integers(2**63, size=20).tolist()


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([None]), b"bytes", {"x": lambda: 0}])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="checkpoint"):
        checkpoint.encode(value)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    checkpoint.write(path, {"a": 1})
    with pytest.raises(TypeError):
        checkpoint.write(path, {"a": object()})
    assert checkpoint.read(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.ckpt"]


def test_damaged_and_foreign_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    checkpoint.write(path, {"a": np.arange(1000)})
    whole = path.read_bytes()
    pickled = tmp_path / "p.npz"
    np.savez(pickled, tree=np.array([{"a": 1}], dtype=object))
    for content in (b"", b"hello", whole[:200], whole[:-30], whole.replace(b"format", b"farmot"), pickled.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="afresh") as caught:
            checkpoint.read(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        checkpoint.read(tmp_path / "none")


def test_nothing_is_pickled(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    checkpoint.write(path, {"a": np.arange(3), "b": [1, "x"]})
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                np.lib.format.read_array(file, allow_pickle=False)
