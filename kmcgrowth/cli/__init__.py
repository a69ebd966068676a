"""The command ``kmcgrowth``: parses, calls the package, prints. Each command is one module and a line here.

Commands import what they need when they run, so that ``kmcgrowth --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from kmcgrowth.cli import check, classroom, copy, export, papers, plot, rates, run, show, study, sweep
from kmcgrowth.cli import list as list_command
from kmcgrowth.errors import BadInput, Interrupted, KmcgrowthError

app = typer.Typer(
    name="kmcgrowth",
    help="Simulate the growth of nanocrystals from magic-size clusters and molecular precursors.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("show")(show.show)
app.command("plot")(plot.plot)
app.command("export")(export.export)
app.command("sweep")(sweep.sweep)
app.command("status")(study.status)
app.command("collect")(study.collect)
app.command("map")(study.draw_map)
app.command("sensitivity")(study.draw_sensitivity)
app.command("rates")(rates.rates)
app.command("papers")(papers.papers)
app.command("classroom")(classroom.classroom)
app.command("list")(list_command.list_shipped)
app.command("copy")(copy.copy)


@app.callback(invoke_without_command=True)
def _top(context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        from kmcgrowth import __version__
        from kmcgrowth.cli.say import say

        say(f"kmcgrowth {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from kmcgrowth.cli.say import say

        say(context.get_help())
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 failed, 2 bad input, 130 or 143 interrupted."""
    code = _guarded(sys.argv[1:] if arguments is None else [*arguments])
    with suppress(ValueError):  # closed already
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            silence()
        except OSError as error:
            silence()
            if code:  # said already
                return code
            return _complain(f"standard output cannot be written to: {error.strerror}.", 1)
    return code


def silence() -> None:
    """Let standard output go nowhere, so that what is left in its buffer fails no second time."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _guarded(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="kmcgrowth", standalone_mode=False)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted.", 130)
    except BadInput as error:
        return _complain(str(error), 2)
    except Interrupted as error:
        return _complain(str(error), 130)
    except KmcgrowthError as error:
        return _complain(str(error), 1)
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if callable(usage):  # what the parser of the command line raises
            return _complain(f"{usage().strip().rstrip('.')}; see kmcgrowth --help.", 2)
        if os.environ.get("KMCGROWTH_DEBUG"):
            raise
        if isinstance(error, OSError) and error.strerror:
            what = f'"{error.filename}" cannot be used' if error.filename else "reading or writing failed"
            return _complain(f"{what}: {error.strerror}.", 1)
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _complain(f"{what} (set KMCGROWTH_DEBUG=1 to see where).", 1)
    return code if isinstance(code, int) else 0


def _complain(sentence: str, code: int) -> int:
    with suppress(OSError):
        print("kmcgrowth:", " ".join(sentence.split()), file=sys.stderr, flush=True)
    return code
