"""Recipe to dataset: the one place where an engine is chosen and driven."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcgrowth import checkpoint as store
from kmcgrowth.driving import Drive
from kmcgrowth.errors import BadInput, Interrupted
from kmcgrowth.model.run import Run
from kmcgrowth.model.types import Model
from kmcgrowth.seeding import Seeding, seeding

if TYPE_CHECKING:
    import xarray as xr

    from kmcgrowth.recipe import Recipe

engines: dict[str, str | Callable[[Model, np.random.Generator], Run]] = {
    "exact": "kmcgrowth.reactor.exact:ExactRun",
    "leap": "kmcgrowth.reactor.leap:LeapRun",
    "twin": "kmcgrowth.reactor.twin:TwinRun",
    "balance": "kmcgrowth.reactor.balance:BalanceRun",
}
"""Method -> engine, or the place to import it from."""

lattice_engines: dict[str, str | Callable[[Model, np.random.Generator], Run]] = {
    "exact": "kmcgrowth.lattice.run:LatticeRun",
    "twin": "kmcgrowth.lattice.run:LatticeTwinRun",
    "walkers": "kmcgrowth.lattice.walk_run:WalkRun",
}
"""The same for models with a lattice."""

def simulate(
    recipe: Recipe | str | os.PathLike[str],
    *,
    rng: Any = None,
    replicates: int = 1,
    replicate: int | None = None,
    method: str | None = None,
    particles: int | None = None,
    snapshots: int | ArrayLike | None = None,
    workers: int | None = None,
    progress: Callable[[float, int], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    stop: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """Simulate a recipe.

    Parameters
    ----------
    recipe : Recipe, or the name or path of one
    rng : None, int, sequence of int, SeedSequence, BitGenerator or Generator (SPEC 7)
        Overrides the recipe's seed. Without either, a seed below 2**63 is drawn and recorded.
    replicates : int, independent repetitions; above 1 the result has a ``replicate`` dimension. Replicate i is the
        same whichever others run; replicate 0 is what a single run gives.
    replicate : run this one alone, as a result without that dimension
    method : engine or "auto", by default the recipe's; ``auto`` counts the events to be expected and picks
    particles : int, particles in the control volume, by default the recipe's
    snapshots : int, evenly spaced from 0 to the end, or increasing times [s]; by default the recipe's
    workers : int, threads for the replicates, at most and by default one per processor
    progress : called about ten times a second with the simulated time [s] (mean over the replicates) and the events
        so far, possibly from another thread, never from two at once
    checkpoint : file that holds the state of the run when it was interrupted, and every minute; it is left
        to the caller to remove it once the result is saved
    resume : go on from ``checkpoint`` if that file exists; the result is the same to the last bit as without the break
    stop : asked about ten times a second, possibly from another thread; True ends the run early

    Returns
    -------
    xarray.Dataset
        As ``kmcgrowth.dataset.build`` describes. After ``stop`` its attribute ``complete`` is 0, and it ends at the
        last snapshot that every replicate reached; those that had not begun are left out, and a note says so.

    Raises
    ------
    BadInput
        If an argument makes no sense, or the checkpoint is of another run.
    Interrupted
        If ``stop`` came before the first snapshot; the checkpoint is written all the same.

    Examples
    --------
    >>> import kmcgrowth as kg
    >>> result = kg.simulate(kg.load_recipe("inas_continuous_injection"), rng=1)  # doctest: +SKIP
    """
    from kmcgrowth.dataset import build
    from kmcgrowth.model.build import build_model

    _at_least_one("replicates", replicates)
    recipe = _recipe(recipe)
    if replicate is not None and (replicates != 1 or replicate < 0):
        raise BadInput("replicate: give one from 0, and leave replicates out.")
    if workers is not None:
        _at_least_one("workers", workers)
    if particles is not None:
        _at_least_one("particles", particles)
    asked = recipe.simulation.method if method is None else method
    require_method(asked)
    model = build_model(recipe, particles=particles)
    name, reason = _resolved(asked, model)
    engine = _engine(name, model)
    if snapshots is not None:
        model = replace(model, snapshots=_snapshot_times(snapshots, model.duration))

    header = {
        "version": _version(),
        "recipe": _fingerprint(recipe, particles),
        "method": name,
        "replicates": int(replicates) if replicate is None else f"number {replicate}",
        "snapshots": model.snapshots,
    }
    saved = store.read(checkpoint) if resume and checkpoint is not None and Path(checkpoint).exists() else None
    if saved is not None and rng is None and recipe.simulation.seed is None:
        seeds = Seeding(**saved["seed"])
    else:
        seeds = seeding(rng, recipe.simulation.seed)
    if saved is not None:
        _same_run(Path(str(checkpoint)), saved, header, seeds)

    which = range(int(replicates)) if replicate is None else (replicate,)
    drive = Drive(model, engine, seeds, which, header, checkpoint, progress, stop)
    if saved is not None:
        drive.load(saved["tracks"])
    drive.run(workers)

    # A replicate that had hardly begun when the run was stopped would cut the others down to their first snapshot.
    reached = {i: len(track["history"]) for i, track in sorted(drive.tracks.items())}
    kept = [i for i, number in reached.items() if number >= min(max(reached.values()), 2)]
    tracks = [drive.tracks[i] for i in kept]
    if not all(track["history"] for track in tracks):
        raise Interrupted("the run was interrupted before its first snapshot.")
    notes = {note for track in tracks for note in track["notes"]}
    if len(tracks) < replicates:
        notes.add(f"{len(tracks)} of {replicates} replicates had begun when the run was interrupted; they are shown.")
    changes = dict(getattr(recipe, "changes", None) or {})
    if particles is not None:
        changes["simulation.particles"] = int(particles)
    histories = [track["history"] for track in tracks]
    states = [seeds.generator(i).bit_generator.state for i in kept]
    dataset = build(
        model,
        histories if replicates > 1 else histories[0],
        recipe_text=recipe.text,
        files=recipe.files,
        changes=changes,
        title=recipe.title,
        source=recipe.source,
        seed=seeds.seed,
        bit_generator=states if replicates > 1 else states[0],
        method=name,
        wall_seconds=sum(track["wall"] for track in tracks),
        complete=all(track["done"] for track in drive.tracks.values()),
        notes=sorted(notes),
    )
    if "replicate" in dataset.coords:
        dataset["replicate"] = dataset["replicate"].copy(data=kept)
    if reason:
        dataset.attrs["method_choice"] = reason
    if seeds.seed is None:
        dataset.attrs["seed_words"] = json.dumps(seeds.entropy)
    if seeds.spawn_key:
        dataset.attrs["spawn_key"] = json.dumps(seeds.spawn_key)
    return dataset


def _recipe(given: Any) -> Recipe:
    from kmcgrowth.recipe import Recipe, load_recipe

    if isinstance(given, (str, os.PathLike)):
        return load_recipe(os.fspath(given))
    if not isinstance(given, Recipe):
        raise BadInput('recipe: give one from kg.load_recipe("inas_feed_fast") or kg.parse_recipe(text), or its name, '
                       f"not {type(given).__name__}.")
    return given


def require_method(name: str) -> None:
    """Refuse an engine that there is not."""
    if name != "auto" and name not in engines:
        known = ", ".join(f'"{known}"' for known in ("auto", *engines))
        raise BadInput(f'simulation.method: "{name}" is not available; choose one of {known}.')


def _resolved(method: str, model: Model) -> tuple[str, str]:
    """The engine that a method stands for, and why it was chosen if the choice was left open."""
    if model.lattice is not None:
        return ("exact", "atoms on a lattice go event by event") if method == "auto" else (method, "")
    if method != "auto":
        return method, ""
    from kmcgrowth.reactor.choice import choose

    found = choose(model)
    return found.method, found.reason


def _engine(name: str, model: Model) -> Callable[[Model, np.random.Generator], Run]:
    require_method(name)
    known = engines if model.lattice is None else lattice_engines
    if name not in known:
        raise BadInput(f'simulation.method: "{name}" is for the stirred reactor; a lattice needs "exact", every event.')
    walking = model.lattice is not None and model.lattice.solution == "walkers" and name == "exact"
    found = known["walkers" if walking else name]
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = getattr(import_module(module), attribute)
    return found


def _at_least_one(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise BadInput(f"{name}: {value!r} is not possible; give a whole number of at least 1.")


def _snapshot_times(given: int | ArrayLike, duration: float) -> NDArray[np.float64]:
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        if given < 2:
            raise BadInput(f"snapshots: {given} is too few; give at least 2, the start and the end.")
        return np.linspace(0.0, duration, int(given))
    try:
        times = np.array(given, dtype=float)
    except (TypeError, ValueError):
        times = np.empty(0)
    if times.ndim != 1 or not times.size or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0.0):
        raise BadInput("snapshots: give a whole number, or a list of increasing times in seconds.")
    if times[0] < 0.0 or times[-1] > duration:
        raise BadInput(f"snapshots: times must lie between 0 and the duration of {duration:g} s.")
    return times


def _version() -> str:
    import kmcgrowth

    return str(getattr(kmcgrowth, "__version__", ""))


def _fingerprint(recipe: Recipe, particles: int | None) -> str:
    """Hash of everything that the recipe says."""
    said = [recipe.text, getattr(recipe, "changes", None) or {}, recipe.files, particles]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _same_run(path: Path, saved: dict[str, Any], header: dict[str, Any], seeds: Seeding) -> None:
    """Refuse a checkpoint of another run."""
    advice = f'give the same, or delete "{path}" to start afresh.'
    if saved.get("version") != header["version"]:
        raise BadInput(f"{path}: the checkpoint is of version {saved.get('version')} of kmcgrowth; {advice}")
    if saved.get("recipe") != header["recipe"]:
        raise BadInput(f"{path}: the checkpoint is of another recipe, or of other changes to it; {advice}")
    if (other := Seeding(**saved["seed"])) != seeds:
        raise BadInput(f"{path}: the checkpoint has seed {other.entropy}, but {seeds.entropy} is asked for; {advice}")
    for key in ("method", "replicates"):
        if saved.get(key) != header[key]:
            raise BadInput(f"{path}: the checkpoint has {key} {saved.get(key)}, not {header[key]}; {advice}")
    if not np.array_equal(saved.get("snapshots", ()), header["snapshots"]):
        raise BadInput(f"{path}: the checkpoint has other snapshot times; {advice}")
