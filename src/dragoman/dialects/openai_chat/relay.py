"""The same dialect on both sides: bytes pass through whole events at a time, and are watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.codec import ReplyContext, ReplyStyle, Target, WireRequest
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.openai_chat.accent import accent_of
from dragoman.dialects.openai_chat.errors import failed_choice
from dragoman.dialects.openai_chat.finish_reasons import failure_word
from dragoman.dialects.openai_chat.ids_write import IDS, too_long
from dragoman.dialects.openai_chat.response_read import unary_usage
from dragoman.dialects.openai_chat.stream_read import cut_off, event_json, is_done, last_events
from dragoman.dialects.openai_chat.stream_write import DONE
from dragoman.dialects.openai_chat.tools_write import wire_names
from dragoman.dialects.tool_schemas import complete_parameters
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["FOREIGN_MARKS", "OpenAIRelay", "has_answer", "relay_request"]

_EXPLAINED = ("length", "content_filter")
"""Finish reasons that explain an answer without content."""
_FAILURES = frozenset(("error", "errors", "base_resp"))
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
    the name of a tool that the provider does not take (there and back), a schema that it refuses, or an id that is too long."""
    accent = accent_of(target)
    if "tools" in body and (wire_names(body, accent).to_caller or _lacks_schema_words(body["tools"])):
        return None
    if any(too_long(body.get(key), accent) for key in IDS):
        return None
    sent = {**body, "model": target.model}
    if sent.get("stream") and accent.stream_options:
        options = body.get("stream_options")
        sent["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    return WireRequest(sent)


def _lacks_schema_words(tools: Any) -> bool:
    functions = (tool.get("function") for tool in tools or () if isinstance(tool, dict))
    schemas = (function.get("parameters") for function in functions if isinstance(function, dict))
    return any(complete_parameters(parameters) is not parameters for parameters in schemas)


class OpenAIRelay:
    """For chat and for text completions."""

    __slots__ = (
        "_begun_choices",
        "_context",
        "_events",
        "_include_usage",
        "_open_choices",
        "begun",
        "complete",
        "usage",
    )

    def __init__(self, context: ReplyContext, caller: ReplyStyle) -> None:
        self.usage: TokenUsage | None = None
        self.begun = False
        self.complete = False
        self._context = context
        self._include_usage = caller.include_usage
        self._events = SseReader()
        self._begun_choices = False
        self._open_choices: set[int] = set()

    @property
    def finished(self) -> bool:
        return self._begun_choices and not self._open_choices

    def feed(self, data: bytes) -> Iterator[bytes]:
        for event in self._events.feed(data):
            if self._watch(event):
                yield event.raw

    def close(self) -> Iterator[bytes]:
        if self.complete:
            return
        for event in last_events(self._events, self._context, finished=self.finished):
            if self._watch(event):
                yield event.raw
        if not (self.finished or self.complete):
            raise cut_off(self._context)
        if not self.complete:
            yield DONE

    def _watch(self, event: SseEvent) -> bool:
        """Whether the event is for the caller to see."""
        if self.complete:
            return False
        if is_done(event):
            self.complete = True
            return True
        body = event_json(event, self._context)
        choices = body.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._watch_choice(choice)
        usage = unary_usage(body) if body.get("usage") or "x_groq" in body else None
        if usage is None:
            return True
        self.usage = usage
        return self._include_usage or bool(choices)

    def _watch_choice(self, choice: JsonObject) -> None:
        word, index = choice.get("finish_reason"), choice.get("index")
        index = index if type(index) is int else 0
        if choice.get("error") or failure_word(word):
            raise failed_choice(choice, self._context)
        self._begun_choices = True
        if word:
            self._open_choices.discard(index)
        else:
            self._open_choices.add(index)
        self.begun = self.begun or word in _EXPLAINED or _has_content(choice)


def _has_content(choice: JsonObject) -> bool:
    delta = choice.get("delta")
    content = delta if isinstance(delta, dict) else choice
    return any(content.get(key) for key in _CONTENT)


def has_answer(body: JsonObject) -> bool:
    """Whether the first choice of a whole answer plainly holds text or a call, and nothing says that something failed."""
    choices = body.get("choices")
    if body.keys() & _FAILURES or not isinstance(choices, list) or not choices:
        return False
    choice = choices[0]
    if not isinstance(choice, dict) or choice.get("error") or failure_word(choice.get("finish_reason")):
        return False
    message = choice.get("message")
    content = message if isinstance(message, dict) else choice
    return any(content.get(key) for key in _CONTENT)
