"""Outages, counts and times in this process's memory. Time is an argument, and nothing waits: each method is one atomic step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from dragoman.state._expiring_dict import ExpiringDict
from dragoman.state._histogram import HALF_LIFE, Observed
from dragoman.state._window import Window, milliseconds
from dragoman.state.protocol import Counts, Outage, Outcome

__all__ = ["CountKey", "LocalHealth"]

CountKey: TypeAlias = tuple[str, float]
"""A key, and the seconds of its window."""
_OBSERVED_FOR = 12 * HALF_LIFE
"""Seconds after which an observation is forgotten."""


class LocalHealth:
    """All that a process knows of the health of keys."""

    def __init__(self) -> None:
        self.outages: dict[str, Outage] = {}
        self.next_end = math.inf
        """When the next outage ends."""
        self.in_flight: dict[str, int] = {}
        """Of this process."""
        self.in_flight_elsewhere: Mapping[str, int] = {}
        self.in_flight_shown: dict[str, int] = {}
        """Of all processes."""
        self.observed: ExpiringDict[str, Observed] = ExpiringDict(
            lambda item, now: item.last + _OBSERVED_FOR <= now, bounded=True
        )
        self._probes: ExpiringDict[str, float] = ExpiringDict(lambda until, now: until <= now)
        self._counts: ExpiringDict[CountKey, tuple[Window, Window]] = ExpiringDict(_are_over, bounded=True)

    def open_circuit(self, key: str, outage: Outage) -> None:
        current = self.outages.get(key)
        if current is None or current.until <= outage.until:
            self.outages[key] = outage
            self.next_end = min(self.next_end, outage.until)
        self._probes.pop(key, None)

    def close_circuit(self, key: str) -> None:
        self.outages.pop(key, None)
        self._probes.pop(key, None)

    def load_outages(self, outages: Mapping[str, Outage], now: float) -> None:
        """Load what all processes together know."""
        self.outages.clear()
        self.outages.update(outages)
        self.end_outages(now)

    def end_outages(self, now: float) -> None:
        for key in [key for key, outage in self.outages.items() if outage.until <= now]:
            del self.outages[key]
        self.next_end = min((outage.until for outage in self.outages.values()), default=math.inf)

    def claim_probe(self, key: str, ttl: float, now: float) -> bool:
        if self._probes.get(key, 0.0) > now:
            return False
        self._probes.keep(key, now + ttl, now)
        return True

    def count(self, key: str, outcome: Outcome, window: float, now: float) -> Counts:
        now_ms = milliseconds(now)
        successes, failures = self._windows((key, window), now)
        part = successes.advance(now_ms)
        failures.advance(now_ms)
        (successes if outcome == "success" else failures).add(1, part)
        return Counts(successes.total, failures.total)

    def add_counts(self, key: CountKey, counts: Counts, now: float) -> None:
        for part, amount in zip(self._windows(key, now), counts, strict=True):
            part.add(amount, part.advance(milliseconds(now)))

    def counted(self, key: str, window: float, now: float) -> Counts:
        windows = self._counts.get((key, window))
        if windows is None:
            return Counts(0, 0)
        for part in windows:
            part.advance(milliseconds(now))
        return Counts(windows[0].total, windows[1].total)

    def load_counts(
        self, key: CountKey, last: int, rings: tuple[Mapping[int, int], Mapping[int, int]], now: float
    ) -> None:
        for window, ring in zip(self._windows(key, now), rings, strict=True):
            window.load(last, ring)

    def _windows(self, key: CountKey, now: float) -> tuple[Window, Window]:
        return self._counts.get(key) or self._counts.keep(key, (Window(key[1]), Window(key[1])), now)

    def began(self, key: str, change: int) -> None:
        """Change the number of calls in flight here."""
        here = max(self.in_flight.get(key, 0) + change, 0)
        if here:
            self.in_flight[key] = here
        else:
            self.in_flight.pop(key, None)
        self._show(key, here + self.in_flight_elsewhere.get(key, 0))

    def _show(self, key: str, count: int) -> None:
        if count:
            self.in_flight_shown[key] = count
        else:
            self.in_flight_shown.pop(key, None)

    def load_in_flight(self, elsewhere: Mapping[str, int]) -> None:
        keys = self.in_flight_shown.keys() | elsewhere.keys()
        self.in_flight_elsewhere = elsewhere
        for key in keys:
            self._show(key, self.in_flight.get(key, 0) + elsewhere.get(key, 0))

    def observe(
        self, key: str, latency: float, first_content: float | None, per_token: float | None, now: float
    ) -> None:
        observed = self.observed.get(key) or self.observed.keep(key, Observed.nothing(now), now)
        observed.seen(now)
        observed.latency.add(latency, now)
        if first_content is not None:
            observed.first_content.add(first_content, now)
        if per_token is not None:
            observed.per_token.add(per_token, now)


def _are_over(windows: tuple[Window, Window], now: float) -> bool:
    return all(window.is_over(milliseconds(now)) for window in windows)
