"""Models with a strategy of their own.

routing_groups:
  - {group_name: fast, models: [chat, search], routing_strategy: latency-based-routing}
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.routing.settings.strategies import StrategyName, read_strategy, read_strategy_arguments
from dragoman.settings.readers import Reader, object_of, record, text, texts, wrong

__all__ = ["RoutingGroup", "routing_groups"]


class RoutingGroup(NamedTuple):
    """Models among whose deployments a strategy of their own picks."""

    name: str
    models: tuple[str, ...]
    """Aliases."""
    strategy: StrategyName
    strategy_args: Mapping[str, Any]
    """Keyword arguments of the strategy."""


def _anything(value: Any, path: str) -> Any:
    return value


_ROW: Mapping[str, Reader] = MappingProxyType(
    {"group_name": text, "models": texts, "routing_strategy": _anything, "routing_strategy_args": object_of}
)


def routing_groups(value: Any, path: str) -> tuple[RoutingGroup, ...]:
    """`[{group_name, models, routing_strategy, routing_strategy_args}]`. Raises `ConfigError`."""
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {group_name, models, routing_strategy}", value)
    found = tuple(_group(row, f"{path}[{position}]") for position, row in enumerate(value))
    seen: dict[str, str] = {}
    for position, group in enumerate(found):
        for model in group.models:
            if model in seen:
                where = f"{path}[{position}].models"
                raise ConfigError(f"{where}: {model!r} is in the group {seen[model]!r} already", param=where)
            seen[model] = group.name
    return found


def _group(value: Any, path: str) -> RoutingGroup:
    said = record(value, path, _ROW)
    for name in ("group_name", "models", "routing_strategy"):
        if name not in said:
            raise ConfigError(f"{path}.{name}: missing", param=f"{path}.{name}")
    where = f"{path}.routing_strategy"
    strategy = read_strategy(said["routing_strategy"], where)
    arguments = read_strategy_arguments(strategy, said.get("routing_strategy_args"), f"{where}_args")
    return RoutingGroup(said["group_name"], said["models"], strategy, arguments)
