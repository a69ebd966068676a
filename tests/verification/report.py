"""The command: choose cases, run them, print what was expected and what was found."""

from __future__ import annotations

import argparse
import sys
import textwrap
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from verification.cases import ENGINES, USUAL, Bench, Case, Check, Finding, load
from verification.page import save_figures, write_page
from verification.stress import OTHERS, rerun


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
    parser.add_argument(
        "--engine", choices=sorted(ENGINES), help="engine to verify (default: exact and lattice; all for --report)"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="also draw the figures of the cases into this folder")
    parser.add_argument("--recipe", type=int, metavar="K", help="print one recipe of the case stress and rerun it")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", nargs="?", const=Path("docs/verification"),
        help="write a page with tables and figures of all engines into this folder (default: docs/verification)",
    )
    given = parser.parse_args(arguments)
    if given.recipe is not None:
        others = OTHERS if given.engine in (None, "exact") else (given.engine,)
        return 0 if rerun(given.recipe, others, fast=given.fast) else 1

    engines = [given.engine] if given.engine else list(ENGINES if given.report or given.list else USUAL)
    cases = {name: case for name, case in load().items() if set(engines) & set(case.engines)}
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

    findings: list[Finding] = []
    began = perf_counter()
    for name in chosen:
        for engine in engines:
            if engine in cases[name].engines:
                findings.append(examine(cases[name], engine, given.fast))
                print(describe(findings[-1]), flush=True)
    failed = [f.title for f in findings if not f.holds]
    checks = sum(len(f.checks) for f in findings)
    if given.plots is not None:
        save_figures(findings, given.plots)
    if given.report is not None:
        write_page(findings, given.report, fast=given.fast, seconds=perf_counter() - began)
    verdict = "all hold" if not failed else f"{len(failed)} FAIL: {', '.join(failed)}"
    print(f"{len(findings)} cases, {checks} checks, {perf_counter() - began:.0f} s: {verdict}")
    return 1 if failed else 0


def matches(name: str, wanted: str) -> bool:
    """Whether ``wanted`` is the name of the case or begins it, up to a dash; case does not matter."""
    name, wanted = name.lower(), wanted.lower()
    return name == wanted or name.startswith(wanted + "-")


def examine(case: Case, engine: str, fast: bool) -> Finding:
    """Run a case; an exception is a failed check, so that the other cases are still run."""
    bench, began = Bench(engine, fast), perf_counter()
    try:
        found = case.body(bench)
    except Exception:
        print(traceback.format_exc(), file=sys.stderr)
        problem = str(sys.exc_info()[1]).splitlines()
        found = [Check("runs to its end", "yes", problem[0] if problem else "no", "exactly", "traceback above", False)]
    return Finding(case, engine, tuple(found), perf_counter() - began, bench.drawings)


def describe(finding: Finding) -> str:
    """The case and its checks as text."""
    lines = [f"{finding.title}: {finding.case.what}  [{finding.seconds:.1f} s]"]
    for check in finding.checks:
        verdict = "holds" if check.holds else "FAILS"
        lines.append(
            f"  {verdict}  {check.what}: expected {check.expected}, measured {check.measured}, {check.allowed}"
        )
        lines += textwrap.wrap(check.reason, 112, initial_indent=9 * " ", subsequent_indent=9 * " ")
    return "\n".join(lines) + "\n"
