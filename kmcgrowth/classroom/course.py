"""The run of a flask as a recipe."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from typing import Any

from kmcgrowth.classroom.knobs import FLASK_VOLUME, STOCK, SYRINGE_VOLUME, Setting
from kmcgrowth.classroom.timeline import Timeline, time_text
from kmcgrowth.recipe import load_recipe

HEATING = 20.0
"""Fastest change of the temperature [K/min]."""

SHIPPED = "inas_continuous_injection"
"""The recipe from which the kinetics of the clusters are."""


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    return tomllib.loads(load_recipe(SHIPPED).text)


def per_cluster(name: str) -> int:
    """Formula units of a cluster [dimensionless]."""
    return int(_shipped()["species"][name]["formula_units"])


@lru_cache(maxsize=1)
def chemistry() -> str:
    """Species and reactions of the clusters (TOML), those of the shipped recipe."""
    book = _shipped()
    tables = [(f"[species.{name}]", entry) for name, entry in book["species"].items()]
    tables += [("[[reaction]]", entry) for entry in book["reaction"]]
    lines = [f"# the cluster kinetics of {SHIPPED}"]
    for head, entry in tables:
        lines += [head, *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()), ""]
    return "\n".join(lines[:-1])


class Course(Timeline):
    """Feed [mL/hour] and temperature of one run of the flask.

    Parameters
    ----------
    setting : Setting
    seed : int, of the random numbers
    method : "exact" or "leap"
    """

    def __init__(self, setting: Setting, seed: int, method: str = "exact") -> None:
        self.setting, self.seed, self.method = setting, seed, method
        super().__init__(
            dict(setting.values) | {"cluster": setting.cluster}, duration=setting.duration, syringe=SYRINGE_VOLUME,
            heating=HEATING / 60.0, program=[(60.0 * minute, name, value) for minute, name, value in setting.program],
        )

    def recipe(self, frame: int | None = None) -> str:
        """The recipe of the run up to a frame, or of the whole of it (TOML)."""
        s, v = self.setting, self.setting.values
        frame, last = self.ends(frame)
        text = [
            'title = "A run of the classroom"', 'material = "InAs"', "", "[flask]", f'volume = "{FLASK_VOLUME:g} mL"',
            "# a point wherever feed and temperature could have been changed; with all of them the run is the same",
            "temperature = [", *self.temperature_rows(last), "]",
        ]
        if v["seeds"] > 0.0:
            text += ["", "[[seeds]]", f'diameter = "{v["diameter"]:.10g} nm"',
                     f"relative_std = {v['width'] / 100.0:.10g}", f'concentration = "{v["seeds"]:.10g} mM"']
        stock = STOCK / (1 if s.cluster == "monomer" else per_cluster(s.cluster))
        contents = f'contents = {{ {s.cluster} = "{stock:.10g} mM" }}'
        if v["shot"] > 0.0:
            text += ["", "[[injection]]  # a shot at the start", f'volume = "{v["shot"]:.10g} mL"', contents]
        text += ["", "[[injection]]", "rate = [", *self.feed_rows(last), "]",
                 f'volume = "{SYRINGE_VOLUME:g} mL"', contents]
        if s.cluster != "monomer":
            text += ["", chemistry()]
        text += ["", "[growth]", f'solubility = {{ value = "{v["solubility"]:.10g} uM", at = "300 degC", '
                 'activation_energy = "0.8 eV" }',
                 f'surface_energy = "{v["surface_energy"]:.10g} J/m^2"',
                 f'surface_rate = "{v["surface_rate"]:.10g} nm/s"']
        amount = f"particles = {s.particles}" if v["seeds"] > 0.0 else f"formula_units = {s.formula_units}"
        text += ["", "[nucleation]", 'law = "classical"', "", "[simulation]", f'method = "{self.method}"', amount,
                 f'duration = "{time_text(frame * self.frame_time)}"', f"snapshots = {frame + 1}",
                 f"seed = {self.seed}", ""]
        return "\n".join(text)


__all__ = ["HEATING", "SHIPPED", "Course", "chemistry", "per_cluster"]
