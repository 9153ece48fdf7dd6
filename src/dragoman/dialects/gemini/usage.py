"""Read and write usage.

Gemini counts apart what the hub counts together: thoughts beside the candidates' tokens, and the prompts of provider-run tools
beside the prompt. Its own details are kept as they came. Searches are counted nowhere, but the candidates hold the queries.
https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from dragoman.types.json import JsonObject
from dragoman.types.usage import CachedTokensDetails, CompletionTokensDetails, PromptTokensDetails, TokenUsage

__all__ = ["Searches", "counts_tokens", "read_usage", "write_usage"]

_COUNTS = frozenset(
    {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount", "cachedContentTokenCount"}
)
_KEPT = frozenset(
    {"promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails", "toolUsePromptTokenCount",
     "toolUsePromptTokensDetails", "trafficType"}
)  # fmt: skip
_OUTPUT = {"TEXT": "text_tokens", "AUDIO": "audio_tokens", "IMAGE": "image_tokens", "VIDEO": "video_tokens"}
_INPUT = {**_OUTPUT, "DOCUMENT": "document_tokens"}
_CHARGED_BY_PROMPT = re.compile(r"(?:models/)?gemini-[12]\b")
"""Models whose searches are charged by the prompt that led to any; later ones by the query.
https://ai.google.dev/gemini-api/docs/google-search#pricing"""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def counts_tokens(metadata: JsonObject) -> bool:
    """Whether `usageMetadata` counts anything: in a stream, some hold only the kind of traffic."""
    return any(_count(metadata.get(name)) for name in _COUNTS)


def read_usage(metadata: Any, searches: int = 0) -> TokenUsage | None:
    """Return the hub's usage for `usageMetadata`; `searches` is the number of web searches that are charged."""
    if not isinstance(metadata, dict) or not metadata:
        return None
    completion = _count(metadata.get("candidatesTokenCount")) + _count(metadata.get("thoughtsTokenCount"))
    prompt = _prompt(metadata, completion)
    usage: TokenUsage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": _count(metadata.get("totalTokenCount")) or prompt + completion,
    }
    prompt_details = _input_details(metadata)
    if prompt_details:
        usage["prompt_tokens_details"] = prompt_details
    completion_details = _output_details(metadata)
    if completion_details:
        usage["completion_tokens_details"] = completion_details
    usage.update({name: value for name, value in metadata.items() if name not in _COUNTS})  # type: ignore[typeddict-item]
    if searches:
        usage["server_tool_use"] = {"web_search_requests": searches}
    return usage


def _prompt(metadata: JsonObject, completion: int) -> int:
    """Return all tokens of the input.

    `promptTokenCount` should hold what came from a cache. Some replies count it beside that, as a cache that is larger than the
    prompt shows, or the total.
    """
    prompt = _count(metadata.get("promptTokenCount")) + _count(metadata.get("toolUsePromptTokenCount"))
    cached, total = _count(metadata.get("cachedContentTokenCount")), _count(metadata.get("totalTokenCount"))
    apart = cached > _count(metadata.get("promptTokenCount")) or total == prompt + cached + completion
    return prompt + cached if cached and apart else prompt


class Searches:
    """Count the web searches of one reply, over all of its chunks, as Google charges them."""

    __slots__ = ("_model", "_queries")

    def __init__(self) -> None:
        self._queries: set[str] = set()
        self._model = ""

    def note(self, body: JsonObject) -> None:
        model = body.get("modelVersion")
        self._model = model if isinstance(model, str) else self._model
        candidates = body.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            grounding = candidate.get("groundingMetadata") if isinstance(candidate, dict) else None
            queries = grounding.get("webSearchQueries") if isinstance(grounding, dict) else None
            if isinstance(queries, list):
                self._queries.update(query for query in queries if isinstance(query, str) and query)

    @property
    def count(self) -> int:
        """The searches that are charged: empty queries and repeated ones are not."""
        return min(len(self._queries), 1) if _CHARGED_BY_PROMPT.match(self._model) else len(self._queries)


def _input_details(metadata: JsonObject) -> PromptTokensDetails:
    """Return the details of the input. Modalities count cached tokens, too, which have details of their own."""
    counts = _modalities([metadata.get("promptTokensDetails"), metadata.get("toolUsePromptTokensDetails")], _INPUT)
    details: PromptTokensDetails = {}
    for name, count in counts.items():
        details[name] = count  # type: ignore[literal-required]
    cached = _count(metadata.get("cachedContentTokenCount"))
    if cached:
        details["cached_tokens"] = cached
        kinds = _modalities([metadata.get("cacheTokensDetails")], _INPUT)
        if kinds:
            details["cached_tokens_details"] = cast(CachedTokensDetails, kinds)
    return details


def _output_details(metadata: JsonObject) -> CompletionTokensDetails:
    details: CompletionTokensDetails = {}
    for name, count in _modalities([metadata.get("candidatesTokensDetails")], _OUTPUT).items():
        details[name] = count  # type: ignore[literal-required]
    thoughts = _count(metadata.get("thoughtsTokenCount"))
    if thoughts:
        details["reasoning_tokens"] = thoughts
    return details


def _modalities(lists: Iterable[Any], names: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entries in lists:
        for entry in entries if isinstance(entries, list) else ():
            name = names.get(str(entry.get("modality"))) if isinstance(entry, dict) else None
            if name is not None:
                counts[name] = counts.get(name, 0) + _count(entry.get("tokenCount"))
    return counts


def write_usage(usage: TokenUsage) -> JsonObject:
    """Return `usageMetadata`. Details that came from Google go back as they were."""
    details = usage.get("prompt_tokens_details") or {}
    produced = usage.get("completion_tokens_details") or {}
    thoughts = _count(produced.get("reasoning_tokens"))
    own_details = {name: value for name, value in usage.items() if name in _KEPT}
    metadata: JsonObject = {
        "promptTokenCount": _count(usage.get("prompt_tokens")) - _count(own_details.get("toolUsePromptTokenCount")),
        "candidatesTokenCount": max(0, _count(usage.get("completion_tokens")) - thoughts),
        "totalTokenCount": _count(usage.get("total_tokens")),
    }
    if details.get("cached_tokens"):
        metadata["cachedContentTokenCount"] = details["cached_tokens"]
    if thoughts:
        metadata["thoughtsTokenCount"] = thoughts
    if not own_details:
        _write_modalities(metadata, "promptTokensDetails", details, _INPUT)
        _write_modalities(metadata, "candidatesTokensDetails", produced, _OUTPUT)
    return {**metadata, **own_details}


def _write_modalities(metadata: JsonObject, name: str, details: Any, names: dict[str, str]) -> None:
    entries = [
        {"modality": modality, "tokenCount": details[field]}
        for modality, field in names.items()
        if _count(details.get(field))
    ]
    if entries:
        metadata[name] = entries
