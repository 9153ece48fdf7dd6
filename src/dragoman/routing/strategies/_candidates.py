"""Those among whom a strategy picks, with what it has worked out of them once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from dragoman.routing._deployment import Deployment

__all__ = ["Candidates", "Scores", "as_candidates"]

_T = TypeVar("_T")
_BATCH = 32
"""So many scores are renewed at a choice; a smaller group's are always all new."""


class Candidates(tuple[Deployment, ...]):
    """A sequence of deployments that lives as long as the same ones can be asked: columns of it are made once, not per call."""

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
        found: _T = known[name]
        return found


def as_candidates(deployments: Sequence[Deployment]) -> Candidates:
    return deployments if type(deployments) is Candidates else Candidates(deployments)


class Scores:
    """Of all candidates, by position; of a large group some are renewed at each choice, so that a choice stays cheap."""

    __slots__ = ("_next", "unsure", "values")

    def __init__(self, candidates: Candidates) -> None:
        self.values: list[float] = []
        self.unsure: set[int] = set()
        """Positions that a strategy wants to know more of."""
        self._next = 0
        self.values = [0.0] * len(candidates)
        self._next = -1

    def renew(self, score: Callable[[int], float], *, whole: bool) -> None:
        size = len(self.values)
        if whole or self._next < 0 or size <= _BATCH:
            self._next = 0
            self._set(range(size), score)
            return
        start = self._next
        self._set(range(start, min(start + _BATCH, size)), score)
        self._next = start + _BATCH if start + _BATCH < size else 0

    def _set(self, positions: range, score: Callable[[int], float]) -> None:
        values = self.values
        for position in positions:
            values[position] = score(position)
