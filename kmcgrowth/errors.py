"""Errors of the package: what went wrong, in one clear sentence."""

from __future__ import annotations


class KmcgrowthError(Exception):
    """Any error that the package raises on purpose."""


class BadInput(KmcgrowthError, ValueError):
    """Something the user wrote cannot be used; one sentence says what, where and what would be right."""


class NotBuilt(KmcgrowthError, ImportError):
    """The package was imported from a folder in which its compiled kernels are missing."""


class Interrupted(KmcgrowthError):
    """A run was stopped from outside before it was complete."""
