"""How the hub's items are written for a caller of this dialect: what is foreign is sealed and kept."""

from __future__ import annotations

from dragoman.dialects.anthropic_messages.assistant_write import BlockStyle
from dragoman.dialects.anthropic_messages.call_ids import id_for_caller
from dragoman.dialects.anthropic_messages.citations import citation_for_caller
from dragoman.dialects.anthropic_messages.sealed_blocks import seal_extra_content, seal_provider_tool, write_reasoning
from dragoman.dialects.anthropic_messages.tool_use import parse_input
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.types.json import JsonObject

__all__ = [
    "call_id",
    "caller_style",
    "foreign_extra",
    "image_note",
    "legacy_call",
    "provider_block",
    "spoken_text",
    "tool_use",
]

_NOTE_AT_MOST = 2000


def caller_style(own: str) -> BlockStyle:
    return BlockStyle(
        thinking=lambda block: write_reasoning(block, own),
        tool_call=_tool_call,
        provider_tool=lambda entry: provider_block(entry, own),
        citation=citation_for_caller,
        image=image_note,
    )


def call_id(call: JsonObject, position: int) -> str:
    own_id = call.get("id")
    return id_for_caller(own_id) if isinstance(own_id, str) and own_id else f"toolu_{position}"


def foreign_extra(call: JsonObject) -> JsonObject:
    """Return what must come back with the call and is not Anthropic's."""
    extra = call.get("extra_content")
    return {key: value for key, value in extra.items() if key != VENDOR} if isinstance(extra, dict) else {}


def tool_use(call: JsonObject, position: int) -> JsonObject:
    """The start of a tool_use: everything but its input."""
    inner = call.get("function") or call.get("custom")
    name = inner.get("name") if isinstance(inner, dict) else None
    block = {
        "type": "tool_use",
        "id": call_id(call, position),
        "name": name if isinstance(name, str) else "",
        "input": {},
    }
    extra = call.get("extra_content")
    own = extra.get(VENDOR) if isinstance(extra, dict) else None
    return block | (own if isinstance(own, dict) else {})


def _tool_call(call: JsonObject) -> list[JsonObject]:
    block = tool_use(call, 0)
    custom = call.get("custom")
    if isinstance(custom, dict):
        block["input"] = {"input": custom.get("input")}
    else:
        block["input"] = parse_input((call.get("function") or {}).get("arguments"))
    extra = foreign_extra(call)
    return [seal_extra_content(block["id"], extra), block] if extra else [block]


def provider_block(entry: JsonObject, own: str) -> JsonObject | None:
    block = entry.get("block")
    if not isinstance(block, dict):
        return None
    return block if entry.get("vendor") in (VENDOR, own) else seal_provider_tool(entry)


def image_note(image: JsonObject) -> JsonObject | None:
    """Return a text for an image that a model made, which Messages cannot hold: its address, or a mention of its data."""
    inner = image.get("image_url")
    url = inner.get("url") if isinstance(inner, dict) else None
    if not isinstance(url, str):
        return None
    if len(url) <= _NOTE_AT_MOST and not url.startswith("data:"):
        return {"type": "text", "text": f"![image]({url})"}
    kind = url[5:].partition(";")[0] if url.startswith("data:") else "image"
    return {"type": "text", "text": f"[an image ({kind}) was made, which this API cannot carry]"}


def spoken_text(message: JsonObject) -> str | None:
    """A refusal, or what was spoken."""
    audio = message.get("audio")
    text = message.get("refusal") or (audio.get("transcript") if isinstance(audio, dict) else None)
    return text if isinstance(text, str) else None


def legacy_call(message: JsonObject) -> JsonObject:
    """A `function_call` of the older API as the tool call that it is today."""
    call = message.get("function_call")
    if not isinstance(call, dict) or message.get("tool_calls"):
        return message
    return message | {"tool_calls": [{"index": 0, "id": "toolu_function_call", "type": "function", "function": call}]}
