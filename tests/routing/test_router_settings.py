"""A router's settings under LiteLLM's names: what is read from each, and how a wrong one is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.errors import (
    APIError,
    ConfigError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
)
from dragoman.observe import Event, FallbackStarted, Listener
from dragoman.providers import Providers
from dragoman.routing import Call, CallOptions, CallRouter, RouterSettings, parse_model_list
from dragoman.routing.deployments.references import name_faults
from dragoman.routing.settings.retry import RetryPolicy
from dragoman.routing.settings.table import ROUTER_SETTINGS, read_settings, router_settings
from dragoman.settings.readers import Environment
from dragoman.types.operations import CHAT
from tests.routing.upstream import Upstream

Look = Callable[[Any], Any]
READ: list[tuple[dict[str, Any], Look, Any]] = [
    ({"num_retries": 0}, lambda s: s.num_retries, 0),
    ({"timeout": 3}, lambda s: s.timeout, 3),
    ({"stream_timeout": 0.5}, lambda s: s.stream_timeout, 0.5),
    ({"connect_timeout": 4}, lambda s: s.connect_timeout, 4),
    ({"idle_timeout": 4}, lambda s: s.idle_timeout, 4),
    ({"retry_after": 2}, lambda s: s.retry_after, 2),
    ({"longest_wait": 0}, lambda s: s.longest_wait, 0),
    ({"drop_params": True}, lambda s: s.drop_params, True),
    (
        {"block_requests_for_models_without_pricing": True},
        lambda s: s.block_requests_for_models_without_pricing,
        True,
    ),
    ({"fallbacks": [{"a": ["b"]}, {"c": "d"}]}, lambda s: s.fallbacks, {"a": ("b",), "c": ("d",)}),
    (
        {"default_fallbacks": ["b", {"model": "c", "temperature": 0}]},
        lambda s: s.default_fallbacks,
        ("b", {"model": "c", "temperature": 0}),
    ),
    ({"context_window_fallbacks": {"a": ["b"]}}, lambda s: s.context_window_fallbacks, {"a": ("b",)}),
    ({"content_policy_fallbacks": [{"a": ["b"]}]}, lambda s: s.content_policy_fallbacks, {"a": ("b",)}),
    ({"max_fallbacks": 1}, lambda s: s.max_fallbacks, 1),
    (
        {"model_group_alias": {"a": "b", "c": {"model": "a", "hidden": True}, "b": "b"}},
        lambda s: s.model_group_alias,
        {"a": ("b", False), "c": ("b", True)},
    ),
    ({"routing_strategy": "least-busy"}, lambda s: s.strategy, "least-busy"),
    (
        {"routing_strategy": "latency-based-routing", "routing_strategy_args": {"percentile": 0.9, "ttl": 60}},
        lambda s: s.strategy_args,
        {"percentile": 0.9},
    ),
    ({"weights": {"a": {"a:0": 3, "openai/x": 0}}}, lambda s: s.weights, {"a": {"a:0": 3, "openai/x": 0}}),
    (
        {"retry_policy": {"TimeoutErrorRetries": 3, "DefaultRetries": 0, "RateLimitErrorRetries": None}},
        lambda s: s.retry_policy,
        RetryPolicy(retries={"Timeout": 3, "APIError": 0}),
    ),
    (
        {"model_group_retry_policy": {"a": {"InternalServerErrorRetries": 1}}},
        lambda s: s.retry_policy_of("a").retries,
        {"InternalServerError": 1},
    ),
    ({"allowed_fails": 1}, lambda s: s.health.allowed_fails, 1),
    (
        {"allowed_fails_policy": {"ContentPolicyViolationErrorAllowedFails": 5, "TimeoutErrorAllowedFails": 0}},
        lambda s: s.health.allowed_fails_by_error,
        {"ContentPolicyViolationError": 5, "Timeout": 0},
    ),
    ({"cooldown_time": 7}, lambda s: s.health.cooldown, 7),
    ({"disable_cooldowns": True}, lambda s: s.health.disabled, True),
    (
        {"default_litellm_params": {"temperature": 0, "timeout": 9, "max_budget": 1}},
        lambda s: (s.defaults.params, s.defaults.options.timeout, s.defaults.later),
        ({"temperature": 0}, 9.0, ("max_budget",)),
    ),
    ({"default_max_parallel_requests": 4}, lambda s: s.default_max_parallel_requests, 4),
    ({"redis_url": "redis://there:1/2"}, lambda s: s.redis.address, "redis://there:1/2"),
    ({"redis_host": "there"}, lambda s: s.redis.address, "redis://there:6379/0"),
    (
        {"redis_host": "there", "redis_port": "7", "redis_password": "a/b:c", "redis_db": 2},
        lambda s: s.redis.address,
        "redis://:a%2Fb%3Ac@there:7/2",
    ),
    ({"enable_pre_call_checks": True}, lambda s: s.checks.window, True),
    ({"enable_tag_filtering": True}, lambda s: s.checks.tags, True),
    ({"tag_filtering_match_any": False}, lambda s: s.checks.match_any, False),
    ({"optional_pre_call_checks": ["prompt_caching"]}, lambda s: s.affinity.kinds, frozenset({"prompt_caching"})),
    ({"deployment_affinity_ttl_seconds": 5}, lambda s: s.affinity.ttl, 5),
    ({"routes": [{"if": {"tools": True}, "use": "b"}]}, lambda s: [route.use for route in s.routes], ["b"]),
    ({"fallback_alert": {"rate": 0.5}}, lambda s: s.fallback_alert.rate, 0.5),
]


@pytest.mark.parametrize(
    ("said", "look", "expected"), READ, ids=lambda value: ",".join(value) if type(value) is dict else ""
)
def test_each_setting_is_read(said: dict[str, Any], look: Look, expected: Any) -> None:
    said = {
        name: Environment(value) if isinstance(value, str) and value.isdigit() else value
        for name, value in said.items()
    }
    settings = router_settings(said)
    assert look(settings) == expected
    try:
        unsaid = look(RouterSettings())
    except AttributeError:
        unsaid = None
    assert unsaid != expected, "it must change something"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"num_retries": -1}, "num_retries: expected a whole number from 0 to 100, got -1"),
    ({"num_retries": "many"}, "num_retries: expected a number, got a text"),
    ({"timeout": True}, "timeout: expected a number of seconds, got true"),
    ({"timeout": 0}, "timeout: expected a number of seconds of at least 0.001, got 0"),
    ({"drop_params": "yes"}, "drop_params: expected true or false, got a text"),
    ({"disable_cooldowns": Environment("maybe")}, "disable_cooldowns: expected true or false, got a text from the env"),
    ({"fallbacks": [{"a": [{"model": "b", "timeout": "x"}]}]}, "fallbacks[0].a[0].timeout: expected a number of sec"),
    ({"default_fallbacks": [3]}, "default_fallbacks[0]: expected a model"),
    ({"model_group_alias": {"a": 3}}, "model_group_alias.a: expected a text"),
    ({"model_group_alias": {"a": {"hidden": True}}}, "model_group_alias.a.model: expected a text"),
    ({"model_group_alias": {"a": {"model": "b", "hiden": True}}}, "model_group_alias.a.hiden: unknown key"),
    ({"model_group_alias": {"a": {"model": "b", "hidden": 1}}}, "model_group_alias.a.hidden: expected true or false"),
    ({"model_group_alias": {"a": "b", "b": "a"}}, "model_group_alias.a: leads in a circle: a -> b -> a"),
    ({"routing_strategy": "least-buzy"}, "routing_strategy: unknown strategy (did you mean 'least-busy'?)"),
    (
        {"routing_strategy": "latency-based-routing", "routing_strategy_args": {"percentil": 1}},
        "routing_strategy_args.percentil: unknown key (did you mean 'percentile'?)",
    ),
    ({"weights": {"a": {"x": -1}}}, "weights.a.x: expected a number of at least 0, got -1"),
    ({"weights": {"a": {"x": 0}}}, "weights.a: expected a weight above 0"),
    ({"retry_policy": {"TimeoutRetries": 1}}, "retry_policy.TimeoutRetries: unknown key (did you mean 'TimeoutErrorR"),
    ({"retry_policy": {"TimeoutErrorRetries": 0.5}}, "retry_policy.TimeoutErrorRetries: expected a whole number"),
    ({"model_group_retry_policy": {"a": 3}}, "model_group_retry_policy.a: expected a mapping, got a number"),
    ({"allowed_fails_policy": {"TimeoutErrorRetries": 1}}, "allowed_fails_policy.TimeoutErrorRetries: unknown key"),
    ({"cooldown_time": -5}, "cooldown_time: expected a number of seconds of at least 0.001, got -5"),
    ({"default_litellm_params": {"model": "x"}}, "default_litellm_params.model: is each deployment's own to say"),
    ({"default_litellm_params": {"timeout": "x"}}, "default_litellm_params.timeout: expected a number of seconds"),
    ({"redis_port": 70000}, "redis_port: expected a whole number from 1 to 65535, got 70000"),
    *(
        ({"redis_url": address}, "redis_url: expected an address such as redis://host:6379/0")
        for address in (
            "localhost:6379",
            "http://h:6379",
            "redis://",
            "redis://h:port",
            "redis://h:0",
            "redis://[h",
            "unix://",
        )
    ),
    ({"num_retires": 3}, "num_retires: unknown setting (did you mean 'num_retries'?)"),
]


@pytest.mark.parametrize(("said", "told"), WRONG, ids=lambda value: ",".join(value) if type(value) is dict else "")
@pytest.mark.parametrize("path", ["", "router_settings"])
def test_each_wrong_value_is_told_with_its_path(said: dict[str, Any], told: str, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        router_settings(said, path)
    lines = caught.value.message.splitlines()
    prefix = f"{path}." if path else ""
    assert lines[0].startswith(prefix + told), lines
    assert str(caught.value.param) == lines[0].partition(": ")[0]


def test_all_wrong_values_are_told_at_once_and_no_value_is_shown() -> None:
    secret = "sk-canary-71c"
    with pytest.raises(ConfigError) as caught:
        router_settings({"timeout": secret, "redis_port": secret, "retry_policy": secret, "fallbacks": secret}, "r")
    assert [line.partition(":")[0] for line in caught.value.message.splitlines()] == [
        "r.timeout",
        "r.redis_port",
        "r.retry_policy",
        "r.fallbacks",
    ]
    assert secret not in caught.value.message
    said = {"redis_password": secret, "redis_host": "h", "redis_url": f"redis://:{secret}@h"}
    assert secret not in repr(router_settings(said))


def test_nothing_and_none_are_the_defaults() -> None:
    assert router_settings({}) == RouterSettings()
    assert router_settings(dict.fromkeys(ROUTER_SETTINGS)) == RouterSettings()


def test_every_setting_is_a_field_of_the_record() -> None:
    fields = {field.name for field in dataclasses.fields(RouterSettings)}
    assert {setting.field.partition(".")[0] for setting in ROUTER_SETTINGS.values()} <= fields


def test_the_weightier_source_wins_and_both_are_looked_at() -> None:
    reading = read_settings(
        ("litellm_settings", {"num_retries": 1, "timeout": "x"}, ROUTER_SETTINGS),
        ("router_settings", {"num_retries": 3, "timeout": 4}, ROUTER_SETTINGS),
    )
    assert (reading.settings.num_retries, reading.settings.timeout) == (3, 4)
    assert reading.paths["num_retries"] == "router_settings.num_retries"
    assert [problem.path for problem in reading.problems] == ["litellm_settings.timeout"]


def test_names_that_nobody_knows_are_told_where_they_stand() -> None:
    said = {
        "fallbacks": [{"smart": ["bakcup", "openai/any"]}, {"gone": ["backup"]}, {"*": ["backup"]}],
        "default_fallbacks": [{"model": "nope"}],
        "model_group_alias": {"gpt-4": "smrt", "old": "smart"},
        "context_window_fallbacks": {"old": ["old"]},
        "model_group_retry_policy": {"smartt": {}},
        "routes": [{"if": {"tools": True}, "use": "nobody"}],
        "weights": {"smrt": {"x": 1}},
    }
    faults = name_faults(read_settings(("r", said, ROUTER_SETTINGS)), ["smart", "backup", "openai/*"])
    assert [problem.path for problem in faults] == [
        "r.fallbacks.smart",
        "r.fallbacks",
        "r.default_fallbacks",
        "r.model_group_alias.gpt-4",
        "r.routes[0].use",
        "r.model_group_retry_policy.smartt",
        "r.weights.smrt",
    ]
    assert faults[0].message == "'bakcup' is not in model_list (did you mean 'backup'?)"


def call(model: str = "smart", **options: Any) -> Call:
    chat = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return Call(operation=CHAT, model=model, request=chat, options=CallOptions(**options))


def router(upstream: Upstream, said: dict[str, Any], *listeners: Listener, **own: dict[str, Any]) -> CallRouter:
    """`smart` fails; `backup` and `other` answer. `own` are further parameters, by alias."""
    models = {"smart": "openai/sim[error=500]", "backup": "openai/sim", "other": "anthropic/sim"}
    entries = []
    for name, model in models.items():
        reached = {"api_base": upstream.base(model.partition("/")[0]), "api_key": "sk-of-a-test"}
        params = {"model": model, **reached, **own.get(name, {})}
        entries.append({"model_name": name, "litellm_params": params, "model_info": {"id": name}})
    settings = router_settings({"num_retries": 0, **said})
    return CallRouter(parse_model_list(entries, Providers()), settings=settings, listeners=listeners)


async def answered(core: CallRouter, asked: Call) -> list[tuple[str, str, int | None]]:
    try:
        answer = await core.answer(asked)
        return [(attempt.alias, attempt.deployment, attempt.status) for attempt in answer.attempts]
    finally:
        await core.aclose()


async def test_another_name_answers_and_has_fallbacks_of_its_own(upstream: Upstream) -> None:
    names = {"gpt-4": "smart", "secret": {"model": "smart", "hidden": True}}
    said = {"model_group_alias": names, "fallbacks": [{"gpt-4": ["other"]}, {"smart": ["backup"]}]}
    core = router(upstream, said)
    assert core.names == ("smart", "backup", "other", "gpt-4")
    assert [item.id for item in core.candidates("secret")] == ["smart"]
    assert await answered(core, call("gpt-4")) == [("smart", "smart", 500), ("other", "other", None)]
    for name in ("smart", "secret"):
        assert await answered(router(upstream, said), call(name)) == [
            ("smart", "smart", 500),
            ("backup", "backup", None),
        ]


@pytest.mark.parametrize("where", ["call", "deployment"])
async def test_fallbacks_can_be_forbidden(upstream: Upstream, where: str) -> None:
    said = {"fallbacks": {"smart": ["backup"]}, "context_window_fallbacks": {"smart": ["backup"]}}
    core = router(upstream, said, **({"smart": {"disable_fallbacks": True}} if where == "deployment" else {}))
    with pytest.raises(InternalServerError) as caught:
        await answered(core, call(disable_fallbacks=True) if where == "call" else call())
    assert [attempt.deployment for attempt in caught.value.attempts] == ["smart"]


async def test_a_deployment_may_bring_fallbacks(upstream: Upstream) -> None:
    core = router(upstream, {"fallbacks": {"smart": ["backup"]}}, smart={"fallbacks": ["other"]})
    assert [each[1] for each in await answered(core, call())] == ["smart", "other"]
    core = router(upstream, {}, smart={"fallbacks": ["other"]})
    assert [each[1] for each in await answered(core, call(fallbacks=("backup",)))] == ["smart", "backup"]


@pytest.mark.parametrize(
    ("switch", "error", "expected"),
    [
        ("mock_testing_fallbacks", InternalServerError, "smart-general"),
        ("mock_testing_context_fallbacks", ContextWindowExceededError, "smart-context"),
        ("mock_testing_content_policy_fallbacks", ContentPolicyViolationError, "smart-policy"),
    ],
)
async def test_fallbacks_can_be_tried_out_without_asking_the_model(
    upstream: Upstream, switch: str, error: type[APIError], expected: str
) -> None:
    said = {
        "model_group_alias": {f"smart-{name}": "other" for name in ("general", "context", "policy")},
        "fallbacks": {"backup": ["smart-general"]},
        "context_window_fallbacks": {"backup": ["smart-context"]},
        "content_policy_fallbacks": {"backup": ["smart-policy"]},
    }
    heard: list[Event] = []
    core = router(upstream, said, heard.append)
    assert [each[1] for each in await answered(core, call("backup", **{switch: True}))] == ["other"]
    assert [(event.fallback, event.error) for event in heard if isinstance(event, FallbackStarted)] == [
        (expected, error.__name__)
    ]
    with pytest.raises(error, match="tests its fallbacks") as caught:
        await answered(router(upstream, {}), call("backup", **{switch: True}))
    assert caught.value.attempts == ()
    assert len(upstream.calls) == 1


def test_defaults_reach_the_deployments_that_do_not_say_it_themselves(upstream: Upstream) -> None:
    said = {
        "default_litellm_params": {"temperature": 0.1, "timeout": 9, "drop_params": True},
        "default_max_parallel_requests": 4,
        "weights": {"smart": {"smart": 7}, "backup": {"nobody": 1}},
    }
    own = {"temperature": 1, "timeout": 3, "max_parallel_requests": 2, "weight": 5}
    smart, backup, other = router(upstream, said, smart=own, backup={"weight": 2}, other={"weight": 2}).deployments
    assert (smart.params["temperature"], backup.params["temperature"]) == (1, 0.1)
    assert (smart.options.timeout, backup.options.timeout, smart.options.drop_params) == (3, 9, True)
    assert (smart.max_parallel_requests, backup.max_parallel_requests) == (2, 4)
    assert (smart.weight, backup.weight, other.weight) == (7, 0, 2)
