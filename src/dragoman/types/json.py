"""The values of JSON, as the type checker sees them."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["JsonObject"]

JsonObject: TypeAlias = dict[str, Any]
"""A parsed JSON object. Its values are checked where they are read, not by the type checker."""
