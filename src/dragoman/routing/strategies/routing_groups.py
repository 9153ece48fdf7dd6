"""Which strategy picks for which model: `routing_strategy` for all, and `routing_groups` for some.

routing_groups:
  - {group_name: fast, models: [chat, search], routing_strategy: latency-based-routing}"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dragoman.routing.strategies import Strategy, limit_counters, reads_caches, reads_limits, strategy_of

if TYPE_CHECKING:
    from dragoman.routing.deployments.deployment import Deployment
    from dragoman.routing.settings.router_settings import RouterSettings
    from dragoman.stores import Counter

__all__ = ["Strategies"]


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
