"""LiteLLM's `model_list`: what is read from it, and how a wrong one is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.models import Catalogue
from dragoman.providers import Providers
from dragoman.routing import RouterSettings, parse_fallbacks, parse_model_list, parse_targets
from dragoman.types.model_entry import ModelEntry


def test_an_entry_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-from-the-environment")
    params = {
        "model": "anthropic/claude-sonnet-4-5",
        "api_key": "os.environ/MY_KEY",
        "api_base": "http://127.0.0.1:1",
        "timeout": 30,
        "max_retries": 1,
        "drop_params": True,
        "extra_headers": {"x-team": "a"},
        "temperature": 0.5,
        "some_provider_param": {"a": 1},
        "rpm": 100,
        "weight": 2,
    }
    entry = {"model_name": "smart", "litellm_params": params, "model_info": {"id": "first", "mode": "chat"}}
    (deployment,) = parse_model_list([entry], Providers())
    assert (deployment.id, deployment.alias) == ("first", "smart")
    assert (deployment.provider.name, deployment.model) == ("anthropic", "claude-sonnet-4-5")
    options = deployment.options
    assert (options.api_key, options.timeout, options.num_retries) == ("sk-from-the-environment", 30.0, 1)
    assert options.drop_params is True
    assert options.extra_headers == {"x-team": "a"}
    assert deployment.params == {"temperature": 0.5, "some_provider_param": {"a": 1}}
    assert (deployment.rpm, deployment.weight, deployment.ignored) == (100, 2, {})
    assert deployment.model_info == {"id": "first", "mode": "chat"}


def test_limits_may_come_from_the_environment_and_from_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RPM": "60", "WEIGHT": "0.5", "BLOCKED": "true", "TIMEOUT": "7", "TPM": "many"}.items():
        monkeypatch.setenv(name, value)
    params = {"model": "openai/x", "rpm": "os.environ/RPM", "weight": "os.environ/WEIGHT", "tags": "eu"}
    more = {"blocked": "os.environ/BLOCKED", "timeout": "os.environ/TIMEOUT"}
    entry = {"model_name": "a", "litellm_params": {**params, **more}, "tpm": 7, "rpm": 1, "model_info": {"tpm": 3}}
    (found,) = parse_model_list([entry], Providers())
    assert (found.rpm, found.tpm, found.weight, found.tags) == (60, 7, 0.5, ("eu",))
    assert (found.blocked, found.options.timeout) == (True, 7)
    with pytest.raises(ConfigError) as caught:
        parse_model_list([{"model_name": "a", "params": {"model": "openai/x", "tpm": "os.environ/TPM"}}], Providers())
    assert caught.value.message == "model_list[0].params.tpm: expected a number, got a text from the environment"


def test_deployments_come_in_the_order_in_which_they_are_asked() -> None:
    entries = [
        {"model_name": "smart", "params": {"model": "openai/b", "order": 2}},
        {"model_name": "other", "params": {"model": "gpt-4o"}},
        {"model_name": "smart", "params": {"model": "my-model", "custom_llm_provider": "groq", "order": 1}},
    ]
    found = parse_model_list(entries, Providers())
    assert [(item.id, item.provider.name, item.model) for item in found] == [
        ("other:0", "openai", "gpt-4o"),
        ("smart:1", "groq", "my-model"),
        ("smart:0", "openai", "b"),
    ]


def test_a_wrong_list_is_refused_whole_with_every_path() -> None:
    entries: list[Any] = [
        {"model_name": "", "litellm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "a", "litelm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "b", "litellm_params": {"model": "opnai/gpt-4o", "timeout": "soon"}},
        {
            "model_name": "c",
            "litellm_params": {"model": "openai/x", "api_key": "os.environ/NOT_SET_AT_ALL", "order": "1st"},
        },
        {"model_name": "d", "litellm_params": {"model": "openai/x"}, "model_info": {"id": "same"}},
        {"model_name": "e", "litellm_params": {"model": "openai/x"}, "model_info": {"id": "same"}},
        "not an entry",
    ]
    with pytest.raises(ConfigError) as caught:
        parse_model_list(entries, Providers())
    lines = caught.value.message.splitlines()
    paths = [line.split(": ")[0] for line in lines]
    assert paths == [
        "model_list[0].model_name",
        "model_list[1].litelm_params",
        "model_list[2].litellm_params.timeout",
        "model_list[2].litellm_params.model",
        "model_list[3].litellm_params.api_key",
        "model_list[3].litellm_params.order",
        "model_list[6]",
        "model_list[5].model_info.id",
    ]
    assert "did you mean 'litellm_params'?" in lines[1]
    assert "openai" in lines[3]
    assert "soon" not in caught.value.message


@pytest.mark.parametrize("entries", ["x", {"model_name": "a"}, 3])
def test_a_list_must_be_a_list(entries: Any) -> None:
    with pytest.raises(ConfigError, match="model_list: expected a list"):
        parse_model_list(entries, Providers())


def test_fallbacks_in_both_forms() -> None:
    expected = {"a": ("b", {"model": "c", "temperature": 0}), "d": ("e",)}
    assert parse_fallbacks([{"a": ["b", {"model": "c", "temperature": 0}]}, {"d": "e"}], "fallbacks") == expected
    assert parse_fallbacks({"a": ["b", {"model": "c", "temperature": 0}], "d": ["e"]}, "fallbacks") == expected
    assert RouterSettings(fallbacks=expected).fallbacks == expected


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (3, "f"),
        ([3], "f[0]"),
        ([{"a": 3}], "f[0].a"),
        ([{"a": ["b", {"no": "model"}]}], "f[0].a[1]"),
        ({"a": [1]}, "f.a[0]"),
    ],
)
def test_wrong_fallbacks_name_their_path(value: Any, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fallbacks(value, "f")
    assert caught.value.param == path
    with pytest.raises(ConfigError):
        parse_targets(3, "default_fallbacks")


PRICED = {
    "model": "openai/my-model",
    "input_cost_per_token": "1e-6",
    "output_cost_per_token": 0.000002,
    "cache_read_input_token_cost": 1e-7,
    "inference_geo": "us",
    "max_tokens": 100,
}


@pytest.mark.parametrize("key", ["litellm_params", "params"])
def test_prices_and_facts_are_read_under_litellms_names(key: str) -> None:
    notes: dict[Any, Any] = {"cost_center": "a", "price_list": 7, 3: "three"}
    info = {"max_input_tokens": 1000, "supports_vision": True, "input_cost_per_token": 9e-6, **notes}
    (deployment,) = parse_model_list([{"model_name": "smart", key: PRICED, "model_info": info}], Providers())
    assert deployment.params == {"inference_geo": "us", "max_tokens": 100}
    assert deployment.ignored == {}
    assert deployment.model_info == info
    entry = deployment.entry
    assert entry is not None
    (period,) = entry.prices
    rates = {bucket: rate.base for bucket, rate in period.rates.items()}
    assert rates == {"input": 1_000_000_000, "output": 2_000_000_000, "cache_read": 100_000_000}
    assert (entry.max_input_tokens, entry.max_output_tokens, entry.abilities["vision"]) == (1000, None, True)
    assert str(entry.price_provenance) == "config"


def test_models_are_looked_up_in_the_catalogue_that_is_given() -> None:
    catalogue = Catalogue()
    catalogue.add(ModelEntry(provider="groq", model="mine", context_window=5))
    entries: list[Any] = [
        {"model_name": "a", "litellm_params": {"model": "groq/mine"}},
        {"model_name": "b", "litellm_params": {"model": "openai/my-deployment", "base_model": "groq/mine"}},
        {"model_name": "c", "litellm_params": {"model": "groq/x"}, "model_info": {"base_model": "mine"}},
        {"model_name": "d", "litellm_params": {"model": "openai/mine"}},
    ]
    found = parse_model_list(entries, Providers(), catalogue=catalogue)
    assert [item.entry.context_window if item.entry else None for item in found] == [5, 5, 5, None]
    assert [item.entry for item in parse_model_list(entries, Providers())] == [None] * 4


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"litellm_params": {"input_cost_per_token": "cheap"}}, "litellm_params.input_cost_per_token"),
        ({"litellm_params": {"input_cost_per_token": -1e-6}}, "litellm_params.input_cost_per_token"),
        ({"params": {"output_cost_per_token": True}}, "params.output_cost_per_token"),
        ({"params": {"output_cost_per_tokn": 1e-6}}, "params.output_cost_per_tokn"),
        ({"params": {"cache_read_input_tokn_cost": 1e-6}}, "params.cache_read_input_tokn_cost"),
        ({"params": {"output_cost_per_token": 1e-19}}, "params.output_cost_per_token"),
        (
            {"litellm_params": {"input_cost_per_token_above_200k_tokens": 1e-6}},
            "litellm_params.input_cost_per_token_above_200k_tokens",
        ),
        ({"litellm_params": {"base_model": 3}}, "litellm_params.base_model"),
        ({"params": {}, "model_info": {"base_model": 3}}, "model_info.base_model"),
        ({"params": {}, "model_info": {"input_cost_per_token": "cheap"}}, "model_info.input_cost_per_token"),
        ({"params": {}, "model_info": {"max_input_tokens": "many"}}, "model_info.max_input_tokens"),
    ],
)
def test_wrong_prices_and_facts_name_their_path(entry: dict[str, Any], path: str) -> None:
    key = "params" if "params" in entry else "litellm_params"
    wrong = {"model_name": "a", **entry, key: {"model": "openai/my-model", **entry[key]}}
    right = {"model_name": "b", "params": {"model": "openai/gpt-4o"}}
    with pytest.raises(ConfigError) as caught:
        parse_model_list([right, wrong], Providers())
    (line,) = caught.value.message.splitlines()
    assert line.startswith(f"model_list[1].{path}: ")
    assert caught.value.param == f"model_list[1].{path}"
