"""A cache for what is computed of a name that a caller or a provider chooses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

__all__ = ["LONGEST_KEPT", "cached_by_name"]

_T = TypeVar("_T")
LONGEST_KEPT = 128
"""Characters of a name that is kept. Longer ones are computed each time: those of megabytes must not stay."""


def cached_by_name(maxsize: int) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """Return a decorator that keeps the results of the `maxsize` names used last."""

    def decorate(function: Callable[[str], _T]) -> Callable[[str], _T]:
        cached = functools.lru_cache(maxsize)(function)

        @functools.wraps(function)
        def result_for(name: str) -> _T:
            return cached(name) if len(name) <= LONGEST_KEPT else function(name)

        return result_for

    return decorate
