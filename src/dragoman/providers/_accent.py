"""Which accent a row names or describes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["accent_from"]


def accent_from(row: Mapping[str, Any], path: str) -> Any:
    """The dialect's accent record for this row, or None."""
    named = row.get("accent")
    if named is None:
        return None
    return _accents().get(named) if isinstance(named, str) else None


def _accents() -> Mapping[str, Any]:
    try:
        accents: Mapping[str, Any] = importlib.import_module("dragoman.dialects.openai_chat.accents").ACCENTS
    except ImportError:
        return {}
    return accents
