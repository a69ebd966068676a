"""The page in a browser: every tab has its desk, and all desks share the processors."""

from __future__ import annotations

from asyncio import Lock, get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from kmcgrowth.driving import processors
from kmcgrowth.errors import BadInput


def serve(
    *, port: int, host: str = "127.0.0.1", browser: bool = True, ready: Callable[[], None] | None = None,
    patience: float = 10.0,
) -> None:
    """Serve the page until interrupted; all that it needs comes from this machine.

    Parameters
    ----------
    host : address to listen at; "0.0.0.0" for all machines that can reach this one
    port : to listen at
    browser : open one
    ready : called once the page can be opened
    patience : how long the run of a tab that has gone waits for it to come back [s]

    Raises
    ------
    BadInput : nicegui is not installed, or the port is taken or none.
    """
    try:
        from nicegui import app, ui
    except ImportError:
        raise BadInput('the classroom needs nicegui; install it: pip install "kmcgrowth[classroom]".') from None
    _free(host, port)
    pool = ThreadPoolExecutor(processors(), thread_name_prefix="desk")
    _lay_out(pool)
    if ready is not None:
        app.on_startup(ready)
    try:
        ui.run(
            host=host, port=port, title="Growing nanocrystals", show=browser, reload=False, show_welcome_message=False,
            favicon="⚗", language="en-US", tailwind=False, endpoint_documentation="none", reconnect_timeout=patience,
        )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _lay_out(pool: ThreadPoolExecutor) -> None:
    from nicegui import Client, app, ui

    from kmcgrowth.classroom.desk import Desk, script
    from kmcgrowth.classroom.markup import page, settings

    app.add_static_files("/classroom", Path(__file__).parent / "static")

    def lay_out(client: Client, lattice: bool) -> None:
        ui.add_head_html('<link rel="stylesheet" href="/classroom/desk.css">')
        ui.add_body_html(f'<script id="settings" type="application/json">{settings(lattice=lattice)}</script>')
        for name in ("plots", "lattice_view" if lattice else "charts", "" if lattice else "flask_view", "desk"):
            if name:
                ui.add_body_html(f'<script src="/classroom/{name}.js"></script>')
        ui.html(page(lattice=lattice), sanitize=False)

        def send(message: dict[str, Any]) -> None:
            client.run_javascript(script(message))

        # none until the page is there: whoever only fetches it gets no run
        desks: list[Desk] = []
        coming = Lock()

        async def at_desk() -> Desk:
            async with coming:
                if not desks:
                    make = partial(Desk, send, pool, lattice=lattice)
                    desks.append(await get_running_loop().run_in_executor(pool, make))
                return desks[0]

        async def connected() -> None:
            (await at_desk()).begin()

        async def asked(event: Any) -> None:
            await (await at_desk()).ask(event.args if isinstance(event.args, dict) else {})

        async def deleted() -> None:
            async with coming:
                if desks:
                    await desks[0].close()

        ui.on("desk", asked)
        client.on_connect(connected)
        client.on_delete(deleted)

    @ui.page("/")
    def _flask(client: Client) -> None:
        lay_out(client, lattice=False)

    @ui.page("/lattice")
    def _lattice(client: Client) -> None:
        lay_out(client, lattice=True)


def _free(host: str, port: int) -> None:
    """Refuse a port that cannot be listened at, before anything is started."""
    import errno
    import socket

    if not 1 <= port <= 65535:
        raise BadInput(f"--port: {port} is not a port; give a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise BadInput(f'--host: "{host}" is not an address of a machine; 127.0.0.1 is this one.') from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise BadInput(f"--host: {host} is not an address of this machine; 127.0.0.1 is one.") from None
            raise BadInput(f"--port: {port} at {host} cannot be used ({error.strerror}); give another one.") from None


__all__ = ["serve"]
