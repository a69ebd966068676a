"""Kinetic Monte Carlo growth of nanocrystals from magic-size clusters and molecular precursors.

>>> import kmcgrowth as kg
>>> recipe = kg.load_recipe("inas_continuous_injection")      # doctest: +SKIP
>>> result = kg.simulate(recipe, rng=1)                       # doctest: +SKIP

Names are loaded on first use (Scientific Python SPEC 1).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kmcgrowth import plots as plots
    from kmcgrowth.errors import BadInput as BadInput
    from kmcgrowth.errors import KmcgrowthError as KmcgrowthError
    from kmcgrowth.observables import distribution as _distribution
    from kmcgrowth.recipe import Recipe as Recipe
    from kmcgrowth.recipe import load_recipe as load_recipe
    from kmcgrowth.recipe import parse_recipe as parse_recipe
    from kmcgrowth.results import identical as identical
    from kmcgrowth.results import load as load
    from kmcgrowth.simulate import simulate as simulate
    from kmcgrowth.studies import open_study as open_study

    open_result = load
    size_distribution = _distribution.size_distribution

__version__ = "0.1.0"

# name here -> (module, name there; None for the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "BadInput": ("kmcgrowth.errors", "BadInput"),
    "KmcgrowthError": ("kmcgrowth.errors", "KmcgrowthError"),
    "Recipe": ("kmcgrowth.recipe", "Recipe"),
    "identical": ("kmcgrowth.results", "identical"),
    "load": ("kmcgrowth.results", "load"),
    "load_recipe": ("kmcgrowth.recipe", "load_recipe"),
    "open_result": ("kmcgrowth.results", "load"),
    "open_study": ("kmcgrowth.studies", "open_study"),
    "parse_recipe": ("kmcgrowth.recipe", "parse_recipe"),
    "plots": ("kmcgrowth.plots", None),
    "simulate": ("kmcgrowth.simulate", "simulate"),
    "size_distribution": ("kmcgrowth.observables.distribution", "size_distribution"),
}

__all__ = ["__version__", *sorted(_LAZY)]


class _Package(ModuleType):
    """The package's module, in which ``simulate`` always is the function.

    Importing a submodule binds it on its package; ``kmcgrowth/simulate.py`` would so replace the
    function of the same name. The module stays importable: ``from kmcgrowth.simulate import simulate``.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "simulate" and isinstance(value, ModuleType):
            value = value.__dict__.get("simulate", value)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, attribute = _LAZY[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


sys.modules[__name__].__class__ = _Package
