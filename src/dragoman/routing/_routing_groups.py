"""Which strategy picks for which model: `routing_strategy` for all, and `routing_groups` for some.

routing_groups:
  - {group_name: fast, models: [chat, search], routing_strategy: latency-based-routing}"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.routing._readers import Reader, object_of, record, text, texts, wrong
from dragoman.routing.strategies import Strategy, limit_counters, reads_caches, reads_limits, strategy_of

if TYPE_CHECKING:
    from dragoman.routing._deployment import Deployment
    from dragoman.routing._settings import RouterSettings
    from dragoman.stores import Counter

__all__ = ["RoutingGroup", "Strategies", "routing_groups"]


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


class Strategies:
    """Of one router, as its settings say."""

    def __init__(self, settings: RouterSettings) -> None:
        self._default = strategy_of(settings.strategy, "routing_strategy", settings.strategy_args)
        self._own = {model: group.strategy for group in settings.routing_groups for model in group.models}

    def of(self, alias: str) -> Strategy:
        return self._own.get(alias, self._default)

    @property
    def read_caches(self) -> bool:
        """Whether one of them wants to know who holds the beginning of a request in its cache."""
        return any(reads_caches(strategy) for strategy in (self._default, *self._own.values()))

    def watched(self, deployments: Iterable[Deployment]) -> list[Counter]:
        """The limits whose use they want to see."""
        return [
            counter for item in deployments if reads_limits(self.of(item.alias)) for counter in limit_counters(item)
        ]
