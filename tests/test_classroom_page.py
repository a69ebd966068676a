"""The teaching page in a real browser without a window."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import kmcgrowth as kg
from kmcgrowth.recipe import parse_recipe

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytest.importorskip("nicegui", reason="the page needs nicegui")
pytest.importorskip("selenium", reason="a browser is driven by selenium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no chromium with chromedriver is installed (Debian: chromium-driver)"
)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    port = free_port()
    # nicegui takes a run under pytest for one of its own tests
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "NICEGUI"))}
    log = tmp_path_factory.mktemp("classroom") / "log"
    with open(log, "w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "kmcgrowth", "classroom", "--no-browser", "--port", str(port)], stdout=out,
            stderr=subprocess.STDOUT, env=clean, cwd=log.parent,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.fail(log.read_text())
        yield url
    finally:
        server.terminate()
        server.wait(20)
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(folder):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, address):
    size(browser, 1024, 768)
    browser.get(address)
    wait(browser, lambda: value(browser, "classroom.frames.length") == 1)
    yield browser
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not severe


def size(browser, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700,
    })


def value(browser, expression):
    return browser.execute_script(f"return window.classroom === undefined && typeof classroom === 'undefined'"
                                  f" ? null : {expression}")


def wait(browser, condition, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def press(page, act):
    page.execute_script(f"document.querySelector('[data-act={act}]').click()")


def choose(page, name, option):
    from selenium.webdriver.support.ui import Select

    Select(page.find_element("id", name)).select_by_value(option)


def frames(page):
    return value(page, "classroom.frames.length")


def text(page, name):
    return page.find_element("id", name).text


def ink(page, chart):
    """Share of the canvas that is not white."""
    return page.execute_script(
        "const c = document.getElementById(arguments[0]);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 0; i < d.length; i += 4) if (d[i] + d[i+1] + d[i+2] < 720) n++; return n / (d.length / 4);", chart
    )


def download(page, folder, act, name):
    for old in folder.glob(name):
        old.unlink()
    press(page, act)
    wait(page, lambda: (folder / name).exists() and not list(folder.glob("*.crdownload")))
    return (folder / name).read_bytes()


def test_nothing_is_fetched_from_elsewhere(page, address):
    press(page, "step")
    wait(page, lambda: frames(page) == 2)
    asked = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"}
    elsewhere = {u for u in urls if not u.startswith((address, "data:", "blob:", "chrome", "about:"))}
    assert urls and not elsewhere


def test_start_pause_step_reset(page):
    press(page, "play")
    wait(page, lambda: frames(page) > 5)
    press(page, "play")
    wait(page, lambda: not value(page, "classroom.running"))
    time.sleep(0.4)
    number = frames(page)
    time.sleep(0.6)
    assert frames(page) == number
    press(page, "step")
    wait(page, lambda: frames(page) == number + 1)
    press(page, "reset")
    wait(page, lambda: frames(page) == 1)
    assert "0.0 min" in text(page, "numbers")


def test_every_chart_is_drawn_at_every_width(page):
    press(page, "step")
    wait(page, lambda: frames(page) == 2)
    for width, height in ((1024, 768), (1600, 900), (390, 844)):
        size(page, width, height)
        time.sleep(0.4)
        for chart in ("distribution", "mean", "width", "supersaturation", "growth", "spectrum"):
            assert ink(page, f"chart-{chart}") > 0.005, (width, chart)
        over = page.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, width


def test_ten_frames_a_second_are_shown(page):
    choose(page, "speed", "10")
    press(page, "play")
    wait(page, lambda: frames(page) > 3)
    before, began = frames(page), time.monotonic()
    time.sleep(3.0)
    rate = (frames(page) - before) / (time.monotonic() - began)
    press(page, "play")
    assert rate > 7.0


def test_run_with_a_turned_feed_is_repeated_by_its_recipe(page, folder):
    choose(page, "speed", "40")
    press(page, "play")
    wait(page, lambda: frames(page) > 4)
    page.execute_script(
        "const k = document.getElementById('knob-feed'); k.value = 12;"
        "k.dispatchEvent(new Event('input', {bubbles: true})); k.dispatchEvent(new Event('change', {bubbles: true}));"
    )
    wait(page, lambda: "feed 12" in text(page, "numbers"))
    press(page, "play")
    wait(page, lambda: not value(page, "classroom.running"))
    time.sleep(0.4)
    recipe = parse_recipe(download(page, folder, "recipe", "classroom.toml").decode())
    result = kg.simulate(recipe).isel(time=-1)
    last = page.execute_script("return classroom.frames[classroom.frames.length - 1]")
    assert last["time"] == float(result["time"])
    assert last["number"] == [int(n) for n in result["particle_count"].sum("size")]
    assert last["mean"][0] == pytest.approx(float(result["mean_diameter"][0]), abs=6e-5)
    table = download(page, folder, "csv", "classroom.csv").decode().splitlines()
    assert float(table[-1].split(",")[0]) == last["time"]
    assert download(page, folder, "png", "classroom.png")[:4] == b"\x89PNG"


def test_stories_freeze_and_other_knobs(page):
    press(page, "step")
    wait(page, lambda: frames(page) == 2)
    press(page, "freeze")
    choose(page, "story", "hot_injection")
    wait(page, lambda: text(page, "story-text").startswith("There are no seeds"))
    press(page, "step")
    wait(page, lambda: frames(page) == 2)
    assert "nucleated" in text(page, "numbers") and len(value(page, "classroom.frozen")) == 2
    choose(page, "knob-cluster", "AMC")
    wait(page, lambda: frames(page) == 1)
    assert "new run" in text(page, "notice")


def test_challenge_locks_the_other_knobs(page):
    choose(page, "story", "challenge")
    wait(page, lambda: "6 nm" in text(page, "story-text"))
    locked = {k.get_attribute("data-knob") for k in page.find_elements("css selector", "[data-knob]")
              if not k.is_enabled()}
    assert {"width", "diameter", "cluster"} <= locked and not {"feed", "temperature"} & locked


def test_keyboard_reaches_and_works_everything(page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    seen = []
    for _ in range(40):
        ActionChains(page).send_keys(Keys.TAB).perform()
        seen.append(page.execute_script(
            "const a = document.activeElement; return a.id || a.dataset.act || a.tagName"))
    assert {"story", "play", "step", "reset", "speed", "freeze", "knob-feed", "knob-temperature", "knob-width",
            "knob-cluster", "png", "csv", "recipe", "SUMMARY"} <= set(seen)
    page.find_element("id", "knob-feed").send_keys(Keys.ARROW_RIGHT)
    wait(page, lambda: text(page, "knob-feed-value") == "6.5 mL/h")
    page.find_element("id", "play").send_keys(Keys.SPACE)
    wait(page, lambda: frames(page) > 2)
    page.find_element("id", "play").send_keys(Keys.SPACE)


def test_every_control_has_a_name_for_a_screen_reader(page):
    page.execute_cdp_cmd("Accessibility.enable", {})
    tree = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    nameless = [
        n for n in tree if not n.get("ignored")
        and n.get("role", {}).get("value") in ("button", "slider", "combobox", "link", "image", "img")
        and not n.get("name", {}).get("value")
    ]
    assert not nameless
    assert sum(n.get("role", {}).get("value") == "slider" for n in tree) == 9


def test_two_tabs_have_two_runs_and_a_closed_one_is_freed(page, address):
    press(page, "step")
    wait(page, lambda: frames(page) == 2)
    first = page.current_window_handle
    page.switch_to.new_window("tab")
    try:
        page.get(address)
        wait(page, lambda: frames(page) == 1)
        choose(page, "story", "ripening")
        wait(page, lambda: "twenty minutes" in text(page, "story-text"))
    finally:
        page.close()
        page.switch_to.window(first)
    assert frames(page) == 2 and "steadily" in text(page, "story-text")


def test_lattice_shows_crystals_that_grow(page, address):
    page.get(address + "lattice")
    wait(page, lambda: frames(page) == 1)
    assert value(page, "view.atoms.size") == value(page, "classroom.frames[0].crystal") > 100
    choose(page, "speed", "40")
    press(page, "play")
    wait(page, lambda: value(page, "classroom.frames[classroom.frames.length - 1].time") > 5.0)
    press(page, "play")
    wait(page, lambda: not value(page, "classroom.running"))
    last = page.execute_script("return classroom.frames[classroom.frames.length - 1]")
    assert value(page, "view.atoms.size") == last["crystal"] > value(page, "classroom.frames[0].crystal")
    for chart in ("box", "sizes", "dissolved"):
        assert ink(page, f"chart-{chart}") > 0.005
    before = value(page, "view.turn")
    page.find_element("id", "chart-box").send_keys("\ue014")
    assert value(page, "view.turn") > before


def test_port_that_is_taken_gets_a_sentence(address):
    port = address.rstrip("/").rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "kmcgrowth", "classroom", "--no-browser", "--port", port], capture_output=True,
        text=True, timeout=60,
    )
    assert done.returncode == 2 and port in done.stderr and "Traceback" not in done.stderr
