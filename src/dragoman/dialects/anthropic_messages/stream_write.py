"""The hub's chunks, as Anthropic's stream: one block after the other, from `message_start` to `message_stop`."""

from __future__ import annotations

from collections import deque
from typing import cast

from dragoman.dialects.anthropic_messages.caller_blocks import image_note, legacy_call, spoken_text
from dragoman.dialects.anthropic_messages.errors import write_error
from dragoman.dialects.anthropic_messages.finish_reasons import stop_reason
from dragoman.dialects.anthropic_messages.stream_blocks import (
    BlockWriter,
    TextWriter,
    ThinkingWriter,
    ToolUseWriter,
    VerbatimWriter,
)
from dragoman.dialects.anthropic_messages.stream_events import event_bytes
from dragoman.dialects.anthropic_messages.usage import write_usage
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.json_text import dump_json
from dragoman.errors import DragomanError
from dragoman.types.chat import ChatChunk
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["MessageStreamWriter", "stream_writer"]

_WITH_INPUT = ("server_tool_use", "mcp_tool_use")
"""Blocks whose input comes as deltas, as that of a tool_use does."""
_KEPT_IN_DELTA = ("container", "stop_details")


def stream_writer(context: ReplyStyle) -> MessageStreamWriter:
    return MessageStreamWriter(context)


