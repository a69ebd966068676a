"""Model clusters that ship with the package: small fragments of a crystal, as atoms on its sites."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib import resources

import numpy as np

from kmcgrowth.errors import BadInput
from kmcgrowth.lattice.atoms import Atoms
from kmcgrowth.lattice.sites import Box
from kmcgrowth.materials.crystals import load_crystal

ANGSTROM = 10.0
"""Angstrom in a nanometre."""


@cache
def cluster_names() -> tuple[str, ...]:
    """Names of the clusters that ship, sorted."""
    files = resources.files("kmcgrowth.materials").joinpath("structures").iterdir()
    return tuple(sorted(f.name.removesuffix(".extxyz") for f in files if f.name.endswith(".extxyz")))


def model_cluster(name: str) -> Atoms:
    """Read a cluster that ships.

    Parameters
    ----------
    name : "InAs_magic" and "InAs_amorphous" stand for the magic-size and the amorphous In39As22 of
        10.1021/jacsau.3c00809, "InAs_In26As18" has the formula of the crystal of 10.1021/acscentsci.3c01451. All are
        our constructions on zincblende; the comment line of each file says what is known and what is not

    Returns
    -------
    Atoms, in the middle of a box of five cells

    Raises
    ------
    BadInput : no such cluster; the sentence suggests the nearest name.
    """
    if name not in cluster_names():
        close = get_close_matches(name, cluster_names(), n=1, cutoff=0.4)
        hint = f'; did you mean "{close[0]}"?' if close else "."
        raise BadInput(f'cluster: "{name}" is not one of {", ".join(cluster_names())}{hint}')
    file = resources.files("kmcgrowth.materials").joinpath("structures", f"{name}.extxyz")
    _, head, *rows = file.read_text(encoding="utf-8").splitlines()
    found = re.search(r'Lattice="([^"]*)"', head)
    if found is None:
        raise ValueError(f"{name}: no Lattice in the comment line")
    cells = 5
    edge = float(found.group(1).split()[0]) / ANGSTROM
    crystal = load_crystal("zincblende")
    box = Box(crystal, (cells, cells, cells), edge / cells * 1e-9)
    elements = tuple(dict.fromkeys(row.split()[0] for row in rows))
    symbol = np.array([elements.index(row.split()[0]) for row in rows])
    place = np.array([row.split()[1:4] for row in rows], dtype=float) / ANGSTROM * cells / edge
    # A site is where a cell and one of its places meet; coordinates in the files are rounded to 1e-6 angstrom.
    quarter = np.rint(4 * place).astype(np.int64)
    known = {tuple(p): b for b, p in enumerate(np.rint(4 * crystal.basis).astype(np.int64).tolist())}
    basis = np.array([known[tuple(p)] for p in np.mod(quarter, 4).tolist()])
    site = box.join(quarter // 4, basis)
    if np.abs(4 * place - quarter).max() > 1e-4 or (box.element(site) != symbol).any():
        raise ValueError(f"{name}: atoms lie off the sites of their elements")
    return Atoms.on(box, site, elements)
