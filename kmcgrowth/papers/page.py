"""The page of the comparison: a table of all rows, and every row with its numbers, inputs and figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kmcgrowth.files import atomic_path
from kmcgrowth.papers.rows import STATUS, Outcome, number, wanted

_HEAD = """# What the papers report, and what the simulation gives

`kmcgrowth papers` runs the experiments of four papers with the recipes that ship and writes one line a row;
`kmcgrowth papers InAs-5 --figures .` runs one and draws it. This page is what `kmcgrowth papers --report docs/papers`
writes.

A row **holds** when all its numbers lie within their limits and one at least is a prediction. It is **fitted** when a
number of it served to find a parameter, **imposed** when all its numbers follow from what was put in; otherwise it
**fails**. The limits stand in `kmcgrowth/papers/rows.toml` and were set before the rows were first run, except where
that file says otherwise. One set of parameters for each material serves all its rows.

Few rows hold and many are fitted, because the papers report sizes and spectra but hardly a rate constant, a solubility
or a concentration of dots: what a row says is often the only place where its parameter is known from. A row counts as
fitted as soon as any of its statements was looked at when a number, a scheme or a way of reading was chosen. What would
turn them into predictions are measured concentrations of the seeds, rates of release of single clusters, extinction
coefficients of the clusters, and the solubility of one material.
"""


def write_page(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write ``index.md`` beside the figures that the folder holds."""
    count = {status: sum(o.status == status for o in outcomes) for status in STATUS}
    said = ", ".join(f"{n} {_SAID[status][n != 1]}" for status, n in count.items())
    lines = [_HEAD, f"Of {len(outcomes)} rows {said}.\n"]
    lines += ["| row | | experiment |", "|---|---|---|"]
    lines += [f"| [{o.row.id}](#{o.row.id.lower()}) | {o.status} | {o.row.title} |" for o in outcomes]
    for outcome in outcomes:
        lines += ["", *_section(outcome, folder)]
    with atomic_path(folder / "index.md") as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")


_SAID = {"holds": ("holds", "hold"), "fitted": ("is fitted", "are fitted"), "imposed": ("is imposed", "are imposed"),
         "fails": ("fails", "fail")}
"""Of one row, and of several."""


def _section(outcome: Outcome, folder: Path) -> list[str]:
    row = outcome.row
    lines = [f"## {row.id}", "", f"**{outcome.status}**: {row.title} ({row.source}).", ""]
    lines += [f"Put in: {'; '.join(row.inputs)}."]
    if row.calibrates:
        lines += [f"Fitted to: {'; '.join(row.calibrates)}."]
    lines += ["", "| | wanted | simulated | | |", "|---|---|---|---|---|"]
    for check in row.checks:
        value = outcome.measured[check.name]
        agrees = "agrees" if check.met(value) else "**does not**"
        lines.append(f"| {check.name} | {wanted(check)} | {number(value, check.unit)} | {check.kind} | {agrees} |")
    if outcome.note:
        lines += ["", outcome.note]
    if (folder / f"{row.id}.png").exists():
        lines += ["", f"![{row.id}: {row.title}]({row.id}.png)"]
    return lines
