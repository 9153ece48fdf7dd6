"""The strategy of a router as it is configured: its name or a function, and its arguments."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, number, object_of, record, wrong
from dragoman.settings.suggestions import did_you_mean

__all__ = ["STRATEGY_ARGUMENTS", "StrategyName", "read_strategy", "read_strategy_arguments"]

StrategyName: TypeAlias = str | Callable[..., Any]
"""A name of `STRATEGY_ARGUMENTS`, or a function that picks a deployment."""


def _ignored(value: Any, path: str) -> None:
    """LiteLLM keeps lists that grow old; what is kept here expires by itself."""


_EXPIRES: Mapping[str, Reader] = MappingProxyType({"ttl": _ignored})
STRATEGY_ARGUMENTS: Mapping[str, Mapping[str, Reader]] = MappingProxyType(
    {
        "simple-shuffle": MappingProxyType({}),
        "least-busy": MappingProxyType({}),
        "latency-based-routing": MappingProxyType(
            {
                "percentile": number(0.01, 0.99),
                "lowest_latency_buffer": number(0, 100),
                "ttl": _ignored,
                "max_latency_list_size": _ignored,
            }
        ),
        "cost-based-routing": _EXPIRES,
        "usage-based-routing-v2": _EXPIRES,
        "usage-based-routing": _EXPIRES,
    }
)
"""By the name that `routing_strategy` gives: the readers of its `routing_strategy_args`."""


def read_strategy(value: Any, path: str) -> StrategyName:
    """Return a name of `STRATEGY_ARGUMENTS`, or the function that `package.module:function` or the value itself is.

    Raise `ConfigError` naming the path."""
    if callable(value):
        function: Callable[..., Any] = value
        return function
    if not isinstance(value, str):
        raise wrong(path, "the name of a strategy", value)
    if ":" in value:
        return _imported(value, path)
    if value not in STRATEGY_ARGUMENTS:
        known = f"; known are {', '.join(STRATEGY_ARGUMENTS)}, or package.module:function"
        raise ConfigError(f"{path}: unknown strategy{did_you_mean(value, STRATEGY_ARGUMENTS) or known}", param=path)
    return value


def read_strategy_arguments(strategy: StrategyName, value: Any, path: str) -> dict[str, Any]:
    """Return the keyword arguments of a strategy: those of a function of the user's as they are. Raise `ConfigError`."""
    arguments = {} if value is None else object_of(value, path)
    if not isinstance(strategy, str):
        return arguments
    read = record(arguments, path, STRATEGY_ARGUMENTS[strategy])
    return {name: argument for name, argument in read.items() if argument is not None}


def _imported(name: str, path: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in function.split("."):
            found = getattr(found, part)
    except Exception as error:  # also what the module itself raises: it is the user's
        raise ConfigError(f"{path}: cannot import {name!r}: {error}", param=path) from error
    if not callable(found):
        raise ConfigError(f"{path}: {name!r} is not a function", param=path)
    called: Callable[..., Any] = found
    return called
