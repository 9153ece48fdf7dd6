"""Build the error of a call that no deployment can take."""

from __future__ import annotations

from dragoman.errors import APIError, RateLimitError, ServiceUnavailableError
from dragoman.routing.selection import NoDeployment

__all__ = ["no_deployment_error"]


_FIRST_LOOK = 1.0
"""Seconds, where nobody knows when somebody can be asked."""


def _retry_after(nobody: NoDeployment, now: float) -> float | None:
    """Seconds; where only the request itself is at fault, time does not help."""
    if nobody.ready is not None:
        return max(0.0, nobody.ready - now)
    return _FIRST_LOOK if nobody.error is None else None


def no_deployment_error(alias: str, nobody: NoDeployment, now: float) -> APIError:
    """The error for a call that no deployment can take now, with what each of them said."""
    reasons = "; ".join(f"{passed.deployment}: {passed.reason}" for passed in nobody.skipped)
    if nobody.error is not None:
        kind, code = nobody.error, nobody.error.default_code or "no_deployment_available"
    else:
        full = nobody.is_limited
        kind, code = (RateLimitError, "overloaded") if full else (ServiceUnavailableError, "no_deployment_available")
    return kind(
        f"no deployment of {alias!r} can be asked now ({reasons})",
        code=code,
        retry_after=_retry_after(nobody, now),
    )
