"""The population balance against closed forms, against all sizes resolved, and against the exact engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import assert_distributed
from engines import sizes as each_size
from models import ROOM, VOLUME, box, no_rates, particles, power_law, program, reaction, species, sphere_tables, tables
from scipy.integrate import quad
from verification import cases, chain
from verification.boxes import DIFFUSION, FLAT, UNIT, Moments, radius, spheres, stratified_normal, weighted

from kmcgrowth.model.build import build_model
from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import FloatArray, Model, Nucleation, RateConstant, Sticking
from kmcgrowth.physics import coarsening
from kmcgrowth.physics.constants import K_B
from kmcgrowth.physics.focusing import shot_noise_variance
from kmcgrowth.reactor.balance import BalanceRun
from kmcgrowth.reactor.exact import ExactRun
from kmcgrowth.reactor.sizes import Grid
from kmcgrowth.recipe import load_recipe

cases.load()  # in their order, before two of the modules are imported alone
from verification.feeding import WIDTH, fed, finite_width_exponent  # noqa: E402
from verification.ripening import LSW, WAGNER, Law, on_the_law, reduced_slope, ripening_box  # noqa: E402


def end(model: Model, time: float, **options: Any) -> Counts:
    """The flask at ``time``."""
    run = BalanceRun(model, **options)
    run.advance(time)
    return run.counts()


def spread(counts: Counts) -> tuple[float, float]:
    """Mean and variance of the sizes of all particles."""
    w = (counts.seed + counts.nucleated) / (counts.seed + counts.nucleated).sum()
    mean = float(w @ counts.sizes)
    return mean, float(w @ (counts.sizes - mean) ** 2)


def of_all(counts: Counts) -> Moments:
    """Moments of the radii."""
    return weighted(counts.sizes, counts.seed + counts.nucleated)


def test_reiss_differences_of_squares_stay() -> None:
    """V3: without detachment and under diffusion control r_i^2 - r_j^2 is conserved."""
    gains = []
    for first in (100, 300, 900):
        # so many monomers that the concentration is the same for all
        model = spheres(np.array([first]), 10**9, FLAT, 0.0, flat=0.0)
        counts = end(model, 1.5 * float(radius(900.0)) ** 2 / (DIFFUSION * UNIT * FLAT))
        mean, variance = spread(counts)
        assert mean > 2.5 * first
        # r^2 ~ n^(2/3) is curved: <r^2> = r(<n>)^2 [1 - Var(n)/(9 n^2)], and so is its drift, by as much
        square = float((counts.seed / counts.seed.sum()) @ radius(counts.sizes) ** 2)
        gains.append(square * (1.0 + variance / (9.0 * mean**2)) - float(radius(float(first))) ** 2)
    assert gains[1] / gains[2] == pytest.approx(1.0, abs=1e-3) and gains[0] / gains[2] == pytest.approx(1.0, abs=3e-3)


@pytest.mark.parametrize("k", [1.5, 2.0, 3.0, 5.0])
def test_feed_sets_the_width(k: float) -> None:
    """V4: sigma ~ <r>^p with p = (2 - k)/(k - 1) for a narrow distribution."""
    units, gain, number = 3000, 7000, 2000
    first = float(radius(float(units)))
    q = (k - 1.0) * 4.0 * np.pi * DIFFUSION * FLAT * 1000.0 * first
    seeds = stratified_normal(units, WIDTH, number)
    before, after = weighted(seeds, np.ones(number)), of_all(end(fed(seeds, "diffusion", q, k, gain), gain / q))
    n = after.mean_cube * 4.0 * np.pi / (3.0 * UNIT)
    noise = chain.fed_noise(n, units, k) / (9.0 * n * n) * after.mean**2
    exponent = float(np.log(np.sqrt(after.std**2 - noise) / before.std) / np.log(after.mean / before.mean))
    # the noise, 4 to 7 % of the variance, is known in linear order only
    assert exponent == pytest.approx(finite_width_exponent(seeds, k, gain), abs=0.015)


@pytest.mark.parametrize("resolved", [None, 300])
@pytest.mark.parametrize("p", [0.0, 1.0 / 3.0, 2.0 / 3.0])
def test_shot_noise(p: float, resolved: int | None) -> None:
    """V6: Var(n) = n [1 - (n_0/n)^(1-2p)]/(1 - 2p) from particles of one size, on coarse pivots too."""
    first, last = 300, 2400
    free = 10**9
    model = box(free, (first,), tables=tables(power_law(1.0 / free, p), no_rates))
    mean, variance = spread(end(model, (last ** (1.0 - p) - first ** (1.0 - p)) / (1.0 - p), resolved=resolved))
    expected = mean - first if p == 0.0 else float(shot_noise_variance(mean, first, p))
    # exact where the rate is the same at every size; else linear noise, good to 2/n_0
    assert variance == pytest.approx(expected, rel=1e-3 if p == 0.0 else 0.01) and mean == pytest.approx(last, rel=2e-3)


@pytest.mark.parametrize("resolved", [None, 300])
def test_shot_noise_of_whole_clusters(resolved: int | None) -> None:
    """V6: Var(n) = b (n - n_0) for clusters of b units at the same rate whatever the size."""
    free, units, first = 10**8, 22, 2200
    stick = Sticking(1, units, lambda T, n_max: VOLUME / free * np.ones(n_max + 1))
    model = box(sizes=(first,), **species({"cluster": free}, {"cluster": units}), sticking=(stick,))
    mean, variance = spread(end(model, 100.0, resolved=resolved))
    assert mean - first == pytest.approx(22 * 100.0, rel=1e-4)
    assert variance == pytest.approx(22 * (mean - first), rel=2e-3)


def test_first_order_conversion_and_release() -> None:
    """V8: A -> B at k_1, B -> 22 monomers at k_2."""
    k1, k2, t = 0.8, 0.3, 2.5
    model = box(**species({"A": 1000, "B": 0}, {"A": 22, "B": 22}), duration=3.0,
                reactions=(reaction({1: 1}, {2: 1}, k1), reaction({2: 1}, {0: 22}, k2)))
    amounts = end(model, t).amounts
    a = 1000.0 * np.exp(-k1 * t)
    b = 1000.0 * k1 / (k2 - k1) * (np.exp(-k1 * t) - np.exp(-k2 * t))
    assert np.allclose(amounts, [22.0 * (1000.0 - a - b), a, b], rtol=2e-5)


def test_an_arrhenius_rate_on_a_ramp() -> None:
    """V8 with a temperature program: ln N_0/N is the integral of k(T(t))."""
    energy, k = 1.7 * 1.602e-19, 1e-6
    T = program((0.0, 300.0), (3600.0, 575.0), (5000.0, 575.0), (6000.0, 430.0))
    model = box(**species({"A": 10**6}, {"A": 1}), duration=6000.0, temperature=T,
                reactions=(reaction({1: 1}, {0: 1}, k, energy=energy, reference=420.0),))
    for t in (2400.0, 3000.0):
        def rate(s: float) -> float:
            return float(k * np.exp(-energy / K_B * (1.0 / T(s) - 1.0 / 420.0)))

        integral = quad(rate, 0.0, t, epsabs=0.0, epsrel=1e-10)[0]
        left = end(model, t).amounts[1]
        assert 0.01 < integral < 10.0 and -np.log(left / 1e6) == pytest.approx(integral, rel=1e-4)


@pytest.mark.parametrize("law", [LSW, WAGNER])
def test_ripening_goes_as_the_closed_forms(law: Law) -> None:
    """V1 and V2: from the exact distribution, <r>^3 or <r>^2 is linear in time and the shape stays."""
    units, growth, number = 20_000.0, 2.0, 5000
    sizes = on_the_law(law, units, number)
    model, length = ripening_box(law, sizes, units)
    seconds = (law.share * float(radius(units))) ** law.power * (growth ** (law.power / 3.0) - 1.0) / law.slope(length)
    run = BalanceRun(model, resolved=300)
    first = float(radius(sizes).mean())
    run.advance(seconds)
    counts = run.counts()
    last, shape = of_all(counts), coarsening.moments(law.name)
    # particles of finite size ripen a little faster than the limit of large ones
    assert reduced_slope(law, first, last.mean, seconds, length) == pytest.approx(1.0, abs=0.01)
    assert last.relative == pytest.approx(shape.relative_std, abs=0.004)
    assert counts.seed.sum() < 0.75 * number


def test_a_closed_box_comes_to_equilibrium() -> None:
    """Explicit nucleation below saturation: every cluster at V c^2 a_1/d_2 prod a_k c/d_(k+1)."""
    model = box(50, tables=sphere_tables(0.02, 60.0, 4.0), nucleation=Nucleation("explicit"), duration=5000.0)
    counts = end(model, 5000.0, rtol=1e-6)
    attach, detach = model.tables(ROOM, 12)
    c = counts.amounts[0] / VOLUME
    expected = [VOLUME * c * c * attach[1] / detach[2]]
    for k in range(2, 8):
        expected.append(expected[-1] * attach[k] * c / detach[k + 1])
    assert counts.amounts[0] < 49.9 and np.allclose(counts.nucleated[:7], expected, rtol=1e-3)


@pytest.mark.parametrize("feed", ["2 mL/hour", "12 mL/hour"])
def test_coarse_pivots_carry_a_focusing_distribution(feed: str) -> None:
    """Seeds of 12 % that focus to 10 and 4 %: the width within 0.2 % of that with all sizes resolved."""
    model = build_model(load_recipe("inas_continuous_injection", changes={"injection.0.rate": feed}))
    fine, coarse = (of_all(end(model, model.duration, resolved=r)) for r in (None, 300))
    assert coarse.relative == pytest.approx(fine.relative, rel=2e-3) and fine.relative < 0.1
    assert coarse.mean == pytest.approx(fine.mean, rel=1e-5, abs=0.0)
    assert Grid.up_to(3000).pivot.size < 900


def test_the_exact_engine_has_this_mean_where_particles_are_independent() -> None:
    """Particles that only dissolve are independent: the share of every size is its probability."""
    model = box(0, (9,) * 400, tables=tables(no_rates, power_law(0.4, 0.5)))
    counts = end(model, 4.0)
    chance = dict(zip(counts.sizes.tolist(), (counts.seed / 400.0).tolist(), strict=True))
    chance[0] = counts.tallies["dissolved_seed"] / 400.0
    run = ExactRun(model, np.random.default_rng(11))
    run.advance(4.0)
    found = list(each_size(run.counts()))
    assert_distributed(found + [0] * (400 - len(found)), chance)


def test_the_exact_engine_has_this_mean_with_everything_on() -> None:
    """Many particles, feed, release, sticking and newborn clusters: means within 5 standard errors of exact runs."""
    number = 4000

    def stick(T: float, n_max: int) -> FloatArray:
        return 2e-6 * VOLUME * np.arange(n_max + 1.0) ** (1 / 3)

    model = box(
        species=("monomer", "A", "B"), parent=np.arange(3), formula_units=np.array([1, 22, 6]),
        atoms=np.array([[1], [22], [6]]), initial=np.array([5000, 6000, 9000]), seeds=particles(*(40,) * number),
        tables=sphere_tables(2e-4, 3000.0, 1.0), duration=2.0, sticking=(Sticking(1, 22, stick),),
        nucleation=Nucleation("cluster", cluster=2, rate=RateConstant(0.1, ROOM)),
        reactions=(reaction({1: 1}, {0: 22}, 0.2), reaction({2: 1, 0: 1}, {0: 7}, 1e-5)),
    )
    expected = end(model, 2.0, resolved=None)
    seen = []
    for i in range(6):
        run = ExactRun(model, np.random.default_rng([5, i]))
        run.advance(2.0)
        seen.append(run.counts())

    def figures(c: Counts) -> list[float]:
        seed, born = (np.asarray(x, dtype=float) for x in (c.seed, c.nucleated))
        mean = float(seed @ c.sizes / seed.sum())
        return [mean, float(np.sqrt(seed @ (c.sizes - mean) ** 2 / seed.sum())), float(born.sum()),
                float(born @ c.sizes / born.sum()), c.tallies["born"], c.tallies["events"],
                *np.asarray(c.amounts, dtype=float)]

    found = np.array([figures(c) for c in seen])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(seen)) + 2e-4 * np.abs(found.mean(axis=0))
    assert np.all(np.abs(found.mean(axis=0) - figures(expected)) < 6.0 * error)
