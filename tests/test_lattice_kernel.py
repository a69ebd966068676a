"""The lattice kernel: its books, its plain-Python twin, and that it can be broken off anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kmcgrowth.lattice._lattice import Kernel, Pause
from lattices import HOT, NO_REACTION, ball, box_of, energetics, make_kernel

from kmcgrowth.lattice.twin import TwinKernel

ENERGIES: list[tuple[str, dict[str, float]]] = [
    ("sc", {"bond": 2.0}), ("fcc", {"bond": 1.0}), ("zincblende", {"bond": 4.0}), ("wurtzite", {"bond": 4.0}),
    ("fcc", {"bond": 1.0, "second_bond": 0.2}), ("zincblende", {"bond": 4.0, "ligand": 2.0}),
    ("wurtzite", {"bond": 4.0, "second_bond": 0.2, "ligand": 2.0}), ("fcc", {"bond": 1.0, "ligand": 1.0}),
    ("fcc", {"bond": 1.0, "second_bond": -0.3, "ligand": 0.5}),
]
MODES: dict[str, dict[str, Any]] = {
    "fixed": {"concentration": 1.3}, "hops": {"hop": 30.0}, "pool": {"amount": [300, 280], "volume": 200.0, "hop": 3.0},
    "pairs": {"pair": 0.02, "hop": 3.0}, "pool with pairs": {"amount": [300, 280], "volume": 200.0, "pair": 0.5},
    "pairs that fall apart": {"pair": 0.02, "concentration": 0.1, "weaker": 0.3},
}


def ran(cls: Any, name: str, energies: dict[str, float], mode: dict[str, Any], events: int) -> Any:
    options = dict(mode)
    weaker = options.pop("weaker", 1.0)
    e = energetics(name, **{k: weaker * v for k, v in energies.items()})
    if "amount" in options:
        options["amount"] = options["amount"][: len(e.crystal.elements)]
    box = box_of(name, (4, 5, 4))
    kernel = make_kernel(cls, 7, e, box.cells, **options)
    sites = ball(box, 70)
    kernel.fill(sites, np.ones(len(sites), dtype=bool))
    kernel.run(1e9, events)
    return kernel


def told(kernel: Any) -> list[Any]:
    where, seed = kernel.occupied()
    tallies = [kernel.attached, kernel.detached, kernel.hopped, kernel.pairs_formed, kernel.pairs_broken,
               kernel.seed_pairs_broken, kernel.entered, kernel.idle, kernel.events]
    return [kernel.now, tallies, where.tolist(), seed.tolist(), kernel.amounts().tolist()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "energies"), ENERGIES)
def test_the_kernel_does_what_its_twin_does_event_by_event(
    name: str, energies: dict[str, float], mode: str
) -> None:
    kernel, twin = (ran(cls, name, energies, MODES[mode], 1500) for cls in (Kernel, TwinKernel))
    assert told(kernel) == told(twin)
    assert kernel.verify() == ""
    assert kernel.attached and kernel.detached
    if "hop" in MODES[mode]:
        assert kernel.hopped
    if "fall" in mode:
        assert kernel.pairs_formed and kernel.pairs_broken


def test_groups_may_be_many() -> None:
    """fcc with energies of both shells and ligands: 90 counts of neighbours and saturated ones, each 7 times."""
    e = energetics("fcc", bond=1.0, second_bond=0.2, ligand=0.3)
    assert len(e.groups) == 1 + 90 * 7
    assert make_kernel(Kernel, 1, e, (4, 4, 4)).groups == 631


def ramped(cls: Any, endless: bool) -> tuple[Any, int]:
    """A box with energies of the second shell while temperature, concentrations, and the volume of a pool, change."""
    e, box = energetics("sc", bond=1.2, second_bond=0.3, ligand=0.2), box_of("sc", (5, 5, 5))
    c = e.crystal
    kernel = cls(np.random.SFC64(8), box.cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), True, True)
    none = NO_REACTION | {"change": np.zeros((0, 1))}
    kernel.set_solution(1, endless, [0 if endless else 60], np.eye(1, dtype=int), none, np.zeros((0, 1)))
    ends = []
    for t in (HOT, 1.2 * HOT):
        rates = e.detach_rates(1.0, 1.0, t)
        rates[0] = 1.0
        ends.append((rates, 0.0 * rates, e.pair_rate(1.0, 1.0, t), np.zeros(0)))
    kernel.set_window(
        0.0, 60.0, (200.0, 300.0), *zip(*ends, strict=True), [], [], concentration=([0.02], [0.5]),
        second=[e.second_factors(t) for t in (HOT, 1.2 * HOT)],
    )
    kernel.run(50.0, 4000)
    return kernel, kernel.pairs_formed


@pytest.mark.parametrize("endless", [True, False])
def test_twin_and_kernel_agree_on_pairs_where_rates_change(endless: bool) -> None:
    (kernel, formed), (twin, _) = ramped(Kernel, endless), ramped(TwinKernel, endless)
    assert told(kernel) == told(twin) and kernel.verify() == ""
    assert formed > 10 and kernel.pairs_broken > 5


def changing(cls: Any, chemistry: bool) -> Any:
    """Rates, volume and supersaturation that change within the window; reactions and a syringe."""
    e = energetics("zincblende", bond=4.0)
    box = box_of("zincblende", (4, 4, 4))
    c = e.crystal
    kernel = cls(np.random.SFC64(5), box.cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), False, False)
    reactions = {
        "reactant": np.array([[2, -1], [2, 2]]), "order": np.array([[1.0, 0.0], [0.5, 1.0]]),
        "consumed": np.array([[1, 0], [0, 1]]), "change": np.array([[3, 3, -1], [3, 3, -1]]),
        "power": np.array([0.0, -0.5]),
    }
    expand = np.array([[1, 1, 0], [0, 0, 1]])
    kernel.set_solution(2, False, [200, 210, 60], expand, reactions, np.array([[40, 20]]))
    kernel.fill(ball(box, 60), np.ones(len(ball(box, 60)), dtype=bool))
    ends = []
    for warmer in (0.0, 0.3):
        hops = e.hop_rates(3.0 + warmer, 0.0, 573.0 + 60.0 * warmer)
        rates = e.detach_rates(1.0, 1.0, 573.0 + 60.0 * warmer) + hops
        rates[:2] = 1.0 + warmer
        ends.append((rates, hops, 2e-6 * (1.0 + warmer), np.array([0.5, 0.01]) * (1.0 + warmer) * chemistry))
    kernel.set_window(0.0, 40.0, (200.0, 320.0), *zip(*ends, strict=True), [8.0], [300.0])
    while kernel.run(30.0, 10**6) != Pause.REACHED:
        pass
    return kernel


def test_twin_and_kernel_agree_where_everything_changes_with_time() -> None:
    kernel, twin = changing(Kernel, True), changing(TwinKernel, True)
    assert told(kernel) == told(twin)
    assert kernel.done.tolist() == twin.done.tolist()
    assert np.array_equal(kernel.contents(), twin.contents())
    assert min(kernel.done) > 0 and kernel.entered > 0 and kernel.idle > 0 and kernel.hopped > 0


@pytest.mark.parametrize("mode", ["hops", "pool with pairs"])
def test_a_state_goes_on_to_the_same_events(mode: str) -> None:
    whole = ran(Kernel, "zincblende", {"bond": 4.0, "ligand": 1.0}, MODES[mode], 3000)
    first = ran(Kernel, "zincblende", {"bond": 4.0, "ligand": 1.0}, MODES[mode], 1000)
    state = first.state()
    other = ran(Kernel, "zincblende", {"bond": 4.0, "ligand": 1.0}, MODES[mode], 10)
    other.restore(state)
    # the stream is the caller's to keep: go on with that of the first
    first.run(1e9, 2000)
    assert told(first) == told(whole)
    again = ran(Kernel, "zincblende", {"bond": 4.0, "ligand": 1.0}, MODES[mode], 1000)
    again.restore(state)
    again.run(1e9, 2000)
    assert told(again) == told(whole) and again.verify() == ""
    assert other.verify() == "" and other.occupied()[0].tolist() == state["occupied"].tolist()


def test_a_kernel_that_was_restored_needs_nothing_else() -> None:
    """A new one goes on to the same events, from the candidate that was timed before."""
    e, bits = energetics("fcc", bond=1.0), np.random.SFC64(9)
    first, second = (make_kernel(Kernel, 0, e, (4, 4, 4), concentration=1.2, hop=10.0, bits=bits) for _ in range(2))
    sites = ball(box_of("fcc", (4, 4, 4)), 60)
    first.fill(sites, np.ones(len(sites), dtype=bool))
    first.run(1.0, 500)
    assert first.run(first.now, 1) == Pause.REACHED  # the next candidate has its time
    state, stream = first.state(), bits.state
    first.run(1e9, 1000)
    bits.state = stream
    second.restore(state)
    second.run(1e9, 1000)
    assert told(second) == told(first)


def test_looking_does_not_change_what_happens() -> None:
    """Stops on the way, at times or after some candidates, leave the trajectory as it is."""
    e = energetics("fcc", bond=1.0)
    kernels = [make_kernel(Kernel, 3, e, (4, 4, 4), concentration=1.2, hop=10.0) for _ in range(2)]
    for kernel in kernels:
        sites = ball(box_of("fcc", (4, 4, 4)), 60)
        kernel.fill(sites, np.ones(len(sites), dtype=bool))
    while kernels[0].run(3.0, 10**7) != Pause.REACHED:
        kernels[0].make_room()
    for t in np.linspace(0.0, 3.0, 40)[1:]:
        while kernels[1].run(float(t), 13) != Pause.REACHED:
            kernels[1].make_room()
    assert told(kernels[0]) == told(kernels[1])
    assert kernels[0].events > 300


def test_every_site_of_a_group_is_as_likely_as_any_other() -> None:
    """The first and the last of a list too: attachment to a bare slab, chi-square, p < 1e-9 for any seed."""
    from scipy import stats

    e = energetics("sc", bond=1.0)
    box = box_of("sc", (5, 5, 6))
    count = np.zeros(25)
    for seed in range(4000):
        kernel = make_kernel(Kernel, seed, e, box.cells, solubility=1e-12)
        slab = np.flatnonzero(box.split(np.arange(box.sites))[0][:, 2] < 2).astype(np.int32)
        kernel.fill(slab, np.ones(len(slab), dtype=bool))
        kernel.run(1e9, 1)
        where = np.setdiff1d(kernel.occupied()[0], slab)
        cell = box.split(where)[0][0]
        count[cell[0] * 5 + cell[1]] += 1
    assert stats.chisquare(count).pvalue > 1e-9


def test_origin_is_handed_on_with_contact() -> None:
    """Atoms that attach to a particle that was there at the start belong to it; pairs from solution do not."""
    kernel = ran(Kernel, "zincblende", {"bond": 4.0}, MODES["fixed"], 400)
    assert kernel.attached > 100 and kernel.occupied()[1].all()
    e = energetics("zincblende", bond=4.0)
    alone = make_kernel(Kernel, 2, e, (4, 4, 4), pair=0.1, concentration=50.0)
    alone.run(1e9, 300)
    assert alone.pairs_formed > 0 and not alone.occupied()[1].any()
    assert alone.seed_pairs_broken == 0


def test_lists_grow_with_what_is_in_them() -> None:
    e = energetics("sc", bond=1.0)
    kernel = make_kernel(Kernel, 1, e, (20, 20, 20), concentration=5.0, solubility=1e-6)
    kernel.fill(ball(box_of("sc", (20, 20, 20)), 30), np.ones(30, dtype=bool))
    rooms = 0
    for _ in range(100):
        if kernel.run(1e9, 10**6) == Pause.ROOM:
            kernel.make_room()
            rooms += 1
        if kernel.atoms == 8000:
            break
    assert rooms > 1 and kernel.atoms == 8000 and kernel.verify() == ""


def test_a_box_that_cannot_be_is_refused() -> None:
    e = energetics("sc", bond=1.0)
    with pytest.raises(ValueError, match="at least 3 cells"):
        make_kernel(Kernel, 1, e, (2, 8, 8))
    with pytest.raises(ValueError, match="occupied"):
        make_kernel(Kernel, 1, e, (4, 4, 4)).fill([3, 3], [True, True])
