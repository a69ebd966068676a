"""``kmcgrowth papers``: what the papers report beside what the simulation gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def papers(
    rows: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Rows, or beginnings such as InAs; all if none is given."),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also draw a figure of each row into this folder.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with the table and the figures into this folder.")
    ] = None,
) -> None:
    """Run the experiments of the papers and compare: one line a row."""
    import sys

    from kmcgrowth.cli.say import say
    from kmcgrowth.papers.run import run_rows

    folder = report if report is not None else figures
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    shown = sys.stderr.isatty()

    def started(name: str) -> None:
        if shown:
            sys.stderr.write(f"\r\033[K{name} ...")
            sys.stderr.flush()

    outcomes = []
    for outcome in run_rows(rows or (), figures=folder, started=started):
        if shown:
            sys.stderr.write("\r\033[K")
        say(outcome.line())
        outcomes.append(outcome)
    if report is not None:
        from kmcgrowth.papers.page import write_page

        write_page(outcomes, report)
