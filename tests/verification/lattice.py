"""Small lattices in equilibrium: every state of a closed box occurs as often as its enumerated weight says."""

from __future__ import annotations

from typing import Any

import numpy as np
from kmcgrowth.lattice._lattice import Kernel
from lattices import HOT, box_of, chi_square, energetics, enumerated, make_kernel, visited
from verification.cases import Bench, Check, case, certain, likely

SMALL: list[tuple[str, dict[str, float], list[int], float, float]] = [
    ("sc", {"bond": 2.5}, [5], 90.0, 0.0),
    ("sc", {"bond": 2.5}, [5], 90.0, 40.0),
    ("sc", {"bond": 2.5, "second_bond": 0.2, "ligand": 0.5}, [4], 120.0, 5.0),
    ("zincblende", {"bond": 5.0, "ligand": 1.5}, [2, 2], 300.0, 5.0),
    ("zincblende", {"bond": 4.0, "ligand": -1.0}, [3, 1], 120.0, 0.0),
    ("sc", {"bond": 2.0, "second_bond": 0.8}, [4], 90.0, 0.0),
    ("sc", {"bond": 2.5, "second_bond": -0.6, "ligand": 0.3}, [4], 40.0, 5.0),
]
"""Crystal, energies [kT], atoms of each element, V c_ref, prefactor of hops."""


@case("lattice-enumeration", "small closed boxes in equilibrium: states as often as their enumerated weights say",
      engines=("lattice",))
def enumeration(bench: Bench) -> list[Check]:
    checks = []
    for i, (name, energies, amount, room, hop) in enumerate(SMALL):
        if bench.fast and i not in (0, 2, 5):
            continue
        e, box = energetics(name, **energies), box_of(name, (3, 3, 3))
        chance = enumerated(box, e, amount, room)
        volume = room / e.reference(1.0, HOT)
        kernel = make_kernel(Kernel, 40 + i, e, box.cells, amount=amount, volume=volume, hop=hop, pair=1.0)
        samples, events = (2000, 400) if bench.fast else (25_000, 1500)
        seen = visited(kernel, box, samples, events)
        p, cells = chi_square(seen, chance)
        said = ", ".join(f"{k.replace('_', ' ')} {v:g} kT" for k, v in energies.items())
        what = f"{name}, {said}, {' + '.join(map(str, amount))} atoms{', hops' if hop else ''}"
        in_crystals = float(sum(n * c for (n, _), c in chance.items()))
        met = sum(n * c for (n, _), c in seen.items()) / samples
        checks += [
            likely(
                f"atoms in crystals and bonds, {what}", p,
                f"chi-square over {cells} classes of states, {samples} moments some {events} events apart, against all "
                f"states of 3 x 3 x 3 cells: exp(-E/kT) prod room^m/m!, m atoms dissolved, room = V c_ref = {room:g}",
                expected=f"{in_crystals:.4f} atoms in crystals", measured=f"{met:.4f}",
            ),
            certain(
                f"states outside of the enumeration, {what}", set(seen) <= set(chance),
                "no atom of a crystal is without a neighbour", expected="none",
                measured="none" if set(seen) <= set(chance) else "some",
            ),
        ]
        if i == 0:
            draw_states(bench, chance, seen, samples)
    return checks


def draw_states(bench: Bench, chance: dict[tuple[int, int], float], seen: dict[tuple[int, int], int], samples: int) -> None:
    """States in order of their chance, enumerated and met."""
    keys = sorted(chance, key=lambda k: -chance[k])[:12]
    there = np.arange(len(keys))

    def draw(axes: Any) -> None:
        axes.bar(there, [seen.get(k, 0) / samples for k in keys], color="0.8", label="lattice")
        axes.plot(there, [chance[k] for k in keys], "o", markersize=4, label="enumerated")
        axes.set_yscale("log")
        axes.set_xticks(there, [f"{n}, {b}" for n, b in keys], rotation=60, fontsize=7)
        axes.set(xlabel="atoms in crystals, bonds", ylabel="probability")
        axes.legend()

    bench.draw("states of five atoms on 27 sites, simple cubic", draw)
