"""Foreign atoms that particles take up: books, rate, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import kmcgrowth as kg
from kmcgrowth.model.build import build_model
from kmcgrowth.reactor.twin import TwinRun

RECIPE = """
material = "InP"
[flask]
volume = "5 mL"
temperature = "200 degC"
contents = { "Zn(OA)2" = "10 uM" }
[[seeds]]
diameter = "3 nm"
concentration = "10 uM"
[species."Zn(OA)2"]
atoms = { Zn = 1, OA = 2 }
[[sticking]]
species = "Zn(OA)2"
diffusion = "400 nm^2/s"
probability = 0.5
[growth]
solubility = "1e-12 M"
surface_energy = "0 J/m^2"
[simulation]
particles = 4000
duration = "30 s"
snapshots = 4
seed = 1
"""


@pytest.mark.parametrize("method", ["exact", "leap", "balance"])
def test_foreign_atoms_go_into_the_particles_at_the_rate_of_diffusion(method: str) -> None:
    result = kg.simulate(kg.parse_recipe(RECIPE), method=method)
    zinc = result["matter"].sel(element="Zn")
    assert np.allclose(zinc.sum("place"), zinc.sum("place")[0], rtol=1e-12)
    # p 4 pi D (r + r_0) n with the radius of no formula unit, r_0 = 0; 10 uM of dots
    model = build_model(kg.parse_recipe(RECIPE))
    radius = float(model.radius(np.rint(np.pi * 3e-9**3 / (6 * model.unit_volume))))
    rate = 0.5 * 4 * np.pi * 400e-18 * radius * 10e-3 * 6.02214076e23
    left = zinc.sel(place="solution").values / zinc.values[0].sum()
    expected = np.exp(-rate * result["time"].values)
    assert 0.2 < expected[-1] < 0.8
    # 4000 atoms: a standard error of 0.008; six of them, p = 2e-9
    assert np.allclose(left, expected, atol=0.048 if method != "balance" else 1e-6)
    assert np.all(result["mean_diameter"].sel(population="seed") > 2.9)


def test_the_twin_keeps_the_same_books() -> None:
    recipe = kg.parse_recipe(RECIPE, changes={"simulation.particles": 300})
    run = TwinRun(build_model(recipe), np.random.default_rng(3))
    run.advance(20.0)
    matter, place = run.counts().matter, list(build_model(recipe).elements).index("Zn")
    assert matter["solution"][place] + matter["particles"][place] == 300
    assert matter["particles"][place] > 0


def test_what_may_not_be_taken_up() -> None:
    with pytest.raises(kg.BadInput, match="leave out the withdrawals"):
        kg.parse_recipe(RECIPE + '\n[[withdrawal]]\ntime = "1 s"\nvolume = "1 mL"\n')
    with pytest.raises(kg.BadInput, match="at least 2 are needed"):
        kg.parse_recipe(RECIPE.replace("Zn = 1", "In = 1"))
