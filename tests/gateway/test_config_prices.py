"""Prices and facts in config.yaml, under LiteLLM's names."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dragoman.errors import ConfigError
from dragoman.gateway.assembly import build_router
from dragoman.gateway.config.gateway_config import GatewayConfig, parse_config
from dragoman.types.cost import dollars
from dragoman.types.model_entry import ModelEntry
from tests.gateway.serving import KEY


def configured(
    params: dict[str, Any] | None = None, info: dict[str, Any] | None = None, **sections: Any
) -> GatewayConfig:
    entry = {
        "model_name": "smart",
        "litellm_params": {"model": "openai/our-own", "api_key": "x", **(params or {})},
        "model_info": info or {},
    }
    return parse_config({"model_list": [entry], "general_settings": {"master_key": KEY}, **sections}, {"PRICE": "2e-6"})


def known(config: GatewayConfig) -> ModelEntry:
    [deployment] = build_router(config)[0].deployments
    assert deployment.entry is not None
    return deployment.entry


PRICED = """
input_cost_per_token: 0.000003
output_cost_per_token: 15e-6
cache_read_input_token_cost: 0.0000003
input_cost_per_token_above_200k_tokens: 6e-6
input_cost_per_token_batches: 1.5e-6
"""


@pytest.mark.parametrize("where", ["params", "info"])
def test_prices_are_read_wherever_litellm_reads_them(where: str) -> None:
    config = configured(**{where: yaml.safe_load(PRICED)})
    assert config.unsupported == ()
    plain, batch = known(config).prices
    assert {name: dollars(rate.base) for name, rate in plain.rates.items()} == {
        "input": "3",
        "output": "15",
        "cache_read": "0.3",
    }
    assert plain.rates["input"].tiers == ((200_000, 6_000_000_000),)
    assert (dict(batch.when), dollars(batch.rates["input"].base)) == ({"processing": "batch"}, "1.5")


def test_a_price_may_come_from_the_environment() -> None:
    assert (
        known(configured({"input_cost_per_token": "os.environ/PRICE"})).prices[0].rates["input"].base == 2_000_000_000
    )


@pytest.mark.parametrize(("params", "info"), [({"base_model": "gpt-4o"}, {}), ({}, {"base_model": "openai/gpt-4o"})])
def test_a_base_model_lends_its_facts_and_prices(params: dict[str, Any], info: dict[str, Any]) -> None:
    entry = known(configured(params, info))
    assert (entry.context_window, dollars(entry.prices[0].rates["input"].base)) == (128_000, "2.5")
    assert "openai/gpt-4o" in (entry.name, entry.matched_by.removeprefix("base_model "))


def test_facts_are_read() -> None:
    entry = known(configured(info={"mode": "embedding", "max_input_tokens": 8192, "supports_vision": False, "ours": 1}))
    assert (entry.mode, entry.max_input_tokens, entry.abilities) == ("embedding", 8192, {"vision": False})


@pytest.mark.parametrize(
    ("params", "info", "told"),
    [
        ({"input_cost_per_token": "cheap"}, {}, "model_list[0].litellm_params.input_cost_per_token: expected dollars"),
        (
            {"output_cost_per_token": -1},
            {},
            "model_list[0].litellm_params.output_cost_per_token: expected dollars",
        ),
        ({"output_cost_per_token": True}, {}, "model_list[0].litellm_params.output_cost_per_token: expected dollars"),
        ({"input_cost_per_tokn": 1}, {}, "model_list[0].litellm_params.input_cost_per_tokn: unknown key (did you mean"),
        ({"base_model": 3}, {}, "model_list[0].litellm_params.base_model: expected a text"),
        ({}, {"input_cost_per_token": "cheap"}, "model_list[0].model_info.input_cost_per_token: expected dollars"),
        ({}, {"max_tokens": "many"}, "model_list[0].model_info.max_tokens: expected a whole number"),
        ({}, {"supports_vision": "yes"}, "model_list[0].model_info.supports_vision: expected true or false"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(params: dict[str, Any], info: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        configured(params, info)
    assert told in refused.value.message
    assert refused.value.message.count("\n") == 0


def test_the_settings_of_costs_are_acted_on() -> None:
    settings = {"include_cost_in_streaming_usage": True, "block_requests_for_models_without_pricing": True}
    config = configured(litellm_settings=settings)
    assert config.unsupported == ()
    assert config.include_cost_in_streaming_usage
    assert config.router.block_requests_for_models_without_pricing
    with pytest.raises(ConfigError, match=r"litellm_settings.include_cost_in_streaming_usage: expected true or false"):
        configured(litellm_settings={"include_cost_in_streaming_usage": "often"})
