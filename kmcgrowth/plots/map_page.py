"""The map of a study as a page for a browser, which tells the numbers of a point where the mouse is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.errors import BadInput
from kmcgrowth.plots.map_figure import COLOURS, LEAST, PANELS, axis_label, fixed, on_log_scale

if TYPE_CHECKING:
    import xarray as xr


def page(study: xr.Dataset, *, axes: tuple[str, str]) -> str:
    """HTML that needs no network.

    Parameters
    ----------
    study, axes : as for ``kmcgrowth.plots.map_figure.figure``

    Raises
    ------
    BadInput
        If plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError:
        advice = 'run "pip install kmcgrowth[analysis]", or write a .png.'
        raise BadInput(f"an interactive map needs plotly: {advice}") from None
    study = study.transpose(*axes, ...)
    names = study["regime"].attrs["flag_meanings"].split()
    regime = study["regime"].values
    columns = {label: _values(study, name, population) * factor for name, population, factor, label, *_ in PANELS}
    told = np.stack([c.T for c in columns.values()], axis=-1)
    words = np.array([*names, "not known"])[regime].T
    x_label, y_label = (axis_label(study[name]) for name in axes)
    hover = "".join(
        [f"{x_label}: %{{x:.4g}}<br>{y_label}: %{{y:.4g}}<br>%{{text}}<br>",
         *(f"{label}: %{{customdata[{i}]:.4g}}<br>" for i, label in enumerate(columns)), "<extra></extra>"]
    )
    x, y = (study[name].values for name in axes)
    common: dict[str, Any] = {"x": x, "y": y, "customdata": told, "text": words, "hovertemplate": hover}
    scale = [[i / 3.0 + j / 3.0, colour] for i, colour in enumerate(COLOURS) for j in (0, 1)]
    shown = np.where(regime < 0, np.nan, regime).T
    bar = {"tickvals": [0, 1, 2], "ticktext": names}
    figure = go.Figure(go.Heatmap(z=shown, zmin=-0.5, zmax=2.5, colorscale=scale, colorbar=bar, **common))
    for values, panel in zip(columns.values(), PANELS, strict=True):
        if panel[-1]:
            values = np.log10(np.maximum(values, LEAST))
            bar = {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}
        else:
            bar = {}
        figure.add_trace(go.Heatmap(z=values.T, colorscale="Viridis", colorbar=bar, visible=False, **common))
    buttons = [
        {"label": label, "method": "update", "args": [{"visible": [i == k for k in range(len(columns) + 1)]}]}
        for i, label in enumerate(["regime", *columns])
    ]
    figure.update_layout(
        title={"text": "; ".join([str(study.attrs.get("title", "")), *fixed(study)]), "font": {"size": 15}},
        template="simple_white", margin={"t": 120}, xaxis=_axis(x, x_label), yaxis=_axis(y, y_label),
        updatemenus=[{"buttons": buttons, "x": 1.0, "y": 1.01, "xanchor": "right", "yanchor": "bottom"}],
    )
    return str(figure.to_html(include_plotlyjs=True, full_html=True))


def _values(study: xr.Dataset, name: str, population: str | None) -> NDArray[np.float64]:
    values = study[name] if population is None else study[name].sel(population=population)
    return np.asarray(values.values, dtype=float)


def _axis(values: NDArray[np.float64], label: str) -> dict[str, Any]:
    if not on_log_scale(values):
        return {"title": label}
    steps = [m * 10.0**k for k in range(-12, 13) for m in (1.0, 2.0, 5.0)]
    ticks = [step for step in steps if values.min() <= step <= values.max()]
    return {"title": label, "type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


__all__ = ["page"]
