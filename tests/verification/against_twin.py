"""The compiled engine against its plain-Python definition, in distribution, with every process switched on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from models import everything
from scipy import stats
from verification.cases import Bench, Check, case, likely, start

from kmcgrowth.model.run import Counts

LAWS = ("classical", "power", "cluster", "explicit")


COARSE = 0.05
"""Windows of 5 % for both: part of the model that both simulate, and the twin is spared time."""


def look(counts: Counts, follows: bool) -> dict[str, float]:
    """Numbers that a moment of the crowded box is judged by; ``follows``: births read the mean field."""
    n = np.asarray(counts.seed + counts.nucleated)
    found = {
        "particles": float(n.sum()),
        "units in particles": float(counts.sizes @ n),
        "events": counts.tallies["events"],
        "largest particle": float(counts.sizes.max(initial=0)),
        "born": counts.tallies["born"],
        "dissolved": counts.tallies["dissolved_seed"] + counts.tallies["dissolved_nucleated"],
        "atoms lost": float(counts.matter["lost"].sum()),
        "atoms in aliquots": float(counts.matter["aliquot"].sum()),
    }
    if follows:  # under the other laws the mean field decides nothing, and the twin shows the counted concentration
        found["supersaturation"] = counts.supersaturation
    return found | {f"amount of species {i}": float(a) for i, a in enumerate(counts.amounts)}


def sample(engine: str, law: str, repeats: int, seed: int) -> list[dict[str, float]]:
    """Independent runs, each seen in the middle of the ramp and at the end."""
    model, found = replace(everything(law), window=COARSE), []
    for k in range(repeats):
        run = start(engine, model, 140, seed, k)
        seen: dict[str, float] = {}
        for time in (1.3, model.duration):
            run.advance(time)
            seen |= {
                f"{what} at {time:g} s": x for what, x in look(run.counts(), law in ("classical", "power")).items()
            }
        found.append(seen)
    return found


@case("twin", "the engine and the plain-Python twin give the same distributions with every process switched on")
def twin(bench: Bench) -> list[Check]:
    repeats, checks = (6 if bench.fast else 30), []
    for i, law in enumerate(LAWS[::3] if bench.fast else LAWS):
        ours = sample(bench.engine, law, 10 * repeats, 2 * i)
        theirs = sample("twin", law, repeats, 2 * i + 1)
        p = {what: two_sample([x[what] for x in ours], [x[what] for x in theirs]) for what in ours[0]}
        worst = min(p, key=lambda what: p[what])
        means = [float(np.mean([x[worst] for x in group])) for group in (ours, theirs)]
        checks.append(
            likely(
                f"{len(p)} numbers, nucleation {law}",
                p[worst],
                f"two samples of {10 * repeats} and {repeats} runs, Kolmogorov-Smirnov and Welch, the least of all, "
                f"which is that of "
                f"{worst}; the Bonferroni factor of {2 * len(p)} leaves it below 1e-7 for a right engine",
                expected=f"mean {means[1]:.4g}",
                measured=f"mean {means[0]:.4g}",
            )
        )
    return checks


def two_sample(a: Any, b: Any) -> float:
    """The smaller p-value of Kolmogorov-Smirnov and of Welch's test of the means; 1 for two equal constants."""
    if np.ptp(a) == 0.0 and np.ptp(b) == 0.0:
        return 1.0 if a[0] == b[0] else 0.0
    ks = float(stats.ks_2samp(a, b, method="asymp").pvalue)
    return min(ks, float(stats.ttest_ind(a, b, equal_var=False).pvalue))
