"""The teaching page in a real browser without a window."""

from __future__ import annotations

import json
import re
import signal
import struct
import urllib.request
from functools import partial

import pytest
from browsing import (
    Server,
    await_frames,
    await_text,
    choose,
    download,
    driver,
    frames,
    js,
    last,
    needs_browser,
    opened,
    picture,
    press,
    severe,
    size,
    text,
    turn,
    until,
    wait,
)

import kmcgrowth as kg
from kmcgrowth.classroom.knobs import KNOBS, Setting
from kmcgrowth.classroom.lattice_course import KNOBS as LATTICE_KNOBS
from kmcgrowth.classroom.lattice_session import WANDERERS
from kmcgrowth.classroom.stories import stories
from kmcgrowth.recipe import parse_recipe

pytest.importorskip("nicegui", reason="the page needs nicegui")
pytest.importorskip("selenium", reason="a browser is driven by selenium")
pytestmark = needs_browser

CHARTS = ("distribution", "growth", "mean", "width", "supersaturation", "spectrum")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("classroom"), counting=True)
    try:
        found.await_page()
        yield found
    finally:
        found.end(signal.SIGTERM)
    assert "Traceback" not in found.said, found.said


@pytest.fixture(scope="module")
def address(server):
    return server.address


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(folder):
    found = driver(folder)
    yield found
    found.quit()


@pytest.fixture
def page(browser, address):
    yield opened(browser, address)
    assert not severe(browser)


@pytest.fixture
def box(browser, address):
    yield opened(browser, address + "lattice")
    assert not severe(browser)


@pytest.mark.parametrize("path", ["", "lattice"])
def test_nothing_is_fetched_from_elsewhere(browser, address, path):
    """Neither by the page nor by scripts, style sheets and fonts of the framework; other names lead nowhere here."""
    browser.get_log("performance")
    page = opened(browser, address + path)
    press(page, "step")
    await_frames(page, 2)
    asked = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"}
    sockets = {m["params"]["url"] for m in asked if m["method"] == "Network.webSocketCreated"}
    assert not {u for u in urls if not u.startswith((address, "data:", "blob:"))}
    assert sockets and all(u.startswith(address.replace("http", "ws")) for u in sockets)
    assert any(u.endswith("desk.js") for u in urls) and any("_nicegui" in u and u.endswith(".js") for u in urls)
    failed = [m for m in asked if m["method"] == "Network.loadingFailed"]
    styles = [u for u in urls if re.search(r"\.css(\?|$)", u)]
    for style in styles:
        sheet = urllib.request.urlopen(style).read().decode()
        assert not re.search(r"(url\(\s*['\"]?|@import\s+['\"])(https?:)?//", sheet), style
    assert styles and not failed and not severe(page)


