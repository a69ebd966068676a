"""Run every recipe and study that ships, draw its figure, and write ``docs/gallery/index.md``.

``python docs/gallery.py`` makes all of it; ``python docs/gallery.py NAME...`` only the figures named, and the page;
``python docs/gallery.py --stale`` names the figures whose recipe, study or material has changed since, and fails if
there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tempfile
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kmcgrowth as kg
from kmcgrowth import studies
from kmcgrowth.plots import panels
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import look, new_figure
from kmcgrowth.recipe import shipped_recipes, shipped_studies
from kmcgrowth.recipe.loading import read_file

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parent / "gallery"
MADE = FOLDER / "made.json"
"""Of every figure the seconds that it took, and a digest of what it was made from."""

GROUPS = {
    "teaching": "Teaching cases",
    "inas": "Indium arsenide",
    "inp": "Indium phosphide",
    "cdse": "Cadmium selenide",
    "cds": "Cadmium sulphide",
    "cd3p2": "Cadmium phosphide",
    "lattice": "Atoms on a lattice",
}
KINDS = {"cds_methanol": "spectra", "lattice_inas_amc": "scattering", "lattice_inas_msc": "scattering",
         "lattice_ripening": "overview", "cdse_tetrahedra": "sizes"}
KINDS |= {f"inas_conversion_{t}": "spectra" for t in (70, 80, 90, 100)}
"""Figures other than the overview; recipes without particles show their solution instead."""

REDUCED: dict[str, int] = {}
"""Recipes that run with fewer particles than they ask for, so that the gallery is made in minutes."""

DPI, COLOURS = 120, 256
UNSEEN = 12
"""A colour may be off by this much in a palette of so few (of 255)."""

REMARKS = ("source", "trust", "note", "notes")
"""Keys that change no figure."""


def main() -> None:
    """Run what is named, or everything, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes or studies; all if none is given")
    parser.add_argument("--page", action="store_true", help="only write the page, with the figures that are there")
    parser.add_argument("--stale", action="store_true", help="only name the figures that what they show has outrun")
    asked = parser.parse_args()
    recipes, plans = sorted(shipped_recipes()), sorted(shipped_studies())
    FOLDER.mkdir(exist_ok=True)
    made: dict[str, dict[str, Any]] = json.loads(MADE.read_text(encoding="utf-8")) if MADE.exists() else {}
    if asked.stale:
        found = [name for name in recipes + plans if made.get(name, {}).get("of") != digest(name)]
        if found:
            raise SystemExit(f"these figures are old; run: python docs/gallery.py {' '.join(found)}")
        return
    for name in [] if asked.page else asked.names or recipes + plans:
        watch = time.perf_counter if name in plans else time.process_time  # a study runs in processes of its own
        began = watch()
        write(draw_study(name) if name in plans else draw_recipe(name), FOLDER / f"{name}.png")
        made[name] = {"seconds": round(watch() - began, 1), "of": digest(name)}
        MADE.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {made[name]['seconds']} s", flush=True)
    seconds = {name: each["seconds"] for name, each in made.items()}
    (FOLDER / "index.md").write_text(page(recipes, plans, seconds), encoding="utf-8")


