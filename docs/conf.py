"""How Sphinx builds the documentation: ``sphinx-build -W docs build/docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from kmcgrowth import __version__  # noqa: E402

project = "kmcgrowth"
author = "The kmcgrowth developers"
copyright = author
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "docstrings", "mathml", "generated"]
exclude_patterns = ["_build", "_ext", "**.ipynb_checkpoints"]
templates_path: list[str] = []
highlight_language = "text"

html_theme = "furo"
html_title = f"kmcgrowth {version}"
html_math_renderer = "mathml"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["kmcgrowth.css"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_dmath_allow_space = False
myst_heading_anchors = 3
myst_url_schemes = ["http", "https", "mailto"]

nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
