"""Configurations as LiteLLM's users have them: each loads, does what it says, and names exactly the keys that do nothing."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import pytest
import yaml

import dragoman
from dragoman import Attempt
from dragoman.errors import DragomanError
from dragoman.gateway.assembly import build_router
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.routing.settings.options import split_params
from tests.routing.test_health import chat
from tests.routing.upstream import Stillness, Upstream

Asked = tuple[str, dict[str, Any], list[str]]
"""The model, what is said beside the request, and the deployments that are asked in turn, with the error that comes last."""


class Case(NamedTuple):
    text: str
    calls: list[Asked]
    unsupported: tuple[str, ...] = ()


def one(name: str, id: str, model: str = "sim", **more: Any) -> dict[str, Any]:
    info = {"id": id, **more.pop("info", {})}
    reached = {"model": f"openai/{model}", "api_base": "os.environ/UPSTREAM", "api_key": "os.environ/KEY"}
    return {"model_name": name, "litellm_params": {**reached, **more}, "model_info": info}


BAD = "sim[error=500]"
SLOW = "sim[latency=5]"
CASES: dict[str, tuple[list[dict[str, Any]], Case]] = {
    "load balancing by weight": (
        [one("chat", "heavy", weight=9), one("chat", "idle", weight=0)],
        Case("router_settings: {routing_strategy: simple-shuffle}", [("chat", {}, ["heavy"])] * 5),
    ),
    "load balancing by limits of use": (
        [one("chat", "a", rpm=1, tpm=9000), one("chat", "b", rpm=1, itpm=9000, otpm=9000, order=1)],
        Case(
            """
router_settings:
  routing_strategy: usage-based-routing-v2
  optional_pre_call_checks: [enforce_model_rate_limits]
  num_retries: 0
""",
            [("chat", {}, ["a"]), ("chat", {}, ["b"]), ("chat", {"timeout": 0.2}, ["RateLimitError"])],
        ),
    ),
    "the first order before the second": (
        [one("chat", "second", order=2), one("chat", "first", BAD, order=1)],
        Case("router_settings: {num_retries: 1}", [("chat", {}, ["first", "second"])]),
    ),
    "fallbacks": (
        [one("chat", "bad", BAD), one("spare", "worse", BAD), one("last", "good")],
        Case(
            "litellm_settings: {num_retries: 0, fallbacks: [{chat: [spare, last]}]}",
            [
                ("chat", {}, ["bad", "worse", "good"]),
                ("chat", {"disable_fallbacks": True}, ["bad", "InternalServerError"]),
            ],
        ),
    ),
    "default fallbacks": (
        [one("chat", "bad", BAD), one("spare", "good")],
        Case("litellm_settings: {default_fallbacks: [spare], num_retries: 0}", [("chat", {}, ["bad", "good"])]),
    ),
    "fallbacks of every model": (
        [one("chat", "bad", BAD), one("spare", "good")],
        Case('router_settings: {fallbacks: [{"*": [spare]}], num_retries: 0}', [("chat", {}, ["bad", "good"])]),
    ),
    "fallbacks by the kind of error": (
        [one("chat", "small"), one("long", "long"), one("safe", "safe"), one("spare", "spare")],
        Case(
            """
router_settings:
  context_window_fallbacks: [{chat: [long]}]
  content_policy_fallbacks: [{chat: [safe]}]
  fallbacks: [{chat: [spare]}]
""",
            [
                ("chat", {"mock_testing_context_fallbacks": True}, ["long"]),
                ("chat", {"mock_testing_content_policy_fallbacks": True}, ["safe"]),
                ("chat", {"mock_testing_fallbacks": True}, ["spare"]),
                ("chat", {}, ["small"]),
            ],
        ),
    ),
    "a limit to the fallbacks": (
        [one("chat", "bad", BAD), one("spare", "worse", BAD), one("last", "good")],
        Case(
            "router_settings: {num_retries: 0, fallbacks: [{chat: [spare, last]}], max_fallbacks: 1}",
            [("chat", {}, ["bad", "worse", "InternalServerError"])],
        ),
    ),
    "retries": (
        [one("chat", "bad", BAD)],
        Case(
            "router_settings: {num_retries: 2, retry_after: 0.01, disable_cooldowns: true}",
            [
                ("chat", {}, ["bad", "bad", "bad", "InternalServerError"]),
                ("chat", {"num_retries": 0}, ["bad", "InternalServerError"]),
            ],
        ),
    ),
    "a retry policy": (
        [one("chat", "bad", BAD), one("other", "slow", BAD)],
        Case(
            """
