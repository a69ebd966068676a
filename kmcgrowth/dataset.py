"""The dataset that every engine hands back: snapshots put together and labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth import intervals
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import MONOMER, Model
from kmcgrowth.physics.constants import N_A
from kmcgrowth.provenance import attributes

if TYPE_CHECKING:
    import xarray as xr

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
    where the recipe has loss channels; on a lattice ``attached``, ``detached``, ``hopped``, ``dissolved_atoms``,
    ``exposure`` [s], ``solubility`` [mol/L], ``crystal_energy`` [eV], and the atoms of some moments
    (``kmcgrowth.lattice.frames``); ``nucleated_share``, particles born per initial seed; and the 95 % intervals
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
    if model.lattice is not None and model.lattice.solution == "fixed":
        from kmcgrowth.dataset_lattice import imposed

        moles[..., MONOMER] = over(imposed)
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
    what = "particles dissolved so far" if model.lattice is None else "particles gone: dissolved, or part of another"
    add("dissolved", ("origin",), gone, "1", what)
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
    if model.lattice is not None:
        initial += sum(p.count for p in model.lattice.particles)
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

    about: dict[str, str] = {}
    if model.lattice is not None:
        from kmcgrowth.dataset_lattice import atom_coordinates, atom_variables, crystal_attribute

        for name, (dims, values, units, long_name) in atom_variables(runs).items():
            add(name, dims, values, units, long_name)
        for name, variable in atom_coordinates(model, runs[0]).items():
            coordinates[name] = variable
        about = {"lattice": crystal_attribute(model)}

    def labelled(v: Variable) -> tuple[tuple[str, ...], NDArray[Any], dict[str, str]]:
        return v[0], v[1], {"units": v[2], "long_name": v[3]}

    dataset = xr.Dataset(
        {k: labelled(v) for k, v in variables.items()},
        {k: labelled(v) for k, v in coordinates.items()},
        attributes(
            model, recipe_text=recipe_text, files=files, changes=changes, title=title, source=source, seed=seed,
            bit_generator=bit_generator, method=method, wall_seconds=wall_seconds, complete=complete, notes=notes,
            events=sum(int(run[-1].tallies.get("events", 0)) for run in runs),
        ) | about,
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
    counts = [c for run in runs for c in run]
    top = max((int(c.sizes[-1]) for c in counts if len(c.sizes)), default=0) + 1
    occurs = np.zeros(top, dtype=bool)
    for c in counts:
        occurs[np.asarray(c.sizes)[(np.asarray(c.seed) > 0) | (np.asarray(c.nucleated) > 0)]] = True
    size = np.flatnonzero(occurs).astype(np.int64)
    lower, bounds = size, None
    if any(c.bounds is not None for c in counts):
        cells = np.zeros((top, 2), dtype=np.int64)
        for c in counts:
            cells[np.asarray(c.sizes)] = np.asarray(c.bounds)
        bounds = cells[size]
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
                # several sizes fall into one bin where there are many
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
        mean = float(w @ d) / total
        off = d - mean
        square = off * off
        share = w / total
        found.append([total, mean, *(float(share @ power) for power in (square, square * off, square * square))])
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


__all__ = ["MAX_SIZES", "ORIGINS", "POPULATIONS", "build"]
