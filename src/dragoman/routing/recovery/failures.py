"""What comes after a failure: the same deployment again, another one, or neither. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from dragoman.errors import APIError

__all__ = ["Failures"]

_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 8.0


class _Failed(NamedTuple):
    times: int
    ready: float
    """Monotonic seconds: when it may be retried."""
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
        """Return the seconds before the same deployment may be retried: its Retry-After, or exponential backoff with full
        jitter."""
        backoff = min(_FIRST_WAIT * 2.0 ** (times - 1), _LONGEST_BACKOFF) * self._chance()
        return max(backoff, error.retry_after or 0.0, self._least_wait)

    def soonest(self, eligible: Collection[str]) -> tuple[str, float] | None:
        """Return the deployment among `eligible` that may be retried first, and when; None if there is none."""
        failures = self._by_deployment.items()
        again = [(failed.ready, name) for name, failed in failures if failed.retry_here and name in eligible]
        if not again:
            return None
        ready, deployment = min(again)
        return deployment, ready
