"""A strategy that a user wrote: found by its name, called with care. A call never fails because of it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from dragoman.errors import ConfigError
from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment
from dragoman.routing.strategies._strategy import Pick, Strategy
from dragoman.routing.strategies.simple_shuffle import simple_shuffle
from dragoman.stores import View

__all__ = ["guarded", "imported"]

_log = logging.getLogger("dragoman")
_MOST_TOLD = 32


def imported(name: str, path: str) -> Callable[..., Any]:
    """What `package.module:function` names. Raises `ConfigError`."""
    module, _, function = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in function.split("."):
            found = getattr(found, part)
    except Exception as error:  # also what the module itself raises: it is the user's
        raise ConfigError(f"{path}: cannot import {name!r}: {error}", param=path) from error
    if not callable(found):
        raise ConfigError(f"{path}: {name!r} is no function", param=path)
    called: Callable[..., Any] = found
    return called


def guarded(strategy: Callable[..., Any], name: str) -> Strategy:
    """The same, and where it raises or gives nonsense, `simple-shuffle` with a line in the log, once for each kind of fault."""
    told: set[str] = set()

    def pick(deployments: Sequence[Deployment], view: View, asked: Asked) -> Pick:
        try:
            return _read(strategy(deployments, view, asked), deployments, name)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            if fault not in told and len(told) < _MOST_TOLD:
                told.add(fault)
                _log.warning("the strategy %s failed, simple-shuffle picks instead: %s", name, fault)
            picked = simple_shuffle(deployments, view, asked)
            return picked._replace(why=f"{picked.why}, as the strategy {name} failed")

    return pick


def _read(found: Any, deployments: Sequence[Deployment], name: str) -> Pick:
    """A `Pick`, a position, or one of the deployments."""
    if isinstance(found, Deployment):
        found = next((number for number, item in enumerate(deployments) if item is found), -1)
    picked = found if isinstance(found, Pick) else Pick(found, name)
    position = picked.position
    if hasattr(found, "__await__"):
        found.close()
        raise TypeError("expected a plain function, not an async one")
    if type(position) is not int:
        raise TypeError(f"expected a Pick, a position or one of the deployments, got {type(found).__name__}")
    if not 0 <= position < len(deployments):
        raise ValueError(f"expected one of the {len(deployments)} deployments, got position {position}")
    return picked if picked.why else picked._replace(why=name)