router_settings:
  num_retries: 3
  disable_cooldowns: true
  retry_policy: {InternalServerErrorRetries: 1, AuthenticationErrorRetries: 0, BadRequestErrorRetries: 0}
  model_group_retry_policy: {other: {InternalServerErrorRetries: 0}}
""",
            [("chat", {}, ["bad", "bad", "InternalServerError"]), ("other", {}, ["slow", "InternalServerError"])],
        ),
    ),
    "a cooldown": (
        [one("chat", "bad", BAD, order=1), one("chat", "good", order=2)],
        Case(
            "router_settings: {allowed_fails: 1, cooldown_time: 60, num_retries: 1}",
            [("chat", {}, ["bad", "good"]), ("chat", {}, ["bad", "good"]), ("chat", {}, ["good"])],
        ),
    ),
    "a cooldown by the class of the error": (
        [one("chat", "bad", BAD, order=1), one("chat", "good", order=2)],
        Case(
            "router_settings: {allowed_fails_policy: {InternalServerErrorAllowedFails: 0}, num_retries: 1}",
            [("chat", {}, ["bad", "good"]), ("chat", {}, ["good"])],
        ),
    ),
    "wildcards": (
        [one("openai/*", "wild", "*"), one("*", "all", "*")],
        Case("litellm_settings: {drop_params: true}", [("openai/sim", {}, ["wild"]), ("sim", {}, ["all"])]),
    ),
    "tags": (
        [one("chat", "free", tags=["free"]), one("chat", "paid", tags=["paid"]), one("chat", "any", tags=["default"])],
        Case(
            "router_settings: {enable_tag_filtering: true, tag_filtering_match_any: true}",
            [
                ("chat", {"tags": ["free"]}, ["free"]),
                ("chat", {"metadata": {"tags": ["paid"]}}, ["paid"]),
                ("chat", {}, ["any"]),
                ("chat", {"tags": ["other"]}, ["any"]),
            ],
        ),
    ),
    "a region": (
        [one("chat", "us", region_name="us-east-1"), one("chat", "eu", region_name="eu-west-1")],
        Case(
            "router_settings: {enable_pre_call_checks: true, allowed_model_region: eu}",
            [("chat", {}, ["eu"])] * 3
            + [("chat", {"metadata": {"allowed_model_region": "us"}}, ["PermissionDeniedError"])],
        ),
    ),
    "budgets": (
        [one("chat", "a", max_budget=5, budget_duration="1d")],
        Case(
            """
router_settings:
  provider_budget_config: {openai: {budget_limit: 100, time_period: 1d}}
litellm_settings: {max_budget: 10, budget_duration: 30d}
""",
            [("chat", {}, ["a"])],
            (
                "model_list[0].litellm_params.budget_duration",
                "model_list[0].litellm_params.max_budget",
                "router_settings.provider_budget_config",
                "litellm_settings.budget_duration",
                "litellm_settings.max_budget",
            ),
        ),
    ),
    "priorities": (
        [one("chat", "a")],
        Case(
            "router_settings: {default_priority: 10, polling_interval: 0.05}",
            [("chat", {"priority": 0}, ["a"]), ("chat", {}, ["a"])],
            ("router_settings.polling_interval",),
        ),
    ),
    "aliases": (
        [one("chat", "a")],
        Case(
            "router_settings: {model_group_alias: {gpt-4: chat, old: {model: chat, hidden: true}}}",
            [("gpt-4", {}, ["a"]), ("old", {}, ["a"]), ("new", {}, ["NotFoundError"])],
        ),
    ),
    "facts and prices": (
        [
            one(
                "chat",
                "a",
                info={"base_model": "azure/gpt-4o", "mode": "chat", "tier": "paid", "access_groups": ["beta"]},
                input_cost_per_token=1e-6,
                output_cost_per_token="2e-6",
                max_tokens=50,
            )
        ],
        Case("general_settings: {master_key: sk-f3hQ0sL2mZx8Vw7R}", [("chat", {}, ["a"])]),
    ),
    "timeouts": (
        [one("chat", "slow", SLOW, timeout=0.05), one("spare", "good")],
        Case(
            "router_settings: {timeout: 30, stream_timeout: 5, num_retries: 0, fallbacks: [{chat: [spare]}]}",
            [("chat", {}, ["slow", "good"])],
        ),
    ),
    "a strategy for each group": (
        [one("chat", "a"), one("chat", "b", blocked=True), one("fast", "c")],
        Case(
            """
