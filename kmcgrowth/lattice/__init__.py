"""Atoms on a crystal lattice: nucleation, facets and ripening are read off, not put in."""