def digest(name: str) -> str:
    """Of the values that a recipe or a study, the recipe that it varies, and their material hold; not of remarks."""
    kind = "study" if name in shipped_studies() else "recipe"
    data = tomllib.loads(read_file(name, kind)[1])
    parts = [data]
    if kind == "study":
        data = tomllib.loads(read_file(Path(data["recipe"]).stem, "recipe")[1])
        parts.append(data)
    material = Path(kg.__file__).parent / "materials" / f"{data['material']}.toml"
    parts.append(tomllib.loads(material.read_text(encoding="utf-8")))
    text = json.dumps([bare(part) for part in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def bare(part: Any) -> Any:
    """Tables without what is only told."""
    if isinstance(part, dict):
        return {key: bare(value) for key, value in part.items() if key not in REMARKS}
    return [bare(value) for value in part] if isinstance(part, list) else part


def draw_recipe(name: str) -> Figure:
    """Simulate a recipe and draw it."""
    result = kg.simulate(kg.load_recipe(name), particles=REDUCED.get(name))
    if kind := kind_of(name, result):
        return kg.plots.figure(result, kind=kind)
    return solution(result)


def kind_of(name: str, result: xr.Dataset | None = None) -> str:
    """The kind of a recipe's figure; nothing where there are no particles and no spectra to show."""
    if name in KINDS:
        return KINDS[name]
    if result is not None and not float(result["number"].sum()):
        return ""
    return "overview"


def solution(result: xr.Dataset) -> Figure:
    """Two panels: what is dissolved, and what goes in."""
    with look():
        figure = new_figure(7.2, 3.0)
        left, right = figure.subplots(1, 2)
        panels.species(left, result)
        panels.feed(right, result)
        add_title(figure, result)
    return figure


def draw_study(name: str) -> Figure:
    """Run a study and draw its map, or what size and width depend on."""
    study = studies.load_study(name)
    with tempfile.TemporaryDirectory() as folder:
        studies.sweep(study, folder)
        if sampled(name):
            from kmcgrowth.plots.tornado_figure import figure

            return figure(studies.sensitivity(folder))
        return studies.study_map(folder)


def write(figure: Figure, path: Path) -> None:
    """A figure as a small PNG, of few colours where they do not show."""
    import numpy as np
    from PIL import Image

    memory = io.BytesIO()
    with look():
        figure.savefig(memory, format="png", dpi=DPI)
    picture = Image.open(memory).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    off = np.abs(np.asarray(few.convert("RGB"), dtype=int) - np.asarray(picture, dtype=int)).max()
    (few if off <= UNSEEN else picture).save(path, optimize=True)


def page(recipes: list[str], plans: list[str], seconds: dict[str, float]) -> str:
    """The page of the gallery."""
    parts = [
        "# Gallery\n",
        f"The {len(recipes)} recipes and {len(plans)} studies that ship, each with the command that runs it. "
        "Seconds are those that one core of a virtual machine took for run and figure (for a study, two cores). "
        "`kmcgrowth copy NAME` gives the file to be changed. The page is made by `python docs/gallery.py`.\n",
    ]
    left = list(recipes)
    for prefix, heading in GROUPS.items():
        members = [name for name in left if name.split("_")[0] == prefix]
        left = [name for name in left if name not in members]
        parts += [f"## {heading}\n", *(section(name, seconds) for name in members)]
    if left:
        raise SystemExit(f"no group of the gallery has {', '.join(left)}; add one to GROUPS.")
    return "\n".join([*parts, "## Studies\n", *(section(name, seconds, study=True) for name in plans)])


def section(name: str, seconds: dict[str, float], *, study: bool = False) -> str:
    """A recipe or a study: its title, what it is, the command and the figure."""
    text = read_file(name, "study" if study else "recipe")[1]
    data = tomllib.loads(text)
    if study:
        commands = [f"kmcgrowth sweep {name}", f"kmcgrowth {'sensitivity' if sampled(name) else 'map'} {name}"]
    else:
        few = f" --particles {REDUCED[name]}" if name in REDUCED else ""
        commands = [f"kmcgrowth run {name}{few}"]
        if KINDS.get(name, "overview") != "overview":
            commands.append(f"kmcgrowth plot {name}.nc --kind {KINDS[name]}")
    took = f"{max(1, round(seconds[name]))} s" if name in seconds else "not timed"
    lines = [f"### {name}", "", f"**{data['title']}.**", opening(text), ""]
    lines += ["```", *commands, "```", "", f"![{data['title']}]({name}.png)", ""]
    lines += [f"Source: {data['source']}. {took}.", ""]
    return "\n".join(lines)


def opening(text: str) -> str:
    """The remark at the beginning of a recipe, before its first table."""
    words: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            break
        if line.startswith("#"):
            words.append(line.lstrip("# "))
    return " ".join(words).replace("^2", "²").replace("^3", "³")


def sampled(name: str) -> bool:
    """Whether a study draws its points at random, for a sensitivity analysis."""
    data: dict[str, Any] = tomllib.loads(read_file(name, "study")[1])
    return data.get("sampling", {}).get("design") == "sensitivity"


if __name__ == "__main__":
    main()
