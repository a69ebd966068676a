"""The experiments on InP clusters that the reviews report, InP-1 to InP-6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.materials.ligands import load_ligand
from kmcgrowth.observables.absorption import trace
from kmcgrowth.observables.kinetics import exponential
from kmcgrowth.papers.bench import Bench, row
from kmcgrowth.papers.measures import reached, share_in_particles
from kmcgrowth.recipe import load_recipe

if TYPE_CHECKING:
    import xarray as xr

LIGANDS = (
    "phenylacetate", "3-methylphenylacetate", "3,5-dimethylphenylacetate", "4-tert-butylphenylacetate",
)
SHORT = {LIGANDS[0]: "PhAc", LIGANDS[1]: "3-Me", LIGANDS[2]: "3,5-Me$_2$", LIGANDS[3]: "4-tBu"}
REAGENT = "P(SiMe3)3"
CONCENTRATIONS = (1.25, 2.5, 5.0, 10.0, 20.0)
"""Of the clusters of InP-1 in the syringe [mM]."""


def _phosphorus(result: xr.Dataset, place: str) -> Any:
    """Atoms of phosphorus at a place (time,)."""
    return result["matter"].sel(place=place, element="P").values


@row("InP-1")
def single_source(bench: Bench) -> None:
    """One hour at several temperatures; two concentrations."""
    recipe = load_recipe("inp_single_source")
    curves = {}
    for degrees in (180, 200, 240, 300, 400):
        result = bench.run("inp_single_source", changes={"flask.temperature": f"{degrees} degC"})
        curves[degrees] = result["time"].values / 60.0, share_in_particles(result, recipe)
    sizes = {degrees: [_size(bench, degrees, c) for c in CONCENTRATIONS] for degrees in (240, 400)}
    d = [sizes[400][CONCENTRATIONS.index(c)] for c in (5.0, 20.0)]
    for degrees in (180, 240, 400):
        bench.found(f"{degrees} °C, 1 h: share in dots", curves[degrees][1][-1])
    bench.found("400 °C: diameter with four times the clusters over that without, less 1, size", abs(d[1] / d[0] - 1.0))
    bench.note = (f"At 400 °C {d[0]:.1f} nm, with four times the clusters {d[1]:.1f} nm. With the prefactor of InAs, "
                  "taken over at first, nucleation is as fast as monomers meet, births and growth go with the same "
                  "power of the concentration, and both are 3.6 nm.")

    def panel(ax: Any) -> None:
        for degrees, (t, share) in curves.items():
            ax.plot(t, share, label=f"{degrees} °C")
        ax.set(xlabel="time (min)", ylabel="share of the InP in dots")
        ax.legend()

    def size(ax: Any) -> None:
        for (degrees, y), line in zip(sizes.items(), ("o-", "s--")):
            ax.plot(CONCENTRATIONS, y, line, label=f"{degrees} °C")
        ax.set(xlabel="clusters injected (mM)", ylabel="mean diameter after 1 h (nm)", xscale="log", ylim=(0.0, None))
        ax.set_xticks(CONCENTRATIONS, [f"{c:g}" for c in CONCENTRATIONS], minor=False)
        ax.minorticks_off()
        ax.legend()

    bench.draw("clusters in hot solvent", panel)
    bench.draw("size of the dots", size)


def _size(bench: Bench, degrees: int, millimolar: float) -> float:
    """Mean diameter after an hour [nm]."""
    changes = {"flask.temperature": f"{degrees} degC"}
    if millimolar != 5.0:  # as the recipe has it
        changes["injection.0.contents.In37P20"] = f"{millimolar:g} mM"
    return float(bench.run("inp_single_source", changes=changes)["mean_diameter"].sel(population="all")[-1])


@row("InP-2")
def ligands(bench: Bench) -> None:
    """Size and duration of nucleation against the mass of the ligand."""
    from scipy.stats import spearmanr

    mass, size, duration = [], [], []
    for name in LIGANDS:
        result = bench.run("inp_ligands", changes={"ligand.name": name})
        born, t = result["born"].values.astype(float), result["time"].values
        mass.append(1e3 * load_ligand(name).molar_mass)
        size.append(float(result["mean_diameter"].sel(population="all")[-1]))
        duration.append(reached(t, born, 0.95 * born[-1]) - reached(t, born, 0.05 * born[-1]))
    bench.found("rank correlation of bulk and diameter", spearmanr(mass, size).statistic)
    bench.found("rank correlation of bulk and duration of nucleation", spearmanr(mass, duration).statistic)
    bench.note = (f"The effect is small: {size[0]:.3f} to {size[-1]:.3f} nm, {duration[0]:.0f} to {duration[-1]:.0f} s "
                  "for ligands whose solutes differ by a tenth in radius.")

    def sizes(ax: Any) -> None:
        ax.plot(mass, size, "o")
        for x, y, name in zip(mass, size, LIGANDS):
            ax.annotate(SHORT[name], (x, y), (3, 4), textcoords="offset points", fontsize=7)
        ax.set(xlabel="molar mass of the ligand (g/mol)", ylabel="mean diameter after 1 h (nm)")
        ax.margins(0.15)

    def times(ax: Any) -> None:
        ax.plot(mass, duration, "s")
        ax.set(xlabel="molar mass of the ligand (g/mol)", ylabel="5 to 95 % of the births (s)")
        ax.margins(0.15)

    bench.draw("size", sizes)
    bench.draw("duration of nucleation", times)


@row("InP-3")
def phosphine(bench: Bench) -> None:
    """A(500 nm) with ten equivalents, four ligands."""
    fits, seen = {}, {}
    for name in LIGANDS:
        result = bench.run("inp_phosphine", changes={"ligand.name": name})
        seen[name] = trace(result, wavelength=500.0)
        fits[name] = exponential(seen[name]["time"].values, seen[name].values)
    rate = {name: fit.rate.value for name, fit in fits.items()}
    bench.found("least R² of the four exponentials", min(f.r_squared for f in fits.values()))
    bench.found("rate: PhAc over 4-tBu", rate[LIGANDS[0]] / rate[LIGANDS[3]])
    bench.found("rate: 3-Me over PhAc", rate[LIGANDS[1]] / rate[LIGANDS[0]])
    bench.found("rate: 3,5-Me2 over 3-Me", rate[LIGANDS[2]] / rate[LIGANDS[1]])

    def panel(ax: Any) -> None:
        for i, name in enumerate(LIGANDS):
            t = seen[name]["time"].values
            ax.plot(t / 60.0, seen[name].values, color=f"C{i}", label=f"{SHORT[name]}: {60.0 * rate[name]:.3f} /min")
            ax.plot(t / 60.0, fits[name](t), ":", color=f"C{i}")
        ax.set(xlabel="time (min)", ylabel="absorbance at 500 nm")
        ax.legend()

    bench.draw("simulated; dotted: exponentials", panel)


@row("InP-4")
def phosphonate(bench: Bench) -> None:
    """Half an hour at 300 °C under two ligands."""
    recipe = load_recipe("inp_ligands")
    curves = {}
    for name, ligand in (("carboxylate", LIGANDS[0]), ("phosphonate", "octadecylphosphonate")):
        result = bench.run("inp_ligands", changes={"ligand.name": ligand, "flask.temperature": "300 degC"})
        t = result["time"].values
        curves[name] = t / 60.0, share_in_particles(result, recipe)
        bench.found(f"{name}, 300 °C, 30 min: share in dots", float(np.interp(1800.0, t, curves[name][1])))

    def panel(ax: Any) -> None:
        for (name, (t, share)), line in zip(curves.items(), ("-", "--")):
            ax.plot(t, share, line, label=name)
        ax.set(xlabel="time (min)", ylabel="share of the InP in dots", xlim=(0, 30))
        ax.legend()

    bench.draw("300 °C", panel)


@row("InP-5")
def interconversion(bench: Bench) -> None:
    """Synthesis, and what few and many equivalents of the reagent make of the cluster."""
    made = bench.run("inp_cluster_synthesis")
    hours = made["time"].values / 60.0
    small, large = (made["concentration"].sel(species=n).values for n in ("In26P13", "In37P20"))
    bench.found("synthesis: time of most In26P13 over that of most In37P20",
                hours[int(small.argmax())] / hours[int(large.argmax())])
    results = {}
    for equivalents, name in ((1.5, "1.5 equivalents"), (10.0, "10 equivalents")):
        results[name] = result = bench.run("inp_phosphine", changes={
            f"flask.contents.{REAGENT}": f"{0.2 * equivalents:g} mM"} if equivalents != 10.0 else {})
        crystal = _phosphorus(result, "particles")
        bench.found(f"{name}: share of phosphorus in crystals",
                    crystal[-1] / result["matter"].sel(element="P").sum("place").values[-1])
    few = results["1.5 equivalents"]["concentration"].isel(time=-1)
    left = {n: float(few.sel(species=n)) for n in ("In26P13", "In37P20")}
    bench.found("1.5 equivalents: share of clusters that are In26P13", left["In26P13"] / sum(left.values()))

    def synthesis(ax: Any) -> None:
        for y, name, line in ((small, "In$_{26}$P$_{13}$", "-"), (large, "In$_{37}$P$_{20}$", "--")):
            ax.plot(hours, 1e3 * y, line, label=name)
        ax.set(xlabel="time (min)", ylabel="concentration (mM)")
        ax.legend()

    def reagent(ax: Any) -> None:
        for (name, result), line in zip(results.items(), ("-", "--")):
            t = result["time"].values / 60.0
            for i, species in enumerate(("In37P20", "In26P13")):
                ax.plot(t, 1e3 * result["concentration"].sel(species=species), line, color=f"C{i}",
                        label=f"{species}, {name.split()[0]} eq")
        ax.set(xlabel="time (min)", ylabel="concentration (mM)")
        ax.legend()

    bench.draw("synthesis at 110 °C", synthesis)
    bench.draw("with P(SiMe$_3$)$_3$ at 40 °C", reagent)


def _exchanged(result: xr.Dataset, cation: str) -> tuple[Any, Any]:
    """Share of clusters by cations exchanged (time, number), and the numbers."""
    import re

    found = {}
    for name in map(str, result["species"].values):
        match = re.fullmatch(rf"In(\d+)(?:{cation}(\d+))?P20|{cation}(\d+)P20", name)
        if match:
            found[int(match[2] or match[3] or 0)] = result["concentration"].sel(species=name).values
    numbers = np.array(sorted(found))
    amount = np.array([found[n] for n in numbers]).T
    return amount / amount.sum(axis=1, keepdims=True), numbers


@row("InP-6")
def exchange(bench: Bench) -> None:
    """Cadmium at the surface, then in the core; zinc at the surface; zinc in the dots."""
    result = bench.run("inp_cation_exchange")
    share, number = _exchanged(result, "Cd")
    core = (share @ np.maximum(number - 16, 0)) / 21.0
    mean = share @ number
    bench.found("Cd: cations exchanged when a tenth of the core is", float(np.interp(0.1, core, mean)))
    few = bench.run("inp_cation_exchange", changes={
        "flask.contents.Cd(OCOR)2": "1.6 mM", "simulation.duration": "1 hour"})
    at, n = _exchanged(few, "Cd")
    bench.found("Cd, 16 equivalents: share of surface sites exchanged", float((at[-1] @ np.minimum(n, 16)) / 16.0))
    bathed = bench.run("inp_zinc_doping", changes={
        "flask.temperature": "25 degC", "flask.contents": {"In37P20": "0.1 mM", "Zn(OCOR)2": "6 mM"}, "injection": []})
    at, n = _exchanged(bathed, "Zn")
    bench.found("Zn, 60 equivalents: most exchanged", float(n[at[-1] > 0.01].max()))
    matter = bench.run("inp_zinc_doping")["matter"].isel(time=-1)
    zn = float(matter.sel(place="particles", element="Zn"))
    p = float(matter.sel(element="P").sum("place"))  # all that came with the clusters
    bench.found("Zn in dots over Zn in clusters, per P", (zn / p) / (8.0 / 20.0))

    def panel(ax: Any) -> None:
        t = result["time"].values / 3600.0
        ax.plot(t, share @ np.minimum(number, 16), label="surface, of 16")
        ax.plot(t, 21.0 * core, "--", label="core, of 21")
        ax.set(xlabel="time (h)", ylabel="cations exchanged per cluster")
        ax.legend()

    bench.draw("Cd, 60 equivalents, 100 °C", panel)


