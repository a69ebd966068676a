"""Markdown made from the program: the command reference from its commands, and the keys of a recipe from its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer
from pydantic_core import PydanticUndefined

from kmcgrowth.cli import app
from kmcgrowth.recipe import schema
from kmcgrowth.recipe.fields import Part
from kmcgrowth.recipe.lattice import Particle
from kmcgrowth.units import describe

TABLES: dict[str, type[Part]] = {
    "[flask]": schema.Flask, "[[seeds]]": schema.Seeds, "[[injection]]": schema.Injection,
    "[[withdrawal]]": schema.Withdrawal, "[species.NAME]": schema.Species, "[[reaction]]": schema.Reaction,
    "[[family]]": schema.Family, "[ligand]": schema.LigandTable, "[[loss]]": schema.Loss,
    "[[sticking]]": schema.Sticking, "[growth]": schema.Growth, "[nucleation]": schema.Nucleation,
    "[coalescence]": schema.Coalescence, "[lattice]": schema.Lattice, "[[lattice.particle]]": Particle,
    "[simulation]": schema.Simulation,
}
"""Headings of a recipe and what reads them; the test of the pages holds this to the schema."""


def commands_page() -> str:
    """Every command with its usage, arguments and options."""
    group: Any = typer.main.get_command(app)
    names = group.commands
    rows = ["| command | what it does |", "|---|---|"]
    rows += [f"| [`{name}`](#{name}) | {_cell(_sentence(command))} |" for name, command in names.items()]
    parts = ["\n".join(rows)]
    parts += [_command(name, command) for name, command in names.items()]
    return "\n\n".join(parts)


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    words = ["kmcgrowth", name, *(_shown(a) for a in arguments), *(["[OPTIONS]"] if options else [])]
    lines = [f"({name})=", f"## `kmcgrowth {name}`", "", (command.help or "").strip(), "", "```text", " ".join(words),
             "```", ""]
    if arguments or options:
        lines += ["| | meaning | default |", "|---|---|---|"]
    for argument in arguments:
        lines.append(f"| `{argument.metavar or argument.name.upper()}` | {_cell(argument.help or '')} | |")
    for option in options:
        flags = ", ".join(f"`{flag}`" for flag in option.opts)
        value = "" if option.is_flag else f" `{option.metavar or option.name.upper()}`"
        default = "" if option.default in (None, False, ()) or option.is_flag else f"`{option.default}`"
        lines.append(f"| {flags}{value} | {_cell(option.help or '')} | {default} |")
    return "\n".join(lines)


def _shown(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _sentence(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def recipe_page() -> str:
    """Every table of a recipe: what a key accepts, its default, and what the parsed recipe holds."""
    parts = [_table(heading, part) for heading, part in TABLES.items()]
    return "\n\n".join(parts)


def _table(heading: str, part: type[Part]) -> str:
    about = dict(_attributes(part.__doc__ or ""))
    lines = [f"## `{heading}`", "", "| key | accepts | default | parsed |", "|---|---|---|---|"]
    for key in part.keys:
        field = part.model_fields.get(key)
        if field is None:
            lines.append(f"| `{key}` | text | – | part of the law beside it |")
            continue
        accepts = _accepts(field.annotation, field.metadata) or "see [the recipe reference](recipe.md)"
        lines.append(f"| `{key}` | {accepts} | {_default(key, field, part)} | {_cell(about.get(key, ''))} |")
    return "\n".join(lines)


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    """Name and description of every attribute that a docstring lists."""
    listed = text.partition("----------\n")[2]
    name, words = "", ""
    for line in listed.splitlines():
        found = re.match(r"    (\w[\w, ]*?) : (.*)", line)
        if found:
            yield from ((each, words) for each in name.split(", ") if each)
            name, words = found[1], found[2]
        elif line.strip() and line.startswith("        "):
            words += " " + line.strip()
        elif line.strip():
            break
    yield from ((each, words) for each in name.split(", ") if each)


def _accepts(annotation: Any, metadata: list[Any]) -> str:
    """What a validator takes, in words: it is told by the arguments that its maker was given."""
    for validator in [*metadata, *_inner(annotation)]:
        function = getattr(validator, "func", None)
        code = getattr(function, "__code__", None)
        if code is None:
            continue
        if function.__name__ == "read_energy":
            return 'energy of one event, as `"1.2 eV"` or `"107 kJ/mol"`'
        given = dict(zip(code.co_freevars, [cell.cell_contents for cell in function.__closure__ or ()]))
        if "known" in given:
            return ", ".join(f'`"{word}"`' for word in given["known"])
        if "needed" in given:
            return _cell(given["needed"])
        if {"low", "high"} <= set(given):
            most = "" if given["high"] >= 2**60 else f" to {given['high']}"
            return f"whole number from {given['low']}{most}"
        if "dimension" in given:
            return _quantity(given)
        if function.__name__ == "_text":
            return "text"
        if function.__name__ == "_contents":
            return 'table of species and concentrations, as `{ AMC = "3.2 mM" }`'
    return ""


def _inner(annotation: Any) -> Iterator[Any]:
    """Validators inside ``Annotated[...] | None``."""
    if get_origin(annotation) in (Union, UnionType):
        for each in get_args(annotation):
            yield from getattr(each, "__metadata__", ())


def _quantity(given: dict[str, Any]) -> str:
    noun, example = describe(given["dimension"])
    limits = given.get("limits") or given.get("options") or {}
    bounds = []
    if limits.get("above") is not None:
        bounds.append("above absolute zero" if given["dimension"] == "K" else "above zero")
    if limits.get("low") is not None:
        bounds.append("zero or more")
    bounds += [f"{word} {limits[key]}" for key, word in (("least", "at least"), ("most", "at most")) if limits.get(key)]
    if limits.get("infinite"):
        bounds.append('or `"inf"`')
    law = ", or a table with `value`, `at`, `activation_energy`" if "options" in given else ""
    return f'{noun}, as `"{example}"`{law}' + (f" ({', '.join(bounds)})" if bounds else "")


def _default(key: str, field: Any, part: type[Part]) -> str:
    if key in part.needs:
        return "the material's" if part is schema.Growth else "required"
    if field.default is not PydanticUndefined:
        value = field.default
        if value in (None, ""):
            return "none"
        return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"
    if field.default_factory is not None:
        return "empty"
    return "–"
