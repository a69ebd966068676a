"""The liquid of a result: its volume in the simulation, and what the recipe says of its species."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.errors import BadInput

if TYPE_CHECKING:
    import xarray as xr


def liquid_volume(result: xr.Dataset) -> xr.DataArray:
    """Liquid of the simulated volume at every snapshot, with replicates where they differ [mL].

    The volume simulated is meant at 25 degC before anything is injected, as that of the flask in the recipe; without a
    recipe the first snapshot stands for this.
    """
    _, cold = of_recipe(result)
    start = float(np.mean(result["volume"].isel(time=0))) if cold is None else cold
    return result["volume"] / start * float(result.attrs["control_volume_mL"])


def of_recipe(result: xr.Dataset) -> tuple[dict[str, str], float | None]:
    """Species -> cluster that its recipe names, and the flask's volume before anything was injected [mL]."""
    a = result.attrs
    if not a.get("recipe"):
        return {}, None
    return _parsed(str(a["recipe"]), str(a.get("recipe_files", "{}")), str(a.get("recipe_changes", "{}")))


@lru_cache(maxsize=8)
def _parsed(text: str, files: str, changes: str) -> tuple[dict[str, str], float | None]:
    from kmcgrowth.recipe import parse_recipe

    try:
        recipe = parse_recipe(text, files=json.loads(files), changes=json.loads(changes))
    except BadInput:
        # Written by hand, or for another version: the species' own names still tell their clusters.
        return {}, None
    named = {name: s.cluster for name, s in recipe.species.items() if s.cluster is not None}
    return named, recipe.flask.volume * 1e6
