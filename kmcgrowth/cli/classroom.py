"""``kmcgrowth classroom``: the teaching page."""

from __future__ import annotations

from typing import Annotated

import typer


def classroom(
    port: Annotated[int, typer.Option(metavar="N", help="Port to listen at.")] = 8420,
    host: Annotated[str, typer.Option(metavar="H", help="Address; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Serve the teaching page: sliders, live pictures and stories over the engines. Ctrl-C ends it."""
    from kmcgrowth.classroom.server import serve
    from kmcgrowth.cli.say import say

    shown = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0") else host
    serve(host=host, port=port, browser=browser, ready=lambda: say(f"the classroom is at http://{shown}:{port}"))
