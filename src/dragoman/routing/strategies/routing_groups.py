"""Which strategy picks for which model: `routing_strategy` for all, and `routing_groups` for some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dragoman.routing.strategies import Strategy, limit_counters, reads_caches, reads_limits, strategy_of

if TYPE_CHECKING:
    from dragoman.routing.deployments.deployment import Deployment
    from dragoman.routing.settings.router_settings import RouterSettings
    from dragoman.state import Counter

__all__ = ["GroupStrategies"]


class GroupStrategies:
    """Of one router, as its settings say."""

    def __init__(self, settings: RouterSettings) -> None:
        self._default = strategy_of(settings.strategy, "routing_strategy", settings.strategy_args)
        self._own: dict[str, Strategy] = {}
        for group in settings.routing_groups:
            strategy = strategy_of(group.strategy, "routing_groups.routing_strategy", group.strategy_args)
            self._own.update(dict.fromkeys(group.models, strategy))

    def of(self, alias: str) -> Strategy:
        return self._own.get(alias, self._default)

    @property
    def read_caches(self) -> bool:
        """Whether one of them reads which deployment caches the beginning of a request."""
        return any(reads_caches(strategy) for strategy in (self._default, *self._own.values()))

    def watched_counters(self, deployments: Iterable[Deployment]) -> list[Counter]:
        """Return the counters of the limits whose use they read."""
        return [
            counter for item in deployments if reads_limits(self.of(item.alias)) for counter in limit_counters(item)
        ]
