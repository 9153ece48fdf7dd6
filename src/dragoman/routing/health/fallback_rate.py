"""How many calls of a model group go to its fallbacks: a fallback that always helps hides a failure that stays unrepaired."""

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
"""Parts of a window, which forgets in steps of a twentieth."""
_MAX_ALIASES = 1000
"""With patterns callers make up names. The least recently used ones are forgotten first."""


class FallbackRate(NamedTuple):
    """The rate of one model group within the window."""

    calls: int
    fallbacks: int
    """Calls for which a fallback was called."""
    rate: float
    high: bool
    """Whether a warning was given and still holds."""


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
        # Reentrant: the garbage collector may close a forgotten call in the middle of a step.
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
                    self.count_call(call.record.alias)

        return answer

    def count_call(self, alias: str) -> None:
        """Count a call of this group, which has its answer or has failed."""
        with self._lock:
            last = self._count(alias, 1, 0)
            changed = self._change(alias) if last.fallbacks or alias in self._high else None
        if changed is not None:
            self._report(changed)

    def count_fallback(self, alias: str) -> None:
        """Count the first fallback for a call of this group."""
        with self._lock:
            self._count(alias, 0, 1)

    def read(self) -> Mapping[str, FallbackRate]:
        """Return the rates of the model groups that were called within the window."""
        with self._lock:
            changes = [changed for alias in list(self._parts) if (changed := self._change(alias)) is not None]
            rates = {alias: self._rate(alias) for alias in list(self._parts)}
        for changed in changes:
            self._report(changed)
        return {alias: rate for alias, rate in rates.items() if rate.calls}

    def _count(self, alias: str, calls: int, fallbacks: int) -> _Part:
        """Return the part that the calls were added to."""
        parts = self._parts.get(alias)
        number = self._number()
        if parts is None or parts[-1].number != number:
            parts = self._begin(alias, number)
        last = parts[-1]
        last.calls += calls
        last.fallbacks += fallbacks
        return last

    def _begin(self, alias: str, number: int) -> list[_Part]:
        """Begin a new part, which makes the alias the most recently used one."""
        parts = self._parts[alias] = [*self._parts.pop(alias, ())[-_PARTS:], _Part(number)]
        if len(self._parts) > _MAX_ALIASES:
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

    def _change(self, alias: str) -> FallbackRateHigh | FallbackRateNormal | None:
        """Return the event if the rate has become high, or normal again."""
        calls, fallbacks, rate, high = self._rate(alias)
        if not high and calls >= self._alert.least and rate > self._alert.rate:
            self._high.add(alias)
            return FallbackRateHigh(alias, rate, calls, fallbacks)
        if high and rate <= self._alert.rate:
            self._high.discard(alias)
            return FallbackRateNormal(alias, rate, calls, fallbacks)
        return None

    def _report(self, event: FallbackRateHigh | FallbackRateNormal) -> None:
        how = "many" if isinstance(event, FallbackRateHigh) else "few again"
        arguments = (event.alias, event.fallbacks, event.calls, self._alert.window, how)
        _log.warning("%s: %d of its %d calls of the last %g s went to fallbacks: %s", *arguments)
        self._tell(event)
