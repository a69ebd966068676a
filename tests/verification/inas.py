"""The InAs experiments of the paper (10.1021/jacsau.3c00809) with the recipes that ship."""

from __future__ import annotations

from functools import partial
from typing import Any

import measures
import numpy as np
import xarray as xr
from verification.cases import ALL, Bench, Check, between, case, certain, near

from kmcgrowth.observables.distribution import populations
from kmcgrowth.recipe import load_recipe
from kmcgrowth.simulate import simulate

DEGREES = (70, 80, 90, 100)
GAIN = 0.1
"""Growth of the seeds by which two hot injections are compared [nm]."""


def run(bench: Bench, name: str, particles: int | None = None) -> xr.Dataset:
    """A recipe at its own size, or at ``particles`` in the short variant."""
    return simulate(load_recipe(name), rng=1, method=bench.engine, particles=particles if bench.fast else None)


@case("InAs-1", "amorphous clusters become magic-size clusters at 70, 80, 90 and 100 °C", engines=ALL)
def conversion(bench: Bench) -> list[Check]:
    found, constants = [], []
    for T in DEGREES:
        result = run(bench, f"inas_conversion_{T}")
        k, r2 = measures.conversion(result)
        constants.append(k)
        found.append(between(f"R² of the exponential at {T} °C", r2, 0.99, 1.0, "first order; the paper has 0.99"))
    why = "imposed; 450 000 clusters give 0.2 %"
    found.insert(0, near("k at 70 °C [1/min]", 60.0 * constants[0], 8.3e-3, why, share=0.015))
    energy = measures.activation_energy(np.array(DEGREES) + 273.15, np.array(constants))
    why = "imposed; standard error 0.001, release adds 0.002"
    found.append(near("activation energy [eV]", energy, 1.11, why, within=0.015))
    bench.draw("Arrhenius plot of AMC → MSC", partial(_arrhenius, constants=constants))
    return found


@case("InAs-4", "2 mL of clusters injected at once: amorphous ones lead at 250 °C, not at 300 °C", engines=ALL)
def hot_injection(bench: Bench) -> list[Check]:
    found = []
    curves: dict[int, tuple[xr.Dataset, xr.Dataset]] = {}
    for T, low, high, why in (
        (250, 24.0, 74.0, "the paper: MSC supplies more slowly"), (300, -4.0, 4.0, "the paper: comparable"),
    ):
        amc, msc = (run(bench, f"inas_hot_injection_{c}_{T}", 2000) for c in ("amc", "msc"))
        curves[T] = amc, msc
        lead = measures.time_to_grow(msc, GAIN) - measures.time_to_grow(amc, GAIN)
        found.append(between(
            f"lead of AMC in the first {GAIN} nm of the seeds at {T} °C [s]", lead, low, high,
            f"{why}; with 2000 seeds chance moves the lead by 3.7 s at 250 °C and by 0.5 s at 300 °C",
        ))
    bench.draw("seeds after the hot injection", partial(_hot, curves=curves))
    return found


@case("InAs-5", "continuous injection at 6 mL/h: volume per dot against injected volume, and the width", engines=ALL)
def continuous_injection(bench: Bench) -> list[Check]:
    found, slopes = [], []
    widths: dict[str, xr.Dataset] = {}
    for kind, tail in (("AMC", ""), ("MSC", "_msc")):
        name = f"inas_continuous_injection{tail}"
        result = run(bench, name, 5000)
        growth = measures.growth(load_recipe(name), result)
        slopes.append(growth.line.slope)
        widths[kind] = result
        start = growth.width_start
        found += [
            between(f"R² of volume per dot against injected volume, {kind}", growth.line.r2, 0.99, 1.0, "Fig. 4C"),
            near(f"slope, {kind} [nm³/mL]", growth.line.slope, growth.supplied,
                 "units fed per seed less nucleated and dissolved matter, from the recipe", share=0.01),
            between(f"relative width of the seeds at the end of the feed, {kind}", growth.width_end, 0.0, 0.5 * start,
                    f"it starts at {start:.4f} and falls"),
            between(f"relative width of all particles, {kind}", growth.width_all, 0.0, 0.5 * start, "likewise"),
            certain(f"width falls from each tenth of the feed to the next, {kind}", growth.narrows, "focusing",
                    expected="yes", measured="yes" if growth.narrows else "no"),
        ]
    found.append(near("slope with MSC over that with AMC", slopes[1] / slopes[0], 1.0, "the same, Fig. 4C", share=0.03))
    bench.draw("volume of the seeds against what is injected", partial(_volumes, results=widths))
    bench.draw("width of the seeds against what is injected", partial(_widths, results=widths))
    return found


