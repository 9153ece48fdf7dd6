"""The same dialect on both sides: bytes pass through whole events at a time, and are only watched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dragoman.dialects._dialect import CallerContext, ReplyContext, Target, WireRequest
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.openai_chat._accent import accent_of
from dragoman.dialects.openai_chat._read_response import unary_usage
from dragoman.dialects.openai_chat._read_stream import cut_off, event_json, is_done, last_events
from dragoman.dialects.openai_chat._write_ids import IDS, too_long
from dragoman.dialects.openai_chat._write_tools import wire_names
from dragoman.types._json import JsonObject
from dragoman.types.usage import Usage

__all__ = ["FOREIGN_MARKS", "OpenAIRelay", "relay_request"]

_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_WATCHED = re.compile(rb'"usage"\s*:\s*\{|"error"')
_CONTENT = ("content", "text", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call", "audio")

FOREIGN_MARKS: tuple[bytes, ...] = (
    b'"thinking"',
    b'"thinking_blocks"',
    b'"reasoning_content"',
    b'"block_order"',
    b'"provider_tool_blocks"',
    b'"provider_specific_fields"',
    b'"native_finish_reason"',
    b'"is_error"',
    b'"vendor_params"',
    b'"safety_settings"',
    b'"cached_content"',
    b'"cache_control"',
    b'"extra_content"',
    b'"file_url"',
    b'"video_url"',
    b'"definition"',
    b'"top_k"',
)
"""Keys that OpenAI does not know. Inside a JSON string their quotes would be escaped, so text never matches."""


def relay_request(body: JsonObject, target: Target) -> WireRequest | None:
    """The caller's body with the provider's model, and with the usage asked for. None where something has to be changed:
    the name of a tool that the provider does not take (there and back), or an id that is too long for it."""
    accent = accent_of(target)
    if "tools" in body and wire_names(body, accent).to_caller:
        return None
    if any(too_long(body.get(key), accent) for key in IDS):
        return None
    sent = {**body, "model": target.model}
    if sent.get("stream") and accent.stream_options:
        options = body.get("stream_options")
        sent["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return WireRequest(sent)


class OpenAIRelay:
    """For chat and for text completions. JSON is parsed only where the bytes show something to see."""

    __slots__ = ("_context", "_done", "_events", "_finished", "_include_usage", "begun", "usage")

    def __init__(self, context: ReplyContext, caller: CallerContext) -> None:
        self.usage: Usage | None = None
        self.begun = False
        self._context = context
        self._include_usage = caller.include_usage
        self._events = SseReader()
        self._finished = False
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for event in self._events.feed(data):
            if self._watch(event):
                yield event.raw

    def close(self) -> Iterator[bytes]:
        if self._done:
            return
        for event in last_events(self._events, self._context):
            if self._watch(event):
                yield event.raw
        if not (self._finished or self._done):
            raise cut_off(self._context)

    def _watch(self, event: SseEvent) -> bool:
        """Whether the event is for the caller to see."""
        data = event.data
        if is_done(event):
            self._done = True
            return True
        if self.begun and event.event != b"error" and not _WATCHED.search(data):
            self._finished = self._finished or _FINISH.search(data) is not None
            return True
        body = event_json(event, self._context)
        self._finished = self._finished or _FINISH.search(data) is not None
        choices = body.get("choices")
        self.begun = self.begun or _has_content(choices)
        usage = unary_usage(body)
        if usage is None:
            return True
        self.usage = usage
        return self._include_usage or bool(choices)


def _has_content(choices: Any) -> bool:
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        if any((delta if isinstance(delta, dict) else choice).get(key) for key in _CONTENT):
            return True
    return False
