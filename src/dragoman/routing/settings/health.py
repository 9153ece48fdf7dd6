"""When failures take a deployment out of rotation, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["HealthPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """When a deployment is taken out, and for how long. Times are seconds."""

    disabled: bool = False
    allowed_fails: int = 3
    """Failures in a row that are still chance."""
    allowed_fails_by_error: Mapping[str, int] = field(default_factory=dict)
    """The same by the class of the error."""
    failure_rate: float = 0.5
    """With at least `least_calls` in the window, a higher share of failures takes out too."""
    least_calls: int = 5
    window: float = 60.0
    cooldown: float = 5.0
    """The first time; it doubles with each further one in a row."""
    longest_cooldown: float = 300.0
    longest_retry_after: float = 86400.0
    """A provider that names a later time than this is asked again nevertheless."""
    credential_cooldown: float = 60.0
    """A key that is refused is seldom right a second later."""
