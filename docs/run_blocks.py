"""Run the code blocks of the pages: commands and Python in a temporary folder for each page; TOML is parsed.

``python docs/run_blocks.py [PAGE...]``. Blocks without a language are shell; lines of them that begin with a known
command are run, others are what it printed. Remarks above a block:

- ``<!-- not run: REASON -->``: the block is only read;
- ``<!-- not run (WORDS): REASON -->``: its lines that hold these words are not run;
- ``<!-- needs: PROGRAM -->``: the block is run where ``dask`` is installed, or ``sbatch`` submits to a Slurm that
  answers, and else only read; the shared folder, the environment and the node of the page are then this machine's;
- ``<!-- file: NAME -->``: the block is written to this file, which later blocks of the page use; with a plus before
  the name it is added to the end of what is there. A file of a package is not run by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent
SKIPPED = ("papers", "verification", "gallery", "_build", "_ext")
"""Folders whose pages are made by commands, or whose blocks are run by what makes them."""

COMMANDS = ("kmcgrowth", "python", "pip", "pytest", "ruff", "mypy", "sphinx-build", "cd", ".", "dask")
ENDLESS = ("kmcgrowth classroom", "pip install")
"""A server does not end, and what is to be installed is there."""

LONGEST = 300
"""Time limit of a command [s]."""

ELSEWHERE = {"~/kmcgrowth-env/bin/": "", "/shared": "shared", "node1": "127.0.0.1"}
"""What a page calls things that blocks with needs find in the folder and on the machine where they are run."""

_FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)$")
_REMARK = re.compile(r"^ *<!-- (not run|file|needs)(?: \((.+?)\))?: (.+?) -->$")


@dataclass
class Block:
    """One fenced block of a page.

    Attributes
    ----------
    page : file
    line : of the fence, from 1
    language : as written after the fence, "" for the shell
    text : what it holds
    runs : whether it is to be run
    but : lines with these words are not
    file : name under which it is written, or ""
    needs : program without which it is only read, or ""
    why : why it is only read, or ""
    """

    page: Path
    line: int
    language: str
    text: str
    runs: bool = True
    but: str = ""
    file: str = ""
    needs: str = ""
    why: str = ""

    @property
    def commands(self) -> list[str]:
        """Commands of a shell block, without their descriptions."""
        found = []
        for line in self.text.splitlines():
            words = line.strip().split(" ", 1)[0]
            if Path(words).name in COMMANDS and not (self.but and self.but in line):
                found.append(re.sub(r" {2,}\S.*$", "", line.strip()))
        return found


def pages() -> list[Path]:
    """Pages with blocks of code."""
    return sorted(p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).parts[0] not in SKIPPED)


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, directives aside (cells of notebooks are run by the build)."""
    lines = page.read_text(encoding="utf-8").splitlines()
    remarks: list[re.Match[str]] = []
    i = 0
    while i < len(lines):
        if found := _REMARK.match(lines[i]):
            remarks.append(found)
        elif opened := _FENCE.match(lines[i]):
            indent, fence, language = opened.groups()
            end = next(j for j in range(i + 1, len(lines)) if lines[j].strip() == fence)
            text = "\n".join(line[len(indent):] for line in lines[i + 1 : end]) + "\n"
            block = Block(page, i + 1, language.strip(), text)
            for remark in remarks:
                kind, words, said = remark.groups()
                if kind == "file":
                    block.file = said
                elif kind == "needs":
                    block.needs = said
                elif words:
                    block.but = words
                else:
                    block.runs, block.why = False, said
            remarks = []
            if not block.language.startswith("{"):
                yield block
            i = end
        elif lines[i].strip():
            remarks = []
        i += 1


def available(program: str) -> bool:
    """Whether a block that needs this can be run."""
    if program == "sbatch":
        found = shutil.which("sbatch") and shutil.which("sinfo")
        return bool(found) and subprocess.run(["sinfo"], capture_output=True, check=False).returncode == 0
    return find_spec("distributed") is not None if program == "dask" else shutil.which(program) is not None


