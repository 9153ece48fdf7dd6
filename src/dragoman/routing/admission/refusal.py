"""Build the error of a call that no deployment can take."""

from __future__ import annotations

from dragoman.errors import APIError, RateLimitError, ServiceUnavailableError
from dragoman.routing.selection import NoDeployment

__all__ = ["no_deployment_error"]

_FIRST_LOOK = 1.0
"""Seconds after which to retry, if it is not known when a deployment can take calls."""


def _retry_after(result: NoDeployment, now: float) -> float | None:
    """Return the seconds after which to retry; None if only the request itself is at fault: time does not help then."""
    if result.ready is not None:
        return max(0.0, result.ready - now)
    return _FIRST_LOOK if result.error is None else None


def no_deployment_error(alias: str, result: NoDeployment, now: float) -> APIError:
    """Return the error for a call that no deployment can take now, with the reason of each."""
    reasons = "; ".join(f"{skipped.deployment}: {skipped.reason}" for skipped in result.skipped)
    if result.error is not None:
        kind, code = result.error, result.error.default_code or "no_deployment_available"
    else:
        limited = (RateLimitError, "overloaded")
        kind, code = limited if result.is_limited else (ServiceUnavailableError, "no_deployment_available")
    return kind(
        f"no deployment of {alias!r} can be asked now ({reasons})",
        code=code,
        retry_after=_retry_after(result, now),
    )
