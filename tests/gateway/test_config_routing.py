"""A configuration of LiteLLM with all that its router knows: read with the table that the SDK's `Router` uses too."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import yaml

import dragoman
from dragoman.errors import ConfigError
from dragoman.gateway.config.gateway_config import GatewayConfig, parse_config
from dragoman.routing import RouterSettings
from dragoman.routing.settings.table import router_settings
from tests.gateway.serving import Upstream, gateway, model, serving

CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
RICH = """
model_list:
- model_name: smart
  litellm_params:
    model: openai/gpt-4o-eu
    api_base: https://eu.example.com
    api_key: key-of-the-deployment
    rpm: 600
    tpm: 100000
    max_parallel_requests: 20
    weight: 3
    order: 1
    tags: [eu, default]
    tag_regex: ["^claude-cli/"]
    region_name: eu
    cooldown_time: 30
    allowed_fails: 1
    allowed_fails_policy: {TimeoutErrorAllowedFails: 2}
    timeout: os.environ/SLOWEST
    stream_timeout: 10
    num_retries: 1
    silent_model: cheap
  model_info: {id: eu, base_model: openai/gpt-4o}
- model_name: smart
  rpm: 60
  litellm_params: {model: openai/gpt-4o, api_key: key-of-the-deployment, order: 2}
  model_info: {id: paused, blocked: true, allowed_fails: 0}
- model_name: cheap
  litellm_params: {model: openai/gpt-4o-mini, api_key: key-of-the-deployment, weight: os.environ/WEIGHT}
router_settings:
  routing_strategy: latency-based-routing
  routing_strategy_args: {ttl: 3600, lowest_latency_buffer: 0.2}
  num_retries: 3
  timeout: 30
  stream_timeout: 5
  retry_after: 1
  allowed_fails: 2
  allowed_fails_policy: {RateLimitErrorAllowedFails: 100, BadRequestErrorAllowedFails: 1000}
  cooldown_time: 20
  disable_cooldowns: false
  retry_policy: {AuthenticationErrorRetries: 0, TimeoutErrorRetries: 2}
  model_group_retry_policy: {cheap: {RateLimitErrorRetries: 4}}
  fallbacks: [{smart: [cheap]}]
  context_window_fallbacks: [{cheap: [smart]}]
  content_policy_fallbacks: [{smart: [cheap]}]
  default_fallbacks: [cheap]
  max_fallbacks: 2
  model_group_alias: {gpt-4: smart, legacy: {model: cheap, hidden: true}}
  enable_pre_call_checks: true
  optional_pre_call_checks: [prompt_caching, session_affinity]
  deployment_affinity_ttl_seconds: 600
  enable_tag_filtering: true
  tag_filtering_match_any: false
  default_max_parallel_requests: 50
  default_litellm_params: {temperature: 0.2}
  weights: {smart: {eu: 1}}
  redis_host: redis.example.com
  redis_port: 6380
  redis_password: os.environ/REDIS
