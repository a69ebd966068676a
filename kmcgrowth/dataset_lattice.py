"""What a lattice adds to the dataset: what its atoms did, and where they are at some moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcgrowth.model.run import Counts
from kmcgrowth.model.types import Model
from kmcgrowth.physics.constants import ELEMENTARY_CHARGE, N_A
from kmcgrowth.provenance import to_json

Variable = tuple[tuple[str, ...], NDArray[Any], str, str]

_TOLD = {
    "attached": "atoms attached so far",
    "detached": "atoms detached so far",
    "hopped": "hops of atoms on the surface so far",
}


def atom_variables(runs: Sequence[Sequence[Counts]]) -> dict[str, Variable]:
    """Variables over (replicate, time, ...), without the replicate and the time in their dims."""

    def over(value: Any, dtype: Any) -> NDArray[Any]:
        return np.array([[value(c.lattice) for c in run] for run in runs], dtype=dtype)

    found: dict[str, Variable] = {
        name: ((), over(lambda told, n=name: told[n], np.int64), "1", long_name) for name, long_name in _TOLD.items()
    }
    dissolved = over(lambda told: told["dissolved_atoms"], np.int64)
    found["dissolved_atoms"] = (("site_kind",), dissolved, "1", "single atoms in the simulated volume")
    exposure = over(lambda told: told["exposure"], np.float64)
    found["exposure"] = (("site_kind",), exposure, "s", "single atoms in the simulated volume, summed over time")
    flat = over(lambda told: told["solubility"] / (N_A * 1e3), np.float64)
    found["solubility"] = ((), flat, "mol/L", "solubility of a flat surface")
    energy = over(lambda told: told["energy"] / ELEMENTARY_CHARGE, np.float64)
    found["crystal_energy"] = ((), energy, "eV", "energy of all crystals against single atoms")
    return found


def imposed(counts: Counts) -> float:
    """Concentration of monomer in a fixed solution, the geometric mean of its elements [mol/L]."""
    assert counts.lattice is not None
    return float(counts.supersaturation * counts.lattice["solubility"] / (N_A * 1e3))


def atom_coordinates(model: Model, run: Sequence[Counts]) -> dict[str, Variable]:
    """The kinds of sites, and the frames of one run: ``atom_site`` and ``atom_seed`` of one after the other."""
    assert model.lattice is not None
    frames = [c for c in run if c.lattice is not None and "site" in c.lattice]
    told = [c.lattice for c in frames if c.lattice is not None]
    site = np.concatenate([t["site"] for t in told] or [np.zeros(0)]).astype(np.int32)
    seed = np.concatenate([t["seed"] for t in told] or [np.zeros(0)]).astype(np.int8)
    found: dict[str, Variable] = {
        "site_kind": (("site_kind",), np.array(model.lattice.symbols), "1", 'element; "X" is a whole formula unit'),
    }
    if frames:
        found |= {
            "frame_time": (("frame",), np.array([c.time for c in frames]), "s", "time of a frame"),
            "frame_atoms": (("frame",), np.array([len(t["site"]) for t in told]), "1", "atoms in a frame"),
            "atom_site": (("atom",), site, "1", "occupied sites, frame after frame"),
            "atom_seed": (("atom",), seed, "1", "1 for an atom of a particle that was there at the start"),
        }
    if frames and "walker_kind" in told[0]:
        kinds = [*model.lattice.symbols, *model.species[1:]]
        found |= {
            "walker_name": (("walker_species",), np.array(kinds), "1", "what walks"),
            "frame_walkers": (("frame",), np.array([len(t["walker_kind"]) for t in told]), "1", "walkers in a frame"),
            "walker_kind": (("walker",), np.concatenate([t["walker_kind"] for t in told]), "1", "which of walker_name"),
            "walker_point": (("walker", "axis"), np.concatenate([t["walker_point"] for t in told]), "1",
                             "grid point of a walker, frame after frame"),
        }
    return found


def crystal_attribute(model: Model) -> str:
    """The lattice as JSON: crystal, cells, lattice constant [m], what sits on the sites, energies [eV]."""
    lattice = model.lattice
    assert lattice is not None
    return to_json({
        "crystal": lattice.crystal.name, "cells": list(lattice.cells), "constant_m": lattice.constant,
        "symbols": list(lattice.symbols), "bond_eV": lattice.bond / ELEMENTARY_CHARGE,
        "second_bond_eV": lattice.second_bond / ELEMENTARY_CHARGE, "ligand_eV": lattice.ligand / ELEMENTARY_CHARGE,
        "solution": lattice.solution,
    })
