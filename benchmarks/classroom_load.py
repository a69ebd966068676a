"""Many students on one machine: websocket clients that each start a run and count the frames that reach them.

    kmcgrowth classroom --no-browser &
    python benchmarks/classroom_load.py --students 30 --lattice 10 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import urllib.request
import uuid
from dataclasses import dataclass

import socketio

from kmcgrowth.classroom.frames import numbers


@dataclass
class Seen:
    """What has reached one student."""

    lattice: bool
    frames: int = 0
    size: int = 0
    numbers: int = 0


async def student(url: str, given: argparse.Namespace, seen: Seen, begin: asyncio.Event, end: asyncio.Event) -> None:
    """Start a run, again and again where it ends, and count."""
    where = url + ("lattice" if seen.lattice else "")
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(where, timeout=60).read().decode())
    client = re.search(r"'client_id': '([^']+)'", page)[1]
    listener, layout = re.search(r'"listener_id":"([^"]+)","type":"desk"', page)[1], 0
    socket = socketio.AsyncClient()

    async def ask(what):
        await socket.emit("event", {"id": layout, "client_id": client, "listener_id": listener,
                                    "args": [json.dumps(what)]})

    @socket.on("run_javascript")
    async def _script(message):
        code = message["code"]
        told = json.loads(re.fullmatch(r"classroom\.take\((.*)\);?", code, re.DOTALL)[1])
        if begin.is_set() and not end.is_set() and told["kind"] in ("frame", "rest"):
            seen.frames += told["kind"] == "frame"
            seen.size += len(code)
            seen.numbers = max(seen.numbers, numbers(told["frame"]))
        if told["kind"] == "frame" and told["frame"]["index"] == 240:
            await ask({"do": "reset"})
            await ask({"do": "play"})

    asked = {"client_id": client, "next_message_id": 0, "implicit_handshake": "true", "document_id": str(uuid.uuid4()),
             "tab_id": str(uuid.uuid4()), "old_tab_id": ""}
    query = "&".join(f"{k}={v}" for k, v in asked.items())
    await socket.connect(f"{where}?{query}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"],
                         wait_timeout=20)
    if not seen.lattice:
        await ask({"do": "story", "name": given.story})
        await ask({"do": "knob", "name": "particles", "value": given.particles})
    await ask({"do": "speed", "value": given.speed})
    await asyncio.sleep(1.0)
    if not given.idle:
        await ask({"do": "play"})
    await end.wait()
    await socket.disconnect()


def cpu(process: int | None) -> float:
    """Processor time of a process so far [s]; 0 for None."""
    if process is None:
        return 0.0
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / 100.0


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8420/")
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--lattice", type=int, default=0, help="of them, those that look at the lattice")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--story", default="focusing")
    parser.add_argument("--particles", type=int, default=5000)
    parser.add_argument("--speed", type=int, default=5)
    parser.add_argument("--idle", action="store_true", help="open the pages and start nothing")
    parser.add_argument("--server", type=int, help="its process, whose processor time is to be told")
    given = parser.parse_args()
    begin, end = asyncio.Event(), asyncio.Event()
    crowd = [Seen(i < given.lattice) for i in range(given.students)]
    tasks = [asyncio.create_task(student(given.url, given, seen, begin, end)) for seen in crowd]
    await asyncio.sleep(3.0 + 0.2 * given.students)
    for task in tasks:
        if task.done():
            task.result()  # which says what went wrong
    begin.set()
    began, used = time.perf_counter(), cpu(given.server)
    await asyncio.sleep(given.seconds)
    lasted, used = time.perf_counter() - began, cpu(given.server) - used
    end.set()
    await asyncio.gather(*tasks)
    for view, part in (("flask", [s for s in crowd if not s.lattice]), ("lattice", [s for s in crowd if s.lattice])):
        rates = sorted(s.frames / lasted for s in part)
        if rates:
            size = sum(s.size for s in part) / max(sum(s.frames for s in part), 1)
            print(f"{len(part)} students, {view}, asked for {given.speed} frames/s: frames a second that arrive, least "
                  f"{rates[0]:.2f}, median {rates[len(rates) // 2]:.2f}; {size:.0f} bytes a frame, at most "
                  f"{max(s.numbers for s in part)} numbers")
    if given.server is not None:
        print(f"the server used {100.0 * used / lasted:.2f} % of a processor")


if __name__ == "__main__":
    asyncio.run(main())
