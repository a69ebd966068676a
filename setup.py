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


def kernel(name: str, source: str, *mine: str, random: bool = True) -> Extension:
    """A kernel, made of ``ext/source.pyx`` and of the included files whose names begin with one of ``mine``."""
    parts = [p for p in sorted(Path("ext").glob("*.px[di]")) if p.suffix == ".pxd" or p.name.startswith(mine)]
    return Extension(
        name,
        [f"ext/{source}.pyx"],
        include_dirs=[np.get_include()],
        library_dirs=[str(npyrandom)] if random else [],
        libraries=(["npyrandom"] if random else []) + ([] if os.name == "nt" else ["m"]),
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=[] if os.name == "nt" else flags,
        extra_link_args=["-fsanitize=address,undefined"] if build == "sanitize" else [],
        depends=[str(p) for p in parts],
    )


extensions = [
    kernel(
        "kmcgrowth.reactor._exact", "exact", "pause", "draws", "ensemble", "banding", "chemistry", "meanfield", "loop",
        "kernel", "leap",
    ),
    kernel("kmcgrowth.reactor._balance", "balance", "balance", random=False),
    kernel("kmcgrowth.lattice._lattice", "lattice", "pause", "stream", "lattice"),
    kernel("kmcgrowth.lattice._walk", "walk", "pause", "stream", "lattice", "walk"),
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
