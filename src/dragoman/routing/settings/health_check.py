"""TODO dragoman.routing.settings.health_check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dragoman.settings.readers import object_of, record, seconds

__all__ = ["CheckupPolicy", "checkup_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupPolicy:
    """Seconds."""

    interval: float = 60.0
    timeout: float = 10.0


def checkup_policy(value: Any, path: str) -> CheckupPolicy:
    """`{interval, timeout}`. Raises `ConfigError`."""
    return CheckupPolicy(**record(object_of(value, path), path, {"interval": seconds, "timeout": seconds}))
