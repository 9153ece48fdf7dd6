"""The tool calls of an answer, whole or in pieces, made what OpenAI's clients expect: an id, a type, a place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from dragoman.dialects.openai_chat.answer_types import fit_call
from dragoman.dialects.tool_arguments import ArgumentsGate, are_empty
from dragoman.errors import APIResponseValidationError
from dragoman.types.chat import ToolCall
from dragoman.types.json import JsonObject

__all__ = ["OpenCalls", "arguments_text", "whole_calls"]


def arguments_text(value: Any, empty: str) -> str:
    """Arguments as text: Ollama and others send the object itself."""
    if isinstance(value, str):
        return value
    return empty if value is None else orjson.dumps(value).decode()


def _whole_arguments(value: Any) -> str:
    """The arguments of a whole call, always a JSON object where they are JSON at all."""
    text = arguments_text(value, "{}")
    return "{}" if are_empty(text) else text


def whole_calls(calls: list[Any], seed: str, names: Mapping[str, str]) -> list[ToolCall]:
    """The tool calls of a whole message. `names`: wire name -> caller's."""
    return [_whole(call, f"call_{seed}_{index}", names) for index, call in enumerate(calls) if isinstance(call, dict)]


def _whole(call: JsonObject, fallback_id: str, names: Mapping[str, str]) -> ToolCall:
    read = {key: value for key, value in call.items() if key != "index" and value is not None}
    fit_call(read)
    read["id"] = str(call.get("id") or fallback_id)
    read.setdefault("type", "function")
    function = call.get("function")
    if isinstance(function, dict):
        name = str(function.get("name") or "")
        text = _whole_arguments(function.get("arguments"))
        read["function"] = {**function, "name": names.get(name, name), "arguments": text}
    return cast(ToolCall, read)


_MOST_CALLS = 10_000
"""Of one choice in a stream: each is kept to its end."""


class _Call:
    __slots__ = ("gate", "id", "index", "key", "named")

    def __init__(self, index: int, key: Any, id: str) -> None:
        self.index = index
        self.key = key
        self.id = id
        self.named = False
        self.gate = ArgumentsGate()


class OpenCalls:
    """The tool calls of one streamed choice: gives each its index, whatever the provider numbers."""

    __slots__ = ("_by_id", "_by_key", "_calls", "_names", "_seed")

    def __init__(self, seed: str, names: Mapping[str, str]) -> None:
        self._seed = seed
        self._names = names
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_key: dict[Any, _Call] = {}
        """By the provider's number; the last one of each."""

    def __bool__(self) -> bool:
        return bool(self._calls)

    def read(self, piece: JsonObject) -> ToolCall:
        """One delta. The id, the type and the name come once, with the first delta of a call."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        call, new = self._find(piece, str(function.get("name") or ""))
        delta = {key: value for key, value in piece.items() if value is not None}
        fit_call(delta)
        delta["index"] = call.index
        if new:
            delta |= {"id": call.id, "type": delta.get("type") or "function"}
        else:
            delta.pop("id", None)
            delta.pop("type", None)
        if "function" in piece:
            delta["function"] = self._function(call, function)
        return cast(ToolCall, delta)

    def finish(self) -> list[ToolCall]:
        """The last deltas: arguments for the calls that came without any."""
        return [
            cast(ToolCall, {"index": call.index, "function": {"arguments": rest}})
            for call in self._calls
            if call.named and (rest := call.gate.close())
        ]

    def _find(self, piece: JsonObject, name: str) -> tuple[_Call, bool]:
        """Return the call that `piece` belongs to, and whether it begins it."""
        id, key = str(piece.get("id") or ""), piece.get("index")
        key = key if isinstance(key, int | float | str) else None
        call = self._open_call(id, key, name)
        return (call, False) if call is not None else (self._begin(id, key), True)

    def _open_call(self, id: str, key: Any, name: str) -> _Call | None:
        same_id, same_key = self._by_id.get(id), self._by_key.get(key)
        if same_key is not None and (same_id is None or same_id.index < same_key.index):
            # Gemini's endpoint numbers parallel calls 0, 0, 0: a new id with a name is a new call.
            return None if id and name else same_key
        if same_id is not None:
            return same_id
        continues = (id, name, key) == ("", "", None)
        return self._calls[-1] if continues and self._calls else None

    def _begin(self, id: str, key: Any) -> _Call:
        index = len(self._calls)
        if index >= _MOST_CALLS:
            raise APIResponseValidationError(f"the answer has more than {_MOST_CALLS} tool calls")
        call = _Call(index, key, id or f"call_{self._seed}_{index}")
        self._calls.append(call)
        self._by_id[call.id] = call
        if key is not None:
            self._by_key[key] = call
        return call

    def _function(self, call: _Call, function: JsonObject) -> JsonObject:
        name = str(function.get("name") or "")
        delta: JsonObject = {key: value for key, value in function.items() if key != "name" and value is not None}
        delta["arguments"] = call.gate.feed(arguments_text(function.get("arguments"), ""))
        if name and not call.named:
            call.named = True
            delta["name"] = self._names.get(name, name)
        return delta
