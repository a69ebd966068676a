"""Formulas of nucleation and growth, one theme a module: numbers and arrays in, arrays out, SI units.

Every function takes floats, numpy arrays or objects that behave like them, broadcasts them, and returns
the same kind. Paper, equation, range and units stand in each docstring.
"""
