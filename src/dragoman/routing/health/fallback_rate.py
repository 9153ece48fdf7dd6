"""How many calls of a model group go to its fallbacks: a fallback that always helps hides a failure that nobody mends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dragoman.observe import Event, FallbackRateHigh, FallbackRateNormal
from dragoman.routing.call import Answer, Answerer, Call, StreamAnswer
from dragoman.routing.settings.fallback_alert import FallbackAlert

__all__ = ["FallbackRate", "FallbackRates"]

_log = logging.getLogger("dragoman.routing")
_PARTS = 20
"""Of a window: it forgets in steps of a twentieth."""
_MOST_ALIASES = 1000
"""With patterns callers make up names: those that were not asked for longest are forgotten first."""


class FallbackRate(NamedTuple):
    """Of one model group, within the window."""

    calls: int
    fallbacks: int
    """Calls that a fallback was asked for."""
    rate: float
    high: bool
    """A warning has been given, and it is not over."""


@dataclass(slots=True)
class _Part:
    number: int
    calls: int = 0
    fallbacks: int = 0


class FallbackRates:
    """Counts every call, in this process alone and in bounded memory."""

    def __init__(self, alert: FallbackAlert, now: Callable[[], float], tell: Callable[[Event], None]) -> None:
        self._alert = alert
        self._now = now
        self._tell = tell
        # Held again by the same thread where the collector closes a forgotten call in the middle of a step.
        self._lock = threading.RLock()
        self._parts: dict[str, list[_Part]] = {}
        self._high: set[str] = set()

    def around(self, answerer: Answerer) -> Answerer:
        """Return an answerer that counts every call when it has its answer, or has failed."""

        async def answer(call: Call) -> Answer | StreamAnswer:
            try:
                return await answerer(call)
            finally:
                if call.record is not None and call.record.alias:
                    self.called(call.record.alias)

        return answer

    def called(self, alias: str) -> None:
        """A call of this group has its answer, or has failed."""
        with self._lock:
            last = self._count(alias, 1, 0)
            changed = self._judged(alias) if last.fallbacks or alias in self._high else None
        if changed is not None:
            self._say(changed)

    def fell_back(self, alias: str) -> None:
        """A fallback is asked for the first time for a call of this group."""
        with self._lock:
            self._count(alias, 0, 1)

    def read(self) -> Mapping[str, FallbackRate]:
        """By model group, of those that were asked within the window."""
        with self._lock:
            changes = [changed for alias in list(self._parts) if (changed := self._judged(alias)) is not None]
            rates = {alias: self._rate(alias) for alias in list(self._parts)}
        for changed in changes:
            self._say(changed)
        return {alias: rate for alias, rate in rates.items() if rate.calls}

    def _count(self, alias: str, calls: int, fallbacks: int) -> _Part:
        """The part that it was added to."""
        parts = self._parts.get(alias)
        number = self._number()
        if parts is None or parts[-1].number != number:
            parts = self._begin(alias, number)
        last = parts[-1]
        last.calls += calls
        last.fallbacks += fallbacks
        return last

    def _begin(self, alias: str, number: int) -> list[_Part]:
        """A new part, which makes the alias the one that was asked for last."""
        parts = self._parts[alias] = [*self._parts.pop(alias, ())[-_PARTS:], _Part(number)]
        if len(self._parts) > _MOST_ALIASES:
            oldest = next(iter(self._parts))
            del self._parts[oldest]
            self._high.discard(oldest)
        return parts

    def _number(self) -> int:
        return int(self._now() * _PARTS / self._alert.window)

    def _rate(self, alias: str) -> FallbackRate:
        oldest = self._number() - _PARTS
        within = [part for part in self._parts[alias] if part.number > oldest]
        calls, fallbacks = sum(part.calls for part in within), sum(part.fallbacks for part in within)
        return FallbackRate(calls, fallbacks, fallbacks / calls if calls else 0.0, alias in self._high)

    def _judged(self, alias: str) -> FallbackRateHigh | FallbackRateNormal | None:
        """What has changed."""
        calls, fallbacks, rate, high = self._rate(alias)
        if not high and calls >= self._alert.least and rate > self._alert.rate:
            self._high.add(alias)
            return FallbackRateHigh(alias, rate, calls, fallbacks)
        if high and rate <= self._alert.rate:
            self._high.discard(alias)
            return FallbackRateNormal(alias, rate, calls, fallbacks)
        return None

    def _say(self, event: FallbackRateHigh | FallbackRateNormal) -> None:
        how = "many" if isinstance(event, FallbackRateHigh) else "few again"
        told = (event.alias, event.fallbacks, event.calls, self._alert.window, how)
        _log.warning("%s: %d of its %d calls of the last %g s went to fallbacks: %s", *told)
        self._tell(event)
