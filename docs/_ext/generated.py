"""Parts of pages that are made from the program itself, wherever a page has the line ``<!-- generated: NAME -->``.

Links to the table of benchmarks, which lies outside of the pages, lead to the page that holds it.
"""

from __future__ import annotations

import re
from typing import Any

from docs_tables import commands_page, recipe_page
from sphinx.application import Sphinx

PARTS = {"commands": commands_page, "recipe": recipe_page}
_LINE = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def _fill(app: Sphinx, name: str, source: list[str]) -> None:
    text = _LINE.sub(lambda found: PARTS[found[1]](), source[0])
    source[0] = text.replace("](../benchmarks/README.md)", "](benchmarks.md)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Fill the pages as they are read."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
