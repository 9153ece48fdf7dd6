"""Why the model stopped: Anthropic's words and OpenAI's closed set.
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"""

from __future__ import annotations

from dragoman.types.json import JsonObject

__all__ = ["choice_end", "finish_reason", "stop_reason"]

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
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def finish_reason(native: object, *, has_tool_calls: bool) -> str:
    """Return OpenAI's word. A `tool_use` without a call for the client (its tool stood in for structured output) is a `stop`."""
    finish = _FINISH.get(native, "stop") if isinstance(native, str) else "stop"
    if finish == "tool_calls" and not has_tool_calls:
        return "stop"
    return finish


def choice_end(stop: JsonObject, *, has_tool_calls: bool) -> JsonObject:
    """Return how a choice of the hub says why it ended; `stop` holds Anthropic's `stop_reason` and `stop_sequence`."""
    native, sequence = stop.get("stop_reason"), stop.get("stop_sequence")
    end: JsonObject = {"finish_reason": finish_reason(native, has_tool_calls=has_tool_calls)}
    if isinstance(native, str):
        end["native_finish_reason"] = native
    if isinstance(sequence, str):
        end["stop_sequence"] = sequence
    return end


def stop_reason(choice: JsonObject, *, has_tool_calls: bool, refused: bool) -> str:
    """Return Anthropic's word for a choice of the hub: its own where it already was one and still holds."""
    finish = choice.get("finish_reason") or "stop"
    native = choice.get("native_finish_reason")
    if finish == "stop" and has_tool_calls:
        return "tool_use"
    if isinstance(native, str) and _FINISH.get(native) == finish and native != "compaction":
        return native
    return _stop_reason_of_stop(choice, refused) if finish == "stop" else _STOP.get(str(finish), "end_turn")


def _stop_reason_of_stop(choice: JsonObject, refused: bool) -> str:
    if isinstance(choice.get("stop_sequence"), str):
        return "stop_sequence"
    return "refusal" if refused else "end_turn"
