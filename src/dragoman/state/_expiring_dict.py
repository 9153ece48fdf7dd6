"""A dictionary that forgets expired entries, a few at a time, so that no single call pays for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["ExpiringDict"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SWEEP_SIZE = 3
_MAX_ENTRIES = 20_000
"""Of a bounded dictionary."""


class ExpiringDict(dict[K, V], Generic[K, V]):
    """Checks a few other entries for each new one, so that never more than half of the entries have expired."""

    def __init__(self, is_over: Callable[[V, float], bool], *, bounded: bool = False) -> None:
        """`bounded`: callers may make up keys, and losing an entry costs only accuracy. Beyond 20,000 entries each new one replaces
        another."""
        super().__init__()
        self._is_over = is_over
        self._max_entries = _MAX_ENTRIES if bounded else None
        self._sweep_order: OrderedDict[K, None] = OrderedDict()

    def keep(self, key: K, value: V, now: float) -> V:
        """Add an entry, and check some others."""
        if key not in self:
            self._sweep(now)
            if self._max_entries is not None and len(self._sweep_order) >= self._max_entries:
                self.pop(self._sweep_order.popitem(last=False)[0], None)
            self._sweep_order[key] = None
        self[key] = value
        return value

    def _sweep(self, now: float) -> None:
        for _ in range(min(_SWEEP_SIZE, len(self._sweep_order))):
            key, _ = self._sweep_order.popitem(last=False)
            value = self.get(key)
            if value is None:
                continue
            if self._is_over(value, now):
                del self[key]
            else:
                self._sweep_order[key] = None
