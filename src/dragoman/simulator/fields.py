"""Fields of a request whose shape was checked: absent and null mean the same."""

from __future__ import annotations

from typing import Any

__all__ = ["list_in", "object_in"]


def list_in(holder: Any, name: str) -> list[Any]:
    """Return the list in a field; an empty one where there is none."""
    return holder.get(name) or []


def object_in(holder: Any, name: str) -> dict[str, Any]:
    """Return the object in a field; an empty one where there is none."""
    return holder.get(name) or {}
