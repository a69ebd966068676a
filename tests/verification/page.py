"""The page of a verification: Markdown that a code host shows, with its figures beside it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from verification.cases import Case, Check, Finding
from verification.figures import save_figure

from kmcgrowth.driving import processors
from kmcgrowth.files import atomic_path
from kmcgrowth.provenance import versions


def save_figures(findings: Sequence[Finding], folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Draw what the cases offer.

    Parameters
    ----------
    findings : of one or several engines
    folder : for the PNGs

    Returns
    -------
    dict
        Name of a case -> title and file name of each of its figures.
    """
    made: dict[str, list[tuple[str, str]]] = {}
    for case, group in by_case(findings):
        titles = dict.fromkeys(title for f in group for title in f.drawings)
        for i, title in enumerate(titles, start=1):
            name = f"{case.name}-{i}.png"
            panels = {f.engine: f.drawings[title] for f in group if title in f.drawings}
            save_figure(title, panels, folder / name)
            made.setdefault(case.name, []).append((title, name))
    return made


def by_case(findings: Sequence[Finding]) -> list[tuple[Case, list[Finding]]]:
    """Findings of the same case put together, in their order."""
    groups: dict[str, list[Finding]] = {}
    for f in findings:
        groups.setdefault(f.case.name, []).append(f)
    return [(group[0].case, group) for group in groups.values()]


def write_page(findings: Sequence[Finding], folder: Path, *, fast: bool, seconds: float) -> Path:
    """Write ``index.md`` and the figures.

    Parameters
    ----------
    findings : of all cases and engines
    folder : made if need be
    fast : whether these are the short variants
    seconds : that all took

    Returns
    -------
    Path
        Of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = save_figures(findings, folder)
    engines = list(dict.fromkeys(f.engine for f in findings))
    checks = [c for f in findings for c in f.checks]
    failed = sum(not c.holds for c in checks)
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# Verification of the engines",
        "",
        "Closed forms, master equations and the engines themselves hold each other to account. This page is written by",
        "`python tests/verification --report`; every case can be run by itself, `python tests/verification NAME --engine ENGINE`.",
        "Nothing is drawn anew from run to run: all seeds are fixed.",
        "",
        f"- **Result**: {len(findings)} cases, {len(checks)} checks, " + (f"**{failed} FAIL**" if failed else "all hold"),
        f"- **Engines**: {', '.join(engines)}" + (" (short variants, with wider tolerances)" if fast else ""),
        f"- **Run**: {datetime.now(UTC):%Y-%m-%d}, {seconds / 60.0:.0f} min in one process",
        f"- **Versions**: {used}",
        f"- **Machine**: {platform.system()} {platform.machine()}, {processor()}, {processors()} cores",
        "",
        "Where the expected value has no tolerance of its own, the tolerance is 6.1 standard errors or a p-value of 10⁻⁹: a",
        "right engine fails such a check once in 10⁹ choices of the seed.",
        "",
        "## Summary",
        "",
        "| case | what | " + " | ".join(engines) + " |",
        "|---|---|" + "---|" * len(engines),
    ]
    for case, group in by_case(findings):
        cells = {f.engine: f"{verdict(f.holds)}, {duration(f.seconds)}" for f in group}
        link = f"[{case.name}](#{anchor(case.name)})"
        lines.append(f"| {link} | {cell(case.what)} | " + " | ".join(cells.get(e, "–") for e in engines) + " |")
    for case, group in by_case(findings):
        lines += ["", f"## {case.name}", "", capital(case.what) + ".", ""]
        for title, name in figures.get(case.name, []):
            lines += [f"![{title}]({name})", ""]
        for f in group:
            lines += table(f)
    with atomic_path(folder / "index.md") as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "index.md"


def table(finding: Finding) -> list[str]:
    """The checks of a case on one engine."""
    head = f"**{finding.engine}**, {duration(finding.seconds)}"
    rows = ["| | quantity | expected | measured | tolerance | reason |", "|---|---|---|---|---|---|"]
    return [head, "", *rows, *(row(c) for c in finding.checks), ""]


def row(check: Check) -> str:
    """A check as a row of the table."""
    parts = (check.what, check.expected, check.measured, check.allowed, check.reason)
    return f"| {verdict(check.holds)} | " + " | ".join(cell(p) for p in parts) + " |"


def cell(words: str) -> str:
    """Text that does not break a table."""
    for character in "\\|*_<>[]":
        words = words.replace(character, f"\\{character}")
    return " ".join(words.split())


def verdict(holds: bool) -> str:
    """As it stands in the tables."""
    return "holds" if holds else "**FAILS**"


def duration(seconds: float) -> str:
    """Rounded to what matters."""
    return f"{seconds:.1f} s" if seconds < 10.0 else f"{seconds:.0f} s"


def anchor(heading: str) -> str:
    """Link of a heading, as code hosts make it."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def capital(words: str) -> str:
    """With a capital at the beginning."""
    return words[:1].upper() + words[1:]


def processor() -> str:
    """Model of the processor, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as told:
            return next(line.partition(":")[2].strip() for line in told if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"
