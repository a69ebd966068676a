"""The command that serves the teaching page."""

from __future__ import annotations

import subprocess
import sys

import pytest
from browsing import Server, driver, frames, needs_browser, opened, press, wait

pytest.importorskip("nicegui", reason="the page needs nicegui")
pytest.importorskip("selenium", reason="a browser is driven by selenium")


@needs_browser
def test_command_serves_until_it_is_interrupted_and_ends_in_order(tmp_path):
    served, browser = Server(tmp_path), driver(tmp_path)
    try:
        served.await_page()
        page = opened(browser, served.address)
        press(page, "play")
        wait(lambda: frames(page) > 2)
        taken = subprocess.run(
            [sys.executable, "-m", "kmcgrowth", "classroom", "--no-browser", "--port", str(served.port)],
            capture_output=True, text=True, timeout=60,
        )
        assert taken.returncode == 2 and taken.stderr.count("\n") == 1
        assert f"--port: {served.port}" in taken.stderr and "give another one" in taken.stderr
    finally:
        code = served.end()
        browser.quit()
    assert code == 130 and "Traceback" not in served.said
    assert served.said.splitlines()[0] == f"the classroom is at http://localhost:{served.port}"


@pytest.mark.parametrize("options, says", [
    (["--port", "0"], "from 1 to 65535"), (["--port", "70000"], "from 1 to 65535"), (["--port", "x"], "--port"),
    (["--host", "192.0.2.1"], "not an address of this machine"),
])
def test_port_or_host_that_cannot_be_gets_a_sentence(options, says):
    done = subprocess.run([sys.executable, "-m", "kmcgrowth", "classroom", "--no-browser", *options],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and says in done.stderr
