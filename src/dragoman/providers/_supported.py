"""Which of OpenAI's chat parameters a provider's model takes, found by asking its codec to write each one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.dialects.dialect import Target
from dragoman.errors import BadRequestError
from dragoman.models import Abilities, abilities, missing, needed
from dragoman.providers._provider import Provider
from dragoman.types.model_entry import ModelEntry
from dragoman.types.operations import CHAT

__all__ = ["supported_openai_params"]

_FUNCTION: Mapping[str, Any] = {"name": "look", "parameters": {"type": "object", "properties": {}}}
_TOOLS: Mapping[str, Any] = {"tools": [{"type": "function", "function": _FUNCTION}]}

_SAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "temperature": {"temperature": 0.5},
        "top_p": {"top_p": 0.5},
        "n": {"n": 2},
        "stream": {"stream": True},
        "stream_options": {"stream": True, "stream_options": {"include_usage": True}},
        "stop": {"stop": ["."]},
        "max_tokens": {"max_tokens": 16},
        "max_completion_tokens": {"max_completion_tokens": 16},
        "presence_penalty": {"presence_penalty": 0.5},
        "frequency_penalty": {"frequency_penalty": 0.5},
        "logit_bias": {"logit_bias": {"50256": -100}},
        "user": {"user": "someone"},
        "response_format": {"response_format": {"type": "json_object"}},
        "seed": {"seed": 7},
        "tools": _TOOLS,
        "tool_choice": {**_TOOLS, "tool_choice": "auto"},
        "parallel_tool_calls": {**_TOOLS, "parallel_tool_calls": False},
        "functions": {"functions": [_FUNCTION]},
        "function_call": {"functions": [_FUNCTION], "function_call": "auto"},
        "logprobs": {"logprobs": True},
        "top_logprobs": {"logprobs": True, "top_logprobs": 2},
        "modalities": {"modalities": ["text"]},
        "audio": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        "prediction": {"prediction": {"type": "content", "content": "text"}},
        "reasoning_effort": {"reasoning_effort": "low"},
        "thinking": {"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "verbosity": {"verbosity": "low"},
        "web_search_options": {"web_search_options": {}},
        "service_tier": {"service_tier": "auto"},
        "store": {"store": True},
        "metadata": {"store": True, "metadata": {"topic": "test"}},
        "safety_identifier": {"safety_identifier": "someone"},
        "prompt_cache_key": {"prompt_cache_key": "key"},
        "prompt_cache_retention": {"prompt_cache_retention": "24h"},
    }
)
"""For each parameter, a value that asks for something, with what it needs beside it."""


def supported_openai_params(provider: Provider, model: str, entry: ModelEntry | None = None) -> list[str]:
    """The names of OpenAI's chat parameters that reach `model` with their meaning; the others would be refused, or
    left out and reported with `drop_params`. `entry` is the model's row in the catalogue.

    Empty for a provider that offers no chat."""
    if CHAT.name not in provider.endpoints:
        return []
    known = abilities(provider.name, model, entry)
    return [name for name, sample in _SAMPLES.items() if _takes(provider, model, known, name, sample)]


def _takes(provider: Provider, model: str, known: Abilities, name: str, sample: Mapping[str, Any]) -> bool:
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **sample}
    if missing(needed(request), known):
        return False
    target = Target(
        provider=provider.name,
        model=model,
        vendor=provider.vendor or provider.name,
        stream=bool(sample.get("stream")),
        facts=known.facts,
        accent=provider.accent,
    )
    try:
        wire = provider.endpoints[CHAT.name].codec.write_request(request, target)
    except BadRequestError:
        return False
    return name not in wire.dropped
