"""The lattice recipes that ship show what they promise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.frames import read_frames
from kmcgrowth.lattice.particles import Particles, find_particles
from kmcgrowth.lattice.shape import shapes
from kmcgrowth.lattice.surface import facets, mean_coordination
from kmcgrowth.recipe import load_recipe, shipped_recipes
from kmcgrowth.simulate import simulate

LATTICE = sorted(name for name in shipped_recipes() if load_recipe(name).lattice is not None)


@cache
def ran(name: str) -> xr.Dataset:
    return simulate(load_recipe(name))


def particles_of(atoms: Atoms) -> Particles:
    return find_particles(atoms, formula=(1, 1))


def test_the_recipes_of_the_lattice_ship() -> None:
    assert set(LATTICE) == {
        "cdse_tetrahedra", "lattice_eight_seeds", "lattice_inas_amc", "lattice_inas_msc", "lattice_ripening",
        "lattice_rising_supersaturation",
    }


@pytest.mark.parametrize("name", ["lattice_eight_seeds", "lattice_ripening"])
def test_atoms_of_each_element_are_conserved(name: str) -> None:
    matter = ran(name)["matter"].sum("place").values
    assert np.all(matter == matter[0]) and matter[0].min() > 0


def test_cdse_grows_by_whole_layers() -> None:
    """Beyond the first tetrahedron, most time is spent at Se(n) = n(n+1)(n+2)/6, one atom more or less.

    Sizes that are all as likely would spend 3 of every 15 to 36 steps there: less than a fifth of the time.
    """
    selenium, cadmium = [], []
    for atoms in read_frames(ran("cdse_tetrahedra")):
        count = particles_of(atoms).count
        cadmium.append(count[:, 0])
        selenium.append(count[:, 1])
    se, cd = np.concatenate(selenium), np.concatenate(cadmium)
    ladder = np.array([20, 35, 56, 84, 120])
    grown = (se > 24) & (se < 125)
    on = np.abs(se[:, None] - ladder).min(axis=1) <= 1
    assert grown.sum() > 200
    assert on[grown].mean() > 0.4
    assert on[se <= 24].mean() > 0.9
    # the cadmium of a whole tetrahedron is the next number of the ladder, less corners that come and go
    for n, full in ((20, 35), (35, 56), (56, 84)):
        here = cd[se == n]
        assert len(here) > 20 and full - 5 <= np.median(here) <= full


def test_small_crystals_dissolve_and_large_ones_grow() -> None:
    result = ran("lattice_ripening")
    number = result["number"].sel(population="all").values
    assert number[0] == 27 and number[-1] < 14
    largest = [int(result["size"].values[np.flatnonzero(row)[-1]])
               for row in result["particle_count"].sum("origin").values]
    assert largest[-1] > 1.5 * largest[0]
    # as the crystals grow, less is needed to keep them: Gibbs and Thomson
    exposure = result["exposure"].values
    half = len(exposure) // 2
    early, late = exposure[half] - exposure[0], exposure[-1] - exposure[half]
    assert np.sqrt(late.prod()) < 0.8 * np.sqrt(early.prod())
    assert int(result["born"].values[-1]) == 0


def test_eight_seeds_take_what_the_clusters_release() -> None:
    result = ran("lattice_eight_seeds")
    assert result["number"].sel(population="all").values[-1] == 8
    share = result["matter"].sel(place="particles").values / result["matter"].sum("place").values
    assert share[0].max() < 0.1 and share[-1].min() > 0.95
    # exponential release of 0.06/s: within 6 standard errors of a binomial with 343 clusters (p < 1e-8)
    clusters = result["concentration"].sel(species="AMC").values
    time = result["time"].values
    left = np.exp(-0.06 * time[30])
    assert abs(clusters[30] / clusters[0] - left) < 6.0 * np.sqrt(left * (1.0 - left) / 343)
    last = read_frames(result)[-1]
    # octahedra with faces {111}, and no branches
    assert flat(last) > 0.4
    assert shapes(last, particles=find_particles(last, formula=(1, 1))).compactness.min() > 0.9


def flat(atoms: Atoms) -> float:
    """Share of the surface atoms that lie on {111}; those at edges belong to no or to other faces."""
    shares = facets(atoms).shares()
    return shares["111A"] + shares["111B"]


def test_a_crystal_goes_from_round_to_faceted_to_rough_to_dendritic() -> None:
    frames = read_frames(ran("lattice_rising_supersaturation"))
    times = np.array([f.time for f in frames])
    start, faceted, rough, dendritic = (frames[int(np.abs(times - t).argmin())] for t in (0.0, 85.0, 87.0, 88.0))

    def compact(atoms: Atoms) -> float:
        return float(shapes(atoms, particles=particles_of(atoms)).compactness[0])

    assert flat(faceted) > 2.0 * flat(start)
    assert flat(rough) < 0.8 * flat(faceted)
    assert facets(rough).shares()["other"] > 2.0 * facets(faceted).shares()["other"]
    assert compact(start) > 0.99 and compact(faceted) > 0.95
    assert compact(dendritic) < 0.85


@pytest.mark.parametrize(("name", "bonds"), [("lattice_inas_msc", 86), ("lattice_inas_amc", 78)])
def test_model_clusters_of_inas_have_their_bonds(name: str, bonds: int) -> None:
    """The amorphous model as published, 2.00 As an In; the magic-size one but for two bonds of 88, 2.26.

    EXAFS finds bonds of 0.260 to 0.262 nm (10.1021/jacsau.3c00809).
    """
    first = read_frames(ran(name))[0]
    assert particles_of(first).count.tolist() == [[39, 22]]
    assert mean_coordination(first, of="In", by="As") == pytest.approx(bonds / 39)
    length = np.linalg.norm(np.diff(first.position[first.bonds], axis=1)[:, 0], axis=1)
    np.testing.assert_allclose(length, 0.2623, atol=1e-4)
