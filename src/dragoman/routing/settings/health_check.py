"""When providers are probed: the `health_check` setting and its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman.settings.readers import object_of, record, seconds

__all__ = ["HealthCheckPolicy", "health_check_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckPolicy:
    """Seconds."""

    interval: float = 60.0
    timeout: float = 10.0


def health_check_policy(value: Any, path: str) -> HealthCheckPolicy:
    """`{interval, timeout}`. Raises `ConfigError`."""
    return HealthCheckPolicy(**record(object_of(value, path), path, {"interval": seconds, "timeout": seconds}))
