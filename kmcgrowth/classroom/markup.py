"""The page as HTML: headings, labels and buttons that a keyboard and a screen reader find their way in."""

from __future__ import annotations

import json
from html import escape
from math import log10

from kmcgrowth.classroom.colour import AROUND, BASE, WAVELENGTHS
from kmcgrowth.classroom.desk import SPEEDS
from kmcgrowth.classroom.knobs import CLUSTERS, KNOBS, Knob
from kmcgrowth.classroom.lattice_course import KNOBS as LATTICE_KNOBS
from kmcgrowth.classroom.lattice_course import geometry
from kmcgrowth.classroom.stories import stories
from kmcgrowth.plots.style import BLUE, GREEN, POPULATION, PURPLE, RED, SKY

UNITS = {"mL/hour": "mL/h", "degC": "°C", "uM": "µM", "J/m^2": "J/m²", "nm^3/s": "nm³/s", "/ s": "/s"}
"""As they are shown."""

CHARTS = ("distribution", "growth", "mean", "width", "supersaturation", "spectrum")
"""In the order of the page."""

LATTICE_CHARTS = ("box", "sizes", "dissolved")

_FLASK = """<svg id="flask" viewBox="0 0 64 78" role="img" aria-label="The flask in the colour of its content">
  <path d="M26 4 V26 L8 60 Q4 72 16 74 H48 Q60 72 56 60 L38 26 V4" fill="none" stroke="#000000"
   stroke-width="3" stroke-linejoin="round"/>
  <path id="liquid" d="M19.5 42 L10 61 Q7 70 17 71.5 H47 Q57 70 54 61 L44.5 42 Z" fill="#ffffff"/>
</svg>"""

_PACE = {1: "very slow", 2: "slow", 5: "normal", 10: "fast", 40: "fastest"}


def page(*, lattice: bool = False) -> str:
    """What stands in the body, for the flask or for the lattice."""
    book, knobs = stories(lattice=lattice), LATTICE_KNOBS if lattice else KNOBS
    options = "".join(f'<option value="{escape(s.name)}">{escape(s.title)}</option>' for s in book.values())
    paces = "".join(f'<option value="{n}"{" selected" if n == 5 else ""}>{_PACE[n]}</option>' for n in SPEEDS)
    clusters = "".join(f'<option value="{name}">{escape(said)}</option>' for name, said in CLUSTERS.items())
    live = "".join(_slider(k) for k in knobs.values() if k.live)
    live = live and f'<fieldset class="live"><legend><h2>While it runs</h2></legend>{live}</fieldset>'
    other = "".join(_slider(k) for k in knobs.values() if not k.live)
    if not lattice:
        other += (
            '<div class="knob"><label for="knob-cluster">The syringe holds</label><span></span>'
            f'<select id="knob-cluster" data-knob="cluster">{clusters}</select></div>'
        )
    figures = "".join(
        f'<figure><canvas id="chart-{name}" role="img" aria-label="{name}"{" tabindex=0" if name == "box" else ""}>'
        "</canvas></figure>" for name in (LATTICE_CHARTS if lattice else CHARTS)
    )
    other_page = '<a href="/">The flask</a>' if lattice else '<a href="/lattice">Atoms on a lattice</a>'
    flask = "" if lattice else _FLASK
    return f"""
<div id="desk">
  <header>
    <h1>Growing nanocrystals</h1>
    <span class="pair"><label for="story">Story</label> <select id="story">{options}</select></span>
    <button id="play" data-act="play" aria-pressed="false">▶ Start</button>
    <button data-act="step">Step</button>
    <button data-act="reset">Reset</button>
    <span class="pair"><label for="speed">Speed</label> <select id="speed">{paces}</select></span>
    <button id="freeze" data-act="freeze" aria-pressed="false" title="Lay the next run over this one">Freeze</button>
    <button id="large" data-act="large" aria-pressed="false">Large</button>
  </header>
  <div class="bar now">
    {flask}
    <div><p id="numbers"></p><p id="notice" role="status"></p></div>
  </div>
  <p id="spoken" class="unseen" role="status"></p>
  <div class="main">
    <section aria-label="Story and knobs">
      <details id="story-box" class="told" open><summary>What to see, and a question</summary>
        <p class="told" id="story-text"></p>
        <p class="told ask" id="story-question"></p>
        <details id="story-answer-box"><summary>An answer</summary><span id="story-answer"></span></details>
      </details>
      {live}
      <fieldset class="rest"><legend><h2>Begins a new run</h2></legend>{other}</fieldset>
      <div class="bar home">
        <button data-act="png">Picture (PNG)</button>
        <button data-act="csv">Table (CSV)</button>
        <button data-act="recipe">Recipe (TOML)</button>
        <button data-act="dice">Other random numbers</button>
      </div>
      <p class="small"><span id="seed"></span>. The recipe repeats this run: kmcgrowth run classroom.toml</p>
      <p class="small">{other_page}</p>
    </section>
    <section id="charts" class="{"lattice" if lattice else "flask"}" aria-label="Pictures">{figures}</section>
  </div>
</div>
"""


def settings(*, lattice: bool = False) -> str:
    """Colours, axes and the box for the pictures (JSON)."""
    return json.dumps(({"box": geometry()} if lattice else {}) | {
        "seed": POPULATION["seed"], "nucleated": POPULATION["nucleated"], "frozen": "#6b6b6b", "sky": BLUE,
        "critical": GREEN, "absorbs": PURPLE,
        "atomColour": [BLUE, "#004A75", SKY, "#A6D8F5", RED, PURPLE],
        "atomRadius": [0.14, 0.12, 0.14, 0.12, 0.13, 0.34],
        "wavelengths": [round(float(w), 2) for w in WAVELENGTHS], "base": BASE.tolist(),
        "around": AROUND.tolist(),
    })


def _slider(knob: Knob) -> str:
    low, high, value = (log10(x) if knob.decades else x for x in (knob.low, knob.high, knob.value))
    unit = UNITS.get(knob.unit, knob.unit)
    ends, said = "", ""
    if knob.ends:
        ends = '<span class="ends" id="knob-{}-ends">{}</span>'.format(
            knob.name, "".join(f"<span>{escape(end)}</span>" for end in knob.ends))
        said = f'aria-describedby="knob-{knob.name}-ends" '
    return (
        f'<div class="knob"><label for="knob-{knob.name}">{escape(knob.label)}</label>'
        f'<span class="value" id="knob-{knob.name}-value" aria-hidden="true"></span>'
        f'<input type="range" id="knob-{knob.name}" data-knob="{knob.name}" data-unit="{escape(unit)}" '
        f'{"data-decades=1 " if knob.decades else ""}{said}min="{low:g}" max="{high:g}" step="{knob.step:g}" '
        f'value="{value:g}">{ends}</div>'
    )


__all__ = ["page", "settings"]