router_settings:
  routing_strategy: least-busy
  routing_groups:
  - group_name: quick
    models: [fast]
    routing_strategy: latency-based-routing
    routing_strategy_args: {ttl: 60, lowest_latency_buffer: 0.5}
""",
            [("chat", {}, ["a"]), ("fast", {}, ["c"])],
        ),
    ),
    "defaults and calls at the same time": (
        [one("chat", "a", max_parallel_requests=3), one("other", "b")],
        Case(
            """
router_settings:
  default_max_parallel_requests: 20
  default_litellm_params: {max_tokens: 20, drop_params: true}
  set_verbose: false
  cache_responses: false
""",
            [("chat", {}, ["a"]), ("other", {}, ["b"])],
            ("router_settings.set_verbose", "router_settings.cache_responses"),
        ),
    ),
}


async def asked_for(call: Awaitable[Any], attempts_of: Callable[[Any], Sequence[Attempt]]) -> list[str]:
    """The deployments that were asked, and the error at the end."""
    try:
        return [attempt.deployment for attempt in attempts_of(await call)]
    except DragomanError as error:
        return [*(attempt.deployment for attempt in error.attempts), type(error).__name__]


@pytest.mark.parametrize("name", CASES)
async def test_a_configuration_does_what_it_says(name: str, upstream: Upstream) -> None:
    entries, case = CASES[name]
    environment = {"UPSTREAM": upstream.base("openai"), "KEY": "sk-" + "secret" * 4}
    config = parse_config({"model_list": entries, **yaml.safe_load(case.text)}, environment)
    assert sorted(config.unsupported) == sorted(case.unsupported)
    router, _ = build_router(config, clock=Stillness().clock)
    try:
        for model, said, expected in case.calls:
            call = chat(model, **split_params(said).options)
            assert await asked_for(router.answer(call), lambda answer: answer.attempts) == expected, (model, said)
    finally:
        await router.aclose()


ROUTERS = [name for name, (_, case) in CASES.items() if list(yaml.safe_load(case.text)) == ["router_settings"]]


@pytest.mark.parametrize("name", ROUTERS)
async def test_a_router_with_the_same_arguments_does_the_same(
    name: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entries, case = CASES[name]
    monkeypatch.setenv("UPSTREAM", upstream.base("openai"))
    monkeypatch.setenv("KEY", "sk-" + "secret" * 4)
    with caplog.at_level(logging.WARNING, "dragoman"):
        router = dragoman.Router(entries, **yaml.safe_load(case.text)["router_settings"])
    own = inspect.signature(dragoman.Router).parameters
    names = {key.rpartition(".")[2] for key in case.unsupported}
    later = ", ".join(sorted(names - own.keys()))
    told = [f"Router: known and without effect yet: {later}"] if later else []
    assert [record.getMessage() for record in caplog.records] == told
    try:
        for model, said, expected in case.calls:
            if expected != ["NotFoundError"]:  # any model may be asked by its provider
                call = router.acompletion(model, [{"role": "user", "content": "Hello"}], **said)
                assert await asked_for(call, lambda it: it._hidden_params["attempts"]) == expected, (model, said)
    finally:
        await router.aclose()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (
            "{redis_host: os.environ/REDIS_HOST, redis_port: 6380, redis_password: os.environ/REDIS_PASSWORD}",
            "redis://:p%40ss@cache:6380/0",
        ),
        ("{redis_url: 'redis://cache:6379/3'}", "redis://cache:6379/3"),
    ],
)
def test_where_the_shared_state_is(said: str, address: str) -> None:
    data = {"model_list": [one("chat", "a")], "router_settings": yaml.safe_load(said)}
    environment = {"UPSTREAM": "http://127.0.0.1:9", "KEY": "k", "REDIS_HOST": "cache", "REDIS_PASSWORD": "p@ss"}
    config = parse_config(data, environment)
    assert (config.router.redis.address, config.unsupported) == (address, ())
