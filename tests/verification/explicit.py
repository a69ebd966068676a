"""V9: nucleation by explicit small sizes against the classical law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from models import box, species
from verification import chain
from verification.boxes import DIFFUSION, FLAT, HOT, UNIT
from verification.cases import ALL, SIX, Bench, Check, between, case, near

from kmcgrowth.model.types import FloatArray, Model, Nucleation, PiecewiseLinear, RateConstant, Reaction
from kmcgrowth.physics import nucleation
from kmcgrowth.physics.growth import rate_tables

LAST = 80
"""Size at which a particle counts as grown and stays as it is [formula units]; several times the critical one."""


def exchange_box(gamma: float, s: float, monomers: int, law: Nucleation) -> Model:
    """Monomers that exchange with a large store, so that their concentration holds; grown particles stand still."""
    volume = monomers / (s * FLAT)

    def tables(temperature: float, n_max: int) -> tuple[FloatArray, FloatArray]:
        attach, detach = rate_tables(
            temperature,
            n_max,
            unit_volume=UNIT,
            diffusion=DIFFUSION,
            surface_rate=np.inf,
            solubility=FLAT,
            surface_energy=gamma,
        )
        attach[LAST:] = 0.0
        detach[LAST:] = 0.0
        return attach, detach

    attach, _ = tables(HOT, LAST)
    rate = float(attach[1]) * s * FLAT  # every monomer is exchanged as often as it is met by another
    store = 2000 * monomers
    forward = Reaction("store -> monomer", {1: 1}, {0: 1}, {1: 1.0}, RateConstant(rate * monomers / store, HOT))
    back = Reaction("monomer -> store", {0: 1}, {1: 1}, {0: 1.0}, RateConstant(rate, HOT))
    model = box(
        unit_volume=UNIT,
        control_volume=volume,
        flask_volume=volume,
        tables=tables,
        nucleation=law,
        temperature=PiecewiseLinear(np.array([0.0]), np.array([HOT])),
        solubility=lambda T: FLAT,
        **species({"monomer": monomers, "store": store}, {"store": 1}),
    )
    return replace(model, reactions=(forward, back))


def grown(bench: Bench, model: Model, wait: float, duration: float, seed: int) -> tuple[int, float]:
    """Particles that reach LAST units from ``wait`` to ``wait + duration``, and the mean supersaturation then."""
    run, free, before = bench.run(model, 95, seed), [], 0
    for i, time in enumerate(wait + np.linspace(0.0, duration, 101)):
        run.advance(float(time))
        counts = run.counts()
        free.append(float(counts.amounts[0]))
        if i == 0:
            before = int(counts.nucleated[counts.sizes >= LAST].sum())
    after = int(counts.nucleated[counts.sizes >= LAST].sum())
    return after - before, float(np.mean(free)) / (model.control_volume * FLAT)


def classical_law(prefactor: float, gamma: float) -> Nucleation:
    """The classical law with a constant prefactor [1/(m^3 s)] and surface energy [J/m^2], far from its cap."""
    return Nucleation(
        "classical", prefactor=lambda T: prefactor, surface_energy=lambda T: gamma, encounter=lambda T: 1.0
    )


@case(
    "V9-explicit",
    "nucleation by explicit small sizes, against Becker and Doering and against the classical law",
    engines=ALL,
)
def explicit(bench: Bench) -> list[Check]:
    checks = []
    numbers: dict[str, tuple[float, float, float]] = {}
    for i, (gamma, s) in enumerate(((0.05, 3.0), (0.06, 4.0))):
        monomers = 1500 if bench.fast else 25_000
        model = exchange_box(gamma, s, monomers, Nucleation("explicit"))
        attach, detach = model.tables(HOT, LAST)
        unit = 1.0 / (float(attach[1]) * s * FLAT)  # a monomer meets another once in this time
        wait, duration = 150.0 * unit, 400.0 * unit
        count, seen = grown(bench, model, wait, duration, 10 + i)
        c = seen * FLAT
        rate = chain.flux(attach, detach, c, LAST)
        expected = rate * model.control_volume * duration
        critical = nucleation.critical_size(seen, gamma, UNIT, HOT)
        kinetic = (
            float(nucleation.zeldovich_factor(seen, gamma, UNIT, HOT))
            * float(np.interp(critical, np.arange(LAST + 1), attach))
            * c
            * c
        )
        plain = float(nucleation.classical_rate(seen, kinetic, gamma, UNIT, HOT))
        factor = float(nucleation.self_consistency_factor(seen, gamma, UNIT, HOT))
        measured = count / (model.control_volume * duration)
        law = classical_law(kinetic * factor, gamma)
        other, seen_other = grown(bench, exchange_box(gamma, seen, monomers, law), wait, duration, 20 + i)
        where = f"gamma = {gamma:g} J/m^2, S = {seen:.3f}, n* = {critical:.1f}"
        numbers[f"γ = {gamma:g} J/m²\nS = {seen:.3g}"] = (count, expected, other)
        checks += [
            near(
                f"particles grown, {where}",
                count,
                expected,
                "steady flux of Becker and Doering with the same tables; 6.1 standard errors "
                "(p < 1e-9), and 3 % for the noise and the drift of S over the count",
                within=SIX * np.sqrt(expected) + 0.03 * expected,
            ),
            between(
                f"explicit over classical rate with the factor of Girshick and Chiu, {where}",
                measured / (plain * factor),
                1 / 3,
                3.0,
                f"PHYSICS 3: within a factor of 3. A = Z k_a(n*) c^2 without the factor exp[F_s(1)/k_B T]/S = "
                f"{factor:.1f} is off by "
                f"{measured / plain:.1f}: a chain of single steps counts the surface of the monomer as well",
            ),
            between(
                f"particles grown by explicit sizes over those by law classical with that prefactor, {where}",
                count / max(other, 1),
                1 / 3,
                3.0,
                f"as before, both simulated ({count} and {other} particles, S = {seen_other:.3f} in the second)",
            ),
        ]

    def draw(axes: Any) -> None:
        x = np.arange(len(numbers))
        for j, name in enumerate(("explicit sizes", "Becker and Döring", "classical law, Girshick and Chiu")):
            axes.bar(x + 0.27 * (j - 1), [found[j] for found in numbers.values()], 0.25, label=name)
        axes.set(ylabel="particles grown", ylim=(0.0, 1.7 * max(map(max, numbers.values()))))
        axes.set_xticks(x, list(numbers))
        axes.legend()

    bench.draw("nucleation by explicit small sizes", draw)
    return checks
