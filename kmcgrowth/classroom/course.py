"""The course of a run: feed and temperature at every mark, and the recipe that says the same.

A run has ``FRAMES`` frames and a mark at every ``EVERY``-th of them. Feed and temperature change at marks only, and the
recipe's temperature program has a point at every mark, whether the temperature changes there or not: at such a point
the engines end what they are drawing. Thus a run that did not know yet of a change at a mark has been, up to that mark,
the run of the recipe that does, and goes on as that one.
"""

from __future__ import annotations

from kmcgrowth.classroom.knobs import FLASK_VOLUME, PER_CLUSTER, STOCK, SYRINGE_VOLUME, Setting

FRAMES = 240
"""Frames of a whole run."""

EVERY = 4
"""Frames from one mark to the next."""

HEATING = 20.0
"""Fastest change of the temperature [K/min]."""

_CHEMISTRY = """
# the cluster kinetics of the InAs recipes: docs/inas_calibration.md
[species.AMC]
formula_units = 22
[species.MSC]
formula_units = 22

[[reaction]]
equation = "AMC -> MSC"
rate = "8.3e-3 / min"
at = "70 degC"
activation_energy = "1.11 eV"

[[reaction]]
equation = "AMC -> 22 monomer"
rate = "1 / s"
at = "150 degC"
activation_energy = "3.0 eV"

[[reaction]]
equation = "MSC -> 22 monomer"
rate = "0.005 / s"
at = "250 degC"
activation_energy = "2.0 eV"
"""


class Course:
    """Feed and temperature of one run.

    Parameters
    ----------
    setting : Setting
    seed : int, of the random numbers
    method : "exact" or "leap"

    Attributes
    ----------
    feed : from each mark on [mL/hour]
    temperature : at each mark, straight in between [degC]
    target : where the temperature goes from each mark on [degC]
    """

    def __init__(self, setting: Setting, seed: int, method: str = "exact") -> None:
        self.setting, self.seed, self.method = setting, seed, method
        marks = FRAMES // EVERY + 1
        self.feed = [setting.values["feed"]] * marks
        self.target = [setting.values["temperature"]] * marks
        self.temperature = list(self.target)
        for minute, name, value in setting.program:
            self.set(name, min(round(minute * 60.0 / self.mark_time), marks - 1), value)

    @property
    def frame_time(self) -> float:
        """Time from one frame to the next [s]."""
        return self.setting.duration / FRAMES

    @property
    def mark_time(self) -> float:
        """Time from one mark to the next [s]."""
        return self.frame_time * EVERY

    def next_mark(self, frame: int) -> int:
        """The first mark that is not before a frame."""
        return -(-frame // EVERY)

    def pushed(self, mark: int) -> float:
        """Volume that the syringe would have pushed by a mark if it never ran empty [mL]."""
        return sum(self.feed[:mark]) * self.mark_time / 3600.0

    def flow(self, frame: int) -> float:
        """What the pump pushes from a frame on, nothing once the syringe is empty [mL/hour]."""
        mark, more = divmod(frame, EVERY)
        pushed = self.pushed(mark) + self.feed[mark] * more * self.frame_time / 3600.0
        return self.feed[mark] if pushed < SYRINGE_VOLUME else 0.0

    def set(self, name: str, mark: int, value: float) -> bool:
        """Let ``feed`` [mL/hour] or the aim of ``temperature`` [degC] be another from a mark on.

        The temperature gets there as fast as the mantle can. False, and no change, where the feed is to change but the
        syringe is empty by then.
        """
        if name == "feed":
            if self.pushed(mark) >= SYRINGE_VOLUME:
                return False
            self.feed[mark:] = [value] * (len(self.feed) - mark)
            return True
        self.target[mark:] = [value] * (len(self.target) - mark)
        reach = HEATING * self.mark_time / 60.0
        for i in range(mark + 1, len(self.temperature)):
            before = self.temperature[i - 1]
            self.temperature[i] = round(before + min(max(value - before, -reach), reach), 3)
        return True

    def recipe(self, frame: int | None = None) -> str:
        """The recipe of the run up to a frame, or of the whole of it (TOML)."""
        s = self.setting
        frame = FRAMES if frame is None or frame < 1 else frame
        last = min(frame // EVERY + 1, len(self.feed) - 1)
        v = s.values
        text = [
            'title = "A run of the classroom"', 'material = "InAs"', "", "[flask]", f'volume = "{FLASK_VOLUME:g} mL"',
            "# a point wherever feed and temperature could have been changed; with all of them the run is the same",
            "temperature = [", *_rows([f'["{_time(m * self.mark_time)}", "{t:.10g} degC"]'
                                      for m, t in enumerate(self.temperature[: last + 1])]), "]",
        ]
        if v["seeds"] > 0.0:
            text += ["", "[[seeds]]", f'diameter = "{v["diameter"]:.10g} nm"',
                     f"relative_std = {v['width'] / 100.0:.10g}", f'concentration = "{v["seeds"]:.10g} mM"']
        stock = STOCK / (1 if s.cluster == "monomer" else PER_CLUSTER)
        contents = f'contents = {{ {s.cluster} = "{stock:.10g} mM" }}'
        if v["shot"] > 0.0:
            text += ["", "[[injection]]  # a shot at the start", f'volume = "{v["shot"]:.10g} mL"', contents]
        text += ["", "[[injection]]", "rate = [", *_rows(self._feed_points(last)), "]",
                 f'volume = "{SYRINGE_VOLUME:g} mL"', contents]
        if s.cluster != "monomer":
            text.append(_CHEMISTRY.rstrip())
        text += ["", "[growth]", f'solubility = {{ value = "{v["solubility"]:.10g} uM", at = "300 degC", '
                 'activation_energy = "0.8 eV" }',
                 f'surface_energy = "{v["surface_energy"]:.10g} J/m^2"',
                 f'surface_rate = "{v["surface_rate"]:.10g} nm/s"']
        amount = f"particles = {s.particles}" if v["seeds"] > 0.0 else f"formula_units = {s.formula_units}"
        text += ["", "[nucleation]", 'law = "classical"', "", "[simulation]", f'method = "{self.method}"', amount,
                 f'duration = "{_time(frame * self.frame_time)}"', f"snapshots = {frame + 1}", f"seed = {self.seed}",
                 ""]
        return "\n".join(text)

    def _feed_points(self, last: int) -> list[str]:
        points = [f'["{_time(m * self.mark_time)}", "{q:.10g} mL/hour"]' for m, q in enumerate(self.feed[: last + 1])
                  if m == 0 or q != self.feed[m - 1]]
        if not any(self.feed[: last + 1]):
            # a syringe has to push at some time; this one does so when all is over
            points.append('["10000 hours", "1 mL/hour"]')
        return points


def _time(seconds: float) -> str:
    return f"{seconds / 60.0:g} min" if seconds % 60.0 == 0.0 else f"{seconds!r} s"


def _rows(items: list[str], across: int = 4) -> list[str]:
    return ["    " + ", ".join(items[i : i + across]) + "," for i in range(0, len(items), across)]


__all__ = ["EVERY", "FRAMES", "HEATING", "Course"]
