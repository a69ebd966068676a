"""What the measuring of a row works with: runs that are kept, numbers, panels of a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

Draw = Callable[[Any], None]

ROWS: dict[str, Callable[[Bench], None]] = {}
"""Name of a row -> the function that measures it."""


def row(name: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Register the function that measures a row."""
    def keep(measure: Callable[[Bench], None]) -> Callable[[Bench], None]:
        ROWS[name] = measure
        return measure

    return keep


class Bench:
    """Runs recipes and collects what is found.

    Attributes
    ----------
    measured : name of a check -> number, of the row that is being measured
    panels : title -> function that draws it on matplotlib axes
    note : what else is to be said of the row
    """

    def __init__(self) -> None:
        self.measured: dict[str, float] = {}
        self.panels: list[tuple[str, Draw]] = []
        self.note = ""
        self._kept: dict[str, xr.Dataset] = {}

    def begin(self) -> None:
        """Forget the numbers and panels of the row before; runs are kept."""
        self.measured, self.panels, self.note = {}, [], ""

    def run(self, recipe: str, /, *, method: str | None = None, particles: int | None = None, seed: int = 1,
            changes: Mapping[str, Any] | None = None, snapshots: Any = None) -> xr.Dataset:
        """A recipe that ships, with changes; the same one is run once."""
        from kmcgrowth.recipe import load_recipe
        from kmcgrowth.simulate import simulate

        key = repr((recipe, method, particles, seed, sorted((changes or {}).items()), snapshots))
        if key not in self._kept:
            read = load_recipe(recipe, changes=changes)
            self._kept[key] = simulate(read, rng=seed, method=method, particles=particles, snapshots=snapshots)
        return self._kept[key]

    def found(self, name: str, value: Any) -> None:
        """The number of a check."""
        self.measured[name] = float(value)

    def draw(self, title: str, panel: Draw) -> None:
        """A panel of the row's figure, drawn if figures are asked for."""
        self.panels.append((title, panel))
