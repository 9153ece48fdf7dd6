"""From a list of deployments and settings to the plan that calls go by: made and checked whole, before any call does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dragoman.errors import ConfigError
from dragoman.providers import Providers
from dragoman.routing.choice.affinity import affinity_of
from dragoman.routing.choice.canary import Canaries
from dragoman.routing.choice.index import DeploymentIndex
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.defaults import with_defaults
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.plan import RoutingPlan
from dragoman.routing.recovery import fallbacks
from dragoman.routing.recovery.mirror import Mirrors
from dragoman.routing.settings.call_options import NO_OPTIONS
from dragoman.routing.settings.router_settings import FIXED, RouterSettings
from dragoman.routing.strategies.routing_groups import GroupStrategies

if TYPE_CHECKING:
    from dragoman.models import Catalogue

__all__ = ["Planner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Of one router: what stays as it is however its list changes."""

    providers: Providers
    catalogue: Catalogue
    clock: Clock
    now: Callable[[], float]
    """The store's clock."""
    canaries: Canaries
    mirrors: Mirrors
    allow_unlisted: bool

    def initial(self, deployments: Iterable[Deployment], settings: RouterSettings) -> RoutingPlan:
        """Raises `ConfigError`."""
        strategies = GroupStrategies(settings)
        wants_caches = strategies.read_caches
        listed = tuple(deployments)
        return self._validated(
            RoutingPlan(
                settings=settings,
                deployments=listed,
                strategies=strategies,
                index=self._index(listed, settings, strategies),
                catalogue=self.catalogue,
                clock=self.clock,
                now=self.now,
                affinity=affinity_of(settings.affinity, self.clock.time, wants_caches=wants_caches),
                allow_unlisted=self.allow_unlisted,
            )
        )

    def updated(
        self, now: RoutingPlan, deployments: Iterable[Deployment] | None, settings: RouterSettings | None
    ) -> RoutingPlan:
        """Return the plan that follows `now`; None: deployments or settings as they are. What strategies and affinity have learned
        is kept. Raise `ConfigError`."""
        listed = now.deployments if deployments is None else tuple(deployments)
        _check_ids(listed)
        if settings is None:
            index = self._index(listed, now.settings, now.strategies)
            return self._validated(replace(now, deployments=listed, index=index))
        _check_fixed(now.settings, settings)
        plan = self.initial(listed, settings)
        if now.affinity is not None and now.strategies.read_caches == plan.strategies.read_caches:
            return replace(plan, affinity=now.affinity)
        return plan

    def _validated(self, plan: RoutingPlan) -> RoutingPlan:
        routes = ((route.path + ".use", route.use) for route in plan.settings.routes)
        plan.index.check(*routes, *self.mirrors.targets(plan.index.deployments))
        return plan

    def _index(
        self, listed: Iterable[Deployment], value: RouterSettings, strategies: GroupStrategies
    ) -> DeploymentIndex:
        return DeploymentIndex(
            with_defaults(listed, value),
            self.providers,
            self.catalogue,
            strategies.of,
            lambda alias: any(True for _ in fallbacks.targets(value, alias, NO_OPTIONS, None)),
            allow_unlisted=self.allow_unlisted,
            checks=replace(value.checks, drop_params=value.drop_params),
            canaries=self.canaries,
            names=value.model_group_alias,
        )


def _check_ids(deployments: Iterable[Deployment]) -> None:
    name, times = next(iter(Counter(item.id for item in deployments).most_common(1)), ("", 0))
    if times > 1:
        raise ConfigError(f"model_list: the id {name!r} is there twice", param="model_list")


def _check_fixed(before: RouterSettings, after: RouterSettings) -> None:
    for name in sorted(FIXED):
        if getattr(before, name) != getattr(after, name):
            raise ConfigError(f"{name}: cannot be changed while the router runs", param=name)
