"""The ladder of CdSe tetrahedra, its exchange with Cd21Se20, and the isomers of Cd37S20: CdSe-1 to CdSe-4, CdS-1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from kmcgrowth.observables.absorption import absorption, trace
from kmcgrowth.observables.kinetics import straight_line
from kmcgrowth.papers.bench import Bench, row
from kmcgrowth.physics.excitons import HC
from kmcgrowth.physics.layers import tetrahedral_number

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]

LADDER = tuple(tetrahedral_number(n) for n in range(4, 9))
"""Se of the tetrahedra Cd35Se20, Cd56Se35, Cd84Se56, Cd120Se84, Cd165Se120."""
TETRAHEDRA = {20: "Cd35Se20", 35: "Cd56Se35", 56: "Cd84Se56", 84: "Cd120Se84", 120: "Cd165Se120"}
CADMIUM = (5.0, 10.0, 20.0, 40.0)
SELENIUM = (0.5, 1.0, 1.5, 2.0, 2.5)
APART = 8.0
"""Peaks of two spectra that lie closer than this are one band [nm]."""


def _bands(at: FloatArray, spectra: FloatArray) -> list[list[float]]:
    """Peaks of a series of spectra put together where they lie close to each other, from blue to red [nm]."""
    found = sorted(
        float(at[i]) for s in spectra for i in find_peaks(s, prominence=2e-3 * float(s.max()))[0]
    )
    bands: list[list[float]] = []
    for x in found:
        if bands and x - bands[-1][-1] < APART:
            bands[-1].append(x)
        else:
            bands.append([x])
    return bands


@row("CdSe-1")
def ladder(bench: Bench) -> None:
    """Layer by layer, on the lattice from bonds alone and in the reactor from the energy of a step."""
    from kmcgrowth.lattice.frames import read_frames
    from kmcgrowth.lattice.particles import find_particles

    atoms = bench.run("cdse_tetrahedra")
    selenium: list[int] = []
    for frame in read_frames(atoms)[1:]:
        crystals = find_particles(frame, formula=(1, 1))
        selenium += [int(n) for n in crystals.count[:, frame.elements.index("Se")] if n >= LADDER[0] - 1]
    se = np.array(selenium)
    whole = np.abs(se[:, None] - np.array(LADDER)).min(axis=1) <= 1
    bench.found("lattice: share of tetrahedral sizes on the way", float(whole.mean()))
    result = bench.run("cdse_ladder")
    sizes, count = result["size"].values, result["particle_count"].sum("origin").values
    share = count[:, np.isin(sizes, LADDER)].sum(axis=1) / count.sum(axis=1)
    bench.found("reactor: share of particles with 20, 35, 56, 84 or 120 Se on the way", float(share.min()))
    at = np.arange(300.0, 520.0, 0.5)
    times = result["time"].values[::6]
    spectra = absorption(result, time=times, wavelength=at).sum("part").values
    bands = [b for b in _bands(at, spectra) if len(b) > 1]
    bench.found("bands that rise and fall in place", len(bands))
    bench.found("largest drift of a band", max(max(b) - min(b) for b in bands) if bands else np.nan)
    bench.note = ("In the reactor the bands lie where the sizing curve puts dots of these sizes (320, 378, 426 nm), "
                  "which is not where the clusters absorb (350, 380, 408 nm).")

    def histogram(ax: Any) -> None:
        ax.bar(*np.unique(se, return_counts=True), width=1.0)
        for n in LADDER:
            ax.axvline(n, color="0.7", linewidth=0.7, zorder=0)
        ax.set(xlabel="Se atoms of a crystal; lines: tetrahedra", ylabel="crystals, all moments", yscale="log")

    def spectrum(ax: Any) -> None:
        for i in (0, len(times) // 3, len(times) // 2, len(times) - 1):
            ax.plot(at, spectra[i], label=f"{times[i] / 60.0:.0f} min")
        ax.set(xlabel="wavelength (nm)", ylabel="absorbance in 1 cm")
        ax.legend()

    bench.draw("lattice", histogram)
    bench.draw("reactor", spectrum)


@row("CdSe-2")
def cadmium(bench: Bench) -> None:
    """Twenty minutes with more and more cadmium."""
    results = {c: bench.run("cdse_cadmium", changes={"flask.contents.Cd(OBz)2": f"{c:g} mM"}) for c in CADMIUM}
    least, most = results[CADMIUM[0]], results[CADMIUM[-1]]
    a420 = trace(least, wavelength=420.0).values
    bench.found("A(420) at 20 min over the start, least cadmium", a420[-1] / a420[0])
    at = np.arange(330.0, 450.0, 0.5)
    before, after = (_bent(at, absorption(most, time=t, wavelength=at).sum("part").values) for t in (0.0, 1200.0))
    bench.found("bands at 350, 380, 408 nm that come",
                sum(_near(after, x) and not _near(before, x) for x in (350.0, 380.0, 408.0)))
    seen = trace(results[20.0], wavelength=np.array([350.0, 380.0, 408.0])).values
    bench.note = (f"The absorbance itself rises at {np.sum(seen[-1] > seen[0])} of the three wavelengths (20 mM Cd): "
                  "what Cd21Se20 absorbs there, by broad bands whose strength is assumed and by the flank of its "
                  "420 nm, goes faster than the bands of the tetrahedra come. These are seen where the spectrum bends.")
    left = {c: float(r["concentration"].sel(species="Cd21Se20")[-1]) for c, r in results.items()}
    whole = float(least["concentration"].sel(species="Cd21Se20")[0])
    bench.found("consumed with most over least cadmium", (whole - left[CADMIUM[-1]]) / (whole - left[CADMIUM[0]]))
    bench.found("mean Se per tetrahedron with most less least cadmium", _mean(most) - _mean(least))

    def spectrum(ax: Any) -> None:
        x = np.arange(320.0, 480.0, 0.5)
        ax.plot(x, absorption(least, time=0.0, wavelength=x).sum("part"), color="0.6", label="start")
        for c, result in results.items():
            ax.plot(x, absorption(result, wavelength=x).sum("part"), label=f"{c:g} mM Cd")
        ax.set(xlabel="wavelength (nm)", ylabel="absorbance in 1 cm at 20 min")
        ax.legend()

    def populations(ax: Any) -> None:
        for i, (c, result) in enumerate(results.items()):
            last = result["concentration"].isel(time=-1)
            ax.bar(np.arange(5) + 0.2 * (i - 1.5), [1e6 * float(last.sel(species=n)) for n in TETRAHEDRA.values()], 0.2,
                   label=f"{c:g} mM Cd")
        ax.set_xticks(np.arange(5), [str(n) for n in TETRAHEDRA])
        ax.set(xlabel="Se of the tetrahedron", ylabel="concentration at 20 min (µM)")
        ax.legend()

    bench.draw("spectra", spectrum)
    bench.draw("tetrahedra", populations)


def _bent(at: FloatArray, spectrum: FloatArray) -> FloatArray:
    """Where a spectrum bends down most, peaks and shoulders alike [nm]."""
    bend = -np.gradient(np.gradient(spectrum))
    return np.asarray(at[find_peaks(bend, prominence=0.02 * float(np.abs(bend).max()))[0]])


def _near(places: FloatArray, x: float) -> bool:
    return bool(np.any(np.abs(places - x) <= 3.0))


def _mean(result: xr.Dataset) -> float:
    """Mean Se of the tetrahedra at the end."""
    last = result["concentration"].isel(time=-1)
    amount = np.array([float(last.sel(species=n)) for n in TETRAHEDRA.values()])
    return float(amount @ np.array(list(TETRAHEDRA)) / amount.sum())


@row("CdSe-3")
def selenium(bench: Bench) -> None:
    """An hour with more and more selenium."""
    final = []
    for c in SELENIUM:
        result = bench.run("cdse_selenium", changes={"flask.contents.DPPSe": f"{c:g} mM"})
        final.append(float(trace(result, wavelength=420.0)[-1]))
    line = straight_line(SELENIUM, final)
    bench.found("R² of A(420) over the selenium concentration", line.r_squared)
    excess = bench.run("cdse_selenium", changes={"flask.contents.DPPSe": "8 mM"})
    cluster = excess["concentration"].sel(species="Cd35Se20").values
    bench.found("excess selenium: share of Cd35Se20 left", cluster[-1] / cluster[0])

    def panel(ax: Any) -> None:
        ax.plot(SELENIUM, final, "o", label="simulated, 60 min")
        ax.plot(SELENIUM, line(SELENIUM), "--", label=f"straight line, $R^2$ = {line.r_squared:.3f}")
        ax.set(xlabel="diphenylphosphine selenide (mM)", ylabel="absorbance at 420 nm", ylim=(0.0, None))
        ax.legend(loc="lower right")

    bench.draw("A(420)", panel)


@row("CdSe-4")
def amine(bench: Bench) -> None:
    """One cluster goes as the other comes."""
    result = bench.run("cdse_amine")
    at = np.arange(330.0, 480.0, 0.5)
    times = result["time"].values[::12]
    spectra = absorption(result, time=times, wavelength=at).sum("part").values
    rising = [b for b in _bands(at, spectra) if b[-1] > 390.0]
    bench.found("drift of the rising band", max(max(b) - min(b) for b in rising) if rising else np.nan)
    units = {"Cd14Se13": 13.0, "Cd21Se20": 20.0}
    held = np.sum([n * result["concentration"].sel(species=name).values for name, n in units.items()], axis=0)
    bench.found("most matter in anything but the two clusters", float(1.0 - np.min(held) / held[0]))

    def panel(ax: Any) -> None:
        for i, s in enumerate(spectra):
            ax.plot(at, s, color=str(0.75 * (1.0 - i / len(spectra))),
                    label=f"{times[i] / 60.0:.0f} min" if i in (0, len(spectra) - 1) else None)
        ax.set(xlabel="wavelength (nm)", ylabel="absorbance in 1 cm")
        ax.legend()

    bench.draw("spectra", panel)


@row("CdS-1")
def methanol(bench: Bench) -> None:
    """The exciton with methanol, and the first isomer when it is gone."""
    result = bench.run("cds_methanol")
    alpha = result["concentration"].sel(species="Cd37S20_alpha").values
    beta = result["concentration"].sel(species="Cd37S20_beta").values
    i = int(beta.argmax())
    at = np.arange(295.0, 350.0, 0.1)
    spectra = absorption(result, time=result["time"].values[[0, i]], wavelength=at).sum("part").values
    top = [float(at[find_peaks(s)[0][-1]]) for s in spectra]
    bench.found("shift of the exciton with methanol", 1e3 * HC * (1.0 / top[1] - 1.0 / top[0]))
    bench.found("share of the first isomer after methanol is gone", alpha[-1] / (alpha + beta)[-1])

    def panel(ax: Any) -> None:
        hours = result["time"].values / 3600.0
        ax.plot(hours, alpha / (alpha + beta), label="first isomer, 324 nm")
        ax.plot(hours, beta / (alpha + beta), "--", label="second isomer, 313 nm")
        ax.set(xlabel="time (h); methanol after 10 min", ylabel="share of the clusters")
        ax.legend()

    bench.draw("isomers as methanol comes and goes", panel)
