"""Draw what the README shows of the gallery: twelve recipes, one panel each.

``python docs/gallery_sheet.py`` writes ``docs/images/gallery.png``, in less than a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gallery import write

import kmcgrowth as kg
from kmcgrowth.lattice.frames import read_frames
from kmcgrowth.observables.absorption import absorption
from kmcgrowth.plots import panels
from kmcgrowth.plots.clock import clock
from kmcgrowth.plots.crystal_panels import draw_picture
from kmcgrowth.plots.crystal_scene import several, view_of
from kmcgrowth.plots.style import look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

SHEET = Path(__file__).parent / "images" / "gallery.png"
COLUMNS, WIDTH, HEIGHT = 3, 3.1, 2.45
"""Panels side by side, and the size of one [inch]."""

LIGHT = {"inas_conversion_80": (300.0, 510.0, 0.01), "cds_methanol": (300.0, 345.0, 1.0)}
"""Wavelengths shown [nm], and the path of the light [cm]."""

PIXELS = 480


def spectra(ax: Axes, result: xr.Dataset) -> None:
    """Absorption at some times, from dark to light."""
    from matplotlib import colormaps

    low, high, path = LIGHT[result.attrs["panel"]]
    last = float(result["time"][-1])
    found = absorption(result, time=[last * part for part in (0.0, 0.0625, 0.25, 1.0)], path=path).sum("part")
    for i, one in enumerate(found):
        ax.plot(one["wavelength"], one, color=colormaps["viridis"](0.28 * i), label=clock(float(one["time"])))
    ax.set(xlabel="wavelength (nm)", ylabel=f"absorbance (in {10 * path:g} mm)", xlim=(low, high))
    ax.set_ylim(0.0, 1.1 * float(found.sel(wavelength=slice(low, high)).max()))
    ax.legend(loc="upper right")


def crystals(ax: Axes, result: xr.Dataset) -> None:
    """The last picture of a lattice run."""
    frames = read_frames(result)[-1:]
    boxed = several(frames)
    draw_picture(ax, frames[0], view_of(frames, size=(PIXELS, PIXELS), box=boxed), box=boxed)
    ax.set_xlabel(f"{frames[0].number} atoms after {clock(frames[0].time)}", loc="left")
    ax.set_anchor("W")


PANELS: tuple[tuple[str, str, Callable[[Axes, xr.Dataset], None]], ...] = (
    ("a steady feed focuses", "teaching_focusing", panels.sizes),
    ("fed too fast: a second population", "inas_feed_fast", panels.sizes),
    ("left alone: ripening", "teaching_ripening", panels.sizes),
    ("InAs past 5 nm", "inas_growth_past_5nm", panels.sizes),
    ("InAs clusters, heated up", "inas_heat_up", panels.species),
    ("amorphous to magic-size, 80 °C", "inas_conversion_80", spectra),
    ("InP from one source", "inp_single_source", panels.sizes),
    ("CdSe clusters with cadmium benzoate", "cdse_cadmium", panels.species),
    ("CdS clusters in methanol, and back", "cds_methanol", spectra),
    ("Cd₃P₂ dots overgrown", "cd3p2_overgrowth", panels.sizes),
    ("InAs seeds, atom by atom", "lattice_eight_seeds", crystals),
    ("a dendrite", "lattice_rising_supersaturation", crystals),
)


def main() -> None:
    """Simulate the twelve and draw them."""
    rows = -(-len(PANELS) // COLUMNS)
    with look():
        figure = new_figure(COLUMNS * WIDTH, rows * HEIGHT)
        for ax, (words, name, draw) in zip(figure.subplots(rows, COLUMNS).flat, PANELS, strict=True):
            result = kg.simulate(kg.load_recipe(name))
            result.attrs["panel"] = name
            draw(ax, result)
            ax.set_title(f"{words}\n", fontweight="bold")
            ax.text(0.0, 1.03, name, transform=ax.transAxes, family="monospace", fontsize=7.0, color="0.3")
    write(figure, SHEET)


if __name__ == "__main__":
    main()
