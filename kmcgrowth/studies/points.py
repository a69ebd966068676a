"""The points of a study: what each changes in the recipe, and the name that its parameters give it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe import Recipe
from kmcgrowth.recipe.changes import read_value, split_key
from kmcgrowth.recipe.loading import complete_tree, read_toml, read_tree
from kmcgrowth.studies.axes import Axis
from kmcgrowth.studies.study import Study

KEY_BYTES = 16
_ROOM = 1 << 256


@dataclass(frozen=True)
class Point:
    """One set of parameters.

    Attributes
    ----------
    number : int, its place in the study
    key : str, 32 hexadecimal digits that stand for the whole recipe of the point and the method
    changes : dotted key -> value, in the recipe
    """

    number: int
    key: str
    changes: dict[str, Any]

    @property
    def words(self) -> tuple[int, ...]:
        """The key as four words, with which the random streams of the point are spawned."""
        return tuple(int(self.key[i : i + 8], 16) for i in range(0, 2 * KEY_BYTES, 8))


class Points:
    """All points of a study, made when they are asked for.

    Parameters
    ----------
    study : Study
    seed : int, of the study

    Notes
    -----
    A point is named by its complete recipe, the material's defaults included, not by what the study writes of it: one
    more axis that holds the recipe's own value leaves the names of the points with that value as they were. Names are
    sums of hashes over the keys of the recipe, so that the name of a point costs one addition for each axis.
    """

    def __init__(self, study: Study, seed: int) -> None:
        self.study, self.seed = study, seed
        self._tree = read_toml(study.recipe_text)

    # -- places ------------------------------------------------------------------------------------

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the study."""
        return self.study.axes

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Points along every axis, or their number where the axes do not cross."""
        if self.study.sampling is not None:
            return (len(self.sample),)
        if self.study.mode == "zip":
            return (len(self.axes[0].values),)
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        total = 1
        for n in self.shape:
            total *= n
        return total

    @cached_property
    def sample(self) -> NDArray[np.float64]:
        """Shares of the ranges, (points, axes)."""
        from scipy.stats import qmc

        sampling, d = self.study.sampling, len(self.axes)
        assert sampling is not None
        if sampling.design == "latin-hypercube":
            return np.asarray(qmc.LatinHypercube(d, rng=self.seed).random(sampling.number))
        if sampling.design == "sobol":
            return _sobol(qmc.Sobol(d, rng=self.seed), sampling.number)
        # Saltelli's design: A, B, and A with one column of B at a time
        both = _sobol(qmc.Sobol(2 * d, rng=self.seed), sampling.number)
        a, b = both[:, :d], both[:, d:]
        mixed = np.repeat(a[None], d, axis=0)
        for i in range(d):
            mixed[i, :, i] = b[:, i]
        return np.concatenate([a, b, mixed.reshape(-1, d)])

    def place(self, number: int) -> tuple[int, ...]:
        """Steps along the axes."""
        return tuple(int(i) for i in np.unravel_index(number, self.shape))

    def changes(self, number: int) -> dict[str, Any]:
        """What a point changes, besides what all change."""
        if self.study.sampling is not None:
            shares = self.sample[number]
            parts = [axis.sampled(float(x)) for axis, x in zip(self.axes, shares, strict=True)]
        else:
            place = self.place(number)
            steps = place * len(self.axes) if self.study.mode == "zip" else place
            parts = [axis.changes(i) for axis, i in zip(self.axes, steps, strict=True)]
        return {key: value for part in parts for key, value in part.items()}

    def __getitem__(self, number: int) -> Point:
        if not 0 <= number < len(self):
            raise IndexError(number)
        changes = self.changes(number)
        return Point(number, self._key(number, changes), self.study.changes | changes)

    def __iter__(self) -> Iterator[Point]:
        return (self[i] for i in range(len(self)))

    # -- names -------------------------------------------------------------------------------------

    @cached_property
    def _complete(self) -> dict[str, Any]:
        """The tree of the recipe as all points share it."""
        return self._completed({})

    def _completed(self, changes: dict[str, Any]) -> dict[str, Any]:
        tree = copy.deepcopy(self._tree)
        complete_tree(tree, self.study.changes | changes)
        for name in ("title", "source"):
            tree.pop(name, None)
        simulation = tree["simulation"]
        # the study has a seed of its own, and summaries have no history
        simulation.pop("seed", None)
        if self.study.record == "summaries":
            simulation.pop("snapshots", None)
        if self.study.method is not None:
            simulation["method"] = self.study.method
        return tree

    @cached_property
    def _base(self) -> int:
        return _sum_of_hashes(self._complete, ()) + _sum_of_hashes(self.study.recipe_files, ("files",))

    def _whole(self, changes: dict[str, Any]) -> int:
        """Sum of the hashes of all keys of a point's recipe."""
        tree = self._completed(changes)
        return _sum_of_hashes(tree, ()) + _sum_of_hashes(self.study.recipe_files, ("files",))

    def _change(self, changes: dict[str, Any]) -> int:
        """What changes add to the sum if each sets one key and does nothing else."""
        total = 0
        for key, value in changes.items():
            path = tuple(split_key(key))
            total += _sum_of_hashes(read_value(value), path) - _sum_of_hashes(_at(self._complete, path), path)
        return total

    @cached_property
    def _steps(self) -> list[list[int]]:
        return [[self._change(axis.changes(i)) for i in range(len(axis.values))] for axis in self.axes]

    def _sum(self, number: int, changes: dict[str, Any]) -> int:
        if self.study.sampling is not None:
            return self._base + self._change(changes)
        place = self.place(number)
        if self.study.mode == "zip":
            place = place * len(self.axes)
        return self._base + sum(step[i] for step, i in zip(self._steps, place, strict=True))

    @cached_property
    def _adds_up(self) -> bool:
        """Whether each change sets one key and does nothing else: a law may turn a plain value into a table."""
        last = len(self) - 1
        some = {i: self.changes(i) for i in (0, last // 3, last // 2, last)}
        return all(self._sum(i, changes) == self._whole(changes) for i, changes in some.items())

    def _key(self, number: int, changes: dict[str, Any]) -> str:
        total = self._sum(number, changes) if self._adds_up else self._whole(changes)
        return hashlib.sha256((total % _ROOM).to_bytes(32, "big")).hexdigest()[: 2 * KEY_BYTES]

    # -- recipes -----------------------------------------------------------------------------------

    def recipe(self, point: Point) -> Recipe:
        """The checked recipe of a point.

        Raises
        ------
        BadInput : one sentence that names the key.
        """
        return read_tree(
            copy.deepcopy(self._tree), text=self.study.recipe_text, directory=self.study.recipe_folder or None,
            files=self.study.recipe_files, changes=point.changes,
        )

    @property
    def recipe_seed(self) -> int | None:
        """The seed in the recipe's file."""
        seed = self._tree.get("simulation", {}).get("seed")
        return None if seed is None else int(seed)

    def check(self) -> dict[str, str]:
        """Read the recipe with each value of each axis once, and the first point; the CSV files that were read.

        Raises
        ------
        BadInput : one sentence that names the axis.
        """
        first = Point(0, "", self.study.changes | self.changes(0))
        files = dict(self.recipe(first).files)
        for axis in self.axes:
            steps = range(len(axis.values)) if axis.values else (0.0, 1.0)
            for step in steps:
                part = axis.changes(int(step)) if axis.values else axis.sampled(float(step))
                try:
                    files |= self.recipe(Point(0, "", first.changes | part)).files
                except BadInput as error:
                    raise BadInput(f"axes: with {_written(part)}: {error}") from None
        return files


def _written(changes: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in changes.items())


def _sobol(sampler: Any, number: int) -> NDArray[np.float64]:
    """As many points as asked for; beyond a power of two the balance of the sequence is not perfect, but no worse."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(sampler.random(number))


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    """What stands at a place of a tree, {} where there is nothing."""
    for part in path:
        if isinstance(tree, list):
            tree = tree[int(part)] if part.isdigit() and int(part) < len(tree) else {}
        elif isinstance(tree, dict):
            tree = tree.get(part, {})
        else:
            return {}
    return tree


def _sum_of_hashes(value: Any, path: tuple[str, ...]) -> int:
    if isinstance(value, dict):
        return sum(_sum_of_hashes(v, (*path, str(k))) for k, v in value.items())
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return sum(_sum_of_hashes(v, (*path, str(i))) for i, v in enumerate(value))
    text = json.dumps([path, value], ensure_ascii=False, sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


__all__ = ["Point", "Points"]
