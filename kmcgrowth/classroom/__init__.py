"""The teaching page: knobs, live pictures and stories over the engines of the package.

``session`` and ``lattice_session`` turn knobs into a recipe, a run and frames, and know nothing of the web; ``stories``
holds what is told; a ``desk`` is a tab's run, and ``server`` shows it.
"""
