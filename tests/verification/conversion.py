"""V8: first-order conversion and release, from the recipe to the fitted rate constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from verification.cases import ALL, SIX, Bench, Check, case, likely, near
from verification.figures import plain_ticks

from kmcgrowth.model.build import build_model
from kmcgrowth.model.types import FloatArray
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, K_B
from kmcgrowth.recipe import parse_recipe

RECIPE = """
material = "InAs"
[flask]
volume = "1 mL"
temperature = "70 degC"
contents = { AMC = "1 mM" }
[species.AMC]
formula_units = 22
[species.MSC]
formula_units = 22
[[reaction]]
equation = "AMC -> MSC"
rate = "8.3e-3 / min"
at = "70 degC"
activation_energy = "1.11 eV"
[[reaction]]
equation = "MSC -> 22 monomer"
rate = "0.05 / s"
at = "300 degC"
activation_energy = "1.2 eV"
release = "RELEASE"
[nucleation]
law = "none"
[simulation]
formula_units = 22_000_000
duration = "20 hours"
"""
"""Conversion of InAs-1 (rate at 70 degC and activation energy as there), release as in InAs-5."""

ENERGY = 1.11 * ELEMENTARY_CHARGE
TOLD = 8.3e-3 / 60.0


def arrhenius(value: float, energy: float, at: float, celsius: float) -> float:
    """k(T) written out once more [1/s]; ``at`` and ``celsius`` in degC."""
    return float(value * np.exp(-energy / K_B * (1.0 / (celsius + 273.15) - 1.0 / (at + 273.15))))


def survivors(bench: Bench, celsius: float, molecules: int, k: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Times up to 3/k [s] and AMC left at each."""
    changes = {"flask.temperature": f"{celsius} degC", "simulation.formula_units": 22 * molecules}
    model = build_model(parse_recipe(RECIPE.replace("RELEASE", "burst"), changes=changes))
    run, times, left = bench.run(model, 80, seed), np.linspace(0.0, 3.0 / k, 25), []
    amc = model.species.index("AMC")
    for time in times:
        run.advance(float(time))
        left.append(float(run.counts().amounts[amc]))
    return times, np.array(left)


@case("V8-conversion", "AMC → MSC at 70, 80, 90, 100 °C: exponential, fitted k, Arrhenius plot", engines=ALL)
def conversion(bench: Bench) -> list[Check]:
    molecules, checks, fits = (20_000 if bench.fast else 1_000_000), [], []
    decays: dict[float, tuple[FloatArray, FloatArray, float]] = {}
    for i, celsius in enumerate((70.0, 80.0, 90.0, 100.0)):
        k = arrhenius(TOLD, ENERGY, 70.0, celsius)
        times, left = survivors(bench, celsius, molecules, k, i)
        gone, step = -np.diff(left), float(times[1])
        decays[celsius] = times, left / left[0], k
        # every molecule at risk reacts within a step with probability 1 - exp(-k step): binomial, whatever went before
        chance = gone.sum() / left[:-1].sum()
        fitted = -np.log1p(-chance) / step
        error = np.sqrt(chance / ((1.0 - chance) * left[:-1].sum())) / step
        fits.append((celsius + 273.15, fitted, error))
        checks.append(
            near(
                f"fitted k at {celsius:g} degC [1/s]",
                fitted,
                k,
                f"maximum likelihood; interval of 6.1 standard errors (p < 1e-9), {100.0 * SIX * error / k:.2g} % of k",
                within=SIX * error,
            )
        )
        scatter = (gone - left[:-1] * chance) / np.sqrt(left[:-1] * chance * (1.0 - chance))
        checks.append(
            likely(
                f"decay at {celsius:g} degC",
                float(stats.chi2.sf(np.sum(scatter**2), len(gone) - 1)),
                "chi-square of 24 intervals against a constant chance to react",
                expected="exponential",
                measured=f"chi-square {np.sum(scatter**2):.1f} of {len(gone) - 1}",
            )
        )
    temperature, k, error = np.array(fits).T
    x, weight = -1.0 / (K_B * temperature), (k / error) ** 2
    centre = np.average(x, weights=weight)
    energy = np.sum(weight * (x - centre) * np.log(k)) / np.sum(weight * (x - centre) ** 2)
    spread = 1.0 / np.sqrt(np.sum(weight * (x - centre) ** 2))
    checks.append(
        near(
            "E_a from the Arrhenius plot [eV]",
            energy / ELEMENTARY_CHARGE,
            1.11,
            "weighted line; 6.1 standard errors (p < 1e-9)",
            within=SIX * spread / ELEMENTARY_CHARGE,
        )
    )

    def draw(axes: Any) -> None:
        axes.errorbar(1000.0 / temperature, 60.0 * k, 60.0 * error, fmt="o", markersize=4, label="fitted to the decays")
        line = np.linspace(temperature[0], temperature[-1], 50)
        law = [60.0 * arrhenius(TOLD, ENERGY, 70.0, x - 273.15) for x in line]
        axes.semilogy(1000.0 / line, law, "k-", zorder=0, label="8.3e-3 /min at 70 °C, 1.11 eV")
        plain_ticks(axes.yaxis, (0.01, 0.02, 0.05, 0.1, 0.2))
        axes.set(xlabel="1000 K / T", ylabel="k (1/min)")
        axes.legend()

    def draw_decays(axes: Any) -> None:
        for celsius, (times, share, constant) in decays.items():
            (dots,) = axes.semilogx(times[1:] / 60.0, share[1:], "o", markersize=3, label=f"{celsius:g} °C")
            line = np.geomspace(times[1] / 3.0, times[-1], 100)
            axes.semilogx(line / 60.0, np.exp(-constant * line), color=dots.get_color())
        axes.plot([], [], "k-", label="exp(−kt)")
        axes.set(xlabel="time (min)", ylabel="share of AMC left")
        axes.legend(loc="lower left")

    bench.draw("decay of the amorphous clusters", draw_decays)
    bench.draw("Arrhenius plot of the conversion", draw)
    return checks


