"""A reply of the hub for a Gemini caller."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.dialect import ReplyStyle
from dragoman.dialects.gemini.assistant_write import call_part, sign
from dragoman.dialects.gemini.blocks import blocks_in_order
from dragoman.dialects.gemini.citations import write_grounding
from dragoman.dialects.gemini.fields import own_vendor
from dragoman.dialects.gemini.finish_reasons import write_finish
from dragoman.dialects.gemini.logprobs import write_logprobs
from dragoman.dialects.gemini.media import audio_type, is_media, write_image
from dragoman.dialects.gemini.usage import write_usage
from dragoman.dialects.signatures import seal
from dragoman.types.chat import ChatChoice, ChatChunk, ChatResponse, Message, ThinkingBlock
from dragoman.types.json import JsonObject

__all__ = [
    "add_extras",
    "add_thinking",
    "audio_part",
    "chunk_envelope",
    "image_part",
    "own_fields",
    "vendor_of",
    "write_response",
]

_CANDIDATE_EXTRAS = frozenset(
    {"groundingMetadata", "citationMetadata", "urlContextMetadata", "safetyRatings", "avgLogprobs", "finishMessage",
     "tokenCount"}
)  # fmt: skip


def vendor_of(context: ReplyStyle) -> str:
    return context.vendor or own_vendor


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
    """What Google said that the hub has no name for."""
    found = (holder.get("provider_specific_fields") or {}).get(own_vendor)
    return found if isinstance(found, dict) else {}


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
    """Grounding and the like: Google's own words where it said them, else what the annotations tell."""
    candidate.update({name: value for name, value in own.items() if name in _CANDIDATE_EXTRAS})
    if not own.keys() & {"groundingMetadata", "citationMetadata"}:
        grounding = write_grounding(annotations, text)
        if grounding is not None:
            candidate["groundingMetadata"] = grounding


def _parts(message: Message, vendor: str) -> list[JsonObject]:
    parts: list[JsonObject] = []
    told = any(block.get("thinking") for block in message.get("thinking_blocks") or ())
    if message.get("reasoning_content") and not told:
        parts.append({"text": message["reasoning_content"], "thought": True})
    for kind, block in blocks_in_order(message):
        if kind == "text":
            parts.append({"text": block})
        elif kind == "thinking":
            add_thinking(parts, block, vendor)
        elif kind == "tool_call":
            parts.append(call_part(block))
        elif kind == "provider_tool":
            if block.get("vendor") == vendor:
                parts.append(block["block"])
        else:
            _add_part(parts, block)
    if message.get("refusal"):
        parts.append({"text": message["refusal"]})
    if message.get("audio"):
        parts.extend(audio_part(message["audio"] or {}))
    return [part for part in parts if part.get("text") != "" or "thoughtSignature" in part]


def _add_part(parts: list[JsonObject], part: Any) -> None:
    if part.get("type") == "image_url":
        parts.extend(image_part(part))
    elif not is_media(part):
        parts.append({"text": part.get("text") or part.get("refusal") or ""})


def image_part(part: Any) -> list[JsonObject]:
    return [write_image(part, "images")]


def audio_part(audio: JsonObject) -> list[JsonObject]:
    """The sound, and what is said in it: Google's clients have no other place for that than text."""
    parts: list[JsonObject] = [{"text": audio["transcript"]}] if audio.get("transcript") else []
    if audio.get("data"):
        told = str(audio.get("format") or "wav")
        kind = told if "/" in told else audio_type(told)
        parts.append({"inlineData": {"mimeType": kind, "data": audio["data"]}})
    return parts


def add_thinking(parts: list[JsonObject], block: ThinkingBlock, vendor: str) -> None:
    """A signature of another vendor is sealed: it comes back with the next turn, and then must not reach Google."""
    kind = block.get("type", "thinking")
    made_by = block.get("vendor") or "anthropic"  # see ThinkingBlock.vendor
    secret = block.get("signature")
    if kind in ("redacted_thinking", "encrypted"):
        data = block.get("data")
        secret = data if isinstance(data, str) and kind != "encrypted" else orjson.dumps(data).decode()
    if secret and (made_by != vendor or kind in ("redacted_thinking", "encrypted")):
        secret = seal(made_by, kind, secret)
    elif secret and kind == "signature":
        sign(parts, secret)
        return
    text = block.get("thinking") or ""
    if secret:
        parts.append({"text": text, "thought": True, "thoughtSignature": secret})
    elif text:
        parts.append({"text": text, "thought": True})


def chunk_envelope(chunk: ChatChunk, context: ReplyStyle) -> JsonObject:
    head: JsonObject = {"modelVersion": chunk.get("model") or context.model}
    if chunk.get("id"):
        head["responseId"] = chunk["id"]
    return head
