"""What is known of a canary's calls, or of those that it is compared with."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, StreamResumed
from dragoman.routing.settings.canary import MOST_CALLS

__all__ = ["CallStats", "Heard", "ratio"]

_ENOUGH = 10
"""Calls of the others with which a canary is compared, at least."""

Heard: TypeAlias = AttemptEnded | CallSucceeded | CallFailed | StreamResumed


class CallStats:
    """Of a canary, or of the others. A bounded number of calls."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._calls: deque[tuple[float, float | None]] = deque(maxlen=MOST_CALLS)
        """(when, milliseconds; None: it failed)."""
        self._broken: deque[tuple[float, float | None]] = deque(maxlen=MOST_CALLS)
        self._costs: deque[tuple[float, float | None]] = deque(maxlen=MOST_CALLS)

    def add(self, event: Heard, now: float) -> None:
        if isinstance(event, AttemptEnded):
            attempt = event.attempt
            if attempt.error is None or attempt.own_fault:
                self._calls.append((now, attempt.milliseconds if attempt.error is None else None))
        elif isinstance(event, (CallFailed, StreamResumed)):
            self._broken.append((now, None))
        elif (cost := event.record.cost) is not None and cost.total is not None:
            self._costs.append((now, float(cost.total)))

    def forget(self, now: float) -> None:
        for known in (self._calls, self._broken, self._costs):
            while known and known[0][0] <= now - self._window:
                known.popleft()

    @property
    def calls(self) -> int:
        return len(self._calls)

    def error_rate(self) -> float | None:
        failed = sum(took is None for _, took in self._calls) + len(self._broken)
        return min(1.0, failed / len(self._calls)) if self._calls else None

    def p95(self) -> float | None:
        took = sorted(item for _, item in self._calls if item is not None)
        return took[(len(took) * 95 - 1) // 100] if len(took) >= _ENOUGH else None

    def mean_cost(self) -> float | None:
        costs = [item for _, item in self._costs if item is not None]
        return sum(costs) / len(costs) if len(costs) >= _ENOUGH else None


def ratio(own: float | None, alternatives: float | None) -> float | None:
    return None if own is None or not alternatives else own / alternatives
