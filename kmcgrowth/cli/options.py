"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Recipe = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a recipe that ships.")]
Method = Annotated[str | None, typer.Option("--method", metavar="M", help="Engine, instead of the recipe's.")]
Particles = Annotated[int | None, typer.Option("--particles", metavar="N", help="Particles, instead of the recipe's.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe; repeatable.")
]


def read_changes(given: list[str] | None) -> dict[str, Any]:
    """Keys and their values as text from ``key=value``; the recipe reads the text as a TOML value if it is one."""
    from kmcgrowth.errors import BadInput

    changes: dict[str, Any] = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadInput(f'--set: "{text}" is not KEY=VALUE; write, for example, --set injection.0.rate="2 mL/hour".')
        changes[key.strip()] = value.strip()
    return changes
