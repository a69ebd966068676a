"""Photograph the classroom for the README: a second population laid over seeds that focus.

``python docs/classroom_picture.py`` writes ``docs/images/classroom.png``. It needs chromium with its driver, selenium
and the extra ``classroom``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browsing import Server, choose, driver, last, opened, press, until, wait  # noqa: E402

PICTURE = HERE / "images" / "classroom.png"
WIDTH, HEIGHT = 1264, 868
FROZEN, SHOWN = "focusing", "secondary_nucleation"
FRAME = 230
"""Of 240."""

TIDY = "document.activeElement.blur(); document.documentElement.style.overflow = 'hidden'; window.scrollTo(0, 0);"


def main() -> None:
    """Start the page, run both stories, and take the picture."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            server.await_page()
            browser = driver(Path(folder))
            try:
                opened(browser, server.address, WIDTH, HEIGHT)
                choose(browser, "story", FROZEN)
                until(browser, FRAME)
                press(browser, "freeze")
                choose(browser, "story", SHOWN)
                wait(lambda: last(browser)["index"] == 0)
                until(browser, FRAME)
                browser.execute_script(TIDY)
                seen = browser.get_screenshot_as_png()
            finally:
                browser.quit()
        finally:
            server.end()
    Image.open(io.BytesIO(seen)).convert("RGB").save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
