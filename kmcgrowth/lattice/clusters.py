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

CELLS = (7, 4, 4)
"""Cells of wurtzite in the box of a cluster, about as wide along all edges."""


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
        our constructions on wurtzite; the comment line of each file says what is known and what is not

    Returns
    -------
    Atoms, in the middle of a box of ``CELLS``

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
    crystal = load_crystal("wurtzite")
    constant = float(found.group(1).split()[0]) / CELLS[0] / ANGSTROM
    box = Box(crystal, CELLS, constant * 1e-9)
    elements = tuple(dict.fromkeys(row.split()[0] for row in rows))
    symbol = np.array([elements.index(row.split()[0]) for row in rows])
    place = np.array([row.split()[1:4] for row in rows], dtype=float) / ANGSTROM / (crystal.cell * constant)
    # A site is where a cell and one of its places meet; coordinates in the files are rounded to 1e-6 angstrom.
    cell = np.rint(place[:, None, :] - crystal.basis).astype(np.int64)
    off = np.abs(place[:, None, :] - crystal.basis - cell).max(axis=2)
    basis = off.argmin(axis=1)
    site = box.join(cell[np.arange(len(basis)), basis], basis)
    if off.min(axis=1).max() > 1e-4 or (box.element(site) != symbol).any():
        raise ValueError(f"{name}: atoms lie off the sites of their elements")
    return Atoms.on(box, site, elements)