@case("InAs-6", "feed rates inside, above and below the window", engines=ALL)
def feed_rates(bench: Bench) -> list[Check]:
    inside = run(bench, "inas_feed_2ml_per_hour", 12_000)
    above, below = (run(bench, f"inas_feed_{feed}", 2000) for feed in ("fast", "slow"))
    width_in, width_below = (r["relative_std"].sel(population="seed").values for r in (inside, below))
    left = below["number"].sel(population="seed").values
    feeds = {"2 mL/h": inside, "30 mL/h": above, "0.2 mL/h": below}
    bench.draw("relative width of all particles", partial(_feeds, results=feeds))
    return [
        between("born per seed at 2 mL/h", float(inside["nucleated_share"][-1]), 0.0, 1e-4,
                "no secondary nucleation (Kim 2021); the mean field expects 1e-16"),
        between("relative width at 2 mL/h, end over start", width_in[-1] / width_in[0], 0.0, 0.8, "focusing"),
        near("populations at 2 mL/h", len(populations(inside)), 1, "one valley-free distribution", within=0),
        between("born per seed at 30 mL/h", float(above["nucleated_share"][-1]), 2.0, 3.2,
                "calibrated to about two that live; 2.6 are born, and with 2000 seeds chance moves that by 0.04"),
        near("populations at 30 mL/h", len(populations(above)), 2, "a second population", within=0),
        between("seeds left at 0.2 mL/h", left[-1] / left[0], 0.0, 0.7, "ripening; 0.59"),
        between("relative width at 0.2 mL/h, end over start", width_below[-1] / width_below[0], 1.2, 2.0, "ripening"),
        near("born at 0.2 mL/h", float(below["born"][-1]), 0, "nothing nucleates", within=0),
    ]


def _hot(ax: Any, curves: dict[int, tuple[xr.Dataset, xr.Dataset]]) -> None:
    for i, (T, pair) in enumerate(curves.items()):
        for result, name, line in zip(pair, ("AMC", "MSC"), ("-", "--"), strict=True):
            d = result["mean_diameter"].sel(population="seed").values
            ax.plot(result["time"].values, d, line, color=f"C{i}", label=f"{name}, {T} °C")
    ax.set(xlabel="time (s)", ylabel="mean diameter of the seeds (nm)", xscale="symlog")
    ax.legend()


def _volumes(ax: Any, results: dict[str, xr.Dataset]) -> None:
    for (kind, result), line in zip(results.items(), ("-", "--"), strict=True):
        volume = (result["particle_count"].sel(origin="seed") * result["diameter"] ** 3).sum("size") * np.pi / 6.0
        ax.plot(result["injected_volume"], volume / result["number"].sel(population="seed"), line, label=kind)
    ax.set(xlabel="injected (mL)", ylabel="volume per dot (nm³)")
    ax.legend()


def _widths(ax: Any, results: dict[str, xr.Dataset]) -> None:
    for (kind, result), line in zip(results.items(), ("-", "--"), strict=True):
        ax.plot(result["injected_volume"], 100.0 * result["relative_std"].sel(population="seed"), line, label=kind)
    ax.set(xlabel="injected (mL)", ylabel="relative width of the seeds (%)")
    ax.legend()


def _feeds(ax: Any, results: dict[str, xr.Dataset]) -> None:
    for name, result in results.items():
        time = result["time"].values
        ax.plot(time / time[-1], 100.0 * result["relative_std"].sel(population="all"), label=name)
    ax.set(xlabel="time over the duration", ylabel="relative width of all (%)")
    ax.legend()


def _arrhenius(ax: Any, constants: list[float]) -> None:
    inverse = 1.0 / (np.array(DEGREES) + 273.15)
    law = 8.3e-3 * np.exp(-1.11 / measures.EV_PER_KELVIN * (inverse - 1.0 / 343.15))
    ax.semilogy(1e3 * inverse, law, label="8.3e-3 /min at 70 °C, 1.11 eV")
    ax.semilogy(1e3 * inverse, 60.0 * np.array(constants), "o", label="fitted to MSC(t)")
    ax.set_xlabel("1000 K / T")
    ax.set_ylabel("k (1/min)")
    ax.legend()
