"""The dataset: what every engine hands back, how it is saved, loaded and compared."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth import intervals
from kmcgrowth.errors import BadInput
from kmcgrowth.files import atomic_path
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.physics.constants import N_A
from kmcgrowth.provenance import SCHEMA_VERSION, TRANSIENT, attributes, provenance_text
from kmcgrowth.report import history_csv, history_table, summary

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "MAX_SIZES", "ORIGINS", "POPULATIONS", "build", "differences", "history_csv", "history_table", "identical",
    "load", "provenance_text", "save", "summary",
]

ORIGINS = ("seed", "nucleated")
POPULATIONS = ("seed", "nucleated", "all")
PLACES = ("solution", "particles", "debt", "aliquot", "lost", "syringe")
MAX_SIZES = 8192
"""More distinct sizes than this are put in bins."""

Variable = tuple[tuple[str, ...], NDArray[Any], str, str]


def build(
    model: Model,
    history: Sequence[Counts] | Sequence[Sequence[Counts]],
    *,
    recipe_text: str,
    files: Mapping[str, str],
    seed: int | None,
    bit_generator: Any,
    method: str,
    wall_seconds: float,
    complete: bool,
    notes: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    title: str = "",
    source: str | None = None,
) -> xr.Dataset:
    """Put the snapshots of one run, or of several replicates, into a labelled dataset.

    Parameters
    ----------
    model : Model that the engine ran
    history : the ``Counts`` of one run in order of time, or a sequence of such sequences, one per replicate
        (then the result has a ``replicate`` dimension; times that not all replicates reached are left out)
    recipe_text, files, changes : the recipe, the CSV files it read (name -> contents), keys changed (key -> value)
    seed : None where the caller gave a generator; ``bit_generator``: its state(s), anything that JSON can hold
    method : engine; under ``balance`` the counts are expectations and there are no intervals
    wall_seconds : time in the engine [s]
    complete : whether the run reached its end
    notes : warnings for the reader
    title, source : as in the recipe

    Returns
    -------
    Dataset with the variables of the table in the reference: ``particle_count``, ``concentration`` [mol/L],
    ``temperature`` [K], ``volume`` and ``injected_volume`` of the flask [mL], ``supersaturation`` [1], per population
    ``mean_diameter`` [nm], ``relative_std`` [1] (of the particles, not of a sample), both NaN without particles, and
    ``number``; ``matter`` [atoms]; ``events``, ``born``, ``dissolved``, ``largest_debt``, and ``lost`` [molecules]
    where the recipe has loss channels; ``nucleated_share``, particles born per initial seed; and the 95 % intervals
    ``mean_diameter_ci``, ``relative_std_ci``, ``nucleated_share_ci`` of the mean over replicates, or, with one
    replicate, of what its finite number of particles can say.

    Raises
    ------
    ValueError
        If there is no snapshot that all replicates share.
    """
    import xarray as xr

    replicated = len(history) > 0 and not isinstance(history[0], Counts)
    runs: list[list[Counts]] = [list(h) for h in history] if replicated else [list(history)]  # type: ignore[arg-type]
    runs = _common(runs)
    first = runs[0]
    kinds = {np.asarray(n).dtype.kind for run in runs for c in run for n in (c.seed, c.nucleated)}
    number_type: Any = np.int64 if kinds <= {"i", "u"} else np.float64  # expected counts need not be whole

    def over(value: Callable[[Counts], Any], dtype: Any = np.float64) -> NDArray[Any]:
        return np.array([[value(c) for c in run] for run in runs], dtype=dtype)

    variables: dict[str, Variable] = {}

    def add(name: str, dims: tuple[str, ...], values: NDArray[Any], units: str, long_name: str) -> None:
        full = ("replicate", "time", *dims) if replicated else ("time", *dims)
        variables[name] = (full, values if replicated else values[0], units, long_name)

    def add_program(name: str, values: NDArray[Any], units: str, long_name: str) -> None:
        if np.all(values == values[0]):  # known in advance, the same in every replicate
            variables[name] = (("time",), values[0], units, long_name)
        else:
            add(name, (), values, units, long_name)

    count, size, bounds = _particle_counts(runs, number_type)
    add("particle_count", ("origin", "size"), count, "1", "particles in the simulated volume")
    names, shown = _reported_species(model)
    moles = over(lambda c: shown @ np.asarray(c.amounts, dtype=float) / (N_A * 1e3 * c.volume))
    add("concentration", ("species",), moles, "mol/L", "concentration in the flask")
    scale = model.flask_volume / model.control_volume
    add_program("temperature", over(lambda c: c.temperature), "K", "temperature of the flask")
    add_program("volume", over(lambda c: c.volume * scale * 1e6), "mL", "volume of the liquid in the flask")
    add_program("injected_volume", over(lambda c: c.injected_volume * 1e6), "mL", "volume injected so far")
    saturation = over(lambda c: c.supersaturation)
    add("supersaturation", (), saturation, "1", "mean-field monomer concentration over solubility")

    moments = over(lambda c: _moments(model, c))  # (replicate, time, population, 5)
    number, mean, m2, m3, m4 = np.moveaxis(moments, -1, 0)
    with np.errstate(invalid="ignore"):
        relative = np.sqrt(m2) / mean
    add("mean_diameter", ("population",), mean, "nm", "mean diameter")
    add("relative_std", ("population",), relative, "1", "standard deviation of the diameter over its mean")
    add("number", ("population",), number.astype(number_type), "1", "particles in the simulated volume")

    for name, long_name in (("events", "events so far"), ("born", "particles nucleated so far")):
        add(name, (), over(lambda c, n=name: c.tallies.get(n, 0), number_type), "1", long_name)  # type: ignore[misc]
    if any("coalesced" in c.tallies for c in first):
        pairs = over(lambda c: c.tallies.get("coalesced", 0), number_type)
        add("coalesced", (), pairs, "1", "pairs of particles coalesced so far")
    gone = over(lambda c: [c.tallies.get(f"dissolved_{o}", 0) for o in ORIGINS], number_type)
    add("dissolved", ("origin",), gone, "1", "particles dissolved so far")
    debt = over(lambda c: c.tallies.get("largest_debt", 0), number_type)
    add("largest_debt", (), debt, "1", "largest monomer debt so far, in formula units")
    channels = _channels(model, runs)
    if channels:
        lost = over(lambda c: [c.tallies.get(f"lost:{name}", 0) for name in channels], number_type)
        add("lost", ("channel",), lost, "1", "molecules lost so far")
    places = [p for p in PLACES if p in first[0].matter] + sorted(set(first[0].matter) - set(PLACES))
    if places:
        atoms = over(lambda c: [c.matter[p] for p in places], number_type)
        add("matter", ("place", "element"), atoms, "1", "atoms in the simulated volume")

    initial = float(sum(p.number for p in model.seeds))
    born = over(lambda c: c.tallies.get("born", 0))
    share = born / initial if initial > 0 else np.full(born.shape, np.nan)
    add("nucleated_share", (), share, "1", "particles nucleated so far per initial seed")
    limits = _intervals(number, mean, relative, (m2, m3, m4), born, initial, method)
    for name, (dims, values, units, long_name) in limits.items():
        variables[name] = (dims, values, units, long_name)

    coordinates: dict[str, Variable] = {
        "time": (("time",), np.array([c.time for c in first], dtype=float), "s", "time since the start"),
        "size": (("size",), size, "1", "formula units in a particle"),
        "diameter": (("size",), model.radius(size) * 2e9, "nm", "diameter of the sphere of the same volume"),
        "origin": (("origin",), np.array(ORIGINS), "1", "where a particle comes from"),
        "population": (("population",), np.array(POPULATIONS), "1", "particles of one origin, or all"),
        "species": (("species",), np.array(names), "1", "dissolved species"),
        "bound": (("bound",), np.array(["lower", "upper"]), "1", "end of an interval"),
    }
    if bounds is not None:
        coordinates["size_bounds"] = (("size", "edge"), bounds, "1", "smallest size in the bin and first above it")
    if replicated:
        coordinates["replicate"] = (("replicate",), np.arange(len(runs)), "1", "independent repetition")
    if channels:
        coordinates["channel"] = (("channel",), np.array(channels), "1", "loss channel")
    if places:
        coordinates["place"] = (("place",), np.array(places), "1", "where atoms are")
        coordinates["element"] = (("element",), np.array(model.elements), "1", "element")

    def labelled(v: Variable) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
        return v[0], v[1], {"units": v[2], "long_name": v[3]}

    dataset = xr.Dataset(
        {k: labelled(v) for k, v in variables.items()},
        {k: labelled(v) for k, v in coordinates.items()},
        attributes(
            model, recipe_text=recipe_text, files=files, changes=changes, title=title, source=source, seed=seed,
            bit_generator=bit_generator, method=method, wall_seconds=wall_seconds, complete=complete, notes=notes,
            events=sum(int(run[-1].tallies.get("events", 0)) for run in runs),
        ),
    )
    if bounds is not None:
        dataset["size"].attrs["bounds"] = "size_bounds"
    return dataset


def _common(runs: list[list[Counts]]) -> list[list[Counts]]:
    """The snapshots at times that every replicate reached."""
    times = set.intersection(*({c.time for c in run} for run in runs)) if runs else set()
    if not times:
        raise ValueError("there is no snapshot that all replicates share; a result needs at least one.")
    return [[c for c in run if c.time in times] for run in runs]


def _particle_counts(
    runs: list[list[Counts]], dtype: Any
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64] | None]:
    """Counts (replicate, time, origin, size), the sizes, and the bounds of the bins if there are any."""
    occurring = [
        np.asarray(c.sizes)[(np.asarray(c.seed) > 0) | (np.asarray(c.nucleated) > 0)] for run in runs for c in run
    ]
    size = np.unique(np.concatenate(occurring)).astype(np.int64)
    lower, bounds = size, None
    cells = [np.column_stack([c.sizes, c.bounds]) for run in runs for c in run if c.bounds is not None]
    if cells:
        known = np.unique(np.concatenate(cells), axis=0)
        bounds = known[np.isin(known[:, 0], size), 1:]
        lower = bounds[:, 0]
    if size.size > MAX_SIZES:
        # Equal steps in diameter, so that a distribution over diameters is resolved alike everywhere.
        steps = np.linspace(np.cbrt(size[0]), np.cbrt(size[-1] + 1), MAX_SIZES + 1)
        edges = np.unique(np.rint(steps**3).astype(np.int64))
        edges[0], edges[-1] = size[0], size[-1] + 1
        used = np.unique(np.searchsorted(edges, size, side="right") - 1)
        bounds = np.stack([edges[used], edges[used + 1]], axis=1)
        lower, size = bounds[:, 0], (bounds[:, 0] + bounds[:, 1] - 1) // 2
    count: NDArray[Any] = np.zeros((len(runs), len(runs[0]), len(ORIGINS), size.size), dtype=dtype)
    for r, run in enumerate(runs):
        for t, c in enumerate(run):
            for o, values in enumerate((c.seed, c.nucleated)):
                some = np.asarray(values) > 0
                place = np.searchsorted(lower, np.asarray(c.sizes)[some], side="right") - 1
                np.add.at(count[r, t, o], place, np.asarray(values)[some])
    return count, size, bounds


def _reported_species(model: Model) -> tuple[list[str], NDArray[np.float64]]:
    """Names of the species shown and the matrix (shown, species) that adds the hidden ones to their parents."""
    shown = [i for i, name in enumerate(model.species) if not name.startswith("_")]
    matrix = np.zeros((len(shown), len(model.species)))
    for i, name in enumerate(model.species):
        matrix[shown.index(int(model.parent[i]) if name.startswith("_") else i), i] = 1.0
    return [model.species[i] for i in shown], matrix


def _channels(model: Model, runs: list[list[Counts]]) -> list[str]:
    named = list(dict.fromkeys(r.name for r in model.reactions if r.lost))
    tallied = {k.removeprefix("lost:") for run in runs for c in run for k in c.tallies if k.startswith("lost:")}
    return named + sorted(tallied - set(named))


def _moments(model: Model, c: Counts) -> list[list[float]]:
    """Number, mean and second to fourth central moments of the diameter [nm^k] for each population."""
    diameter = model.radius(c.sizes) * 2e9
    seed, nucleated = np.asarray(c.seed), np.asarray(c.nucleated)
    found = []
    for weight in (seed, nucleated, seed + nucleated):
        some = weight > 0
        w, d = weight[some].astype(float), diameter[some]
        total = float(w.sum())
        if not total > 0:
            found.append([0.0, np.nan, np.nan, np.nan, np.nan])
            continue
        mean = float((w * d).sum()) / total
        off = d - mean
        found.append([total, mean, *(float((w * off**k).sum()) / total for k in (2, 3, 4))])
    return found


def _intervals(
    number: NDArray[Any], mean: NDArray[Any], relative: NDArray[Any], central: tuple[NDArray[Any], ...],
    born: NDArray[Any], seeds: float, method: str,
) -> dict[str, Variable]:
    """The three interval variables; NaN for a deterministic engine, which has no noise to speak of."""
    replicates = mean.shape[0]
    if replicates > 1:
        low_d, high_d = intervals.student_interval(mean)
        low_s, high_s = intervals.student_interval(relative)
    else:
        half_d, half_s = intervals.sampling_errors(number[0], mean[0], *(m[0] for m in central))
        low_d, high_d = mean[0] - half_d, mean[0] + half_d
        low_s, high_s = relative[0] - half_s, relative[0] + half_s
    low_n, high_n = intervals.share_interval(born, seeds)
    found = {
        "mean_diameter_ci": (("time", "population", "bound"), (np.maximum(low_d, 0.0), high_d), "nm", "mean diameter"),
        "relative_std_ci": (("time", "population", "bound"), (np.maximum(low_s, 0.0), high_s), "1", "relative std"),
        "nucleated_share_ci": (("time", "bound"), (low_n, high_n), "1", "particles nucleated per initial seed"),
    }
    known = np.nan if method == "balance" else 0.0
    return {
        name: (dims, np.stack(pair, axis=-1) + known, units, f"95 % interval of the {what}")
        for name, (dims, pair, units, what) in found.items()
    }


def save(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as compressed netCDF-4 with checksums; a reader never meets half a file.

    Raises
    ------
    BadInput
        If the place cannot be written to.
    """
    clean = dataset.drop_encoding()
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in clean.variables.items():
        if variable.dtype.kind in "iuf":
            encoding[str(name)] = {"_FillValue": None}
            if variable.size > 1:
                encoding[str(name)] |= {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
    with atomic_path(path) as temporary:
        clean.to_netcdf(temporary, engine="h5netcdf", format="NETCDF4", encoding=encoding)


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset into memory.

    Raises
    ------
    BadInput
        If the file is missing, damaged, or not a result of this package.

    Warns
    -----
    UserWarning
        If the file has another schema version.
    """
    import xarray as xr

    if not Path(path).exists():
        raise BadInput(f'"{path}": there is no such file; give the .nc file that a run wrote.')
    if not Path(path).is_file():
        raise BadInput(f'"{path}" is not a file; give the .nc file that a run wrote.')
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            dataset = opened.load()
    except PermissionError as error:
        raise BadInput(f'"{path}" may not be read by you; ask for the right to read it.') from error
    except Exception as error:  # a damaged file can fail anywhere in HDF5
        raise BadInput(f'"{path}" cannot be read as netCDF-4: it is damaged or of another kind.') from error
    version = dataset.attrs.get("schema_version")
    if version is None or "particle_count" not in dataset:
        raise BadInput(f'"{path}" is a netCDF file but not a result of kmcgrowth; give the .nc file that a run wrote.')
    if version != SCHEMA_VERSION:
        warnings.warn(
            f'"{path}" has schema version {version}, this kmcgrowth reads version {SCHEMA_VERSION}: '
            "some of it may be named otherwise.", stacklevel=2,
        )
    for name, variable in list(dataset.variables.items()):
        if variable.dtype.kind not in "iufb":
            labels = np.array([str(v) for v in variable.values.ravel()]).reshape(variable.shape)
            dataset = dataset.assign_coords({name: (variable.dims, labels, variable.attrs)})
    if "size_bounds" in dataset:
        # xarray takes the first for an encoding when it reads, and leaves out the second when it writes.
        dataset["size"].attrs["bounds"] = "size_bounds"
        dataset["size_bounds"].attrs["units"] = dataset["size"].attrs["units"]
    return dataset.drop_encoding()


def identical(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Whether two results are the same to the last bit, leaving out how long, when, where and with what versions."""
    return not differences(a, b)


def differences(a: xr.Dataset, b: xr.Dataset) -> list[str]:
    """What differs between two results, one line each; ``wall_seconds``, time stamp, host and versions are left out.

    Sizes that occur at none of the times count as absent, so that times which two schedules share can be compared.
    """
    a, b = _occurring(a), _occurring(b)
    found = [f"{name}: only in the first" for name in a.variables if name not in b.variables]
    found += [f"{name}: only in the second" for name in b.variables if name not in a.variables]
    for name in a.variables:
        if name in b.variables:
            found += _variable_difference(str(name), a.variables[name], b.variables[name])
    for key in sorted((set(a.attrs) | set(b.attrs)) - set(TRANSIENT)):
        if key not in a.attrs or key not in b.attrs:
            found.append(f"attribute {key}: only in the {'first' if key in a.attrs else 'second'}")
        elif not _same_attribute(a.attrs[key], b.attrs[key]):
            found.append(f"attribute {key}: {_short(a.attrs[key])} against {_short(b.attrs[key])}")
    return found


def _occurring(dataset: xr.Dataset) -> xr.Dataset:
    counts = dataset.get("particle_count")
    if counts is None or "size" not in counts.dims:
        return dataset
    return dataset.isel(size=np.flatnonzero((counts != 0).any([d for d in counts.dims if d != "size"]).values))


def _variable_difference(name: str, x: xr.Variable, y: xr.Variable) -> list[str]:
    if x.dims != y.dims or x.shape != y.shape:
        return [f"{name}: {dict(x.sizes)} against {dict(y.sizes)}"]
    found = []
    number_x, number_y = x.dtype.kind in "iufb", y.dtype.kind in "iufb"
    if number_x and number_y:
        if x.dtype != y.dtype:
            found.append(f"{name}: {x.dtype} against {y.dtype}")
        same = (x.values == y.values) | ((x.values != x.values) & (y.values != y.values))
        if not np.all(same):
            at = tuple(int(i) for i in np.argwhere(~same)[0])
            first = f"first at {at}: {x.values[at]} against {y.values[at]}"
            found.append(f"{name}: {int((~same).sum())} of {same.size} values differ, {first}")
    elif (labels_x := [str(v) for v in x.values.ravel()]) != (labels_y := [str(v) for v in y.values.ravel()]):
        found.append(f"{name}: {_short(labels_x)} against {_short(labels_y)}")
    for key in sorted(set(x.attrs) | set(y.attrs)):
        if not _same_attribute(x.attrs.get(key), y.attrs.get(key)):
            found.append(f"{name}: attribute {key}: {_short(x.attrs.get(key))} against {_short(y.attrs.get(key))}")
    return found


def _same_attribute(x: Any, y: Any) -> bool:
    return bool(np.array_equal(np.asarray(x), np.asarray(y)))


def _short(value: Any) -> str:
    text = repr(value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value)
    return text if len(text) <= 60 else text[:57] + "..."
