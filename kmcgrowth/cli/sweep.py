"""``kmcgrowth sweep``: run what is missing of a study."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kmcgrowth.cli.progress import LINE_SECONDS

if TYPE_CHECKING:
    from kmcgrowth.studies.sweep import Tally


def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships.")],
    output: Annotated[Path | None, typer.Option("-o", metavar="DIR", help="Folder of the results.")] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Processes, by default one per processor.")] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Run only the I-th of N parts.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="No progress and no summary.")] = False,
) -> None:
    """Run a study, or what is missing of it, into a folder named after it."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.cli.signals import StopOnSignal
    from kmcgrowth.errors import BadInput
    from kmcgrowth.studies import load_study, sweep

    if workers is not None and workers < 1:
        raise BadInput(f"--workers: {workers} is not possible; give a whole number of at least 1.")
    folder = output if output is not None else Path(Path(study).stem)
    bar = None if quiet else _Bar()
    with StopOnSignal() as signals:
        try:
            tally = sweep(
                load_study(study), folder, workers=workers, shard=_shard(shard), retry=retry, progress=bar,
                stop=signals.requested,
            )
        finally:
            if bar is not None:
                bar.close()
    if signals.requested() or tally.stopped:
        print(f"kmcgrowth: interrupted; what was done is kept in {folder}, the same command goes on.", file=sys.stderr)
        raise typer.Exit(signals.exit_code)
    if not quiet:
        say(f"{tally.total} runs: {tally.known} were there, {tally.done} are new, {tally.failed} failed")
        if tally.failed:
            say(f"see kmcgrowth status {folder}")


def _shard(text: str | None) -> tuple[int, int] | None:
    from kmcgrowth.errors import BadInput

    if text is None:
        return None
    part, _, parts = text.partition("/")
    if not part.isdecimal() or not parts.isdecimal():
        raise BadInput(f'--shard: "{text}" is not of the form I/N; write 1/4 for the first of four parts.')
    return int(part), int(parts)


class _Bar:
    """Runs done of all, on a terminal as a bar, elsewhere a line a minute."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._line = monotonic()

    def __call__(self, tally: Tally) -> None:
        done = tally.known + tally.done + tally.failed
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(total=tally.total, initial=done, file=sys.stderr, leave=False, unit="run")
            self._bar.set_postfix_str(f"{tally.failed} failed" if tally.failed else "", refresh=False)
            self._bar.update(done - self._bar.n)
        elif monotonic() - self._line >= LINE_SECONDS:
            self._line = monotonic()
            failed = f", {tally.failed} failed" if tally.failed else ""
            print(f"kmcgrowth: {done} of {tally.total} runs{failed}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
