"""The settings of a router under the names that users write: read here once, for the SDK's `Router(...)` and for the gateway's
`router_settings` and `litellm_settings` alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dragoman.errors import ConfigError
from dragoman.routing.settings.affinity import affinity_kinds
from dragoman.routing.settings.canary import parse_canaries
from dragoman.routing.settings.defaults import default_params, weights
from dragoman.routing.settings.deployment_keys import ALLOWED_FAILS, ERRORS
from dragoman.routing.settings.fallback_alert import fallback_alert
from dragoman.routing.settings.health_check import health_check_policy
from dragoman.routing.settings.hedge import hedge_policy
from dragoman.routing.settings.mid_stream import mid_stream_fallback
from dragoman.routing.settings.mirror import mirror_policy
from dragoman.routing.settings.options import Problem, problems_of
from dragoman.routing.settings.queue import priority_reader, queue_policy
from dragoman.routing.settings.retry import RetryPolicy
from dragoman.routing.settings.router_settings import (
    Alias,
    RouterSettings,
    parse_fallbacks,
    parse_targets,
)
from dragoman.routing.settings.routes import parse_routes
from dragoman.routing.settings.routing_groups import routing_groups
from dragoman.routing.settings.strategies import read_strategy, read_strategy_arguments
from dragoman.settings.readers import (
    Reader,
    at_least,
    boolean,
    counts,
    object_of,
    seconds,
    text,
    texts,
    whole,
)
from dragoman.settings.suggestions import did_you_mean
from dragoman.state import address_fault

__all__ = ["LITELLM_SETTINGS", "ROUTER_SETTINGS", "Reading", "Setting", "read_settings", "router_settings"]

_RETRIES = counts("Retries", {**ERRORS, "Default": "APIError"})


class Setting(NamedTuple):
    """One name that users write."""

    field: str
    """Of `RouterSettings`; `health.cooldown` is a field of the record `health`."""
    read: Reader


def _retry_policy(value: Any, path: str) -> RetryPolicy:
    return value if isinstance(value, RetryPolicy) else RetryPolicy(retries=_RETRIES(value, path))


def _retry_policies(value: Any, path: str) -> dict[str, RetryPolicy]:
    return {alias: _retry_policy(item, f"{path}.{alias}") for alias, item in object_of(value, path).items()}


def _aliases(value: Any, path: str) -> dict[str, Alias]:
    """`{name: model}` or `{name: {model, hidden}}`."""
    found: dict[str, Alias] = {}
    for name, target in object_of(value, path).items():
        said = target if isinstance(target, Mapping) else {"model": target}
        where = f"{path}.{name}"
        unknown = next((key for key in said if key not in ("model", "hidden")), None)
        if unknown is not None:
            raise ConfigError(f"{where}.{unknown}: unknown key; known are model, hidden", param=f"{where}.{unknown}")
        model = text(said.get("model"), where if said is not target else f"{where}.model")
        found[name] = Alias(model, boolean(said.get("hidden") or False, f"{where}.hidden"))
    return {name: _followed(name, found, path) for name, alias in found.items() if alias.model != name}


def _followed(name: str, aliases: Mapping[str, Alias], path: str) -> Alias:
    """The model behind another name of another name."""
    seen, model = [name], aliases[name].model
    while model in aliases and aliases[model].model != model:
        if model in seen:
            raise ConfigError(
                f"{path}.{name}: leads in a circle: {' -> '.join((*seen, model))}", param=f"{path}.{name}"
            )
        seen.append(model)
        model = aliases[model].model
    return aliases[name]._replace(model=model)


def _regions(value: Any, path: str) -> tuple[frozenset[str], ...]:
    found = texts(value, path)
    return (frozenset(found),) if found else ()


def _port(value: Any, path: str) -> int:
    found: int = whole(1, 65535)(value, path)
    return found


def _redis_url(value: Any, path: str) -> str:
    """An address that the client of Redis can read. The message repeats nothing of it: it may hold a password."""
    found = text(value, path)
    try:
        parts = urlsplit(found)
        usable = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("redis", "rediss", "unix"):
        expected = "an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///path"
        raise ConfigError(f"{path}: expected {expected}", param=path)
    fault = address_fault(found)
    if fault is not None:
        raise ConfigError(f"{path}: {fault}", param=path)
    return found


def _redis_policy(value: Any, path: str) -> str:
    if value not in ("fail_open", "fail_closed"):
        raise ConfigError(f"{path}: expected fail_open or fail_closed", param=path)
    return str(value)


_RETRY_COUNT, _FALLBACK_COUNT = whole(0, 100), whole(0, 100)

ROUTER_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "num_retries": Setting("num_retries", _RETRY_COUNT),
        "timeout": Setting("timeout", seconds),
        "stream_timeout": Setting("stream_timeout", seconds),
        "connect_timeout": Setting("connect_timeout", seconds),
        "idle_timeout": Setting("idle_timeout", seconds),
        "retry_after": Setting("retry_after", at_least(0)),
        "longest_wait": Setting("longest_wait", at_least(0)),
        "drop_params": Setting("drop_params", boolean),
        "block_requests_for_models_without_pricing": Setting("block_requests_for_models_without_pricing", boolean),
        "fallbacks": Setting("fallbacks", parse_fallbacks),
        "default_fallbacks": Setting("default_fallbacks", parse_targets),
        "context_window_fallbacks": Setting("context_window_fallbacks", parse_fallbacks),
        "content_policy_fallbacks": Setting("content_policy_fallbacks", parse_fallbacks),
        "max_fallbacks": Setting("max_fallbacks", _FALLBACK_COUNT),
        "fallback_alert": Setting("fallback_alert", fallback_alert),
        "model_group_alias": Setting("model_group_alias", _aliases),
        "routing_strategy": Setting("strategy", read_strategy),
        "routing_strategy_args": Setting("strategy_args", object_of),
        "routing_groups": Setting("routing_groups", routing_groups),
        "allowed_model_region": Setting("checks.regions", _regions),
        "enable_pre_call_checks": Setting("checks.window", boolean),
        "enable_tag_filtering": Setting("checks.tags", boolean),
        "tag_filtering_match_any": Setting("checks.match_any", boolean),
        "optional_pre_call_checks": Setting("affinity.kinds", affinity_kinds),
        "deployment_affinity_ttl_seconds": Setting("affinity.ttl", seconds),
        "routes": Setting("routes", parse_routes),
        "hedge": Setting("hedge", hedge_policy),
        "mid_stream_fallback": Setting("mid_stream_fallback", mid_stream_fallback),
        "weights": Setting("weights", weights),
        "retry_policy": Setting("retry_policy", _retry_policy),
        "model_group_retry_policy": Setting("group_retry_policies", _retry_policies),
        "allowed_fails": Setting("health.allowed_fails", whole()),
        "allowed_fails_policy": Setting("health.allowed_fails_by_error", ALLOWED_FAILS),
        "cooldown_time": Setting("health.cooldown", seconds),
        "disable_cooldowns": Setting("health.disabled", boolean),
        "default_litellm_params": Setting("defaults", default_params),
        "default_max_parallel_requests": Setting("default_max_parallel_requests", whole(1)),
        "canary": Setting("canary", parse_canaries),
        "health_check": Setting("health_check", health_check_policy),
        "mirror": Setting("mirror", mirror_policy),
        "queue": Setting("queue", queue_policy),
        "default_priority": Setting("queue.default_priority", priority_reader),
        "redis_url": Setting("redis.url", _redis_url),
        "redis_host": Setting("redis.host", text),
        "redis_port": Setting("redis.port", _port),
        "redis_password": Setting("redis.password", text),
        "redis_db": Setting("redis.db", whole()),
        "redis_prefix": Setting("redis.prefix", text),
        "redis_policy": Setting("redis.policy", _redis_policy),
    }
)
"""The one list of a router's settings."""

