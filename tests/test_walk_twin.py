"""The compiled kernel with walkers against its plain-Python twin: the same generator, the same events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kmcgrowth.lattice._walk import Pause, WalkKernel
from walks import Walks, ball, boltzmann

from kmcgrowth.lattice.sites import Box
from kmcgrowth.lattice.walk_grid import walk_grid
from kmcgrowth.lattice.walk_twin import TwinWalkKernel
from kmcgrowth.materials.crystals import load_crystal

SOFT = {"bond": boltzmann(1.0), "stick": 2.0, "solubility": 0.02}

OPTIONS: dict[str, dict[str, Any]] = {
    "at once": {},
    "reversible": SOFT,
    "reversible, with hops on the surface": SOFT | {"hops": 0.3},
    "second bonds": SOFT | {"second_bond": boltzmann(0.3)},
    "all rates change": SOFT | {"walk": (1.0, 2.0), "warmer": 30.0, "window": 60.0, "hops": 0.2},
    "a reservoir": SOFT | {"margin": 1, "far": (0.02, 0.05), "walk": (1.0, 0.7), "window": 100.0},
    "a sink": {"sink": True, "margin": 1, "far": 0.05},
    "a reservoir, with hops on the surface": SOFT | {"margin": 1, "far": 0.1, "hops": 0.5},
    "at once, with hops on the surface": {"hops": 0.3},
}


def same(crystal: str, steps: int, **options: Any) -> tuple[Any, Any]:
    box = Box(load_crystal(crystal), (4, 5, 6), 1.0)
    elements = len(box.crystal.elements)
    grid, sites = walk_grid(box), ball(box, 1.2)
    cell, b = box.split(sites)
    point, margin = cell * grid.parts + grid.point[b], options.get("margin", 0)
    sites = sites[np.all((point >= margin) & (point < grid.points - margin), axis=1)]
    options = {"occupied": sites, "amounts": [40] * elements + [5] * options.get("kinds", 0)} | options
    one, two = (
        Walks((4, 5, 6), crystal, kernel=k, largest=0, seed=11, **options) for k in (WalkKernel, TwinWalkKernel)
    )
    for budget in (steps // 3, steps // 3, steps - 2 * (steps // 3)):
        why = one.run(1e9, budget)
        assert why == two.run(1e9, budget)
        if why == Pause.EPOCH:
            for each in (one, two):
                each.window(each.kernel.now, each.kernel.now + options["window"])
            assert one.run(1e9, budget) == two.run(1e9, budget)
        for name in (
            "now", "pending", "pending_walk", "attached", "detached", "hopped", "pairs_broken", "entered", "idle",
            "moves", "events", "reached",
        ):
            assert getattr(one.kernel, name) == getattr(two.kernel, name), name
        for name in ("amounts", "contents"):
            np.testing.assert_array_equal(getattr(one.kernel, name)(), getattr(two.kernel, name)())
        np.testing.assert_array_equal(one.kernel.done, two.kernel.done)
        np.testing.assert_array_equal(one.kernel.exposure, two.kernel.exposure)
        for a, b in zip(one.kernel.occupied(), two.kernel.occupied(), strict=True):
            np.testing.assert_array_equal(a, b)
        for a, b in zip(one.kernel.positions(one.kernel.now, np.random.SFC64(0)), two.kernel.positions(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert one.kernel.verify() == ""
    return one, two


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
def test_same_events(crystal: str, options: dict[str, Any]) -> None:
    one, _ = same(crystal, 3000, **options)
    assert one.kernel.attached > 5
    if "solubility" in options:
        assert one.kernel.detached > 2


@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
@pytest.mark.parametrize("stick", [np.inf, 1.0])
def test_same_events_with_clusters_that_fall_apart(crystal: str, stick: float) -> None:
    n = len(load_crystal(crystal).elements)
    # A -> B -> 3 units and A; B -> lost; syringes with atoms and molecules; rate constants that change
    reactions = [
        (n, [0] * n + [-1, 1], 0.05, 0.2), (n + 1, [3] * n + [0, -1], 0.1, 0.1), (n + 1, [0] * n + [0, -1], 0.02, 0.02),
    ]
    one, _ = same(
        crystal, 3000, kinds=2, reactions=reactions, stick=stick, content=[[3, 40, 7], [0, 0, 9]], window=40.0,
        expand=[[1] * n + [0, 0], [0] * n + [1, 0], [0] * n + [0, 1]], push=[1.0, 0.5], left=[30.0, 40.0],
        spread=[0] * n + [0, 1],
    )
    assert one.kernel.entered > 4
    assert one.kernel.done.sum() > 3


@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
def test_same_events_with_parts_that_appear_far_around_the_box(crystal: str) -> None:
    n = len(load_crystal(crystal).elements)
    # from twenty points away, several times around the box
    one, _ = same(crystal, 400, kinds=1, reactions=[(n, [4] * n + [-1], 2.0, 2.0)], spread=[0] * n + [20])
    assert one.kernel.done.sum() > 3


@pytest.mark.parametrize("crystal", ["sc", "fcc", "zincblende"])
def test_same_events_in_a_crowd_that_attaches_at_once(crystal: str) -> None:
    n = len(load_crystal(crystal).elements)
    amounts = {"sc": 150, "fcc": 1000, "zincblende": 800}[crystal]
    one, _ = same(crystal, 30, amounts=[amounts] * n)
    assert one.kernel.attached > 60


@pytest.mark.parametrize("number", [1500, 20_000])
def test_walkers_are_called_many_times_before_all_are_looked_at(number: int) -> None:
    """Every atom that attaches at the first moment calls those around it, who have been looked at before."""
    box = Box(load_crystal("zincblende"), (12, 12, 8), 1.0)
    layers = np.flatnonzero(box.split(np.arange(box.sites))[0][:, 2] < 2)
    walks = Walks(box.cells, "zincblende", occupied=layers, amounts=[number] * 2, seed=1)
    walks.run(1e-3)
    assert walks.kernel.attached > number // 20
    assert walks.atoms().tolist() == [len(layers) // 2 + number] * 2
    assert walks.kernel.verify() == ""
    assert len(walks.kernel.state()["walkers"]["todo"]) == 0
