"""Cadmium phosphide of 10.1039/d5nr00002e: clusters, dots from them, and dots overgrown with them, CdP-1 to CdP-5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kmcgrowth.materials import load_material
from kmcgrowth.materials.sizing import sizing_curve
from kmcgrowth.observables.emission import emission, emission_lines
from kmcgrowth.observables.mass_spectrum import mass_bands, mass_spectrum
from kmcgrowth.papers.bench import Bench, row
from kmcgrowth.physics.constants import N_A
from kmcgrowth.physics.excitons import HC

if TYPE_CHECKING:
    import xarray as xr

DOTS = {965: 1338.0, 1010: 1277.0, 1102: 1117.0, 1145: 1224.0}
"""Emission of the dots before and after [nm]."""
MASS, FLASK = 20e-6, 7e-6
"""Of the dots [kg], and of the liquid [m^3]."""
CLUSTERS = 480.0
"""Emission at shorter wavelengths is that of clusters [nm]."""
ALIQUOT = 10.0
"""Minutes between two aliquots, assumed."""


def _seeds(bench: Bench, wavelength: float) -> dict[str, Any]:
    """Diameter and concentration of 20 mg of dots that emit there, all together: the larger ones shine more."""
    from scipy.optimize import brentq

    def beyond(diameter: float) -> float:
        result = bench.run("cd3p2_overgrowth", changes={
            "seeds.0.diameter": f"{diameter} nm", "simulation.duration": "1 s", "simulation.snapshots": 2})
        return dot_lines(result, 0.0)[-1] - wavelength

    material = load_material("Cd3P2")
    guess = float(sizing_curve(material).diameter(HC / wavelength))
    d = float(brentq(beyond, 0.7 * guess, 1.1 * guess, xtol=1e-3))
    units = np.pi * (1e-9 * d) ** 3 / 6.0 / material.unit_volume
    return {"seeds.0.diameter": f"{d:.4f} nm",
            "seeds.0.concentration": f"{MASS / (units * material.molar_mass) / FLASK * 1e3:.4f} uM"}


def dot_lines(result: xr.Dataset, minutes: float) -> list[float]:
    """Emission peaks of dots at a time, from blue to red [nm]."""
    lines = emission_lines(emission(result, time=60.0 * minutes))
    return sorted(x.wavelength for x in lines if x.wavelength > CLUSTERS)


def _overgrown(bench: Bench, wavelength: int, **changes: Any) -> xr.Dataset:
    return bench.run("cd3p2_overgrowth", changes=_seeds(bench, float(wavelength)) | changes)


@row("CdP-1")
def from_precursors(bench: Bench) -> None:
    """Clusters come and go, dots stay."""
    result = bench.run("cd3p2_clusters")
    minutes = result["time"].values / 60.0
    clusters = result["concentration"].sel(species="MSC").values
    bench.found("clusters at 5 min over most", np.interp(5.0, minutes, clusters) / clusters.max())
    bench.found("time of most clusters", minutes[int(clusters.argmax())])
    lines = [(t, dot_lines(result, t)) for t in np.arange(1.0, 60.5, 1.0)]
    dots = [(t, x[-1]) for t, x in lines if x]
    bench.found("first emission of dots", dots[0][1] if dots else np.nan)
    bench.found("last emission of dots", dots[-1][1] if dots else np.nan)

    def panel(ax: Any) -> None:
        ax.plot(minutes, 1e3 * clusters)
        ax.axvline(10.0, color="0.6", linewidth=0.8, zorder=0)
        ax.set(xlabel="time (min)", ylabel="clusters (mM)")

    def wavelength(ax: Any) -> None:
        ax.plot([t for t, _ in dots], [x for _, x in dots], "o", markersize=3)
        for y in (620.0, 900.0):
            ax.axhline(y, color="0.6", linewidth=0.8, zorder=0)
        ax.set(xlabel="time (min)", ylabel="emission of the dots (nm)")

    bench.draw("clusters; line: 10 min", panel)
    bench.draw("dots; lines: 620, 900 nm", wavelength)


@row("CdP-2")
def four_sizes(bench: Bench) -> None:
    """The same mass of four sizes of dots, the same clusters."""
    end, curves = {}, {}
    for start in DOTS:
        result = _overgrown(bench, start)
        last = result["time"].values[-1] / 60.0
        end[start] = (dot_lines(result, last) or [np.nan])[-1]
        bench.found(f"{start} nm dots end at", end[start])
        t = np.arange(0.0, last + 0.1, ALIQUOT)
        curves[start] = t, [(dot_lines(result, x) or [np.nan])[-1] for x in t]
    result = _overgrown(bench, 1010)
    held = (result["particle_count"].sel(origin="seed") * result["size"]).sum("size").values
    fed = 0.5e-3 * N_A * float(result.attrs["control_volume_mL"]) / (1e6 * FLASK)
    bench.found("yield on the 1010 nm dots", (held[-1] - held[0]) / fed)
    born = float(result["nucleated_share"].values[-1])
    share = 100.0 * (held[-1] - held[0]) / fed
    bench.note = (
        f"Of what is fed {share:.0f} % ends on the 1010 nm dots, against 27 % by mass spectra; the rest is in new "
        f"particles ({born:.2g} per dot are born) and in solution. Larger dots are fewer and let more new ones live, "
        "but not as many as would stop the growth of the 1102 nm dots. docs/growth_limits.md tries other mechanisms."
    )

    def panel(ax: Any) -> None:
        for i, (start, (t, x)) in enumerate(curves.items()):
            ax.plot(t, x, color=f"C{i}", label=f"{start} nm")
            ax.plot(t[-1], DOTS[start], "s", color=f"C{i}", markerfacecolor="none")
        ax.set(xlabel="time (min)", ylabel="emission, reddest peak (nm)")
        ax.legend(title="dots; squares: paper", ncols=2)

    bench.draw("overgrowth", panel)


@row("CdP-3")
def early_aliquots(bench: Bench) -> None:
    """Aliquots every ten minutes, the first as the injection begins."""
    result = _overgrown(bench, 1010)
    before = dot_lines(result, 0.0)
    times = np.arange(ALIQUOT, result["time"].values[-1] / 60.0 + 0.1, ALIQUOT)
    peaks = [dot_lines(result, t) for t in times]
    bench.found("emission of the first aliquot less that of the seeds", peaks[0][-1] - before[-1])
    bench.found("most emission peaks on the way", max(len(p) for p in peaks[1:]))
    bench.found("emission peaks at the end", len(peaks[-1]))

    def panel(ax: Any) -> None:
        two = next((t for t, p in zip(times, peaks) if len(p) == 2), times[len(times) // 2])
        for t in (0.0, times[0], two, times[-1]):
            light = emission(result, time=60.0 * t)
            total = light.sum("part") if "part" in light.dims else light
            x = light["wavelength"].values
            y = np.where(x > CLUSTERS, total.values, 0.0)
            ax.plot(x, y / y.max(), label=f"{t:.0f} min")
        ax.set(xlabel="wavelength (nm)", ylabel="emission, normalised", xlim=(600.0, 1600.0))
        ax.legend()

    bench.draw("dots of 1010 nm", panel)


@row("CdP-4")
def masses(bench: Bench) -> None:
    """Bands of the bare particles before and after."""
    result = _overgrown(bench, 1010)
    spectra = [mass_spectrum(result, time=t) for t in (0.0, None)]
    before, after = ([b.mean_mass / 1e3 for b in mass_bands(s, minimum_share=0.02)] for s in spectra)
    bench.found("before: bands", len(before))
    bench.found("before: mass", before[0])
    bench.found("after: bands", len(after))
    bench.found("after: heavier band", max(after))
    bench.found("after: lighter band", min(after))
    bench.note = "All seeds grow alike in the model, so that none is left at the mass it had."

    def panel(ax: Any) -> None:
        for s, label, line in zip(spectra, ("before", "after"), ("-", "--")):
            total = s.sum("origin")
            ax.plot(s["mass"].values / 1e3, total / total.max(), line, label=label)
        for x in (38.0, 140.0):
            ax.axvline(x, color="0.6", linewidth=0.8, zorder=0)
        ax.set(xlabel="mass (kDa); lines: 38, 140 kDa", ylabel="intensity, normalised", xlim=(0.0, 600.0))
        ax.legend()

    bench.draw("linear MALDI", panel)


@row("CdP-5")
def acid(bench: Bench) -> None:
    """New particles with and without free acid."""
    with_acid = _overgrown(bench, 1010)
    without = _overgrown(bench, 1010, **{"flask.contents": {}, "injection.0.contents": {"precursor": "40.7 mM"}})
    born = [float(r["nucleated_share"].values[-1]) for r in (with_acid, without)]
    bench.found("born per seed with acid over without", born[0] / born[1])

    def panel(ax: Any) -> None:
        for r, label, line in ((without, "without acid", "-"), (with_acid, "0.4 M acid", "--")):
            ax.plot(r["time"].values / 60.0, r["nucleated_share"], line, label=label)
        ax.set(xlabel="time (min)", ylabel="born per seed")
        ax.legend()

    bench.draw("secondary nuclei", panel)
