"""What a call used, in tokens: the hub's `Usage` (OpenAI's shape) and its disjoint buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

__all__ = [
    "CacheCreationTokenDetails",
    "CompletionTokensDetails",
    "PromptTokensDetails",
    "ServerToolUse",
    "TokenBuckets",
    "Usage",
    "token_buckets",
]


class CacheCreationTokenDetails(TypedDict, total=False):
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class PromptTokensDetails(TypedDict, total=False):
    cached_tokens: int
    """Read from a cache."""
    cache_creation_tokens: int
    """Written to a cache (all lifetimes together)."""
    cache_creation_token_details: CacheCreationTokenDetails
    audio_tokens: int
    image_tokens: int
    video_tokens: int
    text_tokens: int


class CompletionTokensDetails(TypedDict, total=False):
    reasoning_tokens: int
    audio_tokens: int
    image_tokens: int
    text_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class ServerToolUse(TypedDict, total=False):
    web_search_requests: int
    web_fetch_requests: int
    code_execution_requests: int


class Usage(TypedDict, total=False):
    """OpenAI's shape: totals include their details. Providers' further fields (`cost`, ...) are kept as they came."""

    prompt_tokens: int
    """All input: fresh, read from a cache, and written to one."""
    completion_tokens: int
    """All output, reasoning included."""
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails
    server_tool_use: ServerToolUse
    cost: float
    """What the provider says that the call cost, in US dollars."""


@dataclass(frozen=True, slots=True)
class TokenBuckets:
    """The same usage cut into buckets that do not overlap; input buckets sum to `prompt_tokens`, output to `completion_tokens`."""

    input: int = 0
    """Fresh text input."""
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    input_image: int = 0
    output: int = 0
    """Visible text output."""
    reasoning: int = 0
    output_audio: int = 0
    output_image: int = 0


def token_buckets(usage: Usage) -> TokenBuckets:
    """Cut `usage` into disjoint buckets. A detail that exceeds what is left of its total is cut to it."""
    details = usage.get("prompt_tokens_details") or {}
    lifetimes = details.get("cache_creation_token_details") or {}
    left = usage.get("prompt_tokens") or 0

    def take(wanted: int | None) -> int:
        nonlocal left
        taken = max(0, min(wanted or 0, left))
        left -= taken
        return taken

    cache_read = take(details.get("cached_tokens"))
    cache_write_1h = take(lifetimes.get("ephemeral_1h_input_tokens"))
    cache_write_5m = take((details.get("cache_creation_tokens") or 0) - cache_write_1h)
    input_audio = take(details.get("audio_tokens"))
    input_image = take(details.get("image_tokens"))
    fresh, left = left, usage.get("completion_tokens") or 0
    produced = usage.get("completion_tokens_details") or {}
    reasoning = take(produced.get("reasoning_tokens"))
    output_audio = take(produced.get("audio_tokens"))
    output_image = take(produced.get("image_tokens"))
    return TokenBuckets(
        input=fresh,
        cache_read=cache_read,
        cache_write_5m=cache_write_5m,
        cache_write_1h=cache_write_1h,
        input_audio=input_audio,
        input_image=input_image,
        output=left,
        reasoning=reasoning,
        output_audio=output_audio,
        output_image=output_image,
    )
