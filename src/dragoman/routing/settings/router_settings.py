"""The settings of a router, one field each: what holds for every call, unless the call or the deployment says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.settings.aliases import Alias, parse_aliases
from dragoman.routing.settings.canary import Canary, parse_canaries
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.settings.defaults import Defaults, default_params, weights
from dragoman.routing.settings.fallback_alert import FallbackAlert, fallback_alert
from dragoman.routing.settings.fallbacks import Fallbacks, FallbackTarget, parse_fallbacks, parse_targets
from dragoman.routing.settings.health import HealthPolicy
from dragoman.routing.settings.health_check import HealthCheckPolicy, health_check_policy
from dragoman.routing.settings.hedge import HedgePolicy, hedge_policy
from dragoman.routing.settings.mid_stream import mid_stream_fallback
from dragoman.routing.settings.mirror import MirrorPolicy, mirror_policy
from dragoman.routing.settings.queue import QueuePolicy, queue_policy
from dragoman.routing.settings.retry import RetryPolicy, retry_policies, retry_policy
from dragoman.routing.settings.routes import ConditionalRoute, parse_routes
from dragoman.routing.settings.routing_groups import RoutingGroup, routing_groups
from dragoman.routing.settings.strategies import StrategyName, read_strategy
from dragoman.settings.readers import at_least, boolean, object_of, seconds, whole
from dragoman.settings.setting import setting
from dragoman.state.redis_place import RedisPlace

__all__ = ["FIXED", "RouterSettings"]

FIXED = frozenset({"affinity", "canary", "fallback_alert", "health_check", "mirror", "redis"})
"""Fields that cannot change while a router runs: parts that keep state, and that other parts refer to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """Times are seconds. Each field is a setting (see `dragoman.settings.setting`), or a record of settings."""

    num_retries: int = setting(
        2,
        whole(0, 100),
        "attempts beyond the first, for one call, all deployments together",
        also=("litellm_settings.num_retries",),
    )
    """The openai package's default. A fallback is not a retry: each target of a fallback gets one attempt, and what is left
    of these."""
    fallbacks: Fallbacks = setting(
        factory=dict,
        read=parse_fallbacks,
        doc='the models to call when a model fails; `"*"` stands for every model',
        kind="list of `{model: [models]}`, or one mapping",
        also=("litellm_settings.fallbacks",),
    )
    default_fallbacks: tuple[FallbackTarget, ...] = setting(
        (),
        parse_targets,
        "for models without fallbacks of their own",
        kind="list of models",
        also=("litellm_settings.default_fallbacks",),
    )
    context_window_fallbacks: Fallbacks = setting(
        factory=dict,
        read=parse_fallbacks,
        doc="when the request does not fit the model's window",
        kind="list of `{model: [models]}`",
        also=("litellm_settings.context_window_fallbacks",),
    )
    content_policy_fallbacks: Fallbacks = setting(
        factory=dict,
        read=parse_fallbacks,
        doc="when the provider's safety system refuses",
        kind="list of `{model: [models]}`",
        also=("litellm_settings.content_policy_fallbacks",),
    )
    max_fallbacks: int = setting(
        5, whole(0, 100), "how many fallbacks one call may try", also=("litellm_settings.max_fallbacks",)
    )
    timeout: float = setting(
        600.0, seconds, "the whole call, all attempts and waits together", also=("litellm_settings.request_timeout",)
    )
    stream_timeout: float = setting(120.0, seconds, "until the first content of a stream, in each attempt")
    connect_timeout: float = setting(10.0, seconds, "until a usable connection")
    idle_timeout: float = setting(120.0, seconds, "between two pieces of an answer")
    retry_after: float = setting(
        0.0, at_least(0, "seconds"), "the shortest wait before the same deployment is called again"
    )
    longest_wait: float = setting(
        60.0, at_least(0, "seconds"), "if a provider asks for a longer wait, the call does not wait"
    )
    drop_params: bool = setting(
        False,
        boolean,
        "leave out, and report in `x-dragoman-dropped-params`, what a provider cannot express; false refuses such a call",
        also=("litellm_settings.drop_params",),
    )
    block_requests_for_models_without_pricing: bool = setting(
        False,
        boolean,
        "refuse calls of models without a known price with a 400 (`model_without_pricing`) before any provider is called, "
        "also as a fallback; counting tokens stays free",
        also=("litellm_settings.block_requests_for_models_without_pricing",),
    )
    model_group_alias: Mapping[str, Alias] = setting(
        factory=dict,
        read=parse_aliases,
        doc="other names of models: `{chat: smart, old: {model: smart, hidden: true}}`. A `hidden` one works and appears in no "
        "list. Fallbacks configured for such a name apply to callers who use it",
        kind="mapping",
    )
    strategy: StrategyName = setting(
        "simple-shuffle",
        read_strategy,
        "how one of several deployments is chosen, see [choosing](routing.md#choosing)",
        name="routing_strategy",
        kind="name",
    )
    strategy_args: Mapping[str, Any] = setting(
        factory=dict, read=object_of, doc="arguments of the strategy", name="routing_strategy_args"
    )
    routing_groups: tuple[RoutingGroup, ...] = setting(
        (),
        routing_groups,
        "`[{group_name, models, routing_strategy, routing_strategy_args}]`: models with a strategy of their own; a model may be "
        "in one group. The name of a group is only a label and cannot be called",
        kind="list",
    )
    checks: CheckPolicy = field(default_factory=CheckPolicy)
    affinity: AffinityPolicy = field(default_factory=AffinityPolicy)
    routes: tuple[ConditionalRoute, ...] = setting(
        (),
        parse_routes,
        "`{if: {...}, use: model}`: route calls by their properties, see [conditions](routing.md#affinity-and-conditions)",
        kind="list",
    )
    weights: Mapping[str, Mapping[str, float]] = setting(
        factory=dict,
        read=weights,
        doc="`{model: {deployment: weight}}`, instead of the deployments' own; a deployment by its `model_info.id` or as "
        "`provider/model`. Deployments that are not named get no calls",
        kind="mapping",
    )
    retry_policy: RetryPolicy = setting(
        factory=RetryPolicy,
        read=retry_policy,
        doc="how often a class of errors is retried, within `num_retries`: `BadRequestErrorRetries`, "
        "`AuthenticationErrorRetries`, `TimeoutErrorRetries`, `RateLimitErrorRetries`, `ContentPolicyViolationErrorRetries`, "
        "`InternalServerErrorRetries`, `ServiceUnavailableErrorRetries`, `NotFoundErrorRetries`, `DefaultRetries`",
        kind="mapping",
    )
    group_retry_policies: Mapping[str, RetryPolicy] = setting(
        factory=dict,
        read=retry_policies,
        doc="`{model: retry_policy}`, instead of it",
        name="model_group_retry_policy",
        kind="mapping",
    )
    health: HealthPolicy = field(default_factory=HealthPolicy)
    defaults: Defaults = setting(
        factory=Defaults,
        read=default_params,
        doc="`litellm_params` of deployments that do not set them",
        name="default_litellm_params",
        kind="mapping",
    )
    default_max_parallel_requests: int | None = setting(
        None, whole(1), "`max_parallel_requests` of deployments that do not set it"
    )
    hedge: HedgePolicy | None = setting(
        None,
        hedge_policy,
        "`{after: p95 or seconds, max_extra_cost: dollars}`: call a second deployment when the first is late, see "
        "[hedging](reliability.md#hedging)",
        kind="mapping or boolean",
    )
    mid_stream_fallback: Literal["error", "continue"] = setting(
        "error",
        mid_stream_fallback,
        "what happens to a stream that breaks after its first content, see [streams](reliability.md#streams)",
        kind="`error` or `continue`",
    )
    canary: tuple[Canary, ...] = setting(
        (),
        parse_canaries,
        "`[{model, deployment, share, gates}]`: a deployment that gets a share of the calls until it does worse than its gates "
        "allow, see [canary](observability.md#mirror-and-canary)",
        kind="list",
    )
    health_check: HealthCheckPolicy | None = setting(
        None,
        health_check_policy,
        "`{interval: 60, timeout: 10}`: ask each provider for its list of models at intervals, which no provider bills, see "
        "[health](reliability.md#health)",
        kind="mapping",
    )
    mirror: MirrorPolicy = setting(
        factory=MirrorPolicy,
        read=mirror_policy,
        doc="`[{from, to, share}]`, or `{mirrors: [...], timeout, max_in_flight}`: copy a share of the calls of one model to "
        "another and discard its answers, see [mirror](observability.md#mirror-and-canary)",
        kind="list or mapping",
    )
    queue: QueuePolicy = setting(
        factory=QueuePolicy,
        read=queue_policy,
        doc="`{max_size: 100, timeout, default_priority: 0, models: {model: {the same}}}`: how many calls wait while all "
        "deployments are at their limits, and for how many seconds, see [overload](reliability.md#overload)",
        kind="mapping",
        nested=True,
    )
    fallback_alert: FallbackAlert = setting(
        factory=FallbackAlert,
        read=fallback_alert,
        doc="`{rate: 0.1, window: 300, least: 20}`: log a warning if, of at least so many calls within so many seconds, a larger "
        "share needed a fallback, see [showing](observability.md#showing)",
        kind="mapping",
    )
    redis: RedisPlace = field(default_factory=RedisPlace)

    def retry_policy_of(self, alias: str) -> RetryPolicy:
        """Return the retry policy of a model."""
        return self.group_retry_policies.get(alias, self.retry_policy)
