"""Classify failures: whose fault they are, and for how long they take a deployment or a credential out."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from dragoman.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    AuthenticationError,
    InsufficientQuotaError,
    InternalServerError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    Timeout,
)
from dragoman.routing.settings.health import HealthPolicy

__all__ = ["LIMIT_ERRORS", "Fault", "TimeLimits", "allowed_fails", "fault_of", "outage_duration", "timed_out_early"]


class Fault(enum.Enum):
    """What a failure is the fault of, and so what gets no further calls."""

    REQUEST = "request"
    """The request itself, or its caller: nothing is learned about the deployment."""
    LIMIT = "limit"
    """The deployment, until its limit resets: known at once, and over at a known time."""
    DEPLOYMENT = "deployment"
    """The deployment. One failure may be chance, several are not."""
    GONE = "gone"
    """The deployment, at once: its model does not exist, or may not be used with this key."""
    CREDENTIAL = "credential"
    """The credential, and so every deployment that uses it."""


_FAULTS: tuple[tuple[type[APIError], Fault], ...] = (
    (InsufficientQuotaError, Fault.CREDENTIAL),
    (AuthenticationError, Fault.CREDENTIAL),
    (PaymentRequiredError, Fault.CREDENTIAL),
    (RateLimitError, Fault.LIMIT),
    (PermissionDeniedError, Fault.GONE),
    (NotFoundError, Fault.GONE),
    (APIConnectionError, Fault.DEPLOYMENT),
    (APIResponseValidationError, Fault.DEPLOYMENT),
    (InternalServerError, Fault.DEPLOYMENT),
)
"""The first that fits. Every other error is the request's own."""


LIMIT_ERRORS = frozenset({"RateLimitError"})
"""The classes of errors whose outage is over at a known time, so that no probe is needed."""


_NOT_OFFERED = "unsupported_operation"
"""The code of our own error for an operation that the provider does not offer: it was not called."""


def fault_of(error: BaseException) -> Fault:
    """Return whose fault an error is; `Fault.REQUEST` also for a caller that has left."""
    if getattr(error, "code", None) == _NOT_OFFERED:
        return Fault.REQUEST
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), Fault.REQUEST)


def allowed_fails(error: BaseException, *policies: Mapping[str, int]) -> int | None:
    """Return the number of failures that the first policy allows that names the class of the error, or a base class of it."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return next((policy[kind] for policy in policies for kind in kinds if kind in policy), None)


TimeLimits: TypeAlias = Sequence[tuple[float, float]]
"""(limit, usual limit) of an attempt, in seconds, for each of its limits."""
_LESS = 0.95
_AT_ONCE = 0.05
"""Seconds by which a time-out may be early."""


def timed_out_early(error: BaseException, took: float, limits: TimeLimits) -> bool:
    """Whether a time-out came sooner than the deployment may usually take, because the caller allows less, or earlier attempts have
    used up its time."""
    if not isinstance(error, Timeout):
        return False
    return any(limit < usual * _LESS and took >= limit - _AT_ONCE for limit, usual in limits)


def outage_duration(
    policy: HealthPolicy, fault: Fault, times: int, retry_after: float | None, cooldown: float | None = None
) -> float:
    """Return the seconds of the outage that begins for the `times`th time in a row; `cooldown` is the deployment's own."""
    first = policy.credential_cooldown if fault is Fault.CREDENTIAL else (cooldown or policy.cooldown)
    grown = min(first * 2.0 ** (times - 1), max(first, policy.longest_cooldown))
    if retry_after is None:
        return grown
    retry_after = min(retry_after, policy.longest_retry_after)
    return retry_after if fault is Fault.LIMIT else max(grown, retry_after)
