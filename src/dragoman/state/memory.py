"""The store of one process: everything is known at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from dragoman.state._health import LocalHealth
from dragoman.state._limits import LocalLimits
from dragoman.state.protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    Counts,
    LimitRefusal,
    Outage,
    Outcome,
    StoreState,
    View,
)

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps everything in dictionaries that forget what is over. Any thread may use it: each verb is one short step under a
    lock."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.limits = LocalLimits()
        self.health = LocalHealth()
        self.lock = threading.RLock()
        self._next_tick = -math.inf
        self._state = StoreState("local", now())
        self._view = View(
            outages=self.health.outages,
            in_flight=self.health.in_flight_shown,
            observed=self.health.observed,
            used=self.limits.shown,
        )

    @property
    def state(self) -> StoreState:
        return self._state

    async def open(self) -> None:
        """There is nothing to open."""

    async def refresh(self) -> None:
        """There is no other process to exchange state with."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        with self.lock:
            return self.limits.acquire(lease, claims, ttl, self.now())

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        with self.lock:
            return self.limits.refusal(claims, self.now())

    def admit(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> None:
        """Take what another store has admitted."""
        with self.lock:
            self.limits.admit(lease, claims, ttl, self.now())

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        with self.lock:
            self.limits.settle(lease, amounts or {}, self.now())

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        with self.lock:
            self.limits.renew(lease, ttl, self.now())

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        with self.lock:
            now = self.now()
            return tuple(self.limits.used(counter, now) for counter in counters)

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        with self.lock:
            self.limits.watch(counters, by, self.now())

    def open_circuit(self, key: str, outage: Outage) -> None:
        with self.lock:
            self.health.open_circuit(key, outage)
            self._next_tick = min(self._next_tick, outage.until)

    def close_circuit(self, key: str) -> None:
        with self.lock:
            self.health.close_circuit(key)

    async def claim_probe(self, key: str, ttl: float) -> bool:
        with self.lock:
            return self.health.claim_probe(key, ttl, self.now())

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        with self.lock:
            return self.health.count(key, outcome, window, self.now())

    def counted(self, key: str, window: float) -> Counts:
        with self.lock:
            return self.health.counted(key, window, self.now())

    def began(self, key: str) -> None:
        with self.lock:
            self.health.began(key, 1)

    def ended(self, key: str) -> None:
        with self.lock:
            self.health.began(key, -1)

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        per_token = milliseconds / tokens if tokens else None
        with self.lock:
            self.health.observe(key, milliseconds, first_content_ms, per_token, self.now())

    def view(self) -> View:
        now = self.now()
        if now >= self._next_tick:
            with self.lock:
                self.tick(now)
        return self._view

    def tick(self, now: float) -> None:
        """Apply what time alone changes: outages end at their time, and what leaves a window is noticed once a second."""
        self.health.end_outages(now)
        self.limits.show_all(now)
        self._next_tick = min(now + 1.0, self.health.next_end)
