"""What the tests of this dialect share: contexts, reading whole streams, and the rules of Anthropic's events."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import orjson
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.framing.sse import SseReader
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.model_facts import UNKNOWN_MODEL, ModelFacts
from tests.recordings import Recording, recordings

__all__ = [
    "CALLER",
    "accepts_event",
    "accepts_message",
    "chunks_of",
    "events_of",
    "fold",
    "messages_recordings",
    "obey_event_rules",
    "reply_context",
    "target",
    "written",
]

CALLER = ReplyStyle(model="claude", vendor="anthropic")
_EVENT: TypeAdapter[Any] = TypeAdapter(BetaRawMessageStreamEvent)


def messages_recordings(*, stream: bool | None = None, ok: bool | None = True) -> list[Any]:
    """Every recording in Anthropic's shape that came over HTTP without AWS's framing."""
    return recordings(
        ("anthropic", "messages"),
        ("azure", "messages"),
        ("ollama", "messages"),
        ("vertex", "rawPredict"),
        stream=stream,
        ok=ok,
    )


def reply_context(recording: Recording | None = None, **changes: Any) -> ReplyContext:
    provider = recording.provider if recording is not None else "anthropic"
    fields: dict[str, Any] = {
        "provider": provider,
        "model": recording.model if recording is not None else "claude",
        "vendor": "ollama" if provider == "ollama" else "anthropic",
        "created": 1,
        "reply_id": "msg_ours",
    }
    return ReplyContext(**fields | changes)


def target(facts: ModelFacts = UNKNOWN_MODEL, **changes: Any) -> Target:
    fields: dict[str, Any] = {"provider": "anthropic", "model": "claude-x", "vendor": "anthropic", "facts": facts}
    return Target(**fields | changes)


def written(request: dict[str, Any], facts: ModelFacts = UNKNOWN_MODEL, **changes: Any) -> WireRequest:
    whole = {"model": "claude", "messages": [{"role": "user", "content": "hi"}]} | request
    return CODEC.write_request(cast(ChatRequest, whole), target(facts, **changes))


def chunks_of(data: bytes, context: ReplyContext, cuts: list[int] | None = None) -> list[ChatChunk]:
    """The chunks of a whole stream, fed in the pieces between `cuts`."""
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(context)
    edges = [0, *sorted(cuts or []), len(data)]
    chunks: list[ChatChunk] = []
    for start, end in pairwise(edges):
        chunks += reader.feed(data[start:end])
    return chunks + list(reader.close())


def events_of(data: bytes) -> list[dict[str, Any]]:
    """The events as parsed JSON; each is named as its type says."""
    reader = SseReader()
    events = [*reader.feed(data), *reader.close()]
    parsed = [(event.event.decode(), orjson.loads(event.data)) for event in events if event.data != b"[DONE]"]
    assert all(name in ("", body["type"]) for name, body in parsed)
    return [body for _, body in parsed]


def write_stream(chunks: list[ChatChunk]) -> bytes:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(CALLER)
    return b"".join([writer.write(chunk) for chunk in chunks]) + writer.close()


def fold(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The Message that a stream tells, put together from the raw events alone."""
    message: dict[str, Any] = {}
    pieces: dict[int, str] = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            message = event["message"] | {"content": [], "usage": dict(event["message"]["usage"])}
        elif kind == "content_block_start":
            message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            _fold_delta(message["content"][event["index"]], event["delta"], pieces, event["index"])
        elif kind == "content_block_stop" and pieces.get(event["index"]):
            message["content"][event["index"]]["input"] = orjson.loads(pieces[event["index"]])
        elif kind == "message_delta":
            message |= {key: value for key, value in event["delta"].items() if value is not None}
            message["usage"] |= {key: value for key, value in event["usage"].items() if value is not None}
            if event.get("context_management"):
                message["context_management"] = event["context_management"]
    return message


def _fold_delta(block: dict[str, Any], delta: dict[str, Any], pieces: dict[int, str], index: int) -> None:
    kind = delta["type"]
    if kind == "text_delta":
        block["text"] += delta["text"]
    elif kind == "thinking_delta":
        block["thinking"] += delta["thinking"]
    elif kind == "signature_delta":
        block["signature"] = delta["signature"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
    elif kind == "input_json_delta":
        pieces[index] = pieces.get(index, "") + delta["partial_json"]


_DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "mcp_tool_use": {"input_json_delta"},
}


def obey_event_rules(events: list[dict[str, Any]]) -> None:
    """Anthropic's order: a start, blocks one after the other with rising indexes, a delta of the message, a stop."""
    assert events[0]["type"] == "message_start"
    assert events[0]["message"]["content"] == []
    assert events[-1]["type"] == "message_stop"
    assert events[-2]["type"] == "message_delta"
    assert events[-2]["delta"]["stop_reason"] is not None
    open_block: dict[str, Any] | None = None
    next_index = 0
    for event in events[1:-2]:
        kind = event["type"]
        if kind == "ping":
            continue
        if kind == "content_block_start":
            assert open_block is None, "a block was opened inside of another"
            assert event["index"] == next_index
            open_block = event["content_block"]
        elif kind == "content_block_delta":
            assert open_block is not None
            assert event["index"] == next_index
            assert event["delta"]["type"] in _DELTAS[open_block["type"]]
        else:
            assert kind == "content_block_stop"
            assert open_block is not None
            assert event["index"] == next_index
            open_block, next_index = None, next_index + 1
    assert open_block is None, "a block was left open"


def accepts_event(event: dict[str, Any]) -> None:
    _EVENT.validate_python(event)


def accepts_message(message: dict[str, Any]) -> None:
    BetaMessage.model_validate(message)


def read_back(body: dict[str, Any], facts: ModelFacts = UNKNOWN_MODEL, model: str = "claude") -> WireRequest:
    hub = CODEC.read_request(body, RequestHints(model=model))
    return CODEC.write_request(hub, target(facts, model=body.get("model", model), stream=bool(body.get("stream"))))


def response_of(body: dict[str, Any], **changes: Any) -> ChatResponse:
    return CODEC.read_response(body, reply_context(**changes))


__all__ += ["read_back", "response_of", "write_stream"]
