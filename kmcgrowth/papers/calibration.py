"""Where the fitted numbers come from: ``python -m kmcgrowth.papers.calibration`` finds each of them again.

What is named here is all that was fitted; everything else that a row compares is prediction, or imposed by its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from kmcgrowth.papers.bench import Bench
from kmcgrowth.papers.measures import fed
from kmcgrowth.physics.arrhenius import rate
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE

HALF_HOUR = 1800.0
ZERO = 273.15


@dataclass(frozen=True)
class Fitted:
    """One number and what it was fitted to.

    Attributes
    ----------
    name : of the number
    used : the value in the recipes and materials, with its unit
    to : what it was fitted to
    found : what the fit gives, or the range within which all that is asked for is met
    """

    name: str
    used: str
    to: str
    found: str


def amorphous_release() -> Fitted:
    """Barrier of AMC -> 22 monomer with 1 /s at 150 degC: at 100 degC under 1 % is released (InAs-3)."""
    convert = float(rate(100.0 + ZERO, 8.3e-3 / 60.0, 70.0 + ZERO, 1.11 * ELEMENTARY_CHARGE))

    def excess(barrier: float) -> float:
        loose = float(rate(100.0 + ZERO, 1.0, 150.0 + ZERO, barrier * ELEMENTARY_CHARGE))
        return loose / (loose + convert) - 0.01

    least = brentq(excess, 1.0, 5.0)
    return Fitted("AMC release, barrier at 1 /s and 150 °C", "3.0 eV", "1 % at 100 °C at most (InAs-3)",
                  f"at least {least:.2f} eV")


def magic_release() -> Fitted:
    """Barrier of MSC -> 22 monomer with 0.005 /s at 250 degC: unchanged at 150, gone in 5 s at 300 degC (InAs-3)."""
    def law(degrees: float, barrier: float) -> float:
        return float(rate(degrees + ZERO, 0.005, 250.0 + ZERO, barrier * ELEMENTARY_CHARGE))

    unchanged = brentq(lambda e: -np.expm1(-law(150.0, e) * HALF_HOUR) - 0.02, 0.2, 4.0)
    comparable = brentq(lambda e: 1.0 / law(300.0, e) - 5.0, 0.2, 4.0)
    return Fitted("MSC release, barrier at 0.005 /s and 250 °C", "2.0 eV",
                  "2 % in half an hour at 150 °C at most, a lifetime of 5 s at 300 °C at most (InAs-3 and InAs-4)",
                  f"at least {unchanged:.2f} and {comparable:.2f} eV")


def alcohol_binding() -> Fitted:
    """Binding of alcohols: the shifts with butanol and methanol (InAs-9); ethanol is predicted."""
    from kmcgrowth.papers.inas import SHIFT, SITES

    cluster, alcohol = 2e-6, 0.5e-6 / 3e-3  # mol/L
    acidity = {"butanol": 16.1, "ethanol": 15.9, "methanol": 15.5}

    def constant(shift: float) -> float:
        bound = shift / SHIFT
        return (bound / SITES) / (1.0 - bound / SITES) / (alcohol - cluster * bound)

    first, last = constant(0.27), constant(0.49)
    slope = np.log(last / first) / (acidity["butanol"] - acidity["methanol"])
    middle = first * np.exp(slope * (acidity["butanol"] - acidity["ethanol"]))
    return Fitted("binding of butanol, ethanol, methanol", "346.6, 433.4, 677.6 /M",
                  "0.27 eV with butanol, 0.49 eV with methanol (InAs-9)", f"{first:.1f}, {middle:.1f}, {last:.1f} /M")


def monomer_loss(bench: Bench) -> Fitted:
    """First-order loss of monomer: 40 mL of dilute clusters bring the seeds to 5.0 nm (InAs-7)."""
    def beyond(constant: float) -> float:
        result = bench.run("inas_growth_stalls", changes={"loss.0.rate": f"{constant} / s"})
        return float(result["mean_diameter"].sel(population="seed")[-1]) - 5.0

    found = brentq(beyond, 0.4, 0.9, xtol=1e-3)
    return Fitted("loss of monomer", "0.62 /s", "5.0 nm after 40 mL (InAs-7)", f"{found:.2f} /s")


def feed_window(bench: Bench) -> Fitted:
    """Solubility of InAs, for D c_inf: the width falls at 6 mL/h, and grows at 0.2 mL/h (InAs-5, InAs-6)."""
    def width(recipe: str, micromolar: float) -> float:
        result = bench.run(recipe, method="balance", changes={"growth.solubility.value": f"{micromolar} uM"})
        found = result["relative_std"].sel(population="all").values
        return float(found[fed(result)] / found[0])

    tried = ((c, width("inas_continuous_injection", c), width("inas_feed_slow", c)) for c in (0.1, 0.3, 1.0, 3.0, 10.0))
    return Fitted("InAs solubility at 300 °C, with D = 1e3 nm²/s", "1 µM",
                  "the width falls at 6 mL/h and grows at 0.2 mL/h (InAs-5, InAs-6)",
                  "; ".join(f"{c:g} µM: times {a:.2f} and {b:.2f}" for c, a, b in tried))


def nucleation(bench: Bench) -> Fitted:
    """Prefactor of nucleation: about two and a half born per seed at 30 mL/h, none at 2 mL/h (InAs-6)."""
    def born(recipe: str, prefactor: float) -> float:
        result = bench.run(recipe, method="balance", changes={"nucleation.prefactor": f"{prefactor} / m^3 / s"})
        return float(result["nucleated_share"].values[-1])

    fast = [born("inas_feed_fast", a) for a in (1e30, 1e31, 1e32)]
    return Fitted("InAs nucleation prefactor", "1e31 /(m³ s)",
                  "a second population at 30 mL/h, none at 2 and 6 mL/h (InAs-5, InAs-6)",
                  f"1e30, 1e31, 1e32 make {fast[0]:.2g}, {fast[1]:.2g}, {fast[2]:.2g} per seed at 30 mL/h and "
                  f"{born('inas_feed_2ml_per_hour', 1e32):.1g} at most at 2 mL/h")


def indium_phosphide_nucleation(bench: Bench) -> Fitted:
    """Prefactor of nucleation of InP: dots of 3 nm from clusters in an hour at 240 degC, the usual size."""
    def beyond(power: float) -> float:
        result = bench.run("inp_single_source", changes={"nucleation.prefactor": f"{10.0 ** power:.6g} / m^3 / s"})
        return float(result["mean_diameter"].sel(population="all")[-1]) - 3.0

    found = brentq(beyond, 21.0, 26.0, xtol=0.01)
    return Fitted("InP nucleation prefactor", "3.5e23 /(m³ s)", "dots of 3 nm from clusters at 240 °C, assumed",
                  f"{10.0 ** found:.2g} /(m³ s)")


def phosphide_solubility(bench: Bench) -> Fitted:
    """Solubility of Cd3P2 at 180 degC: the dots stop near 900 nm (CdP-1)."""
    from kmcgrowth.papers.cd3p2 import dot_lines

    def last(micromolar: float) -> float:
        result = bench.run("cd3p2_clusters", changes={"growth.solubility.value": f"{micromolar} uM"})
        return dot_lines(result, 60.0)[-1]

    values = [(c, last(c)) for c in (0.01, 0.02, 0.03, 0.05, 0.1)]
    return Fitted("Cd3P2 solubility at 180 °C", "0.02 µM", "dots stop near 900 nm (CdP-1)",
                  "; ".join(f"{c:g} µM {x:.0f} nm" for c, x in values))


def phosphide_clusters(bench: Bench) -> Fitted:
    """Formation and release of the cluster of Cd3P2: clusters within 5 min, most of them near 10 min (CdP-1).

    As the injection lasts ten minutes, many pairs do.
    """
    good = []
    for formation in (0.003, 0.01, 0.03):
        for release in (0.0005, 0.001, 0.002, 0.004, 0.008):
            result = bench.run("cd3p2_clusters", changes={
                "reaction.0.rate": f"{formation} / s", "reaction.1.rate": f"{release} / s"})
            clusters, minutes = result["concentration"].sel(species="MSC").values, result["time"].values / 60.0
            most = float(minutes[int(clusters.argmax())])
            if 7.0 <= most <= 13.0 and np.interp(5.0, minutes, clusters) > 0.3 * clusters.max():
                good.append(f"{formation:g} and {release:g} /s ({most:.0f} min)")
    return Fitted("formation and release of the Cd3P2 cluster", "0.01 and 0.002 /s",
                  "clusters within 5 min, most near 10 min (CdP-1)", "; ".join(good))


def phosphine_attack(bench: Bench) -> Fitted:
    """Second, slow attack of P(SiMe3)3 on InP clusters: ten equivalents take about two hours (InP-3)."""
    from kmcgrowth.observables.absorption import trace

    def minutes(constant: float) -> float:
        result = bench.run("inp_phosphine", changes={
            "reaction.1.rate": f"{constant} / M / s", "reaction.2.rate": f"{constant} / M / s",
            "simulation.duration": "12 hours", "simulation.snapshots": 721})
        seen = trace(result, wavelength=500.0)
        gone = (seen.values - seen.values[0]) / (seen.values[-1] - seen.values[0])
        return float(seen["time"].values[int(np.argmax(gone >= 0.9))] / 60.0)

    return Fitted("second attack of P(SiMe3)3", "0.2 /(M s)", "the conversion lasts some two hours, 118 min (InP-3)",
                  "; ".join(f"{k:g} /(M s): nine tenths in {minutes(k):.0f} min" for k in (0.05, 0.1, 0.2, 0.4, 0.8)))


def methanol_binding(bench: Bench) -> Fitted:
    """Equilibrium of the isomers of Cd37S20 with methanol: most of the second one at the published dose (CdS-1)."""
    def share(constant: float) -> float:
        result = bench.run("cds_methanol", changes={"reaction.0.equilibrium_constant": f"{constant} / M"})
        first, second = (result["concentration"].sel(species=f"Cd37S20_{x}").values for x in ("alpha", "beta"))
        return float((second / (first + second)).max())

    return Fitted("equilibrium of Cd37S20 with methanol", "10 /M", "the exciton moves by all of 140 meV (CdS-1)",
                  "; ".join(f"{k:g} /M: {share(k):.2f} of the clusters" for k in (1.0, 3.0, 10.0, 30.0)))


def etching(bench: Bench) -> Fitted:
    """Constant of the acid and rate of injection for which all of CdP-3 is met."""
    from kmcgrowth.papers.cd3p2 import early_aliquots
    from kmcgrowth.papers.rows import load_rows

    row, good = load_rows()["CdP-3"], []
    for constant in (2000, 2500, 3000, 3500, 4000):
        for flow in (4.0, 4.5, 5.0, 5.5, 6.0):
            trial = _Changed(bench, {
                "reaction.2.equilibrium_constant": f"{constant} / M", "injection.0.rate": f"{flow} mL/hour",
                "simulation.duration": f"{12.3 / flow + 1.14} hours"})
            early_aliquots(trial)
            if all(c.met(trial.measured[c.name]) for c in row.checks):
                good.append(f"{constant} /M with {flow:g} mL/h")
    return Fitted("acid that binds Cd3P2, and the injection rate", "3000 /M, 5 mL/h", "all of CdP-3", "; ".join(good))


class _Changed(Bench):
    """A bench that changes every recipe."""

    def __init__(self, bench: Bench, changes: dict[str, Any]) -> None:
        super().__init__()
        self._bench, self._changes = bench, changes

    def run(self, recipe: str, /, **options: Any) -> Any:
        """As ``Bench.run``, with the changes on top."""
        options["changes"] = {**(options.get("changes") or {}), **self._changes}
        return self._bench.run(recipe, **options)


def every() -> Iterator[Fitted]:
    """All that was fitted, one after the other; those of a closed form first."""
    bench = Bench()
    closed: tuple[Callable[[], Fitted], ...] = (amorphous_release, magic_release, alcohol_binding)
    for make in closed:
        yield make()
    simulated: tuple[Callable[[Bench], Fitted], ...] = (
        feed_window, nucleation, monomer_loss, indium_phosphide_nucleation, phosphine_attack, methanol_binding,
        phosphide_clusters, phosphide_solubility, etching,
    )
    for fit in simulated:
        yield fit(bench)


def main() -> None:
    """Print all."""
    for fitted in every():
        print(f"{fitted.name}: {fitted.used}\n    to: {fitted.to}\n    found: {fitted.found}", flush=True)


if __name__ == "__main__":
    main()
