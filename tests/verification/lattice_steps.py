"""Steps on the (100) face of a simple cubic crystal: how fast they advance, from S below one to far above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from kmcgrowth.lattice._lattice import Kernel
from lattices import box_of, energetics, make_kernel
from scipy import sparse
from scipy.sparse.linalg import splu
from verification.cases import SIX, Bench, Check, between, case, certain, near

from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import IntArray
from kmcgrowth.model.types import FloatArray

LAYERS = 3
"""Of the slab under the steps; thinner ones tear in time."""

HEIGHT = 7
"""Cells of the box across the slab."""


def sites_of(box: Box, layer: Any) -> IntArray:
    """A slab, and on it what ``layer`` (nx, ny) marks."""
    nx, ny, _ = box.cells
    filled = np.zeros(box.cells, dtype=bool)
    filled[:, :, :LAYERS] = True
    filled[:, :, LAYERS] = layer
    return np.flatnonzero(filled.reshape(nx * ny * box.cells[2])).astype(np.int32)


def ran(kernel: Any, until: float) -> int:
    """Atoms gained by a time."""
    before = kernel.atoms
    while kernel.run(until, 10**8):
        kernel.make_room()
    return int(kernel.atoms) - before


# -- steps all of kinks ---------------------------------------------------------------------


def stairs(n: int, rng: np.random.Generator) -> Any:
    """A band along the diagonal of n x n places between two random stairs, any with the same chance (n, n)."""
    layer = np.zeros((n, n), dtype=bool)
    edges = []
    for top in (0, n // 2):
        walk = rng.permutation(np.repeat([0, 1], n))  # 0 goes on by one in x, 1 goes down by one in y
        edges.append(top - np.cumsum(walk)[walk == 0])
    for x in range(n):
        layer[x, np.arange(edges[0][x], edges[1][x]) % n] = True
    return layer


@case("lattice-stairs", "diagonal steps, all of kinks, are an asymmetric exclusion process: v = (S - 1)/4 per edge",
      engines=("lattice",))
def diagonal(bench: Bench) -> list[Check]:
    n, bond = 32, 9.0
    times = 60 if bench.fast else 2000
    e, box = energetics("sc", bond=bond), box_of("sc", (n, n, HEIGHT))
    checks, seen = [], []
    for j, s in enumerate((0.5, 0.9, 1.0, 1.1, 2.0, 4.0)):
        duration = min(8.0, 6.0 / max(abs(s - 1.0), 0.1))
        rng = np.random.default_rng([51, j])
        gained = []
        for k in range(times):
            kernel = make_kernel(Kernel, 1000 * j + k, e, box.cells, concentration=s)
            sites = sites_of(box, stairs(n, rng))
            kernel.fill(sites, np.ones(len(sites), dtype=bool))
            gained.append(ran(kernel, duration))
        edges = 2 * 2 * n
        rate = np.array(gained) / (duration * edges)
        # n of 2n places of a ring are taken: a bond carries (S - 1) n^2/(2n (2n - 1))
        expected = (s - 1.0) * n / (2.0 * (2.0 * n - 1.0))
        error = float(rate.std(ddof=1) / np.sqrt(times))
        seen.append((s, float(rate.mean()), error, expected))
        checks.append(near(
            f"atoms gained per edge and time at S = {s:g} [attach rate]", float(rate.mean()), expected,
            f"all stairs have the same energy, so an atom that attaches at an inner corner or leaves an outer one moves "
            f"a particle of the exclusion process with rates S and 1; its stationary states are known: "
            f"(S - 1) n/(2(2n - 1)), n = {n}. {SIX:g} standard errors, and exp(-bond) S for atoms beside a corner",
            within=SIX * error + 3.0 * np.exp(-bond) * max(s, 1.0) * s,
        ))
    draw_velocity(bench, seen)
    return checks


def draw_velocity(bench: Bench, seen: list[tuple[float, float, float, float]]) -> None:
    s, v, error, expected = np.array(seen).T

    def draw(axes: Any) -> None:
        axes.errorbar(s, v, error, fmt="o", label="lattice")
        axes.plot(s, expected, "-", label="exclusion process")
        axes.axhline(0.0, color="0.7", linewidth=0.8)
        axes.set(xlabel="supersaturation S", ylabel="atoms per edge and time")
        axes.legend()

    bench.draw("diagonal steps of a simple cubic crystal", draw)


# -- straight steps that are fed by diffusion ----------------------------------------------------


def caught(width: int, hop: float, leave: float) -> float:
    """Places from which straight steps catch, on average: atoms per length of step over those per area and time.

    Both steps of a band of ``width`` beside a terrace of ``width``; exactly, for walks on the columns of places: from
    a column to the next at 3 ``hop``, from the band's edge down the step at ``hop``, off the surface at ``leave``.
    """
    total = 2.0  # the places beside the steps themselves
    for down, columns in ((hop, width), (3.0 * hop, width - 2)):
        rows = np.arange(columns)
        rates = np.zeros((columns, columns))
        rates[rows[:-1], rows[1:]] = rates[rows[1:], rows[:-1]] = 3.0 * hop
        out = np.zeros(columns)
        out[0] += down
        out[-1] += down
        total += float(np.linalg.solve(np.diag(rates.sum(axis=1) + out + leave) - rates, out).sum())
    return total / 2.0


@case("lattice-steps", "atoms that diffuse to straight steps: Burton, Cabrera and Frank, from narrow to wide terraces",
      engines=("lattice",))
def straight(bench: Bench) -> list[Check]:
    bond, leave, length = 16.0, 1e6, 6.0
    hop = length**2 * leave / 3.0  # D = 3 hop: jumps of one place along x in six of eight directions
    solubility = leave * float(np.exp(-2.0 * bond))
    e = energetics("sc", bond=bond)
    checks, seen = [], []
    ny = 128
    for j, width in enumerate((4, 8, 16, 32) if not bench.fast else (4, 16)):
        box = box_of("sc", (2 * width, ny, HEIGHT))
        layer = np.zeros((2 * width, ny), dtype=bool)
        layer[:width] = True
        sites = sites_of(box, layer)
        expected = caught(width, hop, leave)
        bcf = 2.0 * length * np.tanh(width / (2.0 * length))
        duration = 0.12 / expected
        gained: list[int] = []
        goal = 600 if bench.fast else 40_000
        while sum(gained) < goal:
            kernel = make_kernel(
                Kernel, 10_000 * j + len(gained), e, box.cells, solubility=solubility, concentration=1.0, hop=hop,
            )
            kernel.fill(sites, np.ones(len(sites), dtype=bool))
            gained.append(ran(kernel, duration))
        rate = np.array(gained) / (duration * 2.0 * ny)
        error = float(rate.std(ddof=1) / np.sqrt(len(rate)))
        seen.append((width, float(rate.mean()), expected, bcf))
        checks += [
            near(
                f"velocity of steps {width} apart over what arrives per place", float(rate.mean()), expected,
                f"linear equations for an atom that walks over the columns of the terraces, on and between the steps, "
                f"until it leaves or meets a step, whose places hold it for good; {SIX:g} standard errors of "
                f"{sum(gained)} atoms, 1 % for atoms that meet atoms and for edges that do not stay straight",
                within=SIX * error + 0.01 * expected,
            ),
            near(
                f"the same, x_s = {length:g}, in the continuum", float(rate.mean()), bcf,
                "Burton, Cabrera and Frank (1951): 2 x_s tanh(L/2 x_s) from both sides, x_s^2 = D/leave, D = 3 hops; "
                "the way down over an edge has one jump where others have three, which takes off up to two places of "
                f"2 x_s; and {SIX:g} standard errors",
                within=SIX * error + 1.5,
            ),
        ]
    far = caught(160, 3600.0 / 3.0, 1.0)
    checks.append(near(
        "velocity of steps 160 apart, x_s = 60: walks on columns over the continuum's",
        far / (120.0 * float(np.tanh(160 / 120.0))), 1.0, "what the two differ by falls as 1/x_s; no simulation in this", share=0.02,
    ))
    draw_widths(bench, seen, length)
    return checks


def wandering(ny: int, q: float, rng: np.random.Generator) -> IntArray:
    """A straight step in equilibrium, closed to a ring: jumps of k places with chances in proportion to q^|k| (ny,)."""
    while True:
        jumps = rng.geometric(1.0 - q, ny) - rng.geometric(1.0 - q, ny)  # a difference of two is one of these
        if jumps.sum() == 0:
            place = np.cumsum(jumps)
            return np.asarray(place - round(place.mean()))


def gain(box: Box, sites: IntArray, conductance: float) -> float:
    """Atoms gained per time over S - 1, in linear order, by a crystal whose kinks stay where they are.

    Every empty place beside the crystal holds an atom with a chance in equilibrium with some supersaturation s: that of
    the solution takes part by attachment and detachment, S - s, and neighbours by hops, ``conductance`` (s' - s), which
    is the same for all pairs since the top of the barrier is. At kinks, with three bonds and more, s = 1.
    """
    taken = np.zeros(box.sites, dtype=bool)
    taken[sites] = True
    near = box.neighbours(np.arange(box.sites))
    bonds = taken[near].sum(axis=1)
    places = np.flatnonzero(~taken & (bonds > 0))
    number = np.full(box.sites, -1)
    number[places] = np.arange(len(places))
    beside = np.concatenate([near[places], box.neighbours(places, 1)], axis=1)
    i, j = np.repeat(np.arange(len(places)), beside.shape[1]), number[beside.ravel()]
    i, j = i[j >= 0], j[j >= 0]
    hops = sparse.csr_matrix((np.full(len(i), conductance), (i, j)), shape=(len(places),) * 2)
    free = bonds[places] < 3
    matrix = sparse.diags(np.asarray(hops.sum(axis=1)).ravel() + 1.0) - hops
    s = np.zeros(len(places))
    s[free] = splu(matrix[free][:, free].tocsc()).solve(np.ones(int(free.sum())))
    return float(np.sum(1.0 - s))


@case("lattice-steps-rough", "straight steps with kinks beside a solution near saturation: they turn round at S = 1",
      engines=("lattice",))
def rough(bench: Bench) -> list[Check]:
    bond, length, width, ny = 3.5, 6.0, 8, 64
    leave = float(np.exp(2.0 * bond))
    hop = length**2 * leave / 3.0
    e, box = energetics("sc", bond=bond), box_of("sc", (2 * width, ny, HEIGHT))
    rng = np.random.default_rng(59)
    q = float(np.exp(-bond / 2.0))
    places = np.arange(2 * width)[:, None]
    starts = []
    for _ in range(60 if bench.fast else 600):
        low, high = wandering(ny, q, rng), width + wandering(ny, q, rng)
        starts.append(sites_of(box, np.mod(places - low, 2 * width) < high - low))
    still = float(np.mean([gain(box, sites, hop / leave) for sites in starts])) / (2.0 * ny)
    all_caught = caught(width, hop, leave)
    velocity, errors = [], []
    for j, s in enumerate((0.8, 1.0, 1.2)):
        gained = []
        for k, sites in enumerate(starts):
            kernel = make_kernel(Kernel, 1000 * j + k, e, box.cells, concentration=s, hop=hop)
            kernel.fill(sites, np.ones(len(sites), dtype=bool))
            ran(kernel, 10.0 / leave)  # until the terraces have filled
            gained.append(ran(kernel, kernel.now + 0.25))
        rate = np.array(gained) / (0.25 * 2.0 * ny)
        velocity.append(float(rate.mean()))
        errors.append(float(rate.std(ddof=1) / np.sqrt(len(rate))))
    slope, error = (velocity[2] - velocity[0]) / 0.4, float(np.hypot(errors[0], errors[2])) / 0.4
    return [
        near(
            "velocity at S = 1 [arrivals per place]", velocity[1], 0.0,
            f"straight steps are in equilibrium at the solubility; {SIX:g} standard errors", within=SIX * errors[1],
        ),
        between(
            "velocity over S - 1, from S = 0.8 and 1.2 [arrivals per place]", slope, still - SIX * error,
            all_caught + SIX * error,
            f"between {still:.4g}, from linear equations for the atoms beside steps whose kinks, in equilibrium, stay as "
            f"they are while an atom looks for one, and {all_caught:.4g} of steps that hold whatever comes (Burton, "
            f"Cabrera and Frank, on the lattice); {SIX:g} standard errors of {error:.2g}",
        ),
        certain(
            "growth above, dissolution below saturation", velocity[0] < 0.0 < velocity[2],
            "the sign of S - 1", expected="-, +", measured=f"{velocity[0]:+.3g}, {velocity[2]:+.3g}",
        ),
    ]


def draw_widths(bench: Bench, seen: Sequence[tuple[float, float, float, float]], length: float) -> None:
    width, v, exact, _ = np.array(seen).T
    fine: FloatArray = np.linspace(1.0, 1.1 * width.max(), 200)

    def draw(axes: Any) -> None:
        axes.plot(width, v, "o", label="lattice")
        axes.plot(width, exact, "x", markersize=9, label="walks on the columns, exactly")
        axes.plot(fine, 2.0 * length * np.tanh(fine / (2.0 * length)), "-", label="Burton, Cabrera, Frank")
        axes.set(xlabel="width of the terraces / a", ylabel="velocity / (arrival rate a)")
        axes.legend()

    bench.draw("straight steps fed by diffusion", draw)
