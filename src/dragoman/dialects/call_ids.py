"""Ids of tool calls: as a provider takes them, and each for one call only."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

__all__ = ["CallIds", "FreshCallIds", "call_ids_of", "fit_call_id"]

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_ANY = r"(?s).+"
_KEPT = 24
"""Characters of an id that stay readable in the one that takes its place."""


def fit_call_id(call_id: str, pattern: str) -> str:
    """Return `call_id`, or the id that always takes its place where it does not match `pattern` (or is empty)."""
    pattern = pattern or _ANY
    if _compiled(pattern).fullmatch(call_id):
        return call_id
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    readable = f"{_UNSAFE.sub('_', call_id[:_KEPT])}_{digest[:8]}"
    return readable if _compiled(pattern).fullmatch(readable) else digest[:9]


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class CallIds:
    """Gives each call of a conversation an id that matches a pattern and that no other call has.

    The ids depend only on the calls before, so that a growing conversation keeps its beginning (prompt caches need that).
    """

    __slots__ = ("_pattern", "_seen", "_taken")

    def __init__(self, pattern: str = "", taken: Iterable[str] = ()) -> None:
        self._pattern = pattern
        self._taken = set(taken)
        self._seen: Counter[str] = Counter()

    def give(self, call_id: str) -> str:
        unique = fit_call_id(call_id, self._pattern)
        while unique in self._taken:
            self._seen[call_id] += 1
            unique = fit_call_id(f"{call_id}_{self._seen[call_id] + 1}", self._pattern)
        self._taken.add(unique)
        return unique


def call_ids_of(messages: object) -> Iterator[str]:
    """Yield the ids of the tool calls in the hub's messages."""
    for message in messages if isinstance(messages, list) else ():
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and isinstance(call.get("id"), str):
                yield call["id"]


class FreshCallIds:
    """Renames the calls of one reply whose ids stand in the conversation already, or twice in the reply.

    Some models number their calls from zero in every turn (`call_0`, `functions.f:0`); Anthropic refuses such a history.
    """

    __slots__ = ("_ids", "_passed_on")

    def __init__(self, taken: Iterable[str]) -> None:
        self._ids = CallIds(taken=taken)
        self._passed_on: dict[tuple[int, int], tuple[str, str]] = {}
        """(choice, call) -> the provider's id, and the one that is passed on."""

    def whole(self, response: Any) -> Any:
        """Return the response, its calls renamed in place."""
        for choice in response.get("choices") or ():
            for call in (choice.get("message") or {}).get("tool_calls") or ():
                if isinstance(call.get("id"), str):
                    call["id"] = self._ids.give(call["id"])
        return response

    def stream(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """Return the chunks, the calls in them renamed in place."""
        return map(self._chunk, chunks)

    def _chunk(self, chunk: Mapping[str, Any]) -> Mapping[str, Any]:
        for choice in chunk.get("choices") or ():
            calls = (choice.get("delta") or {}).get("tool_calls") or ()
            for position, call in enumerate(calls):
                if isinstance(call.get("id"), str):
                    call["id"] = self._piece((choice.get("index", 0), call.get("index", position)), call["id"])
        return chunk

    def _piece(self, place: tuple[int, int], call_id: str) -> str:
        entry = self._passed_on.get(place)
        if entry is None or entry[0] != call_id:
            entry = self._passed_on[place] = (call_id, self._ids.give(call_id))
        return entry[1]
