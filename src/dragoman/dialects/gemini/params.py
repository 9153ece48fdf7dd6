"""The parameters of a request, in one table for both directions: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from dragoman.types.request_params import PARAM_TYPES

__all__ = ["CONFIG_PARAMS", "LEVELS", "PARAMS", "TIERS_FROM_WIRE", "TIERS_TO_WIRE", "ConfigParam"]


class ConfigParam(NamedTuple):
    """A field of `generationConfig` that differs from the hub's parameter in nothing but its name."""

    name: str
    """The hub's name."""
    wire_name: str
    wire_type: type


_CONFIG_NAMES = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_WIRE_TYPES = {"top_k": float}
"""Types of Google's that are wider than the hub's."""
CONFIG_PARAMS = tuple(
    ConfigParam(name, wire_name, _WIRE_TYPES.get(name, PARAM_TYPES["chat"][name]))
    for name, wire_name in _CONFIG_NAMES.items()
)
PARAMS: Mapping[str, str | None] = MappingProxyType(
    {name: f"generationConfig.{wire_name}" for name, wire_name in _CONFIG_NAMES.items()}
    | {
        "max_completion_tokens": "generationConfig.maxOutputTokens",
        "stop": "generationConfig.stopSequences",
        "response_format": "generationConfig",
        "modalities": "generationConfig.responseModalities",
        "audio": "generationConfig.speechConfig",
        "reasoning_effort": "generationConfig.thinkingConfig",
        "thinking": "generationConfig.thinkingConfig",
        "tools": "tools",
        "functions": "tools",
        "web_search_options": "tools",
        "tool_choice": "toolConfig",
        "function_call": "toolConfig",
        "safety_settings": "safetySettings",
        "cached_content": "cachedContent",
        "service_tier": "serviceTier",
        "metadata": "labels",
        "stream": "",
        "stream_options": "",  # usage always comes
        "vendor_params": "",
        "parallel_tool_calls": None,
        "user": None,
        "safety_identifier": None,
        "prompt_cache_key": None,
        "prompt_cache_retention": None,
        "prediction": None,
        "logit_bias": None,
        "verbosity": None,
        "store": None,
    }
)
"""The hub's name -> the field of the body that carries it (empty: the path, or several), or None where Google has none."""

LEVELS = ("minimal", "low", "medium", "high")
"""`thinkingLevel`, weakest first: https://ai.google.dev/gemini-api/docs/thinking#thinking-levels"""

TIERS_FROM_WIRE = {"standard": "default"}
"""Google's service tiers that OpenAI names otherwise; `flex` and `priority` have one name."""
TIERS_TO_WIRE: Mapping[str, str | None] = MappingProxyType(
    {"auto": None} | {tier: wire for wire, tier in TIERS_FROM_WIRE.items()}
)
"""The same from the hub. None: the tier is Google's default and is not sent."""
