"""Interfaces of a simple cubic crystal in equilibrium: kinks of a step, and the roughening of (100)."""

from __future__ import annotations

from typing import Any

import numpy as np
from kmcgrowth.lattice._lattice import Kernel
from lattices import box_of, energetics, make_kernel
from verification.cases import SIX, Bench, Check, between, case, near
from verification.lattice_steps import HEIGHT, LAYERS, sites_of

from kmcgrowth.lattice.sites import Box
from kmcgrowth.model.types import FloatArray

ROUGHENING = 2.4537
"""kT/J at which the (100) face of the three-dimensional Ising model roughens, J = bond/4; Hasenbusch, Meyer and Puetz,
J. Stat. Phys. 85, 383 (1996)."""


def on(kernel: Any, until: float) -> None:
    while kernel.run(until, 10**8):
        kernel.make_room()


def occupation(kernel: Any, box: Box) -> Any:
    """Which places are taken (nx, ny, nz)."""
    return (kernel.storage["flags"] & 1).astype(bool).reshape(box.cells)


def columns(filled: Any) -> FloatArray:
    """Places of both interfaces of a band that lies across the last axis, along the other axes (2, ...).

    They are counts of what is taken between the middle of the band and the middle of the gap.
    """
    n = filled.shape[-1]
    angle = 2.0 * np.pi * np.arange(n) / n
    flat = filled.reshape(-1, n).sum(axis=0)
    middle = int(np.rint(np.angle(np.sum(flat * np.exp(1j * angle))) * n / (2.0 * np.pi)))
    rolled = np.roll(filled, n // 2 - middle, axis=-1)
    half = n // 2
    return np.stack([rolled[..., half:].sum(axis=-1), rolled[..., :half].sum(axis=-1)]).astype(float)


# -- a step on a cold terrace ----------------------------------------------------------------


@case("lattice-kinks", "a straight step in equilibrium: kinks, and how far it wanders, as the Ising model has it",
      engines=("lattice",))
def kinks(bench: Bench) -> list[Check]:
    bond, width, ny, free = 4.0, 20, 32, 30  # the band is shorter than it is wide, so that it stays one
    e, box = energetics("sc", bond=bond), box_of("sc", (2 * width, ny, HEIGHT))
    layer = np.zeros((2 * width, ny), dtype=bool)
    layer[:width] = True
    sites = sites_of(box, layer)
    gap, runs, samples = 12.0, 2 if bench.fast else 16, 60 if bench.fast else 400
    jumps, roam, dissolved = [], [], []
    distances = np.array([2, 4, 8, 16])
    for k in range(runs):
        kernel = make_kernel(Kernel, 61 + k, e, box.cells, amount=[free], volume=float(free))
        kernel.fill(sites, np.ones(len(sites), dtype=bool))
        on(kernel, 300.0)
        for _ in range(samples):
            on(kernel, kernel.now + gap)
            dissolved.append(kernel.amounts()[0])
            h = columns(occupation(kernel, box)[:, :, LAYERS].T)
            jumps.append(np.diff(h, axis=1, append=h[:, :1]))
            roam.append([np.mean((np.roll(h, -d, axis=1) - h) ** 2) for d in distances])
    return check_kinks(bench, bond, ny, np.array(jumps), np.array(roam), distances, np.array(dissolved) / free)


def check_kinks(
    bench: Bench, bond: float, ny: int, jumps: FloatArray, roam: FloatArray, distances: Any, s: FloatArray
) -> list[Check]:
    q = float(np.exp(-bond / 2.0))
    k = np.arange(-4, 5)
    chance, square = ring_of(q, ny)
    seen = np.array([(jumps == j).mean(axis=(1, 2)) for j in k])
    checks = []
    for j, share in ((0, 0.01), (1, 0.04), (2, 0.1)):
        mean, error = blocks(0.5 * (seen[4 + j] + seen[4 - j]))
        checks.append(near(
            f"share of places where the step goes on by {j}", mean, float(chance[4 + j]),
            f"an edge of k atoms takes k bonds/2: chances as q^k, q = exp(-bond/2kT) = {q:.4f}, of steps that close to a "
            "ring; places that are not above one another on the step, about exp(-bond/kT), move it by up to "
            f"{100 * share:g} %; {SIX:g} standard errors", within=share * float(chance[4 + j]) + SIX * error,
        ))
    # long stretches are those of the Ising model: 2q/(1 - q)^2 = 1/(cosh 2K - 1) becomes 1/(cosh 2K - coth 2K)
    ising = (np.cosh(bond / 2.0) - 1.0) / (np.cosh(bond / 2.0) - 1.0 / np.tanh(bond / 2.0)) * square
    ring = distances * (ny - distances) / (ny - 1.0)
    mean, error = blocks(roam[:, -1] - roam[:, 1])
    held, held_error = blocks(s)
    checks += [
        near(
            f"growth of the mean square of the step's wandering from {distances[1]} to {distances[-1]} places", mean,
            float(ising * (ring[-1] - ring[1])),
            "stiffness of the (10) interface of the square Ising model, cosh 2K - coth 2K, K = bond/4kT, on a ring of "
            f"{ny}; {SIX:g} standard errors and 1 % for the third dimension", within=SIX * error + 0.01 * mean,
        ),
        near(
            "supersaturation of the pool beside it", held, 1.0,
            f"a straight step is in equilibrium at the solubility; {SIX:g} standard errors", within=SIX * held_error,
        ),
    ]

    def draw(axes: Any) -> None:
        axes.plot(k, seen.mean(axis=1), "o", label="lattice")
        axes.plot(k, chance, "-", label="solid on solid")
        axes.set_yscale("log")
        axes.set(xlabel="jump of the step from one row to the next / a", ylabel="probability")
        axes.legend()

    def draw_roam(axes: Any) -> None:
        fine = np.linspace(0.0, ny / 2.0, 100)
        axes.plot(distances, roam.mean(axis=0), "o", label="lattice")
        axes.plot(fine, ising * fine * (ny - fine) / (ny - 1.0), "-", label="Ising stiffness, on a ring")
        axes.set(xlabel="distance along the step / a", ylabel="mean square of the difference / a²")
        axes.legend()

    bench.draw("kinks of a straight step, bond 4 kT", draw)
    bench.draw("wandering of a straight step, bond 4 kT", draw_roam)
    return checks


def ring_of(q: float, ny: int) -> tuple[FloatArray, float]:
    """Chances of jumps from -4 to 4 places, in proportion to q^|k|, where ny of them close to a ring; mean square."""
    far = 256
    k = np.arange(-far, far)
    one = np.fft.fft(np.fft.ifftshift(q ** np.abs(k) * (1.0 - q) / (1.0 + q)))
    rest = np.fft.fftshift(np.fft.ifft(one ** (ny - 1)).real)
    alone = q ** np.abs(k) * rest[(-k) % (2 * far) - far]  # the others make up for it
    chance = alone / alone.sum()
    return chance[far - 4 : far + 5], float(chance @ k.astype(float) ** 2)


def blocks(values: FloatArray, number: int = 20) -> tuple[float, float]:
    """Mean of a series and its standard error, from the means of so many parts of it."""
    parts = np.array([part.mean() for part in np.array_split(values, number)])
    return float(values.mean()), float(parts.std(ddof=1) / np.sqrt(number))


# -- roughening -----------------------------------------------------------------------------


def widths(bond: float, size: int, thickness: int, relaxations: float, seed: int) -> tuple[float, float, float]:
    """Mean square width of both faces of a slab, its standard error, and kT over the stiffness from the longest waves.

    The stiffness follows from the power of the longest waves, kT/(stiffness q^2), q^2 = 4 sin^2(pi/L); in a^2.
    """
    e, box = energetics("sc", bond=bond), box_of("sc", (size, size, 2 * thickness))
    free = max(20, size * size // 8)
    kernel = make_kernel(Kernel, seed, e, box.cells, amount=[free], volume=float(free))
    filled = np.zeros(box.cells, dtype=bool)
    filled[:, :, :thickness] = True
    sites = np.flatnonzero(filled).astype(np.int32)
    kernel.fill(sites, np.ones(len(sites), dtype=bool))
    relax = (size / (2.0 * np.pi)) ** 2 + 1.0  # of the longest wave, in terms of the attach rate, about
    on(kernel, 10.0 * relax)
    squares, waves = [], []
    for _ in range(int(relaxations)):
        on(kernel, kernel.now + relax)
        h = columns(occupation(kernel, box))
        squares.append(np.mean((h - h.mean(axis=(1, 2), keepdims=True)) ** 2))
        power = np.abs(np.fft.fft2(h)) ** 2 / size**2
        waves.append(power[:, [0, 1], [1, 0]].mean())
    mean, error = blocks(np.array(squares))
    return mean, error, float(np.mean(waves)) * 4.0 * np.sin(np.pi / size) ** 2


@case("lattice-roughening", "the (100) face of a simple cubic crystal: smooth below the roughening temperature, ln L above",
      engines=("lattice",))
def roughening(bench: Bench) -> list[Check]:
    sizes = np.array((8, 12, 16) if bench.fast else (10, 14, 20, 28))
    samples = np.array((600, 400, 300) if bench.fast else (6000, 5000, 3000, 2500))
    critical = 4.0 / ROUGHENING
    found: dict[float, tuple[FloatArray, float]] = {}
    slopes = {}
    for j, bond in enumerate((2.6, critical, 1.2)):
        cold = bond > critical + 0.1
        runs = [widths(bond, int(n), 10, m if not cold else m / 4, 70 + j) for n, m in zip(sizes, samples, strict=True)]
        square, error, soft = np.array(runs).T
        x = np.log(sizes)
        fit, covariance = np.polyfit(x, square, 1, w=1.0 / error, cov="unscaled")
        slopes[bond] = float(fit[0]), float(np.sqrt(covariance[0, 0]))
        found[bond] = square, float(np.mean(soft))
    checks = []
    slope, error = slopes[2.6]
    checks.append(near(
        "growth of the mean square width with ln L at a bond of 2.6 kT [a^2]", slope, 0.0,
        f"well below the roughening temperature, at 0.63 of it, the face is smooth; {SIX:g} standard errors and 0.005",
        within=SIX * error + 0.005,
    ))
    slope, error = slopes[critical]
    checks += [
        near(
            f"the same at a bond of {critical:.3f} kT, where the Ising model roughens", slope, float(1.0 / np.pi**2),
            "1/pi^2 at the transition (Kosterlitz and Thouless; Chui and Weeks 1976) with corrections of 1/ln L and those "
            f"of small boxes, for which 35 % are allowed; {SIX:g} standard errors",
            within=0.35 / np.pi**2 + SIX * error,
        ),
        near(
            "kT over the stiffness there, from the longest waves [a^2]", found[critical][1], float(2.0 / np.pi),
            "2/pi at the transition, reached from below as 1/ln L: at the sizes of the boxes some 10 % less",
            share=0.2,
        ),
    ]
    slope, error = slopes[1.2]
    soft = found[1.2][1]
    checks += [
        between(
            "the same slope at a bond of 1.2 kT, 1.36 of the roughening temperature [a^2]", slope,
            1.5 / np.pi**2, 10.0 / np.pi**2, "above the transition the stiffness is less than that which is universal",
        ),
        near(
            "that slope over the one that its longest waves stand for, kT/(2 pi stiffness)", slope / (soft / (2.0 * np.pi)),
            1.0, f"capillary waves; {SIX:g} standard errors, and 12 % for short waves of small boxes",
            within=0.12 + SIX * error / slope,
        ),
    ]

    def draw(axes: Any) -> None:
        for bond, (square, _) in found.items():
            axes.plot(sizes, square, "o", label=f"bond {bond:.3g} kT")
        middle = found[critical][0].mean() + (np.log(sizes) - np.log(sizes).mean()) / np.pi**2
        axes.plot(sizes, middle, "-", label="ln L/π²")
        axes.set_xscale("log")
        axes.set(xlabel="edge of the box / a", ylabel="mean square width / a²")
        axes.legend()

    bench.draw("roughening of (100), simple cubic", draw)
    return checks
