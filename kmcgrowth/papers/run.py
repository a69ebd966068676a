"""Running rows, one after the other or all, and drawing what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter

from kmcgrowth.errors import BadInput
from kmcgrowth.papers.bench import ROWS, Bench
from kmcgrowth.papers.rows import Outcome, load_rows

MODULES = ("inas", "inas_structure", "inp", "cdse", "cd3p2")
"""Where the rows are measured; a new module is its name here."""


def chosen_rows(names: Iterable[str]) -> list[str]:
    """Rows by their names or the beginnings of names, in the order of the table; all if none is given.

    Raises
    ------
    BadInput : a name that no row begins with.
    """
    known, names = list(load_rows()), list(names)
    for name in names:
        if not any(_begins(row, name) for row in known):
            raise BadInput(f'"{name}" is no row and no beginning of one; the rows are {", ".join(known)}.')
    return [row for row in known if not names or any(_begins(row, name) for name in names)]


def _begins(row: str, name: str) -> bool:
    return row.casefold() == name.casefold() or row.casefold().startswith(name.casefold().rstrip("-") + "-")


def run_rows(
    names: Iterable[str] = (), *, figures: Path | None = None, started: Callable[[str], None] | None = None
) -> Iterator[Outcome]:
    """Measure rows and judge them.

    Parameters
    ----------
    names : of rows, or their beginnings such as "InAs"; all if none is given
    figures : folder for a figure of each row, or None
    started : called with the name of each row before it is run

    Yields
    ------
    Outcome of each row, in the order of the table

    Raises
    ------
    BadInput : a name that no row begins with.
    """
    chosen = chosen_rows(names)
    for module in MODULES:
        import_module(f"kmcgrowth.papers.{module}")
    bench = Bench()
    for name in chosen:
        row = load_rows()[name]
        if started is not None:
            started(name)
        bench.begin()
        start = perf_counter()
        ROWS[name](bench)
        took = perf_counter() - start
        missing = [c.name for c in row.checks if c.name not in bench.measured]
        if missing:
            raise RuntimeError(f"{name}: not measured: {', '.join(missing)}")
        outcome = Outcome(row, row.judge(bench.measured), dict(bench.measured), took, bench.note)
        if figures is not None and bench.panels:
            from kmcgrowth.papers.figure import draw_row

            draw_row(outcome, bench.panels, figures / f"{name}.png")
        yield outcome
