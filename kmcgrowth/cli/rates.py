"""``kmcgrowth rates``: from the lattice to a table of rates that the reactor reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kmcgrowth.cli import options


def rates(
    recipe: options.Recipe,
    output: Annotated[Path | None, typer.Option("-o", metavar="TABLE.csv", help="Where the table goes.")] = None,
    largest: Annotated[int, typer.Option(metavar="N", help="Formula units of the largest size.")] = 2000,
    events: Annotated[int, typer.Option(metavar="N", help="Events per size, at least.")] = 1_000_000,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed, instead of the recipe's.")] = None,
    changes: options.Changes = None,
) -> None:
    """Measure rates of attachment and detachment per size on the lattice of a recipe, for growth.law = "table"."""
    import numpy as np

    from kmcgrowth.cli.progress import Progress
    from kmcgrowth.cli.say import say
    from kmcgrowth.errors import BadInput
    from kmcgrowth.files import atomic_path
    from kmcgrowth.lattice.rates import measure_rates, rates_csv, rates_text, rates_warning
    from kmcgrowth.model.build import build_model
    from kmcgrowth.recipe import load_recipe

    target = output if output is not None else Path(f"{Path(recipe).stem}_rates.csv")
    if target.suffix != ".csv":
        raise BadInput(f'-o: "{target}" does not end in .csv; give such a name, for example "{target.stem}.csv".')
    read = load_recipe(recipe, changes=options.read_changes(changes))
    model = build_model(read)
    if model.lattice is None:
        raise BadInput("the recipe has no [lattice] table, from which rates could be measured.")
    bar = Progress(1.0, share=True)
    try:
        found = measure_rates(
            model, largest=largest, events=events,
            rng=np.random.default_rng(read.simulation.seed if seed is None else seed),
            progress=lambda share: bar(share, 0),
        )
    finally:
        bar.close()
    with atomic_path(target) as temporary:
        Path(temporary).write_text(rates_csv(found), encoding="utf-8")
    say(rates_text(found, model.lattice.unit_volume))
    say(f"temperature      {found.temperature - 273.15:.4g} degC; at another the table does not hold")
    if warning := rates_warning(model):
        say(f"warning          {warning}")
    say(f'table            {target}; write growth.law = "table", growth.table = "{target.name}"')
