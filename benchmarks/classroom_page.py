"""Frames a second that a browser shows, and what the server and the browser need for them.

    python benchmarks/classroom_page.py --particles 20000 --core 0

needs selenium, Chromium and chromedriver. With ``--core`` the server has that processor alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.request

from classroom_load import cpu
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

PORT = 8467

TURN = """const k = document.getElementById('knob-particles'); k.value = Math.log10(arguments[0]);
for (const e of ['input', 'change']) k.dispatchEvent(new Event(e, {bubbles: true}));"""

WATCH = """window.drawn = 0; const draw = classroom.draw;
classroom.draw = () => { window.drawn += 1; draw(); };"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--particles", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--speed", type=int, default=10)
    parser.add_argument("--lattice", action="store_true")
    parser.add_argument("--idle", action="store_true", help="open the page and start nothing")
    parser.add_argument("--core", type=int, help="processor for the server alone")
    given = parser.parse_args()
    server = subprocess.Popen([sys.executable, "-m", "kmcgrowth", "classroom", "--no-browser", "--port", str(PORT)])
    if given.core is not None:
        os.sched_setaffinity(server.pid, {given.core})
    url = f"http://127.0.0.1:{PORT}/" + ("lattice" if given.lattice else "")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            browser.set_window_size(1024, 768)
            browser.get(url)
            time.sleep(2.0)
            if not given.lattice:
                browser.execute_script(TURN, given.particles)
                time.sleep(1.0)
            browser.execute_script(WATCH + f"classroom.ask({{do: 'speed', value: {given.speed}}});")
            if not given.idle:
                browser.execute_script("classroom.actions.play()")
            time.sleep(1.0)
            count = "return [performance.now(), classroom.frames.length, window.drawn]"
            before, used = browser.execute_script(count), cpu(server.pid)
            time.sleep(given.seconds)
            after, used = browser.execute_script(count), cpu(server.pid) - used
            lasted = (after[0] - before[0]) / 1000.0
            what = "lattice" if given.lattice else f"{given.particles} dots"
            print(f"{what}: {(after[1] - before[1]) / lasted:.2f} frames "
                  f"a second came, {(after[2] - before[2]) / lasted:.2f} pictures were drawn; the server used "
                  f"{100.0 * used / lasted:.2f} % of a processor")
        finally:
            browser.quit()
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