"""
VARIABLES = {"SLOWEST": "12.5", "WEIGHT": "2", "REDIS": "secret-of-redis"}


def parse(data: dict[str, Any]) -> GatewayConfig:
    return parse_config(data, VARIABLES)


def test_a_configuration_of_litellm_with_all_its_keys_is_read() -> None:
    config = parse(yaml.safe_load(RICH))
    assert config.unsupported == ()
    cheap, eu, paused = config.deployments
    assert (eu.rpm, eu.tpm, eu.max_parallel_requests, eu.weight, eu.order) == (600, 100000, 20, 3, 1)
    assert (eu.tags, eu.tag_regex, eu.region) == (("eu", "default"), ("^claude-cli/",), "eu")
    assert (eu.cooldown_time, eu.allowed_fails, eu.allowed_fails_by_error) == (30, 1, {"Timeout": 2})
    assert (eu.options.timeout, eu.options.stream_timeout, eu.options.num_retries) == (12.5, 10, 1)
    assert (eu.silent_model, eu.blocked, eu.params, eu.ignored) == ("cheap", False, {}, {})
    assert (paused.rpm, paused.blocked, paused.allowed_fails, paused.order) == (60, True, 0, 2)
    assert (cheap.weight, cheap.rpm) == (2, None)
    assert config.router.redis.address == "redis://:secret-of-redis@redis.example.com:6380/0"
    assert config.aliases == {"gpt-4": "smart"}
    assert "secret-of-redis" not in repr(config)


def test_the_sdk_and_the_gateway_read_the_same() -> None:
    data = yaml.safe_load(RICH)
    said = {**data["router_settings"], "redis_password": VARIABLES["REDIS"]}
    # A strategy with arguments is a new function each time, equal to nothing.
    for mapping in (said, data["router_settings"]):
        del mapping["routing_strategy_args"]
    assert router_settings(said) == parse(data).router != RouterSettings()
    local = {name: value for name, value in said.items() if not name.startswith("redis")}
    listed = [{"model_name": name, "litellm_params": {"model": "openai/x"}} for name in ("smart", "cheap")]
    router = dragoman.Router(listed, **local)
    assert router.settings == parse({**data, "router_settings": local}).router
    router.close()


def test_litellm_settings_say_some_of_it_too() -> None:
    said = {
        "num_retries": 1,
        "request_timeout": 9,
        "fallbacks": [{"smart": ["cheap"]}],
        "default_fallbacks": ["cheap"],
        "context_window_fallbacks": [{"smart": ["cheap"]}],
        "content_policy_fallbacks": [{"smart": ["cheap"]}],
        "max_fallbacks": 1,
        "allowed_fails": 7,
        "cooldown_time": 8,
        "drop_params": True,
    }
    data = yaml.safe_load(RICH)
    settings = parse({"model_list": data["model_list"], "litellm_settings": said}).router
    assert (settings.num_retries, settings.timeout, settings.max_fallbacks, settings.drop_params) == (1, 9, 1, True)
    assert (settings.health.allowed_fails, settings.health.cooldown) == (7, 8)
    assert settings.fallbacks == settings.context_window_fallbacks == settings.content_policy_fallbacks
    assert settings.default_fallbacks == ("cheap",)
    del data["router_settings"]["cooldown_time"]
    both = parse({**data, "litellm_settings": said}).router
    assert (both.num_retries, both.timeout, both.health.cooldown) == (3, 30, 8)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("rpm", -1, "expected a whole number of at least 0, got -1"),
        ("tpm", "many", "expected a number, got a text"),
        ("max_parallel_requests", 0, "expected a whole number of at least 1, got 0"),
        ("weight", -0.5, "expected a number of at least 0, got -0.5"),
        ("order", "first", "expected a number, got a text"),
        ("tags", {"a": 1}, "expected a list of texts, got a mapping"),
        ("region_name", 3, "expected a text that is not empty, got a number (write it in quotes)"),
        ("cooldown_time", 0, "expected a number of seconds of at least 0.001, got 0"),
        ("allowed_fails", 1.5, "expected a whole number of at least 0, got 1.5"),
        ("blocked", "yes", "expected true or false, got a text"),
        ("silent_model", [], "expected a text that is not empty, got a list"),
        ("num_retries", 1000, "expected a whole number from 0 to 100, got 1000"),
        ("timeout", "soon", "expected a number of seconds, got a text"),
    ],
)
def test_wrong_values_of_a_deployment_are_told_with_their_path(key: str, value: Any, told: str) -> None:
    entry = {"model_name": "a", "litellm_params": {"model": "openai/x", key: value}}
    with pytest.raises(ConfigError) as caught:
        parse({"model_list": [entry]})
    assert caught.value.message.splitlines() == [f"model_list[0].litellm_params.{key}: {told}"]


def test_wrong_values_below_a_deployment_are_told_with_their_path() -> None:
    params = {"model": "openai/x", "allowed_fails_policy": {"TimeoutErrorRetries": 1}, "tag_regex": ["(", "a"]}
    info = {"rpm": "x", "blocked": 3, "allowed_fails": -1}
    with pytest.raises(ConfigError) as caught:
        parse({"model_list": [{"model_name": "a", "tpm": -3, "litellm_params": params, "model_info": info}]})
    paths = [line.partition(": ")[0].removeprefix("model_list[0].") for line in caught.value.message.splitlines()]
    assert paths == [
        "model_info.rpm",
        "model_info.blocked",
        "model_info.allowed_fails",
        "tpm",
        "litellm_params.allowed_fails_policy.TimeoutErrorRetries",
        "litellm_params.tag_regex[0]",
    ]


def test_a_model_that_only_a_deployment_names_must_be_there_too() -> None:
    params = {"model": "openai/x", "fallbacks": ["b", "gone", {"model": "cheep"}], "silent_model": "nobody"}
    listed = [{"model_name": "a", "litellm_params": params}, {"model_name": "cheap", "params": {"model": "openai/y"}}]
    with pytest.raises(ConfigError) as caught:
        parse({"model_list": listed, "router_settings": {"model_group_alias": {"b": "a"}}})
    assert caught.value.message.splitlines() == [
        "model_list[0].litellm_params.fallbacks: 'gone' is not in model_list",
        "model_list[0].litellm_params.fallbacks: 'cheep' is not in model_list (did you mean 'cheap'?)",
        "model_list[0].litellm_params.silent_model: 'nobody' is not in model_list",
    ]


def test_a_variable_may_be_missing_below_a_key_that_does_nothing() -> None:
    data = {
        "model_list": [
            {"model_name": "a", "litellm_params": {"model": "openai/x", "prompt_variables": {"a": "os.environ/GONE"}}}
        ],
        "general_settings": {"database_url": "os.environ/GONE", "alerting_args": [{"a": "os.environ/GONE"}]},
    }
    assert set(parse(data).unsupported) == {
        "general_settings.database_url",
        "general_settings.alerting_args",
        "model_list[0].litellm_params.prompt_variables",
    }
    data["router_settings"] = {"redis_password": "os.environ/GONE"}
    with pytest.raises(ConfigError) as caught:
        parse(data)
    assert caught.value.message == "router_settings.redis_password: the environment variable GONE is not set"


async def test_other_names_answer_and_hidden_ones_are_in_no_list(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    names = {"gpt-4": "smart", "legacy": {"model": "smart", "hidden": True}}
    async with (
        serving(upstream) as there,
        gateway([model(there)], router_settings={"model_group_alias": names}) as here,
    ):
        for name in ("gpt-4", "legacy"):
            async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "model": name}) as reply:
                assert reply.status == 200, await reply.text()
        async with client.get(f"{here}/v1/models") as reply:
            assert [row["id"] for row in (await reply.json())["data"]] == ["smart", "gpt-4"]
        async with client.get(f"{here}/v1/models/legacy") as reply:
            assert (reply.status, (await reply.json())["id"]) == (200, "legacy")