_LITELLM_NAMES = """
num_retries drop_params block_requests_for_models_without_pricing fallbacks default_fallbacks context_window_fallbacks
content_policy_fallbacks max_fallbacks allowed_fails cooldown_time
"""
LITELLM_SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {**{name: ROUTER_SETTINGS[name] for name in _LITELLM_NAMES.split()}, "request_timeout": ROUTER_SETTINGS["timeout"]}
)
"""Those that LiteLLM's users write in `litellm_settings`."""


class Reading(NamedTuple):
    """What was read, and what is wrong with it."""

    settings: RouterSettings
    problems: list[Problem]
    paths: dict[str, str]
    """By field: where it was said."""


def read_settings(*said: tuple[str, Mapping[str, Any], Mapping[str, Setting]]) -> Reading:
    """(path, values, the settings that may stand there), the weightier ones last. None counts as not said, and names that are
    not among the settings are passed over."""
    values: dict[str, Any] = {}
    reading = Reading(RouterSettings(), [], {})
    for path, mapping, settings in said:
        for name, value in mapping.items():
            setting = settings.get(name)
            if setting is None or value is None:
                continue
            where = f"{path}.{name}" if path else name
            try:
                values[setting.field] = setting.read(value, where)
            except ConfigError as error:
                reading.problems.extend(problems_of(error, where))
            else:
                reading.paths[setting.field] = where
    if "strategy_args" in values:
        where, strategy = reading.paths["strategy_args"], values.get("strategy", reading.settings.strategy)
        try:  # what they may be depends on the strategy
            values["strategy_args"] = read_strategy_arguments(strategy, values.pop("strategy_args"), where)
        except ConfigError as error:
            reading.problems.extend(problems_of(error, where))
    return reading._replace(settings=_joined(values))


def router_settings(
    mapping: Mapping[str, Any], path: str = "", settings: Mapping[str, Setting] = ROUTER_SETTINGS
) -> RouterSettings:
    """Raises one `ConfigError` with a line for each wrong path."""
    reading = read_settings((path, mapping, settings))
    unknown = [name for name in mapping if name not in settings]
    problems = [
        *reading.problems,
        *(
            Problem(f"{path}.{name}" if path else name, f"unknown setting{did_you_mean(name, settings)}")
            for name in unknown
        ),
    ]
    if problems:
        raise ConfigError("\n".join(f"{each.path}: {each.message}" for each in problems), param=problems[0].path)
    return reading.settings


def _joined(values: Mapping[str, Any]) -> RouterSettings:
    """With the records that are told in several settings put together."""
    plain = {field: value for field, value in values.items() if "." not in field}
    parts: dict[str, dict[str, Any]] = {}
    for field, value in values.items():
        record, _, name = field.partition(".")
        if name:
            parts.setdefault(record, {})[name] = value
    settings = RouterSettings(**plain)
    return replace(settings, **{name: replace(getattr(settings, name), **own) for name, own in parts.items()})