@case("V8-release", "AMC → MSC → 22 monomers, in one burst and unit by unit", engines=ALL)
def release(bench: Bench) -> list[Check]:
    molecules, checks = (3000 if bench.fast else 60_000), []
    shown: dict[str, tuple[FloatArray, FloatArray]] = {}
    celsius = 170.0
    convert = arrhenius(TOLD, ENERGY, 70.0, celsius)
    open_up = arrhenius(0.05, 1.2 * ELEMENTARY_CHARGE, 300.0, celsius)
    for i, mode in enumerate(("burst", "stepwise")):
        changes = {"flask.temperature": f"{celsius} degC", "simulation.formula_units": 22 * molecules}
        model = build_model(parse_recipe(RECIPE.replace("RELEASE", mode), changes=changes))
        run, p_least, units = bench.run(model, 81, i), 1.0, []
        for share in (0.3, 1.0, 3.0) if mode == "burst" else (3.0, 10.0, 25.0):
            time = share / open_up
            run.advance(time)
            amounts = run.counts().amounts
            order = [model.species.index("AMC"), model.species.index("MSC")]
            order += [model.species.index(f"_MSC_{j}") for j in range(21, 0, -1)] if mode == "stepwise" else []
            seen = [float(amounts[s]) for s in order]
            chance = stages(convert, open_up, len(order), time)
            chance.append(1.0 - sum(chance))
            seen.append(molecules - sum(seen))
            if mode == "stepwise":
                shown[f"t = {share:g}/k"] = np.array(seen[1:-1]), np.array(chance[1:-1]) * molecules
            p_least = min(p_least, merged_chi_square(np.array(seen), np.array(chance) * molecules))
            held = np.array([22, 22, *range(21, 0, -1)][: len(order)])
            units.append((float(amounts[0]), float(22 * molecules - np.dot(held, seen[:-1]))))
        checks.append(
            likely(
                f"molecules at every stage, {mode}",
                p_least,
                "least of three times; multinomial, chances from the convolution of exponentials",
                expected="linear chain",
                measured=f"{len(order)} stages",
            )
        )
        checks.append(
            near(f"monomers set free, {mode}", units[-1][0], units[-1][1], "what the stages have lost", within=0.5)
        )

    def draw(axes: Any) -> None:
        for name, (seen, wanted) in shown.items():
            held = np.arange(22, 22 - len(seen), -1)
            (dots,) = axes.plot(held, seen, "o", markersize=3.5, label=name)
            axes.plot(held, wanted, color=dots.get_color())
        axes.plot([], [], "k-", label="chain of exponentials")
        axes.set(xlabel="units left in an opened cluster", ylabel="clusters")
        axes.legend()

    bench.draw("release unit by unit", draw)
    return checks


def stages(convert: float, release_rate: float, number: int, time: float) -> list[float]:
    """Chance of each stage of a chain, the first left at ``convert`` and all others at ``release_rate``."""
    from scipy.linalg import expm

    rate = np.full(number, release_rate)
    rate[0] = convert
    generator = np.diag(-rate) + np.diag(rate[:-1], -1)
    return [float(p) for p in expm(generator * time)[:, 0]]


def merged_chi_square(seen: FloatArray, wanted: FloatArray) -> float:
    """p-value of the chi-square test, cells that expect fewer than ten counted together."""
    rare = wanted < 10.0
    if rare.any():
        seen = np.append(seen[~rare], seen[rare].sum())
        wanted = np.append(wanted[~rare], wanted[rare].sum())
    keep = wanted > 1.0
    seen, wanted = seen[keep], wanted[keep]
    return float(stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue)
