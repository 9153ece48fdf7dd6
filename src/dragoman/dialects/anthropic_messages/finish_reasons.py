"""Why the model stopped: Anthropic's words and OpenAI's closed set."""

from __future__ import annotations

from dragoman.types.json import JsonObject

__all__ = ["finish_reason", "stop_reason"]

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "compaction": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def finish_reason(native: object, *, has_tool_calls: bool) -> str:
    """OpenAI's word. A `tool_use` without a call for the client (its tool stood in for structured output) is a `stop`."""
    finish = _FINISH.get(native, "stop") if isinstance(native, str) else "stop"
    if finish == "tool_calls" and not has_tool_calls:
        return "stop"
    return finish


def stop_reason(choice: JsonObject, *, has_tool_calls: bool, refused: bool) -> str:
    """Anthropic's word for a choice of the hub: its own where it already was one and still holds."""
    finish = choice.get("finish_reason") or "stop"
    native = choice.get("native_finish_reason")
    if finish == "stop" and has_tool_calls:
        return "tool_use"
    if isinstance(native, str) and _FINISH.get(native) == finish and native != "compaction":
        return native
    if finish == "stop" and isinstance(choice.get("stop_sequence"), str):
        return "stop_sequence"
    if finish == "stop" and refused:
        return "refusal"
    return _STOP.get(str(finish), "end_turn")
