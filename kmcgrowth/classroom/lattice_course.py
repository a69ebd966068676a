"""The run of a box of atoms as a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kmcgrowth.classroom.course import per_cluster
from kmcgrowth.classroom.knobs import Knob, checked
from kmcgrowth.classroom.timeline import Timeline, time_text
from kmcgrowth.errors import BadInput
from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import parse_recipe

DURATION, BOX = 60.0, 14.0
"""Length of a run [s], edge of the periodic box [nm]."""

HEATING = 10.0
"""Fastest change of the temperature [K/s]."""

FLASK, STOCK, SYRINGE = 1000.0, 1000.0, 200.0
"""Liquid in the flask [mL], clusters in the stock [mM], and how much of it there is [mL]; the box is a part of this
flask."""

PUSH = 60.0 * FLASK / STOCK
"""Injection rate [mL/hour] that adds clusters to the flask at 1 mM/min."""

KNOBS = {
    knob.name: knob
    for knob in (
        Knob("feed", "Feed of clusters", "mM/min", 0.0, 100.0, 0.0, 5.0, live=True),
        Knob("temperature", "Temperature", "degC", 240.0, 340.0, 300.0, 1.0, live=True),
        Knob("crystals", "Seeds in the box", "", 1.0, 6.0, 3.0, 1.0),
        Knob("clusters", "Clusters at the start", "mM", 0.0, 80.0, 40.0, 5.0),
        Knob("attach", "Attachment", "nm^3/s", 1e3, 1e7, 1e6, 0.1, decades=True),
        Knob("hops", "Hops on the surface", "/ s", 1.0, 3e4, 3e3, 0.1, decades=True),
    )
}
"""Name -> knob, in the order of the page."""


class LatticeCourse(Timeline):
    """Feed [mM/min] and temperature of one run of the box.

    Parameters
    ----------
    given : knob -> value in the unit of the knob
    seed : int, of the random numbers

    Raises
    ------
    BadInput : a knob cannot stand there.
    """

    def __init__(self, given: Mapping[str, Any], seed: int) -> None:
        values = {name: knob.value for name, knob in KNOBS.items()}
        values |= {name: checked(name, value, KNOBS) for name, value in given.items()}
        if values["crystals"] % 1.0:
            raise BadInput(f"{KNOBS['crystals'].label}: {values['crystals']:g} is no whole number; give one.")
        self.seed = seed
        super().__init__(values, duration=DURATION, syringe=SYRINGE / PUSH, heating=HEATING)

    def recipe(self, frame: int | None = None) -> str:
        """The recipe of the run up to a frame, or of the whole of it (TOML)."""
        v = self.values
        frame, last = self.ends(frame)
        return "\n".join([
            'title = "A box of the classroom"', 'material = "InAs"', "", "[flask]", f'volume = "{FLASK:g} mL"',
            "# a point wherever feed and temperature could have been changed; with all of them the run is the same",
            "temperature = [", *self.temperature_rows(last), "]", f'contents = {{ AMC = "{v["clusters"]:.10g} mM" }}',
            "", "[[injection]]", "rate = [", *self.feed_rows(last, scale=PUSH), "]", f'volume = "{SYRINGE:g} mL"',
            f'contents = {{ AMC = "{STOCK:g} mM" }}', "", "[species.AMC]", f"formula_units = {per_cluster('AMC')}", "",
            "# rates and diffusion of such sizes that a minute shows it all, and single atoms on their way",
            "[[reaction]]", f'equation = "AMC -> {per_cluster("AMC")} monomer"', 'rate = "0.06 / s"', 'at = "300 degC"',
            'activation_energy = "2.0 eV"', "", "[lattice]", f'box = "{BOX:g} nm"', 'solution = "walkers"',
            f'attach_rate = "{v["attach"]:.10g} nm^3/s"',
            f'hop = {{ prefactor = "{v["hops"]:.10g} / s", barrier = "0.1 eV" }}', f"frames = {frame + 1}", "",
            "[lattice.diffusion]",
            'AMC = { value = "100 nm^2/s", at = "300 degC", activation_energy = "0.19 eV" }', "", "[growth]",
            'diffusion = { value = "200 nm^2/s", at = "300 degC", activation_energy = "0.19 eV" }', "",
            "[[lattice.particle]]", 'diameter = "2 nm"', f"count = {v['crystals']:.0f}", "", "[simulation]",
            f'duration = "{time_text(frame * self.frame_time)}"', f"snapshots = {frame + 1}", f"seed = {self.seed}", "",
        ])


@lru_cache(maxsize=1)
def geometry() -> dict[str, Any]:
    """What does not change: cells of the box, its edges [nm], and place [cell] and element of the sites of a cell."""
    lattice = build_model(parse_recipe(LatticeCourse({}, 1).recipe())).lattice
    assert lattice is not None
    crystal = lattice.crystal
    return {
        "cells": [int(n) for n in lattice.cells], "edges": [round(float(e) * 1e9, 4) for e in lattice.edges],
        "basis": [[round(float(x), 4) for x in b] for b in crystal.basis], "kind": [int(k) for k in crystal.kind],
    }


__all__ = ["BOX", "DURATION", "KNOBS", "LatticeCourse", "geometry"]
