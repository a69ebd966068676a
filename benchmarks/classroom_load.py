"""Many students on one machine: websocket clients that each start a run and count the frames that reach them.

    kmcgrowth classroom --no-browser &
    python benchmarks/classroom_load.py --students 30 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import urllib.request
import uuid

import socketio


async def student(url: str, story: str, speed: int, begin: asyncio.Event, end: asyncio.Event) -> tuple[int, int, int]:
    """Frames, bytes of frames, and numbers in the largest frame."""
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=60).read().decode())
    client = re.search(r"'client_id': '([^']+)'", page)[1]
    listener, layout = re.search(r'"listener_id":"([^"]+)","type":"desk"', page)[1], 0
    found = [0, 0, 0]
    socket = socketio.AsyncClient()

    @socket.on("run_javascript")
    async def _script(message):
        code = message["code"]
        if '"kind":"frame"' in code and begin.is_set() and not end.is_set():
            found[0] += 1
            found[1] += len(code)
            found[2] = max(found[2], len(re.findall(r"(?<=[:,\[])(?:-?\d|null)", code)))

    asked = {"client_id": client, "next_message_id": 0, "implicit_handshake": "true", "document_id": str(uuid.uuid4()),
             "tab_id": str(uuid.uuid4()), "old_tab_id": ""}
    query = "&".join(f"{k}={v}" for k, v in asked.items())
    await socket.connect(f"{url}?{query}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"])

    async def ask(what):
        await socket.emit("event", {"id": layout, "client_id": client, "listener_id": listener,
                                    "args": [json.dumps(what)]})

    await ask({"do": "story", "name": story})
    await ask({"do": "speed", "value": speed})
    await asyncio.sleep(1.0)
    await ask({"do": "play"})
    await end.wait()
    await socket.disconnect()
    return tuple(found)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8420/")
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--story", default="focusing")
    parser.add_argument("--speed", type=int, default=5)
    given = parser.parse_args()
    begin, end = asyncio.Event(), asyncio.Event()
    crowd = [asyncio.create_task(student(given.url, given.story, given.speed, begin, end))
             for _ in range(given.students)]
    await asyncio.sleep(3.0 + 0.2 * given.students)
    begin.set()
    began = time.perf_counter()
    await asyncio.sleep(given.seconds)
    lasted = time.perf_counter() - began
    end.set()
    found = await asyncio.gather(*crowd)
    rates = sorted(n / lasted for n, _, _ in found)
    size = sum(b for _, b, _ in found) / max(sum(n for n, _, _ in found), 1)
    print(f"{given.students} students, {given.story} at {given.speed} frames/s: frames a second that arrive, least "
          f"{rates[0]:.2f}, median {rates[len(rates) // 2]:.2f}; {size:.0f} bytes a frame, at most "
          f"{max(n for _, _, n in found)} numbers")


if __name__ == "__main__":
    asyncio.run(main())
