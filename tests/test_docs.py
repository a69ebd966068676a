"""The pages: all are reached, their links lead somewhere, and their blocks of code can be read."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
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


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", *PAGES], ids=lambda p: str(p.relative_to(DOCS.parent)))
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
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"{len(shipped_recipes())} recipes and {len(shipped_studies())} studies" in readme
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
    assert (first.why, second.why) == ("a reason", "")
    assert (first.runs, second.runs, third.file, fourth.language) == (False, True, "a.toml", "python")
    assert second.commands == ["kmcgrowth three"]
    page.write_text("```python\n1 / 0\n```\n<!-- file: a.toml -->\n```toml\na = \n```\n", encoding="utf-8")
    wrong, read = RUN.run_page(page, tmp_path)
    assert len(wrong) == 2 and "ZeroDivisionError" in wrong[0] and read == []


def test_runner_writes_the_files_of_a_package(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- file: part/a.py -->\n```python\nraise SystemExit(1)\n```\n\n<!-- file: +part/a.py -->\n"
        "```python\n1 / 0\n```\n", encoding="utf-8",
    )
    (tmp_path / "part").mkdir()
    assert RUN.run_page(page, tmp_path) == ([], []), "they are written, and not run by themselves"
    assert (tmp_path / "part" / "a.py").read_text() == "raise SystemExit(1)\n1 / 0\n"


def test_runner_runs_what_it_has_the_programs_for(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    words = "import sys, pathlib; sys.exit(not pathlib.Path(sys.argv[1]).is_dir())"
    page.write_text(
        "<!-- needs: no_such_program -->\n```\npython -c \"exit(1)\"\n```\n\n"
        f"<!-- needs: python -->\n```\npython -c \"{words}\" /shared\n"
        "python -c \"import time; time.sleep(60)\" &\n```\n",
        encoding="utf-8",
    )
    wrong, read = RUN.run_page(page, tmp_path)
    assert wrong == [] and [line.rpartition(": ")[2] for line in read] == ["needs no_such_program"]
    assert (tmp_path / "shared").is_dir(), "the folder of the page lies where the blocks are run"


def test_a_figure_is_old_when_what_it_shows_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = load(DOCS / "gallery.py")
    before = {name: gallery.digest(name) for name in ("teaching_focusing", "inas_seeds_rate")}
    read = gallery.read_file
    for old, new, differs in (('"6 mL/hour"', '"7 mL/hour"', True), ("source = ", 'source = "seen in" #', False)):
        def changed(name: str, kind: str, old: str = old, new: str = new) -> Any:
            file, text = read(name, kind)
            assert kind == "study" or old in text
            return file, text.replace(old, new) if kind == "recipe" else text

        monkeypatch.setattr(gallery, "read_file", changed)
        assert [gallery.digest(name) != digest for name, digest in before.items()] == [differs, differs]
    made = json.loads((DOCS / "gallery" / "made.json").read_text(encoding="utf-8"))
    assert sorted(made) == sorted([*shipped_recipes(), *shipped_studies()])


def test_small_pictures_keep_their_colours(tmp_path: Path) -> None:
    """A small patch among many tints, as in the legend of a map, is what a palette loses first."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(3.0, 3.0))
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.imshow(np.random.default_rng(1).random((90, 90, 3)), extent=(0.0, 1.0, 0.1, 1.0))
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    tints = ("#B7E2D2", "#F6CBA8", "#BFD7EE")
    for i, tint in enumerate(tints):
        ax.axvspan(0.1 + 0.2 * i, 0.2 + 0.2 * i, 0.0, 0.08, color=tint)
    gallery = load(DOCS / "gallery.py")
    gallery.write(figure, tmp_path / "small.png")
    seen = np.asarray(Image.open(tmp_path / "small.png").convert("RGB"), dtype=float)
    for i, tint in enumerate(tints):
        pixel = seen[-15, int((0.15 + 0.2 * i) * seen.shape[1])]
        assert np.abs(pixel - 255 * np.array(to_rgb(tint))).max() <= gallery.UNSEEN + 1
