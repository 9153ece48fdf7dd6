"""The candidates of a strategy, with what it has computed of them once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from dragoman.routing.deployments.deployment import Deployment

__all__ = ["Candidates", "Scores", "as_candidates"]

_T = TypeVar("_T")
_BATCH = 16
"""So many scores are renewed at a choice; a smaller group's are always all new."""


class Candidates(tuple[Deployment, ...]):
    """A sequence of deployments that lives as long as the same ones are available: its columns are computed once, not per call."""

    @functools.cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(deployment.key for deployment in self)

    @functools.cached_property
    def positions(self) -> Mapping[str, int]:
        """By `deployment.key`."""
        return {key: position for position, key in enumerate(self.keys)}

    @functools.cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    def kept(self, name: Hashable, make: Callable[[Candidates], _T]) -> _T:
        """What `make` gives, made once."""
        known = self._kept
        if name not in known:
            known[name] = make(self)
        result: _T = known[name]
        return result


def as_candidates(deployments: Sequence[Deployment]) -> Candidates:
    return deployments if type(deployments) is Candidates else Candidates(deployments)


class Scores:
    """Of all candidates, by position, lower is better. Of a large group some are renewed at each choice, and which are the
    lowest is kept, so that a choice stays cheap; whoever picks looks at the picked one once more."""

    __slots__ = ("_lowest", "_next", "best", "unsure", "values")

    def __init__(self, candidates: Candidates) -> None:
        self.values = [math.nan] * len(candidates)
        self.unsure: set[int] = set()
        """Positions that a strategy wants to know more of."""
        self.best = math.inf
        self._lowest: set[int] = set()
        self._next = -1

    def renew(self, score: Callable[[int], float], *, whole: bool) -> None:
        size, start = len(self.values), self._next
        if whole or start < 0 or size <= _BATCH:
            start, end = 0, size
        else:
            end = min(start + _BATCH, size)
        values = self.values
        for position in range(start, end):
            value = score(position)
            if value != values[position]:
                self.put(position, value)
        self._next = end if end < size else 0

    def put(self, position: int, value: float) -> None:
        known = self.values[position]
        self.values[position] = value
        if value < self.best:
            self.best = value
            self._lowest = {position}
        elif value == self.best:
            self._lowest.add(position)
        elif known == self.best:
            self._lowest.discard(position)

    def lowest(self) -> list[int]:
        """The positions with the lowest score."""
        if not self._lowest:
            values = self.values
            best = self.best = min(values)
            self._lowest = {position for position, value in enumerate(values) if value == best}
        return list(self._lowest) or [0]
