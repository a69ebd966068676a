"""What X-rays would show of the ensemble: small-angle scattering and powder diffraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.materials import load_material
from kmcgrowth.observables.diffraction import SPHERE, powder_pattern, reflections, scherrer_size
from kmcgrowth.observables.form_factors import form_factor
from kmcgrowth.observables.small_angle import guinier_fit, guinier_radius, small_angle
from kmcgrowth.plots import panels
from kmcgrowth.plots.counting_figures import shades, stack
from kmcgrowth.plots.overview_figure import add_title
from kmcgrowth.plots.style import look, new_figure

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

B = 0.04
"""Of the Debye-Waller factor exp(-B Q^2/2), as 10.1021/jacsau.3c00809 has it [angstrom^2]."""

REACH = (1.0, 4.8)
"""Scattering vectors drawn, 14 to 72 degrees at Cu K alpha [1/angstrom]."""


FAINT = 0.06
"""Reflections weaker than this part of the strongest one have no name in the figure [dimensionless]."""


def saxs(dataset: xr.Dataset) -> Figure:
    """Small-angle scattering at several times, and Guinier plots with their fits."""
    with look():
        fig = new_figure(7.2, 3.2)
        left, right = fig.subplots(1, 2)
        left.set(xlabel="scattering vector $q$ (nm$^{-1}$)", ylabel="intensity $I/I(0)$")
        right.set(xlabel="$q^2$ (nm$^{-2}$)", ylabel="$\\ln(I/I(0))$")
        times = panels.snapshot_times(dataset)
        if times:
            top = 0.0
            for time, shade, label in shades(dataset, times):
                y = small_angle(dataset, time=time)
                left.loglog(y["q"].values, y.sum("origin").values, color=shade, linewidth=1.1, label=label)
                top = max(top, _guinier(right, dataset, time, shade))
            left.set_ylim(1e-6, 3.0)
            left.legend(loc="lower left")
            right.set_xlim(0.0, top)
            right.set_ylim(-1.3, 0.05)
            right.legend(loc="upper right", title="$R_g$, fitted up to $qR_g = 1$")
        else:
            panels.note(left, "no particles")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


def diffraction(dataset: xr.Dataset) -> Figure:
    """Powder patterns at several times, and the last one with the lines of the bulk and the Scherrer size."""
    material = str(dataset.attrs["material"])
    try:
        lines = reflections(material, q_max=REACH[1])
    except BadInput as error:
        raise BadInput(f"kind: {error}") from error
    with look():
        fig = new_figure(7.2, 3.4)
        left, right = fig.subplots(1, 2)
        for ax in (left, right):
            ax.set(xlabel="2θ at Cu Kα (°)", ylabel="intensity per formula unit (electrons$^2$)")
        times = panels.snapshot_times(dataset)
        if times:
            q = np.linspace(*REACH, 1500)
            for time, shade, label in shades(dataset, times):
                y = powder_pattern(dataset, q=q, time=time, b=B)
                left.plot(y["two_theta"].values, y.sum("origin").values, color=shade, linewidth=1.1, label=label)
            x = y["two_theta"].values
            left.set_xlim(x[0], x[-1])
            left.set_ylim(bottom=0.0)
            left.legend(loc="upper right")
            whole = stack(right, x, {str(o): y.sel(origin=o).values for o in y["origin"].values})
            highest = float(whole.max())
            atoms = list(load_material(material).atoms)
            strength = {}
            for r in lines:
                f = np.array([float(form_factor(e, q=r.q)) for e in atoms])
                strength[r.indices] = float(f @ r.products @ f) / r.q**2
            for r in lines:
                angle = float(np.interp(r.q, q, x))
                height = float(np.interp(r.q, q, whole))
                if strength[r.indices] > FAINT * max(strength.values()):
                    right.annotate("".join(str(i) for i in r.indices), (angle, height), (0, 8),
                                   textcoords="offset points", ha="center", fontsize=6.5, rotation=90, va="bottom")
                    right.plot([angle, angle], [0.0, height], color="0.2", linewidth=0.6, linestyle=":")
            unit, seconds = panels.time_unit(dataset)
            near = max(lines, key=lambda r: float(np.interp(r.q, q, whole))).q
            size = [scherrer_size(q, whole, near=near, constant=k) for k in (SPHERE, 0.9)]
            right.set(xlim=(x[0], x[-1]), ylim=(0.0, 1.3 * highest))
            right.legend(loc="upper right", title=f"at {times[-1] / seconds:.3g} {unit}\nScherrer: {size[0]:.1f} nm\n"
                                                  f"({size[1]:.1f} nm with K = 0.9)")
        else:
            panels.note(left, "no particles")
            panels.note(right, "no particles")
        add_title(fig, dataset)
    return fig


def _guinier(ax: Axes, dataset: xr.Dataset, time: float, shade: object) -> float:
    """Points of one time and their fit; the q^2 at which the panel may end [1/nm^2]."""
    radius = guinier_radius(dataset, time=time)
    q = np.linspace(0.02, 2.0, 100) / radius
    y = small_angle(dataset, time=time, q=q).sum("origin").values
    fit = guinier_fit(q, y)
    near = q * fit.radius.value <= 1.8
    ax.plot(q[near][::4] ** 2, np.log(y[near][::4]), "o", markersize=2.5, color=shade)
    x = np.array([0.0, (1.0 / fit.radius.value) ** 2])
    ax.plot(x, fit.line(x), color=shade, linewidth=1.0, label=f"{fit.radius.value:.2f} nm")
    return float((1.8 / fit.radius.value) ** 2)
