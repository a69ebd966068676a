"""Studies: a recipe, what is varied in it, and what comes out."""

from __future__ import annotations

from kmcgrowth.studies.collect import open_study, write_table
from kmcgrowth.studies.crew import Tally, dask
from kmcgrowth.studies.maps import study_map, study_page
from kmcgrowth.studies.sensitivity import sensitivity
from kmcgrowth.studies.status import study_status
from kmcgrowth.studies.study import Study, load_study, parse_study
from kmcgrowth.studies.sweep import sweep

__all__ = [
    "Study", "Tally", "dask", "load_study", "open_study", "parse_study", "sensitivity", "study_map", "study_page",
    "study_status", "sweep", "write_table",
]
