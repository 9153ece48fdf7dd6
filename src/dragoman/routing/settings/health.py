"""When failures take a deployment out of rotation, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dragoman.routing.settings.deployment_keys import ALLOWED_FAILS
from dragoman.settings.readers import boolean, seconds, whole
from dragoman.settings.setting import setting

__all__ = ["HealthPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """When a deployment is taken out, and for how long. Times are seconds."""

    disabled: bool = setting(False, boolean, "no failure takes a deployment out", name="disable_cooldowns")
    allowed_fails: int = setting(
        3, whole(), "failures in a row that do not take a deployment out", also=("litellm_settings.allowed_fails",)
    )
    allowed_fails_by_error: Mapping[str, int] = setting(
        factory=dict,
        read=ALLOWED_FAILS,
        doc="the same by the class of the error: `TimeoutErrorAllowedFails`, `RateLimitErrorAllowedFails`, "
        "`InternalServerErrorAllowedFails`, `BadRequestErrorAllowedFails`, `AuthenticationErrorAllowedFails`, "
        "`ContentPolicyViolationErrorAllowedFails`",
        name="allowed_fails_policy",
        kind="mapping",
    )
    failure_rate: float = 0.5
    """With at least `least_calls` in the window, a higher share of failures takes a deployment out too."""
    least_calls: int = 5
    window: float = 60.0
    cooldown: float = setting(
        5.0,
        seconds,
        "the length of a deployment's first cooldown; it doubles with each further one in a row, up to five minutes",
        name="cooldown_time",
        also=("litellm_settings.cooldown_time",),
    )
    longest_cooldown: float = 300.0
    longest_retry_after: float = 86400.0
    """The longest `Retry-After` of a provider that is honoured."""
    credential_cooldown: float = 60.0
    """A refused key is seldom accepted a second later."""
