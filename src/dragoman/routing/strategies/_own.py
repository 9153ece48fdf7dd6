"""A strategy that a user wrote: found by its name, called with care. A call never fails because of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._strategy import Pick
from dragoman.routing.strategies.simple_shuffle import simple_shuffle
from dragoman.state import View

__all__ = ["GuardedStrategy"]

_log = logging.getLogger("dragoman")
_MOST_TOLD = 32


class GuardedStrategy:
    """A user's strategy, and where it raises or gives nonsense, `simple-shuffle` with a line in the log, once for each kind of
    fault."""

    def __init__(self, strategy: Callable[..., Any], name: str) -> None:
        self._strategy = strategy
        self._name = name
        self._told: set[str] = set()

    def __call__(self, deployments: Sequence[Deployment], view: View, request: GroupRequest) -> Pick:
        try:
            return _read(self._strategy(deployments, view, request), deployments, self._name)
        except Exception as error:
            self._tell(f"{type(error).__name__}: {error}")
            picked = simple_shuffle(deployments, view, request)
            return picked._replace(why=f"{picked.why}, as the strategy {self._name} failed")

    def _tell(self, fault: str) -> None:
        if fault not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(fault)
            _log.warning("the strategy %s failed, simple-shuffle picks instead: %s", self._name, fault)


def _read(result: Any, deployments: Sequence[Deployment], name: str) -> Pick:
    """A `Pick`, a position, or one of the deployments."""
    if isinstance(result, Deployment):
        result = next((number for number, item in enumerate(deployments) if item is result), -1)
    picked = result if isinstance(result, Pick) else Pick(result, name)
    position = picked.position
    if hasattr(result, "__await__"):
        result.close()
        raise TypeError("expected a plain function, not an async one")
    if type(position) is not int:
        raise TypeError(f"expected a Pick, a position or one of the deployments, got {type(result).__name__}")
    if not 0 <= position < len(deployments):
        raise ValueError(f"expected one of the {len(deployments)} deployments, got position {position}")
    return picked if picked.why else picked._replace(why=name)