def run_page(page: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Run a page's blocks in a folder; the sentences that tell what failed, and those that tell what was only read."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        return _run_page(page, folder, started)
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _run_page(page: Path, folder: Path, started: list[subprocess.Popen[bytes]]) -> tuple[list[str], list[str]]:
    wrong: list[str] = []
    read: list[str] = []
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks(page):
        if block.file:
            with open(folder / block.file.lstrip("+"), "a" if block.file[0] == "+" else "w", encoding="utf-8") as to:
                to.write(block.text)
        if block.needs and not available(block.needs):
            block.runs, block.why = False, f"needs {block.needs}"
        if not block.runs:
            read.append(f"{page}:{block.line}: only read: {block.why}")
            continue
        if block.language == "toml":
            try:
                tomllib.loads(block.text)
            except tomllib.TOMLDecodeError as error:
                wrong.append(f"{page}:{block.line}: {error}")
        elif block.language == "python" and "/" not in block.file:
            wrong += _python(block, names)
        elif not block.language:
            for command in block.commands:
                if not command.startswith(ENDLESS):
                    wrong += _shell(block, command, folder, started)
    return wrong, read


def _python(block: Block, names: dict[str, object]) -> list[str]:
    code = "\n" * block.line + block.text
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, str(block.page), "exec"), names)
    except Exception as error:
        return [f"{block.page}:{block.line}: {type(error).__name__}: {error}"]
    return []


def _shell(block: Block, command: str, folder: Path, started: list[subprocess.Popen[bytes]]) -> list[str]:
    words = command
    if block.needs:
        (folder / ELSEWHERE["/shared"]).mkdir(exist_ok=True)
    for there, here in ELSEWHERE.items() if block.needs else ():
        words = words.replace(there, here)
    words = re.sub(r"^(kmcgrowth|dask)\b", rf"{shlex.quote(sys.executable)} -m \1", words)
    if words.endswith("&"):
        quiet = subprocess.DEVNULL
        started.append(subprocess.Popen(["bash", "-c", words[:-1]], cwd=folder, stdout=quiet, stderr=quiet,
                                        start_new_session=True))
        return []
    try:
        done = subprocess.run(words, shell=True, cwd=folder, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return [f"{block.page}:{block.line}: {command}: more than {LONGEST} s"]
    if done.returncode == 0:
        return _job_ends(block, done.stdout) if "--slurm" in words else []
    said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
    return [f"{block.page}:{block.line}: {command}: exit code {done.returncode}: {said}"]


def _job_ends(block: Block, said: str) -> list[str]:
    """Wait for what was submitted: the commands of the page return at once, and whoever reads it waits."""
    job = re.match(r"job (\d+):", said)
    if not job:
        return [f"{block.page}:{block.line}: no job was submitted: {said.strip()}"]
    began = time.perf_counter()
    while subprocess.run(["squeue", "-h", "-j", job[1]], capture_output=True, check=False).stdout.strip():
        if time.perf_counter() - began > LONGEST:
            subprocess.run(["scancel", job[1]], check=False)
            return [f"{block.page}:{block.line}: job {job[1]}: more than {LONGEST} s"]
        time.sleep(1.0)
    return []


def main() -> int:
    """Run the pages that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="files; all pages if none is given")
    wrong: list[str] = []
    unrun: list[str] = []
    here = Path.cwd()
    for page in [p.resolve() for p in parser.parse_args().pages] or pages():
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # what Python blocks write goes there
            try:
                found, read = run_page(page, Path(folder))
            finally:
                os.chdir(here)
        wrong += found
        unrun += read
        print(f"{page.relative_to(DOCS)}: {time.perf_counter() - began:.1f} s", *found, sep="\n", flush=True)
    print(*unrun, f"{len(unrun)} blocks were only read, {len(wrong)} commands or blocks failed.", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
