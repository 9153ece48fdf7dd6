"""A sliding window in sixtieths: constant memory, never early, up to a sixtieth late. `lua/_window.lua` is the same in Redis."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["PARTS", "Window", "milliseconds", "parts_of", "width_of"]

PARTS = 60


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def width_of(seconds: float) -> int:
    """Milliseconds of one part."""
    return max(1, math.ceil(seconds * 1000 / PARTS))


def parts_of(seconds: float) -> int:
    """Return how many parts are kept: as many as a window of that length can touch."""
    return math.ceil(seconds * 1000 / width_of(seconds)) + 1


class Window:
    """Amounts by part; parts are numbered since 1970, and kept in a ring."""

    __slots__ = ("_last", "_newest", "_ring", "_size", "total", "width")

    def __init__(self, seconds: float) -> None:
        self.width = width_of(seconds)
        self._size = parts_of(seconds)
        self._ring: dict[int, int] = {}
        self._last = 0
        self._newest = 0
        self.total = 0
        """What is used, as of the last `advance`."""

    def load(self, last: int, ring: Mapping[int, int]) -> None:
        """Replace what is kept by what another store knows."""
        self._last = self._newest = last
        self._ring = dict(ring)
        self.total = sum(ring.values())

    def advance(self, now_ms: int) -> int:
        """Forget what has left the window, and return the current part."""
        current = now_ms // self.width
        gone = current - self._last
        if gone < 0 and gone > -self._size:
            return self._last  # the clock was set back a little: time stands still meanwhile
        if gone:
            if gone < 0 or gone >= self._size or not self._ring:
                self._ring.clear()
                self.total = 0
            else:
                self._forget(current)
            self._last = current
        return current

    def _forget(self, current: int) -> None:
        ring, size = self._ring, self._size
        for part in range(self._last + 1, current + 1):
            self.total -= ring.pop(part % size, 0)

    def add(self, amount: int, part: int) -> None:
        """Add to a part. One that has left the window is left alone."""
        self._newest = max(self._newest, part)
        if amount and self._last - self._size < part <= self._last:
            self._ring[part % self._size] = self._ring.get(part % self._size, 0) + amount
            self.total += amount

    def is_over(self, now_ms: int) -> bool:
        """Whether all that was ever added has left the window. An empty one may still be corrected."""
        return now_ms // self.width - self._newest >= self._size

    def fits_in(self, amount: int, limit: int, now_ms: int) -> float | None:
        """Return the seconds until `amount` fits, as of the last `advance`; None: it never will."""
        excess = self.total + amount - limit
        if amount > limit:
            return None
        for part in range(self._last - self._size + 1, self._last + 1):
            if excess <= 0:
                break
            excess -= self._ring.get(part % self._size, 0)
            if excess <= 0:
                return max(((part + self._size) * self.width - now_ms) / 1000, 0.0)
        return 0.0
