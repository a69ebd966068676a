"""Walkers between crystals: flux to a sphere, equilibrium with a crystal, cubes against hops, clusters that grow by diffusion."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from kmcgrowth.lattice._lattice import Kernel
from scipy import stats
from verification.cases import SIX, Bench, Check, between, case, likely, near
from walks import TEMPERATURE, Walks, ball, boltzmann, steady_flux

from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal

MADELUNG = 1.7475645946
"""Of rock salt: the images of a charge in the middle of an earthed cube form its lattice [dimensionless]."""


@case("lattice-walk-flux", "walkers reach an absorbing sphere at the rate of Smoluchowski", engines=("lattice",))
def flux(bench: Bench) -> list[Check]:
    number = 20_000 if bench.fast else 300_000
    checks = []
    for crystal, edge, radius in (("sc", 30, 4.0), ("fcc", 20, 3.5)) if bench.fast else (("sc", 70, 10.0), ("fcc", 40, 6.0)):
        cells, far = (edge,) * 3, 1e-3
        # the middle of the region is a site, so that the sphere lies in it evenly
        box = Box(load_crystal(crystal), cells, 1.0)
        centre = np.full(3, edge // 2)
        walks = Walks(cells, crystal, occupied=ball(box, radius, centre), margin=1, far=far, sink=True, seed=31)
        wanted = far * steady_flux(walks, 1, np.inf)
        points = float(walks.grid.points[0])
        walks.run(points**2)
        before, time = walks.kernel.attached, number / wanted
        walks.run(points**2 + time)
        measured = (walks.kernel.attached - before) / time
        checks.append(likely(
            f"atoms per time that reach a sphere on {crystal}", float(2.0 * stats.norm.sf(abs(measured - wanted) / np.sqrt(wanted / time))),
            "the discrete Laplace equation with the sphere's places absorbing and a constant concentration at the border; walkers "
            "are independent, so the number is Poisson", expected=f"{wanted:.5g}", measured=f"{measured:.5g}",
        ))
        taken = walks.kernel.occupied()[0]
        places = np.setdiff1d(box.neighbours(taken), taken)
        reach = np.linalg.norm(box.position(places) - centre, axis=1).mean() * points / edge
        smoluchowski = 4.0 * np.pi * far / (1.0 / reach - MADELUNG / (points - 1.0))
        checks.append(near(
            "the same by 4 pi D c r R/(R - r)", measured, smoluchowski,
            "r is the mean distance of the places, R = L/1.7476 stands for a cube of edge L; both hold up to about h/r",
            share=0.05,
        ))
    return checks


@case("lattice-walk-cubes", "protective cubes change neither what attaches nor what is left around", engines=("lattice",))
def cubes(bench: Bench) -> list[Check]:
    runs = 60 if bench.fast else 1500
    cells = (16, 16, 16)
    occupied = ball(Box(load_crystal("fcc"), cells, 1.0), 2.0)
    shells = np.array([0.0, 7.0, 9.0, 11.0, 13.0, 16.0, 40.0])
    rows: dict[int, Any] = {}
    for largest in (0, 128):
        found = []
        for k in range(runs):
            walks = Walks(cells, "fcc", occupied=occupied, amounts=[500], largest=largest, seed=10 * k + (largest > 0), stick=np.inf)
            walks.run(4.0)
            early = walks.kernel.attached
            walks.run(30.0)
            point = walks.kernel.positions(30.0, np.random.SFC64(k))[1]
            away = np.linalg.norm((point - 16 + 16) % 32 - 16, axis=1)
            found.append([early, walks.kernel.attached, *np.histogram(away, shells)[0]])
        rows[largest] = np.array(found, dtype=float)
    names = ["attached after 4 steps' time", "attached after 30", *(
        f"walkers {a:g} to {b:g} from the middle" for a, b in pairwise(shells)
    )]
    checks = []
    for i, name in enumerate(names):
        a, b = rows[0][:, i], rows[128][:, i]
        error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / runs)
        p = float(2.0 * stats.norm.sf(abs(a.mean() - b.mean()) / error)) if error > 0.0 else float(a.mean() == b.mean())
        checks.append(likely(
            name, p, f"means of {runs} runs hop by hop and in cubes", expected=f"{a.mean():.5g}", measured=f"{b.mean():.5g}",
        ))
    return checks


@case("lattice-walk-equilibrium", "a crystal is in the same equilibrium with walkers as with a stirred solution", engines=("lattice",))
def equilibrium(bench: Bench) -> list[Check]:
    time = 1.5e4 if bench.fast else 3e5
    cells, checks = (10, 10, 10), []
    for crystal, bond, solubility in (("fcc", 0.9, 0.006), ("zincblende", 2.5, 0.006)):
        options: dict[str, Any] = {"bond": boltzmann(bond), "stick": 1.0, "solubility": solubility}
        occupied = ball(Box(load_crystal(crystal), cells, 1.0), 3.2)
        elements = len(load_crystal(crystal).elements)
        walks = Walks(cells, crystal, occupied=occupied, amounts=[30] * elements, seed=41, **options)
        points = float(np.prod(walks.grid.points))
        # the stirred solution has the volume of the points that are open on average
        found = {}
        for name in ("walkers", "stirred"):
            if name == "walkers":
                kernel = walks.kernel
            else:
                c, e = load_crystal(crystal), walks.energetics
                kernel = Kernel(np.random.SFC64(42), cells, c.kind, *c.shells, c.hops, e.lookup, len(e.groups), False, False)
                empty = np.zeros(0)
                kernel.set_solution(
                    elements, False, [30] * elements, np.eye(elements, dtype=int),
                    {"reactant": np.full((0, 1), -1), "order": np.zeros((0, 1)), "consumed": np.zeros((0, 1)),
                     "change": np.zeros((0, elements)), "power": empty}, np.zeros((0, elements)),
                )
                rates = e.detach_rates(1.0, solubility, TEMPERATURE)
                rates[:elements] = 1.0
                volume = points - found["walkers"][1] / elements
                kernel.set_window(0.0, 1e30, (volume, volume), (rates, rates), (0.0 * rates,) * 2, (0.0, 0.0), (empty, empty), [], [])
                kernel.fill(occupied, np.ones(len(occupied), dtype=bool))
            seen, taken = [], []
            for t in np.linspace(0.3 * time, time, 200):
                while kernel.run(float(t), 10**9):
                    kernel.make_room()
                seen.append(kernel.amounts()[:elements].mean())
                taken.append(kernel.atoms)
            blocks = np.array(seen).reshape(10, 20).mean(axis=1)
            found[name] = (float(blocks.mean()), float(np.mean(taken)), float(blocks.std(ddof=1) / np.sqrt(10)))
        walker, stirred = found["walkers"], found["stirred"]
        checks.append(near(
            f"atoms dissolved beside {crystal}", walker[0], stirred[0],
            "means of two runs, standard errors of ten blocks; the open volume fluctuates with the crystal, which counts for less "
            "than one per cent", within=SIX * float(np.hypot(walker[2], stirred[2])) + 0.01 * stirred[0],
        ))
    return checks


def grown(atoms: int, seed: int, looks: Any) -> tuple[Any, Any]:
    """A cluster of walkers that stick at once, fed from far away: numbers, radii of gyration [grid points].

    The box grows with the cluster, which never fills more than half of its edge.
    """
    edge, sites = 48, np.zeros((1, 3), dtype=int)
    numbers, radii = [], []
    walks = None
    step = 0
    while len(sites) < atoms:
        if walks is None:
            cells = (edge,) * 3
            at = sites - np.rint((sites.max(axis=0) + sites.min(axis=0)) / 2.0).astype(int) + edge // 2
            walks = Walks(
                cells, "sc", occupied=(at[:, 0] * edge + at[:, 1]) * edge + at[:, 2], margin=1, far=2.0 / edge**2.5,
                seed=1000 * seed + step,
            )
            step += 1
        walks.run(1e30, 20_000)
        if walks.kernel.atoms < len(sites) * 1.01 + 1.0:
            continue
        taken = walks.kernel.occupied()[0]
        sites = np.column_stack(np.unravel_index(taken, (edge,) * 3))
        if len(sites) >= looks[min(len(numbers), len(looks) - 1)]:
            numbers.append(len(sites))
            radii.append(float(np.sqrt(sites.var(axis=0).sum())))
        if np.ptp(sites, axis=0).max() > 0.5 * edge:
            edge, walks = int(1.5 * edge), None
    return np.array(numbers), np.array(radii)


@case("lattice-walk-dla", "clusters of walkers that stick at once are fractals of dimension 2.5", engines=("lattice",))
def aggregation(bench: Bench) -> list[Check]:
    atoms, clusters = (8_000, 2) if bench.fast else (100_000, 4)
    looks = np.geomspace(500, 0.98 * atoms, 30)
    grew = [grown(atoms, seed, looks) for seed in range(clusters)]
    slopes = [1.0 / np.polyfit(np.log(n), np.log(r), 1)[0] for n, r in grew]
    bench.draw("diffusion-limited aggregation", partial(draw, grew=grew))
    return [between(
        f"fractal dimension, from N ~ R^D over {looks[0]:.0f} to {atoms} atoms, mean of {clusters} clusters", float(np.mean(slopes)),
        2.35 if bench.fast else 2.45, 2.65 if bench.fast else 2.55,
        "(d^2 + 1)/(d + 1) in d = 3 dimensions, the mean field of Muthukumar, Phys. Rev. Lett. 50, 839 (1983), +- 0.05; one "
        f"cluster scatters by about {np.std(slopes, ddof=1):.2g}",
    )]


def draw(axes: Any, grew: list[tuple[Any, Any]]) -> None:
    """Size against mass."""
    for n, r in grew:
        axes.loglog(n, r, "o", markersize=3)
    n = np.array([500.0, max(float(n[-1]) for n, _ in grew)])
    axes.loglog(n, grew[0][1][0] * (n / grew[0][0][0]) ** 0.4, color="0.5", label="D = 2.5")
    axes.set(xlabel="atoms", ylabel="radius of gyration (grid points)")
    axes.legend()