def test_start_pause_step_reset_and_space(page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    before = {chart: picture(page, chart) for chart in CHARTS}
    press(page, "play")
    wait(lambda: last(page)["index"] > 3)
    assert text(page, "play").endswith("Pause")
    press(page, "play")
    wait(lambda: not js(page, "classroom.running"))
    number = frames(page)
    press(page, "step")
    wait(lambda: frames(page) == number + 1)
    for chart in CHARTS:
        assert picture(page, chart) != before[chart], chart
    first, seed = last(page), text(page, "seed")
    press(page, "reset")
    await_frames(page, 1)
    assert "0.0 min" in text(page, "numbers") and text(page, "seed") == seed
    for _ in range(number):
        press(page, "step")
    wait(lambda: last(page)["index"] == number)
    assert last(page)["mean"] == first["mean"]  # the same random numbers, the same run
    press(page, "dice")
    wait(lambda: frames(page) == 1 and text(page, "seed") != seed)
    ActionChains(page).send_keys(Keys.SPACE).perform()
    wait(lambda: js(page, "classroom.running") and frames(page) > 2)
    ActionChains(page).send_keys(Keys.SPACE).perform()
    wait(lambda: not js(page, "classroom.running"))


@pytest.mark.parametrize("name", stories())
def test_every_story_sets_its_knobs_and_runs(page, name):
    choose(page, "story", name)
    story, said = stories()[name], "text"
    wait(lambda: text(page, f"story-{said}") == story.text.strip() and frames(page) == 1)
    assert text(page, "story-question") == story.question and text(page, "story-answer") == story.answer.strip()
    values = Setting.of(story.knobs).values
    for knob in KNOBS.values():
        shown = float(page.find_element("id", f"knob-{knob.name}").get_attribute("value"))
        shown = 10**shown if knob.decades else shown
        assert shown == pytest.approx(values[knob.name], rel=0.13 if knob.decades else 1e-6), knob.name
    locked = {k.get_attribute("data-knob") for k in page.find_elements("css selector", "[data-knob]")
              if not k.is_enabled()}
    free = set(story.challenge.free) if story.challenge else {*KNOBS, "cluster"}
    assert locked == {*KNOBS, "cluster"} - free
    press(page, "step")
    await_frames(page, 2)
    assert all(picture(page, chart)[0] > 0.005 for chart in CHARTS)


def test_every_knob_does_what_it_says(page):
    for _ in range(3):
        press(page, "step")
    await_frames(page, 4)
    for name, value, shown in (("feed", 12.0, "12 mL/h"), ("temperature", 280.0, "280 °C")):
        turn(page, name, value)
        await_text(page, f"knob-{name}-value", shown)
    until(page, 12)
    assert "feed 12 mL/h" in text(page, "numbers") and last(page)["temperature"] < 300.0 and frames(page) > 4
    for name, value, key in (
        ("diameter", 4.0, lambda f: f["mean"][0] == pytest.approx(4.0, rel=0.05)),
        ("width", 5.0, lambda f: f["width"][0] == pytest.approx(5.0, abs=0.6)),
        ("shot", 5.0, lambda f: f["supersaturation"] > 100.0 and f["injected"] > 5.0),
        ("seeds", 0.2, lambda f: sum(f["spectrum"]) > 1.0),
        ("solubility", 10.0, lambda f: f["index"] == 0),
        ("surface_energy", 0.2, lambda f: f["threshold"] > 30.0),
        ("surface_rate", 10.0, lambda f: f["index"] == 0),
        ("particles", 1000.0, lambda f: f["number"] == [1000, 0]),
    ):
        turn(page, name, value)
        await_text(page, "notice", f"{KNOBS[name].label} is changed")
        await_frames(page, 1)
        if name == "shot":
            press(page, "step")
            await_frames(page, 2)
        assert key(last(page)), name
    choose(page, "knob-cluster", "AMC")
    wait(lambda: "The cluster is changed" in text(page, "notice") and frames(page) == 1)


def test_twenty_thousand_dots_are_shown_frame_by_frame(page):
    turn(page, "particles", 20000.0)
    wait(lambda: last(page)["number"] == [20000, 0])
    for _ in range(15):
        press(page, "step")
    await_frames(page, 16)
    assert js(page, "classroom.frames.map(f => f.index)") == list(range(16))
    shown = js(page, "classroom.frames.map(f => f.seeds.reduce((a, b) => a + b) + f.nucleated.reduce((a, b) => a + b))")
    assert min(shown) > 19_000
    choose(page, "speed", 10)
    press(page, "play")
    wait(lambda: last(page)["index"] >= 30)


def test_every_chart_fits_at_every_width(page):
    press(page, "step")
    await_frames(page, 2)
    for width, height in ((1024, 768), (1600, 900), (390, 844)):
        size(page, width, height)
        wait(partial(js, page, f"window.innerWidth === {width}"))
        for chart in CHARTS:
            assert picture(page, chart)[0] > 0.005, (width, chart)
        assert js(page, "document.documentElement.scrollWidth - window.innerWidth") <= 0, width
        small = js(page, "[...document.querySelectorAll('#desk *')].filter(e => e.childNodes.length === 1"
                   " && e.firstChild.nodeType === 3 && e.textContent.trim() && e.getClientRects().length"
                   " && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.textContent)")
        assert small == []
    size(page, 1024, 768)
    before = js(page, "parseFloat(getComputedStyle(document.getElementById('numbers')).fontSize)")
    press(page, "large")
    assert js(page, "parseFloat(getComputedStyle(document.getElementById('numbers')).fontSize)") >= 1.2 * before
    assert js(page, "parseFloat(getComputedStyle(document.querySelector('.knob label')).fontSize)") >= 16
    assert js(page, "document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_run_with_turned_knobs_is_repeated_by_its_recipe(page, folder):
    choose(page, "speed", 40)
    press(page, "play")
    wait(lambda: last(page)["index"] > 8)
    turn(page, "feed", 12)
    turn(page, "temperature", 310)
    wait(lambda: "feed 12" in text(page, "numbers"))
    press(page, "play")
    wait(lambda: not js(page, "classroom.running"))
    result = kg.simulate(parse_recipe(download(page, folder, "recipe", "classroom.toml").decode())).isel(time=-1)
    shown = last(page)
    assert shown["time"] == float(result["time"])
    assert shown["number"] == [int(n) for n in result["particle_count"].sum("size")]
    assert shown["mean"][0] == pytest.approx(float(result["mean_diameter"][0]), abs=6e-5)
    assert shown["supersaturation"] == pytest.approx(float(result["supersaturation"]), rel=1e-3)
    bars = [int(n) for n in result["particle_count"].sel(origin="seed").values if n]
    assert sum(bars) == sum(shown["seeds"])
    table = download(page, folder, "csv", "classroom.csv").decode().splitlines()
    assert float(table[-1].split(",")[0]) == shown["time"] and len(table) == shown["index"] + 2
    image = download(page, folder, "png", "classroom.png")
    assert image[:4] == b"\x89PNG" and struct.unpack(">II", image[16:24]) == (2560, 2540)


def test_freeze_lays_the_next_run_over(page):
    until(page, 20)
    press(page, "freeze")
    assert text(page, "freeze") == "Unfreeze"
    press(page, "reset")
    await_frames(page, 1)
    over = [picture(page, chart) for chart in CHARTS]
    press(page, "freeze")
    plain = [picture(page, chart) for chart in CHARTS]
    # of the growth rate only the present is shown
    assert [a != b for a, b in zip(over, plain)] == [chart != "growth" for chart in CHARTS]


def test_wrong_input_is_refused_with_a_sentence(page):
    for what, says in (
        ({"do": "knob", "name": "feed", "value": 1000}, "from 0 to 60 mL/hour"), ({"do": "fly"}, "cannot"),
        ({"do": "knob", "name": "diameter", "value": "wide"}, "wide is not possible"),
        ({"do": "story", "name": "x"}, '"x"'),
        ({"do": "knob", "name": "__class__", "value": 1}, "is not a knob"),
    ):
        page.execute_script("classroom.ask(arguments[0])", what)
        await_text(page, "notice", says)
    page.execute_script("emitEvent('desk', 'nothing')")
    press(page, "step")
    await_frames(page, 2)
    assert text(page, "knob-feed-value") == "6 mL/h"


def test_keyboard_reaches_and_works_everything(page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    seen = []
    for _ in range(30):
        ActionChains(page).send_keys(Keys.TAB).perform()
        seen.append(js(page, "document.activeElement.id || document.activeElement.dataset.act"
                       " || document.activeElement.tagName"))
    assert {"story", "play", "step", "reset", "speed", "freeze", "large", "knob-cluster", "png", "csv", "recipe",
            "dice", "SUMMARY", "A"} | {f"knob-{name}" for name in KNOBS} <= set(seen)
    page.find_element("id", "knob-feed").send_keys(Keys.ARROW_RIGHT)
    wait(lambda: text(page, "knob-feed-value") == "6.1 mL/h")
    page.find_element("id", "play").send_keys(Keys.SPACE)
    wait(lambda: frames(page) > 2)
    page.find_element("id", "play").send_keys(Keys.ENTER)
    wait(lambda: not js(page, "classroom.running"))


@pytest.mark.parametrize("path, sliders", [("", len(KNOBS)), ("lattice", len(LATTICE_KNOBS))])
def test_screen_reader_gets_names_and_numbers(browser, address, path, sliders):
    page = opened(browser, address + path)
    page.execute_cdp_cmd("Accessibility.enable", {})
    tree = [n for n in page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"] if not n.get("ignored")]
    roles = [n.get("role", {}).get("value") for n in tree]
    named = ("button", "slider", "combobox", "link", "image", "img", "region")
    assert not [n for n, role in zip(tree, roles) if role in named and not n.get("name", {}).get("value")]
    assert roles.count("slider") == sliders and roles.count("main") == 1 and roles.count("status") == 2
    heard = js(page, "document.querySelector('#knob-temperature').getAttribute('aria-valuetext')")
    assert heard == "300 °C"
    press(page, "step")
    await_frames(page, 2)
    page.execute_script("classroom.speak(true)")
    assert "300 °C" in text(page, "spoken")
    labels = js(page, "[...document.querySelectorAll('canvas')].map(c => c.getAttribute('aria-label'))")
    assert all(len(label) > 25 and re.search(r"\d", label) for label in labels)


def test_hidden_tab_pauses_and_a_closed_one_frees_its_run(page, server, address):
    wait(lambda: server.runs() == 1, 30)  # those of the pages before are gone
    hide = ("Object.defineProperty(document, 'hidden', {configurable: true, get: () => arguments[0]});"
            "document.dispatchEvent(new Event('visibilitychange'));")
    press(page, "play")
    wait(lambda: frames(page) > 2)
    page.execute_script(hide.replace("arguments[0]", "true"))
    wait(lambda: not js(page, "classroom.running"))
    page.execute_script(hide.replace("arguments[0]", "false"))
    wait(lambda: js(page, "classroom.running"))
    first = page.current_window_handle
    page.switch_to.new_window("tab")
    try:
        opened(page, address)
        choose(page, "story", "ripening")
        wait(lambda: "twenty minutes" in text(page, "story-text"))
        press(page, "play")
        wait(lambda: frames(page) > 2)
        assert server.runs() == 2
    finally:
        page.close()
        page.switch_to.window(first)
    wait(lambda: server.runs() == 1)
    assert "steadily" in text(page, "story-text")


# -- atoms on a lattice -------------------------------------------------------------------------


@pytest.mark.parametrize("name", stories(lattice=True))
def test_every_story_of_the_lattice_runs(box, name):
    choose(box, "story", name)
    wait(lambda: text(box, "story-text") == stories(lattice=True)[name].text and frames(box) == 1)
    press(box, "step")
    await_frames(box, 2)
    assert js(box, "view.atoms.size") == last(box)["crystal"]
    assert js(box, "view.wander.length") == min(last(box)["clusters"] + last(box)["atoms"], WANDERERS)
    assert all(picture(box, chart)[0] > 0.005 for chart in ("box", "sizes", "dissolved"))


def test_lattice_shows_crystals_that_grow_and_is_repeated_by_its_recipe(box, folder):
    before, planted = picture(box, "box"), js(box, "view.seeds.size")
    assert js(box, "view.atoms.size") == planted == last(box)["crystal"] > 100
    choose(box, "speed", 40)
    press(box, "play")
    wait(lambda: last(box)["time"] > 2.0)
    turn(box, "feed", 80)
    turn(box, "temperature", 330)
    wait(lambda: last(box)["feed"] == 80.0 and last(box)["temperature"] > 310.0)
    press(box, "play")
    wait(lambda: not js(box, "classroom.running"))
    shown = last(box)
    assert js(box, "view.atoms.size") == shown["crystal"] > planted == js(box, "view.seeds.size")
    assert picture(box, "box") != before and frames(box) > 3
    result = kg.simulate(parse_recipe(download(box, folder, "recipe", "classroom.toml").decode()))
    atoms = result["atom_site"].values[-int(result["frame_atoms"][-1]):]
    assert set(js(box, "[...view.atoms.keys()]")) == set(atoms.tolist())
    assert float(result["frame_time"][-1]) == shown["time"]
    table = download(box, folder, "csv", "classroom.csv").decode().splitlines()
    assert len(table) == shown["index"] + 2
    assert download(box, folder, "png", "classroom.png")[:4] == b"\x89PNG"


def test_every_knob_of_the_lattice_does_what_it_says(box):
    for name, value, key in (
        ("crystals", 2.0, lambda f: f["crystals"] == 2), ("clusters", 80.0, lambda f: f["clusters"] > 100),
        ("attach", 1e4, lambda f: f["index"] == 0), ("hops", 10.0, lambda f: f["index"] == 0),
    ):
        turn(box, name, value)
        await_text(box, "notice", f"{LATTICE_KNOBS[name].label} is changed")
        await_frames(box, 1)
        assert key(last(box)), name


def test_box_is_turned_by_keys_and_by_dragging(box):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    seen = [picture(box, "box")]
    canvas = box.find_element("id", "chart-box")
    canvas.send_keys(Keys.ARROW_RIGHT)
    seen.append(picture(box, "box"))
    canvas.send_keys(Keys.ARROW_UP)
    seen.append(picture(box, "box"))
    ActionChains(box).click_and_hold(canvas).move_by_offset(40, 20).release().perform()
    seen.append(picture(box, "box"))
    assert len({h for _, h in seen}) == 4
    size(box, 390, 844)
    wait(lambda: js(box, "window.innerWidth") == 390)
    assert js(box, "document.documentElement.scrollWidth - window.innerWidth") <= 0
