"""TODO dragoman.routing.settings.routing_groups."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.routing.strategies import Strategy, strategy_of
from dragoman.settings.readers import Reader, object_of, record, text, texts, wrong

__all__ = ["RoutingGroup", "routing_groups"]


class RoutingGroup(NamedTuple):
    """Models among whose deployments a strategy of their own picks."""

    name: str
    models: tuple[str, ...]
    """Aliases."""
    strategy: Strategy


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
    strategy = strategy_of(said["routing_strategy"], f"{path}.routing_strategy", said.get("routing_strategy_args"))
    return RoutingGroup(said["group_name"], said["models"], strategy)
