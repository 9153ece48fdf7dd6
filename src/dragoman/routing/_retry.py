"""What comes after a failure: the same deployment again, another one, or neither. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.errors import APIError, RateLimitError, ServiceUnavailableError, UnsupportedAbilityError
from dragoman.routing._group import NoChoice

__all__ = ["Failures", "RetryPolicy", "nobody_can_be_asked"]

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 8.0
_FIRST_LOOK = 1.0
"""Seconds, where nobody knows when somebody can be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, by the class of the error; a class that is not there is retried as often as `num_retries` says."""

    retries: Mapping[str, int] = field(default_factory=dict)

    def allows(self, error: APIError, so_far: int) -> bool:
        """Whether the `so_far`th error of this class is followed by another attempt."""
        if isinstance(error, UnsupportedAbilityError):
            return True  # nobody was asked
        limit = next(
            (self.retries[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in self.retries), None
        )
        return limit is None or so_far <= limit


class _Failed(NamedTuple):
    times: int
    ready: float
    """Monotonic seconds: when it may be asked again."""
    retry_here: bool


class Failures:
    """What has failed in one asking of a group, by the id of the deployment."""

    def __init__(self, chance: Callable[[], float], least_wait: float) -> None:
        self._chance = chance
        self._least_wait = least_wait
        self._by_deployment: dict[str, _Failed] = {}
        self._by_error: dict[str, int] = {}

    @property
    def tried(self) -> Mapping[str, object]:
        return self._by_deployment

    def add(self, deployment: str, error: APIError, now: float) -> int:
        """Remember one; gives how many there are of its class."""
        known = self._by_deployment.get(deployment)
        times = known.times + 1 if known else 1
        self._by_deployment[deployment] = _Failed(times, now + self._wait(error, times), error.retry_here)
        of_its_class = self._by_error[type(error).__name__] = self._by_error.get(type(error).__name__, 0) + 1
        return of_its_class

    def _wait(self, error: APIError, times: int) -> float:
        """Seconds before the same deployment may be asked again: as it asked, or exponential backoff with full jitter."""
        backoff = min(_FIRST_WAIT * 2.0 ** (times - 1), _LONGEST_BACKOFF) * self._chance()
        return max(backoff, error.retry_after or 0.0, self._least_wait)

    def soonest(self, able: Collection[str]) -> tuple[str, float] | None:
        """The deployment that may be asked again first, and when; None where none of those that are `able` may."""
        failures = self._by_deployment.items()
        again = [(failed.ready, name) for name, failed in failures if failed.retry_here and name in able]
        if not again:
            return None
        ready, deployment = min(again)
        return deployment, ready


def _retry_after(nobody: NoChoice, now: float) -> float | None:
    """Seconds; where only the request itself is at fault, time does not help."""
    if nobody.ready is not None:
        return max(0.0, nobody.ready - now)
    return _FIRST_LOOK if nobody.error is None else None


def nobody_can_be_asked(alias: str, nobody: NoChoice, now: float) -> APIError:
    """The error for a call that no deployment can take now, with what each of them said."""
    reasons = "; ".join(f"{passed.deployment}: {passed.reason}" for passed in nobody.passed_over)
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
