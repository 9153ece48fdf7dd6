"""What holds for every call of a router, unless the call or the deployment says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from dragoman.errors import ConfigError
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.settings.canary import Canary
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.settings.defaults import Defaults
from dragoman.routing.settings.fallback_alert import FallbackAlert
from dragoman.routing.settings.health import HealthPolicy
from dragoman.routing.settings.health_check import HealthCheckPolicy
from dragoman.routing.settings.hedge import HedgePolicy
from dragoman.routing.settings.mirror import MirrorPolicy
from dragoman.routing.settings.options import split_params
from dragoman.routing.settings.queue import QueuePolicy
from dragoman.routing.settings.retry import RetryPolicy
from dragoman.routing.settings.routes import ConditionalRoute
from dragoman.routing.settings.routing_groups import RoutingGroup
from dragoman.routing.settings.strategies import StrategyName
from dragoman.state.redis_place import RedisPlace
from dragoman.types.json import JsonObject

__all__ = [
    "FIXED",
    "Alias",
    "FallbackTarget",
    "Fallbacks",
    "RouterSettings",
    "parse_fallbacks",
    "parse_targets",
    "target_name",
]

FallbackTarget: TypeAlias = str | JsonObject
"""An alias, `provider/model`, or an object with `model` and parameters of its own."""
Fallbacks: TypeAlias = Mapping[str, tuple[FallbackTarget, ...]]


FIXED = frozenset({"affinity", "canary", "fallback_alert", "health_check", "mirror", "redis"})
"""What a router has from its start to its end: parts that remember, and that others know of."""


class Alias(NamedTuple):
    """Another name of a model."""

    model: str
    hidden: bool = False
    """It answers, and is in no list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """Times are seconds."""

    num_retries: int = 2
    """Attempts beyond the first within an alias (the openai package's default). A fallback is not a retry: each target of
    a fallback gets one attempt, and what is left of these."""
    fallbacks: Fallbacks = field(default_factory=dict)
    default_fallbacks: tuple[FallbackTarget, ...] = ()
    """For aliases without fallbacks of their own."""
    context_window_fallbacks: Fallbacks = field(default_factory=dict)
    content_policy_fallbacks: Fallbacks = field(default_factory=dict)
    max_fallbacks: int = 5
    fallback_alert: FallbackAlert = field(default_factory=FallbackAlert)
    """When so many calls need a fallback that it is told."""
    timeout: float = 600.0
    """The whole call, all attempts and waits together."""
    stream_timeout: float = 120.0
    """To the first content of a stream, in each attempt."""
    connect_timeout: float = 10.0
    idle_timeout: float = 120.0
    retry_after: float = 0.0
    """The least wait before the same deployment is asked again."""
    longest_wait: float = 60.0
    """A provider that asks for a longer wait than this is not waited for."""
    drop_params: bool = False
    strategy: StrategyName = "simple-shuffle"
    """How one of several deployments is picked."""
    strategy_args: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the strategy."""
    routing_groups: tuple[RoutingGroup, ...] = ()
    """Models with a strategy of their own."""
    checks: CheckPolicy = field(default_factory=CheckPolicy)
    affinity: AffinityPolicy = field(default_factory=AffinityPolicy)
    routes: tuple[ConditionalRoute, ...] = ()
    """Where calls go by what they are like, whatever model they name."""
    health: HealthPolicy = field(default_factory=HealthPolicy)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    group_retry_policies: Mapping[str, RetryPolicy] = field(default_factory=dict)
    """By alias, instead of `retry_policy`."""
    block_requests_for_models_without_pricing: bool = False
    """Refuse calls of models whose price nobody knows, before anybody is asked."""
    model_group_alias: Mapping[str, Alias] = field(default_factory=dict)
    """Other names of models."""
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By alias and deployment (its id, or `provider/model`), instead of the deployments' own."""
    defaults: Defaults = field(default_factory=Defaults)
    """What the deployments say that do not say it themselves."""
    default_max_parallel_requests: int | None = None
    """For deployments without a limit of their own."""
    redis: RedisPlace = field(default_factory=RedisPlace)
    hedge: HedgePolicy | None = None
    """When a second deployment is asked beside a first one that is late; None: never."""
    mid_stream_fallback: Literal["error", "continue"] = "error"
    """What comes after a stream that breaks off after its first content: an error, or another deployment that goes on."""
    mirror: MirrorPolicy = field(default_factory=MirrorPolicy)
    """Which calls are copied to other models, whose answers are thrown away."""
    canary: tuple[Canary, ...] = ()
    """Deployments that get a share of the calls, until they cross a gate."""
    health_check: HealthCheckPolicy | None = None
    """None: nothing is ever sent only to see whether it works."""
    queue: QueuePolicy = field(default_factory=QueuePolicy)
    """Who waits while all deployments are at their limits."""

    def retry_policy_of(self, alias: str) -> RetryPolicy:
        return self.group_retry_policies.get(alias, self.retry_policy)


def parse_fallbacks(value: Any, path: str) -> Fallbacks:
    """LiteLLM's form, `[{alias: [targets]}, ...]`, or one mapping. Raises `ConfigError` naming the path."""
    entries = [value] if isinstance(value, Mapping) else value
    if not isinstance(entries, (list, tuple)):
        raise ConfigError(f"{path}: expected a list of {{alias: [models]}}", param=path)
    found: dict[str, tuple[FallbackTarget, ...]] = {}
    for position, entry in enumerate(entries):
        where = path if isinstance(value, Mapping) else f"{path}[{position}]"
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{where}: expected {{alias: [models]}}", param=where)
        for alias, targets in entry.items():
            if str(alias) in found:
                raise ConfigError(
                    f"{where}.{alias}: the fallbacks of {alias!r} are given twice", param=f"{where}.{alias}"
                )
            found[str(alias)] = parse_targets(targets, f"{where}.{alias}")
    return found


def parse_targets(value: Any, path: str) -> tuple[FallbackTarget, ...]:
    """A list of models, or of objects with `model`."""
    targets = [value] if isinstance(value, str) else value
    if not isinstance(targets, (list, tuple)):
        raise ConfigError(f"{path}: expected a list of models", param=path)
    for position, target in enumerate(targets):
        named = isinstance(target, Mapping) and isinstance(target.get("model"), str)
        where = f"{path}[{position}]"
        if not (isinstance(target, str) or named):
            raise ConfigError(f"{where}: expected a model, or an object with `model`", param=where)
        if isinstance(target, Mapping):
            for wrong, message in split_params(target, where).problems:
                raise ConfigError(f"{wrong}: {message}", param=wrong)
    return tuple(target if isinstance(target, str) else dict(target) for target in targets)


def target_name(target: FallbackTarget) -> str:
    return target if isinstance(target, str) else str(target["model"])
