"""The routing plan of a call: from the call, or one of its fallbacks, to the request to a model group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dragoman.errors import BadRequestError, DragomanError
from dragoman.routing.call import Call
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.choice.index import DeploymentIndex
from dragoman.routing.choice.routes import matching_route
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.deployments.pricing import only_priced, with_prices
from dragoman.routing.recovery import fallbacks
from dragoman.routing.request import GroupRequest
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.fallbacks import FallbackTarget, target_name
from dragoman.routing.settings.options import split_params, without_home_credentials
from dragoman.routing.settings.router_settings import RouterSettings

if TYPE_CHECKING:
    from dragoman.models import Catalogue
    from dragoman.routing.choice.affinity import Affinity
    from dragoman.routing.strategies.routing_groups import GroupStrategies
    from dragoman.state import Outage

__all__ = ["CallFallbacks", "RoutingPlan"]

_NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingPlan:
    """A router's deployments and settings at one time. Calls keep the plan with which they began. It sends nothing: it says where a
    request would go, and what it would be."""

    settings: RouterSettings
    deployments: tuple[Deployment, ...]
    """As they were given, without the defaults of the settings."""
    strategies: GroupStrategies
    index: DeploymentIndex
    catalogue: Catalogue
    clock: Clock
    now: Callable[[], float]
    """The store's clock, in which observations are timed: the clocks of processes may differ."""
    affinity: Affinity | None
    allow_unlisted: bool
    """Models in no list are served, and a caller may give the address of a fallback."""

    def resolve(self, call: Call) -> GroupRequest:
        route = matching_route(self.settings.routes, call) if self.settings.routes else None
        model = call.model if route is None else route.use
        group = self._with_prices(self.index.group(model, call.options), call, call.options)
        intended = group if route is None else self._named_group(call) or group
        return self._group_request(
            call,
            group,
            request=call.request,
            options=call.options,
            home_provider=intended.members[0].deployment.provider.name,
            reason="" if route is None else f"{route.path} sends it to {model}; ",
            route=None if route is None else route.path,
        )

    def _group_request(self, call: Call, group: ModelGroup, **more: Any) -> GroupRequest:
        return GroupRequest(call, group, random=self.clock.random, now=self.now, affinity=self.affinity, **more)

    def _named_group(self, call: Call) -> ModelGroup | None:
        """Return the group that the caller named, for which its key and address are meant; None for a name that only routes
        know."""
        try:
            return self.index.group(call.model, call.options)
        except DragomanError:
            return None

    def _with_prices(self, group: ModelGroup, call: Call, options: CallOptions) -> ModelGroup:
        """Return the group with the prices that the call brings, and without deployments that are blocked because their
        price is unknown."""
        wants_prices = self.settings.block_requests_for_models_without_pricing and call.operation.billed
        if not (options.prices or options.base_model or wants_prices):
            return group
        deployments: Sequence[Deployment] = [member.deployment for member in group.members]
        if options.prices or options.base_model:
            deployments = with_prices(deployments, options, self.catalogue)
        if wants_prices:
            deployments = only_priced(deployments)
        return group.with_deployments(group.alias, deployments)

    def retry_options(self, request: GroupRequest) -> tuple[CallOptions, int]:
        """What counts of fallbacks, and how many retries there are: as the call says, or the deployment, or the settings."""
        options, own = request.call.options, request.group.members[0].deployment.options
        if options.fallbacks is None and (own.fallbacks is not None or own.disable_fallbacks):
            options = replace(options, fallbacks=own.fallbacks, disable_fallbacks=own.disable_fallbacks)
        value = options.num_retries if options.num_retries is not None else own.num_retries
        return options, self.settings.num_retries if value is None else value

    def fallback(self, call: Call, target: FallbackTarget, home_provider: str) -> GroupRequest:
        own: dict[str, Any] = {}
        request, unsent = call.request, _NOTHING
        if not isinstance(target, str):
            parts = split_params({name: value for name, value in target.items() if name != "model"}, "fallbacks")
            own, request = parts.options, {**request, **parts.rest} if parts.rest else request
            unsent = tuple(parts.ignored)
        options, left_out = replace(call.options, custom_llm_provider=own.get("custom_llm_provider")), _NOTHING
        if options.prices or options.base_model:
            options = replace(options, prices={}, base_model=None)  # they are the first model's
        group = self.index.group(target_name(target), options)
        there = group.members[0].deployment.provider.name
        if there != home_provider:
            options, left_out = without_home_credentials(options)
        options = replace(options, **own) if own else options
        group = self._with_prices(group, call, options)
        return self._group_request(
            call, group, request=request, options=options, home_provider=there, left_out=(*left_out, *unsent)
        )

    def has_available_fallback(
        self, targets: Iterable[FallbackTarget], outages: Mapping[str, Outage], visited: Collection[str]
    ) -> bool:
        """Return whether one of the targets, none of those `visited`, may still be tried and has a healthy deployment."""
        if len(visited) > self.settings.max_fallbacks:
            return False
        for target in targets:
            if target_name(target) in visited:
                continue
            try:
                group = self.index.group(target_name(target), NO_OPTIONS)
            except DragomanError:
                continue
            if any(member.outage(outages) is None for member in group.without_canaries.members):
                return True
        return False

    def check_fallbacks(self, targets: Sequence[FallbackTarget] | None) -> None:
        """Refuse a mistyped fallback at once, not on the day when it is needed. Raise `BadRequestError`."""
        for position, target in enumerate(targets or ()):
            self._check_target(target, f"fallbacks[{position}]")
        fallbacks.check_form(targets, remote=not self.allow_unlisted)

    def _check_target(self, target: FallbackTarget, path: str) -> None:
        own = {} if isinstance(target, str) else target
        try:
            options = CallOptions(custom_llm_provider=own.get("custom_llm_provider"))
            self.index.group(target_name(target), options)
        except DragomanError as error:
            raise BadRequestError(f"{path}: {error.message}", param=path, code=error.code) from error


@dataclass(frozen=True, slots=True)
class CallFallbacks:
    """The fallbacks of one call under a plan (a `recovery.dispatch.FallbackPlan`)."""

    plan: RoutingPlan
    call: Call
    home_provider: str
    outages: Callable[[], Mapping[str, Outage]]

    def request(self, target: FallbackTarget) -> GroupRequest:
        """Return the request to a fallback. Raise `DragomanError` for one that does not exist."""
        return self.plan.fallback(self.call, target, self.home_provider)

    def is_available(self, targets: Iterable[FallbackTarget], visited: Collection[str]) -> bool:
        """Return whether one of the targets, none of those `visited`, may still be tried and has a healthy deployment."""
        return self.plan.has_available_fallback(targets, self.outages(), visited)
