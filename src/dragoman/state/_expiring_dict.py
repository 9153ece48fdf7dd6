"""A dictionary that forgets what is over, a few entries at a time, so that no call ever pays for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["ExpiringDict"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_AT_A_TIME = 3
_MOST = 20_000
"""Entries of one that is bounded."""


class ExpiringDict(dict[K, V], Generic[K, V]):
    """Each new entry has a few others looked at, so that never more than half of the entries are over."""

    def __init__(self, is_over: Callable[[V, float], bool], *, bounded: bool = False) -> None:
        """`bounded`: callers may make up keys, and what is forgotten is only knowledge; beyond 20,000 entries each new one has
        another forgotten."""
        super().__init__()
        self._is_over = is_over
        self._most = _MOST if bounded else None
        self._turns: OrderedDict[K, None] = OrderedDict()

    def keep(self, key: K, value: V, now: float) -> V:
        """Add an entry, and look at some others."""
        if key not in self:
            self._sweep(now)
            if self._most is not None and len(self._turns) >= self._most:
                self.pop(self._turns.popitem(last=False)[0], None)
            self._turns[key] = None
        self[key] = value
        return value

    def _sweep(self, now: float) -> None:
        for _ in range(min(_AT_A_TIME, len(self._turns))):
            key, _ = self._turns.popitem(last=False)
            value = self.get(key)
            if value is None:
                continue
            if self._is_over(value, now):
                del self[key]
            else:
                self._turns[key] = None
