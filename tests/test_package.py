"""The package's front door."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kmcgrowth
import kmcgrowth as kg


def test_simulate_stays_the_function() -> None:
    if importlib.util.find_spec("kmcgrowth.simulate") is None:
        pytest.skip("no driver")
    assert inspect.isfunction(kg.simulate)
    module = importlib.import_module("kmcgrowth.simulate")
    assert inspect.ismodule(module)
    assert kg.simulate is module.simulate


def test_simulate_is_the_function_after_its_module_was_imported_first() -> None:
    code = "import kmcgrowth.simulate, kmcgrowth as kg, inspect; assert inspect.isfunction(kg.simulate)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_light() -> None:
    code = (
        "import sys, kmcgrowth; "
        "assert not {'numpy', 'pint', 'pydantic', 'xarray', 'matplotlib'} & set(sys.modules); "
        "assert callable(kmcgrowth.load_recipe) and 'xarray' not in sys.modules and 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names() -> None:
    assert kg.__version__.count(".") == 2
    assert {"load_recipe", "simulate", "size_distribution", "plots", "identical", "open_result"} <= set(dir(kg))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kg.nothing  # noqa: B018


def test_source_without_kernels_says_so(tmp_path: Path) -> None:
    source = Path(kmcgrowth.__file__).parent
    skip = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(source, tmp_path / "kmcgrowth", ignore=skip)
    for code in ("import kmcgrowth.check", "import kmcgrowth.reactor.exact", "import kmcgrowth.reactor.leap"):
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                              env=os.environ | {"PYTHONPATH": str(tmp_path)})
        assert done.returncode == 1 and "without its compiled kernels" in done.stderr.splitlines()[-1]
