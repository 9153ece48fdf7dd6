"""The parameters of a request, in one table for both directions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OWN_PARAMS", "PARAMS", "SERVICE_TIERS"]

PARAMS: Mapping[str, str | None] = MappingProxyType(
    {
        "max_tokens": "max_tokens",
        "max_completion_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop": "stop_sequences",
        "stream": "stream",
        "tools": "tools",
        "functions": "tools",
        "web_search_options": "tools",
        "tool_choice": "tool_choice",
        "function_call": "tool_choice",
        "parallel_tool_calls": "tool_choice",
        "response_format": "output_config",
        "reasoning_effort": "output_config",
        "thinking": "thinking",
        "metadata": "metadata",
        "user": "metadata",
        "safety_identifier": "metadata",
        "service_tier": "service_tier",
        "stream_options": "stream",  # usage always comes
        "vendor_params": "",
        "n": None,
        "presence_penalty": None,
        "frequency_penalty": None,
        "logit_bias": None,
        "logprobs": None,
        "top_logprobs": None,
        "seed": None,
        "modalities": None,
        "audio": None,
        "prediction": None,
        "verbosity": None,
        "store": None,
        "prompt_cache_key": None,
        "prompt_cache_retention": None,
        "safety_settings": None,
        "cached_content": None,
    }
)
"""The hub's name -> the field of the body that carries it (empty: several), or None where Anthropic has none.
https://platform.claude.com/docs/en/api/messages/create"""

OWN_PARAMS = frozenset(
    {"mcp_servers", "container", "context_management", "inference_geo", "speed", "diagnostics", "cache_control"}
    | {"output_config", "user_profile_id", "workspace_id", "fallbacks", "thread"}
)
"""Anthropic's own parameters that callers of the OpenAI dialect also write at the top of their request."""

SERVICE_TIERS: Mapping[str, str] = MappingProxyType({"auto": "auto", "default": "standard_only"})
"""OpenAI's word -> Anthropic's. https://platform.claude.com/docs/en/api/service-tiers"""
