"""`usageMetadata` and the hub's usage.

Gemini counts apart what the hub counts together: thoughts beside the candidates' tokens, and the prompts of tools that it ran
beside the prompt. Its own details are kept as they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dragoman.types._json import JsonObject
from dragoman.types.usage import CompletionTokensDetails, PromptTokensDetails, Usage

__all__ = ["counts_tokens", "read_usage", "write_usage"]

_COUNTS = frozenset(
    {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount", "cachedContentTokenCount"}
)
_KEPT = frozenset(
    {"promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails", "toolUsePromptTokenCount",
     "toolUsePromptTokensDetails", "trafficType"}
)  # fmt: skip
_INPUT = {"TEXT": "text_tokens", "AUDIO": "audio_tokens", "IMAGE": "image_tokens", "VIDEO": "video_tokens"}
_OUTPUT = {"TEXT": "text_tokens", "AUDIO": "audio_tokens", "IMAGE": "image_tokens"}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def counts_tokens(metadata: JsonObject) -> bool:
    """Whether it counts anything: in a stream, some carry only the kind of traffic."""
    return any(_count(metadata.get(name)) for name in _COUNTS)


def read_usage(metadata: Any) -> Usage | None:
    if not isinstance(metadata, dict) or not metadata:
        return None
    thoughts = _count(metadata.get("thoughtsTokenCount"))
    prompt = _count(metadata.get("promptTokenCount")) + _count(metadata.get("toolUsePromptTokenCount"))
    completion = _count(metadata.get("candidatesTokenCount")) + thoughts
    usage: Usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": _count(metadata.get("totalTokenCount")) or prompt + completion,
    }
    prompt_details = _input_details(metadata)
    if prompt_details:
        usage["prompt_tokens_details"] = prompt_details
    details: CompletionTokensDetails = {}
    for name, count in _modalities([metadata.get("candidatesTokensDetails")], _OUTPUT).items():
        details[name] = count  # type: ignore[literal-required]
    if thoughts:
        details["reasoning_tokens"] = thoughts
    if details:
        usage["completion_tokens_details"] = details
    for name, value in metadata.items():
        if name not in _COUNTS:
            usage[name] = value  # type: ignore[literal-required]
    return usage


def _input_details(metadata: JsonObject) -> PromptTokensDetails:
    """Modalities count what is fresh: what came from a cache is in `cached_tokens`, whatever it was."""
    counts = _modalities([metadata.get("promptTokensDetails"), metadata.get("toolUsePromptTokensDetails")], _INPUT)
    for name, count in _modalities([metadata.get("cacheTokensDetails")], _INPUT).items():
        counts[name] = max(0, counts.get(name, 0) - count)
    details: PromptTokensDetails = {}
    for name, count in counts.items():
        details[name] = count  # type: ignore[literal-required]
    cached = _count(metadata.get("cachedContentTokenCount"))
    if cached:
        details["cached_tokens"] = cached
    return details


def _modalities(lists: Iterable[Any], names: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entries in lists:
        for entry in entries if isinstance(entries, list) else ():
            name = names.get(str(entry.get("modality"))) if isinstance(entry, dict) else None
            if name is not None:
                counts[name] = counts.get(name, 0) + _count(entry.get("tokenCount"))
    return counts


def write_usage(usage: Usage) -> JsonObject:
    """Google's words. Details that came from Google are given back as they were."""
    details = usage.get("prompt_tokens_details") or {}
    produced = usage.get("completion_tokens_details") or {}
    thoughts = _count(produced.get("reasoning_tokens"))
    kept = {name: value for name, value in usage.items() if name in _KEPT}
    metadata: JsonObject = {
        "promptTokenCount": _count(usage.get("prompt_tokens")) - _count(kept.get("toolUsePromptTokenCount")),
        "candidatesTokenCount": max(0, _count(usage.get("completion_tokens")) - thoughts),
        "totalTokenCount": _count(usage.get("total_tokens")),
    }
    if details.get("cached_tokens"):
        metadata["cachedContentTokenCount"] = details["cached_tokens"]
    if thoughts:
        metadata["thoughtsTokenCount"] = thoughts
    if not kept:
        _write_modalities(metadata, "promptTokensDetails", details, _INPUT)
        _write_modalities(metadata, "candidatesTokensDetails", produced, _OUTPUT)
    return {**metadata, **kept}


def _write_modalities(metadata: JsonObject, name: str, details: Any, names: dict[str, str]) -> None:
    entries = [
        {"modality": modality, "tokenCount": details[field]}
        for modality, field in names.items()
        if _count(details.get(field))
    ]
    if entries:
        metadata[name] = entries
