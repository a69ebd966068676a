"""Printing that survives a reader who has seen enough, and says where there is no room."""

from __future__ import annotations

import typer


def say(text: str) -> None:
    """Print to standard output; end the command quietly where nobody reads on.

    Raises
    ------
    KmcgrowthError
        If standard output cannot be written to, for example because the disk is full.
    """
    from kmcgrowth.cli import silence

    try:
        print(text, flush=True)
    except BrokenPipeError:
        silence()
        raise typer.Exit from None
    except OSError as error:
        from kmcgrowth.errors import KmcgrowthError

        silence()
        raise KmcgrowthError(f"standard output cannot be written to: {error.strerror}.") from None
