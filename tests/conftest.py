"""Fixtures that several test files share."""

from __future__ import annotations

import importlib
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
