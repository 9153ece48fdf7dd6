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
    readable = f"{_UNSAFE.sub('_', call_id)[:_KEPT]}_{digest[:8]}"
    return readable if _compiled(pattern).fullmatch(readable) else digest[:9]


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


class CallIds:
    """Gives each call of a conversation an id that matches a pattern and that no other call has.

    The ids depend only on the calls before, so that a growing conversation keeps its beginning (prompt caches need that).
    """

    __slots__ = ("_given", "_pattern", "_seen")

    def __init__(self, pattern: str = "", taken: Iterable[str] = ()) -> None:
        self._pattern = pattern
        self._given = set(taken)
        self._seen: Counter[str] = Counter()

    def give(self, call_id: str) -> str:
        given = fit_call_id(call_id, self._pattern)
        while given in self._given:
            self._seen[call_id] += 1
            given = fit_call_id(f"{call_id}_{self._seen[call_id] + 1}", self._pattern)
        self._given.add(given)
        return given


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

    __slots__ = ("_ids", "_known")

    def __init__(self, taken: Iterable[str]) -> None:
        self._ids = CallIds(taken=taken)
        self._known: dict[tuple[int, int], tuple[str, str]] = {}
        """(choice, call) -> the id that the provider told, and the one that is passed on."""

    def whole(self, response: Any) -> Any:
        """The response, its calls renamed in place."""
        for choice in response.get("choices") or ():
            for call in (choice.get("message") or {}).get("tool_calls") or ():
                if isinstance(call.get("id"), str):
                    call["id"] = self._ids.give(call["id"])
        return response

    def stream(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """The chunks, the calls in them renamed in place."""
        return map(self._chunk, chunks)

    def _chunk(self, chunk: Mapping[str, Any]) -> Mapping[str, Any]:
        for choice in chunk.get("choices") or ():
            calls = (choice.get("delta") or {}).get("tool_calls") or ()
            for position, call in enumerate(calls):
                if isinstance(call.get("id"), str):
                    call["id"] = self._piece((choice.get("index", 0), call.get("index", position)), call["id"])
        return chunk

    def _piece(self, place: tuple[int, int], told: str) -> str:
        known = self._known.get(place)
        if known is None or known[0] != told:
            known = self._known[place] = (told, self._ids.give(told))
        return known[1]
