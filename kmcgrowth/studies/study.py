"""A study file: a recipe, what is varied in it, and how often."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, ValidationInfo

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe.changes import split_key
from kmcgrowth.recipe.fields import Part, Text, amount, choice, number, whole
from kmcgrowth.recipe.loading import read_file, read_toml
from kmcgrowth.recipe.problems import Wrong, first_problem, key_text
from kmcgrowth.recipe.schema import METHODS
from kmcgrowth.studies.axes import MOST, Axis, read_axis
from kmcgrowth.units import shown

RECORDS = ("datasets", "summaries")
MODES = ("cross", "zip")
DESIGNS = ("sobol", "latin-hypercube", "sensitivity")

_BYTES = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def _memory(given: Any) -> float:
    number, _, unit = str(given).strip().partition(" ")
    try:
        return float(number) * _BYTES[unit.strip().upper()]
    except (ValueError, KeyError):
        raise Wrong(f'{shown(given)} is not an amount of memory; write one such as "2 GB".') from None


class Sampling(Part):
    """Points that are drawn from ranges instead of being crossed.

    Attributes
    ----------
    design : "sobol" (quasi-random), "latin-hypercube", or "sensitivity" (Saltelli's design for Sobol indices)
    number : int, points; for "sensitivity" the base sample n of n (d + 2) points for d axes
    """

    keys: ClassVar = ("design", "number")
    needs: ClassVar = {"number": "say how many points are to be drawn."}
    design: Annotated[str, choice(*DESIGNS)] = "sobol"
    number: Annotated[int, whole(2, MOST)]


class Limits(Part):
    """When a point is given up.

    Attributes
    ----------
    wall_time : float [s]
    events : float
    memory : float, of the whole worker [bytes]
    """

    keys: ClassVar = ("wall_time", "events", "memory")
    wall_time: Annotated[float, amount("s", above=0.0)] | None = None
    events: Annotated[float, number(lambda x: x >= 1.0, "a number of at least 1")] | None = None
    memory: float | None = None

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Memory is read here, as no flask has any."""
        if "memory" in data:
            try:
                data["memory"] = _memory(data["memory"])
            except Wrong as wrong:
                raise Wrong(wrong.sentence, "memory") from None
        return data


class Slurm(Part):
    """What the batch system is asked for; each is passed on as it is.

    Attributes
    ----------
    jobs : int, of the array
    cpus : int, of each job, which runs as many workers
    partition, account, time, memory, qos, constraint : str
    setup : str, shell lines run before, for example "module load python"
    """

    keys: ClassVar = ("jobs", "cpus", "partition", "account", "time", "memory", "qos", "constraint", "setup")
    jobs: Annotated[int, whole(1, 100_000)] = 10
    cpus: Annotated[int, whole(1, 1024)] = 1
    partition: Text | None = None
    account: Text | None = None
    time: Text | None = None
    memory: Text | None = None
    qos: Text | None = None
    constraint: Text | None = None
    setup: Text = ""


class Study(Part):
    """A study, complete and checked; the recipe itself is not read yet.

    Attributes
    ----------
    title, source : str
    recipe : str, name of the recipe as written
    method : str or None, engine for all points, by default the recipe's
    replicates : int
    record : "datasets" or "summaries"
    mode : "cross" or "zip"
    seed : int or None
    changes : dotted key -> value, set in the recipe for all points
    axes : tuple of Axis
    sampling : Sampling or None
    limits : Limits
    slurm : Slurm
    text : str, as written
    recipe_text, recipe_files, recipe_folder : the recipe's file, the CSV files it reads and where they are looked up
    """

    keys: ClassVar = ("title", "source", "recipe", "method", "replicates", "record", "mode", "seed", "changes", "axes",
                      "sampling", "limits", "slurm")
    needs: ClassVar = {
        "recipe": 'name the recipe that is varied, for example recipe = "inas_continuous_injection".',
        "axes": 'write an [axes] table with what is varied: "injection.0.rate" = ["2 mL/hour", "6 mL/hour"].',
    }
    title: Text = ""
    source: Text | None = None
    recipe: Text
    method: Annotated[str, choice(*METHODS)] | None = None
    replicates: Annotated[int, whole(1, 100_000)] = 1
    record: Annotated[str, choice(*RECORDS)] = "datasets"
    mode: Annotated[str, choice(*MODES)] = "cross"
    seed: Annotated[int, whole(0, 2**63 - 1)] | None = None
    changes: dict[str, Any] = Field(default_factory=dict)
    axes: tuple[Axis, ...]
    sampling: Sampling | None = None
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))
    slurm: Slurm = Field(default_factory=lambda: Slurm.model_validate({}))
    text: str = Field(default="", repr=False)
    recipe_text: str = Field(default="", repr=False)
    recipe_files: dict[str, str] = Field(default_factory=dict, repr=False)
    recipe_folder: str = ""

    @property
    def repeats(self) -> int:
        """Runs of a point: those of the balance are all the same."""
        return 1 if self.method == "balance" else self.replicates

    @classmethod
    def prepare(cls, data: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Axes from their table, and keys that get in each other's way."""
        for table in ("axes", "changes"):
            if not isinstance(data.get(table, {}), Mapping):
                raise Wrong(f"{shown(data[table])} is not a table; write keys of the recipe and their values.", table)
        sampled = "sampling" in data
        _power_of_two(data.get("sampling"))
        if sampled and "mode" in data:
            raise Wrong("has no meaning where the points are sampled; leave it or [sampling] out.", "mode")
        axes = []
        for key, given in data["axes"].items():
            try:
                axes.append(read_axis(key, given, sampled))
            except BadInput as error:
                raise Wrong(str(error), "axes") from None
            except Wrong as wrong:
                raise Wrong(wrong.sentence, "axes", key, *wrong.path) from None
        if not axes:
            raise Wrong(cls.needs["axes"], "axes")
        data["axes"] = tuple(axes)
        data["changes"] = {str(key): value for key, value in data.get("changes", {}).items()}
        _apart(axes, data["changes"])
        if data.get("mode") == "zip" and len({len(axis.values) for axis in axes}) > 1:
            numbers = ", ".join(str(len(axis.values)) for axis in axes)
            raise Wrong(f"axes that are zipped have as many values each; these have {numbers}.", "axes")
        if not sampled and _number(axes, data.get("mode")) > MOST:
            raise Wrong(f"the axes make more than {MOST} points.", "axes")
        return data


def _power_of_two(sampling: Any) -> None:
    """Refuse base samples that the estimates of Sobol indices cannot use whole."""
    if isinstance(sampling, Mapping) and sampling.get("design") == "sensitivity":
        number = sampling.get("number")
        if isinstance(number, int) and number > 1 and number & (number - 1):
            low = 1 << (number.bit_length() - 1)
            raise Wrong(f"{number} is not a power of two, which sensitivity needs; write {low} or {2 * low}.",
                        "sampling", "number")


def _number(axes: list[Axis], mode: Any) -> int:
    if mode == "zip":
        return len(axes[0].values)
    total = 1
    for axis in axes:
        total *= len(axis.values)
    return total


def _apart(axes: list[Axis], changes: Mapping[str, Any]) -> None:
    """Refuse keys of which one holds the other."""
    own = [(key, "axes") for axis in axes for key in axis.keys]
    paths = [(split_key(key), key, table) for key, table in [*own, *((key, "changes") for key in changes)]]
    for i, (path, key, table) in enumerate(paths):
        if path == ["simulation", "seed"]:
            raise Wrong("each point has its own seed; write seed = ... at the top of the study.", table, key)
        for other, name, _ in paths[:i]:
            short = min(len(path), len(other))
            if path[:short] == other[:short]:
                raise Wrong(f"changes what {key_text(split_key(name))} changes too; leave one of both out.", table, key)


def load_study(name: str | os.PathLike[str]) -> Study:
    """Read a study from a file, or one that ships with the package by its name.

    Raises
    ------
    BadInput : one sentence that names the key, or the file.
    """
    path, text = read_file(name, "study")
    return parse_study(text, directory=path.parent)


def parse_study(
    text: str,
    *,
    directory: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
    files: Mapping[str, str] | None = None,
) -> Study:
    """Read a study from TOML text.

    Parameters
    ----------
    text : TOML
    directory : folder in which the recipe is looked for, before those that ship
    recipe, files : text of the recipe and of the CSV files it reads, instead of looking for them

    Raises
    ------
    BadInput : one sentence that names the key, or the file.
    """
    tree = read_toml(text, "study")
    if "recipe" not in tree and "flask" in tree:
        raise BadInput('this is a recipe, not a study; a study names one: recipe = "...", and has [axes].')
    try:
        study = Study.model_validate(copy.deepcopy(tree))
    except ValidationError as error:
        raise first_problem(error) from None
    folder = ""
    if recipe is None:
        try:
            near = Path(directory or ".") / study.recipe
            path, recipe = read_file(near if near.is_file() else study.recipe)
        except BadInput as error:
            raise BadInput(f"recipe: {error}") from None
        folder = str(path.parent)
    return study.model_copy(update={
        "text": text, "recipe_text": recipe, "recipe_files": dict(files or {}), "recipe_folder": folder})


__all__ = ["DESIGNS", "MODES", "RECORDS", "Limits", "Sampling", "Slurm", "Study", "load_study", "parse_study"]
