"""What a call used: the hub's `Usage` (OpenAI's shape), and its disjoint buckets, of which each has its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict

__all__ = [
    "CacheCreationTokenDetails",
    "CachedTokensDetails",
    "CompletionTokensDetails",
    "PromptTokensDetails",
    "ServerToolUse",
    "TokenBuckets",
    "TokenUsage",
    "bucket_counts",
    "token_buckets",
]


class CacheCreationTokenDetails(TypedDict, total=False):
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class CachedTokensDetails(TypedDict, total=False):
    """What kind of input was read from a cache."""

    text_tokens: int
    audio_tokens: int
    image_tokens: int
    document_tokens: int
    video_tokens: int


class PromptTokensDetails(TypedDict, total=False):
    cached_tokens: int
    """Read from a cache."""
    cached_tokens_details: CachedTokensDetails
    cache_creation_tokens: int
    """Written to a cache (all lifetimes together)."""
    cache_creation_token_details: CacheCreationTokenDetails
    audio_tokens: int
    """All audio, fresh or from a cache; so too the next ones."""
    image_tokens: int
    document_tokens: int
    """Pages that Google counts apart, and sells as images."""
    video_tokens: int
    text_tokens: int


class CompletionTokensDetails(TypedDict, total=False):
    reasoning_tokens: int
    citation_tokens: int
    """Of sources that the model read and quotes (Perplexity)."""
    audio_tokens: int
    image_tokens: int
    video_tokens: int
    text_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class ServerToolUse(TypedDict, total=False):
    """How often the provider ran its own tools."""

    web_search_requests: int
    web_fetch_requests: int
    """Nobody takes money for them, so they have no bucket."""
    code_execution_requests: int
    x_search_requests: int
    file_search_requests: int


class TokenUsage(TypedDict, total=False):
    """OpenAI's shape: totals include their details. Providers' further fields (`cost_details`, ...) are kept as they came."""

    prompt_tokens: int
    """All input: fresh, read from a cache, and written to one."""
    completion_tokens: int
    """All output, reasoning included."""
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails
    server_tool_use: ServerToolUse
    prompt_audio_seconds: int
    """The length of the audio that was heard (Mistral)."""
    service_tier: str
    """The tier that served the call, in the provider's word: `default`, `standard`, `priority`, `flex`, `batch`, ..."""
    speed: str
    """Anthropic's `standard` or `fast`."""
    inference_geo: str
    cost: float
    """What the provider says that the call cost, in US dollars."""


@dataclass(frozen=True, slots=True)
class TokenBuckets:
    """The same usage cut into buckets that do not overlap; input buckets sum to `prompt_tokens`, output to `completion_tokens`."""

    input: int = 0
    """Fresh text input."""
    cache_read: int = 0
    """Of text, and of whatever has no bucket of its own."""
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    cache_read_audio: int = 0
    input_image: int = 0
    cache_read_image: int = 0
    input_video: int = 0
    output: int = 0
    """Visible text output."""
    reasoning: int = 0
    citation: int = 0
    output_audio: int = 0
    output_image: int = 0
    output_video: int = 0

    @property
    def prompt(self) -> int:
        """All input."""
        texts = self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
        media = self.input_audio + self.cache_read_audio + self.input_image + self.cache_read_image + self.input_video
        return texts + media

    @property
    def completion(self) -> int:
        """All output."""
        texts = self.output + self.reasoning + self.citation
        return texts + self.output_audio + self.output_image + self.output_video


_NOTHING: Mapping[str, Any] = MappingProxyType({})
_COUNTED: tuple[tuple[str, str], ...] = (
    ("web_search_requests", "web_search"),
    ("code_execution_requests", "code_execution"),
    ("x_search_requests", "social_search"),
    ("file_search_requests", "storage_search"),
)
"""The counts of `server_tool_use` that cost money, and their buckets."""
_KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("input_audio", "cache_read_audio", ("audio_tokens",)),
    ("input_image", "cache_read_image", ("image_tokens", "document_tokens")),
    ("input_video", "", ("video_tokens",)),
)
"""(bucket of what is fresh, bucket of what a cache gave, details)."""
_PRODUCED: Mapping[str, str] = MappingProxyType(
    {
        "reasoning_tokens": "reasoning",
        "citation_tokens": "citation",
        "audio_tokens": "output_audio",
        "image_tokens": "output_image",
        "video_tokens": "output_video",
    }
)
_MEDIA = frozenset({"cached_tokens_details", "audio_tokens", "image_tokens", "document_tokens", "video_tokens"})


def token_buckets(usage: Mapping[str, Any]) -> TokenBuckets:
    """Cut `usage` into disjoint buckets. A detail that exceeds what is left of its total is cut to it."""
    return TokenBuckets(**_cut(usage))


