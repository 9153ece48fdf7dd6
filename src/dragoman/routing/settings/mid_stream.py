"""TODO dragoman.routing.settings.mid_stream."""

from __future__ import annotations

from typing import Any

from dragoman.settings.readers import wrong

__all__ = ["mid_stream_fallback"]


def mid_stream_fallback(value: Any, path: str) -> str:
    """Raises `ConfigError`."""
    if value in ("error", "continue"):
        return str(value)
    raise wrong(path, "`error` or `continue`", value)
