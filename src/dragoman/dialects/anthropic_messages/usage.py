"""Usage: disjoint counts at Anthropic, totals with their details in the hub.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance"""

from __future__ import annotations

from typing import Any, cast

from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["as_count", "merge_usage", "read_usage", "usage_from_body", "write_usage"]

_COUNTED = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation",
        "output_tokens_details",
    }
)
_OWN = ("service_tier", "inference_geo", "speed", "iterations", "cost", "cost_details", "is_byok")
"""Further fields that this dialect's usage may carry; written back where the hub has them."""
_TIERS = ("standard", "priority", "batch")


def read_usage(usage: object) -> TokenUsage | None:
    """Anthropic's `input_tokens` leave out what was read from a cache or written to one; the hub's total has all of it."""
    if not isinstance(usage, dict):
        return None
    cached, written = as_count(usage.get("cache_read_input_tokens")), as_count(usage.get("cache_creation_input_tokens"))
    prompt = as_count(usage.get("input_tokens")) + cached + written
    completion = as_count(usage.get("output_tokens"))
    details: JsonObject = {"cached_tokens": cached, "cache_creation_tokens": written}
    lifetimes = usage.get("cache_creation")
    if isinstance(lifetimes, dict):
        details["cache_creation_token_details"] = {key: as_count(value) for key, value in lifetimes.items()}
    read: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
    }
    produced = usage.get("output_tokens_details")
    if isinstance(produced, dict):
        read["completion_tokens_details"] = {"reasoning_tokens": as_count(produced.get("thinking_tokens"))}
    read.update((key, value) for key, value in usage.items() if key not in _COUNTED and value is not None)
    return cast(TokenUsage, read)


def usage_from_body(body: JsonObject) -> TokenUsage | None:
    return read_usage(body.get("usage"))


def merge_usage(earlier: JsonObject, later: object) -> JsonObject:
    """Return the counts so far. Those of a stream are cumulative: a later event's replace an earlier one's."""
    if isinstance(later, dict):
        return earlier | {key: value for key, value in later.items() if value is not None}
    return earlier


def write_usage(usage: TokenUsage | None, service_tier: object = None) -> JsonObject:
    """Return Anthropic's usage, with all fields that its clients expect."""
    hub: dict[str, Any] = dict(usage or {})
    details = _object(hub.get("prompt_tokens_details"))
    cached, written = as_count(details.get("cached_tokens")), as_count(details.get("cache_creation_tokens"))
    wire: JsonObject = {
        "input_tokens": max(0, as_count(hub.get("prompt_tokens")) - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
    }
    lifetimes = _object(details.get("cache_creation_token_details"))
    if lifetimes:
        names = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
        wire["cache_creation"] = {name: as_count(lifetimes.get(name)) for name in names}
    wire["output_tokens"] = as_count(hub.get("completion_tokens"))
    produced = _object(hub.get("completion_tokens_details"))
    if "reasoning_tokens" in produced:
        wire["output_tokens_details"] = {"thinking_tokens": as_count(produced["reasoning_tokens"])}
    run = _object(hub.get("server_tool_use"))
    if run:
        wire["server_tool_use"] = {"web_search_requests": 0, "web_fetch_requests": 0} | run
    wire.update((key, hub[key]) for key in _OWN if hub.get(key) is not None)
    wire.pop("service_tier", None)
    return wire | _tier(hub.get("service_tier") or service_tier)


def _tier(tier: object) -> JsonObject:
    word = "standard" if tier == "default" else tier
    return {"service_tier": word} if word in _TIERS else {}


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_count(value: object) -> int:
    """Return a number of tokens; anything else counts as none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
