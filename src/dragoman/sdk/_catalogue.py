"""The catalogue that the package's functions and every router of this process share, but those that were given their own."""

from __future__ import annotations

from dragoman.models import Catalogue

__all__ = ["CATALOGUE"]

CATALOGUE = Catalogue()
