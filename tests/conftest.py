"""Fixtures that several test files share."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def factories() -> ModuleType:
    """Synthetic models and histories: ``model``, ``counts``, ``focusing``, ``units``, ``dataset``."""
    return importlib.import_module("factories")


@pytest.fixture(scope="session")
def synthetic_result(factories: ModuleType) -> Any:
    """Seeds that focus from 2.5 nm +- 12 % to 4.8 nm +- 4.5 % and a nucleated population; not to be changed."""
    return factories.dataset(*factories.focusing(nucleates=True, particles=4000, snapshots=13))


@pytest.fixture(scope="session")
def many_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a study of 132 runs holds that was run without a break; not to be changed."""
    from studies import MANY, contents, study_file

    from kmcgrowth.studies import load_study, sweep

    folder = tmp_path_factory.mktemp("whole")
    with ThreadPoolExecutor(2) as pool:
        sweep(load_study(study_file(folder, more=MANY)), folder / "out", executor=pool, workers=2)
    found = contents(folder / "out")
    assert len(found) == 2 * 132
    return found
