"""What ``kmcgrowth check`` tells of a lattice: the solution as the recipe has it, and a cost that is about right."""

from __future__ import annotations

import pytest
from lattices import recipe_text

import kmcgrowth as kg
from kmcgrowth.check import report
from kmcgrowth.check_lattice import lattice_forecast
from kmcgrowth.model.build import build_model
from kmcgrowth.recipe import load_recipe, parse_recipe

RISING = 'supersaturation = [["0 s", 0.0], ["0.1 s", 0.0], ["0.11 s", 400.0], ["1 s", 400.0]]\nbond_energy = "4 eV"'


def line(text: str, name: str) -> str:
    (found,) = (row for row in text.splitlines() if row.startswith(name))
    return found.removeprefix(name).strip()


def test_the_solution_is_told_as_the_recipe_has_it() -> None:
    assert line(report(load_recipe("cdse_tetrahedra")), "solution") == (
        "fixed, supersaturation 60, ratio 30 of cation to anion")
    rising = line(report(parse_recipe(recipe_text(RISING, duration="1 s"))), "solution")
    assert rising == "fixed, supersaturation 0 to 400"


@pytest.mark.parametrize("lattice", ["supersaturation = 3.0", RISING, 'solution = "pool"\nbond_energy = "0.25 eV"'])
def test_as_many_events_are_foretold_as_there_are(lattice: str) -> None:
    """Within a factor of three, also where nothing happens at first and much later."""
    text = recipe_text(lattice, duration="1 s")
    events = float(kg.simulate(parse_recipe(text))["events"][-1])
    foretold = lattice_forecast(build_model(parse_recipe(text)))
    assert events > 300 and events / 3.0 < foretold.events < 3.0 * events and foretold.seconds > 0.0


def test_a_crystal_at_rest_has_no_events() -> None:
    text = report(load_recipe("lattice_inas_msc"))
    assert line(text, "expected events") == "fewer than one" and line(text, "expected time").startswith("0.1 s")
