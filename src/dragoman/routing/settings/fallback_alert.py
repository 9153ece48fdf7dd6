"""When the share of calls that need a fallback is reported: the `fallback_alert` setting and its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman.settings.readers import number, object_of, record, seconds, whole

__all__ = ["FallbackAlert", "fallback_alert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackAlert:
    """When a warning is due."""

    rate: float = 0.1
    """Of the calls within the window: more is too much."""
    window: float = 300.0
    """Seconds."""
    least: int = 20
    """With fewer calls than these nothing is said."""


_READERS = {"rate": number(0, 1), "window": seconds, "least": whole(1)}


def fallback_alert(value: Any, path: str) -> FallbackAlert:
    """`{rate, window, least}`. Raises `ConfigError`."""
    return FallbackAlert(**record(object_of(value, path), path, _READERS))
