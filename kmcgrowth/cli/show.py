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
    from kmcgrowth.cli.say import say
    from kmcgrowth.provenance import provenance_text
    from kmcgrowth.report import history_csv, history_table, summary
    from kmcgrowth.results import load

    dataset = load(result)
    if csv:
        say(history_csv(dataset).rstrip("\n"))
        return
    if verbose:
        say(provenance_text(dataset))
    say(history_table(dataset).rstrip("\n"))
    say("\n" + summary(dataset))
