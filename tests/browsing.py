"""A server of the classroom and a browser without a window, and what tests do with them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver is installed (Debian: chromium-driver)"
)

COUNTING = """
import gc, signal, sys
from kmcgrowth.classroom.live import LiveRun
from kmcgrowth.classroom.server import serve
def count(*_):
    runs = [x for x in gc.get_objects() if isinstance(x, LiveRun)]
    print("runs", sum(x._run is not None for x in runs), flush=True)
signal.signal(signal.SIGUSR1, count)
serve(port=int(sys.argv[1]), browser=False, patience=1.0)
"""
"""A server that tells upon a signal how many runs it holds, and does not wait long for a tab to come back."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _hear_interrupts():
    """A shell's background job hands on that interrupts are to be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """The classroom as a process of its own; ``said`` is what it has printed."""

    def __init__(self, folder, *, counting=False):
        self.port, self._log = free_port(), folder / f"log{counting}"
        # nicegui takes a run under pytest for one of its own tests
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
        command = ["-c", COUNTING, str(self.port)] if counting else [
            "-m", "kmcgrowth", "classroom", "--no-browser", "--port", str(self.port)]
        with open(self._log, "w") as out:
            self.process = subprocess.Popen([sys.executable, *command], stdout=out, stderr=subprocess.STDOUT, env=clean,
                                            cwd=folder, preexec_fn=_hear_interrupts if os.name == "posix" else None)
        self.address = f"http://127.0.0.1:{self.port}/"

    @property
    def said(self):
        return self._log.read_text()

    def await_page(self):
        for _ in range(240):
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except OSError:
                time.sleep(0.25)
        raise AssertionError(f"no page came: {self.said}")

    def runs(self):
        """Engines that the server holds."""
        before = self.said.count("runs")
        self.process.send_signal(signal.SIGUSR1)
        wait(lambda: self.said.count("runs") > before)
        return int(self.said.split()[-1])

    def end(self, by=signal.SIGINT):
        self.process.send_signal(by)
        return self.process.wait(20)


def driver(folder):
    """A browser that saves to a folder and for which there are no other machines."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(DRIVER))
    found.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    return found


def opened(browser, address, width=1024, height=768):
    """The page at its start, and an empty log."""
    size(browser, width, height)
    browser.get(address)
    wait(lambda: js(browser, "typeof classroom !== 'undefined' && classroom.frames.length") == 1)
    return browser


def severe(browser):
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def size(browser, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700,
    })


def js(browser, expression, *arguments):
    return browser.execute_script(f"return {expression}", *arguments)


def wait(condition, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.03)
    raise AssertionError("it did not happen in time")


def await_text(page, name, part):
    """Until an element says so."""
    wait(lambda: part in text(page, name))


def await_frames(page, number):
    wait(lambda: frames(page) == number)


def press(page, act):
    page.execute_script(f"document.querySelector('[data-act={act}]').click()")


def choose(page, name, option):
    from selenium.webdriver.support.ui import Select

    Select(page.find_element("id", name)).select_by_value(str(option))


def turn(page, knob, value):
    """Drag a slider."""
    page.execute_script(
        "const k = document.getElementById('knob-' + arguments[0]);"
        "k.value = k.dataset.decades ? Math.log10(arguments[1]) : arguments[1];"
        "for (const e of ['input', 'change']) k.dispatchEvent(new Event(e, {bubbles: true}));", knob, value)


def last(page):
    return js(page, "classroom.frames[classroom.frames.length - 1]")


def frames(page):
    return js(page, "classroom.frames.length")


def text(page, name):
    return js(page, "document.getElementById(arguments[0]).textContent", name)


def until(page, index):
    """Run at full speed up to a frame, and pause."""
    choose(page, "speed", 40)
    press(page, "play")
    wait(lambda: last(page)["index"] >= index)
    if js(page, "classroom.running"):
        press(page, "play")
    wait(lambda: not js(page, "classroom.running"))


def picture(page, chart):
    """Share of the canvas that is not white, and a number that changes with what is drawn."""
    return page.execute_script(
        "classroom.draw(); const c = document.getElementById('chart-' + arguments[0]);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0, h = 0;"
        "for (let i = 0; i < d.length; i += 4) { if (d[i] + d[i+1] + d[i+2] < 720) n++;"
        "  h = (h * 31 + d[i] + 7 * d[i+1] + 13 * d[i+2]) % 1000000007; } return [n / (d.length / 4), h];", chart)


def download(page, folder, act, name):
    for old in folder.glob(name):
        old.unlink()
    press(page, act)
    wait(lambda: (folder / name).exists() and not list(folder.glob("*.crdownload")))
    return (folder / name).read_bytes()
