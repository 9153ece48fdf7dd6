"""Write a whole reply for a Gemini caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.gemini.assistant_write import call_part, sign, thought_parts, without_empty
from dragoman.dialects.gemini.blocks import blocks_in_order
from dragoman.dialects.gemini.citations import write_grounding
from dragoman.dialects.gemini.finish_reasons import write_finish
from dragoman.dialects.gemini.logprobs import write_logprobs
from dragoman.dialects.gemini.media import audio_type, is_media, write_image
from dragoman.dialects.gemini.usage import write_usage
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.signatures import seal
from dragoman.types.chat import ChatChoice, ChatChunk, ChatResponse, Delta, Message, ProviderToolBlock, ThinkingBlock
from dragoman.types.json import JsonObject

__all__ = [
    "add_extras",
    "add_thinking",
    "audio_part",
    "chunk_envelope",
    "image_part",
    "own_fields",
    "provider_tool_parts",
    "reasoning_parts",
    "vendor_of",
    "write_response",
]

_CANDIDATE_EXTRAS = frozenset(
    {"groundingMetadata", "citationMetadata", "urlContextMetadata", "safetyRatings", "avgLogprobs", "finishMessage",
     "tokenCount"}
)  # fmt: skip
_OPAQUE = ("redacted_thinking", "encrypted")
"""Blocks whose content only their vendor can read, and that no signature of Google's stands for."""


def vendor_of(context: ReplyStyle) -> str:
    return context.vendor or VENDOR


def write_response(response: ChatResponse, context: ReplyStyle) -> JsonObject:
    body: JsonObject = {"candidates": [_candidate(choice, context) for choice in response.get("choices") or ()]}
    feedback = own_fields(response).get("promptFeedback")
    if feedback:
        body["promptFeedback"] = feedback
    usage = response.get("usage")
    if usage:
        body["usageMetadata"] = write_usage(usage)
    body["modelVersion"] = response.get("model") or context.model
    if response.get("id"):
        body["responseId"] = response["id"]
    return body


def own_fields(holder: Any) -> JsonObject:
    """Return Google's own fields that the hub has no name for."""
    own = (holder.get("provider_specific_fields") or {}).get(VENDOR)
    return own if isinstance(own, dict) else {}


def _candidate(choice: ChatChoice, context: ReplyStyle) -> JsonObject:
    message: Message = choice.get("message") or {}
    candidate: JsonObject = {
        "content": {"parts": _parts(message, vendor_of(context)), "role": "model"},
        "finishReason": write_finish(choice.get("finish_reason"), choice.get("native_finish_reason")),
        "index": choice.get("index", 0),
    }
    content = message.get("content")
    add_extras(
        candidate, own_fields(choice), message.get("annotations") or [], content if isinstance(content, str) else ""
    )
    logprobs = write_logprobs(choice.get("logprobs"))
    if logprobs is not None:
        candidate["logprobsResult"] = logprobs
    return candidate


def add_extras(candidate: JsonObject, own: JsonObject, annotations: list[Any], text: str) -> None:
    """Add grounding and the like: Google's own fields where they are known, else those that the annotations give."""
    candidate.update({name: value for name, value in own.items() if name in _CANDIDATE_EXTRAS})
    if not own.keys() & {"groundingMetadata", "citationMetadata"}:
        grounding = write_grounding(annotations, text)
        if grounding is not None:
            candidate["groundingMetadata"] = grounding


def _parts(message: Message, vendor: str) -> list[JsonObject]:
    parts = reasoning_parts(message)
    for kind, block in blocks_in_order(message):
        _BLOCK_WRITERS[kind](parts, block, vendor)
    if message.get("refusal"):
        parts.append({"text": message["refusal"]})
    parts.extend(audio_part(message.get("audio") or {}))
    return without_empty(parts)


def reasoning_parts(holder: Message | Delta) -> list[JsonObject]:
    """Return the part of `reasoning_content`; none where thinking blocks hold the same text."""
    if any(block.get("thinking") for block in holder.get("thinking_blocks") or ()):
        return []
    return thought_parts(holder.get("reasoning_content") or "", None)


def provider_tool_parts(blocks: Iterable[ProviderToolBlock], vendor: str) -> list[JsonObject]:
    """Return the parts of the tools that `vendor` ran; the blocks of another vendor have no form here."""
    return [block["block"] for block in blocks if block.get("vendor") == vendor]


def _add_part(parts: list[JsonObject], part: Any, vendor: str) -> None:
    if part.get("type") == "image_url":
        parts.extend(image_part(part))
    elif not is_media(part):
        parts.append({"text": part.get("text") or part.get("refusal") or ""})


def image_part(part: Any) -> list[JsonObject]:
    return [write_image(part, "images")]


def audio_part(audio: JsonObject) -> list[JsonObject]:
    """Return the parts of the sound and of its transcript, for which Google's clients have no other place than text."""
    parts: list[JsonObject] = [{"text": audio["transcript"]}] if audio.get("transcript") else []
    if audio.get("data"):
        audio_format = str(audio.get("format") or "wav")
        mime_type = audio_format if "/" in audio_format else audio_type(audio_format)
        parts.append({"inlineData": {"mimeType": mime_type, "data": audio["data"]}})
    return parts


def add_thinking(parts: list[JsonObject], block: ThinkingBlock, vendor: str) -> None:
    """Add a block of reasoning. Another vendor's signature is sealed: it comes back with the next turn, and must not reach
    Google then."""
    kind = block.get("type", "thinking")
    maker = block.get("vendor") or "anthropic"  # see ThinkingBlock.vendor
    signature = _signature(block, kind)
    if signature:
        is_own = maker == vendor and kind not in _OPAQUE
        if is_own and kind == "signature":
            sign(parts, signature)
            return
        signature = signature if is_own else seal(maker, kind, signature)
    parts.extend(thought_parts(block.get("thinking") or "", signature))


def _signature(block: ThinkingBlock, kind: str) -> str | None:
    """Return what the vendor wants back: the signature, or the text (JSON for another value) of an opaque block's data."""
    if kind not in _OPAQUE:
        return block.get("signature")
    data = block.get("data")
    return data if isinstance(data, str) and kind != "encrypted" else dump_json(data)


_BLOCK_WRITERS: dict[str, Callable[[list[JsonObject], Any, str], None]] = {
    "text": lambda parts, text, vendor: parts.append({"text": text}),
    "thinking": add_thinking,
    "tool_call": lambda parts, call, vendor: parts.append(call_part(call)),
    "provider_tool": lambda parts, block, vendor: parts.extend(provider_tool_parts([block], vendor)),
    "part": _add_part,
    "image": _add_part,
}
"""Add a block to the parts of its message, by the kind of the block."""


def chunk_envelope(chunk: ChatChunk, context: ReplyStyle) -> JsonObject:
    head: JsonObject = {"modelVersion": chunk.get("model") or context.model}
    if chunk.get("id"):
        head["responseId"] = chunk["id"]
    return head
