"""``kmcgrowth run``: simulate a recipe and write the result, a figure and a summary."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmcgrowth.cli import options

if TYPE_CHECKING:
    from kmcgrowth.recipe import Recipe


def run(
    recipe: options.Recipe,
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.nc", help="Where the result goes.")] = None,
    method: options.Method = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed, instead of the recipe's.")] = None,
    particles: options.Particles = None,
    replicates: Annotated[int, typer.Option(metavar="N", help="Independent repetitions.")] = 1,
    changes: options.Changes = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT.nc.ckpt, if it exists.")] = False,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="Draw no figure.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="No progress and no summary.")] = False,
) -> None:
    """Simulate a recipe; writes RECIPE's stem with .nc and .png into the current folder."""
    from kmcgrowth.cli.signals import StopOnSignal
    from kmcgrowth.files import claimed

    result = _target(recipe, output)
    with StopOnSignal() as signals:
        _writable(result)
        with claimed(result):
            dataset = _result(
                recipe, result, options.read_changes(changes), resume, quiet, signals.requested,
                redraw=not no_plot and not result.with_suffix(".png").exists(),
                rng=seed, method=method, particles=particles, replicates=replicates,
            )
    # All is saved: from here on a signal ends the program at once, and so does one that came after the last event.
    complete = dataset is not None and bool(dataset.attrs["complete"])
    if signals.requested():
        _advise(result, complete)
    if dataset is not None and not (complete and signals.requested()):
        _present(dataset, result, plot=not no_plot, quiet=quiet)
    if signals.requested():
        raise typer.Exit(signals.exit_code)


def _target(recipe: str, output: Path | None) -> Path:
    from kmcgrowth.errors import BadInput

    result = output if output is not None else Path(f"{Path(recipe).stem}.nc")
    if result.suffix != ".nc":
        raise BadInput(f'-o: "{result}" does not end in .nc; give such a name, for example "{result.stem}.nc".')
    return result


def _result(
    name: str, result: Path, changes: dict[str, Any], resume: bool, quiet: bool, stop: Any, *, redraw: bool, **how: Any
) -> Any:
    """Simulate and save; None where there is nothing to show."""
    from kmcgrowth.errors import Interrupted
    from kmcgrowth.recipe import load_recipe, reaches_growth
    from kmcgrowth.results import load, save

    recipe = load_recipe(name, changes=changes)
    reaches_growth(recipe)
    checkpoint = Path(f"{result}.ckpt")
    if resume and not checkpoint.exists() and result.exists() and _complete(result, recipe, **how):
        if not quiet:
            _say(f'"{result}" is complete already; {"only its figure was missing" if redraw else "nothing to do"}.')
        return load(result) if redraw else None
    _fits(recipe, how["particles"], how["replicates"], how["method"] or recipe.simulation.method)
    try:
        dataset = _simulate(recipe, stop, quiet, checkpoint=checkpoint, resume=resume, **how)
    except Interrupted:
        return None
    save(dataset, result)
    if dataset.attrs["complete"]:
        checkpoint.unlink(missing_ok=True)
    return dataset


def _fits(recipe: Recipe, particles: int | None, replicates: int, method: str) -> None:
    from kmcgrowth.check_memory import require_memory
    from kmcgrowth.driving import processors
    from kmcgrowth.model.build import build_model

    if particles is None or particles > 0:  # simulate says what is wrong with others
        model = build_model(recipe, particles=particles)
        require_memory(model, method=method, replicates=replicates, at_once=min(replicates, processors()))


def _simulate(recipe: Recipe, stop: Any, quiet: bool, **how: Any) -> Any:
    from kmcgrowth.cli.progress import Progress
    from kmcgrowth.simulate import simulate

    progress = None if quiet else Progress(recipe.simulation.duration)
    try:
        return simulate(recipe, stop=stop, progress=progress, **how)
    finally:
        if progress is not None:
            progress.close()


def _present(dataset: Any, result: Path, *, plot: bool, quiet: bool) -> None:
    if plot:
        from kmcgrowth import plots

        plots.save_figure(plots.overview(dataset), result.with_suffix(".png"))
    if not quiet:
        from kmcgrowth.report import summary

        _say(summary(dataset))


def _writable(result: Path) -> None:
    """Refuse a place that cannot be written to before hours are spent, not after."""
    from kmcgrowth.files import atomic_path

    class Enough(Exception):
        pass

    with suppress(Enough), atomic_path(result):
        raise Enough


def _complete(
    result: Path, recipe: Recipe, *, rng: int | None, particles: int | None, method: str | None, replicates: int
) -> bool:
    """Whether the file holds the whole of this very run.

    Raises
    ------
    BadInput
        If it is the complete result of another run, which ``--resume`` must not replace.
    """
    import json

    from kmcgrowth.errors import BadInput
    from kmcgrowth.results import load

    found = load(result)
    if not int(found.attrs.get("complete", 0)):
        return False
    changes = dict(recipe.changes or {}) | ({"simulation.particles": particles} if particles is not None else {})
    seed = recipe.simulation.seed if rng is None else rng
    asked = recipe.simulation.method if method is None else method
    same = (
        found.attrs.get("recipe") == recipe.text
        and json.loads(found.attrs.get("recipe_changes", "{}")) == json.loads(json.dumps(changes, default=str))
        and json.loads(found.attrs.get("recipe_files", "{}")) == dict(recipe.files)
        and ("auto" if "method_choice" in found.attrs else found.attrs.get("method")) == asked
        and int(found.sizes.get("replicate", 1)) == replicates
        and (seed is None or int(found.attrs.get("seed", -1)) == seed)
    )
    if not same:
        raise BadInput(
            f'"{result}" holds the complete result of another run; leave --resume out to replace it, or change -o.'
        )
    return True


def _advise(result: Path, complete: bool) -> None:
    import shlex
    import sys

    words = [word for word in sys.argv[1:] if word != "--resume"]
    command = shlex.join(["kmcgrowth", *words, "--resume"])
    state = f"the state is in {result}.ckpt; go on with: {command}"
    text = f"the result was complete by then and is in {result}." if complete else state
    print(f"kmcgrowth: interrupted; {text}", file=sys.stderr, flush=True)


def _say(sentence: str) -> None:
    from kmcgrowth.cli.say import say

    say(sentence)
