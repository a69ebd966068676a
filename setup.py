"""Compile the kernels in ext/ into modules of kmcgrowth; all else is in pyproject.toml.

Environment: ``KMCGROWTH_BUILD=checked`` compiles with bounds checks, ``KMCGROWTH_BUILD=sanitize`` with
AddressSanitizer and UndefinedBehaviorSanitizer.
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

build = os.environ.get("KMCGROWTH_BUILD", "")
checked = build in ("checked", "sanitize")
flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"] if build == "sanitize" else ["-O3"]
npyrandom = Path(np.get_include()).parents[1] / "random" / "lib"

includes = sorted(Path("ext").glob("*.px[di]"))
extensions = [
    Extension(
        "kmcgrowth.reactor._exact",
        ["ext/exact.pyx"],
        include_dirs=[np.get_include()],
        library_dirs=[str(npyrandom)],
        libraries=["npyrandom"] + ([] if os.name == "nt" else ["m"]),
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=[] if os.name == "nt" else flags,
        extra_link_args=["-fsanitize=address,undefined"] if build == "sanitize" else [],
        depends=[str(p) for p in includes if not p.name.startswith("balance")],
    ),
    Extension(
        "kmcgrowth.reactor._balance",
        ["ext/balance.pyx"],
        include_dirs=[np.get_include()],
        libraries=[] if os.name == "nt" else ["m"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=[] if os.name == "nt" else flags,
        extra_link_args=["-fsanitize=address,undefined"] if build == "sanitize" else [],
        depends=[str(p) for p in includes if p.suffix == ".pxd" or p.name.startswith("balance")],
    ),
]

setup(
    ext_modules=cythonize(
        extensions,
        include_path=["ext"],
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "cdivision": True,
        },
    )
)
