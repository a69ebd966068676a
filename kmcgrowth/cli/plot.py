"""``kmcgrowth plot``: a figure of a result."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    result: Annotated[Path, typer.Argument(metavar="OUT.nc", help="A result that run wrote.")],
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FIG", help="The figure, as .png, .svg or .pdf.")
    ] = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="overview, distribution, history, sizes, spectra, mass, tem, saxs, "
                                               "diffraction; of a lattice also crystal, section, scattering.")
    ] = "overview",
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measured points to lay over: CSV with time_min and diameter_nm."),
    ] = None,
) -> None:
    """Draw a result."""
    from kmcgrowth import plots, results
    from kmcgrowth.cli.say import say

    dataset = results.load(result)
    figure = plots.figure(dataset, kind=kind)
    if data is not None:
        from kmcgrowth.plots.overlay import lay_over

        lay_over(figure, dataset, data)
    if output is None:
        output = Path(result.stem + ("" if kind == "overview" else f"_{kind}") + ".png")
    plots.save_figure(figure, output)
    say(str(output))
