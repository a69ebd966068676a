"""Materials: one TOML file each, read by `load_material`.

Every value in a file carries a source and a trust:

- ``read``: read in the cited source;
- ``literature``: in common use, not checked against a source;
- ``derived``: follows from other values of the file, or from data named in the source;
- ``calibrated``: an effective value fitted to what the file says;
- ``placeholder``: not calibrated, only there so that a recipe runs.

A new material is one new file in this folder.
"""

from __future__ import annotations

from kmcgrowth.materials.loader import Material, load_material, material_names
from kmcgrowth.materials.optics import Band, Cluster, Optics

__all__ = ["Band", "Cluster", "Material", "Optics", "load_material", "material_names"]
