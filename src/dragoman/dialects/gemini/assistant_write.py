"""An assistant's message as a model's turn, for a provider who made it or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from dragoman.dialects.dialect import Target
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.foreign_text import part_text
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.gemini.blocks import blocks_in_order
from dragoman.dialects.gemini.fields import own_vendor
from dragoman.dialects.gemini.media import is_media, write_media
from dragoman.dialects.tool_arguments import say_nothing
from dragoman.dialects.tool_names import ToolNames
from dragoman.types.chat import ContentPart, Message, ThinkingBlock, ToolCall
from dragoman.types.json import JsonObject

__all__ = ["Writing", "call_arguments", "call_part", "content_part", "model_parts", "sign"]

_PLACEHOLDER = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""`skip_thought_signature_validator`: what Google has callers send with the first function call of a turn that no Gemini
made. https://ai.google.dev/gemini-api/docs/thought-signatures#faqs"""


@dataclass(frozen=True, slots=True)
class Writing:
    """One request that is being written."""

    target: Target
    drops: DropList
    names: ToolNames

    @property
    def is_gemini_3(self) -> bool:
        """Only there signatures are demanded, results hold media, and each part has its resolution."""
        return self.target.facts.reasoning == "level"


def call_arguments(text: str | None) -> JsonObject:
    """Google takes an object only."""
    if text is None or say_nothing(text):
        return {}
    try:
        arguments = loads(text)
    except orjson.JSONDecodeError:
        arguments = text
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def call_part(call: ToolCall, names: ToolNames | None = None) -> JsonObject:
    function: Any = call.get("function") or call.get("custom") or {}
    name = str(function.get("name") or "")
    if "custom" in call:
        arguments: JsonObject = {"input": function.get("input") or ""}
    else:
        arguments = call_arguments(function.get("arguments"))
    body: JsonObject = {"name": names.to_wire(name) if names else name, "args": arguments}
    if call.get("id"):
        body["id"] = call["id"]
    part: JsonObject = {"functionCall": body}
    google = (call.get("extra_content") or {}).get(own_vendor)
    if isinstance(google, dict) and isinstance(google.get("thought_signature"), str):
        part["thoughtSignature"] = google["thought_signature"]
    return part


def sign(parts: list[JsonObject], signature: str) -> None:
    """A signature belongs to the part before it, if that one has none yet."""
    if parts and "thoughtSignature" not in parts[-1] and parts[-1].get("thought") is not True:
        parts[-1]["thoughtSignature"] = signature
    else:
        parts.append({"text": "", "thoughtSignature": signature})


def model_parts(message: Message, path: str, writing: Writing) -> list[JsonObject]:
    """The parts of a turn. Reasoning of other vendors is left out: nobody but its maker can read it."""
    parts: list[JsonObject] = []
    for kind, block in blocks_in_order(message):
        if kind == "text":
            parts.append({"text": block})
        elif kind == "thinking":
            _add_thinking(parts, block, writing)
        elif kind == "tool_call":
            parts.append(call_part(block, writing.names))
        elif kind == "provider_tool":
            if block.get("vendor") == writing.target.vendor:
                parts.append(block["block"])
        else:
            part = content_part(block, f"{path}.{'images' if kind == 'image' else 'content'}", writing)
            if part is not None:
                parts.append(part)
    if message.get("refusal"):
        parts.append({"text": message["refusal"]})
    _add_audio(parts, message, path, writing)
    parts = [part for part in parts if part.get("text") != "" or "thoughtSignature" in part]
    if writing.is_gemini_3:
        _sign_first_call(parts)
    return parts


def _add_thinking(parts: list[JsonObject], block: ThinkingBlock, writing: Writing) -> None:
    if block.get("vendor") != writing.target.vendor:
        return
    signature = block.get("signature")
    if block.get("type") == "signature" and signature:
        sign(parts, signature)
    elif block.get("type") == "thinking" and (block.get("thinking") or signature):
        part: JsonObject = {"text": block.get("thinking") or "", "thought": True}
        parts.append({**part, "thoughtSignature": signature} if signature else part)


def _add_audio(parts: list[JsonObject], message: Message, path: str, writing: Writing) -> None:
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
        writing.drops.unsupported(f"{path}.audio", "Google does not keep what was said before")


def _sign_first_call(parts: list[JsonObject]) -> None:
    calls = [part for part in parts if "functionCall" in part]
    if calls and "thoughtSignature" not in calls[0]:
        calls[0]["thoughtSignature"] = _PLACEHOLDER


def content_part(part: ContentPart, path: str, writing: Writing) -> JsonObject | None:
    """One part of a user's or an assistant's content."""
    if part.get("cache_control"):
        writing.drops.degraded("cache_control")
    kind = part.get("type")
    if kind in ("text", "refusal"):
        text: JsonObject = {"text": part.get(kind) or ""}
        extra: Any = part.get("extra_content") or {}
        return {**text, **(extra.get(own_vendor) or {})}
    if is_media(part):
        return write_media(part, path, writing.drops, resolutions=writing.is_gemini_3)
    if part.get("vendor") == writing.target.vendor == own_vendor:
        return {key: value for key, value in part.items() if key not in ("type", "vendor", "cache_control")}
    if part.get("vendor") and (words := part_text(dict(part))):
        return {"text": words}
    writing.drops.unsupported(path, f"a part of type {kind!r}")
    return None
