"""The time of a log: an event loop whose clock leaps to the next event, and random numbers that are the same each time."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Mapping

from dragoman.routing.clock import Clock

__all__ = ["Chance", "LogLoop", "clock_of"]

_RESOLUTION = 1e-6
"""Seconds."""


class LogLoop(asyncio.SelectorEventLoop):
    """Nothing in it waits, and nothing in it has sockets: where all tasks sleep it is at once the time at which one wakes."""

    def __init__(self) -> None:
        self.now = 0.0
        """Unix seconds."""
        super().__init__(_Leaps(self))
        # What is due within it is due: that of a machine's clock is less than the next Unix second that a float can say.
        self._clock_resolution = _RESOLUTION

    def time(self) -> float:
        return self.now


class _Leaps(selectors.BaseSelector):
    """Ready at once, after as many seconds as it was given."""

    def __init__(self, loop: LogLoop) -> None:
        self._loop = loop
        self._keys: dict[object, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing can happen any more, and somebody waits for it")
        if timeout > 0:
            self._loop.now += timeout
        return []

    def register(self, fileobj: object, events: int, data: object = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, -1, events, data)  # type: ignore[arg-type]
        return key

    def unregister(self, fileobj: object) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[object, selectors.SelectorKey]:  # type: ignore[override]
        return self._keys


class Chance:
    """Uniform in [0, 1), the same for the same seed. It counts how often a number was drawn."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random
        self.asked = 0
        """So often."""

    def __call__(self) -> float:
        self.asked += 1
        return self._random()


def clock_of(loop: LogLoop, chance: Chance) -> Clock:
    return Clock(monotonic=loop.time, time=loop.time, random=chance, sleep=asyncio.sleep)
