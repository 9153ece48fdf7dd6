"""Which parameters a model takes, as the codecs say it."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.models import Catalogue
from dragoman.providers import Providers, supported_openai_params
from dragoman.types.request_params import REQUEST_PARAMS
from tests.recordings import Recording, recordings

LISTED = {name for name, param in REQUEST_PARAMS["chat"].items() if param.listed}


def supported(model: str) -> set[str]:
    return set(supported_openai_params(*Providers().resolve(model)))


def test_openai_takes_all_but_what_its_reasoning_models_refuse() -> None:
    everything, reasoning = supported("openai/gpt-4o"), supported("openai/gpt-5-nano")
    assert {"temperature", "top_p", "tools", "logprobs", "seed", "response_format", "store"} <= everything
    assert "reasoning_effort" not in everything
    assert not {"temperature", "top_p", "presence_penalty", "logprobs"} & reasoning
    assert {"reasoning_effort", "max_completion_tokens", "tools"} <= reasoning


def test_an_unknown_model_of_an_unknown_provider_may_take_everything() -> None:
    assert supported("openai_like/whatever") >= set(LISTED) - {"audio"}


def test_what_a_model_is_known_to_lack_is_not_listed() -> None:
    assert not {"tools", "tool_choice", "functions"} & supported("gemini/gemini-2.5-flash-tts")
    assert not {"tools", "functions"} & supported("openai/gpt-6-astra")
    provider, model = Providers().resolve("openai/gpt-6-astra")
    for said in (True, False):
        row = entry_from_mapping(
            {"supports_function_calling": said, "supports_audio_output": said}, provider="openai", model=model
        )
        found = set(supported_openai_params(provider, model, row))
        assert ({"tools", "audio"} <= found) is said
        assert "tools" in found or "parallel_tool_calls" not in found


def test_accents_count() -> None:
    assert not {"logprobs", "logit_bias"} & supported("groq/llama-3.3-70b-versatile")
    assert "tools" not in supported("perplexity/sonar")
    assert "seed" in supported("mistral/mistral-large-latest")


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"])
def test_other_dialects_take_what_they_can_express(model: str) -> None:
    found = supported(model)
    assert {"temperature", "top_p", "max_tokens", "stop", "tools", "tool_choice", "stream", "reasoning_effort"} <= found
    assert not {"prediction", "logit_bias"} & found


def test_a_provider_without_chat_takes_nothing() -> None:
    assert supported_openai_params(Providers().find("voyage"), "voyage-3") == []


ROWS = {
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "openai": "openai",
    "cerebras": "cerebras",
}


def accepted() -> list[Any]:
    return [
        param
        for param in recordings(("*", "chat"))
        if param.values[0] is None or (param.values[0].provider in ROWS and param.values[0].request_body)
    ]


@pytest.mark.parametrize("recording", accepted())
def test_what_a_provider_accepted_is_supported(recording: Recording) -> None:
    body = recording.request_body
    given = {name for name, value in body.items() if value is not None and (name, value) != ("n", 1)} & set(LISTED)
    name = body.get("model") or recording.model
    assert given <= supported(f"{ROWS[recording.provider]}/{name}")


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-sonnet-4-5"])
def test_a_model_with_schemas_alone_takes_structured_output(model: str) -> None:
    provider = Providers().find("anthropic")
    entry = Catalogue().find("anthropic", model)
    assert "response_format" in supported_openai_params(provider, model, entry)
