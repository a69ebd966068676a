"""Printing that survives a reader who has seen enough."""

from __future__ import annotations

import typer


def say(text: str) -> None:
    """Print to standard output; end the command quietly where nobody reads on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        from kmcgrowth.cli import silence

        silence()
        raise typer.Exit from None
