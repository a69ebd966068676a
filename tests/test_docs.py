"""The pages: all are reached, their links lead somewhere, and their blocks of code can be read."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from kmcgrowth.cli import app
from kmcgrowth.recipe import schema as recipe_schema
from kmcgrowth.recipe import shipped_recipes, shipped_studies

DOCS = Path(__file__).parents[1] / "docs"


def load(path: Path) -> ModuleType:
    """A module of the pages, which are no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


RUN = load(DOCS / "run_blocks.py")
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)


def reached(page: Path) -> Iterator[Path]:
    """Pages in the tables of contents from ``page`` on."""
    yield page
    for body in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in body.splitlines():
            if line.strip() and not line.startswith(":"):
                yield from reached(page.parent / f"{line.strip()}.md")


def test_every_page_is_in_a_table_of_contents() -> None:
    found = [p.resolve() for p in reached(DOCS / "index.md")]
    assert len(found) == len(set(found))
    assert sorted(found) == [p.resolve() for p in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(DOCS)))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"(?ms)^( *)(`{3,})[^\n]*\n.*?^\1\2$", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        if not target.startswith(("http", "mailto")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", RUN.pages(), ids=lambda p: str(p.relative_to(DOCS)))
def test_blocks_of_code_can_be_read(page: Path) -> None:
    """Python and TOML are parsed; commands exist and know their options."""
    group: Any = typer.main.get_command(app)
    for block in RUN.blocks(page):
        where = f"{page.name}:{block.line}"
        if block.language == "python":
            ast.parse(block.text, where)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif not block.language:
            for words in (shlex.split(c, comments=True) for c in block.commands):
                if Path(words[0]).name == "kmcgrowth" and words[1] != "--version":
                    known = group.commands[words[1]]
                    options = {name for p in known.params for name in p.opts} | {"--help"}
                    assert {w for w in words[2:] if re.match(r"--?[a-z]", w)} <= options, where


def test_cells_of_notebooks_can_be_read() -> None:
    notebooks = [p for p in (DOCS / "notebooks").glob("*.md") if p.stem != "index"]
    assert len(notebooks) >= 5
    for page in notebooks:
        text = page.read_text(encoding="utf-8")
        assert text.startswith("---\nfile_format: mystnb\n")
        cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", text, re.DOTALL)
        assert cells
        for cell in cells:
            ast.parse(re.sub(r"^%.*$", "", cell, flags=re.MULTILINE), page.name)


def test_gallery_shows_everything_that_ships() -> None:
    """Run ``python docs/gallery.py NAME`` for a recipe that is new."""
    text = (DOCS / "gallery" / "index.md").read_text(encoding="utf-8")
    names = [*shipped_recipes(), *shipped_studies()]
    assert sorted(re.findall(r"^### (\S+)$", text, re.MULTILINE)) == sorted(names)
    for name in names:
        assert f"]({name}.png)" in text
        assert f"kmcgrowth run {name}" in text or f"kmcgrowth sweep {name}" in text
        assert (DOCS / "gallery" / f"{name}.png").stat().st_size < 300_000, name


def test_generated_pages_have_every_command_and_key() -> None:
    made = load(DOCS / "_ext" / "docs_tables.py")
    commands, keys = made.commands_page(), made.recipe_page()
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert f"## `kmcgrowth {name}`" in commands
        for parameter in command.params:
            assert all(f"`{flag}`" in commands for flag in parameter.opts if flag.startswith("-"))
    for heading, part in made.TABLES.items():
        section = keys.partition(f"## `{heading}`\n")[2].partition("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(part.keys), heading
    tables = {heading.strip("[]").split(".")[0] for heading in made.TABLES}
    assert tables | {"title", "source", "material"} == set(recipe_schema.Recipe.keys)


def test_runner_reads_remarks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: a reason -->\n```\nkmcgrowth one\n```\n\nText\n\n"
        "<!-- not run (two): why -->\n```\nkmcgrowth two\n"
        "kmcgrowth three    what it does\nprinted\n```\n<!-- file: a.toml -->\n```toml\na = 1\n```\n```{note}\n```\n"
        "```python\n1 / 0\n```\n", encoding="utf-8",
    )
    first, second, third, fourth = RUN.blocks(page)
    assert (first.runs, second.runs, third.file, fourth.language) == (False, True, "a.toml", "python")
    assert second.commands == ["kmcgrowth three"]
    page.write_text("```python\n1 / 0\n```\n<!-- file: a.toml -->\n```toml\na = \n```\n", encoding="utf-8")
    wrong = RUN.run_page(page, tmp_path)
    assert len(wrong) == 2 and "ZeroDivisionError" in wrong[0]