class MessageStreamWriter:
    """Keeps the blocks that wait, and the text where citations may quote it."""

    def __init__(self, context: ReplyStyle) -> None:
        self._context = context
        self._own = context.vendor or VENDOR
        self._writers: deque[BlockWriter] = deque()
        self._by_key: dict[object, BlockWriter] = {}
        """The blocks that later deltas may continue."""
        self._begun: BlockWriter | None = None
        self._index = 0
        self._started = False
        self._calls = 0
        self._refused = False
        self._text: list[str] = []
        self._last: JsonObject = {}
        self._usage: TokenUsage | None = None
        self._tier: object = None

    def write(self, chunk: ChatChunk) -> bytes:
        hub = cast(JsonObject, chunk)
        out: list[bytes] = []
        if not self._started:
            out.append(self._start(hub))
        self._usage = hub.get("usage") or self._usage
        self._tier = hub.get("service_tier") or self._tier
        for choice in hub.get("choices") or []:
            if choice.get("index", 0) == 0:
                self._add(choice)
        self._send(out)
        return b"".join(out)

    def close(self) -> bytes:
        out: list[bytes] = [] if self._started else [self._start({})]
        self._send(out, ended=True)
        reason = stop_reason(self._last, has_tool_calls=self._calls > 0, refused=self._refused)
        kept = self._last.get("provider_specific_fields") or {}
        delta: JsonObject = {"stop_reason": reason, "stop_sequence": None}
        if reason == "stop_sequence":
            delta["stop_sequence"] = self._last.get("stop_sequence")
        delta |= {key: kept[key] for key in _KEPT_IN_DELTA if kept.get(key) is not None}
        event: JsonObject = {"type": "message_delta", "delta": delta, "usage": write_usage(self._usage, self._tier)}
        if kept.get("context_management") is not None:
            event["context_management"] = kept["context_management"]
        out += [event_bytes(event), event_bytes({"type": "message_stop"})]
        return b"".join(out)

    def error(self, error: DragomanError) -> bytes:
        return event_bytes(write_error(error))

    def _start(self, hub: JsonObject) -> bytes:
        self._started = True
        message: JsonObject = {
            "id": hub.get("id") or "msg_unknown",
            "type": "message",
            "role": "assistant",
            "model": self._context.model or hub.get("model") or "",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(hub.get("usage")),
        }
        return event_bytes({"type": "message_start", "message": message})

    def _add(self, choice: JsonObject) -> None:
        """Sort a delta into the blocks, in the usual order of a message."""
        delta = legacy_call(choice.get("delta") or {})
        self._add_reasoning(delta)
        self._add_text_and_notes(delta)
        for entry in delta.get("provider_tool_blocks") or []:
            self._writers.append(VerbatimWriter(entry, self._own))
        for call in delta.get("tool_calls") or []:
            self._call(call)
        for key in ("finish_reason", "native_finish_reason", "stop_sequence", "provider_specific_fields"):
            if choice.get(key) is not None:
                self._last[key] = choice[key]

    def _add_reasoning(self, delta: JsonObject) -> None:
        blocks = delta.get("thinking_blocks") or []
        for item in blocks:
            self._reasoning(item)
        reasoning = delta.get("reasoning_content")
        if isinstance(reasoning, str) and reasoning and not blocks:
            self._reasoning_text(reasoning)

    def _add_text_and_notes(self, delta: JsonObject) -> None:
        for text in (delta.get("content"), spoken_text(delta)):
            if isinstance(text, str) and text:
                self._add_text(text)
        self._refused = self._refused or bool(delta.get("refusal"))
        for annotation in delta.get("annotations") or []:
            self._cite(annotation)
        for image in delta.get("images") or []:
            note = image_note(image)
            if note is not None:
                self._add_text(note["text"])

    def _add_text(self, text: str) -> None:
        writer = self._writers[-1] if self._writers else None
        if not isinstance(writer, TextWriter):
            writer = TextWriter()
            self._writers.append(writer)
        writer.add(text)
        self._text.append(text)

    def _cite(self, annotation: JsonObject) -> None:
        """A citation stands in the block of its text; where that is over, in an empty one."""
        writer = self._writers[-1] if self._writers else None
        if not isinstance(writer, TextWriter):
            writer = TextWriter()
            self._writers.append(writer)
        self._text = ["".join(self._text)]
        writer.cite(annotation, self._text[0])

    def _reasoning_text(self, text: str) -> None:
        writer = self._writers[-1] if self._writers else None
        if not (isinstance(writer, ThinkingWriter) and writer.is_plain):
            writer = ThinkingWriter("reasoning", self._own)
            self._writers.append(writer)
        writer.add_text(text)

    def _reasoning(self, item: JsonObject) -> None:
        number = item.get("index")
        key = ("thinking", number if isinstance(number, int) else None)
        writer = self._by_key.get(key)
        last = self._writers[-1] if self._writers else None
        signs = item.get("type", "thinking") == "thinking" and not item.get("thinking")
        if writer is None and isinstance(last, ThinkingWriter) and last.is_text and signs:
            writer = last  # it signs reasoning that came as text only
            writer.key = key
        if not isinstance(writer, ThinkingWriter):
            writer = ThinkingWriter(key, self._own)
            self._writers.append(writer)
        if key[1] is not None:
            self._by_key[key] = writer
        writer.add(item)

    def _call(self, call: JsonObject) -> None:
        key = ("call", call.get("index", self._calls))
        writer = self._by_key.get(key)
        if not isinstance(writer, ToolUseWriter):
            writer = self._by_key[key] = ToolUseWriter(key, self._calls)
            self._writers.append(writer)
            self._calls += 1
        writer.add(call)

    def _send(self, out: list[bytes], *, ended: bool = False) -> None:
        """Send what may be sent: the first block as far as it goes, and those after it once it is over."""
        while self._writers:
            writer = self._writers[0]
            self._grow(writer, out)
            if not ended and (len(self._writers) == 1 or not writer.may_end()):
                return
            self._writers.popleft()
            self._by_key.pop(writer.key, None)
            self._end(writer, out)

    def _grow(self, writer: BlockWriter, out: list[bytes]) -> None:
        if self._begun is not writer:
            start = writer.start()
            if start is None:
                return
            for block in writer.before():
                self._whole(block, out)
            out.append(self._event("content_block_start", content_block=start))
            self._begun = writer
        out += [self._event("content_block_delta", delta=delta) for delta in writer.deltas()]

    def _end(self, writer: BlockWriter, out: list[bytes]) -> None:
        if self._begun is writer:
            out += [self._event("content_block_delta", delta=delta) for delta in writer.last_deltas()]
            out.append(self._event("content_block_stop"))
            self._begun = None
            self._index += 1
        for block in writer.after():
            self._whole(block, out)

    def _whole(self, block: JsonObject, out: list[bytes]) -> None:
        arguments = block.get("input") if block["type"] in _WITH_INPUT else None
        out.append(self._event("content_block_start", content_block=block | ({"input": {}} if arguments else {})))
        if arguments:
            delta = {"type": "input_json_delta", "partial_json": dump_json(arguments)}
            out.append(self._event("content_block_delta", delta=delta))
        out.append(self._event("content_block_stop"))
        self._index += 1

    def _event(self, kind: str, **fields: JsonObject) -> bytes:
        return event_bytes({"type": kind, "index": self._index} | fields)
