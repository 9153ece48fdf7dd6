"""Anthropic's stream, as the hub's chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson

from dragoman.dialects.anthropic_messages.assistant_read import order_of, tool_call
from dragoman.dialects.anthropic_messages.citations import read_citation
from dragoman.dialects.anthropic_messages.errors import error_in_body, invalid_shape
from dragoman.dialects.anthropic_messages.finish_reasons import choice_end
from dragoman.dialects.anthropic_messages.response_read import json_content, response_tier
from dragoman.dialects.anthropic_messages.stream_events import end_of_stream, parse_event
from dragoman.dialects.anthropic_messages.tool_use import CUSTOM_SUFFIX, WRAPPED_SUFFIX
from dragoman.dialects.anthropic_messages.usage import merge_usage, read_usage
from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.tool_arguments import ArgumentsGate, usable_arguments
from dragoman.errors import APIResponseValidationError
from dragoman.types.chat import ChatChunk
from dragoman.types.json import JsonObject

__all__ = ["MessageStreamReader", "stream_reader"]

_KEPT = ("container", "context_management", "stop_details")


def stream_reader(context: ReplyContext) -> MessageStreamReader:
    return MessageStreamReader(context)


class _Block:
    """A content block that is open."""

    def __init__(self, start: JsonObject, position: int) -> None:
        self.start = start
        self.kind: str = start["type"]
        self.position = position
        """Where in the text it began; for calls and thinking, which one it is."""
        self.json: list[str] = []
        self.citations: list[JsonObject] = []
        self.seen = False
        self.gate = ArgumentsGate()


class MessageStreamReader:
    """A machine over the events. Keeps the open blocks, and counts what has gone by."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._events = SseReader()
        self._head: JsonObject = {
            "id": context.reply_id,
            "object": "chat.completion.chunk",
            "created": context.created,
            "model": context.model,
        }
        self._open: dict[Any, _Block] = {}
        self._order: list[str] = []
        self._text_length = 0
        self._calls = 0
        self._thoughts = 0
        self._usage: JsonObject = {}
        self._stopped: JsonObject = {}
        self._kept: JsonObject = {}
        self._held: list[str] = []
        """Text beside structured output by a tool: only at the end it is known which of the two is the answer."""
        self._answered = False
        self._ended = False

    @property
    def finished(self) -> bool:
        return self._ended or "stop_reason" in self._stopped

    @property
    def complete(self) -> bool:
        return self._ended

    def feed(self, data: bytes) -> Iterator[ChatChunk]:
        for event in self._events.feed(data):
            yield from self._read(event)

    def close(self) -> Iterator[ChatChunk]:
        try:
            for event in self._events.close():
                yield from self._read(event)
        except APIResponseValidationError:  # half an event
            if not self.finished:
                raise end_of_stream(self._context) from None
        if not self.finished:
            raise end_of_stream(self._context)
        if not self._ended:
            yield from self._message_stop({})

    def _read(self, event: SseEvent) -> Iterator[ChatChunk]:
        if self._ended:
            return
        parsed = parse_event(event.data)
        kind = parsed.get("type") or event.event.decode("ascii", "replace")
        if kind == "error":
            raise error_in_body(parsed, self._context)
        reader = _EVENTS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            return
        try:
            yield from reader(self, parsed)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise invalid_shape(f"the event {kind}: {error!r}") from None

    def _chunk(self, delta: JsonObject, **more: Any) -> ChatChunk:
        return cast(ChatChunk, self._head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None} | more]})

    def _message_start(self, event: JsonObject) -> Iterator[ChatChunk]:
        message = event["message"]
        for key in ("id", "model"):
            if isinstance(message.get(key), str) and message[key]:
                self._head[key] = message[key]
        self._usage = merge_usage(self._usage, message.get("usage"))
        self._head |= response_tier(self._usage)
        yield self._chunk({"role": "assistant"})

    def _block_start(self, event: JsonObject) -> Iterator[ChatChunk]:
        start = event["content_block"]
        kind = start["type"]
        positions = {"text": self._text_length, "tool_use": self._calls}
        block = _Block(start, positions.get(kind, self._thoughts))
        self._open[event.get("index")] = block
        if kind == "text":
            block.citations = [item for item in start.get("citations") or [] if isinstance(item, dict)]
            yield from self._text(block, start.get("text"))
        elif kind in ("thinking", "redacted_thinking"):
            self._thoughts += 1
            self._order.append("thinking")
            yield from self._reasoning_start(block)
        elif kind == "tool_use":
            yield from self._call_start(block)

    def _reasoning_start(self, block: _Block) -> Iterator[ChatChunk]:
        """A thinking block begins without content: it is passed on with its first delta, at the latest at its end."""
        if block.kind == "redacted_thinking":
            yield from self._thinking(block, {"data": block.start["data"]})
        elif block.start.get("thinking") or block.start.get("signature"):
            yield from self._thinking(
                block, {k: block.start[k] for k in ("thinking", "signature") if block.start.get(k)}
            )

    def _thinking(self, block: _Block, fields: JsonObject) -> Iterator[ChatChunk]:
        item: JsonObject = {"index": block.position, "type": block.kind} | fields
        if not block.seen:
            item["vendor"] = self._context.vendor
            if block.kind == "thinking":
                item.setdefault("thinking", "")
        block.seen = True
        delta: JsonObject = {"thinking_blocks": [item]}
        if fields.get("thinking"):
            delta["reasoning_content"] = fields["thinking"]
        yield self._chunk(delta)

    def _call_start(self, block: _Block) -> Iterator[ChatChunk]:
        if self._is_answer(block):
            return
        self._order.append("tool_call")
        self._calls += 1
        call = tool_call(block.start, "", self._context.tool_names)
        if self._is_custom(block):
            return
        yield self._chunk({"tool_calls": [{"index": block.position} | call]})

    def _is_answer(self, block: _Block) -> bool:
        return self._context.json_tool is not None and block.start["name"] == self._context.json_tool

    def _is_custom(self, block: _Block) -> bool:
        return block.start["name"].endswith(CUSTOM_SUFFIX) and block.start["name"] in self._context.tool_names

    def _block_delta(self, event: JsonObject) -> Iterator[ChatChunk]:
        block = self._open.get(event.get("index"))
        if block is None:
            raise invalid_shape("a delta for a block that is not open")
        delta = event["delta"]
        kind = delta.get("type")
        if kind == "text_delta":
            yield from self._text(block, delta["text"])
        elif kind == "input_json_delta":
            yield from self._input(block, _string(delta, "partial_json"))
        elif kind == "thinking_delta":
            if thinking := _string(delta, "thinking"):
                yield from self._thinking(block, {"thinking": thinking})
        elif kind == "signature_delta":
            yield from self._thinking(block, {"signature": _string(delta, "signature")})
        elif kind == "citations_delta":
            block.citations.append(dict(delta["citation"]))

    def _text(self, block: _Block, text: object) -> Iterator[ChatChunk]:
        if not text:
            return
        if not isinstance(text, str):
            raise invalid_shape("text that is no string")
        if self._context.json_tool is not None:
            self._held.append(text)
            return
        self._text_length += len(text)
        yield self._chunk({"content": text})

    def _input(self, block: _Block, piece: str) -> Iterator[ChatChunk]:
        if not piece:
            return
        if block.kind != "tool_use" or self._is_custom(block) or self._is_wrapped(block):
            block.json.append(piece)
        elif self._is_answer(block):
            if not self._answered or block.seen:
                self._answered = block.seen = True
                yield self._chunk({"content": piece})
        else:
            yield from self._arguments(block, block.gate.feed(piece))

    def _is_wrapped(self, block: _Block) -> bool:
        return self._is_answer(block) and bool(block.start["name"].endswith(WRAPPED_SUFFIX))

    def _block_stop(self, event: JsonObject) -> Iterator[ChatChunk]:
        block = self._open.pop(event.get("index"), None)
        if block is None:
            return
        if block.kind == "text":
            yield from self._text_stop(block)
        elif block.kind == "thinking":
            if not block.seen:
                yield from self._thinking(block, {})
        elif block.kind == "tool_use":
            yield from self._call_stop(block)
        elif block.kind != "redacted_thinking":
            self._order.append("provider_tool")
            whole = block.start | ({"input": self._parsed(block)} if block.json else {})
            yield self._chunk({"provider_tool_blocks": [{"vendor": self._context.vendor, "block": whole}]})

    def _text_stop(self, block: _Block) -> Iterator[ChatChunk]:
        if self._text_length > block.position:
            self._order.append(f"text:{self._text_length - block.position}")
        vendor = self._context.vendor
        annotations = [read_citation(item, block.position, self._text_length, vendor) for item in block.citations]
        if annotations and self._context.json_tool is None:
            yield self._chunk({"annotations": annotations})

    def _call_stop(self, block: _Block) -> Iterator[ChatChunk]:
        """A call without any input never gets a delta; some servers put the whole input into the start."""
        if self._is_answer(block):
            if not self._answered:
                self._answered = True
                arguments = self._parsed(block) if block.json else block.start.get("input")
                yield self._chunk({"content": json_content(arguments, block.start["name"])})
        elif self._is_custom(block):
            arguments = self._parsed(block).get("input")
            text = arguments if isinstance(arguments, str) else ""
            call = tool_call(block.start, text, self._context.tool_names)
            yield self._chunk({"tool_calls": [{"index": block.position} | call]})
        else:
            arguments = usable_arguments(block.start.get("input"))
            rest = block.gate.close()
            yield from self._arguments(block, dump_json(arguments) if rest == "{}" and arguments else rest)

    def _arguments(self, block: _Block, piece: str) -> Iterator[ChatChunk]:
        if piece:
            yield self._chunk({"tool_calls": [{"index": block.position, "function": {"arguments": piece}}]})

    def _parsed(self, block: _Block) -> JsonObject:
        try:
            parsed = loads("".join(block.json)) if block.json else {}
        except orjson.JSONDecodeError:
            return {"INVALID_JSON": "".join(block.json)}
        return parsed if isinstance(parsed, dict) else {}

    def _message_delta(self, event: JsonObject) -> Iterator[ChatChunk]:
        delta = event.get("delta") or {}
        self._stopped |= {key: delta[key] for key in ("stop_reason", "stop_sequence") if delta.get(key) is not None}
        for source in (event, delta):
            self._kept |= {key: source[key] for key in _KEPT if source.get(key) is not None}
        self._usage = merge_usage(self._usage, event.get("usage"))
        yield from ()

    def _message_stop(self, _: JsonObject) -> Iterator[ChatChunk]:
        self._ended = True
        yield from self._release()
        order = None if self._context.json_tool is not None else order_of(self._order)
        end = choice_end(self._stopped, has_tool_calls=self._calls > 0)
        if self._kept:
            end["provider_specific_fields"] = self._kept
        yield self._chunk({} if order is None else {"block_order": order}, **end)
        usage = read_usage(self._usage) if self._usage else None
        if usage is not None:
            yield cast(ChatChunk, self._head | {"choices": [], "usage": usage})

    def _release(self) -> Iterator[ChatChunk]:
        """Say what was held: the answer, if no tool gave it."""
        held = "".join(self._held)
        if held and self._answered:
            self._kept["text_beside_answer"] = held
        elif held:
            yield self._chunk({"content": held})


_EVENTS: dict[str, Callable[[MessageStreamReader, JsonObject], Iterator[ChatChunk]]] = {
    "message_start": MessageStreamReader._message_start,
    "content_block_start": MessageStreamReader._block_start,
    "content_block_delta": MessageStreamReader._block_delta,
    "content_block_stop": MessageStreamReader._block_stop,
    "message_delta": MessageStreamReader._message_delta,
    "message_stop": MessageStreamReader._message_stop,
}
"""Events of other types (`ping`, and those to come) say nothing to the hub."""


def _string(delta: JsonObject, name: str) -> str:
    value = delta[name]
    if value is None or isinstance(value, str):
        return value or ""
    raise invalid_shape(f"a {name} that is no string")
