"""The run file: its schema, and errors that name the key and the fix."""

from __future__ import annotations

from kmcgrowth.recipe.checks import reaches_growth, temperature_law_warnings, temperature_range
from kmcgrowth.recipe.chemistry import Loss, Reaction, Species, Sticking
from kmcgrowth.recipe.equations import MONOMER
from kmcgrowth.recipe.flask import Flask, Injection, Seeds, Withdrawal
from kmcgrowth.recipe.growth import Coalescence, Growth, Nucleation
from kmcgrowth.recipe.laws import SurfaceRateLaw, TemperatureLaw
from kmcgrowth.recipe.loading import load_recipe, parse_recipe, shipped_recipes, shipped_studies
from kmcgrowth.recipe.programs import Diameters, FreeEnergies, Program, RateTable, Schedule
from kmcgrowth.recipe.schema import METHODS, Recipe, Simulation
from kmcgrowth.recipe.unusual import unusual

__all__ = [
    "METHODS", "MONOMER", "Coalescence", "Diameters", "Flask", "FreeEnergies", "Growth",
    "Injection", "Loss", "Nucleation", "Program", "RateTable", "Reaction", "Recipe", "Schedule", "Seeds", "Simulation",
    "Species", "Sticking", "SurfaceRateLaw", "TemperatureLaw", "Withdrawal", "load_recipe", "parse_recipe",
    "reaches_growth", "shipped_recipes", "shipped_studies", "temperature_law_warnings", "temperature_range", "unusual",
]
