"""What the papers report beside what the simulation gives: one row per experiment, told from ``rows.toml``.

A row is run with the recipes that ship and judged by tolerances that stand in ``rows.toml``. It *holds* when all its
checks do and one of them at least is a prediction; it is *fitted* when a number of it served to find a parameter,
*imposed* when all its checks follow from what was put in; otherwise it *fails*.
"""

from __future__ import annotations

from kmcgrowth.papers.rows import Check, Outcome, Row, load_rows
from kmcgrowth.papers.run import run_rows

__all__ = ["Check", "Outcome", "Row", "load_rows", "run_rows"]
