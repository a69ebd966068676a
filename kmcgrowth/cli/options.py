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
    return dict(read_pairs("--set", given, 'injection.0.rate="2 mL/hour"'))


def read_pairs(option: str, given: list[str] | None, example: str) -> dict[str, str]:
    """Keys and values as text from ``key=value``."""
    from kmcgrowth.errors import BadInput

    found: dict[str, str] = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise BadInput(f'{option}: "{text}" is not KEY=VALUE; write, for example, {option} {example}.')
        found[key.strip()] = value.strip()
    return found
