"""One message: hub -> wire. Our own extensions are left out, unless the target's accent knows them."""

from __future__ import annotations

from dragoman.dialects.call_pairs import NO_RESULT
from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.parts_write import write_parts
from dragoman.dialects.openai_chat.reasoning_history import write_reasoning_back
from dragoman.types.json import JsonObject

__all__ = ["write_message"]

_PLAIN = frozenset(("role", "content", "tool_call_id"))
_OURS = frozenset(
    (
        "annotations",
        "block_order",
        "is_error",
        "native_finish_reason",
        "provider_specific_fields",
        "provider_tool_blocks",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "thinking_blocks",
    )
)
"""Fields that we or a provider's answer put on a message, and that mean nothing to a provider that gets them back."""


def write_message(message: JsonObject, path: str, context: ChatWriteContext) -> JsonObject:
    """Return the message in the target's form: the message itself where it is plain."""
    role, content = message.get("role"), message.get("content")
    if isinstance(content, str) and role != "developer" and message.keys() <= _PLAIN:
        return message
    wire = {
        key: value for key, value in message.items() if key not in _OURS and (value is not None or key == "content")
    }
    if isinstance(content, list):
        wire["content"] = write_parts(content, f"{path}.content", context)
    _fit_role_and_name(wire, path, context)
    _report_marks(wire, message, path, context)
    if role == "assistant":
        _assistant(wire, message, path, context)
    return wire


def _report_marks(wire: JsonObject, message: JsonObject, path: str, context: ChatWriteContext) -> None:
    if not context.accent.cache_control and wire.pop("cache_control", None) is not None:
        context.drops.degraded("cache_control")
    if message.get("is_error") and message.get("content") is not NO_RESULT:
        context.drops.degraded(f"{path}.is_error")


def _fit_role_and_name(wire: JsonObject, path: str, context: ChatWriteContext) -> None:
    role = wire.get("role")
    if role == "developer" and not context.accent.developer_role:
        wire["role"] = "system"
    if role == "tool":
        if isinstance(wire.get("name"), str):
            wire["name"] = context.tool_names.to_wire(wire["name"])
    elif not context.accent.names and wire.pop("name", None):
        context.drops.degraded(f"{path}.name")


def _assistant(wire: JsonObject, message: JsonObject, path: str, context: ChatWriteContext) -> None:
    if wire.pop("images", None):  # made by a model; no provider takes them back
        context.drops.degraded(f"{path}.images")
    if isinstance(wire.get("audio"), dict) and "id" in wire["audio"]:
        wire["audio"] = {"id": wire["audio"]["id"]}
    calls = wire.get("tool_calls")
    if calls:
        wire["tool_calls"] = [_call(call, context) for call in calls]
    else:
        wire.pop("tool_calls", None)
        if wire.get("content") is None and not wire.keys() & {"function_call", "audio", "refusal"}:
            wire["content"] = ""  # an empty turn: null is taken only beside a call
    if context.target.vendor != "google":
        wire.pop("extra_content", None)
    write_reasoning_back(wire, message, context)


def _call(call: JsonObject, context: ChatWriteContext) -> JsonObject:
    kept = {key: value for key, value in call.items() if key != "index" and value is not None}
    if context.target.vendor != "google":
        kept.pop("extra_content", None)
    if not context.accent.cache_control and kept.pop("cache_control", None):
        context.drops.degraded("cache_control")
    function = call.get("function")
    if isinstance(function, dict):
        kept["function"] = {**function, "name": context.tool_names.to_wire(function.get("name") or "")}
    return kept
