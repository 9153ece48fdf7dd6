"""The catalogue that the package's functions and every router of this process share, but those that were given their own."""

from __future__ import annotations

from typing import Any

__all__ = ["CATALOGUE"]

CATALOGUE: Any = None