def bucket_counts(usage: Mapping[str, Any]) -> dict[str, int]:
    """All that a call used and that may have a price, by the names of `BUCKETS`: its tokens, searches, seconds, ..."""
    counts = _cut(usage)
    tools = usage.get("server_tool_use")
    if tools and isinstance(tools, dict):
        for name, bucket in _COUNTED:
            times = _count(tools.get(name))
            if times:
                counts[bucket] = times
    if "prompt_audio_seconds" in usage and (amount := _count(usage["prompt_audio_seconds"])):
        counts["input_audio_second"] = amount
    if "num_sources_used" in usage and (amount := _count(usage["num_sources_used"])):
        counts["search_source"] = amount
    if "iterations" in usage:
        _add_iterations(counts, usage["iterations"])
    return counts


def _cut(usage: Mapping[str, Any]) -> dict[str, int]:
    """The token buckets that are not empty."""
    counts: dict[str, int] = {}
    left = _count(usage.get("prompt_tokens"))
    details = usage.get("prompt_tokens_details")
    if left and details and isinstance(details, dict):
        left = _cut_input(left, details, counts)
    if left:
        counts["input"] = left
    left = _count(usage.get("completion_tokens"))
    produced = usage.get("completion_tokens_details")
    if left and produced and isinstance(produced, dict):
        for name, amount in produced.items():
            if amount and name in _PRODUCED:
                taken = _count(amount)
                if taken > left:
                    taken = left
                if taken:
                    counts[_PRODUCED[name]] = taken
                    left -= taken
    if left:
        counts["output"] = left
    return counts


def _cut_input(left: int, details: Mapping[str, Any], counts: dict[str, int]) -> int:
    """Fill the buckets of what is not fresh text, and tell what is left."""
    cached = _count(details.get("cached_tokens"))
    if cached > left:
        cached = left
    left -= cached
    if "cache_creation_tokens" in details or "cache_creation_token_details" in details:
        left = _cut_writes(left, details, counts)
    for name, value in details.items():
        if value and name in _MEDIA:
            kinds = details.get("cached_tokens_details")
            cached, left = _cut_kinds(cached, left, details, kinds if isinstance(kinds, dict) else _NOTHING, counts)
            break
    if cached:
        counts["cache_read"] = cached
    return left


def _cut_kinds(
    cached: int, left: int, details: Mapping[str, Any], kinds: Mapping[str, Any], counts: dict[str, int]
) -> tuple[int, int]:
    """Audio, images and video, fresh and from a cache; what is left of both."""
    for bucket, cached_bucket, names in _KINDS:
        whole = sum([_count(details[name]) for name in names if name in details])
        again = min(sum([_count(kinds[name]) for name in names if name in kinds]), cached)
        if again and cached_bucket:
            counts[cached_bucket] = again
            cached -= again
        fresh = min(whole - again, left)
        if fresh > 0:
            counts[bucket] = fresh
            left -= fresh
    return cached, left


def _cut_writes(left: int, details: Mapping[str, Any], counts: dict[str, int]) -> int:
    """Fill the buckets of what was written to a cache, and tell what is left. Who tells no lifetime means five minutes."""
    written, lifetimes = _count(details.get("cache_creation_tokens")), details.get("cache_creation_token_details")
    hour = 0
    if lifetimes and isinstance(lifetimes, dict):
        hour = _count(lifetimes.get("ephemeral_1h_input_tokens"))
        written = written or hour + _count(lifetimes.get("ephemeral_5m_input_tokens"))
    hour = min(hour, left)
    if hour:
        counts["cache_write_1h"] = hour
        left -= hour
    minutes = min(written - hour, left)
    if minutes > 0:
        counts["cache_write_5m"] = minutes
        left -= minutes
    return left


def _add_iterations(counts: dict[str, int], iterations: Any) -> None:
    """Anthropic's totals leave out what it used to compact the conversation (at the model's own price), and what another model
    was asked for advice (at that model's price, which nobody here can know).
    https://platform.claude.com/docs/en/build-with-claude/compaction"""
    for one in iterations if isinstance(iterations, list) else ():
        if not isinstance(one, dict) or one.get("type") == "message":
            continue
        read, written = _count(one.get("cache_read_input_tokens")), _count(one.get("cache_creation_input_tokens"))
        fresh, output = _count(one.get("input_tokens")), _count(one.get("output_tokens"))
        if one.get("type") != "compaction":
            parts = {"other_model": fresh + read + written + output}
        else:
            cut: dict[str, int] = {}
            lifetimes = {"cache_creation_token_details": one.get("cache_creation"), "cache_creation_tokens": written}
            _cut_writes(written, lifetimes, cut)
            parts = {"input": fresh, "cache_read": read, "output": output, **cut}
        for bucket, amount in parts.items():
            if amount:
                counts[bucket] = counts.get(bucket, 0) + amount


def _count(value: Any) -> int:
    """A number of things; nonsense counts nothing."""
    return value if type(value) is int and value > 0 else 0
