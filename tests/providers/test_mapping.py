"""Providers from mappings: four lines of YAML, and LiteLLM's rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from dragoman.credentials import HttpRequest
from dragoman.dialects.codec import Target
from dragoman.dialects.openai_chat import ACCENTS
from dragoman.errors import ConfigError, UnsupportedParamsError
from dragoman.providers import Provider, address, provider_from_mapping
from tests.credentials.signing import signed_headers

FOUR_LINES = """
name: persimmon
base_url: https://api.persimmon.test/v1
api_key_env: PERSIMMON_API_KEY
headers: {x-team: research}
"""


def body_of(provider: Provider, **request: Any) -> dict[str, Any]:
    """What the provider is sent for this request."""
    target = Target(provider=provider.name, model="m", vendor=provider.name, accent=provider.accent)
    messages = [{"role": "user", "content": "Hi"}]
    return dict(
        provider.endpoints["chat"].codec.write_request({"model": "m", "messages": messages, **request}, target).body
    )


async def test_four_lines_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = provider_from_mapping(yaml.safe_load(FOUR_LINES))
    monkeypatch.setenv("PERSIMMON_API_KEY", "k")
    assert (
        address(provider, provider.endpoints["chat"], api_base=None) == "https://api.persimmon.test/v1/chat/completions"
    )
    assert set(provider.endpoints) == {"chat", "text_completion", "embedding"}
    assert await signed_headers(provider.credential, None) == {"authorization": "Bearer k"}
    assert provider.headers == {"x-team": "research"}
    assert provider.base_url_env == ("PERSIMMON_API_BASE", "PERSIMMON_BASE_URL")
    assert not provider.faithful
    assert body_of(provider, odd_param=1)["odd_param"] == 1


async def test_a_key_in_a_header_of_its_own_stands_bare() -> None:
    row = {"name": "x", "base_url": "https://x.test", "api_key_header": "X-Key"}
    assert await signed_headers(provider_from_mapping(row).credential, "k", provider="x") == {"x-key": "k"}
    row["api_key_scheme"] = "Token "
    assert await signed_headers(provider_from_mapping(row).credential, "k", provider="x") == {"x-key": "Token k"}


async def test_a_key_in_the_query_is_no_header() -> None:
    row = {"name": "x", "base_url": "https://x.test", "api_key_query": "key"}
    request = HttpRequest("POST", "https://x.test/chat?alt=sse", {}, b"{}")
    signed = await provider_from_mapping(row).credential.sign(request, "a+b", provider="x")
    assert signed == request._replace(url="https://x.test/chat?alt=sse&key=a%2Bb")
    with pytest.raises(ConfigError, match="api_key_query: expected the key in the query or in a header, found both"):
        provider_from_mapping({**row, "api_key_header": "X-Key"})


def test_other_dialects_may_be_spoken() -> None:
    provider = provider_from_mapping(
        {"name": "x", "base_url": "https://x.test/anthropic", "dialect": "anthropic_messages", "vendor": "anthropic"}
    )
    assert provider.endpoints["chat"].codec.dialect == "anthropic_messages"
    assert address(provider, provider.endpoints["chat"], api_base=None) == "https://x.test/anthropic/v1/messages"
    assert provider.vendor == "anthropic"
    assert "embedding" not in provider.endpoints


def test_an_accent_is_named_or_described() -> None:
    row: dict[str, Any] = {"name": "x", "base_url": "https://x.test"}
    assert provider_from_mapping(row).accent is None
    assert provider_from_mapping({**row, "accent": "groq"}).accent is ACCENTS["groq"]
    described = provider_from_mapping({**row, "accent": {"unsupported": ["seed"], "max_temperature": 1}})
    assert body_of(described, temperature=1.7)["temperature"] == 1
    with pytest.raises(UnsupportedParamsError) as caught:
        body_of(described, seed=1)
    assert caught.value.param == "seed"


def test_a_row_of_litellms_is_understood() -> None:
    row = json.loads(
        """{"base_url": "https://api.x.test/v1", "api_key_env": "X_KEY", "api_base_env": "X_ADDRESS",
            "param_mappings": {"max_completion_tokens": "max_tokens", "seed": "random_seed"},
            "constraints": {"temperature_max": 1.0}, "supported_endpoints": ["/v1/chat/completions", "/v1/embeddings"],
            "headers": {"x-app": "y"}}"""
    )
    provider = provider_from_mapping({"name": "x", **row})
    assert provider.base_url_env == ("X_ADDRESS", "X_API_BASE", "X_BASE_URL")
    assert set(provider.endpoints) == {"chat", "embedding"}
    body = body_of(provider, max_completion_tokens=5, seed=3, temperature=1.5)
    assert (body["max_tokens"], body["random_seed"], body["temperature"]) == (5, 3, 1.0)
    assert not {"max_completion_tokens", "seed"} & set(body)


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        ({}, ["providers[2].name: missing", "providers[2].base_url: missing"]),
        ({"name": "x"}, ["providers[2].base_url: missing"]),
        ({"name": "x", "base_ur": "https://x"}, ["providers[2].base_ur", "did you mean 'base_url'"]),
        ({"name": "x", "base_url": 3}, ["providers[2].base_url: expected a text that is not empty, got a number"]),
        ({"name": "a/b", "base_url": "https://x"}, ["slash"]),
        ({"name": "x", "base_url": "https://x", "dialect": "opena_chat"}, ["dialect", "did you mean 'openai_chat'"]),
        ({"name": "x", "base_url": "https://x", "operations": ["chats"]}, ["operations", "did you mean 'chat'"]),
        ({"name": "x", "base_url": "https://x", "headers": {"a": 1}}, ["headers"]),
        (
            {"name": "x", "base_url": "https://x", "api_key_optional": "yes"},
            ["api_key_optional: expected true or false"],
        ),
        ({"name": "x", "base_url": "https://x", "accent": "grok"}, ["no accent 'grok'", "did you mean 'groq'"]),
        ({"name": "x", "base_url": "https://x", "accent": {"unsuported": []}}, ["did you mean 'unsupported'"]),
        ({"name": "x", "base_url": "https://x", "accent": {"max_temperature": "hot"}}, ["accent.max_temperature"]),
        ({"name": "x", "base_url": "https://x", "accent": {"tokens_field": "tokens"}}, ["accent.tokens_field"]),
        ({"name": "x", "base_url": "https://x", "accent": "groq", "dialect": "gemini"}, ["of ['gemini', 'vertex']"]),
        ({"name": "x", "base_url": "https://x", "accent": "a", "dialect": "anthropic_messages"}, ["has no accents"]),
        (
            {"name": "x", "base_url": "https://x", "dialect": "gemini", "param_mappings": {"top_p": "p"}},
            ["param_mappings", "'gemini'"],
        ),
        (
            {"name": "x", "base_url": "https://x", "constraints": {"temperature_mix": 1}},
            ["constraints.temperature_mix"],
        ),
        ({"name": "x", "base_url": "https://x", "special_handling": {"a": True}}, ["special_handling"]),
        ({"nme": "x", "bas_url": "https://x", "headrs": {}}, ["'name'", "'base_url'", "'headers'"]),
    ],
)
def test_a_wrong_row_is_refused_whole_with_each_wrong_key(row: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        provider_from_mapping(row, "providers[2]")
    for problem in problems:
        assert problem in caught.value.message


def test_a_row_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(ConfigError):
        provider_from_mapping(["name"], "providers[0]")  # type: ignore[arg-type]
