"""``kmcgrowth run``: simulate a recipe and write the result, a figure and a summary."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kmcgrowth.recipe import Recipe


def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a recipe that ships.")],
    output: Annotated[Path | None, typer.Option("-o", metavar="OUT.nc", help="Where the result goes.")] = None,
    method: Annotated[str | None, typer.Option(metavar="M", help="Engine, instead of the recipe's.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed, instead of the recipe's.")] = None,
    particles: Annotated[int | None, typer.Option(metavar="N", help="Particles, instead of the recipe's.")] = None,
    replicates: Annotated[int, typer.Option(metavar="N", help="Independent repetitions.")] = 1,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT.nc.ckpt, if it exists.")] = False,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="Draw no figure.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="No progress and no summary.")] = False,
) -> None:
    """Simulate a recipe; writes RECIPE's stem with .nc and .png into the current folder."""
    from kmcgrowth.cli.signals import StopOnSignal

    with StopOnSignal() as signals:
        from kmcgrowth.errors import BadInput, Interrupted

        result = output if output is not None else Path(Path(recipe).name).with_suffix(".nc")
        if result.suffix != ".nc":
            raise BadInput(f'-o: "{result}" does not end in .nc; give such a name, for example "{result.stem}.nc".')
        checkpoint = Path(f"{result}.ckpt")
        _writable(result)

        from kmcgrowth.recipe import load_recipe, reaches_growth

        parsed = load_recipe(recipe, changes=_changes(changes or []))
        reaches_growth(parsed)
        if resume and not checkpoint.exists() and result.exists() and _complete(
            result, parsed, seed=seed, particles=particles, method=method, replicates=replicates
        ):
            _tell(f'"{result}" is complete already; nothing to do.', quiet)
            return
        try:
            dataset = _simulate(parsed, signals.requested, quiet, rng=seed, method=method, particles=particles,
                                replicates=replicates, checkpoint=checkpoint, resume=resume)
        except Interrupted:
            dataset = None
        if dataset is not None:
            _write(dataset, result, plot=not no_plot, quiet=quiet)
        if dataset is None or not dataset.attrs["complete"]:
            _advise(checkpoint)
            raise typer.Exit(signals.exit_code)
        checkpoint.unlink(missing_ok=True)


def _simulate(recipe: Recipe, stop: Any, quiet: bool, **options: Any) -> Any:
    from kmcgrowth.cli.progress import Progress
    from kmcgrowth.simulate import simulate

    progress = None if quiet else Progress(recipe.simulation.duration)
    try:
        return simulate(recipe, stop=stop, progress=progress, **options)
    finally:
        if progress is not None:
            progress.close()


def _write(dataset: Any, result: Path, *, plot: bool, quiet: bool) -> None:
    from kmcgrowth.cli.say import say
    from kmcgrowth.results import save, summary

    save(dataset, result)
    if plot:
        from kmcgrowth import plots

        plots.save_figure(plots.overview(dataset), result.with_suffix(".png"))
    if not quiet:
        say(summary(dataset))


def _changes(given: list[str]) -> dict[str, Any]:
    """Keys and their values as text from ``key=value``; the recipe reads the text as a TOML value if it is one."""
    from kmcgrowth.errors import BadInput

    changes: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadInput(f'--set: "{text}" is not KEY=VALUE; write, for example, --set injection.0.rate="2 mL/hour".')
        changes[key.strip()] = value.strip()
    return changes


def _writable(result: Path) -> None:
    """Refuse a place that cannot be written to before hours are spent, not after."""
    from kmcgrowth.files import atomic_path

    class Enough(Exception):
        pass

    with suppress(Enough), atomic_path(result):
        raise Enough


def _complete(
    result: Path, recipe: Recipe, *, seed: int | None, particles: int | None, method: str | None, replicates: int
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
    seed = recipe.simulation.seed if seed is None else seed
    same = (
        found.attrs.get("recipe") == recipe.text
        and json.loads(found.attrs.get("recipe_changes", "{}")) == json.loads(json.dumps(changes, default=str))
        and json.loads(found.attrs.get("recipe_files", "{}")) == dict(recipe.files)
        and found.attrs.get("method") == (recipe.simulation.method if method is None else method)
        and int(found.sizes.get("replicate", 1)) == replicates
        and (seed is None or int(found.attrs.get("seed", -1)) == seed)
    )
    if not same:
        raise BadInput(
            f'"{result}" holds the complete result of another run; leave --resume out to replace it, or change -o.'
        )
    return True


def _advise(checkpoint: Path) -> None:
    import shlex
    import sys

    words = [word for word in sys.argv[1:] if word != "--resume"]
    command = shlex.join(["kmcgrowth", *words, "--resume"])
    print(f"kmcgrowth: interrupted; the state is in {checkpoint}; go on with: {command}", file=sys.stderr, flush=True)


def _tell(sentence: str, quiet: bool) -> None:
    if not quiet:
        from kmcgrowth.cli.say import say

        say(sentence)
