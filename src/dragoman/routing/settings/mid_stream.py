"""What follows a stream that breaks off after its first content: the reader of `mid_stream_fallback`."""

from __future__ import annotations

from typing import Any

from dragoman.settings.readers import wrong

__all__ = ["mid_stream_fallback"]


def mid_stream_fallback(value: Any, path: str) -> str:
    """Raises `ConfigError`."""
    if value in ("error", "continue"):
        return str(value)
    raise wrong(path, "`error` or `continue`", value)
