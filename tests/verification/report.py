"""The command: choose cases, run them, print what was expected and what was found."""

from __future__ import annotations

import argparse
import sys
import textwrap
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from verification.cases import ENGINES, Bench, Case, Check, load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen cases; the exit code is 1 if any check fails, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(
        prog="python tests/verification",
        description="Holds the engines to closed forms, to the master equation and to each other.",
    )
    parser.add_argument(
        "case", nargs="*", metavar="CASE", help="names, or the beginnings of names; all if none is given"
    )
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--fast", action="store_true", help="short variants, a few seconds each, with wider tolerances")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="exact", help="engine to verify (default: exact)")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="also draw the figures of the cases into this folder")
    parser.add_argument("--recipe", type=int, metavar="K", help="print one recipe of the case stress and rerun it")
    given = parser.parse_args(arguments)

    cases = {name: case for name, case in load().items() if given.engine in case.engines}
    chosen = list(cases)
    if given.case:
        unknown = [c for c in given.case if not any(matches(name, c) for name in cases)]
        if unknown:
            print(f"No case is called {', '.join(unknown)}; see --list.", file=sys.stderr)
            return 2
        chosen = [name for name in cases if any(matches(name, c) for c in given.case)]
    if given.list:
        for name in chosen:
            print(f"{name:<24} {cases[name].what}")
        return 0

    failed, checks, began = [], 0, perf_counter()
    for name in chosen:
        found, seconds, bench = examine(cases[name], given.engine, given.fast)
        print(describe(cases[name], found, seconds), flush=True)
        checks += len(found)
        if not all(check.holds for check in found):
            failed.append(name)
        if given.plots is not None:
            save_figures(bench, name, given.plots)
    verdict = "all hold" if not failed else f"{len(failed)} FAIL: {', '.join(failed)}"
    print(f"{len(chosen)} cases, {checks} checks, {perf_counter() - began:.0f} s: {verdict}")
    return 1 if failed else 0


def matches(name: str, wanted: str) -> bool:
    """Whether ``wanted`` is the name of the case or begins it, up to a dash; case does not matter."""
    name, wanted = name.lower(), wanted.lower()
    return name == wanted or name.startswith(wanted + "-")


def examine(case: Case, engine: str, fast: bool) -> tuple[list[Check], float, Bench]:
    """Run a case; an exception is a failed check, so that the other cases are still run."""
    bench, began = Bench(engine, fast), perf_counter()
    try:
        found = case.body(bench)
    except Exception:
        print(traceback.format_exc(), file=sys.stderr)
        problem = str(sys.exc_info()[1]).splitlines()
        found = [Check("runs to its end", "yes", problem[0] if problem else "no", "exactly", "traceback above", False)]
    return found, perf_counter() - began, bench


def describe(case: Case, checks: Sequence[Check], seconds: float) -> str:
    """The case and its checks as text."""
    lines = [f"{case.name}: {case.what}  [{seconds:.1f} s]"]
    for check in checks:
        verdict = "holds" if check.holds else "FAILS"
        lines.append(
            f"  {verdict}  {check.what}: expected {check.expected}, measured {check.measured}, {check.allowed}"
        )
        lines += textwrap.wrap(check.reason, 112, initial_indent=9 * " ", subsequent_indent=9 * " ")
    return "\n".join(lines) + "\n"


def save_figures(bench: Bench, name: str, folder: Path) -> None:
    """Draw what the case offered, one PNG each."""
    if not bench.drawings:
        return
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    for i, (title, draw) in enumerate(bench.drawings.items()):
        figure = Figure(figsize=(5.0, 3.6), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set_title(title, fontsize=9)
        figure.savefig(folder / f"{name}-{i + 1}.png", dpi=150)
