"""Changes on top of a recipe's text: ``--set injection.0.rate="2 mL/hour"``."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from kmcgrowth.errors import BadInput
from kmcgrowth.recipe.laws import LAW_KEYS, SIZE_KEYS
from kmcgrowth.recipe.problems import bad, key_text
from kmcgrowth.units import shown

_QUANTITY = re.compile(r"[-+.\d]+(?:e[-+]?\d+)? [A-Za-z/][\w/^ ]*", re.ASCII)
"""A number with a unit is no TOML value; most changes are such, and finding out by trial takes ten times as long."""
_PART = re.compile(r'"([^"]*)"|([^."]+)')


def split_key(key: str) -> list[str]:
    """Parts of a dotted key; a part with dots stands in double quotes."""
    parts: list[str] = []
    place = 0
    while True:
        match = _PART.match(key, place)
        if match is None:
            raise BadInput(f'{shown(key)}: not a key; write one such as "injection.0.rate".')
        parts.append(match[1] if match[1] is not None else match[2].strip())
        place = match.end()
        if place == len(key):
            return parts
        if key[place] != ".":
            raise BadInput(f'{shown(key)}: not a key; write one such as "injection.0.rate".')
        place += 1


def read_value(value: Any) -> Any:
    """A text as a TOML value if it is one, else as a string; anything else as it is."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return value
    if not isinstance(value, str):
        return value.item() if hasattr(value, "item") else copy.deepcopy(value)
    try:
        table = tomllib.loads(f"x = {value}")
    except (ValueError, RecursionError):
        return value
    return table["x"] if set(table) == {"x"} else value


def apply_changes(tree: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Set every key of ``changes`` in the tree of a recipe, which is changed in place.

    Missing tables are added, so that any key of a recipe can be set; entries of lists must exist. The
    schema refuses unknown keys afterwards.

    Raises
    ------
    BadInput : for a path that leads nowhere.
    """
    for key, value in changes.items():
        _set(tree, split_key(key), read_value(value))


def _set(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    node: Any = tree
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if isinstance(node, list):
            if not re.fullmatch(r"\d{1,9}", part):
                raise bad(f"{key_text(parts[:i])} is a list; its entries are numbered from 0.", *parts)
            place: Any = int(part)
            if place >= len(node):
                raise bad(f"there is no such entry; {key_text(parts[:i])} has {len(node)}, numbered from 0.", *parts)
        else:
            place = part
            if not last:
                node.setdefault(part, {})
        if last:
            node[place] = value
            return
        if isinstance(node[place], str) and len(parts) == i + 2 and parts[-1] in LAW_KEYS + SIZE_KEYS:
            node[place] = {"value": node[place]}
        if not isinstance(node[place], (dict, list)):
            raise bad(f"{key_text(parts[: i + 1])} is {shown(node[place])}, which has no parts.", *parts)
        node = node[place]


def merge_defaults(tree: dict[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> None:
    """Fill what a recipe leaves out of a table (``growth``, ``nucleation``) from the material."""
    for table, values in defaults.items():
        given = tree.setdefault(table, {})
        if isinstance(given, dict):
            for key, value in values.items():
                given.setdefault(key, copy.deepcopy(value))
