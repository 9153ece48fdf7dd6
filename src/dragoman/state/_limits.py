"""Counters, claims and leases in this process's memory. Time is an argument, and nothing waits: each method is one atomic step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dragoman.state._expiring_dict import ExpiringDict
from dragoman.state._window import Window, milliseconds
from dragoman.state.protocol import Claim, Counter, LimitRefusal

__all__ = ["SLOT_RETRY", "Lease", "LocalLimits", "first_refusal", "lasting"]

SLOT_RETRY = 1.0
"""Seconds after which to try for a slot again."""


@dataclass(slots=True)
class Lease:
    """What was admitted, and in which part of each window. Slots have none."""

    claims: Sequence[Claim]
    parts: Sequence[int | None]
    known_until: float
    """When nothing of it is held any more, and nothing could be corrected."""

    def corrections(self, amounts: Mapping[str, int]) -> Iterable[tuple[Counter, int, int]]:
        """Yield counter, part and change for each claim whose real amount differs."""
        for claim, part in zip(self.claims, self.parts, strict=True):
            change = amounts.get(claim.counter.key, claim.amount) - claim.amount
            if part is not None and change:
                yield claim.counter, part, change

    def slots(self) -> list[Counter]:
        return [claim.counter for claim in self.claims if claim.counter.seconds is None]


def lasting(claims: Sequence[Claim], ttl: float) -> float:
    """Return for how many seconds a lease matters."""
    return max([ttl, *(claim.counter.seconds or 0.0 for claim in claims)]) + 1.0


def first_refusal(refusals: Iterable[LimitRefusal]) -> LimitRefusal | None:
    """Return the refusal that lasts longest."""
    return max(refusals, key=lambda item: math.inf if item.retry_after is None else item.retry_after, default=None)


class LocalLimits:
    """All counters of a process, and its leases."""

    def __init__(self) -> None:
        self._windows: ExpiringDict[Counter, Window] = ExpiringDict(
            lambda window, now: window.is_over(milliseconds(now))
        )
        self._slots: ExpiringDict[Counter, dict[str, float]] = ExpiringDict(_are_free)
        self.leases: ExpiringDict[str, Lease] = ExpiringDict(lambda lease, now: lease.known_until <= now)
        self.watched: dict[str, tuple[Counter, ...]] = {}
        self.shown: dict[Counter, int] = {}
        """The use of the watched counters."""

    def check(self, lease: str, claims: Sequence[Claim]) -> None:
        """Raise `ValueError` for a lease that cannot be acquired at all."""
        if lease in self.leases:
            raise ValueError(f"the lease {lease!r} has been acquired already")
        if len(claims) > 1 and len({claim.counter for claim in claims}) < len(claims):
            raise ValueError(f"the lease {lease!r} claims a counter twice")

    def held_until(self, lease: str, counter: Counter) -> float:
        """Return when the lease's slot is free unless it is renewed."""
        return self._slots.get(counter, {}).get(lease, 0.0)

    def acquire(self, lease: str, claims: Sequence[Claim], ttl: float, now: float) -> LimitRefusal | None:
        self.check(lease, claims)
        refusal = self.refusal(claims, now)
        if refusal is None:
            self.admit(lease, claims, ttl, now)
        return refusal

    def refusal(self, claims: Sequence[Claim], now: float) -> LimitRefusal | None:
        """Return why not all of the claims fit, if so."""
        return first_refusal(refusal for claim in claims if (refusal := self._refusal(claim, now)))

    def _refusal(self, claim: Claim, now: float) -> LimitRefusal | None:
        used = self._used(claim.counter, now, claim.limit)
        if claim.counter.seconds is None:
            if used < claim.limit:
                return None
            return LimitRefusal(claim, used, SLOT_RETRY if claim.limit > 0 else None)
        if used + claim.amount <= claim.limit:
            return None
        window = self._windows.get(claim.counter) or Window(claim.counter.seconds)
        return LimitRefusal(claim, used, window.fits_in(claim.amount, claim.limit, milliseconds(now)))

    def admit(self, lease: str, claims: Sequence[Claim], ttl: float, now: float) -> None:
        """Take what is claimed, whatever the limits."""
        parts = [self._take(lease, claim, ttl, now) for claim in claims]
        self.leases.keep(lease, Lease(claims, parts, now + lasting(claims, ttl)), now)

    def _take(self, lease: str, claim: Claim, ttl: float, now: float) -> int | None:
        counter = claim.counter
        if counter.seconds is None:
            self._slots_of(counter, now)[lease] = now + ttl
            part = None
        else:
            window = self._windows.get(counter) or self._windows.keep(counter, Window(counter.seconds), now)
            part = window.advance(milliseconds(now))
            window.add(claim.amount, part)
        self._show(counter, now)
        return part

    def _slots_of(self, counter: Counter, now: float) -> dict[str, float]:
        # Not `or`: a dictionary without slots is a dictionary.
        slots = self._slots.get(counter)
        return self._slots.keep(counter, {}, now) if slots is None else slots

    def settle(self, lease: str, amounts: Mapping[str, int], now: float) -> None:
        held = self.leases.pop(lease, None)
        if held is None:
            return
        for counter in held.slots():
            self._slots.get(counter, {}).pop(lease, None)
            self._show(counter, now)
        for counter, part, change in held.corrections(amounts):
            if window := self._windows.get(counter):
                window.advance(milliseconds(now))
                window.add(change, part)
                self._show(counter, now)

    def renew(self, lease: str, ttl: float, now: float) -> None:
        held = self.leases.get(lease)
        if held is None:
            return
        held.known_until = max(held.known_until, now + ttl + 1.0)
        for counter in held.slots():
            self._slots_of(counter, now)[lease] = now + ttl
            self._show(counter, now)

    def used(self, counter: Counter, now: float) -> int:
        return self._used(counter, now, 0)

    def _used(self, counter: Counter, now: float, enough: int) -> int:
        """Return what is used. Slots are searched for expired ones only if there are `enough` with them."""
        if counter.seconds is None:
            slots = self._slots.get(counter, {})
            if len(slots) >= enough:
                for lease in [lease for lease, until in slots.items() if until <= now]:
                    del slots[lease]
            return len(slots)
        window = self._windows.get(counter)
        if window is None:
            return 0
        window.advance(milliseconds(now))
        return window.total

    def _show(self, counter: Counter, now: float) -> None:
        if counter in self.shown:
            self.shown[counter] = self._used(counter, now, 0)

    def show_all(self, now: float) -> None:
        for counter in self.shown:
            self.shown[counter] = self._used(counter, now, 0)

    def watch(self, counters: Iterable[Counter], by: str, now: float) -> None:
        self.watched[by] = tuple(counters)
        union = dict.fromkeys(counter for watched in self.watched.values() for counter in watched)
        for counter in self.shown.keys() - union.keys():
            del self.shown[counter]
        for counter in union:
            self.shown[counter] = self._used(counter, now, 0)

    def load_window(self, counter: Counter, last: int, ring: Mapping[int, int], now: float) -> None:
        """Load what all processes together know of a window."""
        if counter.seconds is not None:
            window = self._windows.get(counter) or self._windows.keep(counter, Window(counter.seconds), now)
            window.load(last, ring)
            self._show(counter, now)

    def load_slots(self, counter: Counter, slots: Mapping[str, float], now: float) -> None:
        held = self._slots_of(counter, now)
        held.clear()
        held.update(slots)
        self._show(counter, now)


def _are_free(slots: Mapping[str, float], now: float) -> bool:
    return all(until <= now for until in slots.values())
