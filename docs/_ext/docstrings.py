"""Docstrings of the package as reStructuredText: sections with lists of names, formulas as they are.

A parameter or an attribute is told as ``name : what it is [unit]``, which is a sentence and no type to be linked.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

LISTS = ("Parameters", "Attributes", "Returns", "Raises", "Yields")
TEXTS = ("Notes", "Source", "Sources", "References", "See Also", "Examples", "Warnings")
_CODE = re.compile(r"``.+?``|(?<!`)`[^`]+?`(?!`)")


def literal(text: str) -> str:
    """Text whose stars, bars and underscores mean nothing; what stands in backquotes is code."""
    parts, last = [], 0
    for found in _CODE.finditer(text):
        parts += [_escaped(text[last:found.start()]), f"``{found[0].strip('`')}``"]
        last = found.end()
    return "".join([*parts, _escaped(text[last:])])


def _escaped(text: str) -> str:
    return re.sub(r"([*|\\]|_(?!\w)|`)", r"\\\1", text)


def converted(lines: list[str]) -> list[str]:
    """A docstring in the form that Sphinx reads."""
    made: list[str] = []
    section, i = "", 0
    while i < len(lines):
        line = lines[i]
        if i + 1 < len(lines) and line.strip() and re.fullmatch(r"\s*-{3,}\s*", lines[i + 1]):
            section = line.strip()
            made += ["", f".. rubric:: {section}", ""]
            i += 2
            continue
        if re.fullmatch(r"\s*={3,}[= ]*", line):  # a table in plain characters
            end = max(j for j in range(i, len(lines)) if re.fullmatch(r"\s*={3,}[= ]*", lines[j]))
            made += ["", "::", "", *("   " + each for each in lines[i : end + 1]), ""]
            i = end + 1
            continue
        if section in LISTS and line.strip():
            made += _entry(line) if not line.startswith(" ") else ["   " + literal(line.strip())]
        elif line.lstrip().startswith(">>>") or re.match(r"\s*(- |\d+\. )", line):
            made.append(line if line.lstrip().startswith(">>>") else _item(line))
        else:
            made.append(literal(line))
        i += 1
    return made


def _entry(line: str) -> list[str]:
    name, colon, words = line.partition(" : ")
    if not colon or len(name) > 70:
        return ["", literal(line)]
    return ["", f"``{name.strip('`')}``", "   " + literal(words)]


def _item(line: str) -> str:
    mark = re.match(r"\s*(- |\d+\. )", line)
    assert mark is not None
    return mark[0] + literal(line[mark.end():])


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = converted(lines)


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Fields of named tuples are told by the docstring of the tuple; how pydantic is set up helps no reader."""
    pydantic = what == "class" and name in ("model_config", "prepare")
    return True if pydantic or type(obj).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Convert every docstring that autodoc finds."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
