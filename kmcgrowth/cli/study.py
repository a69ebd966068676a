"""``kmcgrowth status``, ``collect``, ``map`` and ``sensitivity``: what has become of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kmcgrowth.cli import options

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that sweep made.")]


def status(folder: Folder) -> None:
    """Say how many runs of a study are done, running and failed, and why those failed."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.studies import study_status

    say(study_status(folder))


def collect(
    folder: Folder,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help=".nc, .csv or .parquet.")] = None,
) -> None:
    """Write the numbers of a study as one netCDF file, or as a table."""
    from kmcgrowth.cli.say import say
    from kmcgrowth.errors import BadInput
    from kmcgrowth.results import save
    from kmcgrowth.studies import open_study, write_table

    path = output if output is not None else Path(f"{folder.name}.nc")
    if path.suffix not in (".nc", ".csv", ".parquet"):
        raise BadInput(f'-o: "{path}" ends in none of .nc, .csv and .parquet; give such a name.')
    study = open_study(folder)
    if path.suffix == ".nc":
        save(study.load(), path)
    else:
        write_table(study, path)
    say(str(path))


def draw_map(
    folder: Folder,
    output: Annotated[Path | None, typer.Option("-o", metavar="FIG", help=".png, .pdf, .svg, or .html.")] = None,
    x: Annotated[str | None, typer.Option(metavar="KEY", help="Axis to the right.")] = None,
    y: Annotated[str | None, typer.Option(metavar="KEY", help="Axis upwards.")] = None,
    at: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Value of an axis not drawn.")] = None,
    point: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Point whose size distribution is shown.")
    ] = None,
) -> None:
    """Draw where the size distribution focuses, where particles nucleate and where they ripen."""
    from kmcgrowth import plots
    from kmcgrowth.cli.say import say
    from kmcgrowth.errors import BadInput
    from kmcgrowth.files import atomic_path
    from kmcgrowth.studies import study_map, study_page

    if (x is None) != (y is None):
        raise BadInput("--x and --y go together: name both axes of the map, or none.")
    path = output if output is not None else Path(f"{folder.name}.png")
    axes = (x, y) if x is not None and y is not None else None
    example = "flask.temperature=300"
    fixed, shown = options.read_pairs("--at", at, example), options.read_pairs("--point", point, example)
    if path.suffix == ".html":
        text = study_page(folder, axes=axes, at=fixed)
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    else:
        plots.save_figure(study_map(folder, axes=axes, at=fixed, point=shown), path)
    say(str(path))


def draw_sensitivity(
    folder: Folder,
    output: Annotated[Path | None, typer.Option("-o", metavar="FIG", help=".png, .pdf or .svg.")] = None,
) -> None:
    """Tell what the mean diameter and the relative width depend on: Sobol indices, as a table and a figure."""
    from kmcgrowth import plots
    from kmcgrowth.cli.say import say
    from kmcgrowth.plots.tornado_figure import figure
    from kmcgrowth.studies import sensitivity

    found = sensitivity(folder)
    path = output if output is not None else Path(f"{folder.name}.png")
    plots.save_figure(figure(found), path)
    width = max(len(str(key)) for key in found["axis"].values)
    for name in found["quantity"].values:
        each = found.sel(quantity=name)
        say(f"{name:{width}}  first order        total")
        for i in each["total"].values.argsort()[::-1]:
            shares = "  ".join(
                f"{float(each[k][i]):5.2f} ({float(each[k + '_ci'][i, 0]):.2f}-{float(each[k + '_ci'][i, 1]):.2f})"
                for k in ("first", "total")
            )
            say(f"{each['axis'].values[i]!s:{width}}  {shares}")
    say(f"{found.attrs['base_points']} base points; shares of the variance with 95 % intervals")
    say(str(path))
