"""Write an assistant's message as a model's turn, whether the target made it or another model did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from dragoman.dialects.foreign_text import part_text
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.gemini.accent import GeminiWriteContext, is_gemini_3
from dragoman.dialects.gemini.blocks import blocks_in_order
from dragoman.dialects.gemini.media import is_media, write_media
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.tool_arguments import are_empty
from dragoman.dialects.tool_names import ToolNames
from dragoman.types.chat import ContentPart, Message, ThinkingBlock, ToolCall
from dragoman.types.json import JsonObject

__all__ = [
    "call_arguments",
    "call_part",
    "content_part",
    "model_parts",
    "sign",
    "thought_parts",
    "without_empty",
]

_PLACEHOLDER = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""`skip_thought_signature_validator`: what Google wants with the first function call of a turn that another model made.
https://ai.google.dev/gemini-api/docs/thought-signatures#faqs"""


def call_arguments(text: str | None) -> JsonObject:
    """Return the arguments of a call as an object, which is all that Google takes."""
    if text is None or are_empty(text):
        return {}
    try:
        arguments = loads(text)
    except orjson.JSONDecodeError:
        arguments = text
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def call_part(call: ToolCall, names: ToolNames | None = None) -> JsonObject:
    """Return the `functionCall` part of a tool call."""
    function: Any = call.get("function") or call.get("custom") or {}
    name = str(function.get("name") or "")
    is_custom = "custom" in call
    body: JsonObject = {
        "name": names.to_wire(name) if names else name,
        "args": {"input": function.get("input") or ""} if is_custom else call_arguments(function.get("arguments")),
    }
    if call.get("id"):
        body["id"] = call["id"]
    part: JsonObject = {"functionCall": body}
    signature = _call_signature(call)
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def _call_signature(call: ToolCall) -> str | None:
    google = (call.get("extra_content") or {}).get(VENDOR)
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else None


def sign(parts: list[JsonObject], signature: str) -> None:
    """Add a signature to the part before it, or in a part of its own where that one has its own."""
    if parts and "thoughtSignature" not in parts[-1] and parts[-1].get("thought") is not True:
        parts[-1]["thoughtSignature"] = signature
    else:
        parts.append({"text": "", "thoughtSignature": signature})


def thought_parts(text: str, signature: str | None) -> list[JsonObject]:
    """Return the part of a thought; none for one without text and signature."""
    if signature:
        return [{"text": text, "thought": True, "thoughtSignature": signature}]
    return [{"text": text, "thought": True}] if text else []


def model_parts(message: Message, path: str, context: GeminiWriteContext) -> list[JsonObject]:
    """Return the parts of a model's turn. Reasoning of other vendors is left out: only its vendor can read it."""
    parts: list[JsonObject] = []
    for kind, block in blocks_in_order(message):
        _BLOCK_WRITERS[kind](parts, block, path, context)
    if message.get("refusal"):
        parts.append({"text": message["refusal"]})
    _add_audio(parts, message, path, context)
    parts = without_empty(parts)
    if is_gemini_3(context):
        _sign_first_call(parts)
    return parts


def without_empty(parts: list[JsonObject]) -> list[JsonObject]:
    """Leave out the empty texts, unless they carry a signature."""
    return [part for part in parts if part.get("text") != "" or "thoughtSignature" in part]


def _add_thinking(parts: list[JsonObject], block: ThinkingBlock, path: str, context: GeminiWriteContext) -> None:
    if block.get("vendor") != context.target.vendor:
        return
    signature = block.get("signature")
    if block.get("type") == "signature" and signature:
        sign(parts, signature)
    elif block.get("type") == "thinking":
        parts.extend(thought_parts(block.get("thinking") or "", signature))


def _add_provider_tool(parts: list[JsonObject], block: JsonObject, path: str, context: GeminiWriteContext) -> None:
    if block.get("vendor") == context.target.vendor:
        parts.append(block["block"])


def _add_part(parts: list[JsonObject], block: ContentPart, path: str, context: GeminiWriteContext) -> None:
    part = content_part(block, path, context)
    if part is not None:
        parts.append(part)


_BLOCK_WRITERS: dict[str, Callable[[list[JsonObject], Any, str, GeminiWriteContext], None]] = {
    "text": lambda parts, text, path, context: parts.append({"text": text}),
    "thinking": _add_thinking,
    "tool_call": lambda parts, call, path, context: parts.append(call_part(call, context.tool_names)),
    "provider_tool": _add_provider_tool,
    "part": lambda parts, part, path, context: _add_part(parts, part, f"{path}.content", context),
    "image": lambda parts, image, path, context: _add_part(parts, image, f"{path}.images", context),
}
"""Add a block to the parts of its message, by the kind of the block."""


def _add_audio(parts: list[JsonObject], message: Message, path: str, context: GeminiWriteContext) -> None:
    audio = message.get("audio")
    if not audio:
        return
    if audio.get("data"):
        kind = str(audio.get("format") or "audio/wav")
        kind = kind if "/" in kind else f"audio/{kind}"
        parts.append({"inlineData": {"mimeType": kind, "data": audio["data"]}})
    elif audio.get("transcript"):
        parts.append({"text": audio["transcript"]})
    else:
        context.drops.unsupported(f"{path}.audio", "Google keeps no earlier audio")


def _sign_first_call(parts: list[JsonObject]) -> None:
    calls = [part for part in parts if "functionCall" in part]
    if calls and "thoughtSignature" not in calls[0]:
        calls[0]["thoughtSignature"] = _PLACEHOLDER


def content_part(part: ContentPart, path: str, context: GeminiWriteContext) -> JsonObject | None:
    """Return the part for one part of a user's or an assistant's content; None where it has to be dropped."""
    if part.get("cache_control"):
        context.drops.degraded("cache_control")
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return _text_part(part, str(part.get(kind) or ""))
    if is_media(part):
        return write_media(part, path, context.drops, resolutions=is_gemini_3(context))
    if part.get("vendor") == context.target.vendor == VENDOR:
        return {key: value for key, value in part.items() if key not in ("type", "vendor", "cache_control")}
    if part.get("vendor") and (text := part_text(dict(part))):
        return {"text": text}
    context.drops.unsupported(path, f"a part of type {kind!r}")
    return None


def _text_part(part: ContentPart, text: str) -> JsonObject:
    extra: Any = part.get("extra_content") or {}
    return {"text": text, **(extra.get(VENDOR) or {})}
