"""Usage, as OpenAI-compatible providers tell it, made consistent: totals include their details."""

from __future__ import annotations

from typing import Any, cast

from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["has_usage", "read_usage"]

_MOVED: tuple[tuple[str, str, str], ...] = (
    ("cached_tokens", "prompt_tokens_details", "cached_tokens"),  # Moonshot, Together
    ("num_cached_tokens", "prompt_tokens_details", "cached_tokens"),  # Mistral
    ("prompt_cache_hit_tokens", "prompt_tokens_details", "cached_tokens"),  # DeepSeek
    ("cache_read_input_tokens", "prompt_tokens_details", "cached_tokens"),  # Venice, Databricks
    ("cache_creation_input_tokens", "prompt_tokens_details", "cache_creation_tokens"),  # Vercel, Databricks
    ("reasoning_tokens", "completion_tokens_details", "reasoning_tokens"),  # Copilot, Perplexity
    ("citation_tokens", "completion_tokens_details", "citation_tokens"),  # Perplexity
)
"""(key beside the totals, details, key in the details): where providers put what belongs into the details."""

_PERPLEXITY = frozenset({"citation_tokens", "num_search_queries"})
"""Perplexity's deep research counts reasoning and citations beside the output, and in no total."""
_TOO_MANY = 10**15

_DETAILS = {
    "prompt_tokens_details": ("prompt_tokens_details", "prompt_token_details"),
    "completion_tokens_details": ("completion_tokens_details", "completion_token_details"),
}
"""Writer leaves out an s."""


def has_usage(value: Any) -> bool:
    """Whether `value` is a usage that says something."""
    return isinstance(value, dict) and any(_count(value.get(key)) for key in ("prompt_tokens", "completion_tokens"))


def read_usage(raw: JsonObject, tier: Any = None) -> TokenUsage:
    """The hub's usage; fields that we do not know are kept as they came. `tier`: the word beside it for the tier that served."""
    usage = {key: value for key, value in raw.items() if value is not None}
    details, produced = _gathered(raw)
    prompt, output = _count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens"))
    if raw.keys() & _PERPLEXITY:
        output += _count(produced.get("reasoning_tokens")) + _count(produced.get("citation_tokens"))
    else:
        prompt, output = _complete(prompt, output, _count(raw.get("total_tokens")), details, produced)
    _cut(details, prompt, "cached_tokens", "audio_tokens", "image_tokens")
    _cut(produced, output, "reasoning_tokens", "audio_tokens", "image_tokens")
    usage |= {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
    for key, value in (("prompt_tokens_details", details), ("completion_tokens_details", produced)):
        for name in _DETAILS[key]:
            usage.pop(name, None)
        if value:
            usage[key] = value
    _cost(usage)
    if isinstance(tier, str) and tier:
        usage.setdefault("service_tier", tier)
    if _count(raw.get("num_search_queries")):
        usage.setdefault("server_tool_use", {"web_search_requests": _count(raw["num_search_queries"])})
    return cast(TokenUsage, usage)


def _gathered(raw: JsonObject) -> tuple[JsonObject, JsonObject]:
    """The details of prompt and completion, with what providers put elsewhere."""
    details = _details(raw, "prompt_tokens_details")
    produced = _details(raw, "completion_tokens_details")
    for key, place, name in _MOVED:
        if key not in raw:
            continue
        into = details if place == "prompt_tokens_details" else produced
        if _count(raw[key]) and not into.get(name):
            into[name] = raw[key]
    if details.get("cache_write_tokens") and not details.get("cache_creation_tokens"):  # OpenRouter, OpenAI
        details["cache_creation_tokens"] = details["cache_write_tokens"]
    _lifetimes(raw, details)
    return details, produced


def _complete(prompt: int, output: int, total: int, details: JsonObject, produced: JsonObject) -> tuple[int, int]:
    """Put inside the totals what a provider counts beside them."""
    reasoning = _count(produced.get("reasoning_tokens"))
    surplus = total - prompt - output
    if surplus <= 0:
        # Vercel's gateway gives Gemini's reasoning beside the output, and leaves it out of the total. A few tokens more than
        # the output are another tokenizer's count (MiniMax through OpenRouter), and are cut instead.
        return (prompt, output + reasoning) if 2 * reasoning > 3 * output + 16 else (prompt, output)
    if surplus == _count(details.get("audio_tokens")):
        return prompt + surplus, output  # Voxtral counts the audio beside the prompt
    if not reasoning:
        produced["reasoning_tokens"] = surplus  # Gemini shows its thoughts only in the total
    return prompt, output + surplus  # xAI counts the reasoning beside the output


def _lifetimes(raw: JsonObject, details: JsonObject) -> None:
    lifetimes = raw.get("cache_creation")
    if details.get("cache_creation_tokens") and isinstance(lifetimes, dict):  # Doubleword, as Anthropic
        names = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
        details["cache_creation_token_details"] = {key: _count(lifetimes.get(key)) for key in names}


def _cost(usage: dict[str, Any]) -> None:
    cost = usage.get("cost")
    if isinstance(cost, dict):  # Perplexity
        usage["cost_details"] = cost
        del usage["cost"]
        if isinstance(cost.get("total_cost"), int | float):
            usage["cost"] = cost["total_cost"]


def _details(raw: JsonObject, key: str) -> JsonObject:
    for name in _DETAILS[key]:
        value = raw.get(name)
        if isinstance(value, dict):
            return {inner: count for inner, count in value.items() if count is not None}
    return {}


def _cut(details: JsonObject, total: int, *keys: str) -> None:
    for key in keys:
        if key in details and _count(details[key]) > total:
            details[key] = total


def _count(value: Any) -> int:
    if type(value) is int and 0 <= value < _TOO_MANY:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return max(0, int(value)) if value == value and abs(value) < _TOO_MANY else 0
