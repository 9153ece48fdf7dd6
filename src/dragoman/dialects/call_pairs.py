"""Calls of tools and their results, paired as every provider demands it.

OpenAI, Anthropic and Google refuse a conversation in which a call has no result, a result has no call, or anything stands
between a turn's calls and their results. Agents that were interrupted, steered or cut send all of these.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from dragoman.dialects.call_ids import CallIds

__all__ = ["NO_RESULT", "paired"]

NO_RESULT = "No result was given for this call."
_RESULTS = ("tool", "function")


def paired(messages: list[Any], id_pattern: str = "") -> list[tuple[int, Any]]:
    """Return each message with the index that it had: every call followed by its one result, in the order of the calls.

    A call without a result gets one that says so; a result without a call becomes the user's text; what stood between
    comes after. Ids match `id_pattern` and are unique. Messages of a wrong shape are left to the writer to name.
    """
    if not any(_has_calls(message) or _is_result(message) for message in messages):
        return list(enumerate(messages))
    results, ids = _assigned(messages), CallIds(id_pattern)
    claimed = {place for calls in results.values() for place, _ in calls.values()}
    ordered: list[tuple[int, Any]] = []
    for index, message in enumerate(messages):
        if _has_calls(message):
            ordered += _answered(index, message, results.get(index, {}), ids)
        elif not _is_result(message):
            ordered.append((index, message))
        elif index not in claimed:
            ordered.append((index, _as_text(message)))
    return ordered


def _is_result(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _RESULTS


def _has_calls(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant" and any(True for _ in _calls(message))


def _calls(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the calls of an assistant's message; one of the older API stands for itself."""
    calls = message.get("tool_calls")
    if calls and isinstance(calls, list):
        yield from (call for call in calls if isinstance(call, dict))
    elif isinstance(message.get("function_call"), dict):
        yield {"function": message["function_call"]}


def _key(call_id: Any) -> str | None:
    """Return what a call and its result have in common. Those without an id (of the older API, say) match by their order."""
    return call_id if isinstance(call_id, str) else None


def _assigned(messages: list[Any]) -> dict[int, dict[int, tuple[int, Any]]]:
    """Message -> number of the call in it -> its result and where that stood. An id that a later turn uses again means the
    later call from there on."""
    results: dict[int, dict[int, tuple[int, Any]]] = {}
    waiting: dict[str | None, deque[tuple[int, int]]] = {}
    for index, message in enumerate(messages):
        if _has_calls(message):
            turn: dict[str | None, deque[tuple[int, int]]] = {}
            for number, call in enumerate(_calls(message)):
                turn.setdefault(_key(call.get("id")), deque()).append((index, number))
            waiting |= turn
        elif _is_result(message) and (calls := waiting.get(_key(message.get("tool_call_id")))):
            caller, number = calls.popleft()
            results.setdefault(caller, {})[number] = (index, message)
    return results


def _answered(index: int, message: Any, results: dict[int, tuple[int, Any]], ids: CallIds) -> Iterator[tuple[int, Any]]:
    """The message with its calls, and the result of each, under ids that the provider takes. `results`: by call."""
    renamed: dict[int, Any] = {}
    answers: list[tuple[int, Any]] = []
    for number, call in enumerate(_calls(message)):
        place, result = results.get(number) or (index, _missing(call))
        call_id = call.get("id")
        if isinstance(call_id, str) and (wire_id := ids.give(call_id)) != call_id:
            renamed[number] = {**call, "id": wire_id}
            result = {**result, "tool_call_id": wire_id}
        answers.append((place, result))
    if renamed:
        calls = [renamed.get(number, call) for number, call in enumerate(_calls(message))]
        message = {**message, "tool_calls": calls}
    yield index, message
    yield from answers


def _missing(call: dict[str, Any]) -> dict[str, Any]:
    if isinstance(call.get("id"), str):
        return {"role": "tool", "tool_call_id": call["id"], "content": NO_RESULT, "is_error": True}
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return {"role": "function", "name": name, "content": NO_RESULT, "is_error": True}


def _as_text(result: dict[str, Any]) -> dict[str, Any]:
    """A result whose call is not there (a history that was cut). One that names no call at all is no result."""
    if result["role"] == "tool" and not isinstance(result.get("tool_call_id"), str):
        return result
    content = result.get("content")
    heading = f"Result of the tool call {result.get('tool_call_id') or result.get('name') or ''}:"
    if isinstance(content, list):
        return {"role": "user", "content": [{"type": "text", "text": heading}, *content]}
    return {"role": "user", "content": f"{heading} {content or 'none'}"}
