"""The teaching page: knobs, live pictures and stories over the engines of the package.

``session`` turns knobs into a recipe, a run and frames, and knows nothing of the web; ``stories`` holds what is told;
``page`` shows it.
"""
