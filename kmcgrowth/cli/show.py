"""``kmcgrowth show``: the history of a result as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    result: Annotated[Path, typer.Argument(metavar="OUT.nc", help="A result that run wrote.")],
    csv: Annotated[bool, typer.Option("--csv", help="As comma-separated values, in full precision.")] = False,
    verbose: Annotated[bool, typer.Option("-v", help="Where the result comes from, its recipe included.")] = False,
) -> None:
    """Print the history of a result as a table."""
    from kmcgrowth import results
    from kmcgrowth.cli.say import say

    dataset = results.load(result)
    if csv:
        say(results.history_csv(dataset).rstrip("\n"))
        return
    if verbose:
        say(results.provenance_text(dataset))
    say(results.history_table(dataset).rstrip("\n"))
    say("\n" + results.summary(dataset))
