"""What X-rays would see of the crystals of a lattice run: scattered intensity, distances, coordination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.frames import read_box, read_frames
from kmcgrowth.plots.clock import clock
from kmcgrowth.plots.style import BLUE, RED, look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

B = 0.04
"""Of the Debye-Waller factor exp(-B Q^2/2), as 10.1021/jacsau.3c00809 has it [angstrom^2]."""

ENERGY = 18.986
"""Of the photons for the axis of 2 theta, as there [keV]."""

WIDTH = 0.01
"""Standard deviation of the distances drawn [nm]."""

PROMINENCE = 0.05
"""How far a peak must rise to be labelled, over the highest: side lobes of a faceted crystal stay below it."""

APART = 0.4
"""Peaks nearer than this to a higher one go without label [1/angstrom]."""

GAP = 1.12
"""Room above the highest peak for its label [dimensionless]."""


def figure(dataset: xr.Dataset) -> Figure:
    """Debye's intensity of the first and the last frame, per atom, and how far atoms lie from atoms."""
    from kmcgrowth.lattice.particles import find_particles
    from kmcgrowth.lattice.surface import mean_coordination
    from kmcgrowth.observables.pairs import together
    from kmcgrowth.observables.scattering import debye, pair_distribution, particle_pairs, peaks, two_theta_from_q

    box, symbols = read_box(dataset)
    if "X" in symbols:
        raise BadInput("kind: a site of this crystal is a whole formula unit, which scatters no X-rays that are known; "
                       "give a run on zincblende or wurtzite.")
    frames = [f for f in read_frames(dataset) if f.number]
    if not frames:
        raise BadInput("kind: no frame of this result has atoms in crystals.")
    moved = frames[0].number != frames[-1].number or bool(np.any(frames[0].position != frames[-1].position))
    shown = [frames[0], frames[-1]] if moved else [frames[-1]]
    q = np.linspace(0.4, 7.0, 661)
    edges = np.linspace(0.0, 1.6, 801)
    density = len(box.crystal.kind) / float(np.prod(box.crystal.cell * box.constant * 1e9))
    with look():
        fig = new_figure(7.2, 3.4)
        left, right = fig.subplots(1, 2)
        above = 0.0
        for atoms, colour, style in zip(shown, (BLUE, RED), ("-", "--")):
            tables = together(particle_pairs(atoms, particles=find_particles(atoms, formula=box.crystal.elements)))
            intensity = debye(tables, q=q, b=B) * tables.particles / float(np.sum(tables.number))
            around = mean_coordination(atoms, of=symbols[0], by=symbols[-1])
            label = f"$t$ = {clock(atoms.time)}: {around:.2f} {symbols[-1]} around each {symbols[0]}"
            left.plot(q, intensity, style, color=colour, label=label)
            above = max(above, float(intensity[q > 1.2].max()))
            g = pair_distribution(tables, edges=edges, density=density, width=WIDTH, weight="x-ray")
            right.plot(g.r, g.radial, style, color=colour)
        inside = q > 1.2  # below are forward scattering and the fringes of the shape
        found = peaks(q[inside], intensity[inside], prominence=PROMINENCE)
        labelled: list[float] = []
        for i in np.argsort(-found.height, kind="stable"):
            x, y = float(found.position[i]), float(found.height[i])
            if x < 5.0 and all(abs(x - other) > APART for other in labelled):
                left.annotate(f"{x:.2f}", (x, y), (0, 4), textcoords="offset points", ha="center", fontsize=7)
                labelled.append(x)
        left.set(xlabel="scattering vector $Q$ (Å$^{-1}$)", ylabel="intensity per atom (electrons$^2$)")
        left.set_xlim(q[0], q[-1])
        left.set_ylim(0.0, GAP * 1.35 * above)
        which = f"labels: peaks at {clock(shown[-1].time)}" if labelled and len(shown) > 1 else None
        left.legend(loc="upper right", title=which, alignment="left")
        top = left.secondary_xaxis("top", functions=(
            lambda x: two_theta_from_q(np.clip(x, 0.0, 8.0), energy=ENERGY),
            lambda x: 4.0 * np.pi / (12.398 / ENERGY) * np.sin(np.radians(np.asarray(x)) / 2.0)))
        top.set_xlabel(f"2θ at {ENERGY:g} keV (°)")
        right.set(xlabel="distance between atoms (nm)", ylabel="radial distribution $R(r)$ (nm$^{-1}$)",
                  xlim=(0.2, edges[-1]))
        right.set_ylim(bottom=0.0)
        from kmcgrowth.plots.overview_figure import add_title

        add_title(fig, dataset, of_first=True)
    return fig
